"""A rollback that ends at any instant: the lock has the one version or the other, and the same
command finishes it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine import open_context
from tests.crash.instants import Crash, dying, hooked
from tests.support.world import World

A = "assistant.a"
LOCAL = {"workspace": "w", "environments": {"local": {"service": "local", "api": "responses"}}}
WORDS = ("rollback", A, "--to", "1", "-y")


def _profile(world: World) -> dict[str, Any]:
    found = {**world.lock()["resources"][A]}
    assert found.pop("written")
    return found


@pytest.mark.thorough
def test_killed_and_run_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No instant leaves half of it, a lease, or a version too many."""
    world.write({"provisioner.yaml": LOCAL})
    for text in ("One.", "Two."):
        spec = {"assistants": {"a": {"model": "gpt-4o", "instructions": text}}}
        world.write({"specs/a.yaml": spec})
        world.apply()
    before = _profile(world)
    saved = tmp_path.parent / f"{tmp_path.name}-saved"
    shutil.copytree(world.root, saved)
    whole = Crash()
    with hooked(whole, monkeypatch), world.behind(whole):
        world.ok(*WORDS)
    wanted = _profile(world)
    assert (wanted["version"], wanted["restores"], whole.seen > 5) == (3, 1, True)
    for at in range(whole.seen):
        shutil.rmtree(world.root)
        shutil.copytree(saved, world.root)
        crash = Crash(at)
        with hooked(crash, monkeypatch), world.behind(crash), dying():
            world.run(*WORDS)
        state = open_context(world.root).store.peek().state
        assert state is not None
        # What a reader sees meanwhile is whole.
        output = world.ok("output", "--json", A).json[A]
        assert output["request"] in (before["request"], wanted["request"]), at
        world.ok(*WORDS)
        assert _profile(world) == wanted, f"instant {at} of {whole.seen}"
        assert open_context(world.root).store.holder() is None
        assert world.changes() == {A: "update"}
