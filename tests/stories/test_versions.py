"""The versions of a request profile: listed, compared, and put back when minutes count."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import provisioner
from provisioner.engine import open_context
from provisioner.engine.partners import partner
from tests.support.world import World

A, KB = "assistant.support", "vector_store.kb"
LOCK = ".provisioner/local/lock.json"
COMMITS = ("a" * 40, "b" * 40, None)


def config(api: str = "responses", **more: Any) -> dict[str, Any]:
    local = {"service": "local", "api": api, **more}
    return {"provisioner.yaml": {"workspace": "acme", "environments": {"local": local}}}


def spec(temperature: float, tone: str, **more: Any) -> dict[str, Any]:
    tools = [{"type": "file_search", "vector_stores": ["kb"]}]
    support = {
        "model": "gpt-4o",
        "temperature": temperature,
        "reasoning_effort": "low",
        "instructions": f"You answer.\nBe {tone}.\n",
        "metadata": {"team": "hr"},
        "tools": tools,
        **more,
    }
    return {
        "specs/a.yaml": {
            "vector_stores": {"kb": {"files": ["a.md"]}},
            "assistants": {"support": support},
        }
    }


FIRST, SECOND, THIRD = spec(0.2, "kind"), spec(0.3, "kind"), spec(0.3, "rude")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of which three versions were applied, two of them by a commit."""
    found = World(tmp_path_factory.mktemp("history"))
    found.write({**config(), "a.md": "Hello.\n", **FIRST})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provisioner.local, "create_app", found.app)
        patch.delenv("PROVISIONER_ENV", raising=False)
        for specs, commit in zip((FIRST, SECOND, THIRD), COMMITS, strict=True):
            found.write(specs)
            found.ok("apply", "-y", *(["--commit", commit] if commit else []))
    return found.root


@pytest.fixture
def ours(world: World, history: Path) -> World:
    """A copy of it, service and all."""
    shutil.copytree(history, world.root, dirs_exist_ok=True)
    return world


