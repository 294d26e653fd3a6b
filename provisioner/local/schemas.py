"""Owns what is asked of a JSON Schema that a tool or a response format brings along."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError

_Context = tuple[str, ...]

# Patterns are those of JavaScript, of which Python's are not all, and are nobody's business here.
_NO_FORMATS = FormatChecker(())


def schema_error(schema: Any) -> str | None:
    """Why this is no JSON Schema, if it is none."""
    return _schema_error(json.dumps(schema))


@lru_cache(maxsize=1024)  # a fleet of assistants brings the same few functions
def _schema_error(written: str) -> str | None:
    try:
        Draft202012Validator.check_schema(json.loads(written), format_checker=_NO_FORMATS)
    except SchemaError as error:
        return f"{error.message}."
    return None


def parameters_error(schema: dict[str, Any], strict: bool) -> str | None:
    """What is wrong with a function's parameters, in the service's words."""
    kind = schema.get("type")
    if kind != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if "properties" not in schema:
        return "In context=(), object schema missing properties."
    wrong = schema_error(schema)
    if wrong is not None:
        return wrong
    return strict_error(schema) if strict else None


def array_error(schema: Any, context: _Context = ()) -> str | None:
    """The first array that does not say what is in it."""
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "array" and "items" not in schema:
        return f"In context={context}, array schema missing items."
    inner = (array_error(one, where) for one, where in _inside(schema, context))
    return next((wrong for wrong in inner if wrong is not None), None)


def strict_error(schema: Any, context: _Context = ()) -> str | None:
    """The first place where a schema is not strict: every object closed, every property
    required.
    """
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" or "properties" in schema:
        wrong = _open_object(schema, context)
        if wrong is not None:
            return wrong
    inner = (strict_error(one, where) for one, where in _inside(schema, context))
    return next((wrong for wrong in inner if wrong is not None), None)


def _open_object(schema: dict[str, Any], context: _Context) -> str | None:
    if schema.get("additionalProperties") is not False:
        return (
            f"In context={context}, 'additionalProperties' is required to be supplied and to be"
            " false."
        )
    optional = [
        name for name in schema.get("properties", {}) if name not in schema.get("required", [])
    ]
    if not optional:
        return None
    return (
        f"In context={context}, 'required' is required to be supplied and to be an array including"
        f" every key in properties. Missing '{optional[0]}'."
    )


def _inside(schema: dict[str, Any], context: _Context) -> list[tuple[Any, _Context]]:
    found: list[tuple[Any, _Context]] = []
    for key in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(key), dict):
            found += [(one, (*context, key, name)) for name, one in schema[key].items()]
    for key in ("anyOf", "allOf", "oneOf"):
        if isinstance(schema.get(key), list):
            found += [(one, (*context, key, str(index))) for index, one in enumerate(schema[key])]
    return [*found, (schema.get("items"), (*context, "items"))]
