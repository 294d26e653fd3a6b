"""Who holds a lock, and whether that process still lives."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

from provisioner import jsontext
from provisioner.model import Problem
from provisioner.records import dataclass

LARGEST_LEASE = 64 * 1024  # bytes of a lease
_UNKNOWN = ("started", "machine", "namespace", "boot")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one process to write a lock."""

    id: str  # what `force-unlock` names
    holder: str  # the user
    host: str
    pid: int
    since: str  # ISO 8601, UTC
    # When the process started, in whatever unit this system counts; None: unknown.
    started: str | None
    # With the next two it tells hosts and containers of the same name apart; None: unknown.
    machine: str | None
    namespace: str | None  # in which the pid counts
    boot: str | None

    @classmethod
    def mine(cls) -> Lease:
        """A new lease for this process."""
        return cls(
            id=os.urandom(6).hex(),
            holder=_user(),
            host=os.uname().nodename,
            pid=os.getpid(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            started=_started(os.getpid()),
            machine=_machine(),
            namespace=_namespace(),
            boot=_read("/proc/sys/kernel/random/boot_id"),
        )

    @classmethod
    def parse(cls, text: str) -> Lease | None:
        """Read a lease; None for anything that is not one."""
        try:
            raw = jsontext.read(text, unique=True)
            values = {key.name: raw[key.name] for key in fields(cls)}
        except (jsontext.Unreadable, KeyError, TypeError):
            return None
        return cls(**values) if all(_fits(name, value) for name, value in values.items()) else None

    def text(self) -> str:
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @property
    def who(self) -> str:
        """`ada on build-7, process 4711, since 2026-01-05T10:00:00+00:00`."""
        return f"`{self.holder}` on `{self.host}`, process {self.pid}, since {self.since}"

    def dead(self) -> bool:
        """Whether its process has certainly ended. Only ever true for one of this machine: taking a
        lease from a living holder makes two writers, leaving a dead one costs a `force-unlock`.
        """
        here = (os.uname().nodename, _machine(), _namespace())
        if (self.host, self.machine, self.namespace) != here:
            return False
        if self.boot != _read("/proc/sys/kernel/random/boot_id"):
            return self.machine is not None
        return not _alive(self.pid) or (
            self.started is not None and self.started != _started(self.pid)
        )

    def busy(self, name: str) -> Problem:
        """The problem of somebody who wants this lease too."""
        return Problem(
            "Lock is busy",
            f"`{name}` is being written by {self.who}.",
            "wait for it (`--lock-timeout 60`); if that process is certainly gone, "
            f"run `provisioner force-unlock {self.id}`",
            file=name,
        )


def _fits(name: str, value: object) -> bool:
    """Whether a part of a lease is what `mine` writes there."""
    if name == "pid":
        return type(value) is int and 0 < value < 2**31
    return isinstance(value, str) or (value is None and name in _UNKNOWN)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number without a name
        return str(os.getuid())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return _stat(pid)[:1] not in (["Z"], ["X"])


def _started(pid: int) -> str | None:
    """The start time tells a process from a later one with the same number."""
    if Path("/proc/self/stat").exists():
        stat = _stat(pid)
        return stat[19] if len(stat) > 19 else None
    import subprocess  # only where there is no /proc: it takes longer to import than all the rest

    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` from the state on; the name before them may hold blanks and
    brackets.
    """
    return (_read(f"/proc/{pid}/stat") or "").rpartition(")")[2].split()


def _machine() -> str | None:
    """The machine's id, hashed: it is confidential."""
    id = _read("/etc/machine-id")
    return hashlib.sha256(f"provisioner {id}".encode()).hexdigest()[:16] if id else None


def _namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
