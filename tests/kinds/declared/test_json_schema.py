from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, SchemaError

from provisioner.kinds.assistant.json_keywords import invalid
from provisioner.kinds.assistant.json_schema import dotted, flaws

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {},
    "required": [],
    "additionalProperties": False,
}


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    schema = CLOSED
    for _ in range(levels - 1):
        schema = closed(inner=schema)
    return schema


def places(schema: Any, strict: bool = True, severity: str = "error") -> list[str]:
    return [dotted(flaw.path) for flaw in flaws(schema, strict=strict) if flaw.severity == severity]


VALID: list[Any] = [
    {},
    {"type": ["string", "null"], "minLength": 1, "maxLength": 3.0},
    {"type": "object", "properties": {"a": True, "b": False, "type": {"type": "string"}}},
    {"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"enum": []}}},
    {"multipleOf": 0.5, "x-note": 3, "default": None, "const": []},
    {"type": "array", "prefixItems": [{}], "items": False},
    {"dependentRequired": {"a": ["b"]}, "if": {}, "then": {}, "not": {"required": []}},
]
INVALID: list[tuple[Any, str]] = [
    ({"type": "strng"}, "type"),
    ({"type": []}, "type"),
    ({"type": ["string", "string"]}, "type"),
    ({"type": None}, "type"),
    ({"properties": []}, "properties"),
    ({"properties": {"a": "string"}}, "properties.a"),
    ({"properties": {"a": {"type": "text"}}}, "properties.a.type"),
    ({"properties": {"odd key": {"minimum": "1"}}}, 'properties["odd key"].minimum'),
    ({"required": "a"}, "required"),
    ({"required": ["a", "a"]}, "required"),
    ({"required": [1]}, "required"),
    ({"properties": {"a": {"type": "string", "required": True}}}, "properties.a.required"),
    ({"items": [{}]}, "items"),
    ({"anyOf": []}, "anyOf"),
    ({"anyOf": [{"minLength": -1}]}, "anyOf[0].minLength"),
    ({"maxLength": 1.5}, "maxLength"),
    ({"exclusiveMinimum": True}, "exclusiveMinimum"),
    ({"multipleOf": 0}, "multipleOf"),
    ({"enum": "a"}, "enum"),
    ({"uniqueItems": "yes"}, "uniqueItems"),
    ({"description": 3}, "description"),
    ({"additionalProperties": "no"}, "additionalProperties"),
    ({"$defs": {"a": 1}}, "$defs.a"),
    ({"dependentRequired": {"a": "b"}}, "dependentRequired"),
]


@pytest.mark.parametrize("schema", VALID, ids=json.dumps)
def test_valid_schemas_have_no_flaw(schema: Any) -> None:
    """The quick look finds nothing where the full validator finds nothing."""
    Draft202012Validator.check_schema(schema)
    assert list(invalid(schema)) == []
    assert flaws(schema, strict=False) == ()


@pytest.mark.parametrize(("schema", "place"), INVALID, ids=lambda value: json.dumps(value))
def test_invalid_schemas_name_the_node(schema: Any, place: str) -> None:
    """The quick look agrees with the full validator, and tells the path of the offending node."""
    with pytest.raises(SchemaError):
        Draft202012Validator.check_schema(schema)
    assert places(schema, strict=False) == [place]


@pytest.mark.parametrize("schema", [[], "string", 3, True, None])
def test_a_schema_is_a_mapping(schema: Any) -> None:
    """What is not a mapping cannot describe arguments or answers, though `true` is a valid schema."""
    assert places(schema, strict=False) == [""]


def test_references_must_lead_somewhere() -> None:
    """A `$ref` into the schema that finds nothing would fail at the service only."""
    assert places({"properties": {"a": {"$ref": "#/$defs/b"}}}, strict=False) == [
        "properties.a.$ref"
    ]
    assert places({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {}}}, strict=False) == []


def test_what_json_cannot_hold_is_a_flaw() -> None:
    """Dates and infinite numbers come out of YAML and cannot be sent."""
    import datetime

    assert places({"const": datetime.date(2026, 1, 1)}, strict=False) == [""]
    assert places({"minimum": float("nan")}, strict=False) == [""]
    circle: dict[str, Any] = {}
    circle["items"] = circle
    assert places(circle, strict=False) == [""]


def test_a_valid_schema_of_an_older_draft_is_left_to_the_full_validator() -> None:
    """`$schema` may name a draft with other rules; then the quick look is not the last word."""
    old = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "minimum": 1,
        "exclusiveMinimum": True,
    }
    assert places(old, strict=False) == []


