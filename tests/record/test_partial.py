"""What a lock says after a write that was refused or never sent, one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from provisioner.remote import Retries
from tests.crash.instants import Dead
from tests.e2e import odd
from tests.record.failing import Failing
from tests.support.injecting import Watching
from tests.support.world import World

WAYS = ("400", "500", "killed before")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.remote.client.Retries", lambda: Retries(base=0))


def store(**fields: Any) -> dict[str, Any]:
    return {"specs/all.yaml": {"vector_stores": {"kb": fields}}}


def document(**attributes: Any) -> dict[str, Any]:
    return {"path": "d/a.md", **({"attributes": attributes} if attributes else {})}


def failed(world: World, how: str, fails: Callable[[str, str], bool]) -> None:
    """An apply in which some writes fail."""
    with world.behind(Failing(fails, how).around), contextlib.suppress(Dead):
        assert world.run("apply", "-y").code == 1


def to_a_store_file(method: str, path: str) -> bool:
    return method == "POST" and "/files/" in path


@pytest.fixture
def applied(world: World) -> World:
    """A store called `one` that holds a document of the legal team."""
    world.write({"d/a.md": "# A\n", **store(name="one", files=[document(team="legal")])})
    world.apply()
    return world


@pytest.mark.parametrize("how", WAYS)
def test_an_attribute_that_is_taken_away(applied: World, how: str) -> None:
    """The store's new name is written and the attribute is not taken away: the next plan says so,
    and does it.
    """
    applied.write(store(name="two", files=[document()]))
    failed(applied, how, to_a_store_file)
    (row,) = applied.plan()["resource_changes"]
    (field,) = row["changed_fields"]
    assert (field["path"], field["after"], field["drift"]) == (
        'files["d/a.md"].attributes.team',
        None,
        None,
    )
    applied.apply()
    live = applied.http("GET", "/vector_stores/${vector_store.kb}/files/${file.d/a.md}")
    assert "team" not in live["attributes"]


@pytest.mark.parametrize("how", WAYS)
def test_an_attribute_that_is_changed(applied: World, how: str) -> None:
    """Nobody else has changed it: `on_drift: fail` lets the retry through, and there is nothing to
    accept.
    """
    applied.write(store(name="two", files=[document(team="it")]))
    failed(applied, how, to_a_store_file)
    assert "Nothing to accept" in applied.ok("accept").out
    applied.ok("drift")
    applied.ok("apply", "-y", "--on-drift", "fail")
    applied.settled()
    live = applied.http("GET", "/vector_stores/${vector_store.kb}/files/${file.d/a.md}")
    assert live["attributes"]["team"] == "it"


def test_one_document_that_is_refused(world: World) -> None:
    """The others beside it are written and recorded; the problem names it, and the next apply
    writes it alone.
    """
    names = ("a", "b", "c")
    files = [{"path": f"d/{name}.md", "attributes": {"year": 1}} for name in names]
    world.write({**{f"d/{name}.md": f"# {name}\n" for name in names}, **store(files=files)})
    world.apply()
    refused = world.id("file.d/b.md")
    world.write(store(files=[{**item, "attributes": {"year": 2}} for item in files]))
    with world.behind(
        Failing(lambda method, path: method == "POST" and path.endswith(refused)).around
    ):
        result = world.ok("apply", "-y", code=1)
    assert (
        result.err.count("error:") == 1
        and "Attributes refused" in result.err
        and "`d/b.md`" in result.err
    )
    held = world.lock()["resources"]["vector_store.kb"]["fields"]["files"]
    assert [held[f"d/{name}.md"]["attributes"]["year"] for name in names] == [2, 1, 2]
    world.calls.clear()
    world.ok("apply", "-y")
    assert [path.rpartition("/")[2] for method, path in world.calls if method != "GET"] == [refused]
    world.settled()


def test_one_document_that_is_not_let_go(world: World) -> None:
    """A document that the service will not take out of a store is still in it, also in the lock;
    the other is gone.
    """
    names = ("a", "b", "c")
    world.write({**{f"d/{name}.md": f"# {name}\n" for name in names}, **store(files=["d/*.md"])})
    world.apply()
    kept = world.id("file.d/b.md")
    world.write({**store(files=["d/a.md"]), "d/b.md": None, "d/c.md": None})
    with world.behind(
        Failing(lambda method, path: method == "DELETE" and path.endswith(f"/files/{kept}")).around
    ):
        assert "`d/b.md` stays in `vector_store.kb`" in world.ok("apply", "-y", code=1).err
    assert sorted(world.lock()["resources"]["vector_store.kb"]["fields"]["files"]) == [
        "d/a.md",
        "d/b.md",
    ]
    assert sorted(file["filename"] for file in world.listed("/files")) == ["a.md", "b.md"]
    world.apply()
    assert len(world.listed("/vector_stores/${vector_store.kb}/files")) == 1


def assistant(**fields: Any) -> dict[str, Any]:
    return {"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o", **fields}}}}


def test_a_hand_that_is_quicker(world: World) -> None:
    """Somebody edits another field between the plan and the write: that is their edit, not
    something that the service did not keep.
    """
    world.write(assistant(temperature=0.5, instructions="First."))
    world.apply()
    world.write(assistant(temperature=0.5, instructions="Second."))
    edits = [0.9]

    def quicker(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["method"] == "POST" and edits:
                await world._http(
                    "POST",
                    world._filled("/assistants/${assistant.a}"),
                    {"temperature": edits.pop()},
                    200,
                )
            await app(scope, receive, send)

        return wrapped

    with world.behind(Watching(quicker)):
        world.ok("apply", "-y")
    assert not edits
    assert "unkept" not in world.lock()["resources"]["assistant.a"]
    (drift,) = world.plan()["resource_drift"]
    assert [
        (field["path"], field["live"], field["drift"]) for field in drift["changed_fields"]
    ] == [("temperature", 0.9, "remote")]


def test_a_change_that_is_ignored(world: World) -> None:
    """What `ignore_changes` keeps from being written is not in the lock: written later, it is the
    author's own edit.
    """
    world.write(assistant(description="First."))
    world.apply()
    ignoring = {"lifecycle": {"ignore_changes": ["description"]}}
    world.write(assistant(description="Second.", instructions="Be brief.", **ignoring))
    world.apply()
    assert world.lock()["resources"]["assistant.a"]["fields"]["description"] == "First."
    world.write(assistant(description="Second.", instructions="Be brief."))
    plan = world.plan()
    (row,) = plan["resource_changes"]
    assert [field["path"] for field in row["changed_fields"]] == ["description"] and plan[
        "resource_drift"
    ] == []
    world.apply()


def test_a_reset_that_is_not_kept_is_remembered(world: World) -> None:
    """A key that the service will not give up is named in every plan, also after another field was
    written.
    """
    world.from_now_on(odd.merges_metadata)
    world.write(assistant(metadata={"team": "hr", "old": "1"}))
    world.apply()
    world.write(assistant(metadata={"team": "hr"}))
    world.apply()
    world.write(assistant(metadata={"team": "hr"}, description="Another field."))
    world.apply()
    assert world.lock()["resources"]["assistant.a"]["resetting"] == ["metadata.old"]
    assert "`assistant.a#metadata.old`" in world.ok("plan").out
