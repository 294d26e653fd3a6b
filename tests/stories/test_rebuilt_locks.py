"""What `state rebuild` takes from stamps: what a lock names stays, copies are left alone; of
several one is asked.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.crash.workspace import undeletable
from tests.support.owning import LOCK, SPEC, copied, everything, ids, restamped, without_lock
from tests.support.refusals import refused
from tests.support.world import World


@pytest.mark.parametrize("address", ["assistant.a", "vector_store.kb"])
def test_a_rebuilt_lock_keeps_its_ids(owned: World, address: str) -> None:
    """What an existing lock names stays ours; a copy of it is left alone by `state rebuild` and
    everything after.
    """
    before, copy = ids(owned), copied(owned, address)
    there = everything(owned)
    reported = owned.ok("state", "rebuild").out
    assert f"Left alone: `{copy}`" in reported
    assert ids(owned) == before and everything(owned) == there
    owned.apply()
    owned.apply("--prune-orphans")
    assert everything(owned) == there


@pytest.mark.parametrize("address", ["assistant.a", "vector_store.kb"])
def test_which_of_two_is_ours_is_asked(owned: World, address: str) -> None:
    """Without a lock nobody can say which of two is the copy: both are named, and `imports`
    answers.
    """
    copy = copied(owned, address)
    before = without_lock(owned)
    original = before["resources"][address]["id"]
    reported = refused(owned, "state", "rebuild").err
    assert (
        f"`{original}`" in reported
        and f"`{copy}`" in reported
        and address in reported
        and "imports" in reported
    )
    owned.write({"specs/imports.yaml": {"imports": [{"to": address, "id": original}]}})
    there = everything(owned)
    owned.ok("state", "rebuild")
    assert ids(owned) == {address: entry["id"] for address, entry in before["resources"].items()}
    assert everything(owned) == there
    owned.apply()
    assert copy in {
        item["id"] for kind in ("stores", "assistants") for item in everything(owned)[kind]
    }


def test_two_documents_of_one_path(owned: World) -> None:
    """A document that somebody stamped as ours, in another store of ours: the lock wins; without
    one it is asked.
    """
    spec = {**SPEC, "vector_stores": {**SPEC["vector_stores"], "two": {"files": ["docs/b.md"]}}}
    owned.write({"specs/all.yaml": spec})
    owned.apply()
    original = owned.id("file.docs/a.md")
    attributes = owned.http("GET", f"/vector_stores/${{vector_store.kb}}/files/{original}")[
        "attributes"
    ]
    other = owned.upload("a.md", b"# Another\n")
    body = {"file_id": other, "attributes": attributes}
    owned.http("POST", "/vector_stores/${vector_store.two}/files", body)
    there, before = everything(owned), ids(owned)
    owned.ok("state", "rebuild")
    assert ids(owned) == before
    owned.apply("--prune-orphans")
    assert everything(owned) == there
    without_lock(owned)
    reported = refused(owned, "state", "rebuild").err
    assert f"`{original}`" in reported and f"`{other}`" in reported and "file.docs/a.md" in reported
    owned.write({"specs/imports.yaml": {"imports": [{"to": "file.docs/a.md", "id": original}]}})
    owned.ok("state", "rebuild")
    assert ids(owned) == before
    owned.apply("--prune-orphans")
    assert {kind: len(found) for kind, found in everything(owned).items()} == {
        kind: len(found) for kind, found in there.items()
    }


def test_protection_outlives_a_rebuilt_lock(owned: World) -> None:
    """What was protected is protected still: only an applied `protect: false` lifts that."""
    spec = {
        "assistants": {"a": {"model": "m", "lifecycle": {"protect": True}}, "b": {"model": "m"}}
    }
    owned.write({"specs/all.yaml": {**SPEC, **spec}})
    owned.apply()
    owned.ok("state", "rebuild")
    owned.settled()
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": {"model": "m"}}}})
    assert "`assistant.a` is protected and would be deleted" in refused(owned, "apply", "-y").err


def test_a_moved_resource_stays_moved(owned: World) -> None:
    """Its stamp says the new address, and a copy of it becomes neither that nor the old one."""
    owned.ok("state", "mv", "assistant.a", "assistant.b")
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": SPEC["assistants"]["a"]}}})
    before, copy = ids(owned), copied(owned, "assistant.b")
    owned.ok("state", "rebuild")
    assert ids(owned) == before
    owned.apply("--prune-orphans")
    assert copy in {item["id"] for item in owned.listed("/assistants")}
    owned.write(
        {
            "specs/all.yaml": {
                **SPEC,
                "assistants": {"b": SPEC["assistants"]["a"], "a": {"model": "m"}},
            }
        }
    )
    owned.apply()
    made = ids(owned)
    assert made["assistant.b"] == before["assistant.b"]
    assert made["assistant.a"] not in {copy, before["assistant.b"]}
    assert copy in {item["id"] for item in owned.listed("/assistants")}


def later(world: World, files: dict[str, Any], code: int = 0) -> dict[str, Any]:
    """Somebody applies from another checkout, and this lock stays behind; returns the lock that it
    lacks.
    """
    behind = (world.root / LOCK).read_text()
    world.write(files)
    world.ok("apply", "-y", code=code)
    lacking = world.lock()
    world.write({LOCK: behind})
    assert "Lock is behind" in refused(world, "apply", "-y").err
    return lacking


@pytest.fixture
def renewed(owned: World) -> tuple[World, str, str]:
    """A store that a later apply has replaced, and whose old object is still there: with
    both ids.
    """
    old = owned.id("vector_store.kb")
    described = {"kb": {**SPEC["vector_stores"]["kb"], "description": "new"}}
    with owned.behind(undeletable):
        lacking = later(owned, {"specs/all.yaml": {**SPEC, "vector_stores": described}}, code=1)
    return owned, old, lacking["resources"]["vector_store.kb"]["id"]


def test_of_two_that_were_made_since_one_is_asked(renewed: tuple[World, str, str]) -> None:
    """A copy of what a later apply has made: all three are named, and the one that the lock has may
    be right.
    """
    world, old, new = renewed
    mark = world.http("GET", f"/vector_stores/{new}")["metadata"]
    copy = world.http("POST", "/vector_stores", {"metadata": mark})["id"]
    reported = refused(world, "state", "rebuild").err
    assert all(f"`{id}`" in reported for id in (old, new, copy))
    world.write({"specs/imports.yaml": {"imports": [{"to": "vector_store.kb", "id": old}]}})
    world.ok("state", "rebuild")
    assert (
        world.id("vector_store.kb") == old
        and "deposed" not in world.lock()["resources"]["vector_store.kb"]
    )


def test_what_the_lock_has_and_carries_no_stamp(renewed: tuple[World, str, str]) -> None:
    """It was let go since, or somebody has taken its stamp off: what came after it is a question,
    and it is not deleted.
    """
    world, old, new = renewed
    world.http("POST", f"/vector_stores/{old}", {"metadata": {}})
    reported = refused(world, "state", "rebuild").err
    assert f"`{new}`" in reported and f"`{old}`" in reported
    world.write({"specs/imports.yaml": {"imports": [{"to": "vector_store.kb", "id": new}]}})
    world.ok("state", "rebuild")
    world.apply()
    assert {item["id"] for item in world.listed("/vector_stores")} == {old, new}
    assert world.id("vector_store.kb") == new


def test_what_was_written_since(owned: World) -> None:
    """An object that a later apply has changed is still the one of its address, beside a copy of
    it. Its fields are compared anew, so that nobody is blamed for what that apply wrote; it is
    protected as before.
    """
    guarded = {"model": "m", "lifecycle": {"protect": True}}
    owned.write(
        {"specs/all.yaml": {**SPEC, "assistants": {"a": {**guarded, "instructions": "One."}}}}
    )
    owned.apply()
    lacking = later(
        owned,
        {"specs/all.yaml": {**SPEC, "assistants": {"a": {**guarded, "instructions": "Two."}}}},
    )
    copy = copied(owned, "assistant.a")
    owned.ok("state", "rebuild")
    assert owned.id("assistant.a") == lacking["resources"]["assistant.a"]["id"] != copy
    owned.write(
        {"specs/all.yaml": {**SPEC, "assistants": {"a": {**guarded, "instructions": "Three."}}}}
    )
    assert owned.plan()["resource_drift"] == []
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": {"model": "m"}}}})
    assert "`assistant.a` is protected" in refused(owned, "apply", "-y").err


def test_what_was_replaced_since(owned: World) -> None:
    """New versions are taken, and what they replaced goes with the next apply, as it would have
    gone with the one that was lost.
    """
    described = {"kb": {**SPEC["vector_stores"]["kb"], "description": "new"}}
    with owned.behind(undeletable):
        files = {"specs/all.yaml": {**SPEC, "vector_stores": described}, "docs/a.md": "# A two\n"}
        lacking = later(owned, files, code=1)
    owned.ok("state", "rebuild")
    assert ids(owned) == {address: entry["id"] for address, entry in lacking["resources"].items()}
    owned.apply()
    left = everything(owned)
    assert [len(left[kind]) for kind in ("stores", "files", "assistants")] == [1, 2, 1]


def test_what_was_moved_since(owned: World) -> None:
    """A resource whose later stamp says another address has moved, also where the specs no longer
    say so.
    """
    moved = {
        "assistants": {"b": SPEC["assistants"]["a"]},
        "moved": [{"from": "assistant.a", "to": "assistant.b"}],
    }
    lacking = later(owned, {"specs/all.yaml": {**SPEC, **moved}})
    owned.write({"specs/all.yaml": {**SPEC, "assistants": moved["assistants"]}})
    owned.ok("state", "rebuild")
    assert ids(owned) == {address: entry["id"] for address, entry in lacking["resources"].items()}
    owned.settled()


def test_what_a_healthy_lock_says_of_a_store(owned: World) -> None:
    """Attributes that somebody has changed, and a document that he has taken out, are drift before
    and after.
    """
    files = [{"path": "docs/*.md", "attributes": {"team": "legal"}}]
    owned.write({"specs/all.yaml": {**SPEC, "vector_stores": {"kb": {"files": files}}}})
    owned.apply()
    place = f"/vector_stores/{owned.id('vector_store.kb')}/files"
    attributes = owned.http("GET", f"{place}/{owned.id('file.docs/a.md')}")["attributes"]
    owned.http(
        "POST",
        f"{place}/{owned.id('file.docs/a.md')}",
        {"attributes": {**attributes, "team": "it"}},
    )
    owned.http("DELETE", f"{place}/{owned.id('file.docs/b.md')}")
    before = owned.ok("drift", code=2).out
    owned.ok("state", "rebuild")
    assert owned.ok("drift", code=2).out == before
    owned.apply()


def test_stamps_of_others_say_nothing(owned: World) -> None:
    """Neither an object of ours that somebody else has stamped, nor one of another lock with our
    names, changes a lock; without it, one has to be named.
    """
    lock = (owned.root / LOCK).read_text()
    restamped(owned, f"/assistants/{owned.id('assistant.a')}", "other/prod/assistant.x#deadbeef.99")
    owned.http(
        "POST",
        "/assistants",
        {"model": "m", "metadata": {"provisioner": "acme/local/assistant.z#deadbeef.99"}},
    )
    owned.ok("state", "rebuild")
    assert without_time((owned.root / LOCK).read_text()) == without_time(lock)
    without_lock(owned)
    assert "Several lineages" in refused(owned, "state", "rebuild").err


def without_time(lock: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(lock).items() if key != "written"}
