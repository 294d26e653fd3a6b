"""What is left of the old API when an assistant changes it and its old object cannot be deleted at
once.
"""

from __future__ import annotations

from tests.crash.workspace import undeletable
from tests.support.world import World


def declare(world: World, api: str) -> None:
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o", "api": api}}}})


def test_the_old_object_is_remembered(world: World) -> None:
    """It is in the lock with its API in the same record as its successor, no orphan, and goes with
    the next apply.
    """
    declare(world, "assistants")
    world.apply()
    old = world.id("assistant.a")
    declare(world, "responses")
    with world.behind(undeletable):
        world.ok("apply", "-y", code=1)
        assert world.lock()["resources"]["assistant.a"]["deposed"] == [
            {"id": old, "api": "assistants"}
        ]
        plan = world.plan()
        assert plan["orphans"] == [] and [item["id"] for item in plan["deposed"]] == [old]
    world.apply()
    assert world.listed("/assistants") == []
    assert "deposed" not in world.lock()["resources"]["assistant.a"]


def test_there_and_back(world: World) -> None:
    """An assistant that returns before its old object could go leaves only the new one."""
    declare(world, "assistants")
    world.apply()
    old = world.id("assistant.a")
    with world.behind(undeletable):
        declare(world, "responses")
        world.ok("apply", "-y", code=1)
        declare(world, "assistants")
        world.ok("apply", "-y", code=1)
        assert world.lock()["resources"]["assistant.a"]["deposed"] == [{"id": old}]
    world.apply()
    assert [item["id"] for item in world.listed("/assistants")] == [world.id("assistant.a")]
