"""What a good value may be spoilt to."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any


def _places(value: Any) -> Iterator[tuple[Any, ...]]:
    """Every place of a value, from the outside."""
    yield ()
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, inner in pairs:
        for place in _places(inner):
            yield (key, *place)


def _with(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    changed = copy.copy(value)
    changed[place[0]] = _with(value[place[0]], place[1:], new)
    return changed


def variants(good: Any, odds: Iterable[Any], names: Iterable[str]) -> Iterator[Any]:
    """The same with something odd in each place, with odd names beside what is there, and with each
    name left out.
    """
    for place in _places(good):
        for odd in odds:
            yield _with(good, place, odd)
        inside: Any = good
        for key in place:
            inside = inside[key]
        if isinstance(inside, dict):
            for name in names:
                yield _with(good, place, {**inside, name: True})
            for name in inside:
                rest = {key: one for key, one in inside.items() if key != name}
                yield _with(good, place, rest)
