"""What each API carries of an assistant, found by asking its form about one thing at a time."""

from __future__ import annotations

from typing import Any

from provisioner.kinds import kind
from provisioner.kinds.base import Form
from provisioner.model import Address, Fields
from scripts.reference.markdown import table

_ADDRESS = Address("assistant", "any")
_STORE = "vector_store.handbook"


def _search(**settings: Any) -> Fields:
    return {"tools": [{"type": "file_search", "vector_stores": [_STORE], **settings}]}


def _ranked(**options: Any) -> Fields:
    return _search(ranking_options=options)


def _code(count: int, **settings: Any) -> Fields:
    files = [f"file.data/{number}.csv" for number in range(count)]
    return {"tools": [{"type": "code_interpreter", "files": files, **settings}]}


def _function(**settings: Any) -> Fields:
    return {"tools": [{"type": "function", "name": "find_user", **settings}]}


PROBES: dict[str, Fields] = {
    "`model`, `instructions`": {"instructions": "Be brief."},
    "`name`": {"name": "Support"},
    "`description`": {"description": "Answers questions"},
    "`temperature`, `top_p`": {"temperature": 0.3, "top_p": 0.9},
    "`reasoning_effort`": {"reasoning_effort": "low"},
    "`response_format: json_object`": {"response_format": "json_object"},
    "`response_format`: a `json_schema`": {
        "response_format": {"type": "json_schema", "name": "ticket", "schema": {}}
    },
    "`metadata`, 15 pairs": {"metadata": {f"key{number}": "x" for number in range(15)}},
    "`metadata`, 15 pairs, and `name`": {
        "name": "Support",
        "metadata": {f"key{number}": "x" for number in range(15)},
    },
    "tool `function`": _function(description="Finds a user"),
    "tool `function` without a description": _function(),
    "`function`: `strict: true`": _function(description="Finds a user", strict=True),
    "`function`: `defer_loading`, `async`": _function(
        description="Finds a user", defer_loading=True, **{"async": True}
    ),
    "tool `code_interpreter`, 20 files": _code(20),
    "tool `code_interpreter`, 50 files": _code(50),
    "`code_interpreter`: `memory_limit`": _code(1, memory_limit="4g"),
    "tool `file_search`, one vector store": _search(),
    "tool `file_search`, no vector store": _search(vector_stores=[]),
    "tool `file_search`, two vector stores": _search(vector_stores=[_STORE, {"id": "vs_abc"}]),
    "tool `file_search`, three vector stores": _search(
        vector_stores=[_STORE, {"id": "vs_abc"}, {"id": "vs_def"}]
    ),
    "`file_search`: `max_num_results`": _search(max_num_results=8),
    "`file_search`: `filters`": _search(filters={"type": "eq", "key": "team", "value": "legal"}),
    "`file_search`: `score_threshold`": _ranked(score_threshold=0.5),
    "`file_search`: `ranker: default_2024_08_21`": _ranked(ranker="default_2024_08_21"),
    "`file_search`: `ranker: default-2024-11-15`": _ranked(ranker="default-2024-11-15"),
    "`file_search`: `hybrid_search`": _ranked(
        hybrid_search={"embedding_weight": 0.7, "text_weight": 0.3}
    ),
    "tool `web_search`": {"tools": [{"type": "web_search"}]},
    "tool `mcp`": {
        "tools": [{"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"}]
    },
    "`mcp`: a `transport` of the sort `stdio`": {
        "tools": [
            {
                "type": "mcp",
                "server_label": "crm",
                "transport": {"type": "stdio", "command": "crm", "cwd": "/workspace"},
            }
        ]
    },
    **{
        f"tool `{kind}`": {"tools": [{"type": kind}]}
        for kind in (
            "image_generation",
            "custom",
            "namespace",
            "shell",
            "apply_patch",
            "computer",
            "computer_use",
            "tool_search",
            "programmatic_tool_calling",
            "automations",
        )
    },
}

_INTRODUCTION = """\
What an API cannot carry is a problem, never dropped in silence. `no: NAME` means that the
environment may accept the loss with `accept_loss: [NAME]`. Anything else that is not `yes` cannot
be accepted. Under `responses` a declared `name` or `description` travels in the metadata of the
request, under `agents` a `description` in the metadata of the agent. The blocks `responses:` and
`agents:` hold fields of one API each, and `session:` is for `agents`; the other APIs ignore them.
[The mapping](apis.md) says what each setting is called where.
"""


def section() -> str:
    """The introduction and the table."""
    assistant = kind("assistant")
    columns = [str(api) for api in assistant.apis]
    rows = [
        [label, *(_answer(assistant.form(api), fields) for api in columns)]
        for label, fields in PROBES.items()
    ]
    return f"{_INTRODUCTION}\n" + table(("what", *(f"`{api}`" for api in columns)), rows)


def _answer(form: Form, fields: Fields) -> str:
    whole = {"model": "gpt-4o", **fields}
    losses = [f"`{loss.name}`" for loss in form.losses(_ADDRESS, whole)]
    findings = [finding.summary.lower() for finding in form.check(_ADDRESS, whole)]
    if losses:
        return f"no: {', '.join(dict.fromkeys(losses))}"
    return ", ".join(dict.fromkeys(findings)) or "yes"
