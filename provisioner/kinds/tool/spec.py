"""What an author may write for a tool that assistants share."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, RootModel, Tag
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.declaring import declare_tool
from provisioner.kinds.assistant.tools import (
    HOSTED,
    PLAIN,
    CodeInterpreter,
    FileSearch,
    Function,
    FunctionName,
    unknown_type,
)
from provisioner.kinds.base import Scope
from provisioner.kinds.common import Lazily, Shared, refusal
from provisioner.kinds.table import as_written
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
    if kind in HOSTED:
        return "<hosted>"
    return f"<{kind}>" if kind in PLAIN else "<unknown>"


class ToolSpec(RootModel[Any]):
    """A tool that assistants share by its name; `type: function` is the default."""

    model_config = ConfigDict(defer_build=True)

    root: Annotated[
        Annotated[SharedFunction, Tag("<function>")]
        | Annotated[SharedFileSearch, Tag("<file_search>")]
        | Annotated[SharedCodeInterpreter, Tag("<code_interpreter>")]
        | Annotated[
            dict[str, Any],
            Lazily("provisioner.kinds.assistant.hosted:SharedHosted"),
            Tag("<hosted>"),
        ]
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


def declare(spec: ToolSpec, scope: Scope) -> Fields:
    """The tool as it is copied into assistants; a function is called after its resource unless it
    says a name.
    """
    tool = {"type": "function", **as_written(spec.root)}
    if tool["type"] == "function":
        tool.setdefault("name", scope.address.name)
    return declare_tool(tool, scope, ())
