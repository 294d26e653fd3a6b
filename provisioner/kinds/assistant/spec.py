"""What an author may write for an assistant."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.tools import Tool
from provisioner.kinds.common import (
    FromFile,
    FromFiles,
    Lazily,
    Metadata,
    Resource,
    Strict,
    nearest,
    refusal,
    refuse,
)

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
    name: str = Field(
        pattern="^[A-Za-z0-9_-]{1,64}$",
        description="Name of the format, at most 64 letters, digits, `_` and `-`",
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
            {"type": "object", "properties": {"subject": {"type": "string"}}},
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


MAX_INSTRUCTIONS = 256_000
MAX_TOOLS = 128

ToolResources = Annotated[
    SkipJsonSchema[None],
    refuse(
        "tool_resources",
        "is the nested spelling of the Assistants API",
        "write `vector_stores:` or `files:` into the tool itself",
    ),
]


def _choose(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    many = "files" in value if isinstance(value, dict) else isinstance(value, FromFiles)
    return "<files>" if many else "<file>"


Instructions = Annotated[
    Annotated[str, Field(max_length=MAX_INSTRUCTIONS), Tag("<text>")]
    | Annotated[FromFile, Tag("<file>")]
    | Annotated[FromFiles, Tag("<files>")],
    Discriminator(_choose),
]


class AssistantSpec(Resource):
    """A model with instructions and tools."""

    model: str = Field(
        min_length=1,
        max_length=256,
        description="The model that answers",
        examples=["gpt-4o", "${var.model}"],
    )
    name: str | None = Field(
        default=None,
        max_length=256,
        description="Name that people see, at most 256 characters; default: the resource's name",
        examples=["Support"],
    )
    description: str | None = Field(
        default=None,
        max_length=512,
        description="What it is for, at most 512 characters",
        examples=["Answers staff questions"],
    )
    instructions: Instructions | None = Field(
        default=None,
        description=(
            "The system prompt: text, `{file: PATH}`, or `{files: [PATH, …]}` joined by an empty"
            " line; at most 256,000 characters"
        ),
        examples=["You answer in one sentence.", {"file": "prompts/support.md"}],
    )
    tools: Annotated[list[Tool], Field(max_length=MAX_TOOLS)] | None = Field(
        default=None,
        description=(
            "What it may use, at most 128 tools, in OpenAI's own flat spelling; a bare string for a"
            " tool without settings"
        ),
        examples=[
            [
                "code_interpreter",
                {"type": "file_search", "vector_stores": ["handbook"]},
                {"use": "get_weather"},
            ]
        ],
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description=(
            "How much chance there is in an answer, 0 to 2: 0.2 is focused, 1 is the default"
        ),
        examples=[0.3],
    )
    top_p: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "Share of the likeliest tokens that is considered, 0 to 1; change this or the"
            " temperature"
        ),
        examples=[0.95],
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        Field(
            default=None,
            description="How long a reasoning model thinks; not every model knows every value",
            examples=["low"],
        )
    )
    response_format: ResponseFormat | None = Field(
        default=None,
        description="The shape of an answer",
        examples=[
            "auto",
            {"type": "json_schema", "name": "ticket", "schema": {"file": "schemas/ticket.json"}},
        ],
    )
    metadata: Metadata | None = Field(
        default=None, description="Your own labels", examples=[{"team": "support"}]
    )
    api: Literal["assistants", "responses", "agents"] | None = Field(
        default=None,
        description=(
            "The API that this one is deployed through, where it differs from the environment's"
        ),
        examples=["responses"],
    )
    responses: (
        Annotated[
            dict[str, Any], Lazily("provisioner.kinds.assistant.request_fields:RequestFields")
        ]
        | None
    ) = Field(
        default=None,
        description="Fields of the Responses API only, in its own spelling",
        examples=[{"max_output_tokens": 2000, "store": False}],
    )
    agents: (
        Annotated[dict[str, Any], Lazily("provisioner.kinds.assistant.request_fields:AgentFields")]
        | None
    ) = Field(
        default=None,
        description="Fields of the Agents API only, in its own spelling",
        examples=[{"text": {"verbosity": "low"}}],
    )
    tool_resources: ToolResources = None
