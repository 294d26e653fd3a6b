"""Streams of responses: their order, what they add up to, and how they go on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.local.conftest import Server

from .test_responses import WEATHER, store_with

JSON = dict[str, Any]
MESSAGE = (
    r"content_part\.added (output_text\.delta )*(output_text\.annotation\.added )*"
    r"output_text\.done content_part\.done "
)
ITEMS = {
    "message": MESSAGE,
    "function_call": r"(function_call_arguments\.delta )*function_call_arguments\.done ",
    "custom_tool_call": r"(custom_tool_call_input\.delta )*custom_tool_call_input\.done ",
    "file_search_call": "file_search_call.in_progress file_search_call.searching "
    "file_search_call.completed ",
    "web_search_call": "web_search_call.in_progress web_search_call.searching "
    "web_search_call.completed ",
    "code_interpreter_call": r"code_interpreter_call\.in_progress (code_interpreter_call_code\.delta )*"
    r"code_interpreter_call_code\.done code_interpreter_call\.interpreting "
    r"code_interpreter_call\.completed ",
    "image_generation_call": "image_generation_call.in_progress image_generation_call.generating ",
    "mcp_list_tools": "mcp_list_tools.in_progress mcp_list_tools.failed ",
}
ITEM = "|".join(f"output_item:{kind} {inner}output_item.done " for kind, inner in ITEMS.items())
ORDER = re.compile(
    rf"created (queued )?in_progress ({ITEM})*((error )?failed|completed|incomplete) "
)


def check_stream(events: Sequence[Any]) -> Any:
    """The state machine: order, numbers, places and sums. Returns the final response."""
    seen = ""
    for event in events:
        name = event.type.removeprefix("response.")
        seen += f"output_item:{event.item.type} " if name == "output_item.added" else f"{name} "
    assert ORDER.fullmatch(seen), seen
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1].response
    done = [event for event in events if event.type == "response.output_item.done"]
    assert [event.item for event in done] == final.output
    assert [event.output_index for event in done] == list(range(len(done)))
    for index, item in enumerate(final.output):
        check_sum([one for one in events if getattr(one, "output_index", None) == index], item)
    return final


def check_sum(events: Sequence[Any], item: Any) -> None:
    """The deltas of an item are what it ends up as."""
    assert {event.item_id for event in events if hasattr(event, "item_id")} <= {item.id}
    told = "".join(event.delta for event in events if event.type.endswith(".delta"))
    if item.type == "message":
        assert told == item.content[0].text
        added = [event for event in events if event.type.endswith("annotation.added")]
        # The SDK types the annotation of the event apart from that of the item.
        assert [event.annotation.to_dict() for event in added] == [
            one.to_dict() for one in item.content[0].annotations
        ]
    for field in ("arguments", "input", "code"):
        if hasattr(item, field):
            assert told == getattr(item, field)
    # OpenAPI requires the name, which the SDK's type does not have.
    named = [event.name for event in events if event.type.endswith("_arguments.done")]
    assert named == ([item.name] if item.type == "function_call" else [])


async def recorded(client: openai.AsyncOpenAI, **given: Any) -> list[Any]:
    stream = await client.responses.create(model="gpt-4o", stream=True, **given)
    return [event async for event in stream]


PATHS: dict[str, tuple[JSON, str]] = {
    "message": ({"input": "Two words\n\n and  a gap "}, "completed"),
    "call": ({"input": "the weather in Oslo", "tools": [WEATHER]}, "completed"),
    "custom": ({"input": "sketch", "tools": [{"type": "custom", "name": "sketch"}]}, "completed"),
    "hosted": (
        {
            "input": "compute it in python, search the web and draw a picture",
            "tools": [
                {"type": "code_interpreter", "container": {"type": "auto"}},
                {"type": "web_search"},
                {"type": "image_generation"},
                {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example"},
            ],
        },
        "completed",
    ),
    "incomplete": ({"input": "word " * 40, "max_output_tokens": 16}, "incomplete"),
    "empty": ({"input": ""}, "completed"),
}


@pytest.mark.parametrize("path", PATHS)
def test_every_path_keeps_the_order(tell: Any, path: str) -> None:
    """Each recorded stream passes the state machine, and can be had again from any event on."""
    given, status = PATHS[path]

    async def story(client: openai.AsyncOpenAI) -> None:
        events = await recorded(client, **given)
        final = check_stream(events)
        assert final.status == status
        again = await client.responses.retrieve(final.id, stream=True, starting_after=1)
        assert [event async for event in again] == events[2:]

    tell(story)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("run: failed", "failed"),
        ("run: expired", "failed"),
        ("run: incomplete", "incomplete"),
        ("run: stays, seconds: 0.05", "completed"),
    ],
)
def test_every_end_keeps_the_order(tell: Any, rules: Any, action: str, status: str) -> None:
    """Whatever a fault makes of it."""
    import time

    async def story(client: openai.AsyncOpenAI) -> None:
        assert check_stream(await recorded(client, input="one two three")).status == status

    faults = rules(f'{{match: {{path: "/responses$"}}, action: {{{action}}}}}')
    tell(story, faults=faults, clock=time.time)


def test_citations_in_a_stream(tell: Any, clock: Any) -> None:
    """Each annotation is told after the text that it belongs to."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await store_with(client, "An employee has 27 vacation days.")
        clock.tick(1)
        tools = [{"type": "file_search", "vector_store_ids": [store]}]
        final = check_stream(await recorded(client, input="vacation days?", tools=tools))
        assert [one.type for one in final.output] == ["file_search_call", "message"]
        assert final.output[1].content[0].annotations

    tell(story)


def test_in_the_background_it_is_queued_first(client: openai.OpenAI) -> None:
    """The stream goes along until it is done."""
    asked: Any = {"model": "gpt-4o", "input": "x", "background": True, "stream": True}
    events = list(client.responses.create(**asked))
    assert events[1].type == "response.queued"
    assert check_stream(events).status == "completed"


def test_whoever_ends_it_ends_its_stream(tmp_path: Path, rules: Any) -> None:
    """Cancelled or deleted: nothing more is heard, and no error either."""
    faults = rules('{match: {path: "/responses$"}, action: {run: stays}}')
    server = Server(tmp_path / "served", faults)
    asked: Any = {"model": "gpt-4o", "input": "x", "background": True, "stream": True}
    try:
        with server.client() as client:
            for end in (client.responses.cancel, client.responses.delete):
                seen = []
                for event in client.responses.create(**asked):
                    seen.append(event.type)
                    if event.type == "response.created":
                        end(event.response.id)
                assert seen == ["response.created", "response.queued", "response.in_progress"]
    finally:
        server.stop()


def test_the_helper_of_the_sdk(client: openai.OpenAI) -> None:
    """`responses.stream`, over HTTP and without asyncio."""
    with client.responses.stream(
        model="gpt-4o",
        input="the weather in Oslo",
        tools=[WEATHER],  # type: ignore[list-item]
    ) as stream:
        deltas = [one.delta for one in stream if one.type.endswith("arguments.delta")]  # type: ignore[union-attr]
        final = stream.get_final_response()
    assert "".join(deltas) == final.output[0].arguments == '{"location": "Oslo"}'  # type: ignore[union-attr]
