"""A conversation through an agent's session: every way in which a turn can go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from provisioner.conversation import Attachment, Call, Partner, Reply, open_conversation
from provisioner.errors import NotFound, ServiceError
from provisioner.remote import Remote
from tests.conversation.conftest import WEATHER, Service, Talk, bent

Story = Callable[[Talk], Awaitable[Any]]
FUNCTION = {"type": "function", "description": "How the weather is", **WEATHER["function"]}
OPENING = {"environment": {"type": "none"}}
BEGIN = 'method: POST, path: "/agents/sessions$"'
SUBMIT = 'method: POST, path: "/events$"'
LISTEN = 'method: GET, path: "/events$"'


def talked(service: Service, story: Story, *rules: str, **more: Any) -> Any:
    """What a story gives that talks to an agent with a function."""
    opening = more.pop("opening", OPENING)

    async def whole(remote: Remote) -> Any:
        made = await remote.post("/agents", {"model": "gpt-5.6", "tools": [FUNCTION]})
        partner = Partner("assistant.a", "agents", id=made["id"], request=opening)
        return await story(Talk(remote, await open_conversation(remote, partner)))

    return service.run(whole, *rules, **more)


async def sessions(talk: Talk) -> int:
    return len(await talk.remote.list("/agents/sessions"))


@pytest.mark.parametrize("opening", [OPENING, {"environment": {"type": "openai_hosted"}}])
def test_an_answer_comes_piece_by_piece(service: Service, opening: Any) -> None:
    """The pieces add up to what the reply says, the session goes on, and closing leaves nothing."""

    async def story(talk: Talk) -> None:
        await talk.conversation.close()  # nothing was said: there is none
        reply = await talk.say("Hello there, how are you today?")
        assert (reply.status, reply.reason) == ("completed", "")
        assert reply.text == talk.text == "You said: Hello there, how are you today?"
        assert len(talk.told("text")) > 1 and not talk.told("remark")
        assert reply.usage.input > 0 and reply.usage.output > 0
        again = await talk.say("And again")
        assert again.text == talk.text == "You said: And again"
        assert again.usage.input > reply.usage.input / 2  # what was said before was read again
        assert await sessions(talk) == 1
        await talk.conversation.close()
        await talk.conversation.close()
        with pytest.raises(NotFound):
            await talk.remote.get(f"/agents/sessions/{talk.conversation.id}")

    talked(service, story, opening=opening)


def test_functions_are_answered_on_the_way(service: Service) -> None:
    """Calls with their arguments, outputs by their ids, and the answer that follows."""

    async def story(talk: Talk) -> Reply:
        return await talk.say("What is the weather in Oslo?")

    reply = talked(service, story)

    (call,) = reply.calls
    assert call.name == "get_weather" and "location" in json.loads(call.arguments)
    assert reply.outputs == {call.id: "sunny"}
    assert reply.text == "get_weather returned sunny"


@pytest.mark.parametrize(
    ("fate", "reason"),
    [("failed, code: rate_limit_exceeded", "rate_limit_exceeded: "), ("expired", "timed out")],
)
def test_what_became_of_a_turn_is_said(service: Service, fate: str, reason: str) -> None:
    """Its state, and the service's own reason."""

    async def story(talk: Talk) -> Reply:
        return await talk.say("Hello")

    reply = talked(service, story, f"{{match: {{{BEGIN}}}, action: {{run: {fate}}}}}")

    assert reply.status == "failed"
    assert reason in reply.reason


STAYS = f"{{match: {{{BEGIN}, nth: 1}}, action: {{run: stays}}}}"


