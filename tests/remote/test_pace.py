"""Requests are spread before the service has to refuse them."""

from __future__ import annotations

import asyncio
import re

import pytest

from provisioner.remote.retries import BUDGETS, Budget, Pace


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
    clock, reported, times = Clock(), list[str](), list[float]()
    pace = Pace(
        (Budget("POST", re.compile(r"/stores/([^/]+)/files"), 3, "attachments"),),
        clock.sleep,
        clock,
    )

    async def run() -> None:
        for _ in range(8):
            await pace.turn("POST", "/stores/a/files", reported.append)
            times.append(clock.now)
            clock.now += 1
        before = clock.now
        await pace.turn("POST", "/stores/b/files", reported.append)
        await pace.turn("GET", "/stores/a/files", reported.append)
        assert clock.now == before

    asyncio.run(run())
    assert all(sum(start <= time < start + 60 for time in times) <= 3 for start in times)
    assert times[-1] < 130
    assert reported and "attachments a minute" in reported[0]


def test_only_openai_has_documented_limits() -> None:
    """A compatible server says itself when it is too much."""
    assert Pace.of("https://api.openai.com/v1")._budgets == BUDGETS
    assert Pace.of("https://openai.com.example/v1")._budgets == ()
    assert Pace.of("http://local/v1")._budgets == ()


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/files", 1000),
        ("/vector_stores/vs_1/files", 300),
        ("/vector_stores/vs_1/file_batches", 300),
    ],
)
def test_the_documented_limits(path: str, limit: int) -> None:
    """So many requests go at once as OpenAI allows in a minute, and the next one waits until the
    minute is over.
    """
    clock, reported = Clock(), list[str]()
    pace = Pace(BUDGETS, clock.sleep, clock)

    async def send(times: int) -> None:
        for _ in range(times):
            await pace.turn("POST", path, reported.append)

    asyncio.run(send(limit))
    assert (clock.now, reported) == (0, [])
    asyncio.run(send(1))
    assert clock.now == 60
    assert reported[0].startswith(f"60 s, because {limit} ")


def test_both_ways_of_attaching_share_a_limit() -> None:
    """Files that are attached to a store one by one and in batches count together."""
    clock = Clock()
    pace = Pace(BUDGETS, clock.sleep, clock)

    async def send() -> None:
        for path in ("/vector_stores/vs_1/files", "/vector_stores/vs_1/file_batches") * 150:
            await pace.turn("POST", path, print)
        assert clock.now == 0
        await pace.turn("POST", "/vector_stores/vs_1/files", print)

    asyncio.run(send())
    assert clock.now == 60


def test_what_is_not_limited() -> None:
    """Other requests, reading and deleting among them, are never held up; neither is
    another store.
    """
    clock = Clock()
    pace = Pace(BUDGETS, clock.sleep, clock)

    async def send() -> None:
        for _ in range(300):
            await pace.turn("POST", "/vector_stores/vs_1/files", print)
        for method, path in (
            ("GET", "/files"),
            ("DELETE", "/files/file-1"),
            ("POST", "/vector_stores/vs_1/files/file-1"),
            ("POST", "/vector_stores/vs_2/files"),
            ("POST", "/assistants"),
        ):
            for _ in range(299):
                await pace.turn(method, path, print)
        for _ in range(5000):
            await pace.turn("GET", "/vector_stores/vs_1/files", print)

    asyncio.run(send())
    assert clock.now == 0
