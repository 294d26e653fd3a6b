"""Every write of an apply refused, failing, or never sent: the lock says what the service has, and
nobody is blamed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.remote import Retries
from tests.crash.instants import Before, Dead
from tests.crash.outcome import outcome
from tests.record.claims import false_claims
from tests.record.failing import Failing, Nth
from tests.record.workspace import edited, taken_back
from tests.support.injecting import Watching
from tests.support.world import World


@dataclass
class Tried:
    """The workspace before its second apply, what that one ends in, and how many writes it
    takes.
    """

    before: Before
    unmanaged: str
    wanted: list[str]
    total: int

    def each(self, how: str, first: int, step: int) -> Iterator[tuple[World, str]]:
        """The workspace after each apply in which one write fails."""
        for at in range(first, self.total, step):
            world, failing = self.before.again(), Failing(Nth(at), how)
            with world.behind(failing.around):
                try:
                    result = world.run("apply", "-y")
                    split = failing.struck[0][1].endswith(
                        "/file_batches"
                    )  # a batch that is refused is sent in parts
                    assert result.code == 1 or split, (
                        f"{failing.struck} did not fail:\n{result.out}"
                    )
                except* Dead:
                    assert failing.dead
            yield world, f"{how}: {' '.join(failing.struck[0])}"


@pytest.fixture
def tried(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tried:
    monkeypatch.setattr("provisioner.remote.client.Retries", lambda: Retries(base=0))
    world.root = tmp_path / "all" / "desk"
    world.root.mkdir(parents=True)
    unmanaged = edited(world)
    before = Before(world, tmp_path / "saved", "file")
    count = Nth()
    with world.behind(Watching(Failing(count).around)):
        world.apply()
    assert false_claims(world) == []
    return Tried(before, unmanaged, outcome(world), len(count.seen))


def _without_history(lines: list[str]) -> list[str]:
    """An outcome but for what was written over on the way to it."""
    return [re.sub(r', "overwritten": \{[^{]*\{[^}]*\}\}', "", line) for line in lines]


def _apart(
    world: World, wanted: list[str], seen: Callable[[list[str]], list[str]] = list
) -> list[str]:
    """The lines of an outcome that should not be there, and those that should."""
    found = seen(outcome(world))
    return [f"- {line}" for line in wanted if line not in found] + [
        f"+ {line}" for line in found if line not in wanted
    ]


WAYS = ("400", "500", "killed before", "killed after")
STEP = 40
QUICK = [pytest.param(how, at, STEP, id=how) for at, how in enumerate(WAYS)]
WHOLE = [
    pytest.param(how, 0, 1, id=f"{how}, every write", marks=pytest.mark.thorough) for how in WAYS
]


@pytest.mark.parametrize(("how", "first", "step"), [*QUICK, *WHOLE])
@pytest.mark.sampled(2)
def test_the_lock_is_a_record(tried: Tried, how: str, first: int, step: int) -> None:
    """The lock claims nothing that the service does not have; what is still to do is the author's
    own change; and the next apply ends where an undisturbed one would have ended.
    """
    for world, reported in tried.each(how, first, step):
        if how != "killed after":
            assert false_claims(world) == [], reported
        plan = world.plan()
        assert plan["resource_drift"] == [], reported
        world.apply()
        assert _apart(world, tried.wanted) == [], reported


@pytest.mark.parametrize(("how", "first", "step"), [*QUICK, *WHOLE])
@pytest.mark.sampled(2)
def test_the_author_thinks_again(tried: Tried, how: str, first: int, step: int) -> None:
    """The edits are taken back after the apply that failed: what it had written already is no
    hand's edit, and none of it stays.
    """
    world = tried.before.again()
    taken_back(world, tried.unmanaged)
    world.apply()
    wanted = _without_history(outcome(world))
    for world, reported in tried.each(how, first, step):
        taken_back(world, tried.unmanaged)
        assert world.plan()["resource_drift"] == [], reported
        world.apply()
        assert _apart(world, wanted, _without_history) == [], reported