def entry(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.lock()["resources"][A]
    return found


def plain(request: dict[str, Any]) -> dict[str, Any]:
    """A request without our stamp."""
    labels = {key: value for key, value in request["metadata"].items() if key != "provisioner"}
    return {**request, "metadata": labels}


def write_entry(world: World, **changed: Any) -> None:
    lock = world.lock()
    lock["resources"][A].update(changed)
    world.write({LOCK: json.dumps(lock)})


def test_they_are_listed(ours: World) -> None:
    """With commit, time and what changed, the newest first; what nobody knows is said to be."""
    table = ours.ok("versions", A).out.splitlines()
    assert table[0] == f"{A} in `local`: 3 versions are kept."
    assert [line.split()[0] for line in table[2:]] == ["version", "3", "2", "1"]
    assert table[3].endswith(" UTC  -             instructions")
    assert table[4].endswith(f" UTC  {'b' * 12}  temperature")
    assert table[5].endswith(f" UTC  {'a' * 12}  the first one")

    document = ours.ok("versions", A, "--json").json
    assert (document["address"], document["environment"], document["keep_versions"]) == (
        A,
        "local",
        3,
    )
    listed = document["versions"]
    assert [one["version"] for one in listed] == [3, 2, 1]
    assert [one["commit"] for one in listed] == [None, "b" * 40, "a" * 40]
    assert [one["changed"] for one in listed] == [["instructions"], ["temperature"], []]
    assert all(one["complete"] and one["ids"] == [ours.id(KB)] for one in listed)
    assert listed[0]["written"] >= listed[2]["written"].replace("Z", "+00:00")


def test_two_are_compared(ours: World) -> None:
    """In every view that a plan has, from the first one named to the other, or to the newest."""
    shown = ours.ok("diff", f"{A}@1", f"{A}@3").out
    assert f"`{A}` in `local`, from version 1 to 3:" in shown
    assert "~ temperature: 0.2 → 0.3\n" in shown
    assert "-Be kind.\n" in shown and "+Be rude.\n" in shown
    assert shown.endswith("\n2 fields differ.\n")
    assert ours.ok("diff", f"{A}@1").out == shown
    assert "~ temperature: 0.3 → 0.2\n" in ours.ok("diff", f"{A}@3", f"{A}@1").out
    same = "No difference: both versions send the same request.\n"
    assert ours.ok("diff", f"{A}@2", f"{A}@2").out == same

    document = ours.ok("diff", f"{A}@1", f"{A}@2", "--json").json
    assert document["changed_fields"] == [{"path": "temperature", "before": 0.2, "after": 0.3}]
    assert (document["from"]["version"], document["to"]["version"]) == (1, 2)
    markdown = ours.ok("diff", f"{A}@1", f"{A}@3", "--format", "markdown").out
    page = ours.ok("diff", f"{A}@1", f"{A}@3", "--format", "html").out
    for text in (markdown, page):
        assert "version 1 → 3" in text and "rude" in text
    assert page.startswith("<!doctype html>")


def test_an_older_one_is_put_back(ours: World) -> None:
    """It is the newest again, byte for byte but for its stamp: for output, for applications, for
    conversations. The serial is one higher, nothing at the service is touched.
    """
    before, serial = entry(ours), ours.lock()["serial"]
    first = before["versions"][1]
    ours.calls.clear()
    done = ours.ok("rollback", A, "--to", "1", "-y")

    assert "(version 1 again)" in done.out and "~ temperature: 0.3 → 0.2\n" in done.out
    assert done.out.endswith("Rollback complete! Resources: 1 changed.\n")
    assert {method for method, _ in ours.calls} == {"GET"}
    now = entry(ours)
    assert (now["version"], now["digest"], now["restores"]) == (4, first["digest"], 1)
    assert now["fields"] == first["fields"] and ours.lock()["serial"] == serial + 1
    assert plain(now["request"]) == plain(first["request"])
    assert list(now["request"]) == list(first["request"])
    assert now["request"]["metadata"]["provisioner"] == f"acme/local/{A}@4"
    assert [one["version"] for one in now["versions"]] == [3, 2]
    request = now["request"]
    assert ours.ok("output", A, "--json").json[A]["request"] == request
    assert provisioner.load("local", ours.root)["support"].request == request
    assert partner(open_context(ours.root), "support").request == request
    assert "version 1 again: temperature, instructions" in ours.ok("versions", A).out


def test_the_specs_are_pending_until_they_follow(ours: World) -> None:
    """The difference is a change of our own and no drift, in every plan; once the specs say what
    was put back, nothing is left to do.
    """
    ours.ok("rollback", A, "--to", "1", "-y")
    for words in ((), ("--no-refresh",)):
        plan = ours.plan(*words)
        [row] = plan["resource_changes"]
        assert row["action_reason"] == "spec_changed" and plan["resource_drift"] == []
        fields = {field["path"]: field["drift"] for field in row["changed_fields"]}
        assert fields == {"temperature": None, "instructions": None}
        assert any("was rolled back to version 1" in note for note in plan["notes"])
    ours.ok("drift")
    [pending] = ours.ok("drift", "--pending", "--json").json["resource_drift"]
    assert (pending["address"], pending["drift"]) == (A, "local")
    ours.write(FIRST)
    ours.settled()
    ours.write(THIRD)
    ours.apply()
    assert (entry(ours)["version"], "restores" in entry(ours)) == (5, False)
    assert ours.plan()["notes"] == []


def test_nothing_is_written_unasked(ours: World) -> None:
    """Without a terminal it shows what it would do, and asks for `-y`."""
    before = (ours.root / LOCK).read_bytes()
    asked = ours.ok("rollback", A, "--to", "2", code=1)

    assert (
        "Be kind." in asked.out and "hint: review the plan and add `--auto-approve`\n" in asked.err
    )
    events = ours.ok("rollback", A, "--to", "2", "--json", code=1).events
    assert events[-1]["type"] == "summary" and "Approval needed" in str(events[-1])
    assert (ours.root / LOCK).read_bytes() == before


@pytest.mark.thorough
def test_events(ours: World) -> None:
    """With `--json` it is a stream of events, as an apply is."""
    events = ours.ok("rollback", A, "--to", "2", "-y", "--json").events
    assert [event["type"] for event in events] == ["plan", "started", "done", "summary"]
    [row] = events[0]["resource_changes"]
    assert (row["action_reason"], row["restores"]) == ("rolled_back", 2)
    assert (events[-1]["changed"], events[-1]["serial"]) == (1, ours.lock()["serial"])
    [again] = ours.ok("rollback", A, "--to", "2", "-y", "--json").events
    assert (again["type"], again["changed"]) == ("summary", 0)


def test_one_after_another(ours: World) -> None:
    """There and back. What is the newest already, or is sent by it, is left alone, also where the
    version itself is not kept any more.
    """
    third = entry(ours)
    ours.ok("rollback", A, "--to", "1", "-y")
    for to in ("4", "1"):
        before = (ours.root / LOCK).read_bytes()
        assert ours.ok("rollback", A, "--to", to, "-y").out.startswith("Nothing to do: ")
        assert (ours.root / LOCK).read_bytes() == before
    ours.ok("rollback", A, "--to", "3", "-y")
    now = entry(ours)
    assert (now["version"], now["digest"], now["fields"]) == (5, third["digest"], third["fields"])
    assert [one["version"] for one in now["versions"]] == [4, 3]
    ours.settled()


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (0, "never had a version 0"),
        (9, "never had a version 9"),
        (1, "Version 1 of `assistant.support` is not kept"),
    ],
)
def test_a_version_that_is_not_there(ours: World, to: int, says: str) -> None:
    """What is kept is named, and the way that always works."""
    write_entry(ours, versions=entry(ours)["versions"][:1])
    for words in (("rollback", A, "--to", str(to), "-y"), ("diff", f"{A}@{to}")):
        refused = ours.ok(*words, code=1).err
        assert says in refused and "kept are `3` and `2`" in refused and "git revert" in refused


