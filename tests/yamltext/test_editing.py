"""Values written back into YAML: what changes changes, every other byte and every comment stays."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.diff import same
from provisioner.yamltext.editing import Entangled, rewritten
from provisioner.yamltext.patches import REMOVED, Patch, adding, patched, set_value
from provisioner.yamltext.reading import read_yaml
from provisioner.yamltext.spelling import Placement, Unwritable, flow_spelt, key_spelt, spelt_value


def edit(text: str, *patches: Patch) -> str:
    value = read_yaml(text.encode()).value
    return rewritten(text, value, patched(value, patches))


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("a: old  # why\n", "new", "a: new  # why\n"),
        ("a: 'old'\n", "it's", "a: 'it''s'\n"),
        ('a: "old"\n', "new", 'a: "new"\n'),
        ("a: old\n", "NO", 'a: "NO"\n'),
        ("a: old\n", "1e3", 'a: "1e3"\n'),
        ("a: old\n", "x: y", 'a: "x: y"\n'),
        ("a: old\n", "x #y", 'a: "x #y"\n'),
        ("a: old\n", " lead", 'a: " lead"\n'),
        ("a: old\n", "", 'a: ""\n'),
        ("a: old\n", "😀", "a: 😀\n"),
        ("a: old\n", "bell\x07\u2028", 'a: "bell\\u0007\\u2028"\n'),
        ("a: old\n", "cr\r\nlf", 'a: "cr\\r\\nlf"\n'),
        ("a: 0.30\n", 1.0, "a: 1\n"),
        ("a: 1\n", 1e-7, "a: 0.0000001\n"),
        ("a: 1\n", None, "a: null\n"),
        ("a: null\n", True, "a: true\n"),
        ("a:   # nothing yet\n", "text", "a: text   # nothing yet\n"),
        ("a: old  # why\n", "one\ntwo\n", "a: |  # why\n  one\n  two\n"),
        (
            "a: |  # why\n    one\n\n# next\nb: 1\n",
            "x\n\ny",
            "a: |-  # why\n    x\n\n    y\n\n# next\nb: 1\n",
        ),
        ("a: |\n  one\n", "  led\nx\n", "a: |2\n    led\n  x\n"),
        ("a: |\n  one\n\nb: 1\n", "x\n\n\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("a: |\n  one\n", "\x07\n", 'a: "\\u0007\\n"\n'),
        ("a: |\n  one\n", None, "a: null\n"),
        ("a: >-\n  one two\n  three\n", "four five\nsix", "a: >-\n  four five\n\n  six\n"),
        ('a: "one\\ntwo"\n', "three\nfour", 'a: "three\\nfour"\n'),
        ("a: &x old\n", "new", "a: &x new\n"),
        ("a:\n  # kept\n  b: 1\n", {}, "a: {}\n  # kept\n"),
        ("a: old", "one\ntwo\n", "a: |\n  one\n  two\n"),
        ("a: old\n   # deep\nb: 1\n", "one\ntwo", 'a: "one\\ntwo"\n   # deep\nb: 1\n'),
        ("a:\n  # gone\n  - 1", "one\ntwo", "a: |-\n  one\n  two\n"),
        ("a: old\r\nb: 1\r\n", "one\ntwo\n", "a: |\r\n  one\r\n  two\r\nb: 1\r\n"),
    ],
)
def test_a_value_keeps_its_style(before: str, value: Any, after: str) -> None:
    """The author's quotes, block style, comments and line ends stay where they can carry the new
    value.
    """
    assert edit(before, set_value(("a",), value)) == after


LISTS = """\
tools:
  # search
  - {type: file_search, n: 8}  # eight

  # weather
  - type: function
    # its name
    name: get_weather
  - last
flow: [1,   # one
       2,
       3]
"""
EIGHT = "  - {type: file_search, n: 8}  # eight"


@pytest.mark.parametrize(
    ("patches", "gone", "new"),
    [
        ([set_value(("tools", 0), REMOVED)], ["  # search", EIGHT], []),
        ([set_value(("tools", 0, "n"), 9)], [EIGHT], [EIGHT.replace("8", "9")]),
        ([set_value(("tools", 1, "strict"), True)], [], ["    strict: true"]),
        (
            [set_value(("tools", 1, "type"), REMOVED)],
            ["  - type: function", "    # its name"],
            ["  - # its name"],
        ),
        (
            [set_value(("tools", 1, "name"), REMOVED)],
            ["    # its name", "    name: get_weather"],
            [],
        ),
        ([adding(("tools",), {"id": "x"})], [], ["  - {id: x}"]),
        ([set_value(("tools", 2), REMOVED), adding(("tools",), "new")], ["  - last"], ["  - new"]),
        ([set_value(("flow",), [1, 3, 4])], ["       2,", "       3]"], ["       3,", "       4]"]),
        ([set_value(("flow", 0), REMOVED)], ["flow: [1,   # one", "       2,"], ["flow: [2,"]),
        ([set_value(("more",), {"a": "x" * 90})], [], ["more:", f"  a: {'x' * 90}"]),
    ],
)
def test_an_entry_takes_its_own_lines_along(
    patches: list[Patch], gone: list[str], new: list[str]
) -> None:
    """Entries come and go with the comments right above them; every other line is where it was."""
    result = edit(LISTS, *patches).splitlines()
    assert [line for line in LISTS.splitlines() if line not in result] == gone
    assert [line for line in result if line not in LISTS.splitlines()] == new


SHARED = """\
x-c: &c {model: m, t: 1}
a:
  one: {<<: *c, t: 2}
  two: *c
