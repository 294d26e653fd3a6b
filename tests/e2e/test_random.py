"""Random workspaces under random edits: every apply converges, and the service holds what is
declared, no more.
"""

from __future__ import annotations

import os

import pytest

from tests.e2e.holding import check
from tests.e2e.random_specs import Workspace
from tests.support.world import World

SEEDS = int(os.environ.get("PROVISIONER_SEEDS", "1"))
FIRST = int(os.environ.get("PROVISIONER_FIRST_SEED", "0"))
STEPS = int(os.environ.get("PROVISIONER_STEPS", "8"))


@pytest.mark.parametrize(
    "api", ["assistants", pytest.param("responses", marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_every_edit_converges(world: World, seed: int, api: str) -> None:
    """After each apply the next plan is empty and nothing is missing, left over or different at the
    service.
    """
    world.write(
        {
            "provisioner.yaml": {
                "workspace": "w",
                "environments": {"local": {"service": "local", "api": api}},
            }
        }
    )
    workspace = Workspace(seed)
    for number in range(STEPS):
        world.write(workspace.written())
        applied = world.run("apply", "-y", "--force")
        story = f"seed {seed}, step {number}: {workspace.story}\n{applied.out}{applied.err}"
        assert applied.code == 0, story
        world.settled()
        check(world, workspace, api, story)
        workspace.done()
        for _ in range(workspace.draw.randint(1, 3)):
            workspace.edit()
