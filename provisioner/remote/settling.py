"""What a service may not show yet: its own writes of the last moments. How long to doubt it, and
how often to ask.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from provisioner.errors import ServiceError

# the key for the last write of the lock: what was deleted then, it does not name any more
LOCK = "lock"
FIRST, LONGEST = 0.2, 5.0  # seconds between two looks; each pause is twice the one before
# Collections whose name is more than one word.
_BELOW = re.compile(r"agents/(environments/templates|environments|sessions|automations)(?=/|$)")


class Settling:
    """When which object was written, by its id; a store file by `vs_1/file-1`. After `seconds` the
    service is believed again; with 0 it always is.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.seconds = seconds
        self.aside: Callable[[], AbstractContextManager[None]] = (
            nullcontext  # held while all that is done is to wait
        )
        self._clock, self._sleep = clock, sleep
        self._written: dict[str, float] = {}
        self._gone: set[str] = set()

    def wrote(self, *keys: str, at: float | None = None) -> None:
        """Take note of a write, now or at a time by this machine's clock; one in the future counts
        as now.
        """
        self._gone.difference_update(keys)
        now = self._clock()
        when = now if at is None else min(at, now)
        if self.recent(when):
            self._written.update((key, max(when, self._written.get(key, 0.0))) for key in keys)

    def recent(self, at: float) -> bool:
        """Whether what was written at that time may not be shown yet."""
        return self._clock() - at < self.seconds

    def gone(self, key: str) -> None:
        """Take note of a deletion: that it is not found is what is wanted, also in a store that is
        young itself.
        """
        self._written.pop(key, None)
        self._gone.add(key)

    def left(self, keys: Iterable[str]) -> float:
        """Seconds until the youngest of some objects counts as settled; 0 where all of them do."""
        youngest = max((self._written[key] for key in keys if key in self._written), default=0.0)
        return max(0.0, youngest + self.seconds - self._clock())

    def young(self, key: str) -> bool:
        return self.left([key]) > 0

    def named(self, value: Any) -> Iterator[str]:
        """The young objects that a request names anywhere in its body."""
        left = [value]
        while left:
            one = left.pop()
            if isinstance(one, str):
                if one in self._written and self.young(one):
                    yield one
            elif isinstance(one, dict):
                left += reversed(one.values())
            elif isinstance(one, list | tuple):
                left += reversed(one)

    def now(self) -> float:
        """The time by this machine's clock."""
        return self._clock()

    def doubts(self, error: ServiceError, keys: Iterable[str], begun: float) -> bool:
        """Whether a refusal of what was asked at a time may only mean that the service did not
        show one of these yet: 404, or 400 naming it. However late its reply has come, it says what
        was there then.
        """
        asked = list(keys)
        young = [key for key in asked if self._written.get(key, 0.0) + self.seconds > begun]
        if not young or error.status not in (400, 404) or self._gone.intersection(asked):
            return False
        said = error.problems[0].detail
        return error.status == 404 or any(key.rpartition("/")[2] in said for key in young)

    def pauses(self, until: float, begun: float | None = None) -> AsyncIterator[bool]:
        """Growing pauses before further looks, the last of which begins at a moment by this
        machine's clock, or later: `await anext(pauses, False)` says whether there is one. `begun`
        is when the first look began, which may have taken long; left out, it is about to.
        """
        return self._pauses(until, self._clock() if begun is None else begun)

    async def _pauses(self, until: float, begun: float) -> AsyncIterator[bool]:
        pause = FIRST
        while begun < until:
            left = until - self._clock()
            if left > 0:
                await self.sleep(min(pause, left))
            begun = self._clock()
            yield True
            pause = min(pause * 2, LONGEST)

    async def rounds(self, until: float | None) -> AsyncIterator[None]:
        """At once, and again after growing pauses up to `until`: for what was read while it was in
        doubt, however long that took. Nothing for None.
        """
        if until is None:
            return
        begun = self._clock()
        yield
        async for _ in self.pauses(until, begun):
            yield

    async def sleep(self, seconds: float) -> None:
        """Wait, and let others go on meanwhile."""
        with self.aside():
            await self._sleep(seconds)

    def until(self, keys: Iterable[str]) -> float:
        """The moment at which all of these have settled."""
        return self._clock() + self.left(keys)

    def doubted(self, keys: Iterable[str]) -> float | None:
        """The same, to be asked before something is read; None where all of them have settled
        already.
        """
        left = self.left(keys)
        return self._clock() + left if left > 0 else None


def key_of(path: str) -> str | None:
    """`vs_1` of `/vector_stores/vs_1`, `vs_1/file-1` of `/vector_stores/vs_1/files/file-1`; None
    for a collection.
    """
    parts = parts_of(path)
    return "/".join(parts[1::2]) if len(parts) % 2 == 0 else None


def keys_of(path: str) -> list[str]:
    """The objects that a path leads through, itself included."""
    ids = parts_of(path)[1::2]
    return ["/".join(ids[: count + 1]) for count in range(len(ids))]


def parts_of(path: str) -> list[str]:
    """Collections and ids, in turn: two of `/agents/sessions/s_1`."""
    return _BELOW.sub("agents", path.strip("/")).split("/")
