"""A crash whose journal is lost as well: nothing is made twice, nothing is lost, what is left over
is named.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.instants import Before, counted, crashing
from tests.crash.outcome import objects, uploads
from tests.crash.workspace import IN_A_FILE
from tests.support.world import World

UNSTAMPED = {  # where they are, by what they call themselves
    "agent.environment.template": "/agents/environments/templates",
    "file": "",
    "skill": "/skills",
}


def stamped(world: World) -> list[str]:
    """Everything that says whose it is."""
    marks = [f'"object": "{name}"' for name in UNSTAMPED]
    return [line for line in objects(world) if not any(mark in line for mark in marks)]


def unstamped(world: World) -> list[str]:
    """The ids of everything else, files apart: those are known by their names."""
    return [item["id"] for path in UNSTAMPED.values() if path for item in world.listed(path)]


def locked(world: World) -> dict[str, Any]:
    """The lock's entries that have an object."""
    entries: dict[str, Any] = world.lock()["resources"]
    return {address: entry for address, entry in entries.items() if entry.get("id")}


@pytest.mark.thorough
@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_the_journal_is_lost(before: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is found to be behind; rebuilt from stamps, it leads to exactly the declared
    objects.
    """
    world = before.world
    had = set(unstamped(world))
    instants = counted(before, monkeypatch)
    wanted, files = stamped(world), uploads(world)
    journal, lost = world.root / ".provisioner/local/lock.json.journal", 0
    for at in before.each(instants, 6, 3):
        crashing(world, at, monkeypatch)
        lost += journal.exists()
        journal.unlink(missing_ok=True)
        first = rebuilt = world.run("apply", "-y", "--force")
        if first.code:
            assert "Lock is behind" in first.err, f"instant {at}: {first.out}{first.err}"
            rebuilt = world.ok("state", "rebuild")
        reported = world.run("apply", "-y", "--force", "--prune-orphans")
        assert reported.code == 0, f"instant {at}: {reported.out}{reported.err}"
        world.settled()
        left = uploads(world)
        assert stamped(world) == wanted, f"instant {at}"
        for name in files:
            left.remove(name)  # every declared file is there
        left += set(unstamped(world)) - had - {one["id"] for one in locked(world).values()}
        words = first.out + first.err + rebuilt.out + reported.out + reported.err
        assert all(name in words for name in left), (
            f"instant {at}: {left} left over and not named\n{words}"
        )
    assert lost > len(before.tried) / 2, f"only {lost} journals were lost"
