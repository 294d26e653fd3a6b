"""Lines as GitHub colours them: the symbol in the first column, long ones wrapped, changed words underlined."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from provisioner.views.lines import Line
from provisioner.views.values import many

WIDTH = 100  # columns, so that nobody has to scroll sideways
_STEP = "  "
_AGAIN = "↳ "  # before what did not fit into the line above
_SAID = ("+", "-", "~", "!", "")  # what the first column says; other symbols stand behind it


def fenced_lines(lines: Sequence[Line], most: int | None = None) -> list[str]:
    """The lines of a `diff` block; of more than `most` the beginning and the end, with the rest counted."""
    first = list(islice(_rows(enumerate(lines)), None if most is None else most + 1))
    if most is None or len(first) <= most:
        return [row for _, row in first]
    backwards = ((number, lines[number]) for number in range(len(lines) - 1, -1, -1))
    last = list(islice(_rows(backwards, turned=True), most // 3))[::-1]
    first = first[: most - len(last)]
    left = (last[0][0] if last else len(lines)) - first[-1][0] - 1
    more = f"@@ {many(left, 'more line')} @@" if left > 0 else "@@ … @@"
    return [*(row for _, row in first), more, *(row for _, row in last)]


def _rows(lines: Iterable[tuple[int, Line]], *, turned: bool = False) -> Iterator[tuple[int, str]]:
    """Each row with the number of the line that it is part of."""
    for number, line in lines:
        rows = list(_line(line))
        yield from ((number, row) for row in (reversed(rows) if turned else rows))


def near_changes(lines: Sequence[Line]) -> list[Line]:
    """The lines without the context that touches no change."""
    plain = [line.tone == "" and line.text[:1] in ("", " ") for line in lines]
    beside = [not all(plain[max(0, n - 1) : n + 2]) for n in range(len(lines))]
    return [line for line, kept in zip(lines, beside, strict=True) if kept]


def _line(line: Line) -> Iterator[str]:
    if line.tone == "@":
        yield line.text
        return
    column = line.tone if line.tone in ("+", "-") else " " if line.tone in ("", "dim") else "!"
    skip = 1 if line.tone in _SAID and line.text[:1] == (line.tone or " ") else 0
    text = line.text[skip:] if line.tone in _SAID or line.tone == "dim" else f" {line.text}"
    marks = [(low - skip, high - skip) for low, high in line.marks]
    for number, (start, end) in enumerate(_wrapped(text)):
        head = f"{column}{_STEP * line.depth}{_AGAIN if number else ''}"
        yield (head + text[start:end]).rstrip()
        if under := _carets(text, start, end, marks):
            yield f"!{' ' * (_columns(head) - 1)}{under}"


def _wrapped(text: str) -> Iterator[tuple[int, int]]:
    """The ranges into which a text is cut, at blanks where there are any."""
    start = 0
    while len(text) - start > WIDTH:
        end = text.rfind(" ", start + WIDTH // 2, start + WIDTH) + 1 or start + WIDTH
        yield start, end
        start = end
    yield start, len(text)


def _carets(text: str, start: int, end: int, marks: Sequence[tuple[int, int]]) -> str:
    """`^^^^` below the marked words of one range."""
    under, at = "", start
    for low, high in marks:
        low, high = max(low, start), min(high, end)
        if low < high:
            under += " " * _columns(text[at:low]) + "^" * max(1, _columns(text[low:high]))
            at = high
    return under


def _columns(text: str) -> int:
    """How wide a text is in a fixed font: scripts of East Asia take two columns, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
