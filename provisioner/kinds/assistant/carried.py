"""What each API carries of the tools: a table, and what is lost by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from provisioner.kinds.base import Finding, Loss, Path
from provisioner.kinds.wire import MAX_PAIRS
from provisioner.model import Address, Fields

A, R, G = "assistants", "responses", "agents"
TITLES = {A: "Assistants API", R: "Responses API", G: "Agents API"}

Where = Mapping[str, str]
"""By API, where a request has something; empty where it is called as in specs."""

TOOL = ""
"""The key of a tool itself, beside those of its settings."""

OFF = "no tool at all"
"""Where a setting that switches a tool off goes, if there is no other way to say so."""


def _own(*apis: str) -> Where:
    return dict.fromkeys(apis, "")


_CALLED = {
    "defer_loading": _own(R, G),
    "async": _own(R, G),
    "output_schema": _own(R),
    "allowed_callers": _own(R),
}

TOOLS: Mapping[str, Mapping[str, Where]] = {
    "function": {
        TOOL: {A: "function.function", R: "", G: ""},
        "name": _own(A, R, G),
        "description": _own(A, R, G),
        "parameters": _own(A, R, G),
        "strict": _own(A, R),
        **_CALLED,
    },
    "file_search": {
        TOOL: _own(A, R),
        "vector_stores": {
            A: "tool_resources.file_search.vector_store_ids",
            R: "vector_store_ids",
        },
        "max_num_results": {A: "file_search.max_num_results", R: ""},
        "ranking_options": {A: "file_search.ranking_options", R: ""},
        "filters": _own(R),
    },
    "code_interpreter": {
        TOOL: _own(A, R),
        "files": {A: "tool_resources.code_interpreter.file_ids", R: "container.file_ids"},
        "memory_limit": {R: "container.memory_limit"},
        "network_policy": {R: "container.network_policy"},
        "allowed_callers": _own(R),
    },
    "web_search": {
        TOOL: _own(R, G),
        "filters": {R: "", G: "allowed_domains"},
        "search_context_size": {R: "", G: "context_size"},
        "user_location": {R: "", G: "location"},
        "external_web_access": {R: "", G: "mode"},
        "mode": {R: OFF, G: ""},
    },
    "mcp": {
        TOOL: _own(R, G),
        "server_label": _own(R, G),
        "server_url": {R: "", G: "transport.server_url"},
        "transport": {R: "server_url, headers", G: ""},
        "connector_id": _own(R),
        "tunnel_id": _own(R),
        "credential": {R: "authorization, filled in by your application", G: "credential_id"},
        "server_description": _own(R),
        "allowed_tools": _own(R, G),
        "require_approval": _own(R),
        "defer_loading": _own(R),
        "allowed_callers": _own(R),
        "connection_origin": _own(G),
        "request_metadata": _own(G),
        "required": _own(G),
    },
    "image_generation": {
        TOOL: _own(R),
        **dict.fromkeys(
            (
                "model",
                "action",
                "quality",
                "size",
                "output_format",
                "output_compression",
                "moderation",
                "background",
                "input_fidelity",
                "input_image_mask",
                "partial_images",
                "complexity",
                "frame_count",
                "frame_duration_ms",
                "svg",
            ),
            _own(R),
        ),
    },
    "custom": {
        TOOL: _own(R),
        "name": _own(R),
        "description": _own(R),
        "format": _own(R),
        "defer_loading": _own(R),
        "async": _own(R),
        "allowed_callers": _own(R),
    },
    "namespace": {
        TOOL: _own(R),
        "name": _own(R),
        "description": _own(R),
        "tools": _own(R),
    },
    "shell": {
        TOOL: _own(R),
        "environment": {R: "environment.type"},
        "files": {R: "environment.file_ids"},
        "memory_limit": {R: "environment.memory_limit"},
        "network_policy": {R: "environment.network_policy"},
        "skills": {R: "environment.skills"},
        "allowed_callers": _own(R),
    },
    "apply_patch": {TOOL: _own(R), "allowed_callers": _own(R)},
    "computer": {TOOL: _own(R)},
    "computer_use": {TOOL: _own(G), "include_screenshots": _own(G)},
    "tool_search": {
        TOOL: _own(R, G),
        "execution": _own(R),
        "description": _own(R),
        "parameters": _own(R),
    },
    "programmatic_tool_calling": {TOOL: _own(R, G), "enabled": {R: OFF, G: ""}},
    "automations": {TOOL: _own(G)},
}

# Where a mapping goes deeper than the field as a whole, by API and field.
NESTED: Mapping[tuple[str, str], str] = {
    (A, "tools"): "tools, tool_resources",
    (A, "response_format"): "response_format.json_schema",
}

# What each API does where nothing is said, for all of which that is not the same everywhere.
DEFAULTS: Mapping[str, Where] = {
    "instructions": {A: "none", R: "none", G: "those that every agent has, which others join"},
    "temperature": {A: "1", R: "1", G: "the model's own"},
    "top_p": {A: "1", R: "1", G: "the model's own"},
    "tools.file_search.max_num_results": {A: "20, or 5 for `gpt-3.5`", R: "20"},
    "tools.file_search.ranking_options": {
        A: "the ranker `default_2024_08_21`",
        R: "the ranker `auto`",
    },
}

# What a service does anyway, where that is not what nothing, `false` or an empty list says.
_ANYWAY = {
    ("web_search", "external_web_access"): True,
    ("mcp", "connection_origin"): "service",
    ("programmatic_tool_calling", "enabled"): True,
    ("tool_search", "execution"): "server",
}

# The homes of an MCP server: without the one that it has, nothing of it is left.
HOMES = ("server_url", "transport", "connector_id", "tunnel_id")

_REMEDIES = {
    (G, "file_search"): (
        "use an MCP server over the documents, a function that calls `vector_stores.search`,"
        " or give them to the sessions as files of an environment template"
    ),
    (G, "code_interpreter"): (
        "take it out and give the sessions an `openai_hosted` environment, which runs code"
    ),
    (G, "shell"): (
        "take it out and give the sessions an `openai_hosted` environment, which has a shell"
    ),
    (G, "apply_patch"): (
        "take it out and give the sessions an `openai_hosted` environment, which writes files"
    ),
    (G, "computer"): "write `computer_use`, a browser in the session",
    (R, "computer_use"): "write `computer`, which your application controls",
    (G, "custom"): "write a function with one text as its parameter",
    (G, "namespace"): "write its functions beside the other tools",
    (G, "function.strict"): "take `strict` out; the schema itself stays",
    (R, "mcp.transport"): "write `server_url`, the address of a server over HTTP",
    (G, "mcp.connector_id"): "write `server_url`, the address of an MCP server",
    (G, "mcp.tunnel_id"): "write `server_url`, the address of an MCP server",
    (G, "mcp.server_description"): "say it in the instructions",
}


def lost(api: str, address: Address, tool: Mapping[str, Any], index: int) -> Iterator[Loss]:
    """What an API does not carry of the tool at `tools[index]`."""
    kind = str(tool["type"])
    if not _knows(api, kind):
        why = f"`{address}` has the tool `{kind}`, which the {TITLES[api]} does not know."
        yield Loss(f"tools.{kind}", ("tools", index), why, _hint(api, kind))
        return
    for name, value in tool.items():
        if name != "type" and says(kind, name, value) and not _carries(api, tool, name):
            why = f"`{address}` sets `{name}` of `{kind}`, which the {TITLES[api]} does not know."
            where = ("tools", index, name)
            yield Loss(f"tools.{kind}.{name}", where, why, _hint(api, kind, name))
    allowed = tool.get("allowed_tools")
    if api == G and isinstance(allowed, Mapping) and allowed.get("read_only") is not None:
        why = f"`{address}` allows the tools of an MCP server by what they do; the {TITLES[G]}"
        why += " takes their names."
        hint = "list the names, or " + accept("tools.mcp.read_only")
        path: Path = ("tools", index, "allowed_tools")
        if allowed.get("tool_names") is not None:  # which go along
            path = (*path, "read_only")
        yield Loss("tools.mcp.read_only", path, why, hint)


def carried(api: str, tool: Mapping[str, Any]) -> Fields | None:
    """A tool with what an API carries of it; None where nothing is left."""
    kind = str(tool.get("type"))
    known = _settings(api, kind)
    if known is None or (api == R and _is_off(tool)):
        return None
    if kind == "mcp" and not any(tool.get(home) and _carries(api, tool, home) for home in HOMES):
        return None
    found = {name: value for name, value in tool.items() if name in known}
    if "transport" in found and not _carries(api, tool, "transport"):
        del found["transport"]
    return found


@cache  # asked for every tool of every assistant
def _settings(api: str, kind: str) -> frozenset[str] | None:
    """What an API may carry of one kind of tools; None where it does not know that kind."""
    if not _knows(api, kind):
        return None
    known = {name for name, where in TOOLS[kind].items() if name != TOOL and api in where}
    return frozenset({"type", *known})


def lost_labels(address: Address, fields: Fields, labels: Sequence[str]) -> Iterator[Loss]:
    """Fields that travel as metadata: what has no room there, or whose key is taken by something
    else, is lost.
    """
    metadata = fields.get("metadata") or {}
    declared = [name for name in labels if fields.get(name)]
    for name in declared:
        if metadata.get(name, fields[name]) != fields[name]:
            why = (
                f"`{address}` has a {name}, which travels as `metadata.{name}`; its metadata uses"
                " that key already."
            )
            hint = f"choose another key in `metadata`, or {accept(name)}"
            yield Loss(name, (name,), why, hint)
    fitting = [name for name in declared if name not in metadata]
    excess = max(len(metadata) + 1 + len(fitting) - MAX_PAIRS, 0)
    for name in fitting[len(fitting) - excess :]:
        why = (
            f"The {name} of `{address}` travels as metadata, where only {MAX_PAIRS} pairs fit,"
            " one of them ours."
        )
        yield Loss(name, (name,), why, f"take out a pair of `metadata`, or {accept(name)}")


def nameless(api: str, address: Address, fields: Fields) -> Iterator[Finding]:
    """A format that only an agent does without a name."""
    wanted = fields.get("response_format")
    if isinstance(wanted, Mapping) and not wanted.get("name"):
        detail = f"The response format of `{address}` has no name, and the {TITLES[api]} needs one."
        hint = "name it beside its schema, as in `name: answer`"
        yield Finding(("response_format",), "Name missing", detail, hint)


def _knows(api: str, kind: str) -> bool:
    return api in TOOLS.get(kind, {}).get(TOOL, ())


def _carries(api: str, tool: Mapping[str, Any], name: str) -> bool:
    if api == R and name == "transport" and (tool[name] or {}).get("type") == "stdio":
        return False
    return api in TOOLS[str(tool["type"])].get(name, ())


def says(kind: str, name: str, value: Any) -> bool:
    """Whether a setting is more than what the service does anyway."""
    if name == "allowed_tools":  # an empty list allows none, and no list allows all
        return value is not None
    anyway = _ANYWAY.get((kind, name))
    return value not in (None, anyway) if anyway is not None else value not in (None, False, [], {})


def _is_off(tool: Mapping[str, Any]) -> bool:
    """Whether a tool is there and switched off, which only an agent can say."""
    return tool.get("mode") == "disabled" or tool.get("enabled") is False


def _hint(api: str, kind: str, name: str = TOOL) -> str:
    key = f"{kind}.{name}" if name else kind
    remedy = _REMEDIES.get((api, key))
    if remedy is None:
        others = [
            other for other in (R, G) if other != api and other in TOOLS.get(kind, {}).get(name, ())
        ]
        remedy = f"write `api: {others[0]}`, take it out" if others else "take it out"
    return f"{remedy}, or {accept(f'tools.{key}')}"


def accept(name: str) -> str:
    """The way in which any loss may be allowed."""
    return f"accept it with `accept_loss: [{name}]`"
