"""The fields of an assistant: what each holds, what it defaults to, and what each API calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner import shapes
from provisioner.kinds.assistant import normal, recognized
from provisioner.kinds.table import (
    REAL,
    TEXT,
    Field,
    Sort,
    Table,
    choice,
    metadata,
    renamed_reference,
)
from provisioner.shapes import either, many, mapping, maybe

_SPEC = "provisioner.kinds.assistant.spec:"
_DECLARE = "provisioner.kinds.assistant.declaring:"
_TOOL = mapping(
    {
        "type": shapes.word,
        "name": shapes.text,
        "description": shapes.text,
        "parameters": mapping(),
        "vector_stores": many(shapes.reference),
        "files": many(shapes.reference),
        "credential": maybe(shapes.reference),
        "ranking_options": mapping({"score_threshold": shapes.number}),
    },
    need=["type"],
)
_FORMAT = mapping(
    {"type": shapes.word, "name": shapes.text, "description": shapes.text, "schema": mapping()}
)
_SCHEMA_FILE = {"file": "schemas/ticket.json"}


_NAMING = ("vector_stores", "files")  # the settings of a tool that name what it works on


def _named(tools: Any) -> Iterator[Any]:
    """The vector stores, files and credentials of some tools."""
    for tool in tools or ():
        for setting in _NAMING:
            yield from tool.get(setting) or ()
        if tool.get("credential"):
            yield tool["credential"]


def _renamed(tools: Any, addresses: Mapping[str, str]) -> Any:
    """The same tools with what they name under its new address."""
    found = [dict(tool) for tool in tools or ()]
    for tool in found:
        for setting in _NAMING:
            if isinstance(tool.get(setting), list):
                tool[setting] = [renamed_reference(one, addresses) for one in tool[setting]]
        if tool.get("credential"):
            tool["credential"] = renamed_reference(tool["credential"], addresses)
    return tools and found


def _of_session(session: Any) -> Iterator[Any]:
    """The template and the vaults of a session."""
    if template := ((session or {}).get("environment") or {}).get("template"):
        yield template
    yield from (session or {}).get("vaults") or ()


def _session_renamed(session: Any, addresses: Mapping[str, str]) -> Any:
    def new(one: Any) -> Any:
        return addresses.get(one, one) if isinstance(one, str) else one

    found = dict(session or {})
    environment = found.get("environment") or {}
    if environment.get("template"):
        found["environment"] = {**environment, "template": new(environment["template"])}
    if found.get("vaults"):
        found["vaults"] = [new(vault) for vault in found["vaults"]]
    return session and found


INSTRUCTIONS = Sort(
    written=f"{_SPEC}Instructions",
    shape=shapes.text,
    normal=TEXT.normal,
    declare=f"{_DECLARE}read_instructions",
    recognized=recognized.instructions,
    edited="text",
)
TOOLS = Sort(
    written=f"{_SPEC}Tools",
    shape=many(_TOOL),
    declare=f"{_DECLARE}declare_tools",
    recognized=recognized.tools,
    edited="tools",
    refers_to=("vector_store", "file", "credential"),
    references=_named,
    renamed=_renamed,
)
SESSION = Sort(
    written=f"{_SPEC}Session",
    shape=mapping(
        {
            "environment": mapping({"type": shapes.word, "template": maybe(shapes.reference)}),
            "vaults": many(shapes.reference),
        }
    ),
    declare=f"{_DECLARE}read_session",
    refers_to=("environment_template", "vault"),
    references=_of_session,
    renamed=_session_renamed,
)
FORMAT = Sort(
    written=f"{_SPEC}ResponseFormat",
    shape=either(shapes.text, _FORMAT),
    normal=normal.response_format,
    declare=f"{_DECLARE}read_format",
    recognized=recognized.response_format,
    edited="format",
)


def _block(api: str) -> Sort:
    """Fields of one API alone, in its own spelling."""
    return Sort(
        written=f"{_SPEC}{api.capitalize()}Block",
        shape=mapping(),
        normal=lambda value: normal.present(value or {}),
    )


FIELDS = Table(
    Field(
        "model",
        TEXT,
        "The model that answers",
        ["gpt-4o", "${var.model}"],
        {"min_length": 1, "max_length": 256},
        required=True,
        unkept="another model answers than the specs name",
    ),
    Field(
        "name",
        TEXT,
        "Name that people see, at most 256 characters, 128 under `agents`; default: the resource's"
        " name",
        ["Support"],
        {"max_length": 256},
        spelt={"responses": "metadata.name"},
    ),
    Field(
        "description",
        TEXT,
        "What it is for, at most 512 characters",
        ["Answers staff questions"],
        {"max_length": 512},
        blank="",
        spelt={"responses": "metadata.description", "agents": "metadata.description"},
    ),
    Field(
        "instructions",
        INSTRUCTIONS,
        "The system prompt: text, `{file: PATH}`, or `{files: [PATH, …]}` joined by an empty line;"
        " at most 256,000 characters",
        ["You answer in one sentence.", {"file": "prompts/support.md"}],
        blank="",
        unkept="it follows other instructions than the specs have",
    ),
    Field(
        "tools",
        TOOLS,
        "What it may use, at most 128 tools, in OpenAI's own flat spelling; a bare string for a"
        " tool without settings",
        [
            [
                "code_interpreter",
                {"type": "file_search", "vector_stores": ["handbook"]},
                {"use": "get_weather"},
            ]
        ],
        unkept="it works with other tools than the specs give it",
    ),
    Field(
        "temperature",
        REAL,
        "How much chance there is in an answer, 0 to 2: 0.2 is focused, 1 is the default",
        [0.3],
        {"ge": 0, "le": 2},
        default=1.0,
        blank=1.0,
        apis=frozenset({"assistants", "responses"}),
    ),
    Field(
        "top_p",
        REAL,
        "Share of the likeliest tokens that is considered, 0 to 1; change this or the temperature",
        [0.95],
        {"ge": 0, "le": 1},
        default=1.0,
        blank=1.0,
        apis=frozenset({"assistants", "responses"}),
    ),
    Field(
        "reasoning_effort",
        choice("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        "How long a reasoning model thinks; not every model knows every value",
        ["low"],
        spelt={"responses": "reasoning.effort", "agents": "reasoning.effort"},
    ),
    Field(
        "response_format",
        FORMAT,
        "The shape of an answer",
        ["auto", {"type": "json_schema", "name": "ticket", "schema": _SCHEMA_FILE}],
        default="auto",
        blank="auto",
        spelt={"responses": "text.format", "agents": "text.format"},
    ),
    metadata({"team": "support"}),
    Field(
        "api",
        choice("assistants", "responses", "agents"),
        "The API that this one is deployed through, where it differs from the environment's",
        ["responses"],
        kept=False,
    ),
    Field(
        "responses",
        _block("responses"),
        "Fields of the Responses API only, in its own spelling",
        [{"max_output_tokens": 2000, "store": False}],
        apis=frozenset({"responses"}),
    ),
    Field(
        "agents",
        _block("agents"),
        "Fields of the Agents API only, in its own spelling",
        [{"text": {"verbosity": "low"}}],
        apis=frozenset({"agents"}),
    ),
    Field(
        "session",
        SESSION,
        "What sessions of the agent are started with, printed by `output` as the arguments of"
        " `sessions.create`. Other APIs ignore it",
        [
            {
                "environment": {"template": {"id": "envtmpl_abc123"}},
                "vaults": [{"id": "vault_abc123"}],
            }
        ],
        apis=frozenset({"agents"}),
        unread=True,
        certain=True,
        local=True,  # the application's own business
    ),
    Field(
        "checks",
        Sort(written=f"{_SPEC}Checks", shape=shapes.anything),
        "Conversations that must hold, by name: a list of turns, or a mapping with settings;"
        " `provisioner check` holds them",
        [
            {
                "vacation": [
                    {
                        "say": "How many vacation days does an employee have?",
                        "expect": {"contains": "27", "cites": "docs/leave.md"},
                    }
                ]
            }
        ],
        kept=False,
    ),
    Field(
        "tool_resources",
        Sort(written=f"{_SPEC}ToolResources", shape=shapes.anything),
        about="",
        kept=False,
    ),
)