def test_what_it_names_is_gone(ours: World) -> None:
    """Requests that would fail are not put back, and nothing is written."""
    store = ours.id(KB)
    ours.http("DELETE", f"/vector_stores/{store}")
    before = (ours.root / LOCK).read_bytes()
    refused = ours.ok("rollback", A, "--to", "1", "-y", code=1).err

    assert f"Version 1 of `{A}` names the vector store `{store}`" in refused
    assert "`git revert COMMIT`, and apply" in refused
    assert (ours.root / LOCK).read_bytes() == before


@pytest.mark.thorough
def test_a_checkout_that_is_behind(ours: World) -> None:
    """Whoever has not the newest lock rolls nothing back."""
    lock = (ours.root / LOCK).read_text(encoding="utf-8")
    store = spec(0.3, "rude")["specs/a.yaml"]
    store["vector_stores"]["kb"]["metadata"] = {"team": "hr"}
    ours.write({"specs/a.yaml": store})
    ours.apply()
    ours.write({LOCK: lock})
    assert "Lock is behind" in ours.ok("rollback", A, "--to", "1", "-y", code=1).err


@pytest.mark.thorough
def test_specs_that_are_broken_do_not_matter(ours: World) -> None:
    """When minutes count, nobody has to mend them first."""
    ours.write({"specs/a.yaml": "assistants: ["})
    ours.ok("rollback", A, "--to", "1", "-y")
    assert entry(ours)["restores"] == 1


