"""Exports, code and configurations become specs in one command, and what is lost is said."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml

from tests.support.world import World

SPEC = "specs/imported.yaml"
FUNCTION = {"type": "function", "function": {"name": "find", "description": "Finds"}}
EXPORT = {
    "object": "list",
    "data": [
        {
            "id": "asst_1",
            "object": "assistant",
            "created_at": 1700000000,
            "name": "Müller & Söhne",
            "description": None,
            "model": "gpt-4o",
            "instructions": "Answer ${kindly}.\n" * 40,
            "tools": [{"type": "file_search"}, FUNCTION],
            "tool_resources": {"file_search": {"vector_store_ids": ["vs_1"]}},
            "metadata": {},
            "response_format": "auto",
            "temperature": 1.0,
            "colour": "red",
        },
        {
            "id": "asst_2",
            "object": "assistant",
            "created_at": 1690000000,
            "name": "Old",
            "model": "gpt-4",
            "instructions": None,
            "tools": [{"type": "retrieval"}, {"type": "code_interpreter"}, FUNCTION],
            "file_ids": ["file-1"],
        },
    ],
    "has_more": False,
}


def spec(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((world.root / SPEC).read_text(encoding="utf-8"))
    return found


def test_an_export_becomes_specs_that_validate(world: World) -> None:
    """Both APIs' assistants, with names, texts in files and shared functions; what is lost has a
    line; a second run writes nothing; nobody was asked.
    """
    world.write({"export.json": json.dumps(EXPORT)})
    result = world.ok("import", "--from", "export.json")
    assert "warning: `colour` is no field of a spec" in result.out
    assert "0 to mend before it validates, 1 not in the specs" in result.out
    assert spec(world)["assistants"].keys() == {"muller_sohne", "old"}
    assert spec(world)["assistants"]["muller_sohne"]["tools"][1] == {"use": "find"}
    assert spec(world)["vector_stores"]["old_documents"]["files"] == [{"id": "file-1"}]
    text = (world.root / "specs/prompts/muller_sohne.md").read_text(encoding="utf-8")
    assert text == "Answer ${kindly}.\n" * 40
    world.ok("validate")
    before = (world.root / SPEC).read_bytes()
    assert "Wrote" not in world.ok("import", "--from", "export.json").err
    assert (world.root / SPEC).read_bytes() == before
    world.ok("fmt", "--check")
    assert not world.calls


def test_what_would_not_validate_is_named_before(world: World) -> None:
    """The report counts what `validate` says of the specs, at the thing that brings it, once; a
    second time, too, and not what somebody else's spec has.
    """
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": loose}}
    search, odd = {"type": "file_search"}, {"metadata": {"n": 3}}
    first = {"id": "asst_1", "name": "A", "model": "gpt-4o", "tools": [search, search, tool], **odd}
    second = {"id": "asst_2", "name": "B", "instructions": "x", "tools": [tool], **odd}
    world.write({"e.json": json.dumps([first, second]), "specs/mine.yaml": "assistants: {x: {}}\n"})
    for _ in range(2):
        result = world.ok("import", "--from", "e.json")
        assert "error: `assistant.a` has two `file_search` tools" in result.out
        assert "6 to mend before it validates" in result.out
        assert result.out.count("is not valid: `metadata.n: 3` is not text") == 2
        assert result.out.count("model:`") == 1
    document = json.loads(world.ok("import", "--from", "e.json", "--json").out)
    (one, other) = document["found"]
    assert sorted(lost["what"] for lost in one["losses"]) == [
        "assistant.a",
        "assistant.a",
        "tool.f",
        "tool.f",
    ]
    assert one["losses"][0]["path"] == "[0]"
    assert [lost["what"] for lost in other["losses"]] == ["model", "assistant.b"]
    assert not document["losses"]


def test_what_was_mended_by_hand_stays(world: World) -> None:
    """An entry that says something else by now is not written over."""
    world.write({"export.json": json.dumps(EXPORT)})
    world.ok("import", "--from", "export.json")
    place = world.root / SPEC
    place.write_text(place.read_text(encoding="utf-8").replace("gpt-4o", "gpt-5"), "utf-8")
    before = place.read_bytes()
    result = world.ok("import", "--from", "export.json", code=1)
    assert "Already there" in result.err
    assert "assistant.muller_sohne" in result.err
    assert place.read_bytes() == before


def test_code_with_variables(world: World) -> None:
    """Defaults are declared, what nobody knows is named, and the file is found by its path."""
    world.write(
        {
            "docs/a.md": "text",
            "bots/make.py": "import os\nfrom openai import OpenAI\nclient = OpenAI()\n"
            "file = client.files.create(file=open('docs/a.md', 'rb'), purpose='assistants')\n"
            "store = client.vector_stores.create(name='KB', file_ids=[file.id])\n"
            "client.beta.assistants.create(model=os.environ.get('MODEL', 'gpt-4o'), name='A',\n"
            "    instructions=f'Be ${{x}} in {city()}.', tools=[{'type': 'file_search'}],\n"
            "    tool_resources={'file_search': {'vector_store_ids': [store.id]}})\n",
        }
    )
    result = world.ok("import", "--from", "bots")
    assert "bots/make.py:6:1" in result.out
    assert "give `city` a value" in result.out
    assert spec(world)["vector_stores"] == {"kb": {"name": "KB", "files": ["docs/a.md"]}}
    said = spec(world)["assistants"]["a"]
    assert said["instructions"] == "Be $${x} in ${var.city}."
    assert said["tools"] == [{"type": "file_search", "vector_stores": ["kb"]}]
    assert world.run("validate").code == 1
    settings = world.root / "provisioner.yaml"
    settings.write_text(settings.read_text("utf-8") + "  city: Oslo\n", "utf-8")
    world.ok("validate")


def test_the_standard_input_as_a_document(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads what is piped, and `--json` has everything in one document."""
    given = io.BytesIO(json.dumps({"id": "pmpt_1", "version": "2"}).encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    document = json.loads(world.ok("import", "--from", "-", "--json").out)
    (found,) = document["found"]
    assert (found["kind"], found["id"], found["file"]) == ("assistant", "pmpt_1", "<stdin>")
    assert document["written"] == [SPEC]
    assert [(lost["severity"], lost["what"]) for lost in found["losses"]] == [
        ("error", "id"),
        ("error", "assistant.assistant_pmpt_1"),
    ]
    assert "prompt object" in world.ok("validate", code=1).err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "none.json"], "No such source"),
        (["--from", "broken.json"], "broken.json:1:"),
        (["--from", "package.json"], "Nothing found"),
        (["--from", "package.json", "--all"], "Wrong usage"),
        (["--from", "package.json", "--into", "../x.yaml"], "Wrong usage"),
    ],
)
def test_what_cannot_be_read(world: World, words: list[str], said: str) -> None:
    """A problem with its place, and nothing is written."""
    world.write({"broken.json": '{"model": ', "package.json": '{"name": "x"}'})
    assert said in world.ok("import", *words, code=1).err
    assert not (world.root / "specs").exists()


