"""Small words that every message shares."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], shown: int = 3) -> str:
    """`a, b, c and 9 more`."""
    found = list(names)
    rest = len(found) - shown
    return ", ".join(found[:shown]) + (f" and {rest:,} more" if rest > 0 else "")
