"""Two texts compared: which lines belong together, which words differ, and what white space did."""

from __future__ import annotations

import random
from difflib import unified_diff

import pytest

from provisioner.views.diffs import changed_lines, text_diff
from provisioner.views.lines import Line
from provisioner.views.text import line_text
from provisioner.views.values import LONG, Paint

WORDS = [
    "You",
    "help",
    "the",
    "staff",
    "to",
    "find",
    "what",
    "they",
    "need",
    "and",
    "never",
    "guess",
]


def marked(line: Line) -> list[str]:
    """The marked words of a line."""
    return [line.text[low:high] for low, high in line.marks]


def shown(old: str, new: str) -> list[str]:
    """The changed lines of a diff."""
    return [line.text for line in text_diff(old, new) if line.tone in ("+", "-")]


@pytest.mark.parametrize(
    "old, new, ours, theirs",
    [
        ("Be brief and kind.", "Be brief and very kind.", [], ["very"]),
        (
            "Answer in one sentence.",
            "Answer in two short sentences.",
            ["one sentence"],
            ["two short sentences"],
        ),
        ("temperature=0.3", "temperature=0.7", ["3"], ["7"]),
        ("従業員の手引きを引用", "従業員の規則を引用", ["手引き"], ["規則"]),
        ("one two three four", "five six seven eight", [], []),
        ("", "new", [], []),
    ],
)
def test_changed_words_are_marked(old: str, new: str, ours: list[str], theirs: list[str]) -> None:
    """The words that differ are marked in both lines; lines that share hardly anything are not
    littered with marks.
    """
    lines = {line.tone: line for line in text_diff(f"a\n{old}\nb", f"a\n{new}\nb")}

    assert (marked(lines["-"]), marked(lines["+"])) == (ours, theirs)


def test_a_line_is_compared_with_the_one_that_it_was() -> None:
    """Where a passage grew, each removed line stands against the added line that is most
    like it.
    """
    found = list(
        text_diff("Quote the handbook.\nb", "Something new here.\nQuote the staff handbook.\nb")
    )

    assert [marked(line) for line in found if line.tone == "+"] == [[], ["staff"]]


@pytest.mark.parametrize(
    "old, new, lines",
    [
        ("a b", "a  b", ["-a·b", "+a··b"]),
        ("\ta b", "    a b", ["-→a b", "+····a b"]),
        ("a b ", "a b", ["-a b·", "+a b"]),
        ("a\u00a0b", "a b", ["-a⍽b", "+a·b"]),
        ("one two\nthree", "one\ntwo three", ["-one two↵", "-three↵", "+one↵", "+two three↵"]),
        ("a\nb", "a\n\nb", ["+↵"]),
        ("a b ", "a c ", ["-a b·", "+a c·"]),
        ("a b", "a\tc", ["-a b", "+a\tc"]),
    ],
)
def test_white_space_shows_where_nothing_else_differs(old: str, new: str, lines: list[str]) -> None:
    """Spaces, tabs and line ends are visible where they are the only change, and at the ends of
    changed lines.
    """
    assert shown(old, new) == lines


def test_a_diff_rebuilds_both_texts() -> None:
    """Whatever the texts: applied to the old one, as patch would, a diff gives the new one."""
    dice = random.Random(7)
    for size in range(40):
        old = [dice.choice("abcdefghijklmnop") for _ in range(size)]
        new = [line for line in old if dice.random() > 0.3] + [
            dice.choice("axyz") for _ in range(size // 4)
        ]
        lines = list(text_diff("\n".join(old), "\n".join(new)))
        plain = list(unified_diff(old, new, lineterm=""))[2:]

        assert _rebuilt(old, lines, "+") == new, (old, new)
        assert bool(lines) == bool(plain)


def _rebuilt(old: list[str], lines: list[Line], wanted: str) -> list[str]:
    """`old` with a diff applied to it, as patch would."""
    found: list[str] = []
    at = 0
    for line in lines:
        text = line.text[1:].removesuffix("↵")
        if line.tone == "@":
            start, _, count = line.text.split()[1][1:].partition(",")
            begin = int(start) - (count != "0")
            found += old[at:begin]
            at = begin
        elif line.tone == wanted:
            found.append(text)
        elif line.tone in ("", "-"):
            assert old[at] == text
            at += 1
            found += [text] if line.tone == "" else []
    return found + old[at:]


def test_large_prompts_are_compared_in_full() -> None:
    """Six hundred changed lines of six thousand show each as changed, with its changed word
    marked.
    """
    old = [f"{number} {' '.join(WORDS)}" for number in range(6_000)]
    new = [
        line.replace("never", "always") if number % 10 == 0 else line
        for number, line in enumerate(old)
    ]

    found = list(text_diff("\n".join(old), "\n".join(new)))

    assert [marked(line) for line in found if line.tone == "+"][:3] == [["always"]] * 3
    assert sum(line.tone == "+" for line in found) == 600
    assert changed_lines("\n".join(old), "\n".join(new)) == (600, 600)


def test_a_prompt_in_one_line_shows_its_changes_and_little_else() -> None:
    """In a line of a hundred thousand characters both changed words are there, and what is alike is
    counted.
    """
    dice = random.Random(3)
    words = [f"{dice.choice(WORDS)}{dice.choice(['', '', '', '.'])}" for _ in range(24_000)]
    other = list(words)
    other[50], other[20_000] = "UPPER", "LOWER"

    removed, added = (
        line for line in text_diff(" ".join(words), " ".join(other)) if line.tone in ("+", "-")
    )

    assert marked(added) == ["UPPER", "LOWER"]
    assert len(added.text) < LONG
    assert "characters alike)…" in added.text and "characters alike)…" in removed.text


def test_a_new_line_without_end_is_cut() -> None:
    """A megabyte that is new is not printed, but counted."""
    (line,) = (line for line in text_diff("a", "x" * 1_000_000) if line.tone == "+")

    assert line.text.endswith("x… (980,000 more characters)")


def test_marks_are_painted_in_reverse() -> None:
    """With colours a changed word stands out of its changed line; without, the line is as it is."""
    line = next(line for line in text_diff("Be brief.", "Be very brief.") if line.tone == "+")

    assert line_text(line) == "      +Be very brief."
    assert (
        line_text(line, Paint(True)).strip()
        == "\x1b[32m+Be \x1b[0m\x1b[32;7mvery\x1b[0m\x1b[32m brief.\x1b[0m"
    )


@pytest.mark.parametrize(
    "old, new, changed",
    [
        (list("012345"), list("123405"), (1, 1)),
        (["a", "b"] * 300, ["a", "b"] * 150 + ["c", "b"] + ["a", "b"] * 149, (1, 1)),
        (["a", "b"] * 300, ["x", "b"] + ["a", "b"] * 298 + ["a", "y"], (2, 2)),
        (["a", "b"] * 3 + ["c"], ["a", "b"] * 2 + ["c"], (0, 2)),
        (["a"], [], (0, 1)),
    ],
)
def test_no_more_than_what_differs_shows(
    old: list[str], new: list[str], changed: tuple[int, int]
) -> None:
    """A line that moved is one line, and lines that come many times stay where they are."""
    assert changed_lines("\n".join(old), "\n".join(new)) == changed
