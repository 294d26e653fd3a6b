"""Two texts as a unified diff: changed words marked, white space visible where nothing else changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from provisioner.views.aligned import Aligned
from provisioner.views.lines import Line
from provisioner.views.long_lines import bounded, elided
from provisioner.views.values import visible
from provisioner.views.words import Emphasis, Marks

CONTEXT = 3
_BLANKS = str.maketrans({" ": "·", "\t": "→"})
_ODD_BLANK = re.compile(r"[^\S \t]")  # looks like a space and is none
_ODD = "⍽"
_END = "↵"
_ALIKE = 0.5  # share of words that makes two lines versions of one
_TRIED = 2_000  # pairs of lines that are compared, where a passage grew or shrank


def as_text(given: Any) -> str:
    """A value as the lines that a diff compares: texts as they are, anything else as indented JSON."""
    if given is None:
        return ""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, indent=2)


def split(text: str) -> list[str]:
    """The lines of a text; a line feed at its end begins none."""
    return text.removesuffix("\n").split("\n") if text else []


def changed_lines(before: Any, after: Any) -> tuple[int, int]:
    """How many lines are added and how many removed."""
    old, new = split(as_text(before)), split(as_text(after))
    same = sum(match.size for match in Aligned(old, new).get_matching_blocks())
    return len(new) - same, len(old) - same


def text_diff(before: Any, after: Any) -> Iterator[Line]:
    """A unified diff with three lines of context."""
    texts = as_text(before), as_text(after)
    old, new = map(split, texts)
    emphasis = Emphasis()
    for group in Aligned(old, new).get_grouped_opcodes(CONTEXT):
        yield _header(group)
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from (Line("", bounded(visible(f" {line}"))) for line in old[i:j])
            else:
                yield from _passage(old[i:j], new[k:m], emphasis)
    ends = [text.endswith("\n") for text in texts]
    if all(texts) and ends[0] != ends[1]:
        yield Line("dim", f"\\ line feed at the end {'removed' if ends[0] else 'added'}")


def _header(group: list[tuple[str, int, int, int, int]]) -> Line:
    """`@@ -1,7 +1,8 @@`, in diff's own way of counting."""
    (_, i, _, k, _), (_, _, j, _, m) = group[0], group[-1]
    return Line("@", f"@@ -{_range(i, j)} +{_range(k, m)} @@")


def _range(start: int, end: int) -> str:
    if end - start == 1:
        return str(start + 1)
    return f"{start + (end > start)},{end - start}"


def _passage(removed: list[str], added: list[str], emphasis: Emphasis) -> Iterator[Line]:
    """One passage that differs: what is gone, then what stands there instead."""
    end = _END if _rewrapped(removed, added) else ""
    pairs = () if end else [(i, k, *_compared(removed[i], added[k], emphasis)) for i, k in _pairs(removed, added)]
    before, after = {i: shown for i, _, shown, _ in pairs}, {k: shown for _, k, _, shown in pairs}
    for tone, lines, known in (("-", removed, before), ("+", added, after)):
        for number, line in enumerate(lines):
            shown = known.get(number) or Shown(f"{_trailing(visible(line))}{end}")
            yield shown.line(tone)


class Shown(NamedTuple):
    """A changed line as a reader sees it."""

    text: str
    marks: Marks = ()

    def line(self, tone: str) -> Line:
        marks = tuple((low + 1, high + 1) for low, high in self.marks)
        return elided(Line(tone, f"{tone}{self.text}", marks=marks))


def _pairs(removed: list[str], added: list[str]) -> Iterator[tuple[int, int]]:
    """Which removed line became which added one: one by one where there are as many, else those that are alike."""
    if len(removed) == len(added):
        yield from ((number, number) for number in range(len(removed)))
    elif len(removed) * len(added) <= _TRIED:
        words = [frozenset(line.split()) for line in added]
        first = 0
        for number, line in enumerate(removed):
            alike = [_likeness(frozenset(line.split()), other) for other in words[first:]]
            if alike and max(alike) >= _ALIKE:
                first += alike.index(max(alike)) + 1
                yield number, first - 1


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def _compared(old: str, new: str, emphasis: Emphasis) -> tuple[Shown, Shown]:
    """Two versions of a line, with what differs marked; blanks are visible where nothing but blanks differs."""
    texts = visible(old), visible(new)
    blanks = not _differs(old, new)
    if blanks:
        texts = _ODD_BLANK.sub(_ODD, texts[0]), _ODD_BLANK.sub(_ODD, texts[1])
    marks = emphasis(*texts)
    before, after = (
        Shown(_trailing(_dotted(text, found) if blanks else text), found)
        for text, found in zip(texts, marks, strict=True)
    )
    return before, after


def _rewrapped(removed: list[str], added: list[str]) -> bool:
    """Whether nothing differs but where lines end."""
    apart = len(removed) != len(added) or any(map(_differs, removed, added))
    return apart and _squeezed(removed) == _squeezed(added)


def _differs(old: str, new: str) -> bool:
    return _squeezed([old]) != _squeezed([new])


def _squeezed(lines: list[str]) -> str:
    return "".join("".join(line.split()) for line in lines)


def _dotted(text: str, marks: Marks) -> str:
    """The blanks in some ranges made visible; each stays one character."""
    for low, high in marks:
        text = text[:low] + text[low:high].translate(_BLANKS) + text[high:]
    return text


def _trailing(text: str) -> str:
    """The blanks at the end of a line made visible."""
    kept = text.rstrip(" \t")
    return kept + text[len(kept) :].translate(_BLANKS)
