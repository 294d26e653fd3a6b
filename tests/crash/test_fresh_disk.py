"""A crash whose journal is lost as well: nothing is made twice, nothing is lost, what is left over is named."""

from __future__ import annotations

import shutil

import pytest

from tests.crash.test_crash_points import Crash, crashing, edited, neutral, points
from tests.support.world import World

__all__ = ["edited"]


@pytest.mark.parametrize("edited", ["assistants"], indirect=True)
def test_the_journal_is_lost(
    edited: World, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The lock is found to be behind; rebuilt from stamps, it leads to exactly the declared objects."""
    saved = tmp_path_factory.mktemp("saved") / "w"
    shutil.copytree(edited.root, saved)
    count = Crash(None)
    crashing(edited, count, monkeypatch)
    _, stores, assistants, files = neutral(edited)
    for at in points(count.seen, 10, 3):
        shutil.rmtree(edited.root)
        shutil.copytree(saved, edited.root)
        crashing(edited, Crash(at), monkeypatch)
        (edited.root / ".provisioner/local/lock.json.journal").unlink(missing_ok=True)
        first = edited.run("apply", "-y", "--force")
        if first.code:
            assert "Lock is behind" in first.err, f"instant {at}: {first.out}{first.err}"
            edited.ok("state", "rebuild")
        told = edited.run("apply", "-y", "--force", "--prune-orphans")
        assert told.code == 0, f"instant {at}: {told.out}{told.err}"
        edited.settled()
        after = neutral(edited)
        assert (after[1], after[2]) == (stores, assistants), f"instant {at}: {told.out}"
        left = list(after[3])
        for name in files:
            left.remove(name)  # every declared file is there
        words = first.out + first.err + told.out + told.err
        assert all(name in words for name in left), f"instant {at}: {left} left over and not named\n{words}"
