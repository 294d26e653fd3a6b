"""Tasks in dependency order, as many at once as allowed; knows nothing of what they do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field

from provisioner.records import dataclass

_Key = Hashable
_CURRENT: ContextVar[_Key] = ContextVar("task", default=None)


@dataclass(slots=True)
class Task:
    """A piece of work. It is skipped when something in `needs` failed or was skipped; what is in
    `after` only has to be over. `run` says whether it succeeded.
    """

    key: _Key
    run: Callable[[], Awaitable[bool]]
    needs: set[_Key] = field(default_factory=set)
    after: set[_Key] = field(default_factory=set)


@dataclass(slots=True)
class TaskOutcome:
    """Which tasks succeeded, failed, were skipped, or were never started because of a stop."""

    done: set[_Key] = field(default_factory=set)
    failed: set[_Key] = field(default_factory=set)
    skipped: set[_Key] = field(default_factory=set)
    unstarted: set[_Key] = field(default_factory=set)


class NotBegun(Exception):
    """What a task raises that has done nothing yet when everything is stopped."""


class Schedule:
    """Runs tasks. `stop()` lets what is in flight finish and starts nothing more."""

    def __init__(
        self, tasks: Iterable[Task], parallelism: int, outcome: TaskOutcome | None = None
    ) -> None:
        self.outcome = TaskOutcome() if outcome is None else outcome
        self._tasks = {task.key: task for task in tasks}
        self._parallelism = parallelism
        self._waiting: dict[_Key, int] = {}
        self._users: dict[_Key, list[_Key]] = {}
        self._ready: list[_Key] = []
        self._stopped = False
        self._idle: Counter[_Key] = (
            Counter()
        )  # tasks that only wait, with the number of their waits
        self._woken = asyncio.Event()
        self._ended: list[asyncio.Task[bool]] = []
        for key, task in self._tasks.items():
            before = (task.needs | task.after) & self._tasks.keys()
            self._waiting[key] = len(before)
            for other in before:
                self._users.setdefault(other, []).append(key)
        self._ready = [key for key, count in self._waiting.items() if count == 0][::-1]

    def stop(self) -> None:
        self._stopped = True

    async def run(self) -> TaskOutcome:
        """Run everything; an exception of a task (not a failure that it reports) is raised after
        the others ended.
        """
        running: dict[asyncio.Task[bool], _Key] = {}
        errors: list[BaseException] = []
        while self._ready or running:
            self._start(running)
            if not running:
                break
            for future in await self._finished(running):
                key = running.pop(future)
                error = future.exception()
                if isinstance(error, NotBegun):
                    continue
                if error is not None:
                    errors.append(error)
                    self.stop()
                self._over(
                    key,
                    self.outcome.done if error is None and future.result() else self.outcome.failed,
                )
        self.outcome.unstarted = (
            self._tasks.keys() - self.outcome.done - self.outcome.failed - self.outcome.skipped
        )
        if errors:
            raise errors[0]
        return self.outcome

    def _start(self, running: dict[asyncio.Task[bool], _Key]) -> None:
        while (
            self._ready and not self._stopped and len(running) - len(self._idle) < self._parallelism
        ):
            key = self._ready.pop()
            task = self._tasks[key]
            if any(
                need in self.outcome.failed or need in self.outcome.skipped for need in task.needs
            ):
                self._over(key, self.outcome.skipped)
            else:
                future = asyncio.ensure_future(self._named(task))
                future.add_done_callback(self._end)
                running[future] = key
        if self._stopped:
            self._ready.clear()

    async def _named(self, task: Task) -> bool:
        _CURRENT.set(task.key)  # also for whatever it runs side by side
        return await task.run()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """To be held by a task while all that it does is wait: others may run in its place."""
        key = _CURRENT.get()
        self._idle[key] += 1
        self._woken.set()
        try:
            yield
        finally:
            self._idle[key] -= 1
            if not self._idle[key]:
                del self._idle[key]

    async def _finished(self, running: Iterable[asyncio.Task[bool]]) -> list[asyncio.Task[bool]]:
        """The next ones that are over, if any: when a task steps aside, another may begin. Who
        cancels this cancels all of them: nothing is written once it has ended.
        """
        try:
            await self._woken.wait()
        except asyncio.CancelledError:
            for future in running:
                future.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        self._woken.clear()
        ended, self._ended = self._ended, []
        return ended

    def _end(self, future: asyncio.Task[bool]) -> None:
        self._ended.append(future)
        self._woken.set()

    def _over(self, key: _Key, where: set[_Key]) -> None:
        where.add(key)
        for user in self._users.get(key, ()):
            self._waiting[user] -= 1
            if self._waiting[user] == 0:
                self._ready.append(user)
