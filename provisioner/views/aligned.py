"""Which lines of two texts belong together."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import Match, SequenceMatcher
from itertools import pairwise

Pairs = list[tuple[int, int]]  # line numbers in both texts, from 0
_GAP = 40_000  # pairs of lines that are compared one with each other


class Aligned(SequenceMatcher[str]):
    """difflib's opcodes and groups, over matches found around the lines that both texts have exactly once: what
    difflib finds by itself takes seconds in a prompt of a megabyte."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        super().__init__(None, "", "", autojunk=False)  # its own index of the lines is not needed
        self.a, self.b = old, new
        self._found: list[Match] | None = None

    def get_matching_blocks(self) -> list[Match]:
        """Runs of equal lines, with the empty run at the end that difflib's other methods expect."""
        if self._found is None:
            self._found = [*_runs(_equal(list(self.a), list(self.b))), Match(len(self.a), len(self.b), 0)]
        return self._found


def _runs(pairs: Iterable[tuple[int, int]]) -> list[Match]:
    found: list[Match] = []
    for i, k in pairs:
        last = found[-1] if found else Match(0, 0, 0)
        if found and (i, k) == (last.a + last.size, last.b + last.size):
            found[-1] = Match(last.a, last.b, last.size + 1)
        else:
            found.append(Match(i, k, 1))
    return found


def _equal(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """Every pair of equal lines, in order."""
    ends = (len(old), len(new))
    for (i, k), (j, m) in pairwise([(-1, -1), *_anchors(old, new), ends]):
        for one, other in _between(old[i + 1 : j], new[k + 1 : m]):
            yield i + 1 + one, k + 1 + other
        if (j, m) != ends:
            yield j, m


def _between(old: list[str], new: list[str]) -> Pairs:
    """Equal lines of two stretches: at their ends, and in what is left: all of them where that is not too much to look
    for, otherwise those that stand in the same place."""
    least = min(len(old), len(new))
    head = next((n for n in range(least) if old[n] != new[n]), least)
    tail = next((n for n in range(least - head) if old[-1 - n] != new[-1 - n]), least - head)
    inner = old[head : len(old) - tail], new[head : len(new) - tail]
    found = [(n, n) for n in range(head)]
    if 0 < len(inner[0]) * len(inner[1]) <= _GAP:
        for i, k, size in SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks():
            found += [(head + i + n, head + k + n) for n in range(size)]
    elif len(inner[0]) == len(inner[1]):
        found += [(head + n, head + n) for n, line in enumerate(inner[0]) if line == inner[1][n]]
    return found + [(len(old) - n, len(new) - n) for n in range(tail, 0, -1)]


def _anchors(old: list[str], new: list[str]) -> Pairs:
    """Lines that both have exactly once; of those the longest run that is in order in both (patience diff)."""
    where = {line: number for number, line in enumerate(old)}
    counts, others = Counter(old), Counter(new)
    return _longest([(where[line], k) for k, line in enumerate(new) if others[line] == 1 == counts.get(line)])


def _longest(pairs: Pairs) -> Pairs:
    """The longest run of pairs that grows on both sides."""
    smallest: list[int] = []  # by length of a run: the smallest line number that such a run can end with
    tops: list[int] = []  # by length: the pair that it ends with
    before: list[int] = []  # by pair: the one before it in its run
    for number, (line, _) in enumerate(pairs):
        length = bisect_left(smallest, line)
        before.append(tops[length - 1] if length else -1)
        smallest[length : length + 1] = [line]
        tops[length : length + 1] = [number]
    found: Pairs = []
    last = tops[-1] if tops else -1
    while last >= 0:
        found.append(pairs[last])
        last = before[last]
    return found[::-1]
