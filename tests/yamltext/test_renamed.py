"""Words put where they are written: at the anchor that a place stands for, and without touching
anything beside them.
"""

from __future__ import annotations

import pytest

from provisioner.kinds.base import Path
from provisioner.yamltext.editing import renamed
from provisioner.yamltext.spelling import Unwritable


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("a: old # old\n", ("a",), "a: new # old\n"),
        ("# 😀 é\r\na:   'old'\r\n", ("a",), "# 😀 é\r\na:   'new'\r\n"),
        ('{"a": "old"}', ("a",), '{"a": "new"}'),
        ("a: !!str old\n", ("a",), "a: !!str new\n"),
        ("b: &b   old\na: *b\n", ("a",), "b: &b   new\na: *b\n"),
        ("b: &b {c: old}\na: {<<: *b, d: 1}\n", ("a", "c"), "b: &b {c: new}\na: {<<: *b, d: 1}\n"),
        ("a: [x, old]", ("a", 1), "a: [x, new]"),
    ],
)
def test_a_word_is_changed_where_it_stands(text: str, path: Path, after: str) -> None:
    """Quotes, tags, anchors, comments and line ends stay."""
    assert renamed(text, {path: "new"}) == after


def test_a_word_that_needs_quotes_gets_them() -> None:
    """Nothing else is read than what is said."""
    assert renamed("a: old\n", {("a",): "1.5"}) == 'a: "1.5"\n'
    assert renamed("a: old\n", {("a",): "x: y"}) == 'a: "x: y"\n'


def test_two_places_of_one_word() -> None:
    """It is written once, and changed once."""
    text = "a: &a old\nb: *a\nc: old\n"
    words: dict[Path, str] = {("a",): "newer", ("b",): "newer", ("c",): "other"}
    assert renamed(text, words) == "a: &a newer\nb: *a\nc: other\n"


@pytest.mark.parametrize("text", ["a: |\n  old\n", "a: >-\n  old\n", "a: [old]\n", "b: old\n"])
def test_what_is_no_word_on_a_line(text: str) -> None:
    """It is not guessed at."""
    with pytest.raises(Unwritable, match="not written as a word"):
        renamed(text, {("a",): "new"})
