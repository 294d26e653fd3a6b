"""Two texts as a unified diff: changed words marked, white space visible where nothing else
changed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import Match, SequenceMatcher
from itertools import accumulate, pairwise, takewhile
from typing import Any, NamedTuple

from provisioner import jsontext
from provisioner.views.lines import Line
from provisioner.views.values import bounded, elided, visible

CONTEXT = 3
_BLANKS = str.maketrans({" ": "·", "\t": "→"})
_ODD_BLANK = re.compile(r"[^\S \t]")  # looks like a space and is none
_ODD = "⍽"
_END = "↵"
_ALIKE = 0.5  # share of words that makes two lines versions of one
_TRIED = 2_000  # pairs of lines that are compared, where a passage grew or shrank


def as_text(given: Any) -> str:
    """A value as the lines that a diff compares: texts as they are, anything else as
    indented JSON.
    """
    if given is None:
        return ""
    return given if isinstance(given, str) else jsontext.indented(given)


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
        (_, i, _, k, _), (_, _, j, _, m) = group[0], group[-1]
        yield Line("@", f"@@ -{_range(i, j)} +{_range(k, m)} @@")
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from (Line("", bounded(visible(f" {line}"))) for line in old[i:j])
            else:
                yield from _passage(old[i:j], new[k:m], emphasis)
    ends = [text.endswith("\n") for text in texts]
    if all(texts) and ends[0] != ends[1]:
        yield Line("dim", f"\\ line feed at the end {'removed' if ends[0] else 'added'}")


def _range(start: int, end: int) -> str:
    """`1,7`, in diff's own way of counting."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + (end > start)},{end - start}"


def _passage(removed: list[str], added: list[str], emphasis: Emphasis) -> Iterator[Line]:
    """One passage that differs: what is gone, then what stands there instead."""
    apart = len(removed) != len(added) or any(map(_differs, removed, added))
    # Nothing differs but where lines end.
    rewrapped = apart and _squeezed(removed) == _squeezed(added)
    before: dict[int, Shown] = {}
    after: dict[int, Shown] = {}
    if not rewrapped:
        for i, k in _pairs(removed, added):
            # Two versions of a line, with what differs marked; blanks are visible
            # where nothing but blanks differs.
            old, new = removed[i], added[k]
            texts = visible(old), visible(new)
            blanks = not _differs(old, new)
            if blanks:
                texts = _ODD_BLANK.sub(_ODD, texts[0]), _ODD_BLANK.sub(_ODD, texts[1])
            ours, theirs = emphasis(*texts)
            if blanks:
                texts = _dotted(texts[0], ours), _dotted(texts[1], theirs)
            before[i] = Shown(_trailing(texts[0]), ours)
            after[k] = Shown(_trailing(texts[1]), theirs)
    end = _END if rewrapped else ""
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
    """Which removed line became which added one: one by one where there are as many, else those
    that are alike.
    """
    if len(removed) == len(added):
        yield from ((number, number) for number in range(len(removed)))
    elif len(removed) * len(added) <= _TRIED:
        words = [frozenset(line.split()) for line in added]
        first = 0
        for number, line in enumerate(removed):
            own = frozenset(line.split())
            alike = []
            for other in words[first:]:
                common = 2 * len(own & other)
                alike.append(common / (len(own) + len(other)) if common else 0.0)
            if alike and max(alike) >= _ALIKE:
                first += alike.index(max(alike)) + 1
                yield number, first - 1


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


Marks = tuple[tuple[int, int], ...]  # ranges of characters, in order and apart
# A range of one text and the range of the other that stands against it.
Found = tuple[int, int, int, int]

# Blanks, words, and everything else a character at a time: punctuation, and scripts without blanks
# between words.
# Compiled (3 ms) where a text differs: most plans need neither.
_TOKEN = r"(?s)\s+|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|."
_CLAUSE = r"(?s)[^.,;:!?。、，；：！？]+[.,;:!?。、，；：！？]*\s*|."
_BUDGET = (
    1_000_000  # for one text: characters read and pairs of words compared; half a second or so
)
_PAIR = 200  # what a pair of lines costs, however short they are
_PASSAGE = 200_000  # pairs of words of one passage; a longer one is marked as a whole
_SHARED = 0.3  # with less than this in common every word would be marked, which helps nobody


class Emphasis:
    """Compares lines word by word, until the work that one text is worth is used up."""

    def __init__(self, budget: int = _BUDGET) -> None:
        self._left = budget

    def __call__(self, old: str, new: str) -> tuple[Marks, Marks]:
        """What each line has and the other has not; nothing where they share too little."""
        if self._left <= 0:
            return (), ()
        self._left -= len(old) + len(new) + _PAIR
        marks = list(self._differing(old, new))
        ours = _joined(old, [(low, high) for low, high, _, _ in marks])
        theirs = _joined(new, [(low, high) for _, _, low, high in marks])
        shared = len(old) + len(new) - _length(ours) - _length(theirs)
        return (ours, theirs) if shared >= _SHARED * (len(old) + len(new)) else ((), ())

    def _differing(self, old: str, new: str) -> Iterator[Found]:
        """Clause by clause, and word by word only where clauses differ: a prompt may be one
        line.
        """
        before, after = re.findall(_CLAUSE, old), re.findall(_CLAUSE, new)
        ours, theirs = _offsets(before), _offsets(after)
        for tag, i, j, k, m in Aligned(before, after).get_opcodes():
            if tag != "equal":
                words = self._words("".join(before[i:j]), "".join(after[k:m]))
                yield from (
                    (ours[i] + a, ours[i] + b, theirs[k] + c, theirs[k] + d) for a, b, c, d in words
                )

    def _words(self, old: str, new: str) -> Iterator[Found]:
        before, after = re.findall(_TOKEN, old), re.findall(_TOKEN, new)
        head = _common(before, after)
        tail = _common(before[head:][::-1], after[head:][::-1])
        inner = before[head : len(before) - tail], after[head : len(after) - tail]
        ours, theirs = _offsets(before)[head:], _offsets(after)[head:]
        pairs = len(inner[0]) * len(inner[1])
        self._left -= pairs
        if pairs > _PASSAGE:
            yield ours[0], ours[len(inner[0])], theirs[0], theirs[len(inner[1])]
            return
        for tag, i, j, k, m in SequenceMatcher(str.isspace, *inner, autojunk=False).get_opcodes():
            if tag != "equal":
                yield ours[i], ours[j], theirs[k], theirs[m]


