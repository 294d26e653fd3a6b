"""JSON Schemas that TypeScript builds with zod: what its calls answer, without a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from provisioner.importing import code
from provisioner.importing.code_schemas import nullable, of_values
from provisioner.importing.code_values import Schema, Thing, Unknown, Untold

_PLAIN: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer"},
    "null": {"type": "null"},
    "any": {},
    "unknown": {},
    "date": {"type": "string", "format": "date-time"},
}
_FORMATS = {"email": "email", "url": "uri", "uuid": "uuid", "datetime": "date-time", "date": "date"}
_FORMATS |= {"time": "time", "duration": "duration"}
_NUMBERS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "positive": {"exclusiveMinimum": 0},
    "nonnegative": {"minimum": 0},
    "negative": {"exclusiveMaximum": 0},
    "nonpositive": {"maximum": 0},
}
_BOUNDS = {
    "min": ("minimum", "minLength", "minItems"),
    "max": ("maximum", "maxLength", "maxItems"),
    "gte": ("minimum", "", ""),
    "lte": ("maximum", "", ""),
    "gt": ("exclusiveMinimum", "", ""),
    "lt": ("exclusiveMaximum", "", ""),
    "multipleOf": ("multipleOf", "", ""),
    "step": ("multipleOf", "", ""),
}
# What a schema does not show.
_SILENT: tuple[str, ...] = (
    "readonly",
    "brand",
    "trim",
    "toLowerCase",
    "toUpperCase",
    "finite",
    "safe",
    "refine",
)
_SILENT += ("superRefine", "strip", "catch")


def built(word: str, args: list[Any], node: code.Call) -> Schema:
    """What `z.WORD(…)` is. Untold where only a run would say."""
    if word in _PLAIN:
        return Schema(dict(_PLAIN[word]))
    if word in _FORMATS:
        return Schema({"type": "string", "format": _FORMATS[word]})
    way = _BUILT.get(word)
    if way is None or not args:
        raise Untold(node.text, node.at)
    return way(args, node)


def _object(args: list[Any], node: code.Call) -> Schema:
    return Schema(_of_shape(_shape(args[0], node)))


def _shape(value: Any, node: code.Node) -> dict[str, Schema]:
    if not isinstance(value, dict):
        raise Untold(node.text, node.at)
    return {str(name): _schema(one, node) for name, one in value.items()}


def _of_shape(shape: dict[str, Schema]) -> dict[str, Any]:
    required = [name for name, one in shape.items() if not one.optional]
    made: dict[str, Any] = {
        "type": "object",
        "properties": {name: one.json for name, one in shape.items()},
    }
    made |= {"required": required} if required else {}
    return {**made, "additionalProperties": False}


def _schema(value: Any, node: code.Node) -> Schema:
    if isinstance(value, Schema):
        return value
    if isinstance(value, Unknown):
        raise Untold(value.text, value.at)
    raise Untold(value.path if isinstance(value, Thing) else node.text, node.at)


def _array(args: list[Any], node: code.Call) -> Schema:
    return Schema({"type": "array", "items": _schema(args[0], node).json})


def _enum(args: list[Any], node: code.Call) -> Schema:
    values = args[0]
    values = list(values.values()) if isinstance(values, dict) else values
    if not isinstance(values, list):
        raise Untold(node.text, node.at)
    kinds = of_values([*values, values[0]] if len(values) == 1 else values, node) if values else {}
    if not kinds:
        raise Untold(node.text, node.at)
    return Schema({**kinds, "enum": list(values)})


def _literal(args: list[Any], node: code.Call) -> Schema:
    return Schema(of_values(args[0] if isinstance(args[0], list) else [args[0]], node))


def _union(args: list[Any], node: code.Call) -> Schema:
    ways = args[-1] if isinstance(args[0], str) else args[0]  # discriminatedUnion("kind", […])
    if not isinstance(ways, list) or not ways:
        raise Untold(node.text, node.at)
    return Schema({"anyOf": [_schema(one, node).json for one in ways]})


def _record(args: list[Any], node: code.Call) -> Schema:
    return Schema({"type": "object", "additionalProperties": _schema(args[-1], node).json})


def _optional(args: list[Any], node: code.Call) -> Schema:
    return replace(_schema(args[0], node), optional=True)


def _nullable(args: list[Any], node: code.Call) -> Schema:
    return Schema(nullable(_schema(args[0], node).json))


_BUILT: dict[str, Callable[[list[Any], code.Call], Schema]] = {
    "object": _object,
    "strictObject": _object,
    "array": _array,
    "enum": _enum,
    "nativeEnum": _enum,
    "literal": _literal,
    "union": _union,
    "discriminatedUnion": _union,
    "record": _record,
    "optional": _optional,
    "nullable": _nullable,
}


def method(of: Schema, word: str, args: list[Any], node: code.Call) -> Schema:
    """What a method of a schema makes of it."""
    first = args[0] if args else None
    json = of.json
    if word in _SILENT:
        return of
    if word in ("optional", "nullish"):
        return Schema(nullable(json) if word == "nullish" else json, True)
    if word in ("nullable", "array", "or"):
        return _wrapped(of, word, first, node)
    if word == "describe" and isinstance(first, str):
        return replace(of, json={**json, "description": first})
    if word == "default" and not isinstance(first, Unknown | Thing):
        return Schema({**json, "default": first}, True)
    if word == "meta" and isinstance(first, dict) and first.keys() <= {"description", "title"}:
        return replace(of, json={**json, **first})
    if json.get("type") == "object":
        return replace(of, json=_of_object(json, word, first, node))
    return replace(of, json={**json, **_limit(json, word, first, node)})


def _wrapped(of: Schema, word: str, other: Any, node: code.Call) -> Schema:
    if word == "nullable":
        return replace(of, json=nullable(of.json))
    if word == "array":
        return Schema({"type": "array", "items": of.json})
    return Schema({"anyOf": [of.json, _schema(other, node).json]})


def _limit(json: dict[str, Any], word: str, first: Any, node: code.Call) -> dict[str, Any]:
    kind = json.get("type")
    number = isinstance(first, int | float) and not isinstance(first, bool)
    if word in _BOUNDS and number:
        places = {"number": 0, "integer": 0, "string": 1, "array": 2}
        if kind in places and (key := _BOUNDS[word][places[str(kind)]]):
            return {key: first}
    if word in _NUMBERS and kind in ("number", "integer"):
        return _NUMBERS[word]
    if word == "length" and number and kind in ("string", "array"):
        low, high = ("minLength", "maxLength") if kind == "string" else ("minItems", "maxItems")
        return {low: first, high: first}
    if word == "nonempty" and kind in ("string", "array"):
        return {"minLength" if kind == "string" else "minItems": 1}
    if word in _FORMATS and kind == "string":
        return {"format": _FORMATS[word]}
    return _pattern(word, first, node)


def _pattern(word: str, first: Any, node: code.Call) -> dict[str, Any]:
    """`.regex(/…/)`; of a long one only the beginning is known."""
    if word == "regex" and isinstance(first, Unknown) and first.text.startswith("/"):
        body, _, flags = first.text[1:].rpartition("/")
        if body and not flags and "…" not in body:
            return {"pattern": body}
    raise Untold(node.text, node.at)


def _of_object(json: dict[str, Any], word: str, first: Any, node: code.Call) -> dict[str, Any]:
    fields, required = json.get("properties", {}), json.get("required", [])
    shape = {name: Schema(one, name not in required) for name, one in fields.items()}
    about = {"description": json["description"]} if "description" in json else {}
    if word == "strict":
        return json
    if word in ("passthrough", "loose"):
        return {**json, "additionalProperties": True}
    if word == "extend":
        shape |= _shape(first, node)
    elif word == "merge" and isinstance(first, Schema) and "properties" in first.json:
        other = first.json
        needed = other.get("required", [])
        shape |= {
            name: Schema(one, name not in needed) for name, one in other["properties"].items()
        }
    elif word == "partial" and first is None:
        shape = {name: replace(one, optional=True) for name, one in shape.items()}
    elif word in ("pick", "omit") and isinstance(first, dict):
        shape = {n: one for n, one in shape.items() if (n in first) == (word == "pick")}
    else:
        raise Untold(node.text, node.at)
    return {**_of_shape(shape), **about}
