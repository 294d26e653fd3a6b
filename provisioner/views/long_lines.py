"""Lines too long to be read: what is alike in them is left out, with its length told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.views.lines import Line

LONG = 1_000  # characters; a paragraph of a prompt is shown whole
MOST = 20_000  # of one change: more is no longer reviewed by eye
_AROUND = 150  # of what is alike before and after a change


def bounded(text: str, most: int = LONG) -> str:
    """The beginning of a text, with what is left out told."""
    return text if len(text) <= most else f"{text[:most]}{_more(len(text) - most)}"


def elided(line: Line) -> Line:
    """A changed line with what is alike in it left out, where it is too long; nothing that differs is."""
    if len(line.text) <= LONG:
        return line
    parts, marks, length, end = [line.text[:1]], [], 1, 1
    for low, high in _windows(line):
        shown = line.text[low : min(high, low + MOST)]
        alike = f"…({low - end:,} characters alike)…" if low > end else ""
        more = _more(high - low - MOST) if high - low > MOST else ""
        shift = length + len(alike) - low
        marks += [(a + shift, min(b, low + MOST) + shift) for a, b in line.marks if low <= a < min(high, low + MOST)]
        parts += [alike, shown, more]
        length, end = length + len(alike) + len(shown) + len(more), high
    rest = len(line.text) - end
    return replace(line, text="".join(parts) + (f"…({rest:,} characters alike)" if rest else ""), marks=tuple(marks))


def _windows(line: Line) -> Iterator[tuple[int, int]]:
    """The ranges that are shown: each change and some of what is around it."""
    total = len(line.text)
    low = high = -1
    for start, stop in line.marks or ((1, total),):
        if low >= 0 and start - _AROUND > high + len("…(1,000 characters alike)…"):
            yield low, high
            low = -1
        low, high = (max(1, start - _AROUND) if low < 0 else low), min(total, stop + _AROUND)
    yield low, high


def _more(count: int) -> str:
    return f"… ({count:,} more characters)"