"""


@pytest.mark.parametrize("path", [("x-c", "model"), ("a", "one", "model"), ("a", "two", "t")])
def test_what_others_share_is_refused(path: tuple[str, ...]) -> None:
    """An anchor, an alias and a merge key stand for several places at once; a key of one's own does
    not.
    """
    with pytest.raises(Entangled):
        edit(SHARED, set_value(path, "new"))
    assert edit(SHARED, set_value(("a", "one", "t"), 3)) == SHARED.replace("t: 2", "t: 3")


def test_half_a_character_is_refused() -> None:
    """A lone surrogate fits into no file."""
    with pytest.raises(Unwritable, match="half a character"):
        edit("a: old\n", set_value(("a",), "\ud800"))


HOSTILE = [
    "NO",
    "1e3",
    "a: b",
    "# x",
    "'q'",
    '"dq"',
    " lead",
    "trail ",
    "",
    "multi\nline",
    "multi\nline\n",
    "\n\nlead",
]
HOSTILE += [
    "tail\n\n\n",
    "cr\r\nlf\r\n",
    "😀",
    "\ttab",
    "- dash",
    "{x",
    "null",
    "~",
    "true",
    "0x1F",
    "2024-01-01",
    "|",
]
HOSTILE += [
    "> x",
    "%d",
    "@a",
    "`b`",
    "a #b",
    "a:",
    "*x",
    "&y",
    "!t",
    "\u2028",
    "\x07",
    "\ufeffbom",
    "x" * 300,
    "a, b]",
]
HOSTILE += [
    "  in\n more\n",
    "one\n  two\n\n three",
    "? a",
    "---",
    "...",
    "--- x\n",
    "=",
    "<<",
    "12:30",
    "\xa0",
    "a\x85b",
]
PLAIN = [1, 2.5, True, None, 1e-7, -3, 123456789012]


class Writer:
    """Writes a value as a person might: any style, any layout, comments everywhere."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def value(self, depth: int = 0) -> Any:
        kind = self.random.random() if depth < 3 else 1
        some = range(self.random.randint(0, 4))
        if kind < 0.2:
            return {
                f"{self.random.choice(['a', 'c d', 'NO', 'x:y'])}{i}": self.value(depth + 1)
                for i in some
            }
        if kind < 0.4:
            return [self.value(depth + 1) for _ in some]
        return self.random.choice(self.random.choice([HOSTILE, HOSTILE, PLAIN]))

    def comment(self, before: str, chance: float = 0.4) -> str:
        self.count += 1
        return f"{before}# c{self.count}" if self.random.random() < chance else ""

    def lines(self, value: Any, column: int) -> Iterator[str]:
        pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for key, inner in pairs:
            if own := self.comment(" " * column):
                yield own
            head = "-" if key is None else f"{key_spelt(key, flow=False)}:"
            yield from self.entry(" " * column + head, inner, column)
        if self.random.random() < 0.2:
            yield ""

    def entry(self, head: str, value: Any, column: int) -> Iterator[str]:
        if not isinstance(value, dict | list):
            style = self.random.choice(["", "'", '"', "|", ">"])
            found = spelt_value(value, Placement(False, column, style))
            yield f"{head} {found.inline}{self.comment('  ')}"
            yield from found.below
        elif not value or self.random.random() < 0.3:
            yield f"{head} {flow_spelt(value)}{self.comment('  ')}"
        else:
            bare = isinstance(value, list) and head.endswith(":") and self.random.random() < 0.4
            below = list(self.lines(value, column if bare else column + 2))
            joined = head.endswith("-") and below[0].strip() and "#" not in below[0]
            yield f"{head} {below[0].lstrip()}" if joined else head + self.comment("  ")
            yield from below[1:] if joined else below


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in pairs:
        yield (*path, key), inner
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("block", range(10))
def test_any_edit_of_any_file(block: int) -> None:
    """Whatever is changed, removed or added, the file says exactly that, and no comment of anything
    else is lost.
    """
    for seed in range(block * 40, block * 40 + 40):
        writer = Writer(seed)
        value = {f"k{index}": writer.value() for index in range(writer.random.randint(1, 6))}
        text = "\n".join(writer.lines(value, 0)) + writer.random.choice(["\n", ""])
        text = writer.random.choice([text, text, text.replace("\n", "\r\n")])
        value = read_yaml(text.encode()).value
        path, present = writer.random.choice(list(places(value)))
        change = writer.random.choice(["set", "set", "remove", "add"])
        if change == "add" and isinstance(present, list):
            patch = adding(path, writer.value(2))
        elif change == "add" and isinstance(present, dict):
            patch = set_value((*path, "new"), writer.value(2))
        else:
            patch = set_value(path, REMOVED if change == "remove" else writer.value(1))
        result = edit(text, patch)
        assert same(read_yaml(result.encode()).value, patched(value, [patch])), seed
        comments = re.compile(r"# c\d+")
        if patch.change(present) is not REMOVED and not (
            isinstance(present, dict | list) and change != "add"
        ):
            assert comments.findall(result) == comments.findall(text), seed
