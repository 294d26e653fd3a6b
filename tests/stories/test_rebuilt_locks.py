"""What `state rebuild` takes from stamps: what a lock names stays, copies are left alone; of several one is asked."""

from __future__ import annotations

import pytest

from tests.crash.workspace import undeletable
from tests.support.owning import LOCK, SPEC, copied, everything, ids, without_lock
from tests.support.refusals import refused
from tests.support.world import World


@pytest.mark.parametrize("address", ["assistant.a", "vector_store.kb"])
def test_a_rebuilt_lock_keeps_its_ids(owned: World, address: str) -> None:
    """What an existing lock names stays ours; a copy of it is left alone by `state rebuild` and everything after."""
    before, copy = ids(owned), copied(owned, address)
    there = everything(owned)
    told = owned.ok("state", "rebuild").out
    assert f"Left alone: `{copy}`" in told
    assert ids(owned) == before and everything(owned) == there
    owned.apply()
    owned.apply("--prune-orphans")
    assert everything(owned) == there


@pytest.mark.parametrize("address", ["assistant.a", "vector_store.kb"])
def test_which_of_two_is_ours_is_asked(owned: World, address: str) -> None:
    """Without a lock nobody can say which of two is the copy: both are named, and `imports` answers."""
    copy = copied(owned, address)
    before = without_lock(owned)
    original = before["resources"][address]["id"]
    told = refused(owned, "state", "rebuild").err
    assert f"`{original}`" in told and f"`{copy}`" in told and address in told and "imports" in told
    owned.write({"specs/imports.yaml": {"imports": [{"to": address, "id": original}]}})
    there = everything(owned)
    owned.ok("state", "rebuild")
    assert ids(owned) == {address: entry["id"] for address, entry in before["resources"].items()}
    assert everything(owned) == there
    owned.apply()
    assert copy in {item["id"] for kind in ("stores", "assistants") for item in everything(owned)[kind]}


def test_two_documents_of_one_path(owned: World) -> None:
    """A document that somebody stamped as ours, in another store of ours: the lock wins; without one it is asked."""
    spec = {**SPEC, "vector_stores": {**SPEC["vector_stores"], "two": {"files": ["docs/b.md"]}}}
    owned.write({"specs/all.yaml": spec})
    owned.apply()
    original = owned.id("file.docs/a.md")
    attributes = owned.http("GET", f"/vector_stores/${{vector_store.kb}}/files/{original}")["attributes"]
    other = owned.upload("a.md", b"# Another\n")
    body = {"file_id": other, "attributes": attributes}
    owned.http("POST", "/vector_stores/${vector_store.two}/files", body)
    there, before = everything(owned), ids(owned)
    owned.ok("state", "rebuild")
    assert ids(owned) == before
    owned.apply("--prune-orphans")
    assert everything(owned) == there
    without_lock(owned)
    told = refused(owned, "state", "rebuild").err
    assert f"`{original}`" in told and f"`{other}`" in told and "file.docs/a.md" in told
    owned.write({"specs/imports.yaml": {"imports": [{"to": "file.docs/a.md", "id": original}]}})
    owned.ok("state", "rebuild")
    assert ids(owned) == before
    owned.apply("--prune-orphans")
    assert {kind: len(found) for kind, found in everything(owned).items()} == {
        kind: len(found) for kind, found in there.items()
    }


def test_protection_outlives_a_rebuilt_lock(owned: World) -> None:
    """What was protected is protected still: only an applied `protect: false` lifts that."""
    spec = {"assistants": {"a": {"model": "m", "lifecycle": {"protect": True}}, "b": {"model": "m"}}}
    owned.write({"specs/all.yaml": {**SPEC, **spec}})
    owned.apply()
    owned.ok("state", "rebuild")
    owned.settled()
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": {"model": "m"}}}})
    assert "`assistant.a` is protected and would be deleted" in refused(owned, "apply", "-y").err


def test_a_moved_resource_stays_moved(owned: World) -> None:
    """Its stamp still says the old address; the lock knows better, and a copy does not become the old one."""
    owned.ok("state", "mv", "assistant.a", "assistant.b")
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": SPEC["assistants"]["a"]}}})
    before, copy = ids(owned), copied(owned, "assistant.b")
    owned.ok("state", "rebuild")
    assert ids(owned) == before
    owned.apply("--prune-orphans")
    assert copy in {item["id"] for item in owned.listed("/assistants")}
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": SPEC["assistants"]["a"], "a": {"model": "m"}}}})
    told = refused(owned, "apply", "-y").err
    assert f"`{copy}`" in told and f"`{before['assistant.b']}`" in told


def test_a_lock_that_is_behind_a_copy(owned: World) -> None:
    """An old lock and something newer: what was made since is taken, where it is one; of two, and of one beside an
    object that has lost its stamp, somebody has to say which."""
    old, behind = owned.id("vector_store.kb"), (owned.root / LOCK).read_text()
    described = {**SPEC, "vector_stores": {"kb": {**SPEC["vector_stores"]["kb"], "description": "new"}}}
    owned.write({"specs/all.yaml": described})
    owned.wrap = undeletable
    owned.ok("apply", "-y", code=1)
    owned.wrap = lambda app: app
    new = owned.id("vector_store.kb")
    assert {item["id"] for item in owned.listed("/vector_stores")} == {old, new}
    copy = copied(owned, "vector_store.kb")
    owned.write({LOCK: behind})
    refused(owned, "apply", "-y")
    told = refused(owned, "state", "rebuild").err
    assert f"`{new}`" in told and f"`{copy}`" in told
    owned.http("DELETE", f"/vector_stores/{copy}")
    owned.http("POST", f"/vector_stores/{old}", {"metadata": {}})
    told = refused(owned, "state", "rebuild").err
    assert f"`{new}`" in told and f"`{old}`" in told
    owned.write({"specs/imports.yaml": {"imports": [{"to": "vector_store.kb", "id": new}]}})
    owned.ok("state", "rebuild")
    owned.apply()
    assert {item["id"] for item in owned.listed("/vector_stores")} == {old, new}
    assert owned.id("vector_store.kb") == new
