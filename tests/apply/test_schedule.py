"""Tasks in the order of their dependencies: what runs, what is skipped, and what a stop leaves
alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest

from provisioner.apply.schedule import Schedule, Task, TaskOutcome


class Work:
    """Tasks that note when they start and end. Those in `bad` say that they failed."""

    def __init__(self, bad: Iterable[str] = ()) -> None:
        self.seen: list[str] = []
        self.most = 0
        self._bad, self._now = set(bad), 0

    def task(self, key: str, needs: Iterable[str] = (), after: Iterable[str] = ()) -> Task:
        async def run() -> bool:
            self.seen.append(f"{key} starts")
            self._now += 1
            self.most = max(self.most, self._now)
            await asyncio.sleep(0)
            self._now -= 1
            self.seen.append(f"{key} ends")
            return key not in self._bad

        return Task(key, run, set(needs), set(after))

    @property
    def started(self) -> list[str]:
        return [line.removesuffix(" starts") for line in self.seen if line.endswith("starts")]


def ran(tasks: Iterable[Task], parallelism: int = 10) -> TaskOutcome:
    return asyncio.run(Schedule(tasks, parallelism).run())


def test_what_succeeds_is_done() -> None:
    """Every task runs once, after what it needs, and is counted as done."""
    work = Work()
    outcome = ran([work.task("c", needs="b"), work.task("b", needs="a"), work.task("a")])
    assert work.seen == ["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]
    assert outcome == TaskOutcome(done={"a", "b", "c"})


def test_what_needs_a_failure_is_skipped() -> None:
    """A failed task is counted as failed. What needs it is skipped, and so is what needs that; the
    rest goes on.
    """
    work = Work(bad="a")
    outcome = ran(
        [work.task("a"), work.task("b", needs="a"), work.task("c", needs="b"), work.task("d")]
    )
    assert sorted(work.started) == ["a", "d"]
    assert outcome == TaskOutcome(done={"d"}, failed={"a"}, skipped={"b", "c"})


def test_what_only_comes_after_a_failure_runs() -> None:
    """What is in `after` only has to be over, however it ended."""
    work = Work(bad="a")
    outcome = ran([work.task("a"), work.task("b", needs="a"), work.task("c", after=["a", "b"])])
    assert work.seen[-2:] == ["c starts", "c ends"]
    assert outcome == TaskOutcome(done={"c"}, failed={"a"}, skipped={"b"})


def test_one_failed_need_of_several_is_enough() -> None:
    """A task with two needs waits for both, and one that failed is enough to skip it."""
    work = Work(bad="b")
    assert ran([work.task("a"), work.task("b"), work.task("c", needs=["a", "b"])]).skipped == {"c"}


def test_needs_outside_of_the_plan_do_not_count() -> None:
    """What is not among the tasks is neither waited for nor missed."""
    work = Work()
    assert ran([work.task("a", needs=["elsewhere"], after=["somewhere"])]).done == {"a"}


@pytest.mark.parametrize("parallelism", [1, 3])
def test_no_more_at_once_than_allowed(parallelism: int) -> None:
    """As many tasks run side by side as are allowed, in the order in which they were given."""
    work = Work()
    ran([work.task(key) for key in "abcdef"], parallelism)
    assert work.most == parallelism
    assert work.started == [*"abcdef"]


def stopping(work: Work, stop: Callable[[], None], key: str) -> Task:
    """A task in the middle of which somebody stops the run."""
    inner = work.task(key)

    async def run() -> bool:
        stop()
        return await inner.run()

    return Task(key, run)


def test_a_stop_lets_what_is_in_flight_finish() -> None:
    """After a stop nothing more is started; what runs already ends, and the rest is neither failed
    nor skipped.
    """
    work = Work()
    stops: list[Callable[[], None]] = []
    tasks = [
        stopping(work, lambda: stops[0](), "a"),
        work.task("b"),
        work.task("c"),
        work.task("d", needs="a"),
    ]
    schedule = Schedule(tasks, 2)
    stops.append(schedule.stop)
    outcome = asyncio.run(schedule.run())
    assert sorted(work.seen) == ["a ends", "a starts", "b ends", "b starts"]
    assert outcome == TaskOutcome(done={"a", "b"}, unstarted={"c", "d"})


def test_an_exception_stops_the_run_and_is_raised_in_the_end() -> None:
    """A task that breaks is failed; what is in flight ends, nothing more is started, and the
    exception comes out.
    """
    work, outcome = Work(), TaskOutcome()

    async def broken() -> bool:
        raise ZeroDivisionError

    tasks = [Task("a", broken), work.task("b"), work.task("c"), work.task("d", after="a")]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Schedule(tasks, 2, outcome).run())
    assert work.seen == ["b starts", "b ends"]
    assert outcome == TaskOutcome(done={"b"}, failed={"a"}, unstarted={"c", "d"})


def test_a_cancelled_run_leaves_nothing_running() -> None:
    """Who cancels a run cancels its tasks, and waits for them: nothing is written once it has
    ended.
    """
    seen: list[str] = []

    async def endless() -> bool:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("tidied up")
            raise
        seen.append("went on")
        return True

    async def cancelled() -> None:
        run = asyncio.ensure_future(Schedule([Task("a", endless), Task("b", endless)], 2).run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(cancelled())
    assert seen == ["tidied up", "tidied up"]
