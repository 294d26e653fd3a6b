"""How a new list or mapping is spelt: in one line where that is short, else in lines of its own."""

from __future__ import annotations

import json
from typing import Any

from provisioner.spec.editing.scalars import STEP, Place, Spelling, line, quoted, spelt

_WIDTH = 88


def value_spelt(value: Any, place: Place, *, json_only: bool = False) -> Spelling:
    """Any value as text, below a key or a dash in the column `place.parent`."""
    if json_only:
        return Spelling(json_spelt(value))
    if not isinstance(value, dict | list):
        return spelt(value, place)
    short = flow_spelt(value)
    if place.flow or not value or _short(value, short):
        return Spelling(short)
    return Spelling("", tuple(_lines(value, place.parent + STEP)))


def key_spelt(key: Any, *, flow: bool) -> str:
    """A key, in quotes where it needs them."""
    return line(key, flow=flow) if isinstance(key, str) else json.dumps(key)


def flow_spelt(value: Any) -> str:
    """`{a: 1, b: [2]}`."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key_spelt(key, flow=True)}: {flow_spelt(inner)}" for key, inner in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(flow_spelt, value)) + "]"
    return spelt(value, Place(flow=True)).inline


def json_spelt(value: Any) -> str:
    """The value as JSON in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(str(key))}: {json_spelt(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_spelt, value)) + "]"
    return quoted(value) if isinstance(value, str) else spelt(value, Place(flow=True)).inline


def pair_lines(key: Any, value: Any, column: int) -> list[str]:
    """A pair of a block mapping."""
    found = value_spelt(value, Place(flow=False, parent=column))
    head = f"{' ' * column}{key_spelt(key, flow=False)}:"
    return [f"{head} {found.inline}" if found.inline else head, *found.below]


def item_lines(value: Any, column: int) -> list[str]:
    """An entry of a block list."""
    found = value_spelt(value, Place(flow=False, parent=column))
    dash = " " * column + "- "
    if found.inline:
        return [dash + found.inline, *found.below]
    # The first line of what stands below moves up to the dash.
    return [dash + found.below[0].lstrip(), *found.below[1:]]


def _short(value: Any, spelling: str) -> bool:
    return len(spelling) <= _WIDTH and not _several_lines(value)


def _several_lines(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" in value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_several_lines, inner))


def _lines(value: Any, column: int) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in pair_lines(key, inner, column)]
    return [text for inner in value for text in item_lines(inner, column)]