def test_a_turn_that_takes_too_long_is_cancelled(service: Service) -> None:
    """And the session goes on."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello", deadline=0.3)
        assert (reply.status, reply.reason) == ("cancelled", "it took longer than 0.3 s")
        assert not talk.told("remark")
        assert (await talk.say("Again")).text == "You said: Again"
        await talk.conversation.close()

    talked(service, story, STAYS)


def test_who_breaks_off_leaves_no_turn(service: Service) -> None:
    """A session that works would be paid for, and could not be deleted."""

    async def story(talk: Talk) -> None:
        task = asyncio.create_task(talk.say("Hello"))
        while not talk.conversation.id:
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await talk.conversation.close()
        assert await sessions(talk) == 0

    talked(service, story, STAYS)


def test_a_function_that_fails_ends_the_turn(service: Service) -> None:
    """The reply says which, and the next message is answered."""

    async def broken(call: Call) -> str:
        raise ValueError("no weather today")

    async def story(talk: Talk) -> None:
        reply = await talk.say("What is the weather in Oslo?", answer=broken)
        assert reply.status == "failed" and "no weather today" in reply.reason
        assert (await talk.say("Hello")).text == "You said: Hello"

    talked(service, story)


@pytest.mark.parametrize("rule", [BEGIN, SUBMIT])
@pytest.mark.parametrize("action", ["status: 500, when: before", "status: 500, when: after"])
def test_a_lost_reply_makes_nothing_twice(service: Service, rule: str, action: str) -> None:
    """Neither a second session, nor a second message or output."""

    async def story(talk: Talk) -> None:
        assert (await talk.say("Hello")).text == "You said: Hello"
        reply = await talk.say("What is the weather in Oslo?")
        assert reply.text == "get_weather returned sunny"
        assert await sessions(talk) == 1
        items = await talk.remote.list(f"/agents/sessions/{talk.conversation.id}/items")
        said = [one for one in items if one.get("role") == "user"]
        assert len(said) == 2
        assert len([one for one in items if one["type"] == "function_call_output"]) == 1

    talked(service, story, f"{{match: {{{rule}, nth: 1}}, action: {{{action}}}}}")


def broken(app: Any) -> Any:
    """The same service, if its streams broke off after some pieces."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        streams, pieces = scope["method"] == "GET" and scope["path"].endswith("/events"), 0

        async def sent(message: Any) -> None:
            nonlocal pieces
            pieces += 1
            if streams and pieces > 3:
                raise ConnectionError
            await send(message)

        await app(scope, receive, sent)

    return served


NO_STREAM = f"{{match: {{{LISTEN}}}, action: {{status: 405}}}}"


@pytest.mark.parametrize(
    ("rules", "more"),
    [pytest.param([NO_STREAM], {}, id="none"), pytest.param([], {"around": broken}, id="broken")],
)
def test_without_a_stream_the_session_is_asked(
    service: Service, rules: list[str], more: dict[str, Any]
) -> None:
    """Whether there is none, or it breaks off: the answer is the same."""

    async def story(talk: Talk) -> None:
        reply = await talk.say("What is the weather in Oslo?")
        assert reply.text == talk.text == "get_weather returned sunny"
        assert len(talk.told("remark")) == 1
        assert (await talk.say("Hello")).text == "You said: Hello"

    talked(service, story, *rules, **more)


def test_what_is_not_known_is_said(service: Service) -> None:
    """An event of a later release, what the agent says while it works, and what it waits for."""
    wanted = {"type": "mcp_approval_request", "request_id": "r", "turn_id": "t"}

    def change(path: str, body: bytes) -> bytes:
        body = body.replace(b"agent.session.turn.content_part.added", b"agent.session.turn.sung")
        return body.replace(b"final_answer", b"commentary")

    def waiting(path: str, body: bytes) -> bytes:
        if b'"function_call"' not in body or b'"required_actions"' not in body:
            return body
        return body.replace(b'"type":"function_call"', b'"type":"mcp_approval_request"')

    async def story(talk: Talk) -> None:
        reply = await talk.say("Hello")
        assert reply.text == ""
        remarks = talk.told("remark")
        assert "meanwhile: You said: Hello" in remarks
        assert len([one for one in remarks if "agent.session.turn.sung" in one]) == 1

    async def waits(talk: Talk) -> Reply:
        return await talk.say("What is the weather in Oslo?")

    talked(service, story, around=bent(change))
    reply = talked(service, waits, around=bent(waiting))
    assert reply.status == "failed" and f"`{wanted['type']}`" in reply.reason


def test_a_file_does_not_go_along(service: Service) -> None:
    """It is said before anything is sent."""

    async def story(talk: Talk) -> None:
        with pytest.raises(ServiceError, match="takes no files along"):
            await talk.say("Look", attachments=(Attachment("file-1", "code_interpreter"),))
        assert await sessions(talk) == 0

    talked(service, story)
