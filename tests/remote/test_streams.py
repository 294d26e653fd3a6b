"""Streams of the official SDK over the connections of a service: typed, and by the same rules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import openai
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from provisioner.errors import Refused, ReplyLost, ServiceError
from provisioner.remote import Remote, bodies
from tests.e2e.serving import served

DELTA = "response.output_text.delta"


async def answered(remote: Remote) -> list[Any]:
    events = remote.stream(
        "/responses", lambda sdk: sdk.responses.create(model="m", input="How many?", stream=True)
    )
    return [event async for event in events]


def streamed(*events: dict[str, Any]) -> Response:
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return Response("".join(lines), media_type="text/event-stream")


def test_a_stream_is_read_event_by_event(scripted: Any) -> None:
    """What is streamed passes through the same limits as other replies, and arrives with its type."""
    place: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    said = [
        {"type": DELTA, "delta": text, "sequence_number": number, "logprobs": [], **place}
        for number, text in enumerate(("Thirty", " days", " – «30»"))
    ]
    service = scripted(streamed(*said))

    events = service.tell(answered)

    assert [event.delta for event in events] == ["Thirty", " days", " – «30»"]
    assert isinstance(events[0], openai.types.responses.ResponseTextDeltaEvent)
    assert service.requests == [("POST", "/responses")]


@pytest.mark.parametrize("organization", [None, "org-mine"])
def test_the_workspace_says_whose_request_it_is(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, organization: str | None
) -> None:
    """Neither key, organization nor project come from the surroundings."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-elsewhere")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-elsewhere")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj_elsewhere")
    service = scripted(streamed())

    service.tell(answered, organization=organization)

    (sent,) = service.headers
    assert (sent["host"], sent["authorization"]) == ("odd", "Bearer local")
    assert (sent.get("openai-organization"), sent.get("openai-project")) == (organization, None)


def test_nothing_is_sent_twice_that_may_have_been_carried_out(scripted: Any) -> None:
    """A run costs money: after a lost reply nobody asks for another one by himself."""
    service = scripted((500, {"error": {"message": "oops"}}))

    with pytest.raises(ReplyLost, match="`POST http://odd/v1/responses` answered 500: oops"):
        service.tell(answered)

    assert len(service.requests) == 1


def test_what_was_refused_for_its_haste_is_sent_again(scripted: Any) -> None:
    """429 says that nothing was carried out."""
    busy = (429, {"error": {"message": "slow down"}}, {"retry-after": "1"})
    service = scripted(busy, streamed())

    assert service.tell(answered) == []
    assert len(service.requests) == 2
    assert len(service.waits.seconds) == 1


def test_an_error_in_the_middle_of_a_stream_is_ours(scripted: Any) -> None:
    """It names what was asked, and what the service says."""
    error = {"type": "x", "error": {"message": "The model fell over", "code": "server_error"}}
    service = scripted(streamed(error))

    with pytest.raises(ServiceError) as failed:
        service.tell(answered)

    assert failed.value.code == "server_error"
    assert failed.value.problems[0].detail == (
        "`POST http://odd/v1/responses` broke off: The model fell over (`server_error`)"
    )


def test_what_is_no_event_is_a_reply_lost(scripted: Any) -> None:
    """Nobody can say what became of the request."""
    service = scripted(Response("event: a\ndata: {\n\n", media_type="text/event-stream"))

    with pytest.raises(ReplyLost):
        service.tell(answered)


def _redirected(scripted: Any) -> Any:
    return scripted(RedirectResponse("http://elsewhere/v1/responses"))


def _endless(scripted: Any) -> Any:
    return scripted(streamed({"type": DELTA, "delta": "x" * 2000}))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_redirected, "Moved elsewhere: `POST http://odd/v1/responses` answered 307"),
        (_endless, "was not read to its end: it has more than 0 MB"),
    ],
)
def test_the_rules_of_every_reply_hold(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Any], Any], why: str
) -> None:
    """A redirect to another host is not followed, and a reply beyond the limit is not read."""
    monkeypatch.setattr(bodies, "_LARGEST", 1000)
    service = answer(scripted)

    with pytest.raises(ServiceError, match=why):
        service.tell(answered)

    assert len(service.requests) == 1


def test_no_error_shows_the_key() -> None:
    """Whatever the service says of it, before and in the middle of a stream."""
    key = "sk-proj-0123456789abcdef0123456789"
    error = {"error": {"message": f"Incorrect API key provided: {key}", "code": "x"}}
    answers: list[Response] = [JSONResponse(error, 401), streamed({"type": "x", **error})]

    async def said(request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {key}"
        return answers.pop(0)

    async def story(url: str) -> None:
        async with Remote.open(url, key) as remote:
            for kind in (Refused, ServiceError):
                with pytest.raises(kind, match="Incorrect API key provided: sk-…") as failed:
                    await answered(remote)
                assert key not in str(failed.value)

    with served(Starlette(routes=[Route("/{path:path}", said, methods=["POST"])])) as url:
        asyncio.run(story(url))


def test_a_service_that_is_only_read_starts_no_run(scripted: Any) -> None:
    """Asking for it is a programming error."""
    service = scripted(streamed())

    with pytest.raises(AssertionError, match="POST while only reading"):
        asyncio.run(answered(service.remote(read_only=True)))


def test_a_service_in_this_process_is_heard_piece_by_piece() -> None:
    """What it says first is there before it says the rest; and it hears when nobody reads on."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        try:
            yield b'event: a\ndata: {"type": "response.output_text.delta", "delta": "First"}\n\n'
            await begun.wait()
        finally:
            ended.set()

    async def said(request: Request) -> Response:
        return StreamingResponse(slow(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/{path:path}", said, methods=["POST"])])

    async def story() -> str:
        async with Remote.open("http://here/v1", "", app=app) as remote:
            events = remote.stream(
                "/responses", lambda sdk: sdk.responses.create(model="m", input="?", stream=True)
            )
            first: Any = await anext(events)
            await events.aclose()
            await asyncio.wait_for(ended.wait(), 2)
            return str(first.delta)

    assert asyncio.run(story()) == "First"
