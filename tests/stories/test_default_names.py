"""The name that an object gets where nobody declares one: shown beforehand, never owned, and changed
with the address.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.world import World

OLD: dict[str, Any] = {"assistants": {"old": {"model": "gpt-4o"}}, "vector_stores": {"kb": {}}}
NEW: dict[str, Any] = {"assistants": {"new": {"model": "gpt-4o"}}, "vector_stores": {"docs": {}}}
MOVED = [
    {"from": "assistant.old", "to": "assistant.new"},
    {"from": "vector_store.kb", "to": "vector_store.docs"},
]


def declare(world: World, specs: dict[str, Any]) -> None:
    world.write({"specs/all.yaml": specs})


def names(world: World) -> list[str]:
    return [one["name"] for path in ("/assistants", "/vector_stores") for one in world.listed(path)]


def names_in_lock(world: World) -> list[bool]:
    return ["name" in entry["fields"] for entry in world.lock()["resources"].values()]


@pytest.fixture
def applied(world: World) -> World:
    declare(world, OLD)
    world.apply()
    return world


def test_a_plan_shows_it(world: World) -> None:
    """In each format, and in the plan that is saved and applied; the lock does not have it."""
    declare(world, OLD)

    text, page = world.ok("plan").out, world.ok("plan", "--format", "html").out
    markdown = world.ok("plan", "--format", "markdown").out
    rows = {row["address"]: row for row in world.plan("--out", "a.plan")["resource_changes"]}
    world.ok("apply", "a.plan")

    assert '+ name: "old" (default)' in text and '+ name: "kb" (default)' in text
    assert '+ name: "old" (default)' in markdown and "(default)" in page
    assert rows["assistant.old"]["change"]["after"] == {"name": "old", "model": "gpt-4o"}
    assert rows["assistant.old"]["defaults"] == {"name": "old"}
    assert rows["vector_store.kb"]["change"]["after"] == {"name": "kb"}
    assert names(world) == ["old", "kb"] and not any(names_in_lock(world))
    world.settled()


def test_a_declared_name_is_no_default(world: World) -> None:
    """Not even one that is the same: it is in the lock, and what it is moved to keeps it."""
    declare(world, {"assistants": {"old": {"model": "gpt-4o", "name": "old"}}})
    row = world.plan()["resource_changes"][0]
    world.apply()
    declare(world, {"assistants": {"new": {"model": "gpt-4o", "name": "old"}}, "moved": MOVED[:1]})
    applied = world.apply()

    assert row["defaults"] == {} and row["change"]["after"]["name"] == "old"
    assert names(world) == ["old"] and names_in_lock(world) == [True]
    assert "Resources: 1 moved." in applied.out


def test_a_move_changes_it(applied: World) -> None:
    """The plan says so, with and without the service; the object stays, and so does nothing else to
    do.
    """
    ids = [applied.id("assistant.old"), applied.id("vector_store.kb")]
    declare(applied, {**NEW, "moved": MOVED})

    assert '~ name: "old" → "new"' in applied.ok("plan", "--no-refresh").out
    planned = applied.ok("plan").out
    rows = {row["address"]: row for row in applied.plan("--out", "b.plan")["resource_changes"]}
    done = applied.ok("apply", "b.plan").out

    assert '~ name: "old" → "new"' in planned and '~ name: "kb" → "docs"' in planned
    assert planned.endswith("Plan: 2 to change, 2 to move.\n")
    assert rows["assistant.new"]["change"]["after"]["name"] == "new"
    assert "Resources: 2 changed, 2 moved." in done
    assert names(applied) == ["new", "docs"] and not any(names_in_lock(applied))
    assert ids == [applied.id("assistant.new"), applied.id("vector_store.docs")]
    applied.settled()


def test_moved_in_the_lock(applied: World) -> None:
    """After `state mv` the next plan says so, and an apply writes it; back again there is nothing to
    do.
    """
    for first, then in (("assistant.old", "assistant.new"), ("assistant.new", "assistant.old")):
        applied.ok("state", "mv", first, then)
    applied.ok("plan", "--detailed-exitcode")
    for move in MOVED:
        applied.ok("state", "mv", move["from"], move["to"])
    assert names(applied) == ["old", "kb"]
    declare(applied, NEW)

    assert '~ name: "old" → "new"' in applied.ok("plan").out
    assert "Resources: 2 changed." in applied.apply().out
    assert names(applied) == ["new", "docs"]
    assert not any("resetting" in entry for entry in applied.lock()["resources"].values())


def test_somebody_elses_name_stays(applied: World) -> None:
    """Nobody owns a name that is not declared: another one is no drift, and no move changes it.
    Only a new object is given the default, and the plan says so.
    """
    applied.http("POST", f"/assistants/{applied.id('assistant.old')}", {"name": "Theirs"})
    applied.http("POST", f"/vector_stores/{applied.id('vector_store.kb')}", {"name": "Their files"})
    applied.ok("plan", "--detailed-exitcode")
    applied.ok("drift")

    declare(applied, {**NEW, "moved": MOVED})
    assert "Resources: 2 moved." in applied.apply().out
    assert names(applied) == ["Theirs", "Their files"]

    declare(applied, {**NEW, "vector_stores": {"docs": {"description": "Rules"}}})
    assert '~ name: "Their files" → "docs"' in applied.ok("plan").out
    applied.apply()
    assert names(applied) == ["Theirs", "docs"]


def test_a_lock_of_before(applied: World) -> None:
    """A resource that was moved when names did not follow has an older one. It stays as it is."""
    text = json.dumps(applied.lock()).replace("assistant.old", "assistant.new")
    applied.write({".provisioner/local/lock.json": text})
    declare(applied, {**OLD, "assistants": NEW["assistants"]})

    assert "No changes." in applied.ok("plan", "--detailed-exitcode").out


def test_a_request_profile_has_no_name_of_its_own(world: World) -> None:
    """What is not declared is not sent under `responses`."""
    local = {"service": "local", "api": "responses"}
    world.write({"provisioner.yaml": {"workspace": "w", "environments": {"local": local}}})
    declare(world, {"assistants": OLD["assistants"]})

    assert world.plan()["resource_changes"][0]["change"]["after"] == {"model": "gpt-4o"}
    assert "name" not in world.ok("plan").out
