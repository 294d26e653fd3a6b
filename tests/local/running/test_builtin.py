"""The built-in model says the same to the same question, and what it says obeys what was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from provisioner.local.running.builtin import answer
from provisioner.local.running.fitting import fitting_json
from provisioner.local.running.question import (
    Called,
    Function,
    Passage,
    Question,
    Returned,
    Said,
)

WEATHER = Function(
    "get_weather",
    {
        "type": "object",
        "properties": {
            "location": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["location"],
    },
)
SEND = Function("sendInvoice", {"type": "object", "properties": {"number": {"type": "integer"}}})
OSLO = "What's the weather in Oslo?"


def asked(text: str, **more: Any) -> Question:
    return Question([Said("user", text)], **more)


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        (OSLO, "auto", ["get_weather"]),
        ("Please use sendInvoice and get_weather", "auto", ["get_weather", "sendInvoice"]),
        ("Send me the invoices", "auto", ["sendInvoice"]),
        ("Get me something to send", "auto", []),  # verbs alone mean nothing
        (OSLO, "none", []),
        ("Good morning", "required", ["get_weather"]),
        ("Good morning", "sendInvoice", ["sendInvoice"]),
    ],
)
def test_functions_are_called_for_what_the_message_is_about(
    text: str, choice: str, called: list[str]
) -> None:
    """By their names or by what they are about, unless the caller chose."""
    said = answer(asked(text, functions=[WEATHER, SEND], tool_choice=choice))
    assert [call.name for call in said.calls] == called
    assert bool(said.text) is not bool(called)


def test_arguments_come_from_the_message() -> None:
    """Names, numbers and choices of the message where they fit the schema."""
    weather = answer(asked("What is the weather in New York in Fahrenheit?", functions=[WEATHER]))
    assert json.loads(weather.calls[0].arguments) == {"location": "New York", "unit": "fahrenheit"}
    invoice = answer(asked("Send invoice 4711", functions=[SEND]))
    assert json.loads(invoice.calls[0].arguments) == {"number": 4711}


def test_only_one_call_where_several_must_not_be() -> None:
    """`parallel_tool_calls: false`."""
    both = asked("get_weather, sendInvoice", functions=[WEATHER, SEND], parallel=False)
    assert len(answer(both).calls) == 1


def test_an_answered_call_is_not_made_again() -> None:
    """Once its output is there, the answer says it, whatever the choice was."""
    turns = [Said("user", OSLO), Called("c", "get_weather", "{}"), Returned("c", '{"temp": 3}')]
    for choice in ("auto", "required", "get_weather"):
        said = answer(Question(turns, functions=[WEATHER], tool_choice=choice))
        assert said.text == 'get_weather returned {"temp": 3}'


def test_documents_are_quoted_with_a_mark() -> None:
    """Each citation encloses its mark in the text."""
    passage = Passage("file-1", "leave.md", "Everybody has 27 days.", 0.9)
    said = answer(asked("How many days?", passages=[passage]))
    (citation,) = said.citations
    assert "27 days" in said.text
    assert said.text[citation.start : citation.end] == citation.mark
    assert citation.passage == passage


def test_of_a_long_passage_the_best_part_is_quoted() -> None:
    """What answers the question is in it, wherever it stands."""
    long = "\n".join(["Nothing to see here at all."] * 200 + ["Parental leave: 14 weeks."])
    said = answer(asked("How long is parental leave?", passages=[Passage("f", "a.md", long, 0.5)]))
    assert "14 weeks" in said.text
    assert len(said.text) < 1000


def test_what_nothing_answers_is_said_back_whole() -> None:
    """A long message and none at all."""
    text = "Hello, " * 5000
    assert text in answer(asked(text)).text
    assert answer(Question([])).text == "Nothing was asked."


def test_hosted_tools_say_that_they_did_not_run() -> None:
    """Nobody may take this for the real thing."""
    said = answer(asked("Please compute 3 + 4", hosted=["code_interpreter"]))
    assert said.used == ("code_interpreter",)
    assert "no code runs here" in said.text


NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "inner": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["name", "inner", "next"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "string", "maxLength": 3},
        {"type": "string", "minLength": 500},
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": r"^[A-Z]{2}-\d{4}$"},
        {"type": "string", "pattern": r"^(\w+)@(example|test)\.com$"},
        {"type": "string", "pattern": r"^[^a-z\s]{3,}$"},
        {"type": "integer", "minimum": 7, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "integer", "exclusiveMaximum": -3},
        {"type": ["string", "null"], "enum": ["red", "green", None]},
        {"const": {"a": [1]}},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3},
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
        {"oneOf": [{"type": "null"}, {"type": "object", "required": ["b"]}]},
        {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "integer"}]},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
            ]
        },
        NODE,
        {"type": "object", "properties": {"self": {"$ref": "#"}}, "additionalProperties": False},
        {"type": "null"},
        {},
    ],
    ids=lambda schema: json.dumps(schema)[:50],
)
def test_what_is_made_up_obeys_the_schema(schema: dict[str, Any]) -> None:
    """Whatever was said."""
    for asked_for in ("", "Tell Bob 12 things by 2026-05-01", "{}"):
        made = json.loads(fitting_json(schema, asked_for, "The answer."))
        Draft202012Validator(schema).validate(made)


def test_an_answer_in_a_schema_says_what_the_text_would_have_said() -> None:
    """So that a check can look for it."""
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    passage = Passage("file-1", "leave.md", "Everybody has 27 days.", 0.9)
    said = answer(asked("How many days?", passages=[passage], schema=schema))
    assert "27 days" in json.loads(said.text)["answer"]
    plain = answer(asked("Hello", json_only=True))
    assert json.loads(plain.text) == {"answer": "You said: Hello"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    "schema",
    [
        _object(a={"type": "array", "items": {"type": "string"}, "minItems": 10**30}),
        _object(a={"type": "array", "items": {"$ref": "#"}, "minItems": 50}),
        _object(a={"type": "string", "minLength": 10**12}),
        _object(a={"type": "string", "pattern": "^((a{9999}){9999}){9999}$"}),
        _object(a={"type": "string", "pattern": "["}),
        _object(a={"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        _object(a={"allOf": [{"$ref": "#"}]}),
        _object(a={"anyOf": [{"$ref": "https://example.com/x"}]}),
        _object(a={"type": "integer", "minimum": float("inf")}),
        _object(a={"type": "number", "minimum": 1e308, "multipleOf": 1e-300}),
    ],
)
def test_no_schema_holds_up_the_model(schema: dict[str, Any]) -> None:
    """What asks for too much, or for what cannot be, is answered at once, and shortly."""
    written = fitting_json(schema, OSLO, OSLO)
    assert "a" in json.loads(written) and len(written) < 200_000


def test_a_name_that_only_required_knows() -> None:
    """It has the form that every further property has."""
    schema = _object() | {"required": ["n"], "additionalProperties": {"type": "integer"}}
    assert json.loads(fitting_json(schema, "4 of them", "x")) == {"n": 4}


def test_news_ask_for_the_web() -> None:
    """A word that looks like a plural is still found among those that ask for a tool."""
    assert answer(asked("Any news?", hosted=["web_search"])).used == ("web_search",)
