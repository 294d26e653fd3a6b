"""One value against another: scalars side by side, texts as a diff, structures node by node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provisioner.diff import inside
from provisioner.views.diffs import as_text, split, text_diff
from provisioner.views.lines import Line
from provisioner.views.long_lines import MOST, bounded
from provisioner.views.values import KNOWN_LATER, inline, shortened, value, visible

_LONG = 80
_NOTHING: frozenset[str] = frozenset()


def text_like(given: Any) -> bool:
    """Whether a value needs lines of its own."""
    if isinstance(given, str):
        return "\n" in given or len(given) > _LONG
    return isinstance(given, dict | list) and len(json.dumps(given, ensure_ascii=False)) > _LONG


def difference(
    name: str, before: Any, after: Any, suffix: str = "", later: frozenset[str] = _NOTHING
) -> Iterator[Line]:
    """One named value that differs. `later` holds the addresses whose ids are not known yet."""
    if not (text_like(before) or text_like(after)):
        yield _side_by_side(name, before, after, suffix, later)
        return
    symbol = "+" if before is None else "-" if after is None else "~"
    yield Line(symbol, f"{symbol} {name}:{suffix}")
    if _nested(before, after):
        yield from (line.deeper() for line in structural("", before, after))
    else:
        yield from (line.deeper() for line in _texts(before, after))


def _nested(before: Any, after: Any) -> bool:
    return any(isinstance(before, sort) and isinstance(after, sort) for sort in (dict, list))


def structural(path: str, old: Any, new: Any) -> Iterator[Line]:
    """The nodes that differ between two documents, each by its path."""
    for below, before, after in inside(old, new):
        joined = f"{path}.{below}" if path and below and not below.startswith("[") else f"{path}{below}"
        yield from difference(inline(joined), before, after)


def _texts(before: Any, after: Any) -> Iterator[Line]:
    """Two texts as a diff; one that is new or gone as it is."""
    if before is None or after is None:
        tone, given = ("+", after) if before is None else ("-", before)
        return (Line(tone, bounded(f"{tone}{visible(line)}", MOST)) for line in split(as_text(given)))
    return text_diff(before, after)


def _side_by_side(name: str, before: Any, after: Any, suffix: str, later: frozenset[str]) -> Line:
    if before is None:
        return Line("+", f"+ {name}: {reference_text(after, later)}{suffix}")
    if after is None:
        return Line("-", f"- {name}: {shortened(before)}{suffix}")
    return Line("~", f"~ {name}: {value(before)} → {reference_text(after, later)}{suffix}")


def refers(given: Any, later: frozenset[str]) -> bool:
    """Whether a value names something whose id is not known yet."""
    if isinstance(given, dict):
        return any(refers(item, later) for item in given.values())
    if isinstance(given, list):
        return any(refers(item, later) for item in given)
    return isinstance(given, str) and given in later


def reference_text(given: Any, later: frozenset[str]) -> str:
    """A value on one line; a list of references without quotes, each telling whether its id is known."""
    if not (isinstance(given, list) and refers(given, later)):
        return value(given)
    return f"[{', '.join(_reference(item, later) for item in given)}]"


def _reference(item: Any, later: frozenset[str]) -> str:
    if not isinstance(item, str):
        return value(item)
    return f"{inline(item)} {KNOWN_LATER}" if item in later else inline(item)
