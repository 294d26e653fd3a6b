"""Owns the items of a conversation: how they are taken in, and what they say to the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .. import checks, paging
from ..errors import ApiError, bad, missing
from ..service import Call, EmbeddedService, Reply, new_id
from .question import Called, Returned, Said, Turn

Item = dict[str, Any]

PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "file_search_call": "fs",
    "web_search_call": "ws",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_list_tools": "mcpl",
    "mcp_call": "mcp",
    "mcp_approval_request": "mcpr",
    "mcp_approval_response": "mcpa",
    "reasoning": "rs",
    "compaction": "cmp",
    "computer_call": "cu",
    "computer_call_output": "cuo",
    "local_shell_call": "lsh",
    "local_shell_call_output": "lsho",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "additional_tools": "at",
    "configuration_update": "cfg",
    "compaction_trigger": "cpt",
    "program": "prg",
    "program_output": "prgo",
}
_WITH_STATUS = ("message", "function_call", "function_call_output", "custom_tool_call_output")
_TEXTS = checks.fields(
    {
        "type": checks.any_value,
        "text": checks.string(),
        "annotations": checks.any_value,
        "logprobs": checks.any_value,
        "prompt_cache_breakpoint": checks.any_value,
    },
    ("text",),
)
_PART = checks.variants(
    {
        "input_text": _TEXTS,
        "output_text": _TEXTS,
        "input_image": checks.fields(
            dict.fromkeys(
                ("type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"),
                checks.any_value,
            )
        ),
        "input_file": checks.fields(
            dict.fromkeys(
                (
                    "type",
                    "file_data",
                    "file_id",
                    "file_url",
                    "filename",
                    "detail",
                    "prompt_cache_breakpoint",
                ),
                checks.any_value,
            )
        ),
        "refusal": checks.fields({"type": checks.any_value, "refusal": checks.string()}),
    }
)
_TEXT = checks.string()
_PARTS = checks.array(_PART, of="objects")
_OBJECTS = checks.array(checks.json_object, of="objects")


def _output(path: str, value: Any) -> Any:
    return value if isinstance(value, str) else _PARTS(path, value)


_RETURNED = checks.holding({"call_id": _TEXT, "output": _output})
_HOLDING = {
    "function_call": checks.holding({"call_id": _TEXT, "name": _TEXT, "arguments": _TEXT}),
    "custom_tool_call": checks.holding({"call_id": _TEXT, "name": _TEXT, "input": _TEXT}),
    "function_call_output": _RETURNED,
    "custom_tool_call_output": _RETURNED,
    "reasoning": checks.holding({"summary": _OBJECTS}),
    "mcp_list_tools": checks.holding({"server_label": _TEXT, "tools": _OBJECTS}),
}
_ID = checks.nullable(_TEXT)
_STATUS = checks.nullable(checks.one_of("in_progress", "completed", "incomplete"))
_ROLE = checks.one_of("user", "assistant", "system", "developer")


def taken(service: EmbeddedService, path: str, given: Any) -> list[Item]:
    """The items that an input stands for, each with an id."""
    if given is None:
        return []
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise checks.wrong_type(path, "one of a string or an array of objects", given)
    return [_taken(service, f"{path}[{index}]", one) for index, one in enumerate(given)]


def _taken(service: EmbeddedService, path: str, value: Any) -> Item:
    item = checks.json_object(path, value)
    kind = item.get("type") or _implied(item)
    if kind is None:
        raise checks.required(f"{path}.type")
    if kind == "item_reference":
        return _referenced(service, path, item)
    checks.one_of("item_reference", *PREFIXES)(f"{path}.type", kind)
    if kind in _HOLDING:
        _HOLDING[kind](path, item)
    _ID(f"{path}.id", item.get("id"))
    if kind == "message":
        item = _message(service, path, item)
    kept = {"id": item.get("id") or new_id(PREFIXES[kind]), "type": kind}
    if kind in _WITH_STATUS:
        kept["status"] = _STATUS(f"{path}.status", item.get("status")) or "completed"
    return item | kept


def _implied(item: Item) -> str | None:
    if "role" in item:
        return "message"
    return "item_reference" if "id" in item else None


def _referenced(service: EmbeddedService, path: str, item: Item) -> Item:
    checks.holding({"id": _TEXT})(path, item)
    row = service.database.one(
        "SELECT body FROM items WHERE id = ? ORDER BY seq DESC LIMIT 1", [item["id"]]
    )
    if row is None:
        raise missing(f"Item with id '{item['id']}' not found.", "input")
    found: Item = json.loads(row["body"])
    return found


def _message(service: EmbeddedService, path: str, item: Item) -> Item:
    for name in ("role", "content"):
        if name not in item:
            raise checks.required(f"{path}.{name}")
    role, content = _ROLE(f"{path}.role", item["role"]), item["content"]
    text = "output_text" if role == "assistant" else "input_text"
    if isinstance(content, str):
        content = [{"type": text, "text": content}]
    parts = _PARTS(f"{path}.content", content)
    for index, part in enumerate(parts):
        if part["type"] == "output_text":
            parts[index] = {"annotations": [], "logprobs": []} | part
        if part["type"] == "input_image":
            parts[index] = {"detail": "auto"} | part
        _check_file(service, f"{path}.content[{index}].file_id", part.get("file_id"))
    return item | {"role": role, "content": parts}


def _check_file(service: EmbeddedService, path: str, file_id: Any) -> None:
    if _ID(path, file_id) is None:
        return
    known = service.database.one("SELECT 1 FROM files WHERE id = ?", [file_id])
    if known is None:
        raise missing(f"Files [{file_id}] were not found.", path)


def turns(items: Sequence[Item]) -> list[Turn]:
    """What of a conversation the model looks at."""
    found: list[Turn] = []
    for item in items:
        match item["type"]:
            case "message" if item["role"] in ("user", "assistant"):
                role = "user" if item["role"] == "user" else "assistant"
                found.append(Said(role, text_of(item["content"])))  # type: ignore[arg-type]
            case "function_call":
                found.append(Called(item["call_id"], item["name"], item["arguments"]))
            case "custom_tool_call":
                found.append(Called(item["call_id"], item["name"], item["input"]))
            case "function_call_output" | "custom_tool_call_output":
                found.append(Returned(item["call_id"], text_of(item["output"])))
    return found


def text_of(content: Any) -> str:
    """The text of parts; images and files say nothing here."""
    if isinstance(content, str):
        return content
    texts = [part["text"] for part in content if isinstance(part.get("text"), str)]
    return "\n".join(texts)


def check_calls(said: Sequence[Turn]) -> None:
    """Every call has been answered, and every answer belongs to a call."""
    calls = [one.call_id for one in said if isinstance(one, Called)]
    answers = [one.call_id for one in said if isinstance(one, Returned)]
    for call_id in answers:
        if call_id not in calls:
            raise bad(
                f"No tool call found for function call output with call_id {call_id}.", "input"
            )
    for call_id in calls:
        if call_id not in answers:
            raise bad(f"No tool output found for function call {call_id}.", "input")


def check_unique(items: Sequence[Item]) -> None:
    """An item is said once."""
    seen = set()
    for item in items:
        if item["id"] in seen:
            raise bad(
                f"Duplicate item found with id {item['id']}. Remove duplicate items from your input"
                " and try again.",
                "input",
            )
        seen.add(item["id"])


def keep(service: EmbeddedService, owner: str, part: str, items: Sequence[Item]) -> None:
    """Items belong to a response, as its input or output, or to a conversation."""
    now = service.now()
    service.database.connection.executemany(
        "INSERT INTO items (id, created_at, owner, part, body) VALUES (?, ?, ?, ?, ?)",
        [(item["id"], now, owner, part, json.dumps(item)) for item in items],
    )


def kept(service: EmbeddedService, owner: str, part: str) -> list[Item]:
    rows = service.database.all(
        "SELECT body FROM items WHERE owner = ? AND part = ? ORDER BY created_at, seq",
        [owner, part],
    )
    return [json.loads(row["body"]) for row in rows]


def page(service: EmbeddedService, call: Call, owner: str, part: str) -> Reply:
    source = paging.PageSource("items", "owner = ? AND part = ?", (owner, part))
    rows, more = paging.select(service.database, paging.read_page(call.query), source, no_item)
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def no_item(item_id: str) -> ApiError:
    return missing(f"Item with id '{item_id}' not found.")
