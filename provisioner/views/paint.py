"""Colours, and nothing but colours: a text reads the same without them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_GREEN, _RED, _YELLOW, _BLUE, _MAGENTA, _CYAN = "32", "31", "33", "34", "35", "36"
_TONES = {
    "+": _GREEN,
    "-": _RED,
    "~": _YELLOW,
    "-/+": _MAGENTA,
    "<-": _CYAN,
    ">": _CYAN,
    ".": _YELLOW,
    "!": _RED,
    "@": _BLUE,
    "bold": "1",
    "dim": "2",
    "error": "1;31",
    "warning": "1;33",
}


@dataclass(frozen=True, slots=True)
class Paint:
    """Puts a tone (a symbol of DESIGN §2, or `bold`, `dim`, `error`, `warning`) on a text; off by default."""

    on: bool = False

    def __call__(self, tone: str, text: str) -> str:
        code = _TONES.get(tone) if self.on and text else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def marked(self, tone: str, text: str, marks: Iterable[tuple[int, int]]) -> str:
        """The same, with some ranges of the text in reverse."""
        code = _TONES.get(tone)
        if not (self.on and code):
            return text
        parts, end = [], 0
        for low, high in marks:
            parts += [self(tone, text[end:low]), f"\x1b[{code};7m{text[low:high]}\x1b[0m"]
            end = high
        return "".join([*parts, self(tone, text[end:])])


PLAIN = Paint()
