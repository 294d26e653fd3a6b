"""What the keywords of JSON Schema (draft 2020-12) may hold: a quick look that imports nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from provisioner.kinds.base import Path

Violation = tuple[Path, str, bool]
"""Where, why, and whether it is sure; a full validator may know better of what is not."""

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_SCHEMA = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
]
_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_NESTED = frozenset((*_SCHEMA, *_SCHEMAS, *_NAMED))
_TEXT = [
    "$anchor",
    "$comment",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$ref",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "description",
    "format",
    "pattern",
    "title",
]
_NUMBER = ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum")
_COUNT = [
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
]
_FLAG = ("deprecated", "readOnly", "uniqueItems", "writeOnly")
_LIST = ("enum", "examples")


def invalid(schema: Any) -> list[Violation]:
    """What is wrong with a schema."""
    found: list[Violation] = []
    _node(schema, (), schema, found)
    return found


def _node(node: Any, path: Path, root: Any, found: list[Violation]) -> None:
    if isinstance(node, bool) and path:
        return
    if not isinstance(node, dict):
        found.append((path, f"is {described(node)}; a schema is a mapping", not path))
        return
    for keyword, value in node.items():
        why = _wrong(keyword, value)
        if why:
            found.append(((*path, keyword), why, False))
        elif keyword == "$ref" and value.startswith("#/") and target(value, root) is None:
            found.append(
                ((*path, keyword), f"names `{value}`, which does not exist in this schema", True)
            )
        elif keyword in _NESTED:
            _below(keyword, value, (*path, keyword), root, found)


def _below(keyword: str, value: Any, path: Path, root: Any, found: list[Violation]) -> None:
    if keyword in _SCHEMA:
        _node(value, path, root, found)
    else:
        for step, one in value.items() if keyword in _NAMED else enumerate(value):
            _node(one, (*path, step), root, found)


def nodes(schema: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every schema in a valid schema that says something, itself included, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword, value in schema.items():
        place = (*path, keyword)
        if keyword in _NAMED and isinstance(value, dict):
            for name, one in value.items():
                yield from nodes(one, (*place, name))
        elif keyword in _NESTED and isinstance(value, list):
            for index, one in enumerate(value):
                yield from nodes(one, (*place, index))
        elif keyword in _NESTED:
            yield from nodes(value, place)


def target(reference: str, root: Any) -> Any:
    """What `#/$defs/NAME` or `#/properties/a/anyOf/0` names, or None."""
    node = root
    for step in unquote(reference.removeprefix("#")).split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(step)] if step.isdecimal() and int(step) < len(node) else None
        else:
            node = node.get(step) if isinstance(node, dict) else None
    return node


def described(value: Any) -> str:
    """A value in the words of a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"`{value}`"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_names(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return f"is {described(value)}; it must be a list of names"
    return None if len(set(value)) == len(value) else "names something twice"


BARE_NULL = "has a `null` without quotes, which is no text"


def _wrong_type(value: Any) -> str | None:
    if isinstance(value, str) and value in TYPES:
        return None
    good = (
        isinstance(value, list)
        and value
        and all(isinstance(one, str) and one in TYPES for one in value)
    )
    if good and len(set(value)) == len(value):
        return None
    if value is None or (isinstance(value, list) and None in value):
        return BARE_NULL
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"is `{shown}`; the types are {', '.join(TYPES)}"


_Rule = tuple[Callable[[Any], bool], str]
"""What a value has to be, and the same in words."""

_RULES: dict[str, _Rule] = {
    "multipleOf": (lambda value: _is_number(value) and value > 0, "be a number above 0"),
    **dict.fromkeys(_TEXT, (lambda value: isinstance(value, str), "be text")),
    **dict.fromkeys(_NUMBER, (_is_number, "be a number")),
    **dict.fromkeys(
        _COUNT,
        (
            lambda value: _is_number(value) and value >= 0 and value == int(value),
            "be a whole number from 0",
        ),
    ),
    **dict.fromkeys(_FLAG, (lambda value: isinstance(value, bool), "be true or false")),
    **dict.fromkeys(_LIST, (lambda value: isinstance(value, list), "be a list")),
    **dict.fromkeys(
        _SCHEMAS, (lambda value: isinstance(value, list) and bool(value), "be a list of schemas")
    ),
    **dict.fromkeys(_NAMED, (lambda value: isinstance(value, dict), "map names to schemas")),
}


def _wrong(keyword: str, value: Any) -> str | None:
    """What is wrong with the value of a keyword, if anything."""
    if keyword == "type":
        return _wrong_type(value)
    if keyword == "required":
        return _wrong_names(value)
    if keyword == "dependentRequired":
        good = isinstance(value, dict) and not any(map(_wrong_names, value.values()))
        return None if good else "must map names to lists of names"
    if keyword in _RULES:
        holds, wanted = _RULES[keyword]
        return None if holds(value) else f"is {described(value)}; it must {wanted}"
    return None
