"""Services that refuse, fail or are not there: one clear problem each, nothing written, and never a
key in sight.
"""

from __future__ import annotations

import json
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.serving import point_at, served
from tests.support.injecting import Change, Injection, Meanwhile, Middleware
from tests.support.running import Result, run
from tests.support.world import World

KEY = "sk-e2e-Zm9yYmlkZGVu0123456789"
SPEC = {"specs/a.yaml": {"assistants": {"a": {"model": "gpt-4o"}}, "vector_stores": {"kb": {}}}}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that must never be seen."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def refused(world: World, *words: str) -> str:
    """What a command says that has to fail: a problem, no traceback, and no key anywhere."""
    as_json, result = world.run("plan", "--json", *words), world.run("apply", "-y", *words)
    assert (as_json.code, result.code) == (1, 1), result.out + result.err
    assert "Traceback" not in result.err and result.err.count("error:") == 1, result.err
    assert [problem["severity"] for problem in as_json.json["problems"]] == ["error"]
    assert not unseen(world.root, result, as_json)
    assert not (world.root / ".provisioner/local/lock.json").exists()
    return result.err


def unseen(root: Path, *results: Result) -> list[str]:
    """Where the key can be found."""
    files = [
        path for path in root.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]
    return [str(path) for path in files] + [
        part for result in results for part in (result.out, result.err) if KEY in part
    ]


Body = dict[str, Any]


def answering(
    status: int, body: Any, kind: str = "application/json", times: int | None = None, **headers: str
) -> Any:
    """Middleware that answers every request, or the first ones, with the same reply."""

    def wrap(app: Any) -> Any:
        left = [times]

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if left[0] == 0:
                await app(scope, receive, send)
                return
            left[0] = None if left[0] is None else left[0] - 1
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            fields = {"content-type": kind, "content-length": str(len(raw)), **headers}
            pairs = [
                (name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()
            ]
            await send({"type": "http.response.start", "status": status, "headers": pairs})
            await send({"type": "http.response.body", "body": raw})

        return wrapped

    return wrap


def envelope(message: str, kind: str = "invalid_request_error", code: str | None = None) -> Body:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


Serve = Callable[..., World]


@pytest.fixture
def against(world: World) -> Serve:
    """The workspace pointed at the embedded service behind some middleware, over HTTP."""

    def serve(*how: Middleware | Injection) -> World:
        world.from_now_on(*how)
        point_at(world, world.rest.enter_context(served(world.app())))
        world.write(SPEC)
        return world

    return serve


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_key(world: World, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Without a key one problem names the variable, before anything is connected to."""
    (
        monkeypatch.setenv("OPENAI_API_KEY", value or "")
        if value is not None
        else monkeypatch.delenv("OPENAI_API_KEY")
    )
    world.write({"provisioner.yaml": {"environments": {"prod": {"service": "openai"}}}, **SPEC})
    said = refused(world)
    assert "API key missing" in said and "`OPENAI_API_KEY`" in said


def test_another_variable_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem names the variable that the environment names."""
    key = {"env": "OPENAI_API_KEY_PROD"}
    world.write(
        {
            "provisioner.yaml": {"environments": {"prod": {"service": "openai", "api_key": key}}},
            **SPEC,
        }
    )
    assert "`OPENAI_API_KEY_PROD`" in refused(world)


WRONG = (
    f"Incorrect API key provided: {KEY}. You can find your API key at"
    " https://platform.openai.com/account/api-keys."
)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            envelope(WRONG, code="invalid_api_key"),
            ["Access refused", "Incorrect API key provided", "401"],
        ),
        (
            403,
            envelope("Country, region, or territory not supported"),
            ["Access refused", "territory not supported"],
        ),
        (
            429,
            envelope("You exceeded your quota", "insufficient_quota"),
            ["Quota exhausted", "exceeded your quota"],
        ),
        (
            500,
            envelope("The server had an error", "server_error"),
            ["Service failing", "The server had an error"],
        ),
        (
            503,
            envelope("Overloaded", "service_unavailable_error"),
            ["Service failing", "Overloaded"],
        ),
        (200, {"object": "list"}, ["Reply not understood"]),
        (404, {}, ["API not available"]),
    ],
)
@pytest.mark.sampled(2)
def test_replies_that_refuse(against: Serve, status: int, body: Any, said: list[str]) -> None:
    """The service's own words are shown, whatever they are."""
    reported = refused(against(answering(status, body)))
    assert all(text in reported for text in said), reported


