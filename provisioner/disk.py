"""The few things that are done to a disk: reading within limits, writing whole or not at all, locks
on a folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

OURS = ".provisioner"  # what we keep in a workspace beside the specs, and out of git
CACHE = f"{OURS}/cache"
LOCAL_DATA = f"{OURS}/local"  # the data of the embedded service

# Bytes of a spec, of settings, and of a file whose text goes into a field.
LARGEST_TEXT = 16 * 1024**2
LARGEST = 256 * 1024**2  # bytes of a lock, a journal, a saved plan or a cache


_MAY_NOT = "give yourself the right to write to the file and to its folder"
_REMEDIES = {
    errno.ENOSPC: "make room on the disk, then run the command again",
    errno.EDQUOT: "your quota is used up: make room, then run the command again",
    errno.EFBIG: "files may not grow that large here (`ulimit -f`)",
    errno.EACCES: _MAY_NOT,
    errno.EPERM: "take away what makes it unchangeable, or give yourself the right to write to it",
    errno.EROFS: "the file system is read-only: make it writable, or name another place",
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def remedy(error: OSError, otherwise: str = "check the path, and that its disk is in order") -> str:
    """What helps where a file cannot be written; the same may be so when it is read."""
    return _REMEDIES.get(error.errno or 0, otherwise)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an OSError inside name this file, not one of our own beside it, or none."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


class Unfit(OSError):
    """What lies at a path is not what can be read or written there."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.strerror = why

    def __str__(self) -> str:
        return str(self.strerror)


class TooLarge(Unfit):
    """A file that nobody has meant to be read whole."""


_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_SPECIAL = "it is a pipe, a socket or a device, not a file"


def open_file(path: str | Path) -> int:
    """A regular file, opened for reading, as a descriptor; OSError for anything else. Never waits
    for a writer.
    """
    fd = os.open(path, _READING)
    try:
        _regular(os.fstat(fd).st_mode)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _regular(mode: int) -> int:
    """The mode of a regular file; OSError for that of anything else."""
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise Unfit(_SPECIAL)
    return mode & 0o7777


def read(path: str | Path, most: int) -> bytes:
    """What a regular file holds, which may be at most `most` bytes; OSError for anything else."""
    return read_found(path, most)[0]


def read_found(path: str | Path, most: int) -> tuple[bytes, os.stat_result]:
    """The same, and what the file was like before it was read."""
    fd = os.open(path, _READING)
    try:
        found = os.fstat(fd)
        _regular(found.st_mode)
        expected, data = found.st_size, b""
        while expected <= most and len(data) <= most:
            piece = os.read(fd, max(expected - len(data), 0) + 65536)
            if not data and len(piece) == expected > 0:  # all of it, and asked for more
                return piece, found
            if not piece:
                return data, found
            data = data + piece if data else piece
    finally:
        os.close(fd)
    raise TooLarge(f"it has {max(expected, len(data)):,} bytes, and may have at most {_size(most)}")


def real(path: str | Path) -> Path:
    """The path without links; one that leads in a circle stays as it is, for whoever opens it to
    say so. Unlike `Path.resolve`, which raises RuntimeError there up to Python 3.12.
    """
    return Path(os.path.realpath(path))


def is_folder(path: Path) -> bool:
    """Whether a folder is there; a name that no disk takes is none."""
    return _is(path, stat.S_ISDIR)


def is_file(path: Path) -> bool:
    """Whether a regular file is there; a name that no disk takes is none."""
    return _is(path, stat.S_ISREG)


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _size(count: int) -> str:
    """`16 MB`."""
    return f"{count // 1024**2} MB"


def replace(path: Path, data: bytes, mode: int | None = None, *, durable: bool = True) -> None:
    """Write a file whole or not at all: beside it, synced, renamed, the folder synced. A link is
    followed. The mode of what is there is kept, unless `mode` says otherwise; what is not a
    regular file is left alone: OSError.
    """
    with naming(path):
        _replace(path, data, mode, durable)


def _replace(path: Path, data: bytes, mode: int | None, durable: bool) -> None:
    target = real(path)
    kept = _mode(path)
    # One name, so that a crash leaves one file and not many.
    beside = target.with_name(target.name + ".tmp")
    wanted = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(beside, wanted, 0o666 if mode is None else mode)
        try:
            _regular(os.fstat(fd).st_mode)
            if mode is not None or kept is not None:
                os.fchmod(fd, (kept or 0) if mode is None else mode)
            write(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        beside.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            if beside.is_file() and not beside.is_symlink():
                beside.unlink()
        raise
    if durable:
        sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a folder with its parents; a `.provisioner/` that is made keeps itself out of git."""
    ours = next((each for each in (folder, *folder.parents) if each.name == OURS), None)
    new = ours is not None and not ours.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if ours and new:
        (ours / ".gitignore").write_bytes(b"*\n")


def cached(folder: Path, about: str, prefix: str = "") -> Path:
    """The file of a cache that says something about one thing."""
    import hashlib  # takes 3 ms, which `--help` does without

    return folder / f"{prefix}{hashlib.sha256(about.encode()).hexdigest()[:24]}.json"


def cache(path: Path, data: bytes) -> None:
    """Keep what was learnt; a folder that cannot be written does no harm. Nobody waits for the
    disk: what a crash leaves is whole, or is passed over as broken. A link is no file of ours:
    whoever put it there does not choose what is written over.
    """
    with contextlib.suppress(OSError):
        make_folder(path.parent)
        if path.is_symlink():
            path.unlink()
        replace(path, data, durable=False)


def put(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write at a place that somebody named: a file as `replace` does, and what is a device or a
    pipe is written to and stays what it is. OSError where nobody reads from a pipe.
    """
    with contextlib.suppress(FileNotFoundError):
        kind = path.stat().st_mode
        if stat.S_ISCHR(kind) or stat.S_ISFIFO(kind):
            with naming(path):
                _write_through(path, data)
            return
    replace(path, data, mode)


def _write_through(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        os.set_blocking(fd, True)
        write(fd, data)
    finally:
        os.close(fd)


def _mode(path: Path) -> int | None:
    """The mode of the file at a path, None where there is none; OSError where something else is."""
    try:
        return _regular(path.stat().st_mode)
    except FileNotFoundError:
        return None


def write(fd: int, data: bytes) -> None:
    """Write all of it."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def remove(path: Path) -> None:
    """Remove a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)


def reserve(path: Path, size: int) -> None:
    """Take up room on the disk with a file that is removed when the room is needed."""
    wanted = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, wanted, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, size)
        else:
            write(fd, b"\0" * size)
            os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Be the only one on this machine inside such a block. The lock is on the folder itself: there
    is no file to leave behind, and it ends with the process.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
