"""Ends and lost replies where a service shows its own writes late: the same is left as where it
shows them at once.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.crash.instants import Before, counted, crashing
from tests.crash.outcome import outcome
from tests.crash.test_lost_replies import trouble
from tests.crash.workspace import IN_A_FILE

SETTLING = 0.5
LAG = 0.1
EVERYTHING_LATE: dict[str, Any] = {
    "match": {"method": "POST"},
    "action": {"settle": {"seconds": LAG, "of": ["list", "get", "attach", "use", "update"]}},
}
LONG_DELETED: dict[str, Any] = {
    "match": {"method": "DELETE"},
    "action": {"settle": {"seconds": LAG, "of": ["delete"]}},
}


@pytest.fixture
def late(before: Before) -> Before:
    """The workspace of which the environment says that its service may be late."""
    path = before.world.root / "provisioner.yaml"
    config = yaml.safe_load(path.read_text())
    config["environments"]["local"]["settling"] = SETTLING
    path.write_text(yaml.safe_dump(config))
    return Before(before.world, before.saved.with_name("late"), before.store, before.strangers)


def left(before: Before) -> list[str]:
    """What is there, less what only says that an upload was doubted."""
    return [line.replace(', "resent": true', "") for line in outcome(before.world)]


@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_every_instant(late: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the instant, the next apply converges to the same lock and the same objects."""
    world, instants = late.world, counted(late, monkeypatch)
    wanted = left(late)
    for at in late.each(instants, 1):
        with world.perhaps_failing(EVERYTHING_LATE, LONG_DELETED):
            crashing(world, at, monkeypatch)
            again = world.run("apply", "-y", "--force")
            assert again.code == 0, f"instant {at}: {again.out}{again.err}"
            world.settled()
        assert left(late) == wanted, f"instant {at} of {instants}"


@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
@pytest.mark.thorough
def test_every_lost_reply(late: Before) -> None:
    """One lost reply of any kind changes nothing about the end."""
    world = late.world
    world.calls.clear()
    world.ok("apply", "-y", "--force")
    total, wanted = len(world.calls), left(late)
    for at in late.each(total, 1, 1):
        with world.perhaps_failing(EVERYTHING_LATE, LONG_DELETED):
            with world.behind(trouble(at, "lost")):
                result = world.run("apply", "-y", "--force")
            if result.code:
                world.ok("apply", "-y", "--force")
            world.settled()
        assert left(late) == wanted, f"request {at} of {total}\n{result.out}{result.err}"
