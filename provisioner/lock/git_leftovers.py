"""Lock files that a killed git has left behind: git itself never removes them, and stumbles over them for ever."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

STALE = 10.0  # seconds; git has such a file for milliseconds while it moves a ref
_LOOK = 0.1  # seconds between two looks at one that may still be in use
_IN_THE_WAY = re.compile(r"Unable to create '([^'\n]+\.lock)': File exists")


def in_the_way(said: str) -> str | None:
    """The lock file that git names as the reason why it could not go on."""
    found = _IN_THE_WAY.search(said)
    return found[1] if found else None


def cleared(said: str, refs: Iterable[str], repositories: Iterable[Path]) -> bool:
    """Whether the lock file that git stumbled over is gone now. Only that of one of these refs in one of these
    repositories, which must be on this machine, is waited for, and removed when nobody can be using it any more."""
    named = in_the_way(said)
    if named is None:
        return False
    path = Path(named).resolve()
    return path in {folder.resolve() / f"{ref}.lock" for folder in repositories for ref in refs} and _waited_out(path)


def _waited_out(path: Path) -> bool:
    """A lock file in use goes away by itself at once; one that stays was left behind."""
    end = time.monotonic() + STALE + _LOOK  # whatever the clock of the file's disk says
    while True:
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return True
        if age > STALE or time.monotonic() > end:
            path.unlink(missing_ok=True)
            return True
        time.sleep(_LOOK)