@pytest.mark.parametrize("status", [200, 401, 404, 500, 502])
@pytest.mark.sampled(2)
def test_a_server_that_answers_html(against: Serve, status: int) -> None:
    """A page for people is not a service: said in one line, without the page."""
    page = (
        "<!DOCTYPE html>\n<html><body><h1>It works!</h1>\n" + "<p>x</p>\n" * 500 + "</body></html>"
    )
    reported = refused(against(answering(status, page, "text/html")))
    assert (
        len(reported) < 600 and ("<p>" in reported) == (status == 200) and "It works!" in reported
    ), reported


def test_too_many_requests(against: Serve) -> None:
    """429 with `Retry-After` is waited for, and then everything succeeds."""
    body = envelope("Rate limit reached", "requests", "rate_limit_exceeded")
    refusals = Change(answering(429, body, times=6, retry_after="0.05"))
    asked: dict[str, list[float]] = defaultdict(list)
    world = against(
        refusals, Meanwhile(before=lambda method, path: asked[path].append(time.monotonic()))
    )
    world.ok("plan")
    assert refusals.times == 6
    again = [later - earlier for times in asked.values() for earlier, later in pairwise(times)]
    assert again and min(again) >= 0.05
    world.apply()


def test_failures_that_pass(against: Serve) -> None:
    """A service that fails now and then is asked again."""
    failures = Change(answering(500, envelope("Oops", "server_error"), times=3))
    world = against(failures)
    world.apply()
    assert failures.times == 3


def test_quota_is_final(against: Serve) -> None:
    """A quota error is not tried again."""
    asked: list[int] = []

    def counting(app: Any) -> Any:
        inner = answering(
            429, envelope("No credit", "insufficient_quota", "credit_balance_exhausted")
        )(app)

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            asked.append(1)
            await inner(scope, receive, send)

        return wrapped

    world = against(counting)
    assert "Quota exhausted" in world.ok("plan", code=1).err
    assert len(asked) <= 4  # one for each list that was under way


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nobody_listens(world: World) -> None:
    """A refused connection names the address."""
    port = unused_port()
    point_at(world, f"http://127.0.0.1:{port}/v1")
    world.write(SPEC)
    said = refused(world)
    assert "Service unreachable" in said and f"127.0.0.1:{port}" in said


def test_no_such_host(world: World) -> None:
    """A name that does not resolve is reported as that."""
    point_at(world, "http://no-such-host.invalid/v1")
    world.write(SPEC)
    said = refused(world)
    assert "Service unreachable" in said and "no-such-host.invalid" in said


def test_tls_to_a_plain_port(against: Serve) -> None:
    """TLS that the other side does not speak is a problem, not a traceback."""
    world = against()
    document = (world.root / "provisioner.yaml").read_text(encoding="utf-8")
    world.write({"provisioner.yaml": document.replace("http:", "https:")})
    done = run(world.root, "plan", OPENAI_API_KEY=KEY)
    assert (done.code, done.out, done.err.count("error:")) == (1, "", 1)
    assert "Service unreachable" in done.err and "Traceback" not in done.err


def test_a_refusal_halfway(against: Serve) -> None:
    """A key that may read but not write: nothing is recorded, and every problem is reported without the
    key.
    """

    def read_only(app: Any) -> Any:
        no = answering(
            403, envelope(f"You have insufficient permissions. {KEY} lacks api.assistants.write")
        )(app)

        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            await (no if scope["method"] == "POST" else app)(scope, receive, send)

        return wrapped

    world = against(read_only)
    result = world.run("apply", "-y")
    assert result.code == 1
    assert "insufficient permissions" in result.err
    assert not unseen(world.root, result)
    assert world.listed("/assistants") == []
    lock = world.root / ".provisioner/local/lock.json"
    assert not lock.exists() or world.lock()["resources"] == {}
