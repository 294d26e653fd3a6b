"""The types that several kinds are declared with: strict models, metadata, attributes, chunking,
references.
"""

# Modules that hold models do without postponed annotations: pydantic would compile every one of
# them at import.

import math
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from provisioner import disk
from provisioner.kinds.base import Path, Scope
from provisioner.kinds.table import MAX_KEY, MAX_METADATA, MAX_VALUE, as_written
from provisioner.masking import OWN, RUNNER

RESERVED = ("provisioner", "sha256")
"""Keys that mark what is ours: the first in metadata, both in the attributes of a file in a
store."""

MAX_ATTRIBUTES = 14  # the service takes 16, two are ours


class Strict(BaseModel):
    """What an author writes: no key that is not declared, no value that would have to be
    converted.
    """

    # Built when first used: a workspace without vector stores does not pay for theirs.
    model_config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, protected_namespaces=(), defer_build=True
    )

    def declared(self) -> dict[str, Any]:
        """What the author wrote, in the author's spelling. Below a field that is owned whole, null
        says no more than leaving a key out, and not every request takes it: it is dropped.
        """
        return self.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)


def refusal(code: str, message: str, hint: str) -> PydanticCustomError:
    """A finding in our own words: `message` completes the sentence "`key: value` …", `hint` is the
    remedy.
    """
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def refuse(code: str, message: str, hint: str) -> BeforeValidator:
    """Refuse whatever is written here and say where it belongs."""

    def validate(value: object) -> object:  # noqa: ARG001 - any value is refused
        raise refusal(code, message, hint)

    return BeforeValidator(validate)


