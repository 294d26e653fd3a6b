"""The shape of an answer: free text, JSON, or JSON of one schema."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.common import Strict, refuse

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


def _choose(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "<plain>" if kind in ("text", "json_object") else "<json_schema>"


ResponseFormat = Annotated[
    Annotated[Literal["auto", "text", "json_object"], Tag("<text>")]
    | Annotated[Plain, Tag("<plain>")]
    | Annotated[JsonSchema, Tag("<json_schema>")],
    Discriminator(_choose),
    Field(
        description="The shape of an answer: `auto`, `text`, `json_object` or a JSON Schema",
        examples=[
            "auto",
            {"type": "json_schema", "name": "ticket", "strict": True, "schema": {"file": "schemas/ticket.json"}},
        ],
    ),
]
