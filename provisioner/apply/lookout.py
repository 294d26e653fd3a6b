"""Lists in which something is looked for that may be shown late: one list a kind and round, however
many look.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import field

from provisioner.model import Live
from provisioner.records import dataclass
from provisioner.remote.settling import FIRST, LONGEST

Read = Callable[[], Awaitable[Sequence[Live]]]


@dataclass
class _Round:
    """A list that is about to be read, at `due` or as soon as somebody wants it sooner."""

    due: float
    sooner: asyncio.Event = field(default_factory=asyncio.Event)
    list: asyncio.Future[Sequence[Live]] = field(init=False)


class Lookout:
    """The rounds of every list that somebody waits for."""

    def __init__(
        self,
        aside: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._aside = aside
        self._clock = clock
        self._rounds: dict[Hashable, _Round] = {}

    async def lists(self, key: Hashable, read: Read, until: float) -> AsyncIterator[Sequence[Live]]:
        """The list as it is at once, and again after growing pauses, the last time at a moment by
        this machine's clock, or later. Every list has begun after it was asked for.
        """
        pause, due = 0.0, self._clock()
        while True:
            yield await self._next(key, read, due)
            if due >= until:
                return
            pause = min(pause * 2 or FIRST, LONGEST)
            due = max(self._clock(), min(self._clock() + pause, until))

    async def _next(self, key: Hashable, read: Read, due: float) -> Sequence[Live]:
        round = self._rounds.get(key)
        if round is None:
            round = self._rounds[key] = _Round(due)
            round.list = asyncio.ensure_future(self._read(key, read, round))
        elif due < round.due:
            round.due = due
            round.sooner.set()
        with self._aside():
            return await asyncio.shield(round.list)

    async def _read(self, key: Hashable, read: Read, round: _Round) -> Sequence[Live]:
        try:
            while (left := round.due - self._clock()) > 0:
                round.sooner.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(round.sooner.wait(), left)
        finally:
            del self._rounds[key]  # whoever comes from here on needs a later list
        return await read()
