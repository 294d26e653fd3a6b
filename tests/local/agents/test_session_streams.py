"""Events of sessions: their order, the SDK's helpers that live on them, and how a stream ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import openai
import pytest

from provisioner.local import create_app
from provisioner.remote.in_process import InProcess

from .test_saved import WEATHER
from .test_sessions import NONE, said

SESSION, TURN = "agent.session.", "agent.session.turn."
ANSWERED = [
    "agent.session.turn.item.added",
    "agent.session.turn.content_part.added",
    "agent.session.turn.output_text.delta",
    "agent.session.turn.output_text.done",
    "agent.session.turn.content_part.done",
    "agent.session.turn.item.done",
    "agent.session.turn.completed",
    "agent.session.idle",
]
BEGUN = [
    "agent.session.turn.created",
    "agent.session.in_progress",
    "agent.session.turn.in_progress",
    "agent.session.turn.item.added",
]
AGENT: Any = {"model": "gpt-6", "tools": [WEATHER]}


def kinds(events: Any) -> list[str]:
    """The types of events; pieces of a text count once."""
    found: list[str] = []
    for event in events:
        if not (event.type.endswith("delta") and found[-1] == event.type):
            found.append(event.type)
    return found


def test_a_stream_that_begins_a_session_ends_with_its_turn(client: openai.OpenAI) -> None:
    """All that happens is told in order, and what is told is what can be read afterwards."""
    sessions = client.beta.agents.sessions
    with sessions.create(agent=AGENT, environment=NONE, input="Hello.", stream=True) as stream:
        events: list[Any] = list(stream)
    assert kinds(events) == ["agent.session.created", *BEGUN, *ANSWERED]
    assert len({event.event_id for event in events}) == len(events)
    assert all(event.obfuscation for event in events)
    told = {event.type.removeprefix(TURN): event for event in events if TURN in event.type}
    session = events[-1].session
    text = "".join(event.delta for event in events if event.type.endswith("delta"))
    assert text == told["output_text.done"].text == "You said: Hello."
    assert sessions.retrieve(session.id).usage == told["completed"].usage
    assert sessions.turns.list(session.id).data == [told["completed"].turn]
    assert sessions.items.list(session.id).data[0].id == told["item.done"].item.id


def test_a_long_text_is_told_in_a_hundred_pieces(client: openai.OpenAI) -> None:
    """At most, whatever its length, and all of it; what is told is what is true."""
    sessions = client.beta.agents.sessions
    asked = "word " * 1234 + "end"
    with sessions.create(agent=AGENT, environment=NONE, input=asked, stream=True) as stream:
        events: list[Any] = list(stream)
    deltas = [event.delta for event in events if event.type.endswith("delta")]
    assert "".join(deltas) == f"You said: {asked}"
    assert 50 <= len(deltas) <= 100
    assert sessions.retrieve(events[-1].session.id) == events[-1].session


def test_padding_can_be_left_out(client: openai.OpenAI) -> None:
    """When a session is streamed, and when it is listened to."""
    sessions = client.beta.agents.sessions
    stream = sessions.create(
        agent=AGENT,
        environment=NONE,
        input="Hello.",
        stream=True,
        stream_options={"include_obfuscation": False},
    )
    events: list[Any] = list(stream)
    assert not any(event.obfuscation for event in events)
    with sessions.events.stream(events[-1].session.id, include_obfuscation=False) as listening:
        assert next(iter(listening)).obfuscation is None


def test_functions_are_answered_while_the_session_streams(client: openai.OpenAI) -> None:
    """The SDK calls what it was given, and the result is the answer to that."""
    stream = client.beta.agents.sessions.create(
        agent=AGENT,
        environment=NONE,
        input="What's the weather in Oslo?",
        stream=True,
        tool_handlers={"get_weather": lambda arguments: f"Rain in {arguments['location']}"},
    )
    result = stream.get_final_result()
    assert result.output_text == "get_weather returned Rain in Oslo"
    assert result.turn.status == "completed"


def test_a_session_is_streamed_turn_by_turn(client: openai.OpenAI) -> None:
    """By the SDK's helper, which listens first and then says something."""
    sessions = client.beta.agents.sessions
    made = sessions.create(agent=AGENT, environment={"type": "openai_hosted"})
    with sessions.stream(made.id, input="Hello.") as stream:
        events: list[Any] = list(stream)
    assert kinds(events) == ["agent.session.idle", *BEGUN, *ANSWERED]
    handlers: Any = {"get_weather": lambda arguments: {"sky": "blue"}}
    with sessions.stream(made.id, input="What's the weather?", tool_handlers=handlers) as stream:
        assert stream.get_final_result().output_text == 'get_weather returned {"sky":"blue"}'
    assert len(sessions.turns.list(made.id).data) == 2


