"""The sha256 of local files, remembered by path, size, mtime, ctime and inode."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CACHE = ".provisioner/cache/files.json"
FRESH = 2_000_000_000  # ns; a file younger than this may change again without its times showing it
LFS_HEAD = b"version https://git-lfs.github.com/spec/"
LFS_MARK = "lfs"
_VERSION = "1"


class Changing(OSError):
    """The file was written to while it was read."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file holds. `lfs`: it is a Git LFS pointer, not the document."""

    sha256: str
    bytes: int
    lfs: bool = False


class Digests:
    """The digests of one workspace's files, with their cache on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, str] | None = None
        self._used: dict[str, str] = {}
        self._dirty = False

    def of(self, path: str, found: os.stat_result | None = None, at: str | Path | None = None) -> Digest:
        """The digest of `path` (from the root). `found` spares a stat; `at` is where it lies, if not at root/path.
        Raises OSError where the file cannot be read."""
        place = at or self.root / path
        if found is None:
            found = Path(place).stat()
        mark = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino} "
        known = self._entries().get(path)
        if known is not None and known.startswith(mark):
            self._used[path] = known
            sha256, _, flag = known[len(mark) :].partition(" ")
            if len(sha256) == 64:
                return Digest(sha256, found.st_size, flag == LFS_MARK)
        return self._hash(path, place)

    def _hash(self, path: str, place: str | Path) -> Digest:
        now = time.time_ns()
        digest, found = _read(place)
        if now - max(found.st_mtime_ns, found.st_ctime_ns) > FRESH:
            mark = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
            self._used[path] = f"{mark} {digest.sha256}" + (f" {LFS_MARK}" if digest.lfs else "")
            self._dirty = True
        return digest

    def _entries(self) -> dict[str, str]:
        if self._known is None:
            self._known = _load(self.root / CACHE)
        return self._known

    def save(self) -> None:
        """Write what was learnt; a cache that cannot be written is no fault."""
        if not self._dirty:
            return
        known = self._entries()
        # Entries of files that are long gone are dropped once they outnumber the living.
        kept = known if len(known) <= 2 * len(self._used) + 1000 else {}
        self._known = {**kept, **self._used}
        self._dirty = False
        with contextlib.suppress(OSError):
            _store(self.root / CACHE, self._known)


def _read(place: str | Path) -> tuple[Digest, os.stat_result]:
    for _ in range(3):
        with open(place, "rb", buffering=0) as file:  # noqa: PTH123 - a path object for each of 10,000 files costs
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise OSError("it is not a regular file")
            sha256 = hashlib.sha256()
            size = 0
            head = b""
            while chunk := file.read(1 << 20):
                head = head or chunk[:64]
                size += len(chunk)
                sha256.update(chunk)
            after = os.fstat(file.fileno())
        if size == after.st_size and before.st_mtime_ns == after.st_mtime_ns:
            return Digest(sha256.hexdigest(), size, size < 1024 and head.startswith(LFS_HEAD)), after
    raise Changing("it is being written to")


def _load(path: Path) -> dict[str, str]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict) or data.pop("", None) != _VERSION:
        return {}
    return data if set(map(type, data.values())) <= {str} else {}


def _store(path: Path, entries: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"": _VERSION, **entries}, file, ensure_ascii=False, separators=(",\n", ":"))
        Path(name).replace(path)
    except OSError:
        Path(name).unlink()
        raise


@cache
def _shared(root: Path) -> Digests:
    return Digests(root)


def hash_file(root: Path, path: str) -> tuple[str, int]:
    """sha256 and size of a file of the workspace, from the cache where it is unchanged."""
    digest = _shared(root.resolve()).of(path, at=real_path(root, path))
    return digest.sha256, digest.bytes


def real_path(root: Path, path: str) -> Path:
    """Where a workspace path (NFC) lies on disk, whose names may be composed otherwise."""
    plain = root / path
    if path.isascii() or plain.exists():
        return plain
    return next(_composed(root, path.split("/")), plain)


def _composed(folder: Path, parts: list[str]) -> Iterator[Path]:
    import unicodedata

    if not parts:
        yield folder
        return
    with contextlib.suppress(OSError):
        for entry in sorted(folder.iterdir()):
            if unicodedata.normalize("NFC", entry.name) == parts[0]:
                yield from _composed(entry, parts[1:])
