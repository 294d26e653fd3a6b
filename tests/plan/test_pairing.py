"""Which document of a store that is taken over is which local file."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import Address
from provisioner.plan.pairing import ForeignStoreFile, pair

KB = Address("vector_store", "kb")


def local(*paths: str, size: int = 10, **more: str) -> dict[str, Any]:
    """Local files of one size; each has the bytes of its name unless `more` says otherwise."""
    return {path: {"bytes": size, "sha256": more.get("sha256", path)} for path in paths}


def doc(id: str, name: str = "a.md", size: int = 10, created_at: int = 0) -> ForeignStoreFile:
    return ForeignStoreFile(id, name, size, created_at)


ROWS: dict[
    str, tuple[dict[str, Any], list[ForeignStoreFile], dict[str, str], dict[str, str], int]
] = {
    "the same name and size": (local("docs/a.md"), [doc("f1")], {}, {"docs/a.md": "f1"}, 0),
    "another size": (local("a.md"), [doc("f1", size=11)], {}, {}, 0),
    "another name": (local("a.md"), [doc("f1", "b.md")], {}, {}, 0),
    "nothing there": (local("a.md"), [], {}, {}, 0),
    "one each": (
        local("a.md", "b.md"),
        [doc("f1", "b.md"), doc("f2", "a.md")],
        {},
        {"a.md": "f2", "b.md": "f1"},
        0,
    ),
    "two documents for one file: the older one": (
        local("a.md"),
        [doc("f1", created_at=9), doc("f2", created_at=5)],
        {},
        {"a.md": "f2"},
        0,
    ),
    "two of one age: by their ids": (local("a.md"), [doc("f2"), doc("f1")], {}, {"a.md": "f1"}, 0),
    "two files with the same bytes, by age and path": (
        local("y/a.md", "x/a.md", sha256="s"),
        [doc("f1", created_at=9), doc("f2", created_at=5)],
        {},
        {"x/a.md": "f2", "y/a.md": "f1"},
        0,
    ),
    "two files with the same bytes, and one document": (
        local("y/a.md", "x/a.md", sha256="s"),
        [doc("f1")],
        {},
        {"x/a.md": "f1"},
        0,
    ),
    "two files that look the same and differ": (
        local("x/a.md", "y/a.md"),
        [doc("f1"), doc("f2")],
        {},
        {},
        1,
    ),
    "two files that look the same and differ, and one document": (
        local("x/a.md", "y/a.md"),
        [doc("f1")],
        {},
        {},
        1,
    ),
    "two files that look the same and differ, and no document": (
        local("x/a.md", "y/a.md"),
        [],
        {},
        {},
        0,
    ),
    "two files of one name and two sizes": (
        {**local("x/a.md"), **local("y/a.md", size=11)},
        [doc("f1", size=11), doc("f2")],
        {},
        {"x/a.md": "f2", "y/a.md": "f1"},
        0,
    ),
    "the specs say which": (
        local("x/a.md", "y/a.md"),
        [doc("f1"), doc("f2")],
        {"x/a.md": "f2"},
        {"x/a.md": "f2", "y/a.md": "f1"},
        0,
    ),
    "the specs name a document of another name": (
        local("a.md"),
        [doc("f1"), doc("f2", "b.md")],
        {"a.md": "f2"},
        {"a.md": "f2"},
        0,
    ),
    "the specs say it of a file that is not wanted here": (
        local("a.md"),
        [doc("f1")],
        {"b.md": "f1"},
        {"a.md": "f1"},
        0,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_pairs(row: str) -> None:
    """One to one by base name and size; where that leaves it open which is which, the author is
    asked.
    """
    wanted, store_files, given, ids, questions = ROWS[row]
    found = pair(KB, wanted, store_files, given)
    assert (found.ids, len(found.questions)) == (ids, questions)


def test_the_question() -> None:
    """It names the documents, the files, and how to say which is which."""
    (question,) = pair(
        KB, local("x/a.md", "y/a.md", size=1234), [doc("f1", size=1234), doc("f2", size=1234)], {}
    ).questions
    assert (
        question
        == "`vector_store.kb` holds `f1`, `f2`, called `a.md` and 1,234 bytes long, which may be"
        " `x/a.md`, `y/a.md`: they look the same and differ. Say which is which, with `imports:"
        " [{to: file.x/a.md, id: f1}, …]`."
    )
