"""Drift as a report: its words, what it leaves out, what it never does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml

from provisioner.engine import Session, open_context
from tests.e2e.middleware import Odd, each
from tests.support.drifting import CLEAN, SPEC, clean, drift, rows, sql
from tests.support.injecting import Meanwhile
from tests.support.world import World

A = "assistant.support"


def with_assistant(**fields: Any) -> dict[str, Any]:
    """The specs with other fields of the assistant."""
    assistants = {"support": {**SPEC["assistants"]["support"], **fields}}
    return {"specs/all.yaml": {**SPEC, "assistants": assistants}}


@pytest.mark.parametrize(
    ("desired", "live", "found"),
    [
        (0.3, 0.3, None),
        (0.3, 0.7, (A, "temperature", 0.3, 0.7, 0.3, "remote")),
        (0.5, 0.7, (A, "temperature", 0.3, 0.7, 0.5, "both")),
        (0.7, 0.7, None),
        (0.5, 0.3, (A, "temperature", 0.3, 0.3, 0.5, "local")),
    ],
)
def test_the_words(there: World, desired: float, live: float, found: Any) -> None:
    """Three values, one word; an edit of your own is reported on request and is not drift."""
    there.write(with_assistant(temperature=desired))
    there.http("POST", f"/assistants/${{{A}}}", {"temperature": live})
    drifted = found is not None and found[-1] != "local"
    code = 2 if drifted else 0
    assert rows(drift(there, code=code)) == ([found] if drifted else [])
    assert rows(drift(there, "--pending", code=code)) == ([found] if found else [])
    assert there.ok("drift", "--pending", code=code).out.endswith(CLEAN) is not drifted


def test_nothing_is_written(there: World) -> None:
    """Nothing but GETs arrives, lock and workspace stay as they are, and a lease that somebody
    holds is no matter.
    """
    there.http("POST", f"/assistants/${{{A}}}", {"temperature": 0.9})
    kept = {
        path: path.read_bytes()
        for path in there.root.rglob("*")
        if path.is_file() and "service" not in path.name
    }
    context = open_context(there.root)
    with context.store.lease():
        for words in ((), ("--pending", "--unmanaged"), ("--json",)):
            there.ok("drift", *words, code=2)
    assert {method for method, _ in there.calls} == {"GET"}
    after = {path: path.read_bytes() for path in kept}
    assert after == kept


def test_it_cannot_become_an_apply(there: World) -> None:
    """The service that a reading command holds refuses to send anything but a GET: a programming
    error, not a fault.
    """

    async def write() -> None:
        async with Session.reading(open_context(there.root)) as session:
            await session.remote.list("/assistants")
            with pytest.raises(AssertionError, match="POST while only reading"):
                await session.remote.post("/assistants", {"model": "m"})
            with pytest.raises(AssertionError, match="DELETE while only reading"):
                await session.remote.delete(f"/assistants/{there.id(A)}")

    asyncio.run(write())
    assert {method for method, _ in there.calls} == {"GET"}


def test_what_belongs_to_others_is_no_drift(there: World) -> None:
    """Keys of others, fields that nobody declared, files of others: a note at most; `--unmanaged`
    names each.
    """
    have = there.http("GET", f"/assistants/${{{A}}}")["metadata"]
    there.http("POST", f"/assistants/${{{A}}}", {"metadata": have | {"gateway": "x"}})
    file = there.upload("theirs.md", b"Hello.\n")
    loose = there.upload("loose.md", b"Hello.\n")
    there.upload("batch.jsonl", b"{}\n", "batch")
    store = there.http("POST", "/vector_stores", {"name": "Theirs"})["id"]
    there.http("POST", "/vector_stores/${vector_store.kb}/files", {"file_id": file})
    there.http(
        "POST",
        "/assistants",
        {"model": "m", "metadata": {"provisioner": "o/e/assistant.x#0123abcd.1"}},
    )
    reported = there.ok("drift").out
    assert (
        "`vector_store.kb` holds 1 file that somebody else put there" in reported
        and reported.endswith(CLEAN)
    )
    assert drift(there, code=0)["unmanaged"] == []
    found = drift(there, "--unmanaged", code=0)["unmanaged"]
    assert all(one.pop("created_at") > 1e9 and one.pop("model") is None for one in found)
    assert found == [
        {
            "kind": "file",
            "id": file,
            "name": "theirs.md",
            "store": "vector_store.kb",
            "to": None,
        },
        {"kind": "file", "id": loose, "name": "loose.md", "store": None, "to": "file.loose.md"},
        {
            "kind": "vector_store",
            "id": store,
            "name": "Theirs",
            "store": None,
            "to": "vector_store.theirs",
        },
    ]


def test_the_inventory_can_be_pasted(there: World) -> None:
    """In groups that are counted, the oldest first; what it says is a list of `imports`."""
    body = {"model": "gpt-4o", "name": "Desk: #1"}
    ids = [there.http("POST", "/assistants", body)["id"] for _ in range(2)]
    said = there.ok("drift", "--unmanaged").out
    assert "  2 assistants\n      - {to: assistant.desk_1, id: asst_" in said
    assert "  # Desk: #1, gpt-4o, made 20" in said
    pasted = yaml.safe_load(said.partition("2 assistants\n")[2].partition("\n\n")[0])
    assert {one["to"] for one in pasted} == {"assistant.desk_1", "assistant.desk_1_2"}
    assert {one["id"] for one in pasted} == set(ids)


@pytest.mark.parametrize("policy", ["remove", "fail"])
def test_a_file_added_by_hand(there: World, policy: str) -> None:
    """Where the store is to hold nothing else, a file of somebody else is drift."""
    spec = {**SPEC, "vector_stores": {"kb": {**SPEC["vector_stores"]["kb"], "other_files": policy}}}
    there.write({"specs/all.yaml": spec})
    there.apply()
    file = there.upload("theirs.md", b"Hello.\n")
    there.http("POST", "/vector_stores/${vector_store.kb}/files", {"file_id": file})
    row = ("vector_store.kb", f'files["id:{file}"]', None, {"id": file}, None, "remote")
    assert rows(drift(there)) == [row]
    assert f'+ files["id:{file}"] (put in by somebody else)' in there.ok("drift", code=2).out
    clean(there, "--ignore", f'vector_store.kb#files["id:{file}"]')


def test_what_is_gone(there: World) -> None:
    """A deleted or expired object is missing, and that alone: those that name it are as
    they were.
    """
    sql(there, "UPDATE vector_stores SET expired = 1 WHERE id = ?", "vector_store.kb")
    there.http("DELETE", f"/assistants/${{{A}}}")
    there.http("DELETE", "/files/${file.docs/a.md}")
    found = drift(there)
    assert [(row[0], row[3], row[5]) for row in rows(found)] == [
        (A, "gone", "missing"),
        ("file.docs/a.md", "gone", "missing"),
        ("vector_store.kb", "expired", "missing"),
    ]
    assert found["summary"] == {
        "remote": 0,
        "both": 0,
        "missing": 3,
        "local": 0,
        "unverifiable": 0,
        "unmanaged": 0,
        "in_sync": 3,
    }
    reported = there.ok("drift", code=2).out
    assert "- assistant.support  (gone from the service)  specs/all.yaml:" in reported
    assert "- vector_store.kb  (expired)" in reported
    assert reported.endswith("Drift: 0 changed outside, 0 changed on both sides, 3 missing.\n")
    there.apply("--force")
    clean(there)


def test_a_file_that_others_name_is_told_once(world: World) -> None:
    """Deleting a file takes it out of tools and stores as well: that is the file's drift, not that
    of its users.
    """
    tools = [{"type": "code_interpreter", "files": ["docs/x.md", "docs/y.md"]}]
    spec = {
        "assistants": {"a": {"model": "m", "tools": tools}},
        "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    }
    world.write({"specs/all.yaml": spec, "docs/x.md": "x\n", "docs/y.md": "y\n"})
    world.apply()
    world.http("DELETE", "/files/${file.docs/x.md}")
    assert rows(drift(world)) == [("file.docs/x.md", "", None, "gone", None, "missing")]


def test_what_the_specs_no_longer_have(there: World) -> None:
    """A resource that is about to be deleted is compared as well, its files included; desired is
    null.
    """
    sql(there, "UPDATE store_files SET status = 'failed' WHERE file_id = ?", "file.docs/a.md")
    there.http("DELETE", "/vector_stores/${vector_store.kb}/files/${file.docs/b.md}")
    there.http("POST", "/vector_stores/${vector_store.kb}", {"name": "Book"})
    there.write({"specs/all.yaml": {"files": SPEC["files"]}})
    assert rows(drift(there)) == [
        ("vector_store.kb", "name", "Handbook", "Book", None, "both"),
        ("vector_store.kb", 'files["docs/a.md"].status', "completed", "failed", None, "both"),
        ("vector_store.kb", 'files["docs/b.md"]', {}, None, None, "remote"),
    ]
    reported = there.ok("drift", "--pending", code=2).out
    assert "~ vector_store.kb  (no longer in the specs)" in reported
    assert "- assistant.support  (no longer in the specs)" in reported


def test_edits_of_your_own(there: World) -> None:
    """`--pending` shows what is new, what is changed and what goes; without it there is nothing to
    tell.
    """
    store = {
        **SPEC["vector_stores"]["kb"],
        "files": ["docs/a.md", "docs/c.md"],
        "lifecycle": {"protect": True},
    }
    spec = {**SPEC, "vector_stores": {"kb": store, "new": {}}}
    there.write({"specs/all.yaml": spec, "docs/a.md": "Leave is 30 days.\n", "docs/c.md": "New.\n"})
    clean(there)
    found = {(row[0], row[1]): row[2:] for row in rows(drift(there, "--pending", code=0))}
    assert {word for *_, word in found.values()} == {"local"}
    assert set(found) == {
        ("file.docs/a.md", "sha256"),
        ("file.docs/b.md", ""),
        ("file.docs/c.md", ""),
        ("vector_store.kb", "lifecycle.protect"),
        ("vector_store.kb", 'files["docs/a.md"].attributes.team'),
        ("vector_store.kb", 'files["docs/a.md"].attributes.year'),
        ("vector_store.kb", 'files["docs/b.md"]'),
        ("vector_store.kb", 'files["docs/c.md"]'),
        ("vector_store.new", ""),
    }
    reported = there.ok("drift", "--pending").out
    assert "+ vector_store.new  (not applied yet)" in reported and reported.endswith(CLEAN)
    assert '- files["docs/b.md"] (taken out by the next apply)' in reported


def test_what_is_ignored(there: World) -> None:
    """A resource, a field, or all below a field; an address that nobody knows is wrong usage."""
    have = there.http("GET", f"/assistants/${{{A}}}")["metadata"]
    body = {"temperature": 0.9, "metadata": have | {"team": "it", "odd key": "y"}}
    there.http("POST", f"/assistants/${{{A}}}", body)
    left = [row[1] for row in rows(drift(there, "--ignore", f"{A}#metadata"))]
    assert left == ["temperature"]
    left = [
        row[1]
        for row in rows(
            drift(there, "--ignore", f'{A}#metadata["odd key"]', "--ignore", f"{A}#model")
        )
    ]
    assert left == ["temperature", "metadata.team"]
    clean(there, "--ignore", A)
    clean(there, "--ignore", f"{A}#metadata", "--ignore", f"{A}#temperature")
    wrong = there.ok("drift", "--ignore", "assistant.suport#temperature", code=1)
    assert "Unknown address" in wrong.err and "did you mean `assistant.support`?" in wrong.err
    for path in ("", "metadata.", 'metadata["odd key"'):
        wrong = there.ok("drift", "--ignore", f"{A}#{path}", code=1)
        assert "Wrong usage" in wrong.err and "has no field after its `#`" in wrong.err


def test_fields_that_are_left_to_others(there: World) -> None:
    """`ignore_changes` means the same as in a plan."""
    there.write(with_assistant(lifecycle={"ignore_changes": ["temperature"]}))
    there.http("POST", f"/assistants/${{{A}}}", {"temperature": 0.9})
    clean(there)


def test_what_nobody_can_say(there: World) -> None:
    """What the service never shows is never in sync, and never drift; its reason is reported."""

    def unsaid(_: str, item: Any) -> None:
        item["chunking_strategy"] = {"type": "other"}

    with there.behind(lambda app: Odd(app, answer=each(unsaid, kind="store_file"))):
        found = drift(there, code=0)
        assert found["unverifiable"] == [
            {
                "address": "vector_store.kb",
                "path": "chunking",
                "why": "the service does not say how it was cut",
            }
        ]
        assert (found["summary"]["unverifiable"], found["summary"]["in_sync"]) == (1, 5)
        assert (
            "? vector_store.kb  (the service does not say how it was cut)" in there.ok("drift").out
        )
        assert drift(there, "--ignore", "vector_store.kb#chunking", code=0)["unverifiable"] == []


def test_what_the_service_does_not_keep(world: World) -> None:
    """A field that the service never shows is unverifiable; one that it changed when it was written
    is a note.
    """

    def change(_: str, item: Any) -> None:
        item.pop("top_p", None)
        item["name"] = item["name"].lower()

    world.write(
        {"specs/all.yaml": {"assistants": {"a": {"model": "m", "name": "Support", "top_p": 0.5}}}}
    )
    with world.behind(lambda app: Odd(app, answer=each(change, kind="assistant"))):
        world.apply()
        found = drift(world, code=0)
        assert [(one["address"], one["path"]) for one in found["unverifiable"]] == [
            ("assistant.a", "top_p")
        ]
        reported = world.ok("drift").out
    assert (
        "does not keep `assistant.a#name` as it was sent" in reported and "a#top_p" not in reported
    )


def test_profiles_cannot_drift(there: World) -> None:
    """Under `responses` the report opens with what nobody can change; stores and files are
    compared.
    """
    config = {
        "workspace": "acme",
        "environments": {"local": {"service": "local", "api": "responses"}},
    }
    there.write({"provisioner.yaml": config})
    there.apply()
    reported = there.ok("drift").out
    assert reported.startswith("What cannot drift:\n  1 request profile lives in the lock alone.")
    there.http("POST", "/vector_stores/${vector_store.kb}", {"name": "Book"})
    assert rows(drift(there)) == [
        ("vector_store.kb", "name", "Handbook", "Book", "Handbook", "remote")
    ]
    there.write(with_assistant(temperature=0.9))
    pending = rows(drift(there, "--pending"))
    assert (A, "temperature", 0.3, 0.3, 0.9, "local") in pending


def test_nothing_was_ever_applied(world: World) -> None:
    """Without a lock nothing can have drifted; a lock that is gone is another matter, as it is for
    a plan.
    """
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m"}}}})
    reported = world.ok("drift").out
    assert "Nothing was ever applied to `local`" in reported and reported.endswith(
        "No drift. Nothing was ever applied.\n"
    )
    world.apply()
    (world.root / ".provisioner/local/lock.json").unlink()
    gone = world.ok("drift", code=1)
    assert "Lock is gone" in gone.err and "state rebuild" in gone.err


def test_what_a_stopped_apply_left(world: World) -> None:
    """An object whose creation nobody recorded is taken over in thought: it is not drift, and
    nothing is written.
    """
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m"}}}})
    world.apply()
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m"}, "b": {"model": "m"}}}})
    folder, stopped = world.root / ".provisioner/local", dict[str, bytes]()

    def remember(method: str, path: str) -> None:
        if (
            method == "POST"
        ):  # the object is made; what is on the disk now is what a killed process leaves
            stopped.update({path.name: path.read_bytes() for path in folder.glob("lock.json*")})

    with world.behind(Meanwhile(after=remember)):
        world.ok("apply", "-y")
    for path in folder.glob("lock.json*"):
        path.unlink()
    for name in ("lock.json", "lock.json.journal"):
        (folder / name).write_bytes(stopped[name])
    clean(world)
    assert drift(world, code=0)["summary"]["in_sync"] == 2
    assert {path.name for path in folder.glob("lock.json*")} == {"lock.json", "lock.json.journal"}
    assert (folder / "lock.json.journal").read_bytes() == stopped["lock.json.journal"]
    world.apply()
    clean(world)
    assert len(world.listed("/assistants")) == 2


def test_as_a_document(there: World) -> None:
    """For an issue and as a page: the same report, with the mark by which a job finds its own issue
    again.
    """
    there.http("POST", f"/assistants/${{{A}}}", {"temperature": 0.9})
    reported = there.ok("drift", "--format", "markdown", code=2).out
    assert reported.startswith("<!-- provisioner:drift acme/local -->\n")
    assert "**Drift: 1 changed outside, 0 changed on both sides, 0 missing.**" in reported
    assert "! temperature: 0.3 → 0.9" in reported
    assert "temperature: 0.3 → 0.9" in there.ok("drift", "--format", "html", code=2).out
