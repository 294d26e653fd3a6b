"""Groups of journal lines: who waits together is pushed together, and in order."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from provisioner.errors import LockError
from provisioner.lock import git_store
from provisioner.lock.git_store import GroupSink
from provisioner.lock.journal import Journal
from provisioner.model import Address, Problem

from .contract import LEAVE, SUPPORT, entry


class Far:
    """A branch far away: a push takes a while, and fails when told to."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds
        self.groups: dict[str, bytes] = {}
        self.failing = False
        self.lands_anyway = False

    def push(self, name: str, data: bytes) -> None:
        time.sleep(self.seconds)
        if not self.failing or self.lands_anyway:
            self.groups[name] = data
        if self.failing:
            raise LockError(Problem("Git has failed", "away"))

    @property
    def lines(self) -> list[str]:
        return b"".join(self.groups[name] for name in sorted(self.groups)).decode().splitlines()


def address(number: int) -> Address:
    return Address("file", f"{number}.md")


def test_those_who_begin_together_wait_together() -> None:
    """A hundred tasks cost a push or two, and nobody goes on before his line is there."""
    far = Far()
    journal = Journal(GroupSink(far.push))

    async def one(number: int) -> None:
        id = await journal.begin(address(number), "create")
        assert any(f'"id":{id},' in line for line in far.lines)
        journal.result(id, entry(address(number), f"file-{number}"))

    async def everybody() -> None:
        await asyncio.gather(*map(one, range(100)))

    asyncio.run(everybody())
    assert len(far.groups) <= 5 and len(far.lines) >= 100
    journal.close()
    assert len(far.groups) <= 6 and len(far.lines) == 200
    assert journal.open == ()


def test_the_loop_goes_on() -> None:
    """Waiting for a push does not stop the requests of other tasks."""
    journal = Journal(GroupSink(Far(0.3).push))
    ticks = 0

    async def both() -> None:
        nonlocal ticks
        waiting = asyncio.ensure_future(journal.begin(SUPPORT, "create"))
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1

    asyncio.run(both())
    journal.close()
    assert ticks > 5


def test_what_leaves_late_says_so_before_it_leaves() -> None:
    """The age of an intent is that of its request, also where the process ends the moment after."""
    far = Far(0)
    journal = Journal(GroupSink(far.push))

    async def late() -> None:
        number = await journal.begin(SUPPORT, "create")
        await journal.leaving(number, 60)
        assert len(far.lines) == 1
        await journal.leaving(number, -1)
        assert '"leaving"' in far.lines[-1]
        journal.dismiss(number)
        await journal.leaving(number, -1)  # it is over: nothing is said of it any more

    asyncio.run(late())
    journal.close()
    assert len(far.lines) == 3


def test_results_come_before_the_next_intent() -> None:
    """What a request relies on is on the branch before its own intent is."""
    far = Far(0)
    journal = Journal(GroupSink(far.push))
    first = journal.intent(LEAVE, "create")
    journal.result(first, entry(LEAVE, "file-1"))
    assert len(far.lines) == 1
    journal.intent(SUPPORT, "create")
    assert ["file-1" in line for line in far.lines] == [False, True, False]
    journal.close()


def test_results_are_pushed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply that waits for an index for minutes does not keep its results to itself."""
    assert git_store.PATIENCE == 10
    monkeypatch.setattr(git_store, "PATIENCE", 0.1)
    far = Far(0)
    journal = Journal(GroupSink(far.push))
    journal.dismiss(journal.intent(LEAVE, "create"))
    deadline = time.monotonic() + 5
    while len(far.lines) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(far.lines) == 2
    journal.close()


@pytest.mark.parametrize("lands_anyway", [False, True])
def test_a_push_that_fails(lands_anyway: bool) -> None:
    """The intents of a failed group were never said, its results go with the next one, and nothing
    is there twice, also where the push got through and nobody knows.
    """
    far = Far(0)
    far.lands_anyway = lands_anyway
    journal = Journal(GroupSink(far.push))
    first = journal.intent(LEAVE, "create")
    journal.result(first, entry(LEAVE, "file-1"))
    far.failing = True

    async def both() -> list[int | BaseException]:
        begun = (journal.begin(SUPPORT, "create"), journal.begin(address(2), "create"))
        return await asyncio.gather(*begun, return_exceptions=True)

    assert all(isinstance(found, LockError) for found in asyncio.run(both()))
    with pytest.raises(LockError):
        journal.intent(SUPPORT, "update")
    assert journal.open == ()
    far.failing = False
    journal.intent(SUPPORT, "replace")
    assert [line.split('"')[3] for line in far.lines] == ["intent", "result", "intent"]
    assert "replace" in far.lines[-1]
    journal.close()


def test_closing_tells() -> None:
    """Results that cannot be pushed at the end are an error, unless another one is on its way
    already.
    """
    far = Far(0)
    with pytest.raises(LockError), Journal(GroupSink(far.push)) as journal:
        journal.dismiss(journal.intent(LEAVE, "create"))
        far.failing = True
    far.failing = False
    with pytest.raises(RuntimeError), Journal(GroupSink(far.push)) as journal:
        journal.dismiss(journal.intent(LEAVE, "create"))
        far.failing = True
        raise RuntimeError


def test_a_task_that_is_cancelled() -> None:
    """The others of its group do not notice."""
    far = Far(0.2)
    journal = Journal(GroupSink(far.push))

    async def two() -> None:
        gone = asyncio.ensure_future(journal.begin(LEAVE, "create"))
        stays = asyncio.ensure_future(journal.begin(SUPPORT, "create"))
        await asyncio.sleep(0.1)
        gone.cancel()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(two())
    assert [intent.address for intent in journal.open] == [SUPPORT]
    journal.close()


def test_threads() -> None:
    """Callers of several threads are served alike."""
    far = Far(0.01)
    journal = Journal(GroupSink(far.push))
    workers = [
        threading.Thread(target=journal.intent, args=(address(number), "create"))
        for number in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(far.lines) == len(journal.open) == 8
    journal.close()
