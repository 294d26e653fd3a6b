"""How one value looks to a reader: safe on a terminal, short, and the same in every view."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.masking import without_secrets
from provisioner.model import Action
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.model import Change
    from provisioner.views.lines import Line

KNOWN_LATER = "(known after apply)"

# Whatever could move the cursor, change the direction of text or hide: C0 and C1 controls, soft
# hyphens, zero-width and bidirectional marks, tags, lone surrogates. Tabs and line feeds are
# handled by their callers.
_INVISIBLE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
spelt = json.JSONEncoder(ensure_ascii=False).encode
"""A value as JSON spells it: `json.dumps` makes an encoder for each."""

_UNITS = ("B", "KB", "MB", "GB")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """The text with everything invisible spelt out and without secrets; line feeds and tabs
    stay.
    """
    shown = without_secrets(text)
    if shown.replace("\n", "").replace("\t", "").isprintable():  # nothing invisible is
        return shown
    return _invisible().sub(_escape, shown)


@cache
def _invisible() -> re.Pattern[str]:
    """Compiled when first needed: that takes 15 ms."""
    return re.compile(_INVISIBLE)


def inline(text: str) -> str:
    """The text on one line, with everything invisible spelt out."""
    shown = without_secrets(text)
    if shown.isprintable():
        return shown
    return _invisible().sub(_escape, shown).replace("\n", "\\n").replace("\t", "\\t")


def value(given: Any) -> str:
    """A value on one line, as JSON spells it."""
    if given is None:
        return "null"
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # nobody wrote `1.0`
    return inline(spelt(given))


def shortened(given: Any, limit: int = 80) -> str:
    """`value`, cut at `limit` characters with its whole length reported."""
    text = value(given)
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text)} characters)"


def size(count: int) -> str:
    """Bytes for people: `812 B`, `3.4 KB`, `12.3 MB`."""
    number, unit = _scaled(count)
    return f"{number} {unit}"


def sizes(before: int, after: int) -> str:
    """Two sizes with one unit where they share it: `3.1 → 3.4 KB`."""
    (old, old_unit), (new, new_unit) = _scaled(before), _scaled(after)
    return (
        f"{old} → {new} {new_unit}"
        if old_unit == new_unit
        else f"{old} {old_unit} → {new} {new_unit}"
    )


def _scaled(count: int) -> tuple[str, str]:
    if count < 1000:
        return str(count), _UNITS[0]
    number = float(count)
    for unit in _UNITS[1:]:
        number /= 1000
        # 999.95 KB would print as 1000.0 KB
        if number < 999.95 or unit == _UNITS[-1]:
            break
    return f"{number:.1f}", unit


def many(count: int, noun: str) -> str:
    """`1 file`, `3 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def and_more(count: int, noun: str = "") -> str:
    """`… and 9 more`, `… and 9 more lines`."""
    return f"… and {many(count, f'more {noun}')}" if noun else f"… and {count:,} more"


LONG = 1_000  # characters; a paragraph of a prompt is shown whole
MOST = 20_000  # of one change: more is no longer reviewed by eye
_AROUND = 150  # of what is alike before and after a change


def bounded(text: str, most: int = LONG) -> str:
    """The beginning of a text, with what is left out reported."""
    return text if len(text) <= most else f"{text[:most]}{_more(len(text) - most)}"


def elided(line: Line) -> Line:
    """A changed line with what is alike in it left out, where it is too long; nothing that differs
    is.
    """
    if len(line.text) <= LONG:
        return line
    parts, marks, length, end = [line.text[:1]], [], 1, 1
    for low, high in _windows(line):
        shown = line.text[low : min(high, low + MOST)]
        alike = f"…({low - end:,} characters alike)…" if low > end else ""
        more = _more(high - low - MOST) if high - low > MOST else ""
        shift = length + len(alike) - low
        marks += [
            (a + shift, min(b, low + MOST) + shift)
            for a, b in line.marks
            if low <= a < min(high, low + MOST)
        ]
        parts += [alike, shown, more]
        length, end = length + len(alike) + len(shown) + len(more), high
    rest = len(line.text) - end
    return line._replace(
        text="".join(parts) + (f"…({rest:,} characters alike)" if rest else ""),
        marks=tuple(marks),
    )


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


# Reasons that the symbol says already, and the words for those that need some.
_OBVIOUS = frozenset(
    {
        "",
        "spec_changed",
        "new",
        "in_sync",
        "destroy",
        "not_in_specs",
        "files_changed",
        "used_by_forgotten",
    }
)
_REASONS = {
    "gone": "gone from the service",
    "api_gone": "its API is gone from the service",
    "api_changed": "through another API",
    "drift": "only to undo what was changed outside",
    "expired": "the old one has expired",
    "asked": "asked for by --replace",
    "fixed_field": "cannot be changed in place",
    "removed_block": "stays at the service",
    "adopted": "found by our stamp",
    "reference_replaced": "what it refers to gets a new id",
    "request_changed": "its request comes out differently",
    "rolled_back": "",  # with the version, see `_facts`
    "imported": "",  # the import itself says it
    "failed": "its indexing failed",
    "chunking_changed": "cut into other chunks",
}


def reason_words(reason: str) -> str:
    """A reason in words; empty where the symbol says enough."""
    if reason in _OBVIOUS:
        return ""
    return _REASONS.get(reason, inline(reason if " " in reason else reason.replace("_", " ")))


def stays_words(change: Change) -> str:
    """With what an object stays at the service that nothing here uses any more; empty for any other
    change.
    """
    if change.stays_with is None:
        return ""
    what = "the old one stays" if change.action is Action.REPLACE else "stays"
    return f"{what} with {inline(str(change.stays_with))}"


def store_files_words(change: Change) -> str:
    """What is in a store that is deleted: `with 41 documents, 1 of them not ours`; empty where
    there is nothing.
    """
    if change.action is not Action.DELETE or not change.documents:
        return ""
    foreign = f", {change.foreign_documents:,} of them not ours" if change.foreign_documents else ""
    return f"with {many(change.documents, 'document')}{foreign}"


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
    """Puts a tone (a symbol of a plan, or `bold`, `dim`, `error`, `warning`) on a text; off by
    default.
    """

    on: bool = False

    def __call__(self, tone: str, text: str) -> str:
        code = _TONES.get(tone) if self.on and text else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def marked(self, tone: str, text: str, marks: Iterable[tuple[int, int]]) -> str:
        """The same, with some ranges of the text in reverse."""
        code = _TONES.get(tone) if self.on else None
        if code is None:
            return text
        parts, end = [], 0
        for low, high in marks:
            parts += [self(tone, text[end:low]), f"\x1b[{code};7m{text[low:high]}\x1b[0m"]
            end = high
        return "".join([*parts, self(tone, text[end:])])


PLAIN = Paint()
