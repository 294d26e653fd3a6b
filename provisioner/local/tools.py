"""Owns the tools and the response format of an assistant: what is accepted, and in which form it
comes back.
"""

from __future__ import annotations

from typing import Any

from . import checks
from .errors import bad
from .schemas import parameters_error, schema_error, strict_error

_NAME = "[a-zA-Z0-9_-]+"
DEFAULT_RANKER = "default_2024_08_21"
_NO_PARAMETERS = {"type": "object", "properties": {}}

RANKING = checks.fields(
    {
        "ranker": checks.one_of("auto", DEFAULT_RANKER),
        "score_threshold": checks.decimal(0, 1),
        "hybrid_search": checks.nullable(checks.json_object),
    },
    ("score_threshold",),
)
FILE_SEARCH = checks.fields(
    {
        "type": checks.any_value,
        "file_search": checks.fields(
            {"max_num_results": checks.integer(1, 50), "ranking_options": RANKING}
        ),
    }
)
FUNCTION = checks.fields(
    {
        "type": checks.any_value,
        "function": checks.fields(
            {
                "name": checks.string(longest=64, pattern=_NAME),
                "description": checks.nullable(checks.string()),
                "parameters": checks.json_object,
                "strict": checks.nullable(checks.boolean),
            },
            ("name",),
        ),
    },
    ("function",),
)
JSON_SCHEMA = checks.fields(
    {
        "type": checks.any_value,
        "json_schema": checks.fields(
            {
                "name": checks.string(longest=64, pattern=_NAME),
                "description": checks.nullable(checks.string()),
                "schema": checks.json_object,
                "strict": checks.nullable(checks.boolean),
            },
            ("name",),
        ),
    },
    ("json_schema",),
)


def _file_search(path: str, value: Any) -> dict[str, Any]:
    given = FILE_SEARCH(path, value).get("file_search", {})
    ranking = {"ranker": DEFAULT_RANKER, "score_threshold": 0.0, "hybrid_search": None}
    return {
        "type": "file_search",
        "file_search": given | {"ranking_options": ranking | given.get("ranking_options", {})},
    }


def checked_function(path: str, value: Any) -> dict[str, Any]:
    given = FUNCTION(path, value)["function"]
    parameters, strict = given.get("parameters") or _NO_PARAMETERS, bool(given.get("strict"))
    wrong = parameters_error(parameters, strict)
    if wrong is not None:
        message = f"Invalid schema for function '{given['name']}': {wrong}"
        raise bad(message, f"{path}.function.parameters", "invalid_function_parameters")
    return {"type": "function", "function": given | {"parameters": parameters, "strict": strict}}


def _json_schema(path: str, value: Any) -> dict[str, Any]:
    given = JSON_SCHEMA(path, value)["json_schema"]
    strict, schema = bool(given.get("strict")), given.get("schema", {})
    wrong = schema_error(schema) or (strict_error(schema) if strict else None)
    if wrong is not None:
        raise bad(f"Invalid schema for response_format '{given['name']}': {wrong}", path)
    return {"type": "json_schema", "json_schema": given | {"strict": strict}}


TOOL_RULES = checks.variants(
    {
        "code_interpreter": checks.fields({"type": checks.any_value}),
        "file_search": _file_search,
        "function": checked_function,
    }
)
_FORMAT_OBJECT = checks.variants(
    {
        "text": checks.fields({"type": checks.any_value}),
        "json_object": checks.fields({"type": checks.any_value}),
        "json_schema": _json_schema,
    }
)


def checked_response_format(path: str, value: Any) -> Any:
    """`auto` and `{type: text}` stay two different values."""
    return (
        checks.one_of("auto")(path, value)
        if isinstance(value, str)
        else _FORMAT_OBJECT(path, value)
    )
