"""The instants of an apply at which everything may end: every request, and every write of the lock's store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.lock import disk, lease
from provisioner.lock.file_store import FileSink, FileStore
from provisioner.lock.git_command import Done, Git
from tests.support.world import World

ENDED = 2**22 - 1  # a process that there is not: whoever has crashed holds his lease no longer
ALL = os.environ.get("CRASH_POINTS") == "all"
DENSER = 8 if os.environ.get("PROVISIONER_THOROUGH") else 1


class Dead(BaseException):
    """The process has ended: nothing after this happens."""


class Crash:
    """Counts the instants of an apply; at instant `at` everything ends."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.seen, self.dead = at, 0, False

    def instant(self) -> None:
        if self.dead or self.seen == self.at:
            self.dead = True
            raise Dead
        self.seen += 1

    def around(self, app: Any) -> Any:
        """A service before and after each of whose requests there is an instant."""

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            self.instant()
            await app(scope, receive, send)
            self.instant()

        return wrapped

    def about(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function with an instant before and after it."""

        def hooked(*arguments: Any, **options: Any) -> Any:
            self.instant()
            found = function(*arguments, **options)
            self.instant()
            return found

        return hooked

    def soon(self, function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The same for a line that is awaited later."""

        def hooked(sink: FileSink, data: bytes) -> Awaitable[None]:
            self.instant()
            durable = function(sink, data)
            try:
                self.instant()
            except Dead:
                durable.close()  # type: ignore[attr-defined]  # a coroutine that nobody awaits any more
                raise
            return durable

        return hooked

    def pushes(self, function: Callable[..., Done]) -> Callable[..., Done]:
        """The same for git, of whose commands only a push is seen by anybody else."""

        def hooked(git: Git, *words: str, input: bytes = b"") -> Done:
            run = self.about(function) if words[0] == "push" else function
            return run(git, *words, input=input)  # type: ignore[no-any-return]

        return hooked


@contextmanager
def hooked(crash: Crash, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both stores with an instant before and after everything that they make durable."""
    mine = lease.Lease.mine
    with monkeypatch.context() as patched:
        patched.setattr(lease.Lease, "mine", lambda: replace(mine(), pid=ENDED))
        patched.setattr(FileSink, "soon", crash.soon(FileSink.soon))
        patched.setattr(FileSink, "append", crash.about(FileSink.append))
        patched.setattr(FileStore, "_create", crash.about(FileStore._create))
        for name in ("replace", "remove"):
            patched.setattr(disk, name, crash.about(getattr(disk, name)))
        patched.setattr(Git, "run", crash.pushes(Git.run))
        yield


def crashing(world: World, crash: Crash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply, and end wherever `crash` says."""
    with hooked(crash, monkeypatch):
        world.wrap = crash.around
        try:
            result = world.run("apply", "-y", "--force")
            assert result.code == 0, result.out + result.err
        except* Dead:
            pass
        finally:
            world.wrap = lambda app: app


def points(total: int, share: int = 9, first: int = 0) -> Iterator[int]:
    """A spread of about `share` instants from `first` on, eight times as many where the suite is thorough;
    `CRASH_POINTS=all` tries every one."""
    return iter(range(total)) if ALL else iter(range(first, total, max(1, total // (share * DENSER))))


@dataclass
class Before:
    """A workspace with its service as it is before the apply, to begin from again and again."""

    world: World
    saved: Path
    store: str  # where the lock is: "file" or "git"
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
            self.tried.append(at)
