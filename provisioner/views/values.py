"""How one value looks to a reader: safe on a terminal, short, and the same in every view."""

from __future__ import annotations

import json
import re
from typing import Any

from provisioner.masking import without_secrets

KNOWN_LATER = "(known after apply)"
SENSITIVE = "(sensitive)"
ABSENT = "(not set)"

# Whatever could move the cursor, change the direction of text or hide: C0 and C1 controls, soft hyphens,
# zero-width and bidirectional marks, tags, lone surrogates. Tabs and line feeds are handled by their callers.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNITS = ("B", "KB", "MB", "GB")


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """The text with everything invisible spelt out and without secrets; line feeds and tabs stay."""
    return _INVISIBLE.sub(_escape, without_secrets(text))


def inline(text: str) -> str:
    """The text on one line, with everything invisible spelt out."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def value(given: Any) -> str:
    """A value on one line, as JSON spells it."""
    if given is None:
        return "null"
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # nobody wrote `1.0`
    return inline(json.dumps(given, ensure_ascii=False))


def shortened(given: Any, limit: int = 80) -> str:
    """`value`, cut at `limit` characters with its whole length told."""
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
    return f"{old} → {new} {new_unit}" if old_unit == new_unit else f"{old} {old_unit} → {new} {new_unit}"


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
