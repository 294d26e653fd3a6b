"""Owns chat completions: enough of them for tools that know no other way to ask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response

from .. import checks, tools
from ..assistants import EFFORTS
from ..errors import bad
from ..parsing import count_tokens
from ..service import Call, EmbeddedService, Reply, new_id
from . import items, request, sse
from .answering import cut
from .builtin import answer
from .question import Answer, Called, Function, FunctionCall, Question, Returned, Said, Turn
from .response_events import pieces

_TOOL = checks.variants({"function": tools.checked_function, "custom": checks.any_value})
_TOOL_CHOICE = checks.variants(
    {
        "function": checks.fields(
            {
                "type": checks.any_value,
                "function": checks.fields({"name": checks.string()}, ("name",)),
            },
            ("function",),
        )
    }
)
_TEXT = checks.string()
_CALL = checks.variants(
    {
        "function": checks.holding(
            {"id": _TEXT, "function": checks.holding({"name": _TEXT, "arguments": _TEXT})}
        ),
        "custom": checks.holding(
            {"id": _TEXT, "custom": checks.holding({"name": _TEXT, "input": _TEXT})}
        ),
    }
)
_CALLS = checks.nullable(checks.array(_CALL, least=1, of="objects"))
_ROLES = ("developer", "system", "user", "assistant", "tool", "function")
# Accepted, and without any effect here.
_IGNORED = (
    "audio frequency_penalty function_call functions logit_bias logprobs modalities moderation"
    " prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention"
    " safety_identifier seed service_tier stop store top_logprobs user verbosity web_search_options"
)


def _tool_choice(path: str, value: Any) -> Any:
    if isinstance(value, str):
        return checks.one_of("none", "auto", "required")(path, value)
    return _TOOL_CHOICE(path, value)


def _message(path: str, value: Any) -> dict[str, Any]:
    given = checks.json_object(path, value)
    if "role" not in given:
        raise checks.required(f"{path}.role")
    checks.one_of(*_ROLES)(f"{path}.role", given["role"])
    content = given.get("content")
    if content is None and given["role"] != "assistant":
        raise checks.required(f"{path}.content")
    if content is not None and not isinstance(content, str):
        checks.array(checks.json_object, of="objects")(f"{path}.content", content)
    if given["role"] == "tool":
        checks.holding({"tool_call_id": _TEXT})(path, given)
    _CALLS(f"{path}.tool_calls", given.get("tool_calls"))
    return given


_REQUEST = checks.fields(
    dict.fromkeys(_IGNORED.split(), checks.any_value)
    | {
        "messages": checks.array(_message, least=1, of="objects"),
        "model": checks.string(shortest=1),
        "max_completion_tokens": checks.nullable(checks.integer(1)),
        "max_tokens": checks.nullable(checks.integer(1)),
        "metadata": checks.metadata,
        "n": checks.nullable(checks.integer(1, 128)),
        "parallel_tool_calls": checks.nullable(checks.boolean),
        "reasoning_effort": checks.nullable(checks.one_of(*EFFORTS)),
        "response_format": checks.nullable(tools.checked_response_format),
        "stream": checks.nullable(checks.boolean),
        "stream_options": checks.nullable(checks.json_object),
        "temperature": checks.nullable(checks.decimal(0, 2)),
        "tool_choice": checks.nullable(_tool_choice),
        "tools": checks.nullable(checks.array(_TOOL, most=128, of="objects")),
        "top_p": checks.nullable(checks.decimal(0, 1)),
    },
    ("messages", "model"),
)


def create(service: EmbeddedService, call: Call) -> Reply | Response:
    given = {name: one for name, one in _REQUEST("", call.body).items() if one is not None}
    request.check_drawing(given["model"], given.get("reasoning_effort"), given)
    _check_tool_choice(given)
    if "stream_options" in given and not given.get("stream"):
        raise bad(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    said = _turns(given["messages"])
    _check_answered(said)
    answered = answer(_question(given, said))
    body = {
        "id": new_id("chatcmpl").replace("_", "-"),
        "object": "chat.completion",
        "created": service.now(),
        "model": request.snapshot(given["model"]),
        "service_tier": "default",
        "system_fingerprint": None,
    }
    choice, wrote = _choice(answered, given)
    choices = [{"index": index} | choice for index in range(given.get("n", 1))]
    used = _usage(given, wrote * len(choices))
    if given.get("stream"):
        wants_usage = bool(given.get("stream_options", {}).get("include_usage"))
        chunks = _chunks(body, choices, used if wants_usage else None)
        return sse.stream(_streamed(chunks))
    return body | {"choices": choices, "usage": used}


def _check_tool_choice(given: dict[str, Any]) -> None:
    choice, functions = given.get("tool_choice", "none"), given.get("tools", [])
    if choice != "none" and not functions:
        raise bad(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are"
            " specified.",
            "tool_choice",
        )
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        if not any(tool.get("function", {}).get("name") == name for tool in functions):
            raise bad(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")


def _check_answered(said: Sequence[Turn]) -> None:
    answers = {one.call_id for one in said if isinstance(one, Returned)}
    calls = [one.call_id for one in said if isinstance(one, Called)]
    open_calls = [call_id for call_id in calls if call_id not in answers]
    if open_calls:
        raise bad(
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            " to each 'tool_call_id'. The following tool_call_ids did not have response messages:"
            f" {', '.join(open_calls)}",
            "messages",
        )


def _turns(messages: Sequence[dict[str, Any]]) -> list[Turn]:
    found: list[Turn] = []
    for index, message in enumerate(messages):
        text = items.text_of(message.get("content") or "")
        match message["role"]:
            case "user":
                found.append(Said("user", text))
            case "tool":
                _check_answers(found, index, message)
                found.append(Returned(message["tool_call_id"], text))
            case "assistant":
                if text:
                    found.append(Said("assistant", text))
                found += [_called(one) for one in message.get("tool_calls") or ()]
    return found


def _called(one: dict[str, Any]) -> Called:
    wanted = one[one["type"]]
    return Called(one["id"], wanted["name"], wanted.get("arguments", wanted.get("input")))


def _check_answers(found: Sequence[Turn], index: int, message: dict[str, Any]) -> None:
    where = f"messages[{index}]"
    if message["tool_call_id"] not in {one.call_id for one in found if isinstance(one, Called)}:
        raise bad(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding"
            " message with 'tool_calls'.",
            f"{where}.role",
        )


def _question(given: dict[str, Any], said: Sequence[Turn]) -> Question:
    functions = [tool["function"] for tool in given.get("tools", []) if "function" in tool]
    choice = given.get("tool_choice", "auto")
    if not isinstance(choice, str):
        choice = choice["function"]["name"]
    wanted = given.get("response_format", {})
    return Question(
        turns=said,
        functions=[Function(one["name"], one["parameters"]) for one in functions],
        tool_choice=choice,
        parallel=given.get("parallel_tool_calls", True),
        json_only=wanted.get("type") == "json_object",
        schema=wanted.get("json_schema", {}).get("schema"),
    )


def _choice(answered: Answer, given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """What was chosen to say, and its tokens."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    message["annotations"] = []
    if answered.calls:
        message["tool_calls"] = [_call(one) for one in answered.calls]
        wrote = sum(count_tokens(one.arguments) for one in answered.calls)
        return {"message": message, "logprobs": None, "finish_reason": "tool_calls"}, wrote
    most = given.get("max_completion_tokens", given.get("max_tokens", 1 << 60))
    part = {"text": answered.text, "annotations": []}
    [kept], short = cut([{"type": "message", "content": [part]}], most)
    text = items.text_of(kept["content"])
    ended = "length" if short else "stop"
    choice = {"message": message | {"content": text}, "logprobs": None, "finish_reason": ended}
    return choice, count_tokens(text)