TRIAGE = """
import OpenAI from "openai";
const client = new OpenAI();
export const triage = (mail: string, conversation: string) =>
  client.responses.create({ instructions: "Sort.", model: "gpt-4o", input: mail, conversation });
"""


def test_what_has_no_name_is_called_after_its_file(world: World) -> None:
    """And what an application sends with each request is no variable and nothing to mend."""
    world.write({"src/mail-triage.ts": TRIAGE})
    said = world.ok("import", "--from", "src").out
    assert said.startswith("assistant.mail_triage (src/mail-triage.ts:5:3)\n")
    assert "0 to mend before it validates, 2 not in the specs." in said
    assert spec(world) == {
        "assistants": {"mail_triage": {"model": "gpt-4o", "instructions": "Sort."}}
    }


def test_the_workspace_is_no_source_of_itself(world: World) -> None:
    """Read again, with what was written and applied since, a folder gives what it gave: specs,
    their texts and schemas, `provisioner.yaml` and locks describe nothing new.
    """
    settings = {"service": "local", "api": "responses", "lock": "locks/prod.lock.json"}
    world.write(
        {
            "src/mail-triage.ts": TRIAGE.replace("Sort.", "Sort the mail. " * 40),
            "provisioner.yaml": {"environments": {"prod": settings}},
        }
    )
    world.ok("import", "--from", ".")
    world.apply()
    world.ok("plan", "--out", "prod.plan.json")
    assert world.ok("import", "--from", ".", "--json").json["written"] == []
    assert list(spec(world)["assistants"]) == ["mail_triage"]