def test_calls_are_told_when_they_are_made_and_when_they_are_done(client: openai.OpenAI) -> None:
    """Between them the session says what it waits for."""
    sessions = client.beta.agents.sessions
    made = sessions.create(agent=AGENT, environment={"type": "openai_hosted"})
    handlers: Any = {"get_weather": lambda arguments: "Rain"}
    with sessions.stream(made.id, input="What's the weather?", tool_handlers=handlers) as stream:
        events: list[Any] = list(stream)
    assert kinds(events) == [
        "agent.session.idle",
        *BEGUN,
        "agent.session.turn.item.added",
        "agent.session.requires_action",
        "agent.session.turn.item.done",
        "agent.session.turn.item.added",
        "agent.session.in_progress",
        *ANSWERED,
    ]
    call, output = events[5].item, events[8].item
    assert (call.type, call.status, events[7].item.status) == (
        "function_call",
        "in_progress",
        "completed",
    )
    assert (output.type, output.output) == ("function_call_output", "Rain")
    places = [events[number].output_index for number in (5, 7, 8, 10)]
    assert places == [0, 0, None, 1]


def test_who_listens_late_hears_how_it_is(client: openai.OpenAI) -> None:
    """A session that waits says so at once, with what it waits for; deleting it ends the stream."""
    sessions = client.beta.agents.sessions
    stream = sessions.create(
        agent=AGENT, environment=NONE, input="What's the weather?", stream=True
    )
    for event in stream:
        if event.type == "agent.session.requires_action":
            break
    stream.close()
    session_id = event.session.id  # type: ignore[union-attr]
    with sessions.events.stream(session_id) as listening:
        first: Any = next(iter(listening))
        assert first.type == "agent.session.requires_action"
        assert len(first.session.required_actions) == 1
        sessions.events.create(session_id, events=[{"type": "agent.session.input.cancel"}])
        gone = threading.Timer(0.1, lambda: sessions.delete(session_id))
        gone.start()
        rest = kinds(listening)
        gone.join()
    assert rest == [
        "agent.session.turn.item.done",
        "agent.session.turn.cancelled",
        "agent.session.idle",
    ]
    with pytest.raises(openai.NotFoundError):
        sessions.events.stream(session_id)


def test_a_session_in_this_process_is_streamed_as_well(tmp_path: Path) -> None:
    """By the asynchronous helper, over a transport that hands on what it has."""

    async def story() -> None:
        transport = InProcess(create_app(tmp_path))
        http = openai.DefaultAsyncHttpx2Client(transport=transport)
        async with openai.AsyncOpenAI(
            api_key="local", base_url="http://local/v1", http_client=http
        ) as client:
            sessions = client.beta.agents.sessions
            made = await sessions.create(agent=AGENT, environment={"type": "openai_hosted"})
            handlers: Any = {"get_weather": lambda arguments: "Rain"}
            async with sessions.stream(
                made.id, input="What's the weather?", tool_handlers=handlers
            ) as stream:
                result = await stream.get_final_result()
            assert result.output_text == "get_weather returned Rain"

    asyncio.run(story())


def test_a_failure_is_told(tell: Any, rules: Any) -> None:
    """By an error and by the turn; then the session is idle."""

    async def story(client: openai.AsyncOpenAI) -> None:
        sessions = client.beta.agents.sessions
        stream = await sessions.create(agent=AGENT, environment=NONE, input="Hello.", stream=True)
        events: list[Any] = [event async for event in stream]
        assert kinds(events) == [
            "agent.session.created",
            *BEGUN,
            "error",
            "agent.session.turn.failed",
            "agent.session.idle",
        ]
        assert events[-3].error.code == events[-2].turn.error.code == "server_error"
        await sessions.events.create(events[-1].session.id, events=[said("Again.")])
        assert (await sessions.retrieve(events[-1].session.id)).status == "idle"

    line = "{match: {path: sessions$}, action: {run: failed}}"
    tell(story, faults=rules(line), run_seconds=0)


BREAKS = [
    ("{truncate: 20}", openai.APIConnectionError),
    ("{truncate: 900}", openai.APIConnectionError),
    ("{reset: after}", openai.APIConnectionError),
    ("{status: 500, when: after}", openai.InternalServerError),
]


@pytest.mark.parametrize(("action", "error"), BREAKS)
@pytest.mark.sampled(2)
def test_a_stream_breaks_at_once_though_it_has_no_end(
    tell: Any, rules: Any, action: str, error: Any
) -> None:
    """A session that waits for an output, and one that is listened to, have nothing to tell for long;
    a fault does not wait for that, and what was asked for is done.
    """
    begins = f'{{match: {{method: POST, path: "/agents/sessions$"}}, action: {action}}}'
    listens = f'{{match: {{method: GET, path: "/events$"}}, action: {action}}}'

    async def story(client: openai.AsyncOpenAI) -> None:
        sessions = client.with_options(max_retries=0).beta.agents.sessions
        question = "What's the weather in Oslo?"
        more: Any = {"agent": AGENT, "environment": NONE, "input": question, "stream": True}
        async with asyncio.timeout(5):
            with pytest.raises(error):
                async for _ in await sessions.create(**more):
                    pass
            [made] = [one async for one in sessions.list()]
            with pytest.raises(error):
                async for _ in await sessions.events.stream(made.id):
                    pass

    tell(story, faults=rules(begins, listens))
