"""A crash whose journal is lost as well: nothing is made twice, nothing is lost, what is left over
is named.
"""

from __future__ import annotations

import pytest

from tests.crash.instants import Before, counted, crashing
from tests.crash.outcome import objects, uploads
from tests.crash.workspace import IN_A_FILE


@pytest.mark.thorough
@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_the_journal_is_lost(before: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is found to be behind; rebuilt from stamps, it leads to exactly the declared
    objects.
    """
    world, instants = before.world, counted(before, monkeypatch)
    wanted, files = (
        [line for line in objects(world) if '"object": "file"' not in line],
        uploads(world),
    )
    journal, lost = world.root / ".provisioner/local/lock.json.journal", 0
    for at in before.each(instants, 6, 3):
        crashing(world, at, monkeypatch)
        lost += journal.exists()
        journal.unlink(missing_ok=True)
        first = world.run("apply", "-y", "--force")
        if first.code:
            assert "Lock is behind" in first.err, f"instant {at}: {first.out}{first.err}"
            world.ok("state", "rebuild")
        reported = world.run("apply", "-y", "--force", "--prune-orphans")
        assert reported.code == 0, f"instant {at}: {reported.out}{reported.err}"
        world.settled()
        left = uploads(world)
        assert [line for line in objects(world) if '"object": "file"' not in line] == wanted, (
            f"instant {at}"
        )
        for name in files:
            left.remove(name)  # every declared file is there
        words = first.out + first.err + reported.out + reported.err
        assert all(name in words for name in left), (
            f"instant {at}: {left} left over and not named\n{words}"
        )
    assert lost > len(before.tried) / 2, f"only {lost} journals were lost"