def _common(before: list[str], after: list[str]) -> int:
    """How many tokens both begin with."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    )


def _offsets(parts: list[str]) -> list[int]:
    """Where each part begins, and where the last one ends."""
    return [0, *accumulate(map(len, parts))]


def _joined(text: str, ranges: list[tuple[int, int]]) -> Marks:
    """Ranges with nothing but blanks between them are one; blanks around words are not marked."""
    runs: list[tuple[int, int]] = []
    for low, high in ranges:
        if runs and not text[runs[-1][1] : low].strip():
            runs[-1] = (runs[-1][0], high)
        elif low < high:
            runs.append((low, high))
    stripped = []
    for low, high in runs:
        inner = text[low:high]
        if inner.strip():
            low += len(inner) - len(inner.lstrip())
            high -= len(inner) - len(inner.rstrip())
        stripped.append((low, high))
    return tuple(stripped)


def _length(marks: Marks) -> int:
    return sum(high - low for low, high in marks)


_Pairs = list[tuple[int, int]]  # line numbers in both texts, from 0
_GAP = 40_000  # pairs of lines that are compared one with each other


class Aligned(SequenceMatcher[str]):
    """difflib's opcodes and groups, over matches found around the lines that both texts have
    exactly once: what difflib finds by itself takes seconds in a prompt of a megabyte.
    """

    def __init__(self, old: list[str], new: list[str]) -> None:
        super().__init__(None, "", "", autojunk=False)  # its own index of the lines is not needed
        self.a, self.b = old, new
        self._found: list[Match] | None = None

    def get_matching_blocks(self) -> list[Match]:
        """Runs of equal lines, with the empty run at the end that difflib's other methods
        expect.
        """
        if self._found is None:
            runs: list[Match] = []
            for i, k in _equal(list(self.a), list(self.b)):
                last = runs[-1] if runs else Match(0, 0, 0)
                if runs and (i, k) == (last.a + last.size, last.b + last.size):
                    runs[-1] = Match(last.a, last.b, last.size + 1)
                else:
                    runs.append(Match(i, k, 1))
            self._found = [*runs, Match(len(self.a), len(self.b), 0)]
        return self._found


def _equal(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """Every pair of equal lines, in order."""
    ends = (len(old), len(new))
    for (i, k), (j, m) in pairwise([(-1, -1), *_anchors(old, new), ends]):
        for one, other in _between(old[i + 1 : j], new[k + 1 : m]):
            yield i + 1 + one, k + 1 + other
        if (j, m) != ends:
            yield j, m


def _between(old: list[str], new: list[str]) -> _Pairs:
    """Equal lines of two stretches: at their ends, and in what is left: all of them where that is
    not too much to look for, otherwise those that stand in the same place.
    """
    least = min(len(old), len(new))
    head = next((n for n in range(least) if old[n] != new[n]), least)
    tail = next((n for n in range(least - head) if old[-1 - n] != new[-1 - n]), least - head)
    inner = old[head : len(old) - tail], new[head : len(new) - tail]
    pairs = [(n, n) for n in range(head)]
    if 0 < len(inner[0]) * len(inner[1]) <= _GAP:
        for i, k, size in SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks():
            pairs += [(head + i + n, head + k + n) for n in range(size)]
    elif len(inner[0]) == len(inner[1]):
        pairs += [(head + n, head + n) for n, line in enumerate(inner[0]) if line == inner[1][n]]
    return pairs + [(len(old) - n, len(new) - n) for n in range(tail, 0, -1)]


def _anchors(old: list[str], new: list[str]) -> _Pairs:
    """Lines that both have exactly once; of those the longest run that is in order in both
    (patience diff).
    """
    where = {line: number for number, line in enumerate(old)}
    counts, others = Counter(old), Counter(new)
    pairs = [
        (where[line], k) for k, line in enumerate(new) if others[line] == 1 == counts.get(line)
    ]
    # By length of a run: the smallest line number that such a run can end with.
    smallest: list[int] = []
    tops: list[int] = []  # by length: the pair that it ends with
    before: list[int] = []  # by pair: the one before it in its run
    for number, (line, _) in enumerate(pairs):
        length = bisect_left(smallest, line)
        before.append(tops[length - 1] if length else -1)
        smallest[length : length + 1] = [line]
        tops[length : length + 1] = [number]
    longest: _Pairs = []
    last = tops[-1] if tops else -1
    while last >= 0:
        longest.append(pairs[last])
        last = before[last]
    return longest[::-1]
