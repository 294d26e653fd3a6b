"""How generated schemas are made fit for people: no noise, and variables wherever a value may
stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NAMED = ("$defs", "patternProperties", "properties")
_MANY = ("allOf", "anyOf", "oneOf")
_ONE = ("additionalProperties", "items", "propertyNames", "not")
_NOTES = ("default", "deprecated", "description", "examples")
_TYPED = ("boolean", "integer", "number")

Schema = dict[str, Any]


def document(file: str, title: str, description: str) -> Schema:
    """The head of a schema."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:assistants-provisioner:{file}",
        "title": title,
        "description": description,
    }


def described(schema: Schema, description: str, examples: list[Any] | None = None) -> Schema:
    """A schema with its words first."""
    words: Schema = {"description": description}
    if examples:
        words["examples"] = examples
    return {**words, **schema}


def transformed(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """The schema with every schema in it changed, the inner ones first; names of properties are
    left alone.
    """
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for key, value in schema.items():
        if key in _NAMED:
            found[key] = {name: transformed(one, change) for name, one in value.items()}
        elif key in _MANY:
            found[key] = [transformed(one, change) for one in value]
        else:
            found[key] = transformed(value, change) if key in _ONE else value
    return change(found)


def tidy(schema: Schema) -> Schema:
    """Without the titles that only repeat a key and the defaults that say nothing; `anyOf` for
    every choice.
    """
    found: Schema = transformed(schema, _tidied)
    return found


def _tidied(schema: Schema) -> Schema:
    found = {key: value for key, value in schema.items() if key != "title"}
    if found.get("default", 0) in (None, [], {}, ""):
        del found["default"]
    found.pop("discriminator", None)
    if (
        "patternProperties" in found
    ):  # how pydantic says that keys follow a pattern; it lets others pass
        found.setdefault("additionalProperties", False)
    if "oneOf" in found:  # a value and a variable of that value may fit two branches
        found["anyOf"] = found.pop("oneOf")
    if "anyOf" in found:
        found["anyOf"] = [inner for one in found["anyOf"] for inner in _flat(one)]
    return found


def _flat(schema: Schema) -> list[Schema]:
    """The branches of a choice that is nothing but a choice."""
    inner: list[Schema] = (
        schema["anyOf"] if schema.keys() <= {"anyOf", *_NOTES} and "anyOf" in schema else [schema]
    )
    return inner


def with_variables(schema: Schema) -> Schema:
    """The schema that takes `${var.NAME}` for every typed value, and text with a variable in it for
    every choice.
    """
    found: Schema = transformed(schema, _variable)
    return found


def _variable(schema: Schema) -> Schema:
    if schema.get("type") in _TYPED:
        stand_in = {"$ref": "#/$defs/Variable"}
    elif "enum" in schema or (schema.get("type") == "string" and "pattern" in schema):
        stand_in = {"$ref": "#/$defs/Placeholder"}
    else:
        return schema
    words = {key: value for key, value in schema.items() if key in _NOTES}
    return {
        **words,
        "anyOf": [{key: value for key, value in schema.items() if key not in _NOTES}, stand_in],
    }
