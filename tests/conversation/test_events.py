"""Every event that the SDK knows, from a service that sends them all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.beta import AgentSessionEvent, AssistantStreamEvent
from openai.types.responses import ResponseStreamEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provisioner.conversation import Partner, Reply, open_conversation
from provisioner.conversation.turns import known_words
from provisioner.remote import Remote
from tests.conversation.conftest import Talk

ERROR = {"code": "server_error", "message": "It fell over"}
CALL = {"id": "call_1", "type": "code_interpreter", "code_interpreter": {"input": "1"}}
STEP = {"id": "step_1", "step_details": {"type": "tool_calls", "tool_calls": [CALL]}}
DELTAS: dict[str, Any] = {
    "thread.run.step.delta": {
        "id": "step_1",
        "delta": {"step_details": {"type": "tool_calls", "tool_calls": [{**CALL, "index": 0}]}},
    },
    "thread.message.delta": {
        "id": "msg_1",
        "delta": {
            "content": [
                {"index": 0, "type": "text", "text": {"value": "Half "}},
                {"index": 1, "type": "refusal", "refusal": "no"},
                {"index": 2, "type": "image_file", "image_file": {"file_id": "file-1"}},
            ]
        },
    },
}
MESSAGE = {
    "id": "msg_1",
    "content": [
        {
            "type": "text",
            "text": {
                "value": "Half ",
                "annotations": [
                    {"type": "file_citation", "file_citation": {"file_id": "file-1", "quote": "q"}},
                    {"type": "file_path", "file_path": {"file_id": "file-2"}},
                ],
            },
        },
        {"type": "refusal", "refusal": "no"},
        {"type": "image_file", "image_file": {"file_id": "file-1"}},
    ],
    "incomplete_details": {"reason": "max_tokens"},
}


def served(stream: str, kept: dict[str, Any]) -> Any:
    """A service that answers what starts something with a stream, and whoever asks with
    `kept`.
    """

    async def answer(request: Request) -> Response:
        if b'"stream"' in await request.body():
            return Response(stream, media_type="text/event-stream")
        if request.url.path.endswith("/messages"):
            return JSONResponse({"id": "msg_0", "data": [], "has_more": False})
        return JSONResponse(kept)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "DELETE"])])


async def reply_of(app: Any, partner: Partner) -> tuple[Talk, Reply]:
    async with Remote.open("http://l/v1", "", app=app) as remote:
        talk = Talk(remote, await open_conversation(remote, partner))
        return talk, await talk.say("Hello")


@pytest.mark.anyio
async def test_every_event_of_a_run_is_known() -> None:
    """None is called unknown, and those that say something are heard."""
    run = {"id": "run_1", "status": "in_progress"}
    ended = {**run, "status": "failed", "last_error": ERROR}
    names = known_words(AssistantStreamEvent, "event") - {"error"}
    stream = ""
    for name in sorted(names, key=lambda name: (not name.endswith("delta"), name)):
        data = DELTAS.get(name, run)
        if name not in DELTAS and name.startswith("thread.run.step."):
            data = {**STEP, "last_error": ERROR} if name.endswith("failed") else STEP
        elif name in ("thread.message.completed", "thread.message.incomplete"):
            data = MESSAGE
        stream += f"event: {name}\ndata: {json.dumps(data)}\n\n"
    stream += f"event: error\ndata: {json.dumps({'error': ERROR})}\n\n"

    talk, reply = await reply_of(
        served(stream, ended), Partner("assistant.a", "assistants", id="asst_1")
    )

    assert (reply.status, reply.reason) == ("failed", "server_error: It fell over")
    assert reply.text == talk.text == "Half no"
    assert [(one.file_id, one.quote) for one in reply.citations] == [("file-1", "q")]
    assert "code_interpreter: in progress" in talk.told("tool")
    assert sorted(talk.told("remark")) == [
        "a part of the answer is no text, but `image_file`",
        "a step failed: server_error: It fell over",
        "the message is not complete: max_tokens",
        "the stream broke off; the run is asked how it goes on",
    ]


@pytest.mark.anyio
async def test_every_event_of_a_response_is_known() -> None:
    """None is called unknown, and those that say something are heard."""
    message = {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    notes = [
        {"type": "url_citation", "url": "https://x.example", "title": "X"},
        {"type": "container_file_citation", "file_id": "cfile_1", "filename": "a.png"},
        {"type": "file_path", "file_id": "file-2"},
    ]
    message["content"][0]["annotations"] = notes  # type: ignore[index]  # it is a list
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    response = {"id": "resp_1", "status": "in_progress", "output": []}
    whole = {**response, "status": "completed", "output": [search, message]}
    ends = {"response.completed", "response.failed", "response.incomplete", "error"}
    stream = ""
    for name in [*sorted(known_words(ResponseStreamEvent, "type") - ends), "response.completed"]:
        event = {"type": name, "item_id": "msg_1", "delta": "", "item": search, "part": {}}
        event["response"] = whole if name in ends else response
        if name == "response.output_text.delta":
            event["delta"] = "Hi"
        stream += f"event: {name}\ndata: {json.dumps(event)}\n\n"

    talk, reply = await reply_of(
        served(stream, {"id": "conv_1"}),
        Partner("assistant.a", "responses", request={"model": "m"}),
    )

    assert (reply.status, reply.text, talk.text) == ("completed", "Hi", "Hi")
    assert talk.told("tool") == ["web_search: completed"]
    assert not talk.told("remark")
    assert [(one.file_id, one.filename) for one in reply.citations] == [
        ("", "https://x.example"),
        ("cfile_1", "a.png"),
    ]


SESSION = {"id": "sess_1", "status": "in_progress", "required_actions": []}
TURN = {"id": "turn_1", "status": "in_progress", "error": None}
SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hi"}],
}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed"}


def of_a_session(stream: str, session: dict[str, Any], turn: dict[str, Any]) -> Any:
    """A service whose session tells all of a stream, and has come to rest whoever asks."""

    def page(*items: dict[str, Any]) -> dict[str, Any]:
        return {"object": "list", "data": list(items), "has_more": False}

    kept = {"turns": page(turn), "items": page(SEARCH, SAID), "sess_1": session}

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            return Response(stream, media_type="text/event-stream")
        return JSONResponse(kept[request.url.path.rpartition("/")[2]])

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def told_by_a_session(*names: str) -> str:
    stream = ""
    for at, name in enumerate(names):
        event: dict[str, Any] = {"type": name, "event_id": f"event_{at}", "session_id": "sess_1"}
        event |= {"turn_id": "turn_1", "item_id": "msg_1", "delta": "", "item": SEARCH}
        if name.count(".") == 2:
            event["session"] = {**SESSION, "status": name.rpartition(".")[2]}
        elif name in ("agent.session.turn.created", "agent.session.turn.in_progress"):
            event["turn"] = TURN
        elif name.startswith("agent.session.subagent."):
            event["turn"] = {**TURN, "id": "turn_9", "subagent_id": "sub_1"}
        elif name == "agent.session.turn.item.added":
            event["item"] = SAID
        elif name == "agent.session.turn.output_text.delta":
            event["delta"] = "Hi"
        if name == "error":
            event["error"] = ERROR
        stream += f"event: {name}\ndata: {json.dumps(event)}\n\n"
    return stream


FIRST = ("agent.session.created", "agent.session.turn.created", "agent.session.turn.item.added")
LAST = ("agent.session.idle", "agent.session.failed", "error")


@pytest.mark.anyio
@pytest.mark.parametrize("last", LAST)
async def test_every_event_of_a_session_is_known(last: str) -> None:
    """None is called unknown, those that say something are heard, and each end is one."""
    names = sorted(known_words(AgentSessionEvent, "type") - {*FIRST, *LAST})
    assert len(names) == 27
    failed = last == "agent.session.failed"
    session = {**SESSION, "status": "failed" if failed else "idle"}
    session["error"] = "It fell over" if failed else None
    turn = {**TURN, "status": "failed" if failed else "completed"}
    stream = told_by_a_session(*FIRST, *names, last)

    talk, reply = await reply_of(
        of_a_session(stream, session, turn),
        Partner("assistant.a", "agents", id="agent_1", request={"environment": {"type": "none"}}),
    )

    assert reply.text == talk.text == "Hi"
    assert (reply.status, reply.reason) == (
        ("failed", "It fell over") if failed else ("completed", "")
    )
    assert talk.told("tool") == ["web_search: completed"]
    said = ["the service says: server_error: It fell over"]
    assert talk.told("remark") == (said if last == "error" else [])


@pytest.mark.anyio
async def test_an_event_of_a_session_that_nobody_knows_is_said() -> None:
    """It is passed over."""
    stream = told_by_a_session(*FIRST, "agent.session.turn.hummed", "agent.session.idle")
    talk, reply = await reply_of(
        of_a_session(stream, {**SESSION, "status": "idle"}, {**TURN, "status": "completed"}),
        Partner("assistant.a", "agents", id="agent_1", request={"environment": {"type": "none"}}),
    )
    assert reply.status == "completed"
    [remark] = talk.told("remark")
    assert "`agent.session.turn.hummed`, an event that this release does not know" in remark
