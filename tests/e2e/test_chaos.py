"""Sequences of edits, somebody else's hands, faults and deaths: in the end there is exactly what is
declared. PROVISIONER_CHAOS_SEEDS=100 PROVISIONER_STEPS=20 tries two hundred of them.
"""

from __future__ import annotations

import os

import pytest

from tests.e2e.chaos import Chaos
from tests.e2e.holding import check
from tests.e2e.random_specs import Workspace
from tests.support.world import World

THOROUGH = bool(os.environ.get("PROVISIONER_THOROUGH"))
SEEDS = int(os.environ.get("PROVISIONER_CHAOS_SEEDS", "2" if THOROUGH else "1"))
FIRST = int(os.environ.get("PROVISIONER_FIRST_SEED", "0"))
STEPS = int(os.environ.get("PROVISIONER_STEPS", "12"))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "api", ["assistants", pytest.param("responses", marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_every_sequence_ends_converged(world: World, seed: int, api: str) -> None:
    """One undisturbed apply leaves exactly the declared objects and an empty plan; an upload too
    many was reported.
    """
    world.write(
        {
            "provisioner.yaml": {
                "workspace": "w",
                "environments": {"local": {"service": "local", "api": api}},
            }
        }
    )
    chaos = Chaos(world, Workspace(seed))
    world.write(chaos.workspace.written())
    for _ in range(STEPS):
        chaos.step()
    applied = chaos.apply()
    story = f"seed {seed}: {'; '.join(chaos.story)}\n{chaos.said}"
    assert applied.code == 0, story
    world.settled(story=story)
    theirs = chaos.strangers
    theirs.untouched(story)
    theirs.kept()
    check(
        world,
        chaos.workspace,
        api,
        story,
        chaos.others | theirs.ids | reported(world, chaos.said),
        theirs.used,
    )


def reported(world: World, said: str) -> set[str]:
    """Uploads whose fate nobody can know, that every one of them was told of."""
    stores = [item["id"] for item in world.listed("/vector_stores")]
    held = {
        item["id"] for store in stores for item in world.listed(f"/vector_stores/{store}/files")
    }
    reported = [line for line in said.splitlines() if "left alone" in line]
    return {
        item["id"]
        for item in world.listed("/files")
        if any(item["id"] in line for line in reported)
    } - held