def nearest(word: object, known: Iterable[str]) -> str | None:
    """`did you mean …?` for the nearest known word, if one is near."""
    from difflib import get_close_matches

    near = get_close_matches(str(word).casefold(), list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else None


class Lazily:
    """Validate with a model that is imported only when a spec needs it; the value is what the
    author wrote.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def model(self) -> type[Any]:
        module, _, name = self.name.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: self.model().model_validate(value).declared()
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        model = self.model()
        model.model_rebuild()
        return handler(model.__pydantic_core_schema__)


def text_or(mapping: str) -> Discriminator:
    """Text is `<text>`, everything else is taken to be `mapping`, whose error then says what is
    wrong.

    Tags stand in the place of an error; angle brackets tell them from the keys of a spec.
    """
    return Discriminator(lambda value: "<text>" if isinstance(value, str) else mapping)


class Unmanaged(Strict):
    """An object that is not managed here, by its id."""

    id: str = Field(
        min_length=1,
        max_length=256,
        description="Id of an object that exists at the service and is not managed here",
        examples=["vs_abc123", "${var.company_store}"],
    )


Reference = Annotated[
    Annotated[
        str, Field(min_length=1, description="Name of a resource of this workspace"), Tag("<text>")
    ]
    | Annotated[Unmanaged, Tag("<id>")],
    text_or("<id>"),
]


def _metadata_key(key: str) -> str:
    if key == "provisioner":
        raise refusal(
            "reserved",
            "is the mark by which `provisioner` knows its own objects",
            "choose another key",
        )
    return key


MetadataKey = Annotated[
    str,
    Field(min_length=1, max_length=MAX_KEY),
    AfterValidator(_metadata_key),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "not": {"const": "provisioner"}}
    ),
]


def _metadata_value(value: object) -> object:
    if isinstance(value, bool | int | float):
        written = str(value).lower() if isinstance(value, bool) else str(value)
        hint = f'write it in quotes: "{written}"'
        raise refusal("metadata_value", "is not text, and metadata takes text only", hint)
    return value


Metadata = Annotated[
    dict[
        MetadataKey, Annotated[str, Field(max_length=MAX_VALUE), BeforeValidator(_metadata_value)]
    ],
    Field(
        max_length=MAX_METADATA,
        description=(
            "Your own labels: at most 15 pairs of text, keys up to 64 and values up to 512"
            " characters"
        ),
        examples=[{"team": "support", "year": "2026"}],
    ),
]


def _attribute_key(key: str) -> str:
    if key in RESERVED:
        raise refusal(
            "reserved",
            "is how `provisioner` knows the files that it attached",
            "choose another key",
        )
    return key


def _attribute(value: object) -> object:
    if isinstance(value, str):
        if len(value) > MAX_VALUE:
            message = f"has {len(value)} characters; a text attribute may have at most {MAX_VALUE}"
            raise refusal("attribute_length", message, "shorten it")
        return value
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise refusal(
        "attribute_value",
        "is neither text nor a finite number nor true or false",
        "write it in quotes",
    )


AttributeKey = Annotated[
    str,
    Field(min_length=1, max_length=MAX_KEY),
    AfterValidator(_attribute_key),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "not": {"enum": list(RESERVED)}}
    ),
]
AttributeValue = Annotated[
    Any,
    BeforeValidator(_attribute),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": MAX_VALUE},
                {"type": "number"},
                {"type": "boolean"},
            ]
        }
    ),
]
Attributes = Annotated[
    dict[AttributeKey, AttributeValue],
    Field(
        max_length=MAX_ATTRIBUTES,
        description=(
            "Labels of the file that searches can filter by: at most 14 pairs of text, number or"
            " boolean. `${file.path}`, `${file.folder}`, `${file.name}` and `${file.stem}` are"
            " replaced"
        ),
        examples=[{"team": "legal", "year": 2026, "source": "${file.path}"}],
    ),
]


class StaticChunking(Strict):
    """Chunks of a fixed size."""

    max_chunk_size_tokens: int = Field(
        ge=100, le=4096, description="Tokens of a chunk, 100 to 4096", examples=[800]
    )
    chunk_overlap_tokens: int = Field(
        ge=0,
        le=2048,
        description="Tokens that neighbouring chunks share, at most half a chunk",
        examples=[400],
    )
    static: Annotated[
        SkipJsonSchema[None],
        refuse(
            "nested_static",
            "is the nested spelling of the service",
            "write the two sizes directly below `chunking`",
        ),
    ] = None


Chunking = Annotated[
    Annotated[Literal["auto"], Tag("<text>")] | Annotated[StaticChunking, Tag("<static>")],
    text_or("<static>"),
    Field(
        description=(
            "How a file is cut into chunks: `auto` (800 tokens, overlapping by 400) or sizes of"
            " your own"
        ),
        examples=["auto", {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}],
    ),
]


class FromFile(Strict):
    """The text or document of a file."""

    file: str = Field(
        min_length=1, description="Path from the workspace root", examples=["prompts/support.md"]
    )


class FromFiles(Strict):
    """The texts of several files, joined by an empty line."""

    files: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        description="Paths from the workspace root; the texts are joined by an empty line",
        examples=[["prompts/tone.md", "prompts/support.md"]],
    )


def choose_writing(value: Any) -> str:
    """The tag of a text: written out, in a file, or in several."""
    if isinstance(value, str):
        return "<text>"
    many = "files" in value if isinstance(value, dict) else isinstance(value, FromFiles)
    return "<files>" if many else "<file>"


Writing = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[FromFile, Tag("<file>")]
    | Annotated[FromFiles, Tag("<files>")],
    Discriminator(choose_writing),
]


def read_writing(value: str | FromFile | FromFiles | None, scope: Scope, at: Path) -> str | None:
    """The text, out of its files."""
    written = as_written(value)
    return None if written is None else scope.text(written, at)


MAX_NAME_BYTES = 256


def _short_name(name: str) -> str:
    size = len(name.strip().encode())
    if not 1 <= size <= MAX_NAME_BYTES:
        message = f"has {size} bytes; it must have 1 to {MAX_NAME_BYTES}, spaces around it apart"
        raise refusal("name_bytes", message, "choose another name")
    return name


ShortName = Annotated[str, AfterValidator(_short_name)]
"""A name that is measured in bytes."""

_HOW = "write `{env: NAME}`, `{file: PATH}` or `{command: [WORD, …]}`, which say where it is"


def refuse_token_of_job(variable: str, what: str) -> None:
    """A token of the job that runs us is nobody else's secret; `what` is kept in the variable."""
    if variable.upper().startswith(RUNNER):
        hint = (
            f"keep the {what} in a variable of its own;"
            f" {', '.join(f'`{prefix}*`' for prefix in RUNNER)} are GitHub's"
        )
        raise refusal("runner", "is a token of the job, and is sent to nobody else", hint)


def _variable(name: str) -> str:
    refuse_token_of_job(name, "secret")
    if name.upper() in OWN:
        hint = "keep the secret in a variable of its own"
        raise refusal("own_key", "holds a key of ours, which is sent to nobody else", hint)
    return name


def _inside(path: str) -> str:
    if disk.OURS in path.split("/"):
        message = f"is inside `{disk.OURS}/`, where no secrets of others are"
        raise refusal("ours", message, "keep the secret in another folder")
    if path.startswith(("/", "~")) or ".." in path.split("/"):
        message = "leaves the workspace; the file of a secret is below its root"
        raise refusal("outside", message, "write a path relative to the workspace root")
    return path


class InVariable(Strict):
    """The secret that an environment variable holds."""

    env: Annotated[
        str,
        Field(
            pattern="^[A-Za-z_][A-Za-z0-9_]*$",
            description="Name of the environment variable, never the secret itself",
            examples=["CRM_TOKEN"],
        ),
        AfterValidator(_variable),
    ]


class InFile(Strict):
    """The secret that a file of the workspace holds. Keep that file out of version control."""

    file: Annotated[
        str,
        Field(
            min_length=1,
            description="Path from the workspace root; a line end at its end is left out",
            examples=["secrets/crm-token"],
        ),
        AfterValidator(_inside),
    ]


class FromCommand(Strict):
    """The secret that a command prints. It runs in an apply alone, without a shell, in the
    workspace root, and has 30 seconds.
    """

    command: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        description="The command and its arguments, a word each",
        examples=[["op", "read", "op://crm/token"]],
    )


