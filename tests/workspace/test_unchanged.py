"""Files that are as they were when they were hashed are accepted without being opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner import digests
from provisioner.workspace.contents import Contents
from provisioner.workspace.tree import FileRefused

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose files were hashed, and are remembered however young they are."""
    monkeypatch.setattr(digests, "FRESH", -(10**18))
    for name, text in {"a": "one", "b": "two", "lfs": POINTER, "empty": ""}.items():
        (tmp_path / f"{name}.md").write_text(text)
    before = Contents(tmp_path)
    before.glob("*.md", [])
    before.digests.save()
    return tmp_path


def test_only_what_is_as_it_was_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a byte of an unchanged file is read, nor is a changed one taken for unchanged."""
    (root / "b.md").write_text("something else")
    opened: list[str] = []
    read = digests._read
    monkeypatch.setattr(digests, "_read", lambda place: opened.append(str(place)) or read(place))
    contents = Contents(root)
    assert contents.glob("*.md", []) == ["a.md", "b.md", "empty.md", "lfs.md"]
    assert contents.accept("a.md").bytes == 3
    assert contents.accept("b.md").bytes == len("something else")
    assert opened == [str(root / "b.md")]


@pytest.mark.parametrize(("name", "summary"), [("lfs", "Git LFS pointer"), ("empty", "Empty file")])
def test_what_was_refused_is_refused_again(root: Path, name: str, summary: str) -> None:
    """That it has not changed makes nothing a document that was none."""
    contents = Contents(root)
    contents.glob("*.md", [])
    with pytest.raises(FileRefused) as refused:
        contents.accept(f"{name}.md")
    assert refused.value.summary == summary


def test_a_lock_is_passed_over(root: Path) -> None:
    """A file of our own is never accepted, although nothing about it has changed."""
    contents = Contents(root, locks=["a.md"])
    assert contents.glob("*.md", []) == ["b.md", "empty.md", "lfs.md"]


def test_a_draft_counts(root: Path) -> None:
    """What a file would hold is looked at, and not what it holds."""
    contents = Contents(root, {str(root / "a.md"): b"a draft"})
    contents.glob("*.md", [])
    assert contents.accept("a.md").bytes == 7
