"""Schemas that code makes: pydantic's models, signatures of functions, and zod."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.importing.nouns import Found

from .reading import Headed

PYTHON = Headed(
    """
import openai
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Optional
from pydantic import BaseModel, ConfigDict, Field
from agents import Agent, FunctionTool, RunContextWrapper, function_tool
client = openai.OpenAI()
"""
)
SCRIPT = Headed(
    """
import OpenAI from "openai";
import { z } from "zod";
import { Agent, tool } from "@openai/agents";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
const client = new OpenAI();
"""
)
NULL = {"type": "null"}


def function(found: list[Found]) -> dict[str, Any]:
    (tool,) = found[0].fields["tools"]
    assert isinstance(tool, dict)
    return tool


def model(fields: str) -> dict[str, Any]:
    """The plain schema of a model with some fields, each on a line."""
    text = f"class Place(BaseModel):\n    city: str\nclass Args(BaseModel):\n{fields}\n"
    call = "client.beta.assistants.create(model='m', tools=[{'type': 'function', 'function': "
    text += call + "{'name': 'f', 'parameters': Args.model_json_schema()}}])"
    schema = function(PYTHON.found(text))["parameters"]
    assert isinstance(schema, dict)
    return schema


@pytest.mark.parametrize(
    ("type", "schema"),
    [
        ("str", {"type": "string"}),
        ("int | None", {"anyOf": [{"type": "integer"}, NULL]}),
        ("Optional[float]", {"anyOf": [{"type": "number"}, NULL]}),
        ("list[bool]", {"type": "array", "items": {"type": "boolean"}}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("tuple[str, ...]", {"type": "array", "items": {"type": "string"}}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal['a']", {"type": "string", "const": "a"}),
        ("Annotated[int, Field(ge=1, lt=7)]", {"type": "integer", "minimum": 1}),
        ("Any", {}),
        ("'Place'", {"type": "object", "properties": {"city": {"type": "string"}}}),
    ],
)
def test_types_of_a_model(type: str, schema: dict[str, Any]) -> None:
    """Each type that pydantic knows is the schema that pydantic makes of it."""
    made = model(f"    x: {type}")
    assert made["required"] == ["x"]
    assert made["properties"]["x"].items() >= schema.items()


def test_fields_of_a_model() -> None:
    """Defaults, limits and words are carried, and what has a default is not required."""
    made = model(
        """
    a: str = Field(..., description="The a", min_length=1, max_length=3, pattern="^x")
    b: list[int] = Field(default_factory=list, max_length=5)
    c: int = 3
    d: Optional[str] = Field(default=None, alias="dd")
    model_config = ConfigDict(extra="forbid")
"""
    )
    text = {"type": "string", "description": "The a", "minLength": 1, "maxLength": 3}
    assert made == {
        "type": "object",
        "properties": {
            "a": {**text, "pattern": "^x"},
            "b": {"type": "array", "items": {"type": "integer"}, "maxItems": 5, "default": []},
            "c": {"type": "integer", "default": 3},
            "dd": {"anyOf": [{"type": "string"}, NULL], "default": None},
        },
        "required": ["a"],
        "additionalProperties": False,
    }


def test_a_model_as_a_function_and_as_a_format() -> None:
    """The libraries make models strict: all is required, nothing else is allowed."""
    text = """
class Level(str, Enum):
    low = "low"
    high = "high"
class Base(BaseModel):
    level: Level
class Args(Base):
    \"\"\"Looks it up.\"\"\"
    note: Optional[str] = None
client.responses.parse(model="m", instructions="x", text_format=Args,
    tools=[openai.pydantic_function_tool(model=Args, name="look")])
"""
    (one,) = PYTHON.found(text)
    schema = {
        "type": "object",
        "properties": {
            "level": {"type": "string", "enum": ["low", "high"]},
            "note": {"anyOf": [{"type": "string"}, NULL]},
        },
        "required": ["level", "note"],
        "additionalProperties": False,
    }
    about = "Looks it up."
    whole = {"type": "function", "name": "look", "description": about, "parameters": schema}
    assert one.fields["tools"] == [{**whole, "strict": True}]
    format = one.fields["response_format"]
    assert format["name"] == "Args"
    assert format["schema"] == {"description": about, **schema}


def test_what_an_agent_answers() -> None:
    """What is no object stands in one, as the Agents SDK sends it; plain text is text."""
    text = """
@dataclass
class Step:
    done: bool
Agent(name="a", model="m", instructions="x", output_type=list[Step])
Agent(name="b", model="m", instructions="x", output_type=str)
"""
    first, second = PYTHON.found(text)
    inner = first.fields["response_format"]["schema"]["properties"]["response"]
    assert inner["items"]["properties"] == {"done": {"type": "boolean"}}
    assert second.fields["response_format"] == "text"


def test_functions_by_their_signature() -> None:
    """Types, defaults, and what a docstring says of each parameter; the context is none."""
    text = """
@function_tool
async def weather(ctx: RunContextWrapper, city: str, unit: Literal["c", "f"] = "c") -> str:
    \"\"\"Weather of a city.

    Args:
        city: The city
            and its country.
        unit (str): The unit.

    Returns:
        A text.
    \"\"\"
