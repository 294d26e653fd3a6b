"""The shape of an answer: free text, JSON, or JSON of one schema."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.common import Strict, nearest, refusal, refuse

Nested = Annotated[
    SkipJsonSchema[None],
    refuse("nested_format", "is the nested spelling of older APIs", "write its keys beside `type: json_schema`"),
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
        default=None, description="What the format is for; the model reads it", examples=["A ticket of our help desk"]
    )
    strict: bool | None = Field(
        default=None,
        description="Whether answers always fit the schema, which must then keep to the strict subset; default false",
        examples=[True],
    )
    schema_: dict[str, Any] = Field(
        alias="schema",
        description="The JSON Schema, or `{file: PATH}` of one",
        examples=[{"type": "object", "properties": {"subject": {"type": "string"}}}, {"file": "schemas/ticket.json"}],
    )
    json_schema: Nested = None


TYPES = ("json_object", "json_schema", "text")


def _choose(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if kind in ("text", "json_object"):
        return "<plain>"
    return "<json_schema>" if kind in (None, "json_schema") else "<unknown>"


def _unknown(value: object) -> object:
    written = value.get("type") if isinstance(value, dict) else value
    hint = nearest(written, TYPES) or f"the types are {', '.join(TYPES)}"
    fault = refusal("format_type", "is no type of a response format", hint)
    raise ValidationError.from_exception_data("format", [{"type": fault, "loc": ("type",), "input": written}])


ResponseFormat = Annotated[
    Annotated[Literal["auto", "text", "json_object"], Tag("<text>")]
    | Annotated[Plain, Tag("<plain>")]
    | Annotated[JsonSchema, Tag("<json_schema>")]
    | Annotated[SkipJsonSchema[None], BeforeValidator(_unknown), Tag("<unknown>")],
    Discriminator(_choose),
    Field(
        description="The shape of an answer: `auto`, `text`, `json_object` or a JSON Schema",
        examples=[
            "auto",
            {"type": "json_schema", "name": "ticket", "strict": True, "schema": {"file": "schemas/ticket.json"}},
        ],
    ),
]
