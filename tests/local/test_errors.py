"""What every request goes through: the key, unknown routes, broken bodies and the headers."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

HEADERS = {"authorization": "Bearer any"}


def test_any_key_will_do(server: Any) -> None:
    """The token is not looked at."""
    with server.client(api_key="whatever") as client:
        client.models.list()


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Basic x"}]
)
def test_without_a_key_nothing_is_answered(server: Any, headers: dict[str, str]) -> None:
    """401 in the usual envelope, whatever is asked for, also for a route that does not exist."""
    for path in ("/models", "/nowhere"):
        reply = httpx2.get(server.url + path, headers=headers)
        error = reply.json()["error"]
        assert (reply.status_code, error["type"], error["param"]) == (401, "invalid_request_error", None)
        assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/threads"),
        ("GET", "/nowhere"),
        ("PATCH", "/assistants"),
        ("DELETE", "/vector_stores"),
        ("GET", "/files/"),
    ],
)
def test_an_unknown_route_says_so(server: Any, method: str, path: str) -> None:
    """A wrong path, a wrong method and a slash too many are answered alike."""
    reply = httpx2.request(method, server.url + path, headers=HEADERS)
    assert reply.status_code == 404
    assert reply.json()["error"] == {
        "message": f"Invalid URL ({method} /v1{path})",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"nonsense", b"[" * 50_000])
def test_a_body_that_is_no_object_is_refused(server: Any, body: bytes) -> None:
    """Broken JSON, and JSON of another kind, are the client's mistake."""
    reply = httpx2.post(server.url + "/vector_stores", headers=HEADERS, content=body)
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"--y\r\nbroken"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n--x--\r\n',
        ),
    ],
)
def test_a_broken_form_is_refused(server: Any, content_type: str, body: bytes) -> None:
    """An upload that is no form, a broken one, and one without a file."""
    reply = httpx2.post(server.url + "/files", headers=HEADERS | {"content-type": content_type}, content=body)
    assert reply.status_code == 400


def test_replies_carry_the_usual_headers(client: openai.OpenAI) -> None:
    """Each reply has an id of its own, by which the SDK names it."""
    raw = client.models.with_raw_response.list()
    for name in ("x-request-id", "openai-processing-ms", "openai-version", "openai-organization"):
        assert raw.headers[name]
    assert raw.headers["x-request-id"] != client.models.with_raw_response.list().headers["x-request-id"]


def test_an_unforeseen_failure_is_a_server_error(tell: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """500 in the usual envelope, with the id of the request; the cause is logged, not sent."""
    from provisioner.local import models

    monkeypatch.setattr(models, "MODELS", [("broken",)])

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.InternalServerError) as failure:
            await client.models.list()
        assert failure.value.type == "server_error"
        assert str(failure.value.request_id) in str(failure.value.body)

    tell(story)
    assert "GET /v1/models failed" in caplog.text


def test_models_are_listed(client: openai.OpenAI) -> None:
    """None of them is ever shut down, and they say so; one that is not listed is not found."""
    models = {model.id: model for model in client.models.list()}
    assert {model.model_dump()["shutdown_date"] for model in models.values()} == {None}
    assert client.models.retrieve("gpt-5") == models["gpt-5"]
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("gpt-0")
    assert refusal.value.code == "model_not_found"
