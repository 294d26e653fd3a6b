"""The instants of an apply at which everything may end: every request, and every write of the
lock's store.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from provisioner import disk
from provisioner.lock import lease
from provisioner.lock.file_store import FileSink, FileStore
from provisioner.lock.git_command import Done, Git
from tests.support.injecting import Injection
from tests.support.strangers import Strangers
from tests.support.world import World

ENDED = 2**22 - 1  # a process that there is not: whoever has crashed holds his lease no longer
ALL = os.environ.get("CRASH_POINTS") == "all"
DENSER = 8 if os.environ.get("PROVISIONER_THOROUGH") else 1


class Dead(BaseException):
    """The process has ended: nothing after this happens."""


class Crash(Injection):
    """Counts the instants of an apply, and of what each is one; at instant `at` everything ends."""

    def __init__(self, at: int | None = None, *, exact: bool = True) -> None:
        self.at, self.dead, self._exact = at, False, exact
        self.of: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"the end at instant {self.at} of {self.seen}"

    @property
    def seen(self) -> int:
        return self.of.total()

    def happened(self) -> bool:
        some = self.at is None or not self._exact
        return self.dead or (some and self.seen > 0)

    def instant(self, what: str) -> None:
        if self.dead or self.seen == self.at:
            self.dead = True
            raise Dead
        self.of[what] += 1

    def around(self, app: Any) -> Any:
        """A service before and after each of whose requests there is an instant."""

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            self.instant("request")
            await app(scope, receive, send)
            self.instant("request")

        return wrapped

    def about(self, function: Callable[..., Any], what: str) -> Callable[..., Any]:
        """A function with an instant before and after it."""

        def hooked(*arguments: Any, **options: Any) -> Any:
            sort = what if options.get("durable", True) else "cache"
            self.instant(sort)
            found = function(*arguments, **options)
            self.instant(sort)
            return found

        return hooked

    def soon(self, function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The same for a line that is awaited later."""

        def hooked(sink: FileSink, data: bytes) -> Awaitable[None]:
            self.instant("line")
            durable = function(sink, data)
            try:
                self.instant("line")
            except Dead:
                durable.close()  # type: ignore[attr-defined]  # a coroutine that nobody awaits any more
                raise
            return durable

        return hooked

    def pushes(self, function: Callable[..., Done]) -> Callable[..., Done]:
        """The same for git, of whose commands only a push is seen by anybody else."""

        def hooked(git: Git, *words: str, input: bytes = b"") -> Done:
            run = self.about(function, "push") if words[0] == "push" else function
            return run(git, *words, input=input)  # type: ignore[no-any-return]

        return hooked


@contextmanager
def hooked(crash: Crash, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both stores with an instant before and after everything that they make durable."""
    mine = lease.Lease.mine
    with monkeypatch.context() as patched:
        patched.setattr(lease.Lease, "mine", lambda: replace(mine(), pid=ENDED))
        patched.setattr(FileSink, "soon", crash.soon(FileSink.soon))
        patched.setattr(FileSink, "append", crash.about(FileSink.append, "line"))
        patched.setattr(FileStore, "_create", crash.about(FileStore._create, "new file"))
        for name in ("replace", "remove"):
            patched.setattr(disk, name, crash.about(getattr(disk, name), name))
        patched.setattr(Git, "run", crash.pushes(Git.run))
        yield


INSTANTS = {
    "file": {"request", "line", "new file", "replace", "remove"},
    "git": {"request", "push"},
}


def counted(before: Before, monkeypatch: pytest.MonkeyPatch) -> int:
    """Apply undisturbed; how many instants there surely are, some of every sort that the lock's
    store has. Caches are written where files have become old enough, which is a matter of time.
    """
    crash = Crash()
    with hooked(crash, monkeypatch), before.world.behind(crash):
        before.world.ok("apply", "-y", "--force")
    assert before.strangers
    before.strangers.untouched()
    assert len(before.strangers.kept()) == 4
    assert crash.of.keys() >= INSTANTS[before.store]
    return crash.seen - crash.of["cache"]


def crashing(world: World, at: int, monkeypatch: pytest.MonkeyPatch, *, exact: bool = True) -> None:
    """Apply, and end at instant `at`: nothing of the apply comes after it. Not `exact`: what is
    pushed together hangs on the time, so that there may be fewer instants than were counted.
    """
    crash = Crash(at, exact=exact)
    with hooked(crash, monkeypatch), world.behind(crash), dying(surely=exact):
        world.run("apply", "-y", "--force")
    assert crash.dead or crash.seen <= at


@contextmanager
def dying(*, surely: bool = True) -> Iterator[None]:
    """The process ends in here; one that goes on is a failure, if it was surely to end."""
    ended = False
    try:
        yield
    except* Dead:
        ended = True
    assert ended or not surely, "the process was to end, and went on"


def stopped(
    world: World,
    method: str,
    path: str,
    *,
    arrives: bool = True,
    words: tuple[str, ...] = ("apply", "-y", "--force"),
) -> None:
    """An apply, or another command, that ends with one request, named by the end of its path: when
    it has been carried out, or just before it leaves.
    """
    dead = False

    def around(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            nonlocal dead
            now = scope["method"] == method and scope["path"].endswith(path)
            if not dead and (arrives or not now):
                await app(scope, receive, send)
            dead = dead or now
            if dead:
                raise Dead

        return wrapped

    with world.behind(around), dying():
        world.run(*words)


def points(total: int, share: int = 9, first: int = 0) -> Iterator[int]:
    """A spread of about `share` instants from `first` on, eight times as many where the suite is
    thorough; `CRASH_POINTS=all` tries every one.
    """
    return (
        iter(range(total)) if ALL else iter(range(first, total, max(1, total // (share * DENSER))))
    )


@dataclass
class Before:
    """A workspace with its service as it is before the apply, to begin from again and again."""

    world: World
    saved: Path
    store: str  # where the lock is: "file" or "git"
    strangers: Strangers | None = None
    tried: list[int] = field(default_factory=list)
    of: int = 0

    def __post_init__(self) -> None:
        shutil.copytree(self.base, self.saved, symlinks=True)

    @property
    def base(self) -> Path:
        return self.world.root.parent

    def again(self) -> World:
        """Everything as it was."""
        shutil.rmtree(self.base)
        shutil.copytree(self.saved, self.base, symlinks=True)
        self.world.calls.clear()
        return self.world

    def each(self, total: int, share: int, first: int = 0) -> Iterator[int]:
        """Begin again for each point that is to be tried, and count them."""
        self.of = total
        for at in points(total, share, first):
            self.again()
            yield at
            if self.strangers:
                self.strangers.untouched(f"point {at} of {total}")
            self.tried.append(at)
        assert len(self.tried) >= min(share, total) > 0, f"{self.tried} of {total} tried"
