"""A lock that somebody holds, or a disk that takes nothing: told before anything is sent, and the
way out works.
"""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from provisioner import disk
from provisioner.lock.file_store import FileStore
from tests.support.refusals import masked, refused
from tests.support.world import World

LOCK = ".provisioner/local/lock.json"
HELD = re.compile(r"`[^`]+` on `[^`]+`, process \d+, since \S+\d")
LEASE = re.compile(r"(?<=force-unlock )[\w-]+")


@pytest.fixture
def edited(world: World) -> World:
    """A workspace with something to apply."""
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o"}}}})
    world.ok("apply", "-y")
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-5"}}}})
    return world


def said(text: str) -> str:
    return LEASE.sub("ID", HELD.sub("SOMEBODY", masked(text)))


def test_a_lock_that_somebody_holds(edited: World) -> None:
    """Who, where and since when is reported; reading goes on; only the right id takes it away."""
    busy = """\
        .provisioner/local/lock.json: error: Lock is busy
          `.provisioner/local/lock.json` is being written by SOMEBODY.
          hint: wait for it (`--lock-timeout 60`); if that process is certainly gone, run `provisioner force-unlock ID`
        """
    with FileStore(edited.root / LOCK).lease() as lease:
        for words in (
            ("apply", "-y"),
            ("destroy", "-y"),
            ("state", "rm", "assistant.a"),
            ("state", "mv", "assistant.a", "assistant.c"),
            ("state", "rebuild"),
        ):
            result = refused(edited, *words)
            assert said(result.err) == dedent(busy), result.err
        assert (
            f"process {os.getpid()}, since {lease.since}" in result.err and lease.id in result.err
        )
        waited = refused(edited, "apply", "-y", "--lock-timeout", "0.05")
        assert "Waiting up to 0 s for it." in waited.err and "Lock is busy" in waited.err
        for words in (("plan",), ("state", "list"), ("show", "assistant.a"), ("output",)):
            edited.ok(*words)
        wrong = refused(edited, "force-unlock", "0000")
        assert said(wrong.err) == dedent("""\
            .provisioner/local/lock.json: error: Wrong lease
              The lease on `.provisioner/local/lock.json` is not `0000`: SOMEBODY has it.
              hint: if that process is certainly gone: `provisioner force-unlock ID`
            """)
        edited.ok("force-unlock", lease.id)
        edited.apply()
    assert "Nobody has a lease on" in refused(edited, "force-unlock", lease.id).err


def test_a_holder_that_has_ended_holds_nothing(edited: World) -> None:
    """The lease of a dead process of this machine needs nobody's help."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    with FileStore(edited.root / LOCK).lease():
        lease = json.loads((edited.root / f"{LOCK}.lease").read_text(encoding="utf-8"))
    edited.write({f"{LOCK}.lease": json.dumps({**lease, "pid": process.pid})})
    edited.apply()


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, name: str, number: int, *, at: str) -> Iterator[None]:
    """A function of `os` fails, for files whose path holds a word, as it does on a full or
    read-only disk.
    """
    real = getattr(os, name)

    def broken(path: Any, *rest: Any, **more: Any) -> Any:
        found = (
            path
            if isinstance(path, (str, os.PathLike))
            else Path(f"/proc/self/fd/{path}").resolve()
        )
        if at in str(found):
            raise OSError(number, os.strerror(number))
        return real(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(disk.os, name, broken)
        yield


@pytest.mark.parametrize(
    ("call", "number", "at", "reported"),
    [
        (
            "open",
            errno.EROFS,
            "lock.json.lease",
            """\
            .provisioner/local/lock.json.lease: error: Lock not accessible
              `.provisioner/local/lock.json.lease` cannot be written: Read-only file system.
              hint: the file system is read-only: make it writable, or name another place with `lock:`
            """,
        ),
        (
            "open",
            errno.EACCES,
            "lock.json.lease",
            """\
            .provisioner/local/lock.json.lease: error: Lock not accessible
              `.provisioner/local/lock.json.lease` cannot be written: Permission denied.
              hint: give yourself the right to write to the file and to its folder
            """,
        ),
        (
            "posix_fallocate",
            errno.ENOSPC,
            "lock.json.reserve",
            """\
            .provisioner/local/lock.json: error: Disk is full
              `.provisioner/local/lock.json` cannot be written: No space left on device.
              hint: make room on the disk, then run the command again
            """,
        ),
    ],
    ids=["read-only", "forbidden", "full"],
)
def test_a_disk_that_takes_nothing(
    edited: World, monkeypatch: pytest.MonkeyPatch, call: str, number: int, at: str, reported: str
) -> None:
    """Found before anything is sent that could not be written down."""
    with failing(monkeypatch, call, number, at=at):
        result = refused(edited, "apply", "-y")
    assert result.err == dedent(reported), result.err
    edited.apply()
