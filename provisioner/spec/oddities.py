"""What YAML made of a file that its author may not have meant: equal keys, `NO` read as false, `010` read as 8."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provisioner.spec.reading import STR, odd_value

_PREFIX = "tag:yaml.org,2002:"
_MERGE = _PREFIX + "merge"
_KNOWN = {_PREFIX + name for name in ("str", "int", "float", "bool", "null", "seq", "map", "merge", "timestamp")}

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Oddity:
    """One of them. `doubtful`: only a problem where text could be meant as well as the value that was read."""

    path: KeyPath
    node: Node
    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"
    doubtful: bool = False
    first: Node | None = None  # of a duplicate key: the other one


def misread(node: Node) -> Oddity | None:
    """A scalar whose value does not look like its source."""
    if not isinstance(node, ScalarNode) or node.tag == STR or node.style:
        return None
    text, value = node.value, odd_value(node)
    write = f'write `"{text}"` for text'
    if isinstance(value, bool) and text.lower() not in ("true", "false"):
        other = f"{write}, `{str(value).lower()}` for the boolean"
        return _doubt(node, f"`{text}` was read as {str(value).lower()}.", other)
    if isinstance(value, datetime.date):
        return _doubt(node, f"`{text}` was read as a date.", write)
    if isinstance(value, int) and not isinstance(value, bool) and _number(text) != str(value):
        return _doubt(node, f"`{text}` was read as the number {value}.", f"{write}, `{value}` for the number")
    return _misread_float(node, text, value, write) if isinstance(value, float) else None


def _misread_float(node: Node, text: str, value: float, write: str) -> Oddity | None:
    if value in (float("inf"), float("-inf")) or value != value:
        return Oddity((), node, "Surprising YAML value", f"`{text}` was read as a number without a value.", write)
    if "." in text and text.endswith("0") and "e" not in text.lower() and not text.endswith(".0"):
        return _doubt(node, f"`{text}` was read as the number {value}.", write, "warning")
    return None


def _number(text: str) -> str:
    return text.replace("_", "").removeprefix("+")


def _doubt(node: Node, detail: str, hint: str, severity: str = "error") -> Oddity:
    return Oddity((), node, "Surprising YAML value", detail, hint, severity, doubtful=True)


def oddities(root: Node) -> Iterator[Oddity]:
    """Everything odd in a file, each node once, however many aliases lead to it: by the path of a use, if any."""
    seen: set[int] = set()
    waiting: list[tuple[KeyPath, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield from _own(path, node)
        if isinstance(node, SequenceNode):
            waiting += [((*path, index), item) for index, item in enumerate(node.value)]
        elif isinstance(node, MappingNode):
            yield from _keys(path, node)
            inner = [found for key, value in node.value for found in _inner(path, key, value)]
            # What only anchors are defined in comes last.
            waiting += sorted(inner, key=lambda found: not str(found[0][:1]).startswith("('x-")) if not path else inner


def _inner(path: KeyPath, key: Node, value: Node) -> Iterator[tuple[KeyPath, Node]]:
    if key.tag != _MERGE:
        yield (*path, str(key.value)), value
        return
    for source in value.value if isinstance(value, SequenceNode) else [value]:
        yield path, source


def _own(path: KeyPath, node: Node) -> Iterator[Oddity]:
    if node.tag not in _KNOWN:
        tag = node.tag.replace(_PREFIX, "!!")
        yield Oddity(path, node, "Unsupported YAML tag", f"The tag `{tag}` is not supported.", "write plain values")
    found = misread(node)
    if found:
        yield Oddity(path, node, found.summary, found.detail, found.hint, found.severity, found.doubtful)


def _keys(path: KeyPath, node: MappingNode) -> Iterator[Oddity]:
    first: dict[Any, Node] = {}
    for key, value in node.value:
        text = str(key.value)
        if text in first and isinstance(key, ScalarNode):
            line = first[text].start_mark.line + 1
            detail = f"The key `{text}` stands here and in line {line}; YAML would silently keep only the last."
            yield Oddity((*path, text), key, "Duplicate key", detail, "keep one of them", first=first[text])
        first.setdefault(text, key)
        if not isinstance(key, ScalarNode):
            yield _no_key(path, node, key)
        elif key.tag == _MERGE:
            yield from _bad_merge(path, value)
        elif key.tag != STR:
            yield _not_text(path, key)


def _no_key(path: KeyPath, node: MappingNode, key: Node) -> Oddity:
    """`{{var.x}}` is a mapping in the place of a key."""
    names = [str(inner.value) for inner, _ in key.value] if isinstance(key, MappingNode) else []
    variable = len(names) == 1 and re.fullmatch(r"\s*(var\.\w+|environment)\s*", names[0])
    hint = f'write `"${{{names[0].strip()}}}"`' if variable else "write text before the colon"
    return Oddity(path, node if variable else key, "Invalid key", "A key must be text, not a list or a mapping.", hint)


def _bad_merge(path: KeyPath, value: Node) -> Iterator[Oddity]:
    for source in value.value if isinstance(value, SequenceNode) else [value]:
        if not isinstance(source, MappingNode):
            yield Oddity(
                path, source, "Invalid merge", "`<<` takes a mapping, or a list of them.", "name an anchor: `*x`"
            )


def _not_text(path: KeyPath, key: ScalarNode) -> Oddity:
    found = misread(key)
    detail = found.detail if found else f"`{key.value}` was read as {_read_as(key)}."
    return Oddity(path, key, "Invalid key", f"{detail} A key must be text.", f'write `"{key.value}"`')


def _read_as(key: ScalarNode) -> str:
    return {"null": "nothing", "bool": "a boolean"}.get(key.tag.removeprefix(_PREFIX), "a number")
