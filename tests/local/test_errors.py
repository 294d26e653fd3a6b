"""What every request goes through: the key, unknown routes, broken bodies and the headers."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from provisioner.local.db import Database

HEADERS = {"authorization": "Bearer any"}


def test_any_key_will_do(server: Any) -> None:
    """The token is not looked at."""
    with server.client(api_key="whatever") as client:
        client.models.list()


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Basic x"}],
)
def test_without_a_key_nothing_is_answered(server: Any, headers: dict[str, str]) -> None:
    """401 in the usual envelope, whatever is asked for, also for a route that does not exist."""
    for path in ("/models", "/nowhere"):
        reply = httpx2.get(server.url + path, headers=headers)
        error = reply.json()["error"]
        assert (reply.status_code, error["type"], error["param"]) == (
            401,
            "invalid_request_error",
            None,
        )
        assert reply.headers["x-request-id"]


LACKING = ". The embedded service does not have this route."


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "/embeddings", LACKING),
        ("GET", "/nowhere", LACKING),
        ("GET", "/files/", LACKING),
        ("POST", "/responses/compact", LACKING),
        ("GET", "/chat/completions", LACKING),
        ("GET", "/threads", ""),
        ("PATCH", "/assistants", ""),
        ("DELETE", "/vector_stores", ""),
    ],
)
def test_an_unknown_route_says_so(server: Any, method: str, path: str, more: str) -> None:
    """A path that is not here is said to be missing here; a wrong method is answered as OpenAI
    does.
    """
    reply = httpx2.request(method, server.url + path, headers=HEADERS)
    assert reply.status_code == 404
    assert reply.json()["error"] == {
        "message": f"Invalid URL ({method} /v1{path}){more}",
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
    """An upload that is not a form, a broken one, and one without a file."""
    reply = httpx2.post(
        server.url + "/files", headers=HEADERS | {"content-type": content_type}, content=body
    )
    assert reply.status_code == 400


def test_replies_carry_the_usual_headers(client: openai.OpenAI) -> None:
    """Each reply has an id of its own, by which the SDK names it."""
    raw = client.models.with_raw_response.list()
    for name in ("x-request-id", "openai-processing-ms", "openai-version", "openai-organization"):
        assert raw.headers[name]
    assert (
        raw.headers["x-request-id"]
        != client.models.with_raw_response.list().headers["x-request-id"]
    )


def test_an_unforeseen_failure_is_a_server_error(
    tell: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """500 in the usual envelope, with the id of the request; the cause is logged, not sent."""
    from provisioner.local import models

    monkeypatch.setattr(models, "_MODELS", [("broken",)])

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.InternalServerError) as failure:
            await client.models.list()
        assert failure.value.type == "server_error"
        assert str(failure.value.request_id) in str(failure.value.body)

    tell(story)
    assert "GET /v1/models failed" in caplog.text


def test_models_are_listed(client: openai.OpenAI) -> None:
    """One of them says that it was shut down, the others that no end is announced; one that is not
    listed is not found.
    """
    models = {model.id: model for model in client.models.list()}
    days = {model.id: model.model_dump()["shutdown_date"] for model in models.values()}
    assert days.pop("gpt-4.1-nano") == "2026-10-23" and set(days.values()) == {None}
    assert client.models.retrieve("gpt-5") == models["gpt-5"]
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("gpt-0")
    assert refusal.value.code == "model_not_found"


def test_no_model_can_be_deleted(client: openai.OpenAI) -> None:
    """Nobody has any of their own: it is answered as recorded, and stays."""
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.delete("gpt-5")
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")
    assert client.models.retrieve("gpt-5")


NUMBER = "9" * 5000
DEEP = {
    count: '{"type": "and", "filters": [' * count + "]}" * count for count in (40, 200, 330, 5000)
}


def asked(server: Any, method: str, path: str, **more: Any) -> tuple[int, Any]:
    headers = {**HEADERS, **more.pop("headers", {})}
    reply = httpx2.request(method, server.url + path, headers=headers, **more)
    return reply.status_code, reply.json().get("error")


@pytest.mark.parametrize(
    "path", ["/files", "/vector_stores", "/assistants", "/vector_stores/{store}/files"]
)
@pytest.mark.parametrize("limit", [NUMBER, f"-{NUMBER}", "²", "0x10", "9" * 20])
def test_a_limit_that_is_none(server: Any, client: openai.OpenAI, path: str, limit: str) -> None:
    """However many digits it has, it is a limit above or below, or no number."""
    store = client.vector_stores.create(name="kb").id
    status, error = asked(server, "GET", f"{path.format(store=store)}?limit={limit}")
    assert (status, error["param"]) == (400, "limit")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/vector_stores", '{"name": "\\ud800"}'),
        ("/vector_stores", '{"file_ids": ["\\ud800"]}'),
        ("/vector_stores", '{"\\udc00": 1}'),
        ("/vector_stores", '{"metadata": {"a": ' + NUMBER + "}}"),
        ("/vector_stores/{store}/files", '{"file_id": "\\ud800"}'),
        ("/vector_stores/{store}/file_batches", '{"file_ids": ["\\ud800"]}'),
        (
            "/assistants",
            '{"model": "m", "tool_resources": {"code_interpreter": {"file_ids": ["\\ud800"]}}}',
        ),
        (
            "/uploads",
            '{"purpose": "assistants", "filename": "\\ud800", "bytes": 1, "mime_type": "a"}',
        ),
        ("/assistants", '{"model": "m", "metadata": ' + '{"a":' * 990 + "1" + "}" * 991),
        ("/assistants", '{"model": "m", "metadata": ' + '{"a":' * 200 + "1" + "}" * 201),
        *(
            ("/vector_stores/{store}/search", f'{{"query": "x", "filters": {deep}}}')
            for deep in DEEP.values()
        ),
    ],
)
def test_no_body_breaks_the_service(
    server: Any, client: openai.OpenAI, path: str, body: str
) -> None:
    """Half a character, a number without end and whatever is nested beyond reason are the client's
    mistakes; a filter may be nested, and then only its innermost one is told to be empty.
    """
    store = client.vector_stores.create(name="kb").id
    status, error = asked(server, "POST", path.format(store=store), content=body)
    if body.endswith(f"{DEEP[40]}}}"):
        assert status == 200
    else:
        assert (status, error["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("boundary", ["x" * 257, "x" * 5000, '"', "\xff"])
@pytest.mark.parametrize("path", ["/files", "/uploads/{upload}/parts"])
def test_a_boundary_that_is_none(
    server: Any, client: openai.OpenAI, path: str, boundary: str
) -> None:
    """A form that cannot be taken apart is refused."""
    upload = client.uploads.create(
        bytes=1, filename="a", mime_type="text/plain", purpose="assistants"
    ).id
    head = {"content-type": f"multipart/form-data; boundary={boundary}".encode("latin-1")}
    body = f"--{boundary}\r\n".encode("latin-1")
    assert asked(server, "POST", path.format(upload=upload), headers=head, content=body)[0] == 400


@pytest.mark.parametrize("seconds", [NUMBER, f"-{NUMBER}", "²"])
def test_an_expiry_that_is_none(server: Any, seconds: str) -> None:
    """Nor does a number in a form break anything."""
    fields = {
        "purpose": "assistants",
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": seconds,
    }
    status, error = asked(server, "POST", "/files", data=fields, files={"file": ("a.txt", b"x")})
    assert (status, error["param"]) == (400, "expires_after.seconds")


@pytest.mark.filterwarnings("ignore:deprecated")
def test_a_disk_without_room(
    tell: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so in an error of the server, to whoever runs it once; what it had answered is kept,
    and where there is room it goes on.
    """
    kept: list[str] = []

    async def fill(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.InternalServerError) as full:
            for _ in range(300):
                made = await client.beta.assistants.create(model="m", instructions="x" * 10_000)
                kept.append(made.id)
        assert "The disk of this service: database or disk is full." in str(full.value)
        with pytest.raises(openai.InternalServerError):
            await client.beta.assistants.create(model="m", instructions="x" * 10_000)

    async def go_on(client: openai.AsyncOpenAI) -> None:
        found = [one.id async for one in client.beta.assistants.list()]
        assert sorted(found) == sorted(kept)
        await client.beta.assistants.create(model="m", instructions="x" * 10_000)

    prepare = Database._prepare

    def prepared(self: Database) -> None:
        prepare(self)
        self.connection.execute("PRAGMA max_page_count = 200")

    with monkeypatch.context() as small:
        small.setattr(Database, "_prepare", prepared)
        tell(fill)
    tell(go_on)
    assert [(one.levelname, one.exc_info) for one in caplog.records] == [("ERROR", None)]


def test_a_change_that_cannot_be_kept(tmp_path: Path) -> None:
    """One that fails at its very end is taken back; the next one is on its own."""
    database = Database(tmp_path / "service.db")
    database.connection.executescript(
        "PRAGMA foreign_keys = ON; CREATE TABLE one (id PRIMARY KEY);"
        "CREATE TABLE two (id REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED);"
    )
    with pytest.raises(sqlite3.IntegrityError), database.transaction():
        database.run("INSERT INTO two VALUES (7)")
    with database.transaction():
        database.run("INSERT INTO one VALUES (1)")
    database.connection.close()
    again = Database(tmp_path / "service.db")
    assert [row["id"] for row in again.all("SELECT id FROM one")] == [1]
    assert again.all("SELECT * FROM two") == []
    again.connection.close()
