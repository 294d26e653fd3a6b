"""What an author may write for an assistant, where it is more than a word or a number."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.recognized import MAX_INSTRUCTIONS, MAX_TOOLS
from provisioner.kinds.assistant.tools import Tool
from provisioner.kinds.common import (
    FromFile,
    FromFiles,
    Lazily,
    Reference,
    Strict,
    choose_writing,
    nearest,
    refusal,
    refuse,
)
from provisioner.kinds.surroundings import Surroundings

Nested = Annotated[
    SkipJsonSchema[None],
    refuse(
        "nested_format",
        "is the nested spelling of older APIs",
        "write its keys beside `type: json_schema`",
    ),
]


class Plain(Strict):
    """A format without settings, spelt as a mapping."""

    type: Literal["text", "json_object"] = Field(description="The format", examples=["json_object"])


class JsonSchema(Strict):
    """Answers are JSON that fits a schema."""

    type: Literal["json_schema"]
    name: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9_-]{1,64}$",
        description=(
            "Name of the format, at most 64 letters, digits, `_` and `-`; every API but `agents`"
            " needs one"
        ),
        examples=["ticket"],
    )
    description: str | None = Field(
        default=None,
        description="What the format is for; the model reads it",
        examples=["A ticket of our help desk"],
    )
    strict: bool | None = Field(
        default=None,
        description=(
            "Whether answers always fit the schema, which must then keep to the strict subset;"
            " default false"
        ),
        examples=[True],
    )
    schema_: dict[str, Any] = Field(
        alias="schema",
        description="The JSON Schema, or `{file: PATH}` of one",
        examples=[
            {
                "type": "object",
                "properties": {"subject": {"type": "string"}},
                "required": ["subject"],
                "additionalProperties": False,
            },
            {"file": "schemas/ticket.json"},
        ],
    )
    json_schema: Nested = None


TYPES = ("json_object", "json_schema", "text")


def _choose_format(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if kind in ("text", "json_object"):
        return "<plain>"
    return "<json_schema>" if kind in (None, "json_schema") else "<unknown>"


def _unknown(value: object) -> object:
    written = value.get("type") if isinstance(value, dict) else value
    hint = nearest(written, TYPES) or f"the types are {', '.join(TYPES)}"
    finding = refusal("format_type", "is not a type of a response format", hint)
    raise ValidationError.from_exception_data(
        "format", [{"type": finding, "loc": ("type",), "input": written}]
    )


ResponseFormat = Annotated[
    Annotated[Literal["auto", "text", "json_object"], Tag("<text>")]
    | Annotated[Plain, Tag("<plain>")]
    | Annotated[JsonSchema, Tag("<json_schema>")]
    | Annotated[SkipJsonSchema[None], BeforeValidator(_unknown), Tag("<unknown>")],
    Discriminator(_choose_format),
    Field(
        description="The shape of an answer: `auto`, `text`, `json_object` or a JSON Schema",
        examples=[
            "auto",
            {
                "type": "json_schema",
                "name": "ticket",
                "strict": True,
                "schema": {"file": "schemas/ticket.json"},
            },
        ],
    ),
]


ToolResources = Annotated[
    SkipJsonSchema[None],
    refuse(
        "tool_resources",
        "is the nested spelling of the Assistants API",
        "write `vector_stores:` or `files:` into the tool itself",
    ),
]


Instructions = Annotated[
    Annotated[str, Field(max_length=MAX_INSTRUCTIONS), Tag("<text>")]
    | Annotated[FromFile, Tag("<file>")]
    | Annotated[FromFiles, Tag("<files>")],
    Discriminator(choose_writing),
]


Tools = Annotated[list[Tool], Field(max_length=MAX_TOOLS)]
Checks = Annotated[dict[str, Any], Lazily("provisioner.kinds.assistant.checks:CheckSpecs")]
ResponsesBlock = Annotated[
    dict[str, Any], Lazily("provisioner.kinds.assistant.request_fields:RequestFields")
]
AgentsBlock = Annotated[
    dict[str, Any], Lazily("provisioner.kinds.assistant.request_fields:AgentFields")
]


class Session(Strict):
    """What sessions of an agent are started with."""

    environment: Surroundings | None = Field(
        default=None,
        description="Where the agent works: `none`, `openai_hosted`, or one with settings",
        examples=["none", {"template": {"id": "envtmpl_abc123"}}],
    )
    vaults: list[Reference] | None = Field(
        default=None,
        max_length=10,
        description="The vaults whose credentials it may use, at most 10",
        examples=[[{"id": "vault_abc123"}]],
    )
