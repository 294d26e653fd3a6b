"""The subset of JSON Schema that the service enforces under `strict: true`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from provisioner.kinds.base import Path

Finding = tuple[Path, str, str, str]
"""Where, why, the remedy, and how severe."""

MAX_LEVELS = 10
MAX_PROPERTIES = 5000
MAX_ENUM = 1000
MAX_TEXT = 120_000
LARGE_ENUM = 250
MAX_LARGE_ENUM_TEXT = 15_000

_REFUSED = {
    "allOf": "write the merged schema out",
    "oneOf": "use `anyOf`",
    "not": "leave it out, or list what is allowed in an `enum`",
    "if": "use `anyOf` with one object for each case",
    "then": "use `anyOf` with one object for each case",
    "else": "use `anyOf` with one object for each case",
    "dependentRequired": "require every property and allow `null`",
    "dependentSchemas": "require every property and allow `null`",
    "patternProperties": "name every property, or use a list of key and value",
    "propertyNames": "name every property, or use a list of key and value",
    "minProperties": "leave it out: every property is required anyway",
    "maxProperties": "leave it out: no other property is allowed anyway",
    "unevaluatedProperties": "write `additionalProperties: false`",
    "unevaluatedItems": "leave it out",
    "contains": "leave it out",
    "minContains": "leave it out",
    "maxContains": "leave it out",
    "uniqueItems": "leave it out and say it in the description",
    "prefixItems": "use an object with one property for each place",
}
_NESTED = ("properties", "items", "anyOf", "$defs", "definitions")
_DOUBTFUL = ("default", "minLength", "maxLength")
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


@dataclass
class _Tally:
    properties: int = 0
    enum: int = 0
    text: int = 0
    seen: list[Finding] = field(default_factory=list)

    def fault(self, path: Path, why: str, hint: str, severity: str = "error") -> None:
        self.seen.append((path, why, hint, severity))


def outside_subset(schema: dict[str, Any]) -> Iterator[Finding]:
    """What the service would refuse in a schema that is valid JSON Schema."""
    tally = _Tally()
    _root(schema, tally)
    _node(schema, (), 0, tally)
    _limits(tally)
    yield from tally.seen


def _root(schema: dict[str, Any], tally: _Tally) -> None:
    if "anyOf" in schema:
        tally.fault(("anyOf",), "stands at the root, where strict mode takes one object", "put it into a property")
    elif schema.get("type") != "object":
        tally.fault(("type",), "must be `object` at the root", "write `type: object`")


def _limits(tally: _Tally) -> None:
    for count, most, thing in (
        (tally.properties, MAX_PROPERTIES, "properties"),
        (tally.enum, MAX_ENUM, "enum values"),
        (tally.text, MAX_TEXT, "characters in names, enum values and constants"),
    ):
        if count > most:
            tally.fault((), f"has {count:,} {thing}; strict mode takes {most:,}", "split it, or use `strict: false`")


def _node(node: Any, path: Path, level: int, tally: _Tally) -> None:
    if not isinstance(node, dict):
        tally.fault(path, "must be a mapping in strict mode", "say what is allowed")
        return
    types = node.get("type", ())
    types = (types,) if isinstance(types, str) else types
    _keywords(node, path, tally)
    _values(node, path, tally)
    if path and not types and not any(key in node for key in ("anyOf", "$ref", "enum", "const")):
        tally.fault(path, "has no `type`", "add one, as in `type: string`")
    if "object" in types or "properties" in node:
        level += 1
        _object(node, path, level, tally)
    if "array" in types and "items" not in node:
        tally.fault(path, "is an array without `items`", "add `items`")
    _below(node, path, level, tally)


def _keywords(node: dict[str, Any], path: Path, tally: _Tally) -> None:
    for keyword in node:
        if keyword in _REFUSED:
            tally.fault((*path, keyword), "is not allowed in strict mode", _REFUSED[keyword])
        elif keyword in _DOUBTFUL:
            hint = "say it in the description"
            tally.fault((*path, keyword), "is not among the keywords of strict mode", hint, "warning")
    if "format" in node and node["format"] not in _FORMATS:
        known = ", ".join(_FORMATS)
        why = f"is `{node['format']}`; strict mode knows {known}"
        tally.fault((*path, "format"), why, "leave it out and say it in the description", "warning")
    if not str(node.get("$ref", "#")).startswith("#"):
        tally.fault((*path, "$ref"), "leads out of the schema", "define it below `$defs`")


def _values(node: dict[str, Any], path: Path, tally: _Tally) -> None:
    if "const" in node:
        tally.text += len(str(node["const"]))
    if "enum" not in node:
        return
    values = [value for value in node["enum"] if isinstance(value, str)]
    length = sum(map(len, values))
    tally.enum += len(node["enum"])
    tally.text += length
    if len(values) > LARGE_ENUM and length > MAX_LARGE_ENUM_TEXT:
        why = f"has {len(values)} values of {length:,} characters together; over {LARGE_ENUM} values take 15,000"
        tally.fault((*path, "enum"), why, "shorten the values")


def _object(node: dict[str, Any], path: Path, level: int, tally: _Tally) -> None:
    properties, required = node.get("properties", {}), node.get("required", [])
    tally.properties += len(properties)
    tally.text += sum(map(len, properties))
    if level == MAX_LEVELS + 1:
        tally.fault(path, f"is nested {level} levels deep; strict mode takes {MAX_LEVELS}", "flatten it")
    if node.get("additionalProperties") is not False:
        why = "must be `false` for every object in strict mode"
        tally.fault((*path, "additionalProperties"), why, "add `additionalProperties: false`")
    if missing := [name for name in properties if name not in required]:
        why = f"must name every property in strict mode; {_listed(missing)} missing"
        hint = 'add them; what may be absent has the type `[string, "null"]` instead'
        tally.fault((*path, "required"), why, hint)
    if unknown := [name for name in required if name not in properties]:
        tally.fault((*path, "required"), f"names {_quoted(unknown)}, which `properties` lacks", "declare or remove it")


def _quoted(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _listed(names: list[str]) -> str:
    return f"{_quoted(names)} {'is' if len(names) == 1 else 'are'}"


def _below(node: dict[str, Any], path: Path, level: int, tally: _Tally) -> None:
    for keyword in _NESTED:
        if keyword not in node:
            continue
        if keyword == "items":
            _node(node["items"], (*path, "items"), level, tally)
        elif keyword == "anyOf":
            for index, one in enumerate(node["anyOf"]):
                _node(one, (*path, "anyOf", index), level, tally)
        else:
            _named(keyword, node[keyword], (*path, keyword), level, tally)


def _named(keyword: str, schemas: dict[str, Any], path: Path, level: int, tally: _Tally) -> None:
    if keyword != "properties":  # definitions stand for themselves, wherever they are used
        level = 0
        tally.text += sum(map(len, schemas))
    for name, one in schemas.items():
        _node(one, (*path, name), level, tally)
