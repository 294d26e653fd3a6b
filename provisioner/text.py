"""Small words that every message shares."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def listed(names: Iterable[str], shown: int = 3) -> str:
    """`a, b, c and 9 more`."""
    found = list(names)
    rest = len(found) - shown
    return ", ".join(found[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def spelt(value: Any, limit: int = 80) -> str:
    """A value from outside as a message quotes it: on one line, not too long, nothing in it that a terminal obeys."""
    line = value if isinstance(value, str) else json.dumps(value, default=str)
    if not line.isprintable() or not line.strip():
        line = json.dumps(line)
    return f"`{line}`" if len(line) <= limit else f"`{line[:limit]}…`"
