"""What a stopped apply has done and the specs no longer want, one by one: found by the
sequences of chaos.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.crash.instants import dying, hooked, stopped
from tests.e2e.mortal import Mortal
from tests.support.strangers import Strangers
from tests.support.world import World

STORE = {"vector_stores": {"kb": {"files": ["docs/a.md"]}, "other": {"files": ["docs/a.md"]}}}


def assistant(**fields: Any) -> dict[str, Any]:
    return {"specs/a.yaml": {"assistants": {"a": {"model": "m", **fields}}}}


def test_a_line_that_was_just_being_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it is on the disk: the next apply takes it for nothing, and makes nothing twice."""
    world.write(assistant())
    draw, at, torn = random.Random(1), 0, b""
    while not torn:
        crash = Mortal(at := at + 1, draw)
        with monkeypatch.context() as patched, hooked(crash, patched), world.behind(crash), dying():
            world.run("apply", "-y")
        torn = crash.torn or b""
    left = (world.root / ".provisioner/local/lock.json.journal").read_bytes()
    assert left.endswith(torn) and not left.endswith(b"\n")
    world.apply()
    assert len(world.listed("/assistants")) == 1


def test_a_field_of_a_stopped_create(world: World) -> None:
    """It was written, the lock never learned of it, and it is gone from the specs: it is reset."""
    world.write(assistant(instructions="Once.", metadata={"team": "hr"}))
    stopped(world, "POST", "/assistants")
    world.write(assistant())
    world.apply()
    live = world.http("GET", "/assistants/${assistant.a}")
    assert live["instructions"] is None and "team" not in live["metadata"]
    assert "resetting" not in world.lock()["resources"]["assistant.a"]
    assert len(world.listed("/assistants")) == 1


def test_a_field_of_a_stopped_update(world: World) -> None:
    """The same for a field that an update had just added."""
    world.write(assistant())
    world.apply()
    world.write(assistant(description="Once."))
    stopped(world, "POST", f"/assistants/{world.id('assistant.a')}")
    world.write(assistant())
    world.apply()
    assert world.http("GET", "/assistants/${assistant.a}")["description"] is None
    assert "resetting" not in world.lock()["resources"]["assistant.a"]


def test_a_document_that_a_stopped_apply_attached(world: World) -> None:
    """It leaves the store that does not want it any more, and stays in the one that does."""
    world.write(
        {
            "specs/a.yaml": {"vector_stores": {**STORE["vector_stores"], "kb": {}}},
            "docs/a.md": "A.\n",
        }
    )
    world.apply()
    world.write({"specs/a.yaml": STORE})
    stopped(world, "POST", f"/vector_stores/{world.id('vector_store.kb')}/files")
    world.write(
        {
            "specs/a.yaml": {
                "vector_stores": {"kb": {"files": []}, "other": {"files": ["docs/a.md"]}}
            }
        }
    )
    world.apply()
    assert world.listed("/vector_stores/${vector_store.kb}/files") == []
    assert len(world.listed("/vector_stores/${vector_store.other}/files")) == 1


def test_a_store_that_is_gone_comes_back_empty(world: World) -> None:
    """Its documents are not declared any more: the lock does not go on naming them."""
    world.write({"specs/a.yaml": STORE, "docs/a.md": "A.\n"})
    world.apply()
    world.http("DELETE", "/vector_stores/${vector_store.kb}")
    world.write(
        {
            "specs/a.yaml": {
                "vector_stores": {"kb": {"files": []}, "other": {"files": ["docs/a.md"]}}
            }
        }
    )
    world.apply()
    assert not world.lock()["resources"]["vector_store.kb"]["fields"].get("files")


def shared_document(world: World) -> tuple[str, Strangers]:
    """A document that is applied, by its id, and others who hold it as well."""
    world.write(
        {"specs/a.yaml": {"vector_stores": {"kb": {"files": ["docs/a.md"]}}}, "docs/a.md": "A.\n"}
    )
    world.apply()
    old = world.id("file.docs/a.md")
    strangers = Strangers(world)
    strangers.hold(old)
    strangers.look()
    return old, strangers


def test_an_old_version_that_others_use(world: World) -> None:
    """It leaves our store although it stays at the service: nobody finds two versions of one
    document.
    """
    old, strangers = shared_document(world)
    world.write({"docs/a.md": "A, second.\n"})
    stopped(world, "POST", f"/vector_stores/{world.id('vector_store.kb')}/files")
    shown = world.ok("plan").out
    assert f"- id:{old} (an old version)" in shown and "taken out" not in shown
    world.apply()
    held = [item["id"] for item in world.listed("/vector_stores/${vector_store.kb}/files")]
    assert held == [world.id("file.docs/a.md")] != [old]
    strangers.untouched()
    assert strangers.kept() == {old}


def test_an_old_version_while_the_new_one_is_indexed(world: World) -> None:
    """The apply that waits for the new version takes the old one out, and nothing is left for the
    next one.
    """
    old, strangers = shared_document(world)
    world.indexing_seconds = 0.6
    world.write({"docs/a.md": "A, second.\n"})
    stopped(world, "POST", f"/vector_stores/{world.id('vector_store.kb')}/files")
    assert "is still being indexed" in world.ok("plan").out
    world.apply()
    held = [item["id"] for item in world.listed("/vector_stores/${vector_store.kb}/files")]
    assert held == [world.id("file.docs/a.md")] != [old]
    strangers.untouched()
