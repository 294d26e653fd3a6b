"""What is remembered of files that did not change."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from provisioner import digests
from provisioner.digests import Digests


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that is old enough to be trusted."""
    path = tmp_path / "a.md"
    path.write_text("old")
    return path


def test_unchanged_files_are_not_read(old: Path, monkeypatch):
    """Once hashed, a file is known by its times, size and inode; a changed one is read again."""
    monkeypatch.setattr(digests, "FRESH", -(10**18))
    first = Digests(old.parent)
    assert first.of("a.md").sha256 == hashlib.sha256(b"old").hexdigest()
    first.save()
    reads: list[object] = []
    read = digests._read
    monkeypatch.setattr(digests, "_read", lambda place: reads.append(place) or read(place))

    assert Digests(old.parent).of("a.md") == first.of("a.md")
    assert reads == []
    old.write_text("new")
    assert Digests(old.parent).of("a.md").sha256 == hashlib.sha256(b"new").hexdigest()
    assert len(reads) == 1


def test_young_files_are_distrusted(old: Path):
    """A file younger than two seconds may change without its times showing it, so it is not
    remembered.
    """
    times = old.stat()
    assert Digests(old.parent).of("a.md").bytes == 3
    known = Digests(old.parent)
    known.of("a.md")
    known.save()
    assert not (old.parent / digests.KNOWN).exists()
    old.write_text("NEW")
    os.utime(old, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert known.of("a.md").sha256 == hashlib.sha256(b"NEW").hexdigest()
    assert time.time_ns() - times.st_mtime_ns < digests.FRESH * 100


@pytest.mark.parametrize("content", ["", "{", "[]", '{"path": ["a.md"]}', '{"path": 5}', "\xff"])
def test_a_broken_cache_is_no_cache(old: Path, content):
    """Whatever stands in the cache, the digest is right; where it cannot be written,
    nothing fails.
    """
    cache = old.parent / digests.KNOWN
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    assert Digests(old.parent).of("a.md").sha256 == hashlib.sha256(b"old").hexdigest()


def test_a_cache_that_cannot_be_written(old: Path, monkeypatch):
    """A file where the folder should be is no reason to fail."""
    monkeypatch.setattr(digests, "FRESH", -(10**18))
    (old.parent / ".provisioner").write_text("in the way")
    known = Digests(old.parent)
    known.of("a.md")
    known.save()
