"""The tools that an assistant may be given, in OpenAI's own flat spelling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.recognized import (
    FUNCTION_NAME,
    MAX_CODE_FILES,
    MAX_RESULTS,
    NAMED,
    Named,
)
from provisioner.kinds.common import Lazily, Reference, Strict, nearest, refusal, refuse

FunctionName = Annotated[
    str,
    Field(
        pattern=FUNCTION_NAME,
        description="Name that the model calls, at most 64 letters, digits, `_` and `-`",
        examples=["get_weather"],
    ),
]
Nested = Annotated[
    SkipJsonSchema[None],
    refuse(
        "nested_function",
        "is the nested spelling of older APIs",
        "write its keys beside `type: function`",
    ),
]
Ids = Annotated[
    SkipJsonSchema[None],
    refuse(
        "ids",
        "takes ids of the service",
        "name resources and paths, or write `{id: …}` for what is not managed here",
    ),
]


Callers = Annotated[
    list[Literal["direct", "programmatic"]] | None,
    Field(
        description="Whether the model calls it directly, from its code, or both; Responses only",
        examples=[["direct"]],
    ),
]
Deferred = Annotated[
    bool | None,
    Field(description="Whether it is found by `tool_search` only; default false", examples=[True]),
]
InBackground = Annotated[
    bool | None,
    Field(description="Whether the model goes on while it runs", examples=[True]),
]
MemoryLimit = Annotated[
    Literal["1g", "4g", "16g", "64g"] | None,
    Field(description="Memory of the sandbox; default `1g`", examples=["4g"]),
]


class Use(Strict):
    """A tool declared below `tools:`, used by its name there."""

    use: str = Field(min_length=1, description="Name of a shared tool", examples=["get_weather"])


class Function(Strict):
    """A function of your application that the model may call."""

    type: Literal["function"]
    name: FunctionName
    description: str | None = Field(
        default=None,
        description="What the function does and when to call it; the model decides by this",
        examples=["Current weather for a place"],
    )
    parameters: dict[str, Any] | None = Field(
        default=None,
        description=(
            "JSON Schema of the arguments, or `{file: PATH}` of one; none means no arguments"
        ),
        examples=[
            {
                "type": "object",
                "properties": {"location": {"type": "string"}},
                "required": ["location"],
                "additionalProperties": False,
            },
            {"file": "schemas/find_user.json"},
        ],
    )
    strict: bool | None = Field(
        default=None,
        description=(
            "Whether the arguments always fit the schema, which must then keep to the strict"
            " subset; default false"
        ),
        examples=[True],
    )
    output_schema: dict[str, Any] | None = Field(
        default=None,
        description="JSON Schema of what it returns, or `{file: PATH}`; Responses only",
        examples=[{"type": "object", "properties": {"celsius": {"type": "number"}}}],
    )
    defer_loading: Deferred = None
    allowed_callers: Callers = None
    async_: InBackground = Field(default=None, alias="async")
    function: Nested = None


class HybridSearch(Strict):
    """How a search weighs meaning against words."""

    embedding_weight: float = Field(ge=0, description="Weight of the meaning", examples=[0.7])
    text_weight: float = Field(ge=0, description="Weight of the words", examples=[0.3])


class RankingOptions(Strict):
    """How the chunks that were found are ranked."""

    ranker: Literal["auto", "default_2024_08_21", "default-2024-11-15"] | None = Field(
        default=None, description="The ranker; not every API knows every one", examples=["auto"]
    )
    score_threshold: float | None = Field(
        default=None, ge=0, le=1, description="Least score of a chunk, 0 to 1", examples=[0.5]
    )
    hybrid_search: HybridSearch | None = Field(
        default=None,
        description="How meaning is weighed against words",
        examples=[{"embedding_weight": 0.7, "text_weight": 0.3}],
    )


class FileSearch(Strict):
    """Search in the files of vector stores."""

    type: Literal["file_search"]
    vector_stores: list[Reference] = Field(
        default=[],
        description="The stores to search in: names of this workspace, or `{id: …}`",
        examples=[["handbook"], [{"id": "vs_abc123"}]],
    )
    max_num_results: int | None = Field(
        default=None,
        ge=1,
        le=MAX_RESULTS,
        description="Chunks that the model is given, 1 to 50",
        examples=[8],
    )
    ranking_options: RankingOptions | None = Field(
        default=None,
        description="How chunks are ranked",
        examples=[{"ranker": "auto", "score_threshold": 0.5}],
    )
    filters: (
        Annotated[dict[str, Any], Lazily("provisioner.kinds.assistant.filters:AnyFilter")] | None
    ) = Field(
        default=None,
        description="Which files are searched, by their attributes",
        examples=[{"type": "eq", "key": "team", "value": "legal"}],
    )
    vector_store_ids: Ids = None


class NoNetwork(Strict):
    """Nothing outside."""

    type: Literal["disabled"]


class SomeNetwork(Strict):
    """Some domains."""

    type: Literal["allowlist"]
    allowed_domains: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="The domains", examples=[["pypi.org"]]
    )
    domain_secrets: Annotated[
        SkipJsonSchema[None],
        refuse(
            "secret",
            "holds secrets, which have no place in a spec",
            "leave it out; your application adds it to the request",
        ),
    ] = None


def _reach(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>"


NetworkPolicy = Annotated[
    Annotated[NoNetwork, Tag("<disabled>")] | Annotated[SomeNetwork, Tag("<allowlist>")],
    Discriminator(_reach),
]


class CodeInterpreter(Strict):
    """Python in a sandbox."""

    type: Literal["code_interpreter"]
    files: list[Reference] = Field(
        default=[],
        max_length=MAX_CODE_FILES,
        description=(
            "Files that its code can read: paths or globs from the workspace root, or `{id: …}`; "
            "at most 20 under the Assistants API, 50 under Responses"
        ),
        examples=[["data/prices.csv"]],
    )
    memory_limit: MemoryLimit = None
    network_policy: NetworkPolicy | None = Field(
        default=None,
        description="What its code may reach",
        examples=[{"type": "allowlist", "allowed_domains": ["pypi.org"]}],
    )
    allowed_callers: Callers = None
    file_ids: Ids = None


PLAIN = ("code_interpreter", "file_search", "function")
HOSTED = (
    "apply_patch",
    "automations",
    "computer",
    "computer_use",
    "custom",
    "image_generation",
    "mcp",
    "namespace",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
)
"""Tools whose models are read with the first spec that has one."""

TYPES = tuple(sorted((*PLAIN, *HOSTED)))

_FORMERLY = {
    old: f"`{old}` is called `{new}` by now: write `{new}`"
    for old, new in (
        ("retrieval", "file_search"),
        ("web_search_preview", "web_search"),
        ("computer_use_preview", "computer"),
        ("local_shell", "shell"),
    )
}


def _name(value: object) -> object:
    if value not in NAMED:
        use = (
            f"write `use: {value}` for a tool declared below `tools:`; without settings work"
            f" {', '.join(NAMED)}"
        )
        raise refusal(
            "tool_name", "is not a tool that works without settings", _meant(value, NAMED) or use
        )
    return value


def _meant(word: object, known: Iterable[str]) -> str | None:
    return _FORMERLY.get(str(word)) or nearest(word, known)


def unknown_type(written: object) -> ValidationError:
    """The finding of a `type` that no tool has, reported at the type itself."""
    hint = _meant(written, TYPES) or f"the types are {', '.join(TYPES)}"
    finding = refusal("tool_type", "is not a type of a tool", hint)
    return ValidationError.from_exception_data(
        "tool", [{"type": finding, "loc": ("type",), "input": written}]
    )


def _unknown(value: object) -> object:
    if not isinstance(value, dict):
        raise refusal(
            "tool",
            "is not a tool",
            "write a mapping with a `type`, or the name of a tool without settings",
        )
    if "type" not in value:
        known = ", ".join(TYPES)
        raise refusal("tool_type", "has no `type`", f"the types are {known}; or write `use: NAME`")
    raise unknown_type(value["type"])


def _choose(value: Any) -> str:
    """The tag of a tool; `<unknown>` says itself what is wrong."""
    if isinstance(value, str):
        return "<name>"
    if isinstance(value, dict):
        kind = value.get("type")
        if "use" in value:
            return "<use>"
        if kind in HOSTED:
            return "<hosted>"
        return f"<{kind}>" if kind in PLAIN else "<unknown>"
    return "<unknown>"


Unknown = Annotated[SkipJsonSchema[None], BeforeValidator(_unknown), Tag("<unknown>")]

Tool = Annotated[
    Annotated[
        Named,
        BeforeValidator(_name),
        Tag("<name>"),
    ]
    | Annotated[Use, Tag("<use>")]
    | Annotated[Function, Tag("<function>")]
    | Annotated[FileSearch, Tag("<file_search>")]
    | Annotated[CodeInterpreter, Tag("<code_interpreter>")]
    | Annotated[
        dict[str, Any], Lazily("provisioner.kinds.assistant.hosted:Hosted"), Tag("<hosted>")
    ]
    | Unknown,
    Discriminator(_choose),
]
