"""The sha256 of values, and of local files, remembered by path, size, mtime, ctime and inode."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from provisioner import disk, jsontext

KNOWN = f"{disk.CACHE}/files.json"
FRESH = 2_000_000_000  # ns; a file younger than this may change again without its times showing it
_MOST = 250_000  # files, as many as a list is read of
LFS_HEAD = b"version https://git-lfs.github.com/spec/"
_COLUMNS = ("path", "size", "mtime_ns", "ctime_ns", "inode", "sha256", "lfs", "ours")
_TYPES = (str, int, int, int, int, str, bool, bool)
_HEAD = 1 << 16  # bytes at the beginning of a file that say what it is
# Keys at the beginning of a lock and its journal, of its lease, of a plan and of a drift report.
_OWN_KEYS = (
    (b'"lineage":', b'"environment":', b'"origin":'),
    (b'"boot":', b'"holder":', b'"namespace":'),
    (b'"format_version":', b'"provisioner_version":'),
    (b'"format_version":', b'"resource_drift":'),
)


def sha256_of(value: Any, *, ascii: bool = True) -> str:
    """`sha256:…` of a value in its one canonical JSON spelling."""
    data = jsontext.canonical(value, ascii=ascii).encode(errors="surrogatepass")
    import hashlib  # 3 ms, where nothing is hashed

    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Changing(OSError):
    """The file was written to while it was read."""


class Digest(NamedTuple):
    """What a file holds. `lfs`: it is a Git LFS pointer, not the document. `ours`: we have written
    it, to know it again or for a program to read: a lock, its journal or lease, a saved plan, a
    report.
    """

    sha256: str
    bytes: int
    lfs: bool = False
    ours: bool = False


Mark = tuple[int, int, int, int]
Known = dict[str, tuple[Mark, Digest]]


class Digests:
    """The digests of one workspace's files, with their cache on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = f"{root}/"
        self._known: Known | None = None
        self._dirty = False

    def of(
        self, path: str, found: os.stat_result | None = None, at: str | Path | None = None
    ) -> Digest:
        """The digest of `path` (from the root). `found` spares a stat; `at` is where it lies, if
        not at root/path. Raises OSError where the file cannot be read.
        """
        place = at or self._prefix + path
        if found is None:
            found = os.stat(place)  # noqa: PTH116 - a path object for each of 10,000 files costs
        entries = self._known if self._known is not None else self._entries()
        known = entries.get(path)
        if known is not None and known[0] == mark(found):
            return known[1]
        return self._hash(path, place)

    def known(self) -> Known:
        """What each file held that was hashed, and its mark of then: size, mtime, ctime, inode."""
        return self._entries()

    def _hash(self, path: str, place: str | Path) -> Digest:
        now = time.time_ns()
        digest, found = _read(place)
        if now - max(found.st_mtime_ns, found.st_ctime_ns) > FRESH:
            self._entries()[path] = (mark(found), digest)
            self._dirty = True
        return digest

    def _entries(self) -> Known:
        if self._known is None:
            self._known = _load(self.root / KNOWN)
        return self._known

    def save(self) -> None:
        """Write what was learnt; a cache that cannot be written is not an error."""
        if self._dirty:
            self._dirty = False
            with contextlib.suppress(UnicodeError):  # names on disk need not be Unicode
                _store(self.root / KNOWN, self._entries())


def digest_of(data: bytes) -> Digest:
    """The digest of bytes that are not in a file yet."""
    import hashlib  # 3 ms, where nothing is hashed

    return _digest(hashlib.sha256(data).hexdigest(), len(data), data[:_HEAD])


def _digest(sha256: str, size: int, head: bytes) -> Digest:
    ours = head.startswith(b"{") and any(all(key in head for key in keys) for keys in _OWN_KEYS)
    return Digest(sha256, size, size < 1024 and head.startswith(LFS_HEAD), ours)


def mark(found: os.stat_result) -> Mark:
    """What changes with a file, as git's index has it."""
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _read(place: str | Path) -> tuple[Digest, os.stat_result]:
    import hashlib  # 3 ms, where nothing is hashed

    for _ in range(3):
        with os.fdopen(disk.open_file(place), "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            sha256 = hashlib.sha256()
            size = 0
            head = b""
            while chunk := file.read(1 << 20):
                head = head or chunk[:_HEAD]
                size += len(chunk)
                sha256.update(chunk)
            after = os.fstat(file.fileno())
        if size == after.st_size and before.st_mtime_ns == after.st_mtime_ns:
            return _digest(sha256.hexdigest(), size, head), after
    raise Changing("it is being written to")


def _load(path: Path) -> Known:
    try:
        # Not by `jsontext`, which looks at every number: columns of other types are refused here.
        data = json.loads(disk.read(path, disk.LARGEST))
        columns = [data[name] for name in _COLUMNS]
        counts = {len(column) for column in columns}
        types = [set(map(type, column)) for column in columns]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    # A cache that has collected that many files that are gone begins anew.
    if (
        len(counts) != 1
        or max(counts) > _MOST
        or any(found - {wanted} for found, wanted in zip(types, _TYPES, strict=True))
    ):
        return {}
    paths, sizes, mtimes, ctimes, inodes, sha256s, pointers, ours = columns
    marks = zip(sizes, mtimes, ctimes, inodes, strict=True)
    # A call of the class for each of 10,000 files takes three times as long.
    made = map(partial(tuple.__new__, Digest), zip(sha256s, sizes, pointers, ours, strict=True))
    return dict(zip(paths, zip(marks, made, strict=True), strict=True))


def _store(path: Path, entries: Known) -> None:
    rows = [
        (name, *mark, digest.sha256, digest.lfs, digest.ours)
        for name, (mark, digest) in entries.items()
    ]
    # By column, because that is read twice as fast as an object for each file.
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    disk.cache(path, json.dumps(columns, ensure_ascii=False).encode())


@cache
def _shared(root: Path) -> Digests:
    return Digests(root)


def hash_file(root: Path, path: str) -> tuple[str, int]:
    """sha256 and size of a file of the workspace, from the cache where it is unchanged."""
    digest = _shared(root).of(path, at=None if path.isascii() else real_path(root, path))
    return digest.sha256, digest.bytes


def real_path(root: Path, path: str) -> Path:
    """Where a workspace path (NFC) lies on disk, whose names may be composed otherwise."""
    plain = root / path
    if path.isascii() or plain.exists():
        return plain
    return next(_composed(root, path.split("/")), plain)


def held_path(root: Path, path: str) -> Path:
    """The same, of a file that the workspace holds; OSError where the path leads out of it, by a
    link or by itself.
    """
    if "\0" in path or ".." in path.split("/"):
        raise disk.Unfit("it is not the path of a file in the workspace")
    place = real_path(root, path)
    real, base = os.path.realpath(place), os.path.realpath(root)
    if os.path.commonpath([real, base]) != base:
        raise disk.Unfit("it leads out of the workspace")
    return place


def _composed(folder: Path, parts: list[str]) -> Iterator[Path]:
    import unicodedata

    if not parts:
        yield folder
        return
    with contextlib.suppress(OSError):
        for entry in sorted(folder.iterdir()):
            if unicodedata.normalize("NFC", entry.name) == parts[0]:
                yield from _composed(entry, parts[1:])
