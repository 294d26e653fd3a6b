"""Owns the events of a streamed response, drawn from the response as it ends up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .items import Item
from .sse import Event

Body = dict[str, Any]
# What a hosted tool goes through, by the type of its item.
_STAGES = {
    "file_search_call": ("in_progress", "searching", "completed"),
    "web_search_call": ("in_progress", "searching", "completed"),
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
    "image_generation_call": ("in_progress", "generating"),
    "mcp_list_tools": ("in_progress", "failed"),
}
_UNWRITTEN: dict[str, Item] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "file_search_call": {"results": None},
    "code_interpreter_call": {"code": "", "outputs": None},
}


def opening(pending: Body) -> Iterator[Event]:
    """What is heard before anything is answered; `pending` is the response without an answer."""
    working = pending | {"status": "in_progress"}
    if pending["background"]:
        queued = pending | {"status": "queued"}
        yield _event("response.created", response=queued)
        yield _event("response.queued", response=queued)
    else:
        yield _event("response.created", response=working)
    yield _event("response.in_progress", response=working)


def rest(final: Body) -> Iterator[Event]:
    """The items, then how it ended; one that was cancelled ends without a word."""
    for index, item in enumerate(final["output"]):
        place = {"item_id": item["id"], "output_index": index}
        yield _event("response.output_item.added", output_index=index, item=_unwritten(item))
        yield from _written(item, place)
        yield _event("response.output_item.done", output_index=index, item=item)
    if final["status"] == "failed":
        error = final["error"]
        yield _event("error", code=error["code"], message=error["message"], param=None)
    if final["status"] != "cancelled":
        yield _event(f"response.{final['status']}", response=final)


def numbered(events: Iterator[Event], first: int) -> Iterator[tuple[int, Event]]:
    for number, event in enumerate(events, first):
        yield number, Event(event.name, event.data | {"sequence_number": number})


def pieces(text: str) -> list[str]:
    """A text in the pieces in which a model says it."""
    return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", text)


def _event(name: str, /, **data: Any) -> Event:
    return Event(name, {"type": name} | data)


def _unwritten(item: Item) -> Item:
    start = item | _UNWRITTEN.get(item["type"], {})
    return start | {"status": "in_progress"} if "status" in item else start


def _written(item: Item, place: Item) -> Iterator[Event]:
    match item["type"]:
        case "message":
            yield from _message(item, place)
        case "function_call":
            yield from _spelled("function_call_arguments", "arguments", item, place)
        case "custom_tool_call":
            yield from _spelled("custom_tool_call_input", "input", item, place)
        case kind:
            for stage in _STAGES[kind]:
                if stage == "interpreting":
                    yield from _spelled("code_interpreter_call_code", "code", item, place)
                yield _event(f"response.{kind}.{stage}", **place)


def _spelled(name: str, field: str, item: Item, place: Item) -> Iterator[Event]:
    for piece in pieces(item[field]):
        yield _event(f"response.{name}.delta", **place, delta=piece)
    named = {"name": item["name"]} if name == "function_call_arguments" else {}
    yield _event(f"response.{name}.done", **place, **named, **{field: item[field]})


def _message(item: Item, place: Item) -> Iterator[Event]:
    for index, part in enumerate(item["content"]):
        here = place | {"content_index": index}
        empty = part | {"text": "", "annotations": []}
        yield _event("response.content_part.added", **here, part=empty)
        for piece in pieces(part["text"]):
            yield _event("response.output_text.delta", **here, delta=piece, logprobs=[])
        for number, one in enumerate(part["annotations"]):
            yield _event(
                "response.output_text.annotation.added",
                **here,
                annotation_index=number,
                annotation=one,
            )
        yield _event("response.output_text.done", **here, text=part["text"], logprobs=[])
        yield _event("response.content_part.done", **here, part=part)
