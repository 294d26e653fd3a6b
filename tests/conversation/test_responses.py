"""A conversation through responses: whoever remembers it, and however an answer may go."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from provisioner.conversation import Attachment, Call, Partner, Reply, open_conversation
from provisioner.errors import NotFound, ReplyLost, ServiceError
from provisioner.remote import Remote
from tests.conversation.conftest import WEATHER, Service, Talk, bent, without_streams

FUNCTION = {"type": "function", "strict": False, **WEATHER["function"]}
PROFILE: dict[str, Any] = {"model": "gpt-4o", "instructions": "Be brief.", "tools": [FUNCTION]}
ASK = 'method: POST, path: "/responses$"'
NO_CONVERSATIONS = '{match: {path: "/v1/conversations"}, action: {status: 405}}'
KEPT = [pytest.param({}, (), id="conversation"), pytest.param({}, (NO_CONVERSATIONS,), id="chain")]
RESENT = pytest.param({"store": False}, (), id="resent")


def talked(
    service: Service, story: Callable[[Talk], Awaitable[Any]], *rules: str, **more: Any
) -> Any:
    """What a story gives that talks to a profile with a function."""
    profile, around = more.pop("profile", {}), more

    async def whole(remote: Remote) -> Any:
        partner = Partner("assistant.a", "responses", request={**PROFILE, **profile})
        return await story(Talk(remote, await open_conversation(remote, partner)))

    return service.run(whole, *rules, **around)


@pytest.mark.parametrize(("profile", "rules"), [*KEPT, RESENT])
def test_an_answer_comes_piece_by_piece(
    service: Service, profile: dict[str, Any], rules: tuple[str, ...]
) -> None:
    """Functions are answered on the way, the conversation goes on, and closing leaves nothing."""
    asked: list[Any] = []

    def change(path: str, body: bytes) -> bytes:
        found = [
            json.loads(line[6:]) for line in body.decode().splitlines() if line[:6] == "data: "
        ]
        asked.extend(one["response"] for one in found if one["type"] == "response.created")
        return body

    async def story(talk: Talk) -> None:
        reply = await talk.say("What is the weather in Oslo?")
        (call,) = reply.calls
        assert call.name == "get_weather" and "location" in json.loads(call.arguments)
        assert reply.outputs == {call.id: "sunny"}
        assert (reply.status, reply.reason) == ("completed", "")
        assert reply.text == talk.text == "get_weather returned sunny"
        assert len(talk.told("text")) > 1 and not talk.told("remark")
        assert reply.usage.input > 0 and reply.usage.output > 0
        again = await talk.say("And again")
        assert again.text == "You said: And again"
        assert again.usage.input > reply.usage.input / 2  # what was said before was read again
        assert len(asked) == 3
        await talk.conversation.close()
        await talk.conversation.close()
        for response in asked:
            with pytest.raises(NotFound):
                await talk.remote.get(f"/responses/{response['id']}")

    talked(service, story, *rules, profile=profile, around=bent(change))


def test_documents_are_cited_and_files_go_along(service: Service) -> None:
    """A file for the search gets a store, one for the interpreter goes into its container."""

    async def story(talk: Talk) -> None:
        file = await talk.remote.upload(io.BytesIO(b"Leave: 27 days a year."), "l.md", "assistants")
        attached = tuple(
            Attachment(file["id"], tool) for tool in ("file_search", "code_interpreter")
        )
        reply = await talk.say("How many days of leave?", attachments=attached)
        assert [(one.file_id, one.filename) for one in reply.citations] == [(file["id"], "l.md")]
        assert "file_search: completed" in talk.told("tool")
        assert await talk.remote.list("/vector_stores")
        await talk.conversation.close()
        assert not await talk.remote.list("/vector_stores")

    talked(service, story)


@pytest.mark.parametrize(
    ("fate", "status", "reason"),
    [
        ("failed, code: rate_limit_exceeded", "failed", "rate_limit_exceeded: "),
        ("incomplete, code: max_output_tokens", "incomplete", "max_output_tokens"),
    ],
)
def test_what_became_of_a_response_is_said(
    service: Service, fate: str, status: str, reason: str
) -> None:
    """Its state, and the service's own reason."""

    async def story(talk: Talk) -> Reply:
        return await talk.say("Hello")

    reply = talked(service, story, f"{{match: {{{ASK}}}, action: {{run: {fate}}}}}")

    assert reply.status == status
    assert reason in reply.reason


STAYS = f"{{match: {{{ASK}, nth: 1}}, action: {{run: stays}}}}"


