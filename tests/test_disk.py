"""What is done to a disk: nothing is read without end, and nothing is replaced that is not
a file.
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from provisioner import disk


def test_reading_within_a_limit(tmp_path: Path) -> None:
    """A file is read whole or not at all."""
    file = tmp_path / "f"
    file.write_bytes(b"x" * 100_000)
    assert disk.read(file, 100_000) == b"x" * 100_000
    with pytest.raises(disk.TooLarge, match=r"it has 100,000 bytes, and may have at most 0 MB"):
        disk.read(file, 99_999)
    assert disk.read("/proc/self/status", 1 << 20).startswith(b"Name:")


def test_a_large_file_is_not_read_at_all(tmp_path: Path) -> None:
    """Gigabytes cost nothing."""
    file = tmp_path / "f"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(disk.TooLarge, match="at most 16 MB"):
        disk.read(file, disk.LARGEST_TEXT)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file(tmp_path: Path, make: object) -> None:
    """A pipe without a writer is refused at once, and so is a folder; neither is replaced."""
    path = tmp_path / "p"
    make(path)  # type: ignore[operator]  # either of two functions
    before = path.lstat()
    for attempt in (lambda: disk.read(path, 9), lambda: disk.replace(path, b"x")):
        with pytest.raises(OSError, match=r"it is a pipe|[Dd]irectory"):
            attempt()
    assert path.lstat().st_ino == before.st_ino
    assert [found.name for found in tmp_path.iterdir()] == ["p"]


def test_a_device_is_written_to() -> None:
    """`/dev/null` stays what it is."""
    disk.put(Path("/dev/null"), b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="it is a pipe"):
        disk.replace(Path("/dev/null"), b"x")


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """A pipe that somebody reads from gets everything, however large; one that nobody reads from is
    refused.
    """
    path, data, got = tmp_path / "p", b"y" * 300_000, []
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):
        disk.put(path, data)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # so that a reader is there for certain
    reader.start()
    disk.put(path, data)
    reader.join(10)
    os.close(end)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_links_are_followed(tmp_path: Path) -> None:
    """A link stays a link, to a file that is there or not, and what it leads to has the new bytes
    and its old mode.
    """
    real, link, new = tmp_path / "real", tmp_path / "link", tmp_path / "dangling"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to("real")
    new.symlink_to("made")
    for path in (link, new):
        disk.put(path, b"new")
        assert path.is_symlink()
        assert path.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640
    disk.put(link, b"private", 0o600)
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_trap_beside_a_file(tmp_path: Path) -> None:
    """A link where the new version is put together leads nobody's bytes astray."""
    victim, file = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"precious")
    (tmp_path / "file.tmp").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        disk.replace(file, b"x")
    assert victim.read_bytes() == b"precious"
    (tmp_path / "file.reserve").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        disk.reserve(tmp_path / "file.reserve", 10)
    assert victim.read_bytes() == b"precious"