Agent(name="a", model="m", instructions="x", tools=[weather])
"""
    tool = function(PYTHON.found(text))
    assert tool["description"] == "Weather of a city."
    assert tool["parameters"]["properties"] == {
        "city": {"type": "string", "description": "The city and its country."},
        "unit": {"type": "string", "enum": ["c", "f"], "default": "c", "description": "The unit."},
    }
    assert tool["strict"] is True


def test_a_function_that_is_not_strict() -> None:
    """What its decorator says counts."""
    text = """
@function_tool(name_override="other", strict_mode=False)
def thing(a: int, b: str = "x"):
    \"\"\"Does it.

    :param a: first
    \"\"\"
Agent(name="a", model="m", instructions="x", tools=[thing])
"""
    tool = function(PYTHON.found(text))
    assert tool["name"] == "other"
    assert tool["strict"] is False
    assert tool["parameters"]["required"] == ["a"]
    assert tool["parameters"]["properties"]["a"] == {"type": "integer", "description": "first"}


@pytest.mark.parametrize(
    "field",
    ["x: Mystery", "x: list['Args']", "x: int = Field(json_schema_extra=odd)", "x: int = later()"],
)
def test_what_only_a_run_would_tell(field: str) -> None:
    """One unknown part makes the schema unknown: it has a line with the place and its text."""
    text = f"""
class Args(BaseModel):
    a: str
    {field}
client.beta.assistants.create(model="m", tools=[openai.pydantic_function_tool(Args)])
"""
    (one,) = PYTHON.found(text)
    assert "parameters" not in one.fields["tools"][0]
    (lost,) = [lost for lost in one.losses if lost.what == "tools[0].parameters"]
    assert lost.severity == "error"
    assert "line" in lost.why
    assert any(word in lost.why for word in ("Mystery", "Args", "json_schema_extra", "later"))


def zod(expression: str) -> dict[str, Any]:
    """The schema of one field as zod builds it, before a library makes it strict."""
    text = f"""
enum Level {{ Low = "low", High = "high" }}
const Place = z.object({{ city: z.string() }});
const made = tool({{ name: "f", description: "d", strict: false,
  parameters: z.object({{ x: {expression} }}), execute: async () => {{}} }});
new Agent({{ name: "a", model: "m", instructions: "x", tools: [made] }});
"""
    schema = function(SCRIPT.found(text))["parameters"]
    assert isinstance(schema, dict)
    return schema


PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("expression", "schema"),
    [
        ("z.string().min(1).email().describe('E')", {"minLength": 1, "format": "email"}),
        ("z.number().int().positive().max(9)", {"type": "integer", "maximum": 9}),
        ("z.boolean().nullable()", {"type": ["boolean", "null"]}),
        ("z.enum(['a', 'b'])", {"type": "string", "enum": ["a", "b"]}),
        ("z.nativeEnum(Level)", {"type": "string", "enum": ["low", "high"]}),
        ("z.literal('a')", {"type": "string", "const": "a"}),
        ("z.array(Place).nonempty()", {"type": "array", "minItems": 1}),
        ("z.union([z.string(), z.null()])", {"anyOf": [{"type": "string"}, NULL]}),
        ("z.record(z.string(), z.number())", {"additionalProperties": {"type": "number"}}),
        ("Place", PLACE),
        ("Place.extend({ b: z.any() }).pick({ city: true })", PLACE),
        ("z.string().regex(/^a+$/)", {"type": "string", "pattern": "^a+$"}),
    ],
)
def test_what_zod_builds(expression: str, schema: dict[str, Any]) -> None:
    """Each call adds what it says."""
    made = zod(expression)
    assert made["required"] == ["x"]
    assert made["properties"]["x"].items() >= schema.items()


def test_what_zod_lets_be_absent() -> None:
    """A default and `optional` are not required; where that has to be, null is allowed."""
    assert "required" not in zod("z.string().optional()")
    assert zod("z.string().default('a')")["properties"]["x"]["default"] == "a"
    text = """
const Schema = z.object({ a: z.string().optional(), b: z.number().default(3) });
const format = zodTextFormat(Schema, "answer");
client.responses.parse({ model: "m", instructions: "x", text: { format } });
client.beta.assistants.create({ model: "m", response_format: zodResponseFormat(Schema, "other"),
  tools: [zodFunction({ name: "f", parameters: Schema })] });
"""
    first, second = SCRIPT.found(text)
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "number", "default": 3},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert first.fields["response_format"]["schema"] == schema
    assert second.fields["response_format"]["name"] == "other"
    assert second.fields["tools"][0]["parameters"] == schema


def test_what_of_zod_only_a_run_would_tell() -> None:
    """A part that is not known is named, and so is the whole where it is a format."""
    text = """
const Schema = z.object({ a: z.lazy(() => other) });
new Agent({ name: "a", model: "m", instructions: "x", outputType: Schema,
  tools: [tool({ name: "f", parameters: z.object({ b: imported }), execute: () => 1 })] });
"""
    (one,) = SCRIPT.found(text)
    whys = {lost.what: lost.why for lost in one.losses}
    assert "z.lazy" in whys["outputType"]
    assert "imported" in whys["tools[0].parameters"]
