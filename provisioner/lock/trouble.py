"""What the operating system says about a lock, turned into problems."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from provisioner.errors import LockError
from provisioner.model import Problem

_REMEDIES = {
    errno.ENOSPC: ("Disk is full", "make room on the disk, then run the command again"),
    errno.EDQUOT: ("Disk is full", "your quota is used up: make room, then run the command again"),
    errno.EFBIG: ("Disk is full", "files may not grow that large here (`ulimit -f`)"),
    errno.EACCES: ("Lock not accessible", "give yourself the right to write to the file and to its folder"),
    errno.EPERM: ("Lock not accessible", "give yourself the right to write to the file and to its folder"),
    errno.EROFS: ("Lock not accessible", "the file system is read-only: name another place with `lock:`"),
}


@contextlib.contextmanager
def told(name: str, verb: str) -> Iterator[None]:
    """Raise LockError for an OSError inside the block: `name` cannot be `verb` ("read", "written")."""
    try:
        yield
    except OSError as error:
        hint = "look whether the path is right and its disk is in order"
        summary, hint = _REMEDIES.get(error.errno or 0, ("Lock not accessible", hint))
        reason = error.strerror or str(error)
        raise LockError(Problem(summary, f"`{name}` cannot be {verb}: {reason}.", hint, file=name)) from error
