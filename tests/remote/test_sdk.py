"""The official SDK over the connections of a service: typed, streamed, and by the same rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from starlette.responses import RedirectResponse, Response

from provisioner.remote import Remote, bodies
from provisioner.remote.exchange import Elsewhere

MODEL = (200, {"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "openai"})
DELTA = "response.output_text.delta"


async def one_model(remote: Remote) -> Any:
    return await remote.sdk().models.retrieve("gpt-4o")


def streamed(*events: dict[str, Any]) -> Response:
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return Response("".join(lines), media_type="text/event-stream")


def test_objects_have_the_types_of_the_sdk(embedded: Callable[..., Any]) -> None:
    """The same service, asked in two ways, shows the same object."""

    async def story(remote: Remote) -> tuple[Any, Any]:
        made = await remote.sdk().vector_stores.create(name="Handbook", metadata={"team": "hr"})
        return made, await remote.get(f"/vector_stores/{made.id}")

    made, read = embedded(story)

    assert isinstance(made, openai.types.VectorStore)
    assert made.to_dict() == read


def test_a_stream_is_read_event_by_event(scripted: Any) -> None:
    """What is streamed passes through the same limits as other replies, and arrives with its type."""
    place: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    said = [
        {"type": DELTA, "delta": text, "sequence_number": number, "logprobs": [], **place}
        for number, text in enumerate(("Thirty", " days", " – «30»"))
    ]
    service = scripted(streamed(*said))

    async def story(remote: Remote) -> list[Any]:
        stream = await remote.sdk().responses.create(model="m", input="How many?", stream=True)
        return [event async for event in stream]

    events = service.tell(story)

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
    service = scripted(MODEL)

    service.tell(one_model, organization=organization)

    (sent,) = service.headers
    assert (sent["host"], sent["authorization"]) == ("odd", "Bearer local")
    assert (sent.get("openai-organization"), sent.get("openai-project")) == (organization, None)


def test_nothing_is_sent_twice(scripted: Any) -> None:
    """Whether a request is repeated is not the SDK's to decide."""
    service = scripted((500, {"error": {"message": "oops"}}))

    with pytest.raises(openai.InternalServerError):
        service.tell(one_model)

    assert len(service.requests) == 1


def _redirected(scripted: Any) -> Any:
    return scripted(RedirectResponse("http://elsewhere/v1/models/gpt-4o"))


def _endless(scripted: Any) -> Any:
    return scripted((200, {**MODEL[1], "owned_by": "x" * 2000}))


@pytest.mark.parametrize(
    ("answer", "why"),
    [(_redirected, "a redirect to another host"), (_endless, "it has more than 0 MB")],
)
def test_the_rules_of_every_reply_hold(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Any], Any], why: str
) -> None:
    """A redirect to another host is not followed, and a reply beyond the limit is not read."""
    monkeypatch.setattr(bodies, "_LARGEST", 1000)
    service = answer(scripted)

    with pytest.raises((openai.APIConnectionError, Elsewhere)) as failed:
        service.tell(one_model)

    assert str(failed.value.__cause__ or failed.value) == why
    assert len(service.requests) == 1
