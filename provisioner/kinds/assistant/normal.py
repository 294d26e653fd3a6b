"""The normal form of what every API of an assistant has: defaults filled in, one order where order
means nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.kinds.wire import text, unstamped
from provisioner.model import Fields

Tool = Mapping[str, Any]

NO_PARAMETERS = {"type": "object", "properties": {}}
"""What the service makes of a function without parameters."""


def common(fields: Fields) -> Fields:
    """The fields that mean the same everywhere, in normal form."""
    return {
        "model": fields.get("model"),
        "description": text(fields.get("description")),
        "instructions": text(fields.get("instructions")),
        "temperature": real(fields.get("temperature"), 1.0),
        "top_p": real(fields.get("top_p"), 1.0),
        "reasoning_effort": fields.get("reasoning_effort"),
        "response_format": response_format(fields.get("response_format")),
        "metadata": unstamped(fields.get("metadata")),
    }


def real(value: Any, default: float) -> Any:
    return default if value is None else float(value) if isinstance(value, int) else value


def response_format(value: Any) -> Any:
    """`auto` for none; a JSON schema with `strict` said and no empty description."""
    if not isinstance(value, Mapping):
        return value or "auto"
    return present(
        {**value, "strict": bool(value.get("strict")), "schema": value.get("schema") or {}}
    )


def function(tool: Tool) -> Fields:
    return present(
        {
            "type": "function",
            "name": tool.get("name"),
            "description": text(tool.get("description")),
            "parameters": tool.get("parameters") or dict(NO_PARAMETERS),
            "strict": bool(tool.get("strict")),
        }
    )


def references(values: Iterable[Any] | None) -> list[Any]:
    """References as a sorted set."""
    found = {json.dumps(value, sort_keys=True): value for value in values or ()}
    return [found[spelt] for spelt in sorted(found)]


def ranked(tools: Iterable[Tool]) -> list[Fields]:
    """Tools by type and name: their order never counts."""
    return sorted(map(dict, tools), key=_rank)


def present(fields: Tool) -> Fields:
    """Fields without those that are null."""
    return {name: value for name, value in fields.items() if value is not None}


def _rank(tool: Tool) -> tuple[str, str, str]:
    label = tool.get("name") or tool.get("server_label") or ""
    return str(tool.get("type")), str(label), json.dumps(tool, sort_keys=True)
