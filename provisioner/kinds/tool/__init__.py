"""The kind `tool`: functions and other tools that assistants share by name; inlined, never an
object of their own.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.kinds.base import Form, Kind, Scope
from provisioner.kinds.table import Table
from provisioner.model import Fields

if TYPE_CHECKING:
    from pydantic import BaseModel


class ToolKind(Kind):
    """Functions and other tools that assistants share by name."""

    name: ClassVar[str] = "tool"
    section: ClassVar[str] = "tools"
    summary: ClassVar[str] = (
        "A function, or another tool, that assistants share by name; it is copied into each of"
        " them."
    )
    about: ClassVar[str] = "A tool that assistants share by its name."
    fields = Table()
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

    apis = ()
    inlined = True

    @cached_property
    def spec(self) -> type[BaseModel]:
        """Not a table: one model for each type of tool."""
        from provisioner.kinds.tool.spec import ToolSpec

        return ToolSpec

    def form(self, api: str | None) -> Form:
        """Tools have none: they exist only inside assistants."""
        raise KeyError(api)

    def declare(self, spec: Any, scope: Scope) -> Fields:
        """The tool as it is copied into assistants."""
        from provisioner.kinds.tool.spec import declare

        return declare(spec, scope)


KIND = ToolKind()