@pytest.mark.parametrize("profile", [{}, {"background": True}, {"store": False}])
def test_an_answer_that_takes_too_long_is_broken_off(
    service: Service, profile: dict[str, Any]
) -> None:
    """And the conversation goes on."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello", deadline=0.3)
        assert (reply.status, reply.reason) == ("cancelled", "it took longer than 0.3 s")
        assert not talk.told("remark")
        assert (await talk.say("Again")).text == "You said: Again"
        await talk.conversation.close()

    talked(service, story, STAYS, profile=profile)


@pytest.mark.parametrize(("profile", "rules"), [*KEPT, RESENT])
def test_a_call_that_nobody_answered_does_not_stand_in_the_way(
    service: Service, profile: dict[str, Any], rules: tuple[str, ...]
) -> None:
    """A service goes on with a conversation only when each call has an output."""

    async def broken(call: Call) -> str:
        raise KeyError("Oslo")

    async def slow(call: Call) -> str:
        await asyncio.sleep(20)
        return ""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Weather in Oslo?", broken)
        assert reply.status == "failed"
        assert reply.reason == "`get_weather` was not answered: KeyError('Oslo')"
        task = asyncio.create_task(talk.say("Weather in Rome?", slow))
        await asyncio.sleep(0.3)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert (await talk.say("Weather in Oslo?")).text.endswith("get_weather returned sunny")

    talked(service, story, *rules, profile=profile)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_is_not_paid_for_twice(service: Service, when: str) -> None:
    """Nobody can look up a response whose id never came: it is an error that says so."""

    async def story(talk: Talk) -> None:
        with pytest.raises(ReplyLost) as failed:
            await talk.say("Hello")
        assert "not sent again" in (failed.value.problems[0].hint or "")

    talked(service, story, f"{{match: {{{ASK}}}, action: {{status: 500, when: {when}}}}}")


def test_a_stream_that_breaks_off_is_followed_by_asking(service: Service) -> None:
    """The answer is the whole one, told once."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello there, how are you today?")
        assert reply.status == "completed"
        assert reply.text == talk.text == "You said: Hello there, how are you today?"
        assert talk.told("remark")

    talked(service, story, f"{{match: {{{ASK}}}, action: {{truncate: 4500}}}}")


def test_a_stream_of_what_nobody_keeps_is_lost(service: Service) -> None:
    """Under `store: false` there is nothing to ask for."""

    async def story(talk: Talk) -> None:
        with pytest.raises(ReplyLost):
            await talk.say("Hello there, how are you today?")

    rule = f"{{match: {{{ASK}}}, action: {{truncate: 4500}}}}"
    talked(service, story, rule, profile={"store": False})


def test_a_service_without_streams_answers_whole(service: Service) -> None:
    """Said once; functions, text and usage come all the same."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Weather in Oslo?")
        assert (reply.status, reply.text) == ("completed", "get_weather returned sunny")
        assert reply.usage.total and reply.text == talk.text
        assert ["does not stream" in remark for remark in talk.told("remark")] == [True]

    talked(service, story, around=without_streams)


def test_an_event_that_nobody_knows_is_survived(service: Service) -> None:
    """It is reported, once, by its name."""

    def change(path: str, body: bytes) -> bytes:
        odd = b'event: response.dreaming\ndata: {"type": "response.dreaming"}\n\n'
        return odd + odd + body if body.startswith(b"event: response.completed") else body

    async def story(talk: Talk) -> None:
        assert (await talk.say("Hello")).text == "You said: Hello"
        (remark,) = talk.told("remark")
        assert "`response.dreaming`" in remark

    talked(service, story, around=bent(change))


def test_an_error_in_a_stream_ends_the_turn(service: Service) -> None:
    """Where nothing can be asked for, it is an error of ours."""

    def change(path: str, body: bytes) -> bytes:
        error = {"type": "error", "code": "server_error", "message": "It fell over", "param": None}
        odd = f"event: error\ndata: {json.dumps(error)}\n\n".encode()
        return odd if body.startswith(b"event: response.output_text") else body

    async def story(talk: Talk) -> None:
        with pytest.raises(ServiceError, match="It fell over"):
            await talk.say("Hello")

    talked(service, story, profile={"store": False}, around=bent(change))


def test_a_locked_conversation_is_waited_for(service: Service) -> None:
    """Somebody else's answer is under way in it."""
    refused: list[str] = []

    def change(path: str, body: bytes) -> bytes:
        return body.replace(b'"code":"busy"', b'"code":"conversation_locked"')

    async def story(talk: Talk) -> None:
        assert (await talk.say("Hello")).text == "You said: Hello"
        assert any("another answer" in remark for remark in talk.told("remark"))
        refused.append("")

    rule = f"{{match: {{{ASK}, nth: 1}}, action: {{status: 400, code: busy}}}}"
    talked(service, story, rule, around=bent(change))
    assert refused
