"""Which words of two lines differ: what a reader's eye has to be led to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import accumulate, takewhile

from provisioner.views.aligned import Aligned

Marks = tuple[tuple[int, int], ...]  # ranges of characters, in order and apart
Found = tuple[int, int, int, int]  # a range of one text and the range of the other that stands against it

# Blanks, words, and everything else a character at a time: punctuation, and scripts without blanks between words.
_TOKEN = re.compile(r"\s+|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|.", re.DOTALL)
_CLAUSE = re.compile(r"[^.,;:!?。、，；：！？]+[.,;:!?。、，；：！？]*\s*|.", re.DOTALL)
_BUDGET = 1_000_000  # for one text: characters read and pairs of words compared; half a second or so
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
        found = list(self._differing(old, new))
        ours = _joined(old, [(low, high) for low, high, _, _ in found])
        theirs = _joined(new, [(low, high) for _, _, low, high in found])
        shared = len(old) + len(new) - _length(ours) - _length(theirs)
        return (ours, theirs) if shared >= _SHARED * (len(old) + len(new)) else ((), ())

    def _differing(self, old: str, new: str) -> Iterator[Found]:
        """Clause by clause, and word by word only where clauses differ: a prompt may be one line."""
        before, after = _CLAUSE.findall(old), _CLAUSE.findall(new)
        ours, theirs = _offsets(before), _offsets(after)
        for tag, i, j, k, m in Aligned(before, after).get_opcodes():
            if tag != "equal":
                found = self._words("".join(before[i:j]), "".join(after[k:m]))
                yield from ((ours[i] + a, ours[i] + b, theirs[k] + c, theirs[k] + d) for a, b, c, d in found)

    def _words(self, old: str, new: str) -> Iterator[Found]:
        before, after = _TOKEN.findall(old), _TOKEN.findall(new)
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
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def _offsets(parts: list[str]) -> list[int]:
    """Where each part begins, and where the last one ends."""
    return [0, *accumulate(map(len, parts))]


def _joined(text: str, ranges: list[tuple[int, int]]) -> Marks:
    """Ranges with nothing but blanks between them are one; blanks around words are not marked."""
    found: list[tuple[int, int]] = []
    for low, high in ranges:
        if found and not text[found[-1][1] : low].strip():
            found[-1] = (found[-1][0], high)
        elif low < high:
            found.append((low, high))
    return tuple(_stripped(text, *one) for one in found)


def _stripped(text: str, low: int, high: int) -> tuple[int, int]:
    inner = text[low:high]
    if not inner.strip():
        return low, high
    return low + len(inner) - len(inner.lstrip()), high - len(inner) + len(inner.rstrip())


def _length(marks: Marks) -> int:
    return sum(high - low for low, high in marks)
