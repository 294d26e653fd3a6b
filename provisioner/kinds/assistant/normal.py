"""The normal forms of what an assistant's tools and response format are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model import Fields

Tool = Mapping[str, Any]

NO_PARAMETERS = {"type": "object", "properties": {}}
"""What the service makes of a function without parameters."""


# What newer APIs let a function say of how it is called.
_CALLED = ("output_schema", "defer_loading", "allowed_callers", "async")


def response_format(value: Any) -> Any:
    """`auto` for none; a JSON schema with `strict` said and no empty description."""
    if not isinstance(value, Mapping):
        return value or "auto"
    return present(
        {**value, "strict": bool(value.get("strict")), "schema": value.get("schema") or {}}
    )


def function(tool: Tool) -> Fields:
    found: Fields = {"type": "function"}
    if tool.get("name") is not None:
        found["name"] = tool["name"]
    if tool.get("description"):
        found["description"] = tool["description"]
    found["parameters"] = _parameters(tool.get("parameters") or NO_PARAMETERS)
    found["strict"] = bool(tool.get("strict"))
    found |= {name: tool[name] for name in _CALLED if tool.get(name)}
    return found


def _parameters(schema: Any) -> Any:
    """An object names its properties, even where it has none: without them it is refused."""
    if schema.get("type") == "object" and "properties" not in schema:
        return {**schema, "properties": {}}
    return dict(schema)


def server(tool: Tool) -> Fields:
    """An MCP server: over HTTP and without headers, its transport is its URL alone."""
    transport = tool.get("transport") or {}
    if transport.get("type") != "http":
        return dict(tool)
    if headers := transport.get("headers"):
        plain = {"type": "http", "server_url": transport["server_url"], "headers": headers}
        return {**tool, "transport": plain}
    found = {name: tool[name] for name in tool if name != "transport"}
    return {**found, "server_url": transport["server_url"]}


def references(values: Iterable[Any] | None) -> list[Any]:
    """References as a sorted set."""
    found = {json.dumps(value, sort_keys=True): value for value in values or ()}
    return [found[spelt] for spelt in sorted(found)]


def ranked(tools: Iterable[Tool]) -> list[Fields]:
    """Tools by type and name: their order never counts."""
    found = list(map(dict, tools))
    if len(found) < 2:
        return found
    return sorted(found, key=_rank)


def present(fields: Tool) -> Fields:
    """Fields without those that are null."""
    return {name: value for name, value in fields.items() if value is not None}


def _rank(tool: Tool) -> tuple[str, str, str]:
    label = tool.get("name") or tool.get("server_label") or ""
    return str(tool.get("type")), str(label), json.dumps(tool, sort_keys=True)