def _by_reference(value: object) -> object:
    """A secret that is written out is refused, without repeating it."""
    if isinstance(value, str | int | float):
        raise PydanticCustomError(
            "literal_secret",
            "{message}",
            {"message": "is a secret, and a spec only says where one is", "hint": _HOW},
        )
    return value


def choose_secret(value: Any) -> str:
    """The tag of a reference to a secret."""
    keys = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    if "command" in keys:
        return "<command>"
    return "<file>" if "file" in keys else "<variable>"


SecretReference = Annotated[
    Annotated[InVariable, Tag("<variable>")]
    | Annotated[InFile, Tag("<file>")]
    | Annotated[FromCommand, Tag("<command>")],
    Discriminator(choose_secret),
    BeforeValidator(_by_reference),
]
"""Where a secret is. The secret itself is in no spec, lock or plan."""


class Lifecycle(Strict):
    """What may happen to the object of a resource."""

    protect: bool = Field(
        default=False,
        description="Refuse to delete or replace the object, until `false` has been applied",
        examples=[True],
    )
    ignore_changes: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[],
        description="Fields whose changes at the service are left alone",
        examples=[["description", "metadata.team"]],
    )


EnvironmentName = Annotated[str, Field(min_length=1, max_length=64)]
Only = Annotated[
    list[EnvironmentName],
    Field(
        min_length=1,
        description="Environments in which this exists; everywhere when left out",
        examples=[["staging"]],
    ),
]


class Shared(Strict):
    """What a resource without an object of its own may say beside its fields."""

    only: Only = []


class Resource(Shared):
    """What every resource with an object may say beside its own fields."""

    lifecycle: Lifecycle | None = Field(
        default=None,
        description="What may happen to the object: protection and fields left alone",
        examples=[{"protect": True, "ignore_changes": ["description"]}],
    )


def applies(only: list[str], environment: str) -> bool:
    """Whether something that says `only: …` exists in an environment."""
    return not only or environment in only
