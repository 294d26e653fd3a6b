"""A conversation through threads and runs: every way in which a run can go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from provisioner.conversation import Attachment, Call, Partner, Reply, open_conversation, threads
from provisioner.errors import NotFound, ServiceError
from provisioner.remote import Remote
from tests.conversation.conftest import WEATHER, Service, Talk, bent, without_streams

Story = Callable[[Talk], Awaitable[Any]]
START, SUBMIT = 'method: POST, path: "/runs$"', 'method: POST, path: "/submit_tool_outputs$"'
SAY = 'method: POST, path: "/messages$"'


def talked(service: Service, story: Story, *rules: str, **more: Any) -> Any:
    """What a story gives that talks to an assistant with a function."""

    async def whole(remote: Remote) -> Any:
        made = await remote.post("/assistants", {"model": "gpt-4o", "tools": [WEATHER]})
        partner = Partner("assistant.a", "assistants", id=made["id"])
        return await story(Talk(remote, await open_conversation(remote, partner)))

    return service.run(whole, *rules, **more)


def test_an_answer_comes_piece_by_piece(service: Service) -> None:
    """The pieces add up to what the reply says, and closing leaves nothing."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello there, how are you today?")
        assert (reply.status, reply.reason) == ("completed", "")
        assert reply.text == talk.text == "You said: Hello there, how are you today?"
        assert len(talk.told("text")) > 1
        assert reply.usage.input > 0 and reply.usage.output > 0
        again = await talk.say("And again")
        assert again.text == "You said: And again"
        await talk.conversation.close()
        await talk.conversation.close()
        with pytest.raises(NotFound):
            await talk.remote.get(f"/threads/{talk.conversation.id}")

    talked(service, story)


def test_functions_are_answered_on_the_way(service: Service) -> None:
    """Calls with their arguments, outputs by their ids, and the answer that follows."""

    async def story(talk: Talk) -> Reply:
        return await talk.say("What is the weather in Oslo?")

    reply = talked(service, story)

    (call,) = reply.calls
    assert call.name == "get_weather" and "location" in json.loads(call.arguments)
    assert reply.outputs == {call.id: "sunny"}
    assert reply.text == "get_weather returned sunny"


def test_a_document_is_cited(service: Service) -> None:
    """A file that goes along with a message is searched; its store is deleted in the end."""

    async def story(talk: Talk) -> None:
        import io

        file = await talk.remote.upload(io.BytesIO(b"Leave: 27 days a year."), "l.md", "assistants")
        attached = (Attachment(file["id"], "file_search"),)
        asked = await talk.remote.post("/assistants", {"model": "m", "tools": [FILE_SEARCH]})
        talk.conversation = await open_conversation(
            talk.remote, Partner("assistant.b", "assistants", id=asked["id"])
        )
        reply = await talk.say("How many days of leave?", attachments=attached)
        assert [one.file_id for one in reply.citations] == [file["id"]]
        assert "27 days" in reply.text
        assert "file_search: completed" in talk.told("tool")
        assert await talk.remote.list("/vector_stores")
        await talk.conversation.close()
        assert not await talk.remote.list("/vector_stores")

    talked(service, story)


FILE_SEARCH = {"type": "file_search"}


@pytest.mark.parametrize(
    ("fate", "status", "reason"),
    [
        ("failed, code: rate_limit_exceeded", "failed", "rate_limit_exceeded: "),
        ("expired", "expired", "expired"),
        ("incomplete, code: max_prompt_tokens", "incomplete", "max_prompt_tokens"),
    ],
)
def test_what_became_of_a_run_is_said(
    service: Service, fate: str, status: str, reason: str
) -> None:
    """Its state, and the service's own reason."""

    async def story(talk: Talk) -> Reply:
        return await talk.say("Hello")

    reply = talked(service, story, f"{{match: {{{START}}}, action: {{run: {fate}}}}}")

    assert reply.status == status
    assert reason in reply.reason


STAYS = f"{{match: {{{START}, nth: 1}}, action: {{run: stays}}}}"


def test_a_run_that_takes_too_long_is_cancelled(service: Service) -> None:
    """Cancelled, and waited for; the next turn goes on in the same conversation."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello", deadline=0.3)
        assert (reply.status, reply.reason) == ("cancelled", "it took longer than 0.3 s")
        assert [run["status"] for run in await talk.all("runs")] == ["cancelled"]
        assert (await talk.say("Again")).text == "You said: Again"

    talked(service, story, STAYS)


def test_who_breaks_off_leaves_no_run(service: Service) -> None:
    """A cancelled task cancels the run before it ends."""

    async def story(talk: Talk) -> None:
        task = asyncio.create_task(talk.say("Hello"))
        await asyncio.sleep(0.2)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert [run["status"] for run in await talk.all("runs")] == ["cancelled"]
        assert (await talk.say("Again")).status == "completed"

    talked(service, story, STAYS)


def test_a_function_that_fails_ends_the_turn(service: Service) -> None:
    """The run does not wait for outputs until it expires."""

    async def broken(call: Call) -> str:
        raise KeyError("Oslo")

    async def story(talk: Talk) -> None:
        reply = await talk.say("Weather in Oslo?", broken)
        assert reply.status == "failed"
        assert reply.reason == "`get_weather` was not answered: KeyError('Oslo')"
        assert [run["status"] for run in await talk.all("runs")] == ["cancelled"]
        assert (await talk.say("Weather in Oslo?")).status == "completed"

    talked(service, story)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("match", "things"), [(START, "runs"), (SAY, "messages")])
def test_a_lost_reply_makes_nothing_twice(
    service: Service, match: str, things: str, when: str
) -> None:
    """What is there is taken over; what is not is sent again, and either is said."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello")
        assert reply.status == "completed"
        assert reply.text == talk.text == "You said: Hello"
        found = [one for one in await talk.all(things) if one.get("role") != "assistant"]
        assert len(found) == 1
        assert ("is there" in talk.told("remark")[0]) == (when == "after")

    talked(service, story, f"{{match: {{{match}, nth: 1}}, action: {{status: 500, when: {when}}}}}")


