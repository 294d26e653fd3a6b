"""Values as YAML that people read: block style down to what fits on a line, and comments."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.records import dataclass

_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./*-]*(?: [A-Za-z0-9_./*-]+)*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"])


@dataclass(frozen=True, slots=True)
class Commented:
    """A value of a mapping with a comment above its key."""

    value: Any
    comment: str


def block(value: Mapping[str, Any], depth: int = 0) -> str:
    """YAML in block style down to what fits on a line."""
    return "".join(f"{line}\n" for line in _lines(value, "  " * depth))


def _lines(value: Mapping[str, Any], pad: str) -> Iterator[str]:
    for key, given in value.items():
        item = given
        if isinstance(given, Commented):
            item = given.value
            yield from _comment(given.comment, pad)
        head = f"{pad}{_scalar(key)}:"
        if _fits(item, pad):
            yield f"{head} {flow(item)}"
        elif isinstance(item, Mapping):
            yield head
            yield from _lines(item, f"{pad}  ")
        else:
            yield head
            for one in item:
                yield from _item(one, f"{pad}  ")


def _comment(text: str, pad: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH - len(pad) - 2):
        yield f"{pad}# {line}"


def _item(one: Any, pad: str) -> Iterator[str]:
    """An entry of a list: on one line, unless there is a comment in it."""
    if isinstance(one, Commented):
        yield from _comment(one.comment, pad)
        one = one.value
    if not (isinstance(one, Mapping) and _has_comments(one)):
        yield f"{pad}- {flow(one)}"
        return
    lines = list(_lines(one, f"{pad}  "))
    while lines[0].lstrip(" ").startswith("#"):  # stands above the dash
        yield lines.pop(0).removeprefix("  ")
    yield f"{pad}- {lines[0].lstrip(' ')}"
    yield from lines[1:]


def _fits(item: Any, pad: str) -> bool:
    if not isinstance(item, Mapping | list):
        return True
    if _has_comments(item):
        return False
    return len(flow(item)) + len(pad) <= _WIDTH and not _deep(item)


def _has_comments(item: Any) -> bool:
    if isinstance(item, Commented):
        return True
    inner = item.values() if isinstance(item, Mapping) else item if isinstance(item, list) else ()
    return any(map(_has_comments, inner))


def uncommented(item: Any) -> Any:
    """The same value without its comments."""
    if isinstance(item, Commented):
        return uncommented(item.value)
    if isinstance(item, Mapping):
        return {key: uncommented(one) for key, one in item.items()}
    return [uncommented(one) for one in item] if isinstance(item, list) else item


def _deep(item: Any) -> bool:
    """Whether a mapping or list reads better on lines of its own."""
    inner = item.values() if isinstance(item, Mapping) else item
    return any(
        isinstance(one, Mapping) or (isinstance(one, list) and len(one) > 2) for one in inner
    )


def flow(value: Any) -> str:
    """YAML in flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
