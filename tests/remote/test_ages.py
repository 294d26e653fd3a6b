"""For how long what was just written is doubted, which refusals that is about, and how often it is
asked for.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from provisioner.errors import ServiceError
from provisioner.model import Problem
from provisioner.remote.settling import Settling, key_of, keys_of


class Clock:
    """A time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settling(clock: Clock) -> Settling:
    return Settling(30, clock, clock.sleep)


def test_what_was_just_written_is_young(settling: Settling, clock: Clock) -> None:
    """Until its time has passed; what was not written here is believed at once."""
    settling.wrote("a", "b")
    clock.now += 20
    settling.wrote("b")
    assert (
        settling.left(["a"]),
        settling.left(["b"]),
        settling.left(["c"]),
        settling.left([]),
    ) == (10, 30, 0, 0)
    assert settling.left(["a", "b", "c"]) == 30
    assert settling.until(["a"]) == 1030
    clock.now += 9.5
    assert settling.young("a")
    clock.now += 0.5
    assert not settling.young("a") and settling.young("b") and not settling.young("c")


def test_writes_of_earlier(settling: Settling, clock: Clock) -> None:
    """A time of before counts, one in the future counts as now, and an older one does not make
    young things old.
    """
    settling.wrote("old", at=960)
    settling.wrote("just settled", at=970)
    settling.wrote("a while ago", at=990)
    settling.wrote("to come", at=2000)
    settling.wrote("both", at=995)
    settling.wrote("both", at=980)
    left = {
        key: settling.left([key])
        for key in ("old", "just settled", "a while ago", "to come", "both")
    }
    assert left == {"old": 0, "just settled": 0, "a while ago": 20, "to come": 30, "both": 25}


def test_what_was_deleted_is_not_missed(settling: Settling) -> None:
    """That it is not found is what is wanted."""
    settling.wrote("a")
    settling.gone("a")
    settling.gone("never there")
    assert not settling.young("a")


def test_a_service_that_settles_at_once(clock: Clock) -> None:
    """With 0 seconds everything is believed."""
    settling = Settling(0, clock, clock.sleep)
    settling.wrote("a")
    assert not settling.young("a") and settling.until(["a"]) == clock.now


def test_young_objects_that_a_request_names(settling: Settling, clock: Clock) -> None:
    """Anywhere in its body, but only as whole values."""
    settling.wrote("old", at=960)
    settling.wrote("vs_1", "file-1", "file-2")
    body: dict[str, Any] = {
        "name": "vs_1 and more",
        "tool_resources": {"file_search": {"vector_store_ids": ["vs_1", "old"]}, "none": None},
        "files": ({"id": "file-1"}, 3),
        "file-2": "a key",
    }
    assert list(settling.named(body)) == ["vs_1", "file-1"]


@pytest.mark.parametrize(
    ("status", "detail", "keys", "doubted"),
    [
        (404, "no", ["young"], True),
        (404, "no", ["old"], False),
        (404, "no", ["old", "young"], True),
        (404, "no", [], False),
        (400, "no", ["young"], False),
        (400, "`young` was not found", ["young"], True),
        (400, "`file-1` was not found", ["vs_1/file-1"], True),
        (400, "`vs_1` was not found", ["vs_1/file-1"], False),
        (400, "`old` was not found", ["old", "young"], False),
        (403, "`young` was not found", ["young"], False),
        (500, "`young` was not found", ["young"], False),
        (None, "`young` was not found", ["young"], False),
    ],
)
def test_doubts(
    settling: Settling, status: int | None, detail: str, keys: list[str], doubted: bool
) -> None:
    """*Not found* may only mean *not shown yet*: of something young, by 404, or by 400 that names
    it.
    """
    settling.wrote("old", at=960)
    settling.wrote("young", "vs_1/file-1")
    assert (
        settling.doubts(ServiceError(Problem("x", detail), status=status), keys, settling.now())
        is doubted
    )


def test_pauses_grow_and_end_in_time(settling: Settling, clock: Clock) -> None:
    """Twice as long each time, at most five seconds, and none beyond the end."""

    async def run() -> int:
        return len([one async for one in settling.pauses(1020)])

    assert asyncio.run(run()) == 8
    assert clock.waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 3.8]
    assert clock.now == 1020


def test_no_pause_after_the_end(settling: Settling, clock: Clock) -> None:
    """A moment that is over is not waited for."""

    async def run() -> list[bool]:
        return [one async for one in settling.pauses(clock.now)]

    assert asyncio.run(run()) == [] and clock.waits == []


def test_what_was_read_too_early_is_read_again(settling: Settling, clock: Clock) -> None:
    """A look that began while there was doubt is not the last one, however long it took."""

    async def run() -> list[bool]:
        pauses = settling.pauses(1020)
        clock.now = 1025  # the reply to the first look has taken long
        again = [await anext(pauses, False)]
        clock.now = 1050
        return [*again, await anext(pauses, False)]

    assert asyncio.run(run()) == [True, False] and clock.waits == []


def test_a_late_refusal_says_what_was_there_when_it_was_asked_for(
    settling: Settling, clock: Clock
) -> None:
    """*Not found* is doubted by the age that the object had when the request left."""
    settling.wrote("young")
    begun, clock.now = clock.now + 29, clock.now + 31
    error = ServiceError(Problem("x", "no"), status=404)
    assert settling.doubts(error, ["young"], begun)
    assert not settling.doubts(error, ["young"], clock.now)


@pytest.mark.parametrize(
    ("path", "key", "keys"),
    [
        ("/assistants", None, []),
        ("/assistants/a", "a", ["a"]),
        ("/vector_stores/vs_1/files", None, ["vs_1"]),
        ("/vector_stores/vs_1/files/file-1", "vs_1/file-1", ["vs_1", "vs_1/file-1"]),
    ],
)
def test_keys(path: str, key: str | None, keys: list[str]) -> None:
    """What a path is of, and what it leads through."""
    assert (key_of(path), keys_of(path)) == (key, keys)