@pytest.mark.parametrize("action", ["status: 500, when: before", "status: 500, when: after"])
def test_lost_outputs_are_given_once(service: Service, action: str) -> None:
    """The run is asked whether it has them."""

    async def story(talk: Talk) -> Reply:
        return await talk.say("Weather in Oslo?")

    reply = talked(service, story, f"{{match: {{{SUBMIT}, nth: 1}}, action: {{{action}}}}}")

    assert (reply.status, reply.text) == ("completed", "get_weather returned sunny")


@pytest.mark.parametrize("bytes", [1500, 4000])
def test_a_stream_that_breaks_off_is_followed_by_asking(service: Service, bytes: int) -> None:
    """The answer is the whole one, told once."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello there, how are you today?")
        assert reply.status == "completed"
        assert reply.text == talk.text == "You said: Hello there, how are you today?"
        assert len(await talk.all("runs")) == 1
        assert talk.told("remark")

    talked(service, story, f"{{match: {{{START}}}, action: {{truncate: {bytes}}}}}")


@pytest.mark.parametrize("text", ["Hello", "Weather in Oslo?"])
def test_another_run_is_waited_for_or_cancelled(
    service: Service, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A run of somebody else, whether it goes on or waits for outputs that nobody gives."""
    monkeypatch.setattr(threads, "_PATIENCE", 0.2)

    async def story(talk: Talk) -> None:
        (assistant,) = await talk.remote.list("/assistants")
        path = f"/threads/{talk.conversation.id}"
        await talk.remote.post(f"{path}/messages", {"role": "user", "content": text})
        await talk.remote.post(f"{path}/runs", {"assistant_id": assistant["id"]})
        reply = await talk.say("Mine")
        assert (reply.status, reply.text) == ("completed", "You said: Mine")
        other, mine = await talk.all("runs")
        assert (other["status"], mine["status"]) == ("cancelled", "completed")
        assert any("another run" in remark for remark in talk.told("remark"))

    stays = f"{{match: {{{START}, nth: 1}}, action: {{run: stays}}}}"
    talked(service, story, *([stays] if text == "Hello" else []))


def test_a_service_without_streams_is_asked_again_and_again(service: Service) -> None:
    """Said once; functions, text and usage come all the same."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Weather in Oslo?")
        assert (reply.status, reply.text) == ("completed", "get_weather returned sunny")
        assert reply.usage.total and reply.text == talk.text
        assert ["does not stream" in remark for remark in talk.told("remark")] == [True]
        assert (await talk.say("Again")).text == "You said: Again"
        assert not talk.told("remark")

    talked(service, story, around=without_streams)


def test_an_event_that_nobody_knows_is_survived(service: Service) -> None:
    """It is reported, once, by its name."""

    def change(path: str, body: bytes) -> bytes:
        odd = b"event: thread.run.dreaming\ndata: {}\n\n"
        return odd + odd + body if body.startswith(b"event: thread.run.in_progress") else body

    async def story(talk: Talk) -> None:
        assert (await talk.say("Hello")).text == "You said: Hello"
        (remark,) = talk.told("remark")
        assert "`thread.run.dreaming`" in remark

    talked(service, story, around=bent(change))


def test_a_state_that_nobody_knows_ends_the_turn(service: Service) -> None:
    """It is believed after some time, and reported in the service's own word."""

    def change(path: str, body: bytes) -> bytes:
        return body.replace(b'"status":"completed"', b'"status":"archived"')

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello")
        assert (reply.status, reply.text) == ("archived", "You said: Hello")
        assert "`archived`" in reply.reason

    def around(app: Any) -> Any:
        return without_streams(bent(change)(app))

    talked(service, story, around=around)


def test_what_is_refused_is_our_error(service: Service) -> None:
    """It names what was asked."""

    async def story(talk: Talk) -> None:
        with pytest.raises(ServiceError, match=r"`POST http://l/v1/threads/\S+/runs` answered 400"):
            await talk.say("Hello")

    talked(service, story, f"{{match: {{{START}}}, action: {{status: 400}}}}")
