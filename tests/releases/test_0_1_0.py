"""What release 0.1.0 has left behind: its locks are read, its plans and comments are refused as
another release's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.world import World

KEPT = Path(__file__).parent / "0.1.0"
LOCKS = {"local": ".provisioner/local/lock.json", "responses": "locks/responses.lock.json"}


@pytest.fixture
def upgraded(world: World) -> World:
    """The workspace that release 0.1.0 applied three times through both APIs, with its locks and
    its service.
    """
    shutil.copytree(KEPT, world.root, dirs_exist_ok=True)
    shutil.copytree(KEPT / "service", world.root / ".provisioner/local")
    shutil.copy(KEPT / "locks/local.lock.json", world.root / LOCKS["local"])
    return world


@pytest.mark.parametrize("environment", LOCKS)
def test_a_lock_plans_unchanged(upgraded: World, environment: str) -> None:
    """Nothing is planned, nothing is drift, and looking does not rewrite the lock."""
    before = (upgraded.root / LOCKS[environment]).read_bytes()
    assert json.loads(before)["version"] == 1
    upgraded.settled("-e", environment)
    upgraded.ok("drift", "-e", environment)
    upgraded.ok("apply", "-y", "-e", environment)
    assert (upgraded.root / LOCKS[environment]).read_bytes() == before


@pytest.mark.parametrize("environment", LOCKS)
def test_the_next_change_rewrites_the_lock(upgraded: World, environment: str) -> None:
    """Ids, serials and lineage go on; a kept profile version of 0.1.0 has its ids alone, a new one
    its request.
    """
    old = upgraded.lock(LOCKS[environment])
    specs = (upgraded.root / "specs/all.yaml").read_text()
    upgraded.write({"specs/all.yaml": specs.replace("temperature: 0.4", "temperature: 0.6")})
    upgraded.apply(f"-e{environment}")
    new = upgraded.lock(LOCKS[environment])
    assert (new["version"], new["serial"], new["lineage"]) == (2, old["serial"] + 1, old["lineage"])
    assert new["written"].endswith("+00:00")
    support = "assistant.support"
    assert {name: entry.get("id") for name, entry in new["resources"].items()} == {
        name: entry.get("id") for name, entry in old["resources"].items()
    }
    if environment == "responses":
        assert [sorted(version) for version in old["resources"][support]["versions"]] == [
            ["digest", "ids", "version"]
        ] * 2
        versions = new["resources"][support]["versions"]
        assert versions[0]["request"] == old["resources"][support]["request"]
        assert versions[1:] == old["resources"][support]["versions"][:1]


def test_everything_goes_with_its_lock(upgraded: World) -> None:
    """Destroying what 0.1.0 made leaves nothing of it at the service."""
    specs = (upgraded.root / "specs/all.yaml").read_text()
    upgraded.write({"specs/all.yaml": specs.replace("protect: true", "protect: false")})
    for environment in LOCKS:
        upgraded.ok("apply", "-y", "-e", environment)
        upgraded.ok("destroy", "-y", "-e", environment)
    assert [upgraded.listed(path) for path in ("/assistants", "/vector_stores", "/files")] == [
        [],
        [],
        [],
    ]


def test_a_saved_plan_is_refused(upgraded: World) -> None:
    """What another release has planned may mean something else here."""
    result = upgraded.ok("apply", "change.plan.json", "-e", "local", code=1)
    assert "error: Plan of another release" in result.err
    assert "made by provisioner 0.1.0" in result.err and "provisioner plan --out FILE" in result.err
