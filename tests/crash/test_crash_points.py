"""An apply stopped dead at any instant: the next one leaves exactly what an undisturbed one would
have left.
"""

from __future__ import annotations

import pytest

from tests.crash.instants import Before, counted, crashing
from tests.crash.outcome import outcome
from tests.crash.workspace import EVERYWHERE, IN_A_FILE

SHARE = {"file": 6, "git": 2}  # points of the sample; a push costs more than a line in a file


@pytest.mark.parametrize("before", EVERYWHERE, indirect=True)
def test_every_instant(before: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the instant, the next apply converges to the same lock and the same objects."""
    world, instants = before.world, counted(before, monkeypatch)
    world.settled()
    wanted = outcome(world)
    for at in before.each(instants, SHARE[before.store]):
        crashing(world, at, monkeypatch, exact=before.store != "git")
        again = world.run("apply", "-y", "--force")
        assert again.code == 0, f"instant {at}: {again.out}{again.err}"
        world.settled()
        found = outcome(world)
        assert found == wanted, f"instant {at} of {instants}\n" + "\n".join(
            [
                *(f"- {line}" for line in wanted if line not in found),
                *(f"+ {line}" for line in found if line not in wanted),
            ]
        )


@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_every_action(before: Before) -> None:
    """The apply whose instants are tried has something of every action to do, to every kind."""
    plan = before.world.plan("--force")
    changes = plan["resource_changes"]
    actions = {
        (row["address"].split(".")[0], "/".join(row["change"]["actions"])) for row in changes
    }
    kinds = {"assistant", "automation", "credential", "file", "skill", "vector_store"}
    kinds |= {"environment_template"}
    assert {(kind, action) for kind in kinds for action in ("create", "delete")} <= actions
    fixed = {
        "assistant",
        "automation",
        "file",
        "vector_store",
    }  # which have what cannot be changed in place
    assert {(kind, "update") for kind in kinds - {"file"}} | {
        (kind, "create/delete") for kind in fixed
    } <= actions
    assert {(kind, "forget") for kind in kinds - {"file"}} <= actions
    assert plan["summary"]["import"] == 3 and [item["action"] for item in plan["deposed"]] == [
        "delete"
    ]
    assert {
        row["previous_address"].split(".")[0] for row in changes if row["previous_address"]
    } == kinds
    assert {item["action"] for item in plan["attachments"]} == {
        "attach",
        "update",
        "replace",
        "detach",
    }
    assert {row["action_reason"] for row in changes} >= {
        "api_changed",
        "fixed_field",
        "gone",
        "removed_block",
        "drift",
    }


@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_nothing_is_written_by_a_plan(before: Before) -> None:
    """Planning is read-only, at the service and on the disk."""
    world = before.world
    lock = (world.root / ".provisioner/local/lock.json").read_bytes()
    world.calls.clear()
    world.ok("plan", "--force")
    assert {method for method, _ in world.calls} == {"GET"}
    assert (world.root / ".provisioner/local/lock.json").read_bytes() == lock
