"""Owns what `POST /responses` accepts, and the defaults with which a response says it back."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from .. import checks, search
from ..assistants import EFFORTS
from ..errors import ApiError, bad
from ..schemas import array_error, parameters_error, schema_error, strict_error

MOST_STORES = 2
_NAME = "[a-zA-Z0-9_-]+"
_SNAPSHOTS = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18", "gpt-5.6": "gpt-5.6-sol"}
# These reason unless told not to, and then nothing can be said about how they draw.
_REASONS = re.compile(r"o\d|gpt-5(?![.\d]|-chat)")
INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)


def _loose(names: str, *needed: str) -> checks.Check:
    """An object with these fields, whose values nothing here looks at."""
    fields = dict.fromkeys(("type", *names.split(), *needed), checks.any_value)
    return checks.fields(fields, needed)


_FUNCTION = checks.fields(
    {
        "type": checks.any_value,
        "name": checks.string(longest=128, shortest=1, pattern=_NAME),
        "description": checks.nullable(checks.string()),
        "parameters": checks.nullable(checks.json_object),
        "strict": checks.nullable(checks.boolean),
        "allowed_callers": checks.nullable(checks.array(checks.string())),
        "async": checks.boolean,
        "defer_loading": checks.boolean,
        "output_schema": checks.nullable(checks.json_object),
    },
    ("name",),
)


def _function(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = _FUNCTION(path, value)
    parameters = given.get("parameters") or {"type": "object", "properties": {}}
    strict = given.get("strict")
    if strict is None:
        # What nothing was said about is strict where the schema allows it.
        strict = schema_error(parameters) is None and strict_error(parameters) is None
    wrong = parameters_error(parameters, strict) or array_error(parameters)
    if wrong is not None:
        message = f"Invalid schema for function '{given['name']}': {wrong}"
        raise bad(message, f"{path}.parameters", "invalid_function_parameters")
    return {"description": None} | given | {"parameters": parameters, "strict": strict}


_RANKING = checks.fields(
    {
        "ranker": checks.one_of("auto", "default-2024-11-15"),
        "score_threshold": checks.decimal(0, 1),
        "hybrid_search": checks.nullable(checks.json_object),
    }
)
_FILE_SEARCH = checks.fields(
    {
        "type": checks.any_value,
        "vector_store_ids": checks.array(checks.string(), least=1),
        "filters": checks.nullable(search.checked_filter),
        "max_num_results": checks.integer(1, 50),
        "ranking_options": _RANKING,
    },
    ("vector_store_ids",),
)


def _file_search(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = _FILE_SEARCH(path, value)
    count = len(given["vector_store_ids"])
    if count > MOST_STORES:
        where = f"{path}.vector_store_ids"
        raise bad(
            f"Invalid '{where}': maximum of {MOST_STORES} vector stores allowed, but got {count}"
            " instead.",
            where,
            "array_above_max_length",
        )
    ranking = {"ranker": "auto", "score_threshold": 0.0} | given.get("ranking_options", {})
    defaults = {"filters": None, "max_num_results": 20}
    return defaults | given | {"ranking_options": ranking}


_CONTAINER = checks.fields(
    {
        "type": checks.one_of("auto"),
        "file_ids": checks.array(checks.string(), most=50),
        "memory_limit": checks.nullable(checks.one_of("1g", "4g", "16g", "64g")),
        "network_policy": checks.nullable(checks.json_object),
    },
    ("type",),
)


def _container(path: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    return {"file_ids": [], "memory_limit": None} | _CONTAINER(path, value)


def _mcp(path: str, value: Any) -> dict[str, Any]:
    """What opens the server is not said back, nor is the path at it."""
    fields = (
        "allowed_callers allowed_tools authorization connector_id defer_loading headers"
        " require_approval server_description server_url tunnel_id"
    )
    given: dict[str, Any] = _loose(fields, "server_label")(path, value)
    if not given.keys() & {"server_url", "connector_id", "tunnel_id"}:
        raise checks.required(f"{path}.server_url")
    if isinstance(given.get("server_url"), str):
        parts = urlsplit(given["server_url"])
        given["server_url"] = f"{parts.scheme}://{parts.netloc}/<redacted>"
    given.pop("authorization", None)
    return {"allowed_tools": None, "require_approval": "always"} | given | {"headers": None}


_WEB_SEARCH = _loose("external_web_access filters search_context_size user_location")
_PREVIEW = _loose("search_content_types search_context_size user_location")
_IMAGE = _loose(
    "action background complexity frame_count frame_duration_ms input_fidelity input_image_mask"
    " model moderation output_compression output_format partial_images quality size svg"
)
TOOLS: dict[str, checks.Check] = {
    "function": _function,
    "file_search": _file_search,
    "code_interpreter": checks.fields(
        {
            "type": checks.any_value,
            "container": _container,
            "allowed_callers": checks.nullable(checks.array(checks.string())),
        },
        ("container",),
    ),
    "mcp": _mcp,
    "web_search": _WEB_SEARCH,
    "web_search_2025_08_26": _WEB_SEARCH,
    "web_search_preview": _PREVIEW,
    "web_search_preview_2025_03_11": _PREVIEW,
    "image_generation": _IMAGE,
    "custom": _loose("allowed_callers async defer_loading description format", "name"),
    "computer": _loose(""),
    "computer_use_preview": _loose("", "display_height", "display_width", "environment"),
    "programmatic_tool_calling": _loose(""),
    "local_shell": _loose(""),
    "shell": _loose("allowed_callers environment"),
    "namespace": _loose("", "description", "name", "tools"),
    "tool_search": _loose("description execution parameters"),
    "apply_patch": _loose("allowed_callers"),
}
_JSON_SCHEMA = checks.fields(
    {
        "type": checks.any_value,
        "name": checks.string(longest=64, shortest=1, pattern=_NAME),
        "description": checks.nullable(checks.string()),
        "schema": checks.json_object,
        "strict": checks.nullable(checks.boolean),
    },
    ("name", "schema"),
)


def _json_schema(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = _JSON_SCHEMA(path, value)
    strict = given.get("strict") is not False
    wrong = schema_error(given["schema"]) or (strict_error(given["schema"]) if strict else None)
    if wrong is not None:
        message = f"Invalid schema for response_format '{given['name']}': {wrong}"
        raise bad(message, f"{path}.schema", "invalid_json_schema")
    return {"description": None} | given | {"strict": strict}


_FORMAT = checks.variants(
    {"text": _loose(""), "json_object": _loose(""), "json_schema": _json_schema}
)
TEXT = checks.fields(
    {
        "format": checks.nullable(_FORMAT),
        "verbosity": checks.nullable(checks.one_of("low", "medium", "high")),
    }
)
_REASONING = checks.fields(
    {
        "effort": checks.nullable(checks.one_of(*EFFORTS)),
        "summary": checks.nullable(checks.one_of("auto", "concise", "detailed")),
        "generate_summary": checks.nullable(checks.one_of("auto", "concise", "detailed")),
        "context": checks.nullable(checks.one_of("auto", "current_turn", "all_turns")),
        "mode": checks.nullable(checks.string()),
    }
)
_CHOICES = checks.variants(
    {
        "function": checks.fields({"type": checks.any_value, "name": checks.string()}, ("name",)),
        "custom": checks.fields({"type": checks.any_value, "name": checks.string()}, ("name",)),
        "mcp": _loose("name", "server_label"),
        "allowed_tools": checks.fields(
            {
                "type": checks.any_value,
                "mode": checks.one_of("auto", "required"),
                "tools": checks.array(checks.json_object, of="objects"),
            },
            ("mode", "tools"),
        ),
    }
    | {
        name: _loose("")
        for name in (*TOOLS, "computer_use")
        if name not in ("function", "custom", "mcp", "namespace")
    }
)


def _tool_choice(path: str, value: Any) -> Any:
    if isinstance(value, str):
        return checks.one_of("none", "auto", "required")(path, value)
    return _CHOICES(path, value)


def _conversation(path: str, value: Any) -> str:
    """The id of it."""
    if isinstance(value, str):
        return value
    given = checks.fields({"id": checks.string()}, ("id",))(path, value)
    return str(given["id"])


_OPTIONAL_TEXT = checks.nullable(checks.string())
# What may be asked about and counted without being answered.
COUNTED: dict[str, checks.Check] = {
    "model": checks.string(shortest=1),
    "input": checks.any_value,
    "instructions": _OPTIONAL_TEXT,
    "conversation": checks.nullable(_conversation),
    "previous_response_id": _OPTIONAL_TEXT,
    "parallel_tool_calls": checks.nullable(checks.boolean),
    "reasoning": checks.nullable(_REASONING),
    "text": checks.nullable(TEXT),
    "tools": checks.nullable(checks.array(checks.variants(TOOLS), most=128, of="objects")),
    "tool_choice": checks.nullable(_tool_choice),
    "truncation": checks.nullable(checks.one_of("auto", "disabled")),
}
_REQUEST = checks.fields(
    COUNTED
    | {
        "access_programs": checks.any_value,
        "background": checks.nullable(checks.boolean),
        "background_options": checks.any_value,
        "context_management": checks.any_value,
        "image": checks.any_value,
        "include": checks.nullable(checks.array(checks.one_of(*INCLUDABLE))),
        "max_output_tokens": checks.nullable(checks.integer(16)),
        "max_tool_calls": checks.nullable(checks.integer(1)),
        "metadata": checks.metadata,
        "moderation": checks.any_value,
        "prompt": checks.nullable(checks.json_object),
        "prompt_cache_key": _OPTIONAL_TEXT,
        "prompt_cache_options": checks.any_value,
        "prompt_cache_retention": checks.nullable(checks.one_of("in_memory", "24h")),
        "safety_identifier": checks.nullable(checks.string(longest=64)),
        "service_tier": checks.nullable(
            checks.one_of("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
        ),
        "store": checks.nullable(checks.boolean),
        "stream": checks.nullable(checks.boolean),
        "stream_options": checks.nullable(checks.json_object),
        "temperature": checks.nullable(checks.decimal(0, 2)),
        "top_logprobs": checks.nullable(checks.integer(0, 20)),
        "top_p": checks.nullable(checks.decimal(0, 1)),
        "user": _OPTIONAL_TEXT,
    },
    ("model",),
)


def checked(body: dict[str, Any]) -> dict[str, Any]:
    """The request without what is null, which means the same as not being there."""
    given = {name: value for name, value in _REQUEST("", body).items() if value is not None}
    check_context(given)
    if given.get("background") and given.get("store") is False:
        raise bad("Background responses must be stored: 'store' cannot be false.", "store")
    prompt = given.get("prompt")
    if prompt is not None:
        raise ApiError(404, f"Prompt with id '{prompt.get('id')}' not found.", param="prompt")
    _check_tool_choice(given)
    check_drawing(given["model"], given.get("reasoning", {}).get("effort"), given)
    return given


def check_context(given: dict[str, Any]) -> None:
    """What was said before comes from one place."""
    if "previous_response_id" in given and "conversation" in given:
        raise checks.exclusive("previous_response_id", "previous_response_id", "conversation")


def _check_tool_choice(given: dict[str, Any]) -> None:
    choice, tools = given.get("tool_choice"), given.get("tools", [])
    if isinstance(choice, dict):
        named = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
        for one in named:
            if not any(_is(tool, one) for tool in tools):
                name = one.get("name") or one.get("server_label") or one.get("type")
                raise bad(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
    elif choice == "required" and not tools:
        raise bad("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")


def _is(tool: dict[str, Any], choice: dict[str, Any]) -> bool:
    """Whether a choice is about this tool; of a type with several versions any will do."""
    if tool["type"] == "function" or tool["type"] == "custom":
        return bool(tool["type"] == choice.get("type") and tool["name"] == choice.get("name"))
    families = ("web_search", "computer")
    kinds = [
        next((one for one in families if str(kind).startswith(one)), kind)
        for kind in (tool["type"], choice.get("type"))
    ]
    label = choice.get("server_label")
    return kinds[0] == kinds[1] and label in (None, tool.get("server_label"))


def check_drawing(model: str, effort: str | None, given: dict[str, Any]) -> None:
    """A model that reasons takes no say in how it draws its words."""
    if effort == "none" or not _REASONS.match(model):
        return
    for name in ("temperature", "top_p"):
        if given.get(name) not in (None, 1.0):
            raise bad(f"Unsupported parameter: '{name}' is not supported with this model.", name)


def snapshot(model: str) -> str:
    """The name under which a model answers."""
    return _SNAPSHOTS.get(model, model)


def echo(given: dict[str, Any]) -> dict[str, Any]:
    """What of a request a response says back, with the defaults filled in."""
    text = {name: value for name, value in given.get("text", {}).items() if value is not None}
    defaults: dict[str, Any] = {
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "prompt_cache_retention": None,
        "safety_identifier": None,
        "store": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
        "metadata": {},
        "background": False,
    }
    said = {name: given.get(name, value) for name, value in defaults.items()}
    tier = given.get("service_tier", "auto")
    return said | {
        "model": snapshot(given["model"]),
        "reasoning": {"effort": None, "summary": None} | given.get("reasoning", {}),
        "text": {"format": {"type": "text"}, "verbosity": "medium"} | text,
        "service_tier": "default" if tier == "auto" else tier,
        "conversation": {"id": given["conversation"]} if "conversation" in given else None,
    }