@pytest.mark.parametrize("api", ["agents", "assistants"])
def test_it_has_moved_to_another_api(ours: World, api: str) -> None:
    """What is kept for deployed applications is listed and compared as before; what there is since
    then has no number, and that is said. Back, it is counted on, and compared across the move.
    """
    last, before, _ = ours.ok("versions", A, "--json").json["versions"]
    compared = ours.ok("diff", f"{A}@2", f"{A}@3", "--json").json["changed_fields"]
    moved = config(api)
    moved["provisioner.yaml"]["environments"]["local"]["accept_loss"] = [
        "temperature",
        "tools.file_search",
    ]
    ours.write(moved)
    ours.apply()
    assert ours.lock()["resources"][A]["api"] == api

    said = ours.ok("versions", A, "--json").json
    assert (said["api"], said["versions"]) == (api, [last, {**before, "changed": None}])
    head, *_ = ours.ok("versions", A).out.splitlines()
    assert head.endswith(
        f"2 versions are kept of the request profile that it was before `api: {api}`."
    )
    for words in (("diff", f"{A}@2"), ("diff", f"{A}@2", f"{A}@3")):
        assert ours.ok(*words, "--json").json["changed_fields"] == compared
    for words in (("diff", f"{A}@2", f"{A}@4"), ("diff", f"{A}@4")):
        refused = ours.ok(*words, code=1).err
        assert f"since version 3 it is an object through `api: {api}`" in refused
        assert "kept are `3` and `2`" in refused
    refused = ours.ok("rollback", A, "--to", "1", code=1).err
    assert "once it is a profile again" in refused

    ours.write({**config(), **spec(0.5, "rude")})
    ours.apply()
    assert [one["version"] for one in ours.ok("versions", A, "--json").json["versions"]] == [
        4,
        3,
        2,
    ]
    [field] = ours.ok("diff", f"{A}@3", f"{A}@4", "--json").json["changed_fields"]
    assert (field["path"], field["before"], field["after"]) == ("temperature", 0.3, 0.5)


def test_what_is_an_object_has_no_versions(world: World) -> None:
    """Under `api: assistants`, and for anything that is not an assistant, git is the way."""
    world.write({**config("assistants"), "a.md": "Hello.\n", **FIRST})
    world.apply()
    for address in (A, KB):
        for words in (
            ("versions", address),
            ("diff", f"{address}@1"),
            ("rollback", address, "--to", "1"),
        ):
            refused = world.ok(*words, code=1).err
            assert "No versions" in refused and "with `git revert COMMIT`, and apply" in refused
    assert "did you mean" in world.ok("versions", "assistant.suport", code=1).err


@pytest.mark.thorough
def test_protection_stays(ours: World) -> None:
    """Rolling back lifts no protection that has been put on since, and puts none on."""
    ours.write(spec(0.3, "rude", lifecycle={"protect": True}))
    ours.apply()
    ours.ok("rollback", A, "--to", "1", "-y")
    assert entry(ours)["protected"] is True
    assert "lifecycle.protect" not in str(ours.plan()["resource_changes"])


@pytest.mark.thorough
@pytest.mark.parametrize("keep", [1, 2])
def test_as_many_as_are_to_be_kept(ours: World, keep: int) -> None:
    """A rollback keeps no more versions than any other; an old store that only a dropped one named
    goes with the next apply, and one that the newest names stays.
    """
    old = ours.id(KB)
    store = spec(0.4, "rude")["specs/a.yaml"]
    store["vector_stores"]["kb"]["description"] = "Another one"
    ours.write({"specs/a.yaml": store, **config(keep_versions=keep)})
    ours.ok("apply", "-y")
    if keep == 1:
        assert "only `4` is kept" in ours.ok("rollback", A, "--to", "3", "-y", code=1).err
        return
    ours.ok("rollback", A, "--to", "3", "-y")
    assert [one["version"] for one in entry(ours)["versions"]] == [4]
    assert ours.lock()["resources"][KB]["deposed"] == [{"id": old, "files": [ours.id("file.a.md")]}]
    plan = ours.plan()
    assert [(one["id"], one["action"]) for one in plan["deposed"]] == [(old, "keep")]
    ours.apply()
    ours.http("GET", f"/vector_stores/{old}")


@pytest.mark.thorough
def test_a_version_without_its_fields(ours: World) -> None:
    """A lock that has requests alone is enough: the plan shows the request that differs."""
    kept = [
        {key: one[key] for key in ("version", "digest", "request")}
        for one in entry(ours)["versions"]
    ]
    write_entry(ours, versions=kept)
    ours.ok("rollback", A, "--to", "1", "-y")
    assert entry(ours)["digest"] == kept[1]["digest"]
    [row] = ours.plan()["resource_changes"]
    assert (row["action_reason"], row["changed_fields"][0]["path"]) == (
        "request_changed",
        "request",
    )
    ours.write(FIRST)
    ours.apply()
    assert (entry(ours)["version"], entry(ours)["digest"]) == (4, kept[1]["digest"])


