"""Requests are spread before the service has to refuse them."""

from __future__ import annotations

import asyncio
import re

from provisioner.remote.pace import BUDGETS, Budget, Pace


class Clock:
    """A time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def test_a_budget_is_kept() -> None:
    """No minute has more requests than allowed; other paths and other groups are not held up."""
    clock, told, times = Clock(), list[str](), list[float]()
    pace = Pace((Budget("POST", re.compile(r"/stores/([^/]+)/files"), 3, "attachments"),), clock.sleep, clock)

    async def run() -> None:
        for _ in range(8):
            await pace.turn("POST", "/stores/a/files", told.append)
            times.append(clock.now)
            clock.now += 1
        before = clock.now
        await pace.turn("POST", "/stores/b/files", told.append)
        await pace.turn("GET", "/stores/a/files", told.append)
        assert clock.now == before

    asyncio.run(run())
    assert all(sum(start <= time < start + 60 for time in times) <= 3 for start in times)
    assert times[-1] < 130
    assert told and "attachments a minute" in told[0]


def test_only_openai_has_documented_limits() -> None:
    """A compatible server says itself when it is too much."""
    assert Pace.of("https://api.openai.com/v1")._budgets == BUDGETS
    assert Pace.of("https://openai.com.example/v1")._budgets == ()
    assert Pace.of("http://local/v1")._budgets == ()
