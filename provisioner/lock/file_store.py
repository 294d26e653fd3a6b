"""The lock as a file that you commit, with its journal and its lease beside it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from provisioner import disk
from provisioner.errors import LockError
from provisioner.lock import lockfile
from provisioner.lock.journal import Sink
from provisioner.lock.lease import LARGEST_LEASE, Lease
from provisioner.lock.store import LockStore
from provisioner.model import LockState, Problem

_ROOM = 256 * 1024  # bytes that the end of an apply may need beyond twice the lock
_TORN_AGE = 10.0  # seconds after which a lease that cannot be read is nobody's


class FileStore(LockStore):
    """A lockfile at a path. `name` is what messages call it; by default the path, from here if it
    is below.
    """

    poll = 0.2

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = disk.real(path)  # a symbolic link is followed, not replaced
        self.name = name or _shown(path)
        self._read: tuple[tuple[int, int, int], LockState] | None = None  # by inode, size and time

    def read(self) -> LockState | None:
        with reported(self.name, "read"):
            try:
                stat = self.path.stat()
                mark = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
                if self._read and self._read[0] == mark:
                    return self._read[1]
                data = disk.read(self.path, disk.LARGEST)
            except FileNotFoundError:
                return None
        try:
            state = lockfile.parse(data.decode(), self.name)
            self._read = (mark, state)
            return state
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            detail = f"`{self.name}` is not UTF-8."
            hint = f"restore the file from version control (`git checkout -- {self.name}`)"
            raise LockError(
                Problem("Broken lockfile", detail, hint, file=self.name, line=line)
            ) from None

    def _replace_lock(self, state: LockState) -> None:
        data = lockfile.dump(state).encode()
        with reported(self.name, "written"):
            self._check_held()
            self._make_folder()
            disk.remove(self._beside("reserve"))
            disk.replace(self.path, data)

    def leftover(self) -> str | None:
        with reported(self.name + ".journal", "read"):
            try:
                return disk.read(self._beside("journal"), disk.LARGEST).decode(errors="replace")
            except FileNotFoundError:
                return None

    def _replace_journal(self, text: str) -> Sink:
        with reported(self.name, "written"):
            self._check_held()
            self._make_folder()
            size = self.path.stat().st_size if self.path.exists() else 0
            disk.reserve(self._beside("reserve"), 2 * size + _ROOM)
            disk.replace(self._beside("journal"), text.encode())
            return FileSink(self._beside("journal"), self.journal_name)

    def _remove_journal(self) -> None:
        with reported(self.name + ".journal", "written"):
            self._check_held()
            disk.remove(self._beside("reserve"))
            disk.remove(self._beside("journal"))

    def holder(self) -> Lease | None:
        with reported(self.name + ".lease", "read"):
            return Lease.parse(self._lease_text() or "")

    def force_unlock(self, id: str) -> Lease:
        if not self.path.parent.is_dir():
            raise LockError(self._not_held(id, None))
        with reported(self.name + ".lease", "written"), disk.guarded(self.path.parent):
            lease = Lease.parse(self._lease_text() or "")
            if lease is None or lease.id != id:
                raise LockError(self._not_held(id, lease))
            disk.remove(self._beside("lease"))
            return lease

    def _try(self, lease: Lease) -> Problem | None:
        path = self._beside("lease")
        with reported(self.name, "written"):
            self._make_folder()
        with reported(self.name + ".lease", "written"), disk.guarded(self.path.parent):
            # Everybody who changes the lease does so inside this block: of two who see the same
            # dead holder, the second one finds the first one's lease.
            text = self._lease_text()
            if text is not None:
                busy = self._busy(text)
                if busy:
                    return busy
                path.unlink()
            self._create(path, lease)
        return None

    def _create(self, path: Path, lease: Lease) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            disk.write(fd, lease.text().encode())
            os.fsync(fd)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(fd)

    def _busy(self, text: str) -> Problem | None:
        holder = Lease.parse(text)
        if holder is not None:
            return None if holder.dead() else holder.busy(self.name)
        if time.time() - self._beside("lease").stat().st_mtime > _TORN_AGE:
            return None  # its writer ended while it wrote
        detail = f"Somebody is just taking the lease `{self.name}.lease`, which cannot be read yet."
        return Problem(
            "Lock is busy", detail, f"try again in {_TORN_AGE:.0f} seconds", file=self.name
        )

    def _release(self, lease: Lease) -> None:
        # A lease that cannot be removed is that of a dead holder as soon as this process ends.
        with contextlib.suppress(OSError), disk.guarded(self.path.parent):
            held = Lease.parse(self._lease_text() or "")
            if held is not None and held.id == lease.id:
                disk.remove(self._beside("reserve"))
                disk.remove(self._beside("lease"))

    def _check_held(self) -> None:
        """Somebody may have forced our lease away and be writing; what we know is in the journal
        that they folded.
        """
        if self._held is None:
            return
        holder = Lease.parse(self._lease_text() or "")
        if holder is None or holder.id != self._held.id:
            raise LockError(self._lost(holder))

    def _lease_text(self) -> str | None:
        try:
            return disk.read(self._beside("lease"), LARGEST_LEASE).decode(errors="replace")
        except FileNotFoundError:
            return None

    def _beside(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{what}")

    def _make_folder(self) -> None:
        disk.make_folder(self.path.parent)


class FileSink(Sink):
    """The journal as an open file. One append is one write and one sync."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = os.fstat(self._fd).st_size
        self._sync = getattr(os, "fdatasync", os.fsync)
        self._broken = False
        self._durable = self._size  # bytes that a sync has covered
        self._turn = asyncio.Lock()

    def append(self, data: bytes) -> None:
        self._write(data, self._sync_earlier if self._durable < self._size else self._sync)
        self._durable = self._size

    def soon(self, data: bytes) -> Awaitable[None]:
        """Written now; those who wait at the same time share one sync, and the others go on
        meanwhile.
        """
        self._write(data, lambda _fd: None)
        return self._shared(self._size)

    def after(self, data: bytes) -> Awaitable[None]:
        """The same: a shared sync is over before a request would be."""
        return self.soon(data)

    async def _shared(self, end: int) -> None:
        async with self._turn:
            if self._durable < end:
                reached = self._size
                with reported(self._name, "written"):
                    self._check_whole()
                    await asyncio.to_thread(self._sync_earlier, self._fd)
                self._durable = reached

    def _sync_earlier(self, fd: int) -> None:
        try:
            self._sync(fd)
        except OSError:
            # The next sync would say nothing of the lines that this one was to cover. Noted here,
            # because whoever waits for a thread may be cancelled before it ends.
            self._broken = True
            raise

    def _write(self, data: bytes, sync: Callable[[int], None]) -> None:
        with reported(self._name, "written"):
            self._check_whole()
            if os.fstat(self._fd).st_nlink == 0:
                detail = f"`{self._name}` was taken away; another process has settled it."
                hint = (
                    "nothing more is written here; run `provisioner plan` once the other apply has"
                    " ended"
                )
                raise LockError(Problem("Lease was lost", detail, hint, file=self._name))
            try:
                disk.write(self._fd, data)
                sync(self._fd)
            except BaseException:
                # The half line is taken back: it may only ever be the last one.
                try:
                    os.ftruncate(self._fd, self._size)
                except OSError:
                    self._broken = True
                raise
            self._size += len(data)

    def _check_whole(self) -> None:
        if self._broken:
            raise OSError(errno.EIO, "an earlier line may not be whole on the disk")

    def close(self) -> None:
        if self._fd < 0:
            return
        try:
            if self._durable < self._size and not self._broken:  # who waited was cancelled
                with reported(self._name, "written"):
                    self._sync_earlier(self._fd)
        finally:
            os.close(self._fd)
            self._fd = -1


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return path.absolute().relative_to(Path.cwd()).as_posix()
    return str(path)


@contextlib.contextmanager
def reported(name: str, verb: str) -> Iterator[None]:
    """Raise LockError for an OSError inside the block: `name` cannot be `verb` ("read",
    "written").
    """
    try:
        yield
    except OSError as error:
        summary = "Disk is full" if error.errno in disk.FULL else "Lock not accessible"
        detail = f"`{name}` cannot be {verb}: {error.strerror or error}."
        hint = disk.remedy(error) + (" with `lock:`" if error.errno == errno.EROFS else "")
        raise LockError(Problem(summary, detail, hint, file=name)) from error
