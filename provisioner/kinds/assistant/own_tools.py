"""Tools that your application carries out: free text, a shell, patches, a computer, and how the
model finds them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from provisioner.kinds.assistant.tools import (
    Callers,
    Deferred,
    Function,
    FunctionName,
    InBackground,
    MemoryLimit,
    NetworkPolicy,
)
from provisioner.kinds.common import Reference, Strict, Writing

Text = Annotated[str, Field(min_length=1)]


def _type_of(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>"


class FreeText(Strict):
    """Any text."""

    type: Literal["text"]


class Grammar(Strict):
    """Text that a grammar allows."""

    type: Literal["grammar"]
    syntax: Literal["lark", "regex"] = Field(
        description="What the grammar is written in", examples=["lark"]
    )
    definition: Writing = Field(
        description="The grammar: text, or `{file: PATH}`", examples=[{"file": "schemas/sql.lark"}]
    )


Format = Annotated[
    Annotated[FreeText, Tag("<text>")] | Annotated[Grammar, Tag("<grammar>")],
    Discriminator(_type_of),
]


class Custom(Strict):
    """A tool of your application that is given text."""

    type: Literal["custom"]
    name: FunctionName
    description: str | None = Field(
        default=None, description="What the tool is for", examples=["Runs a query"]
    )
    format: Format | None = Field(
        default=None,
        description="What its input is like; default any text",
        examples=[{"type": "text"}],
    )
    defer_loading: Deferred = None
    allowed_callers: Callers = None
    async_: InBackground = Field(default=None, alias="async")


class SkillReference(Strict):
    """A skill of the service."""

    id: str = Field(min_length=1, max_length=64, description="Its id", examples=["skill_abc123"])
    version: str | None = Field(
        default=None, description="A number or `latest`; default: its own default", examples=["2"]
    )


class LocalSkill(Strict):
    """A skill that lies where your application runs."""

    name: Text = Field(description="Its name", examples=["triage"])
    description: Text = Field(description="When it is used", examples=["Sorts tickets"])
    path: Text = Field(description="Where it lies there", examples=["/skills/triage"])


Skill = Annotated[
    Annotated[SkillReference, Tag("<skill>")] | Annotated[LocalSkill, Tag("<local>")],
    Discriminator(
        lambda value: (
            "<local>"
            if isinstance(value, LocalSkill) or (isinstance(value, dict) and "id" not in value)
            else "<skill>"
        )
    ),
]


class Shell(Strict):
    """Commands of a shell: in a container of the service, or where your application runs."""

    type: Literal["shell"]
    environment: Literal["container_auto", "local"] | None = Field(
        default=None,
        description="Where commands run: a new container, or your application's computer",
        examples=["container_auto"],
    )
    files: list[Reference] = Field(
        default=[],
        max_length=50,
        description="Files that the container has: paths or globs, or `{id: …}`",
        examples=[["data/prices.csv"]],
    )
    memory_limit: MemoryLimit = None
    network_policy: NetworkPolicy | None = Field(
        default=None,
        description="What the container may reach",
        examples=[{"type": "allowlist", "allowed_domains": ["pypi.org"]}],
    )
    skills: list[Skill] | None = Field(
        default=None,
        description="Skills: `{id: …}` in a container, `{name, description, path}` on a computer",
        examples=[[{"id": "skill_abc123"}]],
    )
    allowed_callers: Callers = None


class ApplyPatch(Strict):
    """Patches of files, which your application applies."""

    type: Literal["apply_patch"]
    allowed_callers: Callers = None


class Computer(Strict):
    """A computer that your application controls."""

    type: Literal["computer"]


class Namespace(Strict):
    """Functions and custom tools below one name."""

    type: Literal["namespace"]
    name: FunctionName
    description: Text = Field(description="What they are for", examples=["Our customers"])
    tools: list[
        Annotated[
            Annotated[Function, Tag("<function>")] | Annotated[Custom, Tag("<custom>")],
            Discriminator(_type_of),
        ]
    ] = Field(
        min_length=1,
        description="The functions and custom tools",
        examples=[[{"type": "function", "name": "get_weather"}]],
    )


class ToolSearch(Strict):
    """Tools that are marked `defer_loading` are found when they are needed."""

    type: Literal["tool_search"]
    execution: Literal["server", "client"] | None = Field(
        default=None,
        description="Who searches: the service (default) or your application; Responses only",
        examples=["server"],
    )
    description: str | None = Field(
        default=None,
        description="What a search of your application finds; Responses only",
        examples=["Finds tools by what they do"],
    )
    parameters: dict[str, Any] | None = Field(
        default=None,
        description="JSON Schema of its arguments, or `{file: PATH}`; Responses only",
        examples=[{"file": "schemas/search.json"}],
    )
