"""The kind `tool`: functions and other tools that assistants share by name; inlined, never an
object of their own.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, RootModel, Tag
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.tools import (
    TYPES,
    CodeInterpreter,
    FileSearch,
    Function,
    FunctionName,
    declare_tool,
    unknown_type,
)
from provisioner.kinds.base import Form, Kind, Scope
from provisioner.kinds.common import Lazily, Shared, refusal
from provisioner.model import Fields


class SharedFunction(Function, Shared):
    """A function of your application that the model may call; shared by name."""

    type: Literal["function"] = "function"
    name: FunctionName = Field(default="")


class SharedFileSearch(FileSearch, Shared):
    """Search in the files of vector stores; shared by name."""


class SharedCodeInterpreter(CodeInterpreter, Shared):
    """Python in a sandbox; shared by name."""


def _unknown(value: object) -> object:
    if not isinstance(value, dict):
        raise refusal(
            "tool", "is not a tool", "write a mapping, as in `{description: …, parameters: {…}}`"
        )
    raise unknown_type(value.get("type"))


def _choose(value: Any) -> str:
    kind = value.get("type", "function") if isinstance(value, dict) else None
    return f"<{kind}>" if kind in TYPES else "<unknown>"


_HOSTED = "provisioner.kinds.assistant.hosted:Shared"


class ToolSpec(RootModel[Any]):
    """A tool that assistants share by its name; `type: function` is the default."""

    model_config = ConfigDict(defer_build=True)

    root: Annotated[
        Annotated[SharedFunction, Tag("<function>")]
        | Annotated[SharedFileSearch, Tag("<file_search>")]
        | Annotated[SharedCodeInterpreter, Tag("<code_interpreter>")]
        | Annotated[dict[str, Any], Lazily(_HOSTED + "WebSearch"), Tag("<web_search>")]
        | Annotated[dict[str, Any], Lazily(_HOSTED + "Mcp"), Tag("<mcp>")]
        | Annotated[dict[str, Any], Lazily(_HOSTED + "ImageGeneration"), Tag("<image_generation>")]
        | Annotated[SkipJsonSchema[None], BeforeValidator(_unknown), Tag("<unknown>")],
        Discriminator(_choose),
    ]

    @property
    def only(self) -> list[str]:
        """The environments in which it exists."""
        found: list[str] = (
            self.root.get("only", [])
            if isinstance(self.root, dict)
            else getattr(self.root, "only", [])
        )
        return found


class ToolKind(Kind):
    """Functions and other tools that assistants share by name."""

    name: ClassVar[str] = "tool"
    section: ClassVar[str] = "tools"
    spec = ToolSpec
    summary: ClassVar[str] = (
        "A function, or another tool, that assistants share by name; it is copied into each of"
        " them."
    )
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "name": "getWeather",
            "description": "Current weather for a place",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"location": {"type": "string"}},
                "required": ["location"],
                "additionalProperties": False,
            },
        },
        {
            "type": "function",
            "description": "Finds a user",
            "parameters": {"file": "schemas/find_user.json"},
        },
        {"type": "file_search", "vector_stores": ["handbook"], "max_num_results": 8},
    )

    def form(self, api: str | None) -> Form:
        """Tools have none: they exist only inside assistants."""
        raise KeyError(api)

    def declare(self, spec: ToolSpec, scope: Scope) -> Fields:
        """The tool as it is copied into assistants; a function is called after its resource unless
        it says a name.
        """
        tool = spec.root
        if isinstance(tool, SharedFunction) and "name" not in tool.model_fields_set:
            tool = tool.model_copy(update={"name": scope.address.name})
        return declare_tool(tool, scope, ())


KIND = ToolKind()
