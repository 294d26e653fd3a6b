"""Owns the tools of agents: what is accepted as one, and how it comes back."""

from __future__ import annotations

import json
from typing import Any

from .. import checks
from ..errors import bad
from ..schemas import array_error, parameters_error

MOST_BYTES = 3 * 1024 * 1024
_TEXT = checks.string()
_TEXTS = checks.array(_TEXT)
_NAMED_TEXTS = checks.mapping(_TEXT)
_FUNCTION = checks.fields(
    {
        "type": checks.any_value,
        "name": checks.string(shortest=1),
        "description": _TEXT,
        "parameters": checks.json_object,
        "defer_loading": checks.boolean,
        "async": checks.boolean,
    },
    ("name", "description", "parameters"),
)
_HTTP = {"type": checks.any_value, "server_url": _TEXT, "headers": checks.nullable(_NAMED_TEXTS)}
_STDIO = {
    "type": checks.any_value,
    "command": _TEXT,
    "cwd": _TEXT,
    "args": checks.nullable(_TEXTS),
    "env_vars": checks.nullable(_TEXTS),
}
# A saved agent has no secrets of its own; an agent that is given with a session may.
_SAVED_TRANSPORT = checks.variants(
    {
        "http": checks.fields(_HTTP, ("server_url",)),
        "stdio": checks.fields(_STDIO, ("command", "cwd")),
    }
)
_TRANSPORT = checks.variants(
    {
        "http": checks.fields(_HTTP | {"authorization": checks.nullable(_TEXT)}, ("server_url",)),
        "stdio": checks.fields(_STDIO | {"env": checks.nullable(_NAMED_TEXTS)}, ("command", "cwd")),
    }
)
_LOCATION = checks.fields(
    dict.fromkeys(("city", "country", "region", "timezone"), checks.nullable(_TEXT))
)
_WEB_SEARCH = checks.fields(
    {
        "type": checks.any_value,
        "mode": checks.nullable(checks.one_of("disabled", "cached", "live")),
        "context_size": checks.nullable(checks.one_of("low", "medium", "high")),
        "allowed_domains": checks.nullable(_TEXTS),
        "location": checks.nullable(_LOCATION),
    }
)
_PROGRAMMATIC = checks.fields({"type": checks.any_value, "enabled": checks.boolean})
_COMPUTER = checks.fields({"type": checks.any_value, "include_screenshots": checks.boolean})
_BARE = checks.fields({"type": checks.any_value})


def _function(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = _FUNCTION(path, value)
    wrong = parameters_error(given["parameters"], False) or array_error(given["parameters"])
    if wrong is not None:
        message = f"Invalid schema for function '{given['name']}': {wrong}"
        raise bad(message, f"{path}.parameters", "invalid_function_parameters")
    return {"defer_loading": False} | given


def _web_search(path: str, value: Any) -> dict[str, Any]:
    defaults = {"mode": "live", "context_size": "medium", "allowed_domains": None, "location": None}
    given = defaults | _given(_WEB_SEARCH(path, value))
    if given["location"] is not None:
        places = dict.fromkeys(("city", "country", "region", "timezone"))
        given["location"] = places | given["location"]
    return given


def _given(value: dict[str, Any]) -> dict[str, Any]:
    """What was said: null means the default."""
    return {name: one for name, one in value.items() if one is not None}


def _mcp(*, saved: bool) -> checks.Check:
    check = checks.fields(
        {
            "type": checks.any_value,
            "server_label": checks.string(shortest=1),
            "transport": _SAVED_TRANSPORT if saved else _TRANSPORT,
            "allowed_tools": checks.nullable(_TEXTS),
            "connection_origin": checks.nullable(checks.one_of("service", "environment")),
            "credential_id": checks.nullable(_TEXT),
            "request_metadata": checks.nullable(checks.json_object),
            "required": checks.boolean,
        },
        ("server_label", "transport"),
    )

    def shown(path: str, value: Any) -> dict[str, Any]:
        given = _given(check(path, value))
        defaults: dict[str, Any] = {
            "allowed_tools": None,
            "connection_origin": "service",
            "credential_id": None,
            "request_metadata": {},
            "required": False,
        }
        return defaults | given | {"transport": _transport(given["transport"], saved=saved)}

    return shown


def _transport(given: dict[str, Any], *, saved: bool) -> dict[str, Any]:
    """As it comes back, and as it is kept: what may be secret is forgotten at once."""
    if given["type"] == "stdio":
        shown = {name: given[name] for name in ("type", "command", "cwd")}
        return shown | {name: given.get(name) or [] for name in ("args", "env_vars")}
    shown = {"type": "http", "server_url": given["server_url"]}
    return shown | {"headers": given.get("headers") or {}} if saved else shown


def _tool(*, saved: bool) -> checks.Check:
    def filled(check: checks.Check, **defaults: bool) -> checks.Check:
        return lambda path, value: defaults | check(path, value)

    return checks.variants(
        {
            "function": _function,
            "tool_search": _BARE,
            "programmatic_tool_calling": filled(_PROGRAMMATIC, enabled=True),
            "mcp": _mcp(saved=saved),
            "web_search": _web_search,
            "computer_use": filled(_COMPUTER, include_screenshots=False),
            "automations": _BARE,
        }
    )


def _listed(*, saved: bool) -> checks.Check:
    rule = checks.array(_tool(saved=saved), of="objects")

    def check(path: str, value: Any) -> list[Any]:
        tools: list[Any] = rule(path, value)
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        if size > MOST_BYTES:
            raise bad(
                f"Invalid '{path}': the tools are too large. Expected at most {MOST_BYTES} bytes of"
                f" compact JSON, but got {size} instead.",
                path,
                "invalid_value",
            )
        return tools

    return check


SAVED_TOOLS = _listed(saved=True)
TOOLS = _listed(saved=False)
