"""How often a request is tried again, and how long to wait in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum


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

    def again(self, outcome: Outcome, attempt: int, repeatable: bool, retry_after: float | None) -> bool:
        """Whether to send the request once more after `attempt` attempts. One that may have been carried out
        is repeated only where that does no harm."""
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
    """Seconds that the service asks us to wait: `retry-after-ms`, or `Retry-After` as a number or a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name), scale)
        if seconds is not None:
            return seconds
    return _until(headers.get("retry-after"))


def _number(text: str | None, scale: float) -> float | None:
    try:
        seconds = float(text or "") * scale
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _until(date: str | None) -> float | None:
    try:
        moment = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (known - datetime.now(UTC)).total_seconds())
