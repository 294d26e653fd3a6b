"""How often a request is tried again, and how long to wait in between."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from urllib.parse import urlsplit

from provisioner.records import dataclass


class Outcome(Enum):
    """What a failed request means for the next attempt."""

    FINAL = "final"  # the answer will not change
    UNSENT = "unsent"  # nothing reached the service
    THROTTLED = "throttled"  # refused without being carried out
    UNKNOWN = "unknown"  # perhaps carried out


@dataclass(frozen=True, slots=True)
class Retries:
    """Attempts per outcome, and the waits between them in seconds."""

    unsent: int = 3
    throttled: int = 8
    unknown: int = 5
    base: float = 0.5
    cap: float = 8.0
    limit: float = 60.0  # of what the service may ask us to wait
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def again(
        self, outcome: Outcome, attempt: int, repeatable: bool, retry_after: float | None
    ) -> bool:
        """Whether to send the request once more after `attempt` attempts. One that may have been
        carried out is repeated only where that does no harm.
        """
        if outcome is Outcome.FINAL or (outcome is Outcome.UNKNOWN and not repeatable):
            return False
        if retry_after is not None and retry_after > self.limit:
            return False
        return attempt < int(getattr(self, outcome.value))

    async def wait(self, attempt: int, retry_after: float | None) -> None:
        """Full jitter, so that many clients that failed together do not return together."""
        jitter = random.uniform(0, min(self.cap, self.base * 2 ** (attempt - 1)))
        await self.sleep(jitter if retry_after is None else retry_after + jitter * 0.1)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks us to wait: `retry-after-ms`, or `Retry-After` as a number or a
    date.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name), scale)
        if seconds is not None:
            return seconds
    try:
        moment = parsedate_to_datetime(headers.get("retry-after") or "")
    except (ValueError, OverflowError):
        return None
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (known - datetime.now(UTC)).total_seconds())


def _number(text: str | None, scale: float) -> float | None:
    try:
        seconds = float(text or "") * scale
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


_WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` requests a minute of one method to the paths that match; counted apart for
    each group.
    """

    method: str
    path: re.Pattern[str]
    limit: int
    what: str


BUDGETS = (
    Budget("POST", re.compile(r"/files"), 1000, "uploads"),
    Budget(
        "POST",
        re.compile(r"/vector_stores/([^/]+)/(?:files|file_batches)"),
        300,
        "attachments to one vector store",
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
                left = sent[0] + _WINDOW - self._clock()
                if left > 0:
                    on_wait(
                        f"{left:.0f} s, because {budget.limit} {budget.what} a minute are allowed"
                    )
                    await self._sleep(left)
                elif sent:
                    sent.popleft()
            sent.append(self._clock())