def test_ids_that_the_service_may_have_still(world: World) -> None:
    """Stores and files of a source are listed as lines for `imports`: those that a spec names are
    taken over, where an apply would make others.
    """
    world.write({"docs/leave.md": "# Leave\n"})
    file = world.upload("leave.md", b"# Leave\n")
    store = world.http("POST", "/vector_stores", {"name": "KB", "file_ids": [file]})["id"]
    resources = [
        ("vector_store", {"id": store, "name": "KB", "file_ids": [file]}),
        ("file", {"id": file, "filepath": "docs/leave.md", "purpose": "assistants"}),
    ]
    kept = [
        {"type": f"openai_{kind}", "name": "kb", "instances": [{"attributes": attributes}]}
        for kind, attributes in resources
    ]
    world.write(
        {
            "main.tf": 'resource "openai_vector_store" "kb" { name = "Handbook" }',
            "terraform.tfstate": json.dumps({"terraform_version": "1.9.0", "resources": kept}),
        }
    )
    said = world.ok("import", "--from", ".").out
    wanted = {"vector_store.handbook": store, "file.docs/leave.md": file}
    for address, id in wanted.items():
        assert f"\n  - {{to: {address}, id: {id}}}\n" in said
    listed = world.ok("import", "--from", ".", "--json").json["imports"]
    assert listed == [{"to": address, "id": id} for address, id in wanted.items()]
    world.write({"specs/ids.yaml": {"imports": listed}})
    assert set(world.changes().values()) == {"no-op", "update"}
    world.apply()
    assert world.id("vector_store.handbook") == store


def test_old_conversations_become_checks(world: World) -> None:
    """Only where they are asked for; again with more of them, they are added, and what somebody has
    made of the checks meanwhile stays.
    """
    said = [("user", "How many ${days}?"), ("assistant", "27\n- or so")]
    messages = [
        {
            "object": "thread.message",
            "id": f"msg_{thread}{role}",
            "thread_id": f"thread_{thread}",
            "created_at": number,
            "role": role,
            "content": [{"type": "text", "text": {"value": text}}],
            "assistant_id": "asst_1" if role == "assistant" else None,
        }
        for thread in "ab"
        for number, (role, text) in enumerate(said)
    ]
    data = {"data": EXPORT["data"], "messages": messages}
    world.write({"export.json": json.dumps(data), "provisioner.yaml": {"workspace": "acme"}})
    refused = world.ok("import", "--answers", "3", "--all", code=1)
    assert "`--answers` is for `--from`" in refused.err
    result = world.ok("import", "--from", "export.json")
    assert "warning: `threads` has 2 conversations with `Müller & Söhne`" in result.out
    assert "checks" not in spec(world)["assistants"]["muller_sohne"]
    result = world.ok("import", "--from", "export.json", "--answers", "1")
    assert "has 1 conversation more" in result.out and "Wrote" in result.err
    place = world.root / SPEC
    place.write_text(place.read_text(encoding="utf-8").replace("or so", "or more"))
    world.ok("import", "--from", "export.json", "--answers", "2")
    world.ok("validate")
    checks = spec(world)["assistants"]["muller_sohne"]["checks"]
    turn = {"say": "How many $${days}?", "was": "27\n- or more"}
    assert checks == {"thread_a": [turn], "thread_b": [{**turn, "was": "27\n- or so"}]}
    again = world.ok("import", "--from", "export.json", "--answers", "2")
    assert (
        "Wrote" not in again.err and spec(world)["assistants"]["muller_sohne"]["checks"] == checks
    )
