"""Waiting for a service that is late: who waits gives way to others, and shares one list with all
who wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext

from provisioner.apply.lookout import Lookout
from provisioner.apply.schedule import Schedule, Task
from provisioner.model import Live


def test_who_waits_holds_no_slot() -> None:
    """With room for one task, a second one runs while the first only waits, and no third beside the
    second.
    """
    seen: list[str] = []

    async def waits() -> bool:
        seen.append("waits")
        with schedule.aside():
            await asyncio.sleep(0.05)
        seen.append("goes on")
        return True

    def works(name: str) -> Task:
        async def run() -> bool:
            seen.append(f"{name} starts")
            await asyncio.sleep(0.01)
            seen.append(f"{name} ends")
            return True

        return Task(name, run)

    schedule = Schedule([Task("first", waits), works("second"), works("third")], 1)
    outcome = asyncio.run(schedule.run())
    assert outcome.done == {"first", "second", "third"}
    assert seen == [
        "waits",
        "second starts",
        "second ends",
        "third starts",
        "third ends",
        "goes on",
    ]


def test_waits_within_one_task_free_one_slot() -> None:
    """A task that waits for ten things at once is one task that waits."""
    most, now = 0, 0

    async def waits() -> bool:
        async def one() -> None:
            with schedule.aside():
                await asyncio.sleep(0.05)

        await asyncio.gather(*(one() for _ in range(10)))
        return True

    async def works() -> bool:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return True

    schedule = Schedule([Task("waits", waits), *(Task(number, works) for number in range(8))], 1)
    asyncio.run(schedule.run())
    assert most == 1


class Shelf:
    """A list whose object is shown from a moment on; counts how often it is read."""

    def __init__(self, after: float) -> None:
        self.began, self.after, self.reads = time.time(), after, 0

    async def read(self) -> Sequence[Live]:
        self.reads += 1
        await asyncio.sleep(0.01)
        return [Live("asst_1", {})] if time.time() - self.began >= self.after else []


async def found(lookout: Lookout, shelf: Shelf, seconds: float) -> bool:
    async for objects in lookout.lists("assistant", shelf.read, time.time() + seconds):
        if objects:
            return True
    return False


def test_one_list_serves_all_who_look() -> None:
    """Twenty look for something that is shown late: all find it, with as many lists as one would
    need.
    """
    shelf = Shelf(after=0.5)

    async def story() -> list[bool]:
        lookout = Lookout(nullcontext)
        return await asyncio.gather(*(found(lookout, shelf, 2) for _ in range(20)))

    assert all(asyncio.run(story()))
    assert shelf.reads <= 4  # at 0, 0.2 and 0.6 seconds


def test_who_has_no_time_looks_once() -> None:
    """Where nothing is late, one list says it."""
    shelf = Shelf(after=60)
    assert not asyncio.run(found(Lookout(nullcontext), shelf, 0))
    assert shelf.reads == 1


def test_a_late_comer_does_not_wait_for_the_next_round() -> None:
    """Whoever begins to look while others pause has a list at once, and so have they."""
    shelf = Shelf(after=0.3)

    async def story() -> float:
        lookout = Lookout(nullcontext)
        early = asyncio.ensure_future(found(lookout, shelf, 5))
        await asyncio.sleep(0.35)
        began = time.time()
        assert await found(lookout, shelf, 5)
        assert await early
        return time.time() - began

    assert asyncio.run(story()) < 0.15


def test_nothing_is_found_at_the_end() -> None:
    """The last list begins when the time is over, so that what is shown by then is not missed."""
    shelf = Shelf(after=0.29)
    assert asyncio.run(found(Lookout(nullcontext), shelf, 0.3))
