"""What a session doubts because of when its lock was written."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from provisioner.engine.session import remember
from provisioner.errors import ServiceError
from provisioner.model import Address, Locked, LockState, Problem
from provisioner.remote import Remote
from provisioner.remote.settling import LOCK

STORE = Address.parse("vector_store.kb")
GONE = ServiceError(Problem("Not found", "There is no vs_1."), status=404)


def _remote() -> Remote:
    return Remote.open("http://odd.invalid/v1", "key", settling=30)


def _lock(written: str | None) -> LockState:
    files = {"a.md": {"file": "file.a.md", "id": "file-1"}}
    entry = Locked(STORE, "vs_1", {"files": files})
    lineage = "0f1e2d3c-0000-4000-8000-000000000000"
    return LockState("acme", "prod", lineage, 1, {}, {STORE: entry}, written=written)


def _ago(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()


@pytest.mark.parametrize(
    ("written", "young"),
    [
        (0, True),
        (-3_600, True),
        (60, False),
        (None, False),
        ("yesterday", False),
        ("0001-01-01T00:00:00", False),
    ],
    ids=["now", "in the future", "a minute ago", "never", "no time", "the first"],
)
def test_what_a_young_lock_names_is_doubted(written: str | int | None, young: bool) -> None:
    """The lock itself, its objects, and the files of its stores; of an old lock nothing is, and nor
    is it where nobody can say how old it is.
    """
    remote = _remote()
    remember(remote, _lock(_ago(written) if isinstance(written, int) else written))
    found = [remote.settling.young(key) for key in (LOCK, "vs_1", "vs_1/file-1", "vs_2")]
    assert found == [young, young, young, False]


def test_an_old_lock_takes_back_no_deletion() -> None:
    """A file that was taken out of a store just now is not waited for, although the lock names it
    and the store is young.
    """
    remote = _remote()
    remote.settling.wrote("vs_1")
    remote.settling.gone("vs_1/file-1")
    remember(remote, _lock(_ago(60)))
    assert not remote.settling.doubts(GONE, ["vs_1", "vs_1/file-1"], remote.settling.now())
