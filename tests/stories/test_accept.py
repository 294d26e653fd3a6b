"""What `accept` writes beside plain fields, what it leaves and says why, and what it never
touches.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.engine.accept import Proposal, Trial, write_specs
from provisioner.errors import SpecError
from provisioner.model import Address
from provisioner.workspace import Workspace
from provisioner.workspace.editing import Edit
from provisioner.yamltext.patches import set_value
from tests.support.accepting import KB, SPEC, A, accept, agreed, changed, in_store, stamped, tools
from tests.support.drifting import clean, drift, sql
from tests.support.injecting import Meanwhile
from tests.support.world import World

SEEDS = int(os.environ.get("PROVISIONER_SEEDS", "2"))


def test_a_flag_where_a_number_was(world: World) -> None:
    """`true` is not 1: the edit is seen, and written into the specs."""
    files = [{"path": "docs/a.md", "attributes": {"final": 1}}]
    world.write({"specs/kb.yaml": {"vector_stores": {"kb": {"files": files}}}, "docs/a.md": "A.\n"})
    world.apply()
    there = world.listed("/vector_stores/${vector_store.kb}/files")[0]
    edited = {"attributes": {**there["attributes"], "final": True}}
    world.http("POST", f"/vector_stores/${{vector_store.kb}}/files/{there['id']}", edited)
    world.ok("accept")
    assert "final: true" in (world.root / "specs/kb.yaml").read_text()
    world.settled()


def test_flags_inside_schemas(world: World) -> None:
    """Nor is it inside of a tool or of a response format."""

    def schema(*values: object) -> dict[str, Any]:
        return {"type": "object", "properties": {"a": {"enum": [*values]}}}

    tool = {"type": "function", "name": "ask", "parameters": schema(1, 0)}
    answer = {"type": "json_schema", "name": "answer", "schema": schema(True, "x")}
    one = {"model": "m", "tools": [tool], "response_format": answer}
    world.write({"specs/all.yaml": {"assistants": {"a": one}}})
    world.apply()
    function = {"name": "ask", "parameters": schema(1, False)}
    format_ = {"name": "answer", "schema": schema(1, "x")}
    edited = {
        "tools": [{"type": "function", "function": function}],
        "response_format": {"type": "json_schema", "json_schema": format_},
    }
    world.http("POST", "/assistants/${assistant.a}", edited)
    world.ok("accept")
    world.settled()


def test_a_flag_that_both_sides_have_by_now(world: World) -> None:
    """Where the specs say what somebody has made of a number at the service, the lock learns it."""

    def schema(value: object) -> dict[str, Any]:
        shape = {"type": "object", "properties": {"a": {"const": value}}}
        return {"name": "answer", "schema": shape, "strict": False}

    def spec(value: object) -> dict[str, Any]:
        format_ = {"type": "json_schema", **schema(value)}
        return {"specs/all.yaml": {"assistants": {"a": {"model": "m", "response_format": format_}}}}

    world.write(spec(1))
    world.apply()
    edited = {"response_format": {"type": "json_schema", "json_schema": schema(True)}}
    world.http("POST", "/assistants/${assistant.a}", edited)
    world.write(spec(True))
    world.apply()
    kept = world.lock()["resources"]["assistant.a"]["fields"]["response_format"]
    assert kept["schema"]["properties"]["a"]["const"] is True


def test_prompts_and_schemas_have_files_of_their_own(ours: World) -> None:
    """A prompt keeps its byte-order mark and line ends; a JSON Schema its layout; the specs stay as
    they are.
    """
    ours.http(
        "POST",
        "/assistants/${assistant.triage}",
        {"instructions": "Sort it.\nAsk: why?\nBe quick.\n"},
    )
    new = tools(ours)
    schema = next(
        tool["function"] for tool in new if tool.get("function", {}).get("name") == "by_file"
    )
    schema["parameters"]["properties"]["id"]["description"] = "The id"
    ours.http("POST", f"/assistants/${{{A}}}", {"tools": new})
    found = accept(ours, "--json").json["accepted"]
    assert [(one["file"], one["line"]) for one in found] == [
        ("schemas/by_file.json", 4),
        ("prompts/triage.md", 2),
    ]
    prompt = (ours.root / "prompts/triage.md").read_bytes()
    assert prompt == b"\xef\xbb\xbfSort it.\r\nAsk: why?\r\nBe quick.\r\n"
    assert (
        '    "id": {"type": "string", "description": "The id"}\n'
        in (ours.root / "schemas/by_file.json").read_text()
    )
    assert changed(ours) == []
    agreed(ours)


def test_a_prompt_that_was_emptied(ours: World) -> None:
    """A prompt file says something: where nothing is live, the specs say null instead."""
    ours.http("POST", "/assistants/${assistant.triage}", {"instructions": ""})
    accept(ours)
    assert changed(ours) == [
        "-     instructions: {file: prompts/triage.md}",
        "+     instructions: null",
    ]
    agreed(ours)


def test_tools_keep_their_place(ours: World) -> None:
    """One tool renamed, one gone, one new with a file of ours: the others keep their lines and
    comments.
    """
    new = [tool for tool in tools(ours) if tool.get("function", {}).get("name") != "weather"]
    next(tool for tool in new if tool.get("function", {}).get("name") == "find_user")["function"][
        "name"
    ] = "find"
    resources = ours.http("GET", f"/assistants/${{{A}}}")["tool_resources"]
    resources["code_interpreter"] = {
        "file_ids": [ours.id("file.data/sales.csv"), ours.upload("x.csv", b"1\n")]
    }
    body = {"tools": [*new, {"type": "code_interpreter"}], "tool_resources": resources}
    ours.http("POST", f"/assistants/${{{A}}}", body)
    accept(ours)
    unmanaged = resources["code_interpreter"]["file_ids"][1]
    assert changed(ours) == [
        "-         name: find_user",
        "+         name: find",
        "-       - use: weather",
        f"+       - {{type: code_interpreter, files: [data/sales.csv, {{id: {unmanaged}}}]}}",
    ]
    agreed(ours)


def hands_on(address: str, **body: Any) -> Callable[[World], object]:
    collection = {"assistant": "assistants", "vector_store": "vector_stores"}[
        address.partition(".")[0]
    ]
    return lambda world: world.http("POST", f"/{collection}/${{{address}}}", body)


def shared_tool(world: World) -> None:
    new = tools(world)
    next(tool for tool in new if tool.get("function", {}).get("name") == "weather")["function"][
        "description"
    ] = "Rain"
    world.http("POST", f"/assistants/${{{A}}}", {"tools": new})


def label(file: str) -> Callable[[World], object]:
    return lambda world: in_store(
        world,
        "POST",
        {"attributes": {**in_store(world, file=file)["attributes"], "team": "x"}},
        file,
    )


def loose(world: World) -> None:
    id = json.loads(json.dumps(world.lock()))["resources"][KB]["fields"]["files"]
    found = next(item["id"] for path, item in id.items() if path.startswith("id:"))
    world.http("DELETE", f"/vector_stores/${{{KB}}}/files/{found}")


def common(world: World) -> None:
    have = stamped(world, {"team": "sales"}, "assistant.twin")
    world.http("POST", "/assistants/${assistant.twin}", {"metadata": have})


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (hands_on("assistant.triage", model="gpt-5.6"), "`${var.model}` holds `${…}`"),
        (hands_on("assistant.tone", instructions="New.\n"), "put together from several files"),
        (
            hands_on("assistant.twin", instructions="New.\n"),
            "would change `assistant.twin_two#instructions` as well",
        ),
        (hands_on("assistant.triage", instructions="CR\r\nLF\r\n"), "lines end with CRLF"),
        (
            lambda world: sql(
                world, "UPDATE files SET purpose = 'batch' WHERE id = ?", "file.data/form.pdf"
            ),
            "the specs would be faulty: `file.form` has the purpose `batch`",
        ),
        (common, "comes from the anchor `&common`"),
        (shared_tool, "is the shared tool `weather`"),
        (
            lambda world: in_store(world, "DELETE", file="docs/g/one.md"),
            "the pattern `docs/g/*.md` names it",
        ),
        (loose, "no entry of `files:` spells it out"),
        (
            lambda world: sql(
                world,
                "UPDATE store_files SET status = 'failed' WHERE file_id = ?",
                "file.docs/a.md",
            ),
            "is a state, not a setting",
        ),
        (lambda world: world.http("DELETE", f"/assistants/${{{A}}}"), "is gone from the service"),
        (
            lambda world: sql(
                world, "UPDATE vector_stores SET last_active_at = 0 WHERE id = ?", KB
            ),
            "has expired",
        ),
    ],
)
def test_what_has_no_single_place_is_left(
    ours: World, edit: Callable[[World], object], reason: str
) -> None:
    """It is listed with its reason and nothing is guessed; what can be accepted is written all the
    same.
    """
    edit(ours)
    ours.http("POST", "/assistants/${assistant.twin_two}", {"model": "o5"})
    found = accept(ours, "--json", code=1).json
    assert [one["path"] for one in found["accepted"]] == ["model"]
    assert changed(ours) == ["-     model: gpt-4o", "+     model: o5"]
    assert len(found["not_accepted"]) == 1
    assert reason in found["not_accepted"][0]["reason"] and found["not_accepted"][0]["hint"]
    again = accept(ours, code=1).out
    assert reason in again and again.endswith("0 fields in 0 files, 1 not accepted.\n")


def test_two_users_of_one_prompt(ours: World) -> None:
    """Even where somebody typed the same into both, the shared prompt belongs to neither."""
    for name in ("twin", "twin_two"):
        ours.http("POST", f"/assistants/${{assistant.{name}}}", {"instructions": "New.\n"})
    left = accept(ours, "--json", code=1).json["not_accepted"]
    assert [(one["address"], one["path"]) for one in left] == [
        ("assistant.twin", "instructions"),
        ("assistant.twin_two", "instructions"),
    ]
    assert (ours.root / "prompts/shared.md").read_text(encoding="utf-8") == "Shared.\n"


def test_only_what_is_asked_for(ours: World) -> None:
    """An address, or one field of it; everything else stays drift. Nothing drifted is not an error, an
    unknown name is.
    """
    assert ours.plan()["orphans"] == []  # the file of somebody else in our store is none
    assert accept(ours).out == "Nothing to accept: nobody changed anything outside.\n"
    ours.http("POST", f"/assistants/${{{A}}}", {"model": "o5", "top_p": 0.5})
    ours.http("POST", f"/vector_stores/${{{KB}}}", {"name": "Book"})
    assert accept(ours, f"{A}#metadata", "file.docs/a.md").out.startswith("Nothing to accept")
    accept(ours, f"{A}#model")
    assert [line[:12] for line in changed(ours)] == ["-     model:", "+     model:"]
    accept(ours, KB)
    assert len(changed(ours)) == 4
    wrong = accept(ours, "assistant.suport", code=1)
    assert "Unknown address" in wrong.err and "did you mean `assistant.support`?" in wrong.err
    accept(ours)
    agreed(ours)


def test_broken_specs_are_refused_first(ours: World) -> None:
    """Nobody asks the service, and nothing is written."""
    broken = SPEC.replace("temperature: 0.3", "temperature: 3")
    ours.write({"specs/all.yaml": broken})
    assert "Value out of range" in accept(ours, code=1).err
    assert ours.calls == [] and changed(ours, broken) == []


TEMPERATURE = "    temperature: 0.3            # calm\n"
PENDING = (
    SPEC.replace("top_p: 0.9", "top_p: 0.1").replace(TEMPERATURE, "").replace("Answers", "Replies")
)


def test_a_pending_edit_of_our_own_gives_way(ours: World) -> None:
    """What changed on both sides is what is live; a field that the specs no longer had comes back;
    other pending edits stay.
    """
    ours.http("POST", f"/assistants/${{{A}}}", {"top_p": 0.5, "temperature": 0.7})
    ours.write({"specs/all.yaml": PENDING})
    accept(ours)
    assert changed(ours, PENDING) == [
        "-     top_p: 0.1",
        "+     top_p: 0.5",
        "+     temperature: 0.7",
    ]
    clean(ours)
    assert ours.changes() == {A: "update"}


def test_other_environments_are_told(ours: World) -> None:
    """A literal that other environments share changes them as well, and is said to; a file that
    something else uses there is not touched.
    """
    config = (ours.root / "provisioner.yaml").read_text(encoding="utf-8")
    more = "environments: {local: {service: local}, staging: {service: 'http://s.example/v1'}}\n"
    ours.write({"provisioner.yaml": config + more})
    more = (
        "assistants:\n  beta: {only: [staging], model: m, instructions: {file:"
        " prompts/triage.md}}\n"
    )
    ours.write({"specs/beta.yaml": more})
    ours.http("POST", f"/assistants/${{{A}}}", {"top_p": 0.5})
    ours.http("POST", "/assistants/${assistant.triage}", {"instructions": "New.\n"})
    found = accept(ours, "-e", "local", code=1).out
    assert f"~ {A}#top_p  (also changes `staging`)  specs/all.yaml:" in found
    assert "it would change `assistant.beta#instructions` in `staging` as well" in found
    assert (ours.root / "prompts/triage.md").read_bytes().endswith(b"Be quick.\r\n")


def test_a_file_with_two_names(ours: World) -> None:
    """A prompt that somebody else reads through a link has two users, whatever its names are."""
    (ours.root / "prompts/link.md").symlink_to("triage.md")
    ours.write(
        {
            "specs/link.yaml": {
                "assistants": {"link": {"model": "m", "instructions": {"file": "prompts/link.md"}}}
            }
        }
    )
    ours.apply()
    ours.http("POST", "/assistants/${assistant.triage}", {"instructions": "New.\n"})
    assert "it would change `assistant.link#instructions` as well" in accept(ours, code=1).out
    ours.write({"specs/link.yaml": None})
    ours.apply("--on-drift", "overwrite")


def test_an_edit_in_the_meantime_is_not_lost(ours: World) -> None:
    """Somebody saves the specs while the service is asked: their work stays, and what it touches is
    not accepted.
    """
    ours.http("POST", f"/assistants/${{{A}}}", {"top_p": 0.5})
    edited = SPEC.replace("temperature: 0.3", "temperature: 0.4")

    def save(method: str, path: str) -> None:
        (ours.root / "specs/all.yaml").write_text(edited, encoding="utf-8")

    with ours.behind(Meanwhile(before=save)):
        assert "it would change `assistant.support#temperature` as well" in accept(ours, code=1).out
    assert changed(ours, edited) == []


def test_files_are_written_whole_or_not_at_all(world: World) -> None:
    """Neither over what somebody saved in the last moment, nor where the disk refuses; and nothing
    is left behind.
    """
    spec = "assistants: {a: {model: m}}  # ours\n"
    world.write({"specs/all.yaml": spec})
    trial = Trial(Workspace.open(world.root), "local", {}, date.today())
    edit = Edit("specs/all.yaml", set_value(("assistants", "a", "model"), "o5"))
    proposal = Proposal(Address("assistant", "a"), "model", "m", "o5", (edit,))
    assert trial.possible([proposal]) == ([proposal], {})
    world.write({"specs/all.yaml": f"# Saved.\n{spec}"})
    with pytest.raises(SpecError, match="was changed while"):
        write_specs(trial, [proposal])
    world.write({"specs/all.yaml": spec})
    (world.root / "specs/all.yaml.tmp").mkdir()
    with pytest.raises(SpecError, match="cannot be written"):
        write_specs(trial, [proposal])
    (world.root / "specs/all.yaml.tmp").rmdir()
    assert changed(world, spec) == []
    write_specs(trial, [proposal])
    assert changed(world, spec) == ["- " + spec[:-1], "+ assistants: {a: {model: o5}}  # ours"]
    assert [path.name for path in (world.root / "specs").iterdir()] == ["all.yaml"]


HOSTILE = [
    "NO",
    "1e3",
    "a: b # c",
    "'",
    '"',
    " lead",
    "trail ",
    "😀",
    "one\ntwo",
    "one\ntwo\n\n",
    "\n  in\n",
    "cr\r\nlf\r\n",
]
HOSTILE += [
    "${var.model} $${x}",
    "\x07\u2028",
    "- x",
    "{x: [",
    "|",
    "x" * 250,
    "\t",
    "---\n...",
    "ünï\xa0",
    "\ufeffmark",
]
HOSTILE += ["A line of a long prompt.\n" * 10_000]


@pytest.mark.thorough
def test_hostile_texts_come_back_as_they_were(world: World) -> None:
    """Whatever somebody types into a dashboard is said by the specs, or refused with a reason;
    comments survive.
    """
    lines = ["assistants:"]
    for number in range(len(HOSTILE)):
        lines += [
            f"  a{number}: {{model: m, instructions: x, metadata: {{k: v}}}}  # flow {number}"
        ]
        lines += [
            f"  b{number}:",
            "    model: m",
            "    instructions: |  # block",
            "      x",
            f"    # end {number}",
        ]
        lines += [f"  p{number}: {{model: m, instructions: {{file: prompts/{number}.md}}}}"]
        world.write({f"prompts/{number}.md": "x\n"})
    spec = "\n".join(lines) + "\n"
    world.write(
        {
            "provisioner.yaml": {"workspace": "acme", "variables": {"model": "m"}},
            "specs/all.yaml": spec,
        }
    )
    world.apply()
    for number, text in enumerate(HOSTILE):
        for name in ("a", "b", "p"):
            address = f"assistant.{name}{number}"
            metadata = (
                {"metadata": stamped(world, {"k": text[:99]}, address)} if name == "a" else {}
            )
            body = {"instructions": text, **metadata}
            asyncio.run(
                world._http("POST", f"/assistants/{world.id(address)}", body, 200)
            )  # `${` is text here
    found = accept(world, "--json", code=1).json
    refused = [
        f"assistant.p{number}"
        for number, text in enumerate(HOSTILE)
        if "\r\n" in text or "\ufeff" in text
    ]
    assert [one["address"] for one in found["not_accepted"]] == refused
    assert {row["address"] for row in drift(world)["resource_drift"]} == set(refused)
    assert sorted(world.changes()) == refused
    after = (world.root / "specs/all.yaml").read_text(encoding="utf-8")
    for number in range(len(HOSTILE)):
        assert f"  # flow {number}\n" in after and f"\n    # end {number}\n" in after
    assert after.count("# block") == len(HOSTILE)


FIELDS: dict[str, list[Any]] = {
    "name": ["A", "b: c", "NO", ""],
    "description": ["", "it's", "# x"],
    "instructions": ["Be kind.", "One.\nTwo.\n", "", "  in\n"],
    "temperature": [0, 0.5, 1, 2],
    "top_p": [0.25, 1],
    "reasoning_effort": [None, "low", "high"],
    "tools": [
        [],
        [{"type": "code_interpreter"}],
        [{"type": "file_search", "file_search": {"max_num_results": 5}}],
    ],
    "response_format": ["auto", {"type": "json_object"}],
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_edits_keep_every_comment(world: World, seed: int) -> None:
    """Fields of commented specs edited at random: afterwards nothing drifts or is planned, and no
    comment is lost.
    """
    draw = random.Random(seed)
    spelt = {
        "name": "'Bot'",
        "description": '"Old"',
        "instructions": ">\n      Old\n      text.",
        "temperature": "0.30",
    }
    spelt |= {
        "top_p": "0.9",
        "reasoning_effort": "medium",
        "tools": "[file_search]",
        "response_format": "text",
    }
    lines = ["assistants:"]
    for number in range(12):
        lines += [f"  a{number}:   # {number}", "    model: m"]
        for field in draw.sample(sorted(spelt), draw.randint(2, 8)):
            head, *below = spelt[field].split("\n")
            lines += [
                f"    # above {number} {field}",
                f"    {field}: {head}   # beside {number} {field}",
                *below,
            ]
        lines += [""] * draw.randint(0, 1)
    spec = "\n".join(lines)
    world.write({"specs/all.yaml": spec})
    world.apply()
    for _ in range(30):
        field = draw.choice(sorted(FIELDS))
        world.http(
            "POST",
            f"/assistants/${{assistant.a{draw.randrange(12)}}}",
            {field: draw.choice(FIELDS[field])},
        )
    accept(world)
    after = (world.root / "specs/all.yaml").read_text(encoding="utf-8")
    assert re.findall("# .*", after) == re.findall("# .*", spec)
    agreed(world)


def test_stores_drift_under_responses_too(world: World) -> None:
    """Request profiles cannot drift; what they name can, and is taken over."""
    spec = (
        "vector_stores:\n  kb:\n    name: Book  # ours\nassistants: {a: {model: m, api:"
        " responses}}\n"
    )
    world.write({"specs/all.yaml": spec})
    world.apply()
    world.http("POST", f"/vector_stores/${{{KB}}}", {"name": "Books"})
    accept(world)
    assert changed(world, spec) == ["-     name: Book  # ours", "+     name: Books  # ours"]
    agreed(world)


def test_a_policy_is_not_broken(ours: World) -> None:
    """A model that the policies do not allow is not written, whoever chose it; what was asked for
    is named.
    """
    config = yaml.safe_load((ours.root / "provisioner.yaml").read_text())
    ours.write({"provisioner.yaml": {**config, "policies": {"models": {"allow": ["gpt-4o"]}}}})
    ours.http("POST", f"/assistants/${{{A}}}", {"model": "gpt-3.5-turbo"})
    found = accept(ours, "--json", code=1).json
    assert (
        found["accepted"] == []
        and "which the policy `models` does not allow" in found["not_accepted"][0]["reason"]
    )
    assert changed(ours) == []
    assert f"nobody changed `{A}#name` outside." in accept(ours, f"{A}#name").out


def test_accepting_a_field_that_does_not_exist(ours: World) -> None:
    """A misspelt field is no success; a field that nobody changed still is one."""
    ours.http("POST", f"/assistants/${{{A}}}", {"temperature": 0.9})

    wrong = ours.ok("accept", f"{A}#temprature", code=1)

    assert "has no field `temprature`" in wrong.err
    assert "did you mean `temperature`?" in wrong.err
    assert "nobody changed" in ours.ok("accept", f"{A}#top_p").out


def test_accepting_that_a_document_of_a_pattern_went(ours: World) -> None:
    """The pattern can leave the document out, and the hint has the entry to paste."""
    file = ours.id("file.docs/g/two.md")
    ours.http("DELETE", f"/vector_stores/${{{KB}}}/files/{file}")

    refused = ours.ok("accept", code=1).out

    entry = "{path: docs/g/*.md, exclude: [docs/g/two.md]}"
    assert f"write the entry as `{entry}`" in refused
    spec = (ours.root / "specs/all.yaml").read_text()
    ours.write({"specs/all.yaml": spec.replace("- docs/g/*.md ", f"- {entry} ")})
    assert ours.changes()["file.docs/g/two.md"] == "delete"
    ours.http("DELETE", f"/vector_stores/${{{KB}}}/files/{ours.id('file.docs/g/one.md')}")
    assert "add `docs/g/one.md` to `exclude:` of that entry" in ours.ok("accept", code=1).out


def test_for_a_pull_request(ours: World) -> None:
    """As Markdown: short values side by side, texts as diffs, what is left with its reason; nothing
    that somebody wrote at the service links, closes a fence or passes for a line of ours. `--out`
    saves the data, with the files that were written, and never among the specs.
    """
    hostile = "Be kind.\n```\n<!-- provisioner:place x -->\n@everyone\n"
    edits = {"description": "@everyone `x` <b>", "top_p": 0.5, "instructions": hostile}
    ours.http("POST", f"/assistants/${{{A}}}", edits)
    ours.http("POST", "/assistants/${assistant.triage}", {"model": "o5", "instructions": "New.\n"})
    words = ("--format", "markdown", "--out")
    for name in ("specs/x.json", "x.lock.json", "docs"):
        assert "Wrong usage" in accept(ours, *words, name, code=1).err
    assert changed(ours) == []
    text = accept(ours, *words, "found.json", code=1).out

    assert text.startswith("<!-- provisioner:accept acme/local -->\n### Accepted from acme/local\n")
    assert "**Accepted: 4 fields in 2 files, 1 not accepted.**" in text
    assert "! assistant.support#top_p: 0.9 → 0.5  specs/all.yaml:" in text
    assert "\n+New." in text and "`${var.model}` holds `${…}`" in text
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", text, flags=re.M | re.S)
    assert "everyone" in text and "everyone" not in outside
    assert text.count("<!-- provisioner:") == 1 and "<! -- provisioner:place" in text
    found = json.loads((ours.root / "found.json").read_text(encoding="utf-8"))
    assert found["files"] == ["prompts/triage.md", "specs/all.yaml"]
    assert [one["path"] for one in found["not_accepted"]] == ["model"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_result_without_room(ours: World, words: tuple[str, ...]) -> None:
    """What was written into the specs is told all the same, as one document where it is JSON."""
    ours.http("POST", f"/assistants/${{{A}}}", {"top_p": 0.5})
    done = accept(ours, *words, "--out", "/dev/full", code=1)
    assert changed(ours) == ["-     top_p: 0.9", "+     top_p: 0.5"]
    told = json.loads(done.out)["files"] if words else done.out
    assert "specs/all.yaml" in told
    assert "Result not saved" in done.err and "`/dev/full` cannot be written" in done.err
    assert "hint: make room on the disk" in done.err


def test_a_pull_request_has_limits(ours: World) -> None:
    """However much was edited, the text has room in a pull request, and says what is left out."""
    ours.http("POST", "/assistants/${assistant.triage}", {"instructions": "ä€ x\n" * 20_000})
    text = accept(ours, "--format", "markdown").out
    assert len(text.encode()) < 65_000 and "the changed files have all of it" in text


def test_a_key_is_not_taken_over(ours: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has pasted a key that is known here: it comes into no file, nor into what is said."""
    key = "sk-proj-0123456789abcdefghij"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    ours.http("POST", "/assistants/${assistant.triage}", {"instructions": f"Use {key}.\n"})
    found = accept(ours, "--format", "markdown", code=1).out
    assert "holds a secret" in found and key not in found
    assert key not in (ours.root / "prompts/triage.md").read_text(encoding="utf-8-sig")
