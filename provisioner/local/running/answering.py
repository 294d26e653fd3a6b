"""Owns how a response comes about: the question that a request puts, and the items that its answer
becomes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .. import search, vector_stores
from ..parsing import TOKEN, count_tokens
from ..service import EmbeddedService, new_id
from .builtin import NOT_RUN, answer
from .items import Item, text_of, turns
from .question import Answer, Function, FunctionCall, Passage, Question, Said, Turn

NO_SERVER = "No server is asked here."
HOSTED = ("code_interpreter", "web_search", "image_generation", "file_search")
# A custom tool takes one text.
_ONE_TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}

Tool = dict[str, Any]


def output(service: EmbeddedService, given: dict[str, Any], items: Sequence[Item]) -> list[Item]:
    """What the model answers to `items`, whole."""
    said, tools = turns(items), _allowed(given)
    choice = _choice(given)
    hits = _found(service, tools, choice, _asked(said))
    schema_format = given.get("text", {}).get("format") or {}
    question = Question(
        turns=said,
        functions=[_function(tool) for tool in tools if tool["type"] in ("function", "custom")],
        hosted=list(dict.fromkeys(_hosted(tool) for tool in tools if _hosted(tool) in HOSTED)),
        passages=[Passage(hit.file_id, hit.filename, hit.text, hit.score) for hit in hits or ()],
        tool_choice=choice,
        parallel=given.get("parallel_tool_calls", True),
        json_only=schema_format.get("type") == "json_object",
        schema=schema_format.get("schema"),
    )
    answered = answer(question)
    listed = _mcp_lists(tools, items)
    if answered.calls:
        custom = {tool["name"] for tool in tools if tool["type"] == "custom"}
        return [*listed, *(_call(one, custom) for one in answered.calls)]
    include = given.get("include", [])
    searched = [] if hits is None else [_file_search(_asked(said), hits, include)]
    used = [_used(kind, _asked(said), include) for kind in answered.used if kind in NOT_RUN]
    return [*listed, *searched, *used, _message(answered)]


def _allowed(given: dict[str, Any]) -> list[Tool]:
    """The tools that may be used this time."""
    tools: list[Tool] = given.get("tools", [])
    choice = given.get("tool_choice")
    if not isinstance(choice, dict) or choice["type"] != "allowed_tools":
        return tools
    return [
        tool
        for tool in tools
        if any(all(tool.get(key) == one[key] for key in one) for one in choice["tools"])
    ]


def _choice(given: dict[str, Any]) -> str:
    choice = given.get("tool_choice", "auto")
    if isinstance(choice, str):
        return choice
    if choice["type"] == "allowed_tools":
        return str(choice["mode"])
    if choice["type"] in ("function", "custom"):
        return str(choice["name"])
    hosted = _hosted(choice)
    return hosted if hosted in HOSTED else "auto"


def _hosted(tool: Tool) -> str:
    """The type of a tool without the date of its version."""
    kind = str(tool["type"])
    return "web_search" if kind.startswith("web_search") else kind


def _function(tool: Tool) -> Function:
    return Function(tool["name"], _ONE_TEXT if tool["type"] == "custom" else tool["parameters"])


def _asked(said: Sequence[Turn]) -> str:
    """The last message of the user."""
    return next(
        (one.text for one in reversed(said) if isinstance(one, Said) and one.role == "user"), ""
    )


def _found(
    service: EmbeddedService, tools: Sequence[Tool], choice: str, asked: str
) -> list[search.Hit] | None:
    """The best passages of the stores; None where nothing is searched."""
    searches = [tool for tool in tools if tool["type"] == "file_search"]
    if not searches or not asked or choice not in ("auto", "required", "file_search"):
        return None
    tool = searches[0]
    stores = [vector_stores.find_usable(service, one) for one in tool["vector_store_ids"]]
    hits = search.best(
        service,
        stores,
        [asked],
        condition=tool["filters"],
        threshold=tool["ranking_options"]["score_threshold"],
    )
    return hits[: tool["max_num_results"]]


def _mcp_lists(tools: Sequence[Tool], items: Sequence[Item]) -> list[Item]:
    """A server that was asked for its tools once is not asked again."""
    asked = {item["server_label"] for item in items if item["type"] == "mcp_list_tools"}
    return [
        {
            "id": new_id("mcpl"),
            "type": "mcp_list_tools",
            "server_label": tool["server_label"],
            "tools": [],
            "error": NO_SERVER,
        }
        for tool in tools
        if tool["type"] == "mcp" and tool["server_label"] not in asked
    ]


def _call(one: FunctionCall, custom: set[str]) -> Item:
    call_id = new_id("call")
    if one.name in custom:
        return {
            "id": new_id("ctc"),
            "type": "custom_tool_call",
            "call_id": call_id,
            "name": one.name,
            "input": json.loads(one.arguments)["input"],
        }
    return {
        "id": new_id("fc"),
        "type": "function_call",
        "status": "completed",
        "call_id": call_id,
        "name": one.name,
        "arguments": one.arguments,
    }


def _file_search(asked: str, hits: Sequence[search.Hit], include: Sequence[str]) -> Item:
    results = [
        {
            "file_id": hit.file_id,
            "filename": hit.filename,
            "score": hit.score,
            "text": hit.text,
            "attributes": hit.attributes,
        }
        for hit in hits
    ]
    return {
        "id": new_id("fs"),
        "type": "file_search_call",
        "status": "completed",
        "queries": [asked],
        "results": results if "file_search_call.results" in include else None,
    }


def _used(kind: str, asked: str, include: Sequence[str]) -> Item:
    """The item of a hosted tool, which did not run."""
    if kind == "web_search":
        action = {"type": "search", "query": asked, "queries": [asked]}
        return {
            "id": new_id("ws"),
            "type": "web_search_call",
            "status": "completed",
            "action": action,
        }
    if kind == "image_generation":
        return {
            "id": new_id("ig"),
            "type": "image_generation_call",
            "status": "failed",
            "result": None,
        }
    logs = [{"type": "logs", "logs": NOT_RUN[kind]}]
    return {
        "id": new_id("ci"),
        "type": "code_interpreter_call",
        "status": "completed",
        "code": f"# {NOT_RUN[kind]}",
        "container_id": new_id("cntr"),
        "outputs": logs if "code_interpreter_call.outputs" in include else None,
    }


def _message(answered: Answer) -> Item:
    """The text without the marks of its citations; each has the place of its mark instead."""
    text, annotations, gone = answered.text, [], 0
    for one in answered.citations:
        index = one.start - gone
        text = text[:index] + text[one.end - gone :]
        gone += one.end - one.start
        annotations.append(
            {
                "type": "file_citation",
                "file_id": one.passage.file_id,
                "filename": one.passage.filename,
                "index": index,
            }
        )
    part = {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}
    return {
        "id": new_id("msg"),
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }


def cut(items: Sequence[Item], most: int) -> tuple[list[Item], bool]:
    """The items up to so many tokens, and whether that left anything out."""
    left: list[Item] = []
    for item in items:
        text = written(item)
        tokens = [match.end() for match in TOKEN.finditer(text)]
        if len(tokens) > most:
            return [*left, _cut_item(item, text[: tokens[most - 1]] if most else "")], True
        most -= len(tokens)
        left.append(item)
    return left, False


def _cut_item(item: Item, text: str) -> Item:
    if item["type"] == "message":
        part = item["content"][0]
        kept = [one for one in part["annotations"] if one["index"] <= len(text)]
        part = part | {"text": text, "annotations": kept}
        return item | {"content": [part], "status": "incomplete"}
    if item["type"] == "custom_tool_call":
        return item | {"input": text}
    return item | {"arguments": text, "status": "incomplete"}


def written(item: Item) -> str:
    """What the model wrote of an item."""
    match item["type"]:
        case "message":
            return text_of(item["content"])
        case "function_call":
            return str(item["arguments"])
        case "custom_tool_call":
            return str(item["input"])
        case _:
            return ""


def usage(
    given: dict[str, Any], items: Sequence[Item], written_items: Sequence[Item]
) -> dict[str, Any]:
    read, wrote = (
        input_tokens(given, items),
        sum(count_tokens(written(one)) for one in written_items),
    )
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + wrote,
    }


def input_tokens(given: dict[str, Any], items: Sequence[Item]) -> int:
    texts = [given.get("instructions") or "", *(json.dumps(one) for one in given.get("tools", []))]
    for item in items:
        texts.append(written(item))
        if item["type"] in ("function_call_output", "custom_tool_call_output"):
            texts.append(text_of(item["output"]))
    return sum(count_tokens(text) for text in texts)