STRICT_GOOD: list[dict[str, Any]] = [
    CLOSED,
    closed(
        location={"type": "string", "pattern": "^[A-Z]"},
        unit={"type": ["string", "null"], "enum": ["C", "F", None]},
    ),
    closed(
        items={
            "type": "array",
            "items": closed(price={"type": "number", "minimum": 0}),
            "maxItems": 3,
        }
    ),
    closed(choice={"anyOf": [{"type": "string"}, closed(kind={"const": "a", "type": "string"})]}),
    {
        **closed(node={"$ref": "#/$defs/node"}),
        "$defs": {"node": closed(next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})},
    },
    closed(when={"type": "string", "format": "date-time"}),
    closed(self={"$ref": "#"}),
]
STRICT_BAD: list[tuple[Any, list[str]]] = [
    ({}, ["type"]),
    ({"anyOf": [CLOSED]}, ["anyOf"]),
    ({"type": "array", "items": {"type": "string"}}, ["type"]),
    ({"type": "object", "properties": {}}, ["additionalProperties"]),
    ({**CLOSED, "additionalProperties": True}, ["additionalProperties"]),
    ({**CLOSED, "additionalProperties": {"type": "string"}}, ["additionalProperties"]),
    (
        closed(location={"type": "object", "properties": {}}),
        ["properties.location.additionalProperties"],
    ),
    ({**closed(a={"type": "string"}), "required": []}, ["required"]),
    ({**CLOSED, "required": ["a"]}, ["required"]),
    (closed(a={"description": "anything"}), ["properties.a"]),
    (closed(a={"type": "array"}), ["properties.a"]),
    (closed(a=True), ["properties.a"]),
    (closed(a={"allOf": [{"type": "string"}], "type": "string"}), ["properties.a.allOf"]),
    (closed(a={"oneOf": [{"type": "string"}], "type": "string"}), ["properties.a.oneOf"]),
    (closed(a={"type": "string", "not": {"const": "x"}}), ["properties.a.not"]),
    ({**CLOSED, "if": {}, "then": {}, "else": {}}, ["if", "then", "else"]),
    ({**CLOSED, "dependentRequired": {}}, ["dependentRequired"]),
    ({**CLOSED, "patternProperties": {}}, ["patternProperties"]),
    ({**CLOSED, "minProperties": 1}, ["minProperties"]),
    (
        closed(a={"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        ["properties.a.uniqueItems"],
    ),
    (closed(a={"$ref": "https://example.com/a.json"}), ["properties.a.$ref"]),
    (
        closed(a={"type": "array", "items": {"type": "object", "properties": {}, "required": []}}),
        ["properties.a.items.additionalProperties"],
    ),
    (
        closed(
            a={
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"b": {"type": "null"}},
                    }
                ]
            }
        ),
        ["properties.a.anyOf[0].required"],
    ),
    ({**CLOSED, "$defs": {"node": {"type": "object"}}}, ["$defs.node.additionalProperties"]),
]


@pytest.mark.parametrize("schema", STRICT_GOOD, ids=json.dumps)
def test_the_strict_subset_is_accepted(schema: dict[str, Any]) -> None:
    """Everything that the service documents as supported passes without a word."""
    assert flaws(schema, strict=True) == ()


@pytest.mark.parametrize(
    ("schema", "expected"), STRICT_BAD, ids=lambda value: json.dumps(value)[:60]
)
def test_what_is_outside_the_strict_subset_is_named(schema: Any, expected: list[str]) -> None:
    """The offending node is named, and the same schema is good when it is not strict."""
    assert places(schema) == expected
    assert flaws(schema, strict=False) == ()


@pytest.mark.parametrize(
    "keyword", [{"default": "x"}, {"minLength": 1}, {"maxLength": 9}, {"format": "color"}]
)
def test_undocumented_keywords_are_warned_of(keyword: dict[str, Any]) -> None:
    """What the documents are silent about stops nobody."""
    schema = closed(a={"type": "string", **keyword})
    assert places(schema) == []
    assert places(schema, severity="warning") == [f"properties.a.{next(iter(keyword))}"]


def test_strict_limits_and_just_beyond() -> None:
    """Levels, properties, enum values and text are counted over the whole schema."""
    assert places(nested(10)) == []
    assert places(nested(11)) == [".".join(["properties.inner"] * 10)]
    assert places(closed(**{f"p{n}": {"type": "null"} for n in range(5000)})) == []
    assert places(closed(**{f"p{n}": {"type": "null"} for n in range(5001)})) == [""]
    assert places(closed(a={"enum": list(range(500))}, b={"enum": list(range(500))})) == []
    assert places(closed(a={"enum": list(range(500))}, b={"enum": list(range(501))})) == [""]
    assert places(closed(a={"enum": [f"{n:060}" for n in range(250)]})) == []
    assert places(closed(a={"enum": [f"{n:060}" for n in range(251)]})) == ["properties.a.enum"]
    assert places(closed(a={"const": "x" * 119_999})) == []
    assert places(closed(a={"const": "x" * 120_000})) == [""]


def test_a_schema_that_is_too_deep_is_a_flaw_not_a_crash() -> None:
    """Nesting beyond what can be walked is reported like any other problem."""
    schema: dict[str, Any] = {}
    for _ in range(sys.getrecursionlimit()):
        schema = {"items": schema}
    assert len(flaws(schema, strict=True)) == 1


def test_good_schemas_do_not_import_the_full_validator() -> None:
    """`validate` of good functions must stay cheap."""
    code = (
        "import sys\nfrom provisioner.kinds.assistant.json_schema import flaws\nassert"
        " flaws({'type': 'object', 'properties': {'a': {'type': 'string'}}}, strict=False) =="
        " ()\nassert 'jsonschema' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
