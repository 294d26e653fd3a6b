"""Budgets for the documented limits of OpenAI's own service, so that they are met before they are hit."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` requests a minute of one method to the paths that match; counted apart for each group."""

    method: str
    path: re.Pattern[str]
    limit: int
    what: str


BUDGETS = (
    Budget("POST", re.compile(r"/files"), 1000, "uploads"),
    Budget(
        "POST", re.compile(r"/vector_stores/([^/]+)/(?:files|file_batches)"), 300, "attachments to one vector store"
    ),
)


class Pace:
    """Lets a request go when its budget allows it."""

    def __init__(
        self,
        budgets: tuple[Budget, ...],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budgets, self._sleep, self._clock = budgets, sleep, clock
        self._sent: dict[tuple[str, ...], deque[float]] = {}

    @classmethod
    def of(cls, base_url: str) -> Pace:
        """The pace of a service: only OpenAI's own limits are documented."""
        host = urlsplit(base_url).hostname or ""
        return cls(BUDGETS if host == "openai.com" or host.endswith(".openai.com") else ())

    async def turn(self, method: str, path: str, on_wait: Callable[[str], None]) -> None:
        """Wait until one more request is within its budget, and count it."""
        for budget in self._budgets:
            match = budget.path.fullmatch(path) if method == budget.method else None
            if match is None:
                continue
            sent = self._sent.setdefault((budget.what, *match.groups()), deque())
            while len(sent) >= budget.limit:
                left = sent[0] + WINDOW - self._clock()
                if left > 0:
                    on_wait(f"{left:.0f} s, because {budget.limit} {budget.what} a minute are allowed")
                    await self._sleep(left)
                elif sent:
                    sent.popleft()
            sent.append(self._clock())