def test_a_number_that_is_spelt_otherwise(world: World) -> None:
    """1.0 is 1: no version comes of it, as nothing could be shown that differs. `true` is not."""

    def saying(value: object) -> None:
        schema = {"type": "object", "properties": {"n": {"const": value}}}
        tool = {"type": "function", "name": "ask", "parameters": schema}
        one = {"model": "m", "instructions": "Hi", "tools": [tool]}
        world.write({"specs/a.yaml": {"assistants": {"support": one}}, **config()})

    saying(1)
    world.apply()
    saying(1.0)
    assert world.changes() == {}
    saying(True)
    assert world.changes() == {A: "update"}


def test_a_version_of_which_only_ids_were_kept(ours: World) -> None:
    """As release 0.1.0 did: it is listed, and said to be incomplete."""
    kept = [{"version": 2, "digest": "sha256:0", "ids": [ours.id(KB)]}]
    write_entry(ours, versions=kept)
    assert "its ids alone were kept, by release 0.1.0" in ours.ok("versions", A).out
    said = ours.ok("versions", A, "--json").json["versions"]
    assert [(one["complete"], one["changed"]) for one in said] == [(True, None), (False, None)]
    for words in (("rollback", A, "--to", "2", "-y"), ("diff", f"{A}@2")):
        assert "kept the ids of version 2" in ours.ok(*words, code=1).err
    loaded = provisioner.load("local", ours.root)["support"]
    assert loaded.versions == [3]


@pytest.mark.thorough
def test_policies_hold(ours: World) -> None:
    """A model that is not allowed any more does not come back that way."""
    ours.write(config(policies={"models": {"allow": ["gpt-5*"]}}))
    refused = ours.ok("rollback", A, "--to", "1", "-y", code=1)
    assert "Version 1 of `assistant.support` asks `gpt-4o`" in refused.out + refused.err
    assert entry(ours)["version"] == 3


@pytest.mark.thorough
def test_a_store_that_has_moved(ours: World) -> None:
    """What an older version refers to follows a move."""
    moved = spec(0.3, "rude", tools=[])["specs/a.yaml"]
    ours.write({"specs/a.yaml": moved})
    ours.apply()
    ours.ok("state", "mv", KB, "vector_store.handbook")
    moved["vector_stores"] = {"handbook": moved["vector_stores"]["kb"]}
    ours.write({"specs/a.yaml": moved})
    ours.ok("apply", "-y")
    ours.ok("rollback", A, "--to", "3", "-y")
    assert entry(ours)["depends_on"] == ["vector_store.handbook"]
    moved["assistants"] = json.loads(
        json.dumps(THIRD["specs/a.yaml"]["assistants"]).replace("kb", "handbook")
    )
    ours.write({"specs/a.yaml": moved})
    ours.settled()


def test_git_revert_restores_exactly(ours: World) -> None:
    """The other way, which takes documents back as well: the request is what it was, and the
    specs have nothing pending.
    """

    def git(*words: str) -> None:
        author = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        subprocess.run(["git", *author, *words], cwd=ours.root, check=True, capture_output=True)

    ours.write({".gitignore": ".provisioner/\n"})
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "rude")
    before = entry(ours)
    ours.write({**spec(0.9, "terse"), "a.md": "Goodbye.\n"})
    ours.apply()
    git("commit", "-q", "-a", "-m", "terse")
    git("revert", "--no-edit", "HEAD")
    ours.apply()

    now = entry(ours)
    assert (now["version"], now["digest"], now["fields"]) == (5, before["digest"], before["fields"])
    assert plain(now["request"]) == plain(before["request"])
    [store_file] = ours.listed(f"/vector_stores/{ours.id(KB)}/files")
    assert store_file["id"] == ours.id("file.a.md")
