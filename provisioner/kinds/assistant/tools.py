"""The tools that an assistant may be given, in OpenAI's own flat spelling, and their neutral
fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    RootModel,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    ValidationError,
)
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.json_schema import read_schema
from provisioner.kinds.base import Finding, Path, Scope
from provisioner.kinds.common import Lazily, Reference, Strict, nearest, refusal, refuse
from provisioner.kinds.file.accepted import RUNNABLE, counted, unaccepted
from provisioner.kinds.table import as_written
from provisioner.model import Fields

FUNCTION_NAME = r"^[A-Za-z0-9_-]{1,64}$"
NAMED = ("code_interpreter", "file_search", "image_generation", "web_search")
"""Tools that work without settings, so that a bare string is enough."""

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
        le=50,
        description="Chunks that the model is given, 1 to 50",
        examples=[8],
    )
    ranking_options: RankingOptions | None = Field(
        default=None,
        description="How chunks are ranked",
        examples=[{"ranker": "auto", "score_threshold": 0.5}],
    )
    filters: (
        Annotated[dict[str, Any], Lazily("provisioner.kinds.assistant.tools:AnyFilter")] | None
    ) = Field(
        default=None,
        description="Which files are searched, by their attributes",
        examples=[{"type": "eq", "key": "team", "value": "legal"}],
    )
    vector_store_ids: Ids = None


class CodeInterpreter(Strict):
    """Python in a sandbox."""

    type: Literal["code_interpreter"]
    files: list[Reference] = Field(
        default=[],
        max_length=50,
        description=(
            "Files that its code can read: paths or globs from the workspace root, or `{id: …}`; "
            "at most 20 under the Assistants API, 50 under Responses"
        ),
        examples=[["data/prices.csv"]],
    )
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None = Field(
        default=None, description="Memory of the sandbox; default `1g`", examples=["4g"]
    )
    file_ids: Ids = None


WebSearch = Annotated[dict[str, Any], Lazily("provisioner.kinds.assistant.hosted:WebSearch")]
Mcp = Annotated[dict[str, Any], Lazily("provisioner.kinds.assistant.hosted:Mcp")]
ImageGeneration = Annotated[
    dict[str, Any], Lazily("provisioner.kinds.assistant.hosted:ImageGeneration")
]

TYPES = ("code_interpreter", "file_search", "function", "image_generation", "mcp", "web_search")


_FORMERLY = {"retrieval": "`retrieval` is called `file_search` by now: write `file_search`"}


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
        return "<use>" if "use" in value else f"<{kind}>" if kind in TYPES else "<unknown>"
    return "<unknown>"


Unknown = Annotated[SkipJsonSchema[None], BeforeValidator(_unknown), Tag("<unknown>")]

Tool = Annotated[
    Annotated[
        Literal["code_interpreter", "file_search", "image_generation", "web_search"],
        BeforeValidator(_name),
        Tag("<name>"),
    ]
    | Annotated[Use, Tag("<use>")]
    | Annotated[Function, Tag("<function>")]
    | Annotated[FileSearch, Tag("<file_search>")]
    | Annotated[CodeInterpreter, Tag("<code_interpreter>")]
    | Annotated[WebSearch, Tag("<web_search>")]
    | Annotated[Mcp, Tag("<mcp>")]
    | Annotated[ImageGeneration, Tag("<image_generation>")]
    | Unknown,
    Discriminator(_choose),
]


MAX_CODE_FILES = 50
_MAGIC = frozenset("*?[")


def declare_tools(tools: Iterable[Any] | None, scope: Scope, at: Path) -> list[Fields]:
    """The fields of every tool, in the declared order; those with findings are left out."""
    found: list[Fields] = []
    places: list[Path] = []
    for index, tool in enumerate(tools or ()):
        place = (*at, index)
        fields = (
            scope.tool(tool.use, (*place, "use"))
            if isinstance(tool, Use)
            else declare_tool(tool, scope, place)
        )
        if fields is not None:
            found.append(fields)
            places.append(place)
    _check_unique(found, places, scope)
    return found


def declare_tool(tool: Any, scope: Scope, at: Path) -> Fields:
    """The fields of one tool that is not shared. `at` is its path below the resource."""
    if isinstance(tool, str):
        return {"type": tool}
    if isinstance(tool, Function):
        return _function(tool, scope, at)
    if isinstance(tool, FileSearch):
        return _file_search(tool, scope, at)
    if isinstance(tool, CodeInterpreter):
        return _code_interpreter(tool, scope, at)
    return _hosted(tool, scope, at)


def _function(tool: Function, scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "function", "name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    if tool.parameters is not None:
        fields["parameters"] = read_schema(
            tool.parameters, bool(tool.strict), scope, (*at, "parameters")
        )
    elif tool.strict:
        detail = (
            f"The function `{tool.name}` of `{scope.address}` is strict and has no `parameters`."
        )
        hint = (
            "write `parameters: {type: object, properties: {}, required: [], additionalProperties:"
            " false}`"
        )
        scope.report(Finding((*at, "strict"), "Not a strict schema", detail, hint))
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return fields


def _file_search(tool: FileSearch, scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "file_search"}
    if "vector_stores" in tool.model_fields_set:
        named = [as_written(store) for store in tool.vector_stores]
        places = [(*at, "vector_stores", index) for index in range(len(named))]
        found = [
            scope.reference("vector_store", name, place)
            for name, place in zip(named, places, strict=True)
        ]
        fields["vector_stores"] = _distinct(found, places, scope, "Vector store named twice")
    fields |= tool.model_dump(
        include={"max_num_results", "ranking_options"}, exclude_unset=True, exclude_none=True
    )
    if tool.filters is not None:
        fields["filters"] = tool.filters
    return fields


def _code_interpreter(tool: CodeInterpreter, scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "code_interpreter"}
    if "files" in tool.model_fields_set:
        fields["files"] = _code_files(tool, scope, (*at, "files"))
    if tool.memory_limit is not None:
        fields["memory_limit"] = tool.memory_limit
    return fields


def _code_files(tool: CodeInterpreter, scope: Scope, at: Path) -> list[Any]:
    found: list[Any] = []
    places: list[Path] = []
    for index, value in enumerate(tool.files):
        place = (*at, index)
        matched: Sequence[Any] = [as_written(value)]
        if isinstance(value, str) and not _MAGIC.isdisjoint(value):
            matched = scope.glob(value, (), place)
        for one in matched:
            found.append(scope.file(one, place))
            places.append(place)
    files = _distinct(found, places, scope, "File named twice")
    if len(files) > MAX_CODE_FILES:
        detail = (
            f"`{scope.address}` gives {len(files)} files to its code interpreter; it takes at most"
            f" {MAX_CODE_FILES}."
        )
        scope.report(Finding(at, "Too many files", detail, "join them, or pack them into a `.zip`"))
    paths = [file.removeprefix("file.") for file in files if isinstance(file, str)]
    for suffix, some in unaccepted(paths, RUNNABLE).items():
        detail = (
            f"`{scope.address}` gives {counted(suffix, some)} to its code interpreter, which may"
            " refuse "
        )
        detail += f"`{suffix}`." if suffix else "files without an extension."
        hint = "nothing, if it works for you; otherwise convert it or pack it into a `.zip`"
        scope.report(Finding(at, "Unusual extension", detail, hint, "warning"))
    return files


def _hosted(tool: dict[str, Any], scope: Scope, at: Path) -> Fields:
    fields = {key: value for key, value in tool.items() if key != "only"}
    if fields["type"] != "mcp":
        return fields
    homes = [key for key in ("server_url", "connector_id", "tunnel_id") if key in fields]
    if len(homes) != 1:
        said = " and ".join(f"`{key}`" for key in homes) or "none"
        detail = (
            f"The MCP server `{fields['server_label']}` of `{scope.address}` needs exactly one of"
            f" `server_url`, `connector_id` and `tunnel_id`; it has {said}."
        )
        hint = f"keep one of {said}" if homes else "write `server_url: https://…`"
        scope.report(
            Finding((*at, homes[1] if homes else "server_url"), "Unclear MCP server", detail, hint)
        )
    return fields


def _distinct(found: list[Any], places: list[Path], scope: Scope, summary: str) -> list[Any]:
    """Without what could not be resolved; what is named twice is reported."""
    kept: list[Any] = []
    for one, place in zip(found, places, strict=True):
        if one is None:
            continue
        if one in kept:
            shown = one if isinstance(one, str) else one["id"]
            scope.report(
                Finding(
                    place,
                    summary,
                    f"`{scope.address}` names `{shown}` twice in one tool.",
                    "remove one",
                )
            )
        else:
            kept.append(one)
    return kept


def _check_unique(tools: list[Fields], places: list[Path], scope: Scope) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for tool, place in zip(tools, places, strict=True):
        # There may be one function of a name, one MCP server of a label, and one tool of any other
        # type.
        sort, name = tool["type"], str(tool.get("name") or tool.get("server_label") or "")
        key = (sort, name)
        if key not in seen:
            seen[key] = place
            continue
        what = (
            f"{'functions' if sort == 'function' else 'MCP servers'} named `{name}`"
            if name
            else f"`{sort}` tools"
        )
        hint = "rename one" if name else "join them into one"
        detail = (
            f"`{scope.address}` has two {what}: `tools[{seen[key][1]}]` and `tools[{place[1]}]`."
        )
        scope.report(Finding(place, "Duplicate tool", detail, hint))


Scalar = StrictStr | StrictInt | StrictFloat | StrictBool


class Comparison(Strict):
    """One attribute against a value."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"] = Field(
        description="How the attribute is compared", examples=["eq"]
    )
    key: str = Field(min_length=1, max_length=64, description="The attribute", examples=["team"])
    value: Scalar | list[StrictStr | StrictInt | StrictFloat] = Field(
        union_mode="left_to_right",
        description="The value; a list for `in` and `nin`",
        examples=["legal", 2026],
    )


class Compound(Strict):
    """Several filters at once."""

    type: Literal["and", "or"] = Field(description="Whether all must hold or one", examples=["and"])
    filters: list[Filter] = Field(
        min_length=1,
        description="The filters",
        examples=[[{"type": "eq", "key": "team", "value": "legal"}]],
    )


def _choose_filter(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    joined = isinstance(value, dict) and "filters" in value and "key" not in value
    return "<compound>" if kind in ("and", "or") or joined else "<comparison>"


Filter = Annotated[
    Annotated[Comparison, Tag("<comparison>")] | Annotated[Compound, Tag("<compound>")],
    Discriminator(_choose_filter),
]
Compound.model_rebuild()


class AnyFilter(RootModel[Filter]):
    """A comparison, or several joined by `and` or `or`."""

    def declared(self) -> dict[str, Any]:
        """Exactly what the author wrote."""
        return self.root.declared()