def _call(one: FunctionCall) -> dict[str, Any]:
    function = {"name": one.name, "arguments": one.arguments}
    return {"id": new_id("call"), "type": "function", "function": function}


def _usage(given: dict[str, Any], wrote: int) -> dict[str, Any]:
    read = count_tokens(json.dumps([given["messages"], given.get("tools", [])]))
    return {
        "prompt_tokens": read,
        "completion_tokens": wrote,
        "total_tokens": read + wrote,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _chunks(
    body: dict[str, Any], choices: Sequence[dict[str, Any]], used: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """With the usage asked for, it has a chunk of its own at the end and is null in the others."""
    head = body | {"object": "chat.completion.chunk"}
    if used is not None:
        head["usage"] = None
    found = []
    for choice in choices:
        start = {"index": choice["index"], "logprobs": None, "finish_reason": None}
        deltas = _deltas(choice["message"])
        found += [head | {"choices": [start | {"delta": delta}]} for delta in deltas]
        end = start | {"delta": {}, "finish_reason": choice["finish_reason"]}
        found.append(head | {"choices": [end]})
    if used is not None:
        found.append(head | {"choices": [], "usage": used})
    return found


def _deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls", [])
    first = {"role": "assistant", "content": None if calls else "", "refusal": None}
    deltas: list[dict[str, Any]] = [first]
    for index, call in enumerate(calls):
        named = call | {"function": call["function"] | {"arguments": ""}}
        deltas.append({"tool_calls": [{"index": index} | named]})
        for piece in pieces(call["function"]["arguments"]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return deltas + [{"content": piece} for piece in pieces(message["content"] or "")]


async def _streamed(chunks: Sequence[dict[str, Any]]) -> AsyncIterator[sse.Event]:
    for chunk in chunks:
        yield sse.Event(None, chunk)
    yield sse.Event(None, "[DONE]")
