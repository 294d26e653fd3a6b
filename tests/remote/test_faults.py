"""What each reply, and each missing one, means: which error is reported in which words, and whether to
try again.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from provisioner.errors import (
    NotFound,
    QuotaExceeded,
    Refused,
    ReplyLost,
    RouteMissing,
    ServiceError,
)
from provisioner.remote.errors import Failure, Place, answer, lost, refusal, unreadable, unsent
from provisioner.remote.retries import Outcome, Retries, retry_after

BASE = "https://host/v1"
FINAL, UNSENT, THROTTLED, UNKNOWN = (
    Outcome.FINAL,
    Outcome.UNSENT,
    Outcome.THROTTLED,
    Outcome.UNKNOWN,
)

Row = tuple[str, int, str, Outcome, type[ServiceError], str]
REFUSALS: list[Row] = [
    ("GET /assistants/a", 400, "no", FINAL, ServiceError, "Request refused"),
    ("GET /assistants/a", 401, "no", FINAL, Refused, "Access refused"),
    ("GET /assistants/a", 403, "no", FINAL, Refused, "Access refused"),
    ("GET /assistants/a", 404, "no", FINAL, NotFound, "Object not found"),
    ("GET /files/f", 404, "no", FINAL, NotFound, "Object not found"),
    ("GET /vector_stores/s/files/f", 404, "no", FINAL, NotFound, "Object not found"),
    (
        "GET /assistants/a",
        404,
        "Invalid URL (GET /v1/assistants/a)",
        FINAL,
        RouteMissing,
        "API not available",
    ),
    ("GET /files/f", 404, "Unknown request URL", FINAL, RouteMissing, "API not available"),
    ("GET /files/f", 404, "Cannot GET /v1/files/f", FINAL, RouteMissing, "API not available"),
    ("GET /assistants", 404, "no", FINAL, RouteMissing, "API not available"),
    ("GET /files", 404, "no", FINAL, RouteMissing, "API not available"),
    ("GET /vector_stores/s/files", 404, "no", FINAL, RouteMissing, "Object or route missing"),
    (
        "POST /vector_stores/s/files",
        404,
        "no store found with id `s`",
        FINAL,
        RouteMissing,
        "Object not found",
    ),
    (
        "POST /vector_stores/s/files",
        404,
        "Cannot POST /v1/s/",
        FINAL,
        RouteMissing,
        "Object or route missing",
    ),
    (
        "POST /vector_stores/s/files/f",
        404,
        "Invalid URL",
        FINAL,
        RouteMissing,
        "Object or route missing",
    ),
    ("GET /files/f", 405, "no", FINAL, RouteMissing, "API not available"),
    ("GET /files/f", 501, "no", FINAL, RouteMissing, "API not available"),
    ("GET /files/f", 301, "no", FINAL, ServiceError, "Moved elsewhere"),
    ("GET /files/f", 399, "no", FINAL, ServiceError, "Moved elsewhere"),
    ("GET /files/f", 299, "no", FINAL, ServiceError, "Request refused"),
    ("GET /files/f", 409, "no", FINAL, ServiceError, "Request refused"),
    ("GET /files/f", 408, "no", UNKNOWN, ServiceError, "Service failing"),
    ("GET /files/f", 500, "no", UNKNOWN, ServiceError, "Service failing"),
    ("GET /files/f", 503, "no", UNKNOWN, ServiceError, "Service failing"),
    ("POST /files", 408, "no", UNKNOWN, ReplyLost, "Reply lost"),
    ("POST /files", 500, "no", UNKNOWN, ReplyLost, "Reply lost"),
    ("DELETE /files/f", 502, "no", UNKNOWN, ReplyLost, "Reply lost"),
    ("POST /files", 429, "no", THROTTLED, ServiceError, "Too many requests"),
]


def place(request: str, base: str = BASE) -> Place:
    method, path = request.split()
    return Place(method, base, path)


def refused(
    request: str, status: int, text: str = "no", base: str = BASE, **headers: str
) -> Failure:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(place(request, base), answer(status, fields, text))


def reported(failure: Failure) -> tuple[str, str]:
    """Detail and hint."""
    (problem,) = failure.error.problems
    return problem.detail, problem.hint or ""


@pytest.mark.parametrize(("request_", "status", "text", "outcome", "kind", "summary"), REFUSALS)
def test_refusals(
    request_: str, status: int, text: str, outcome: Outcome, kind: type[ServiceError], summary: str
) -> None:
    """Each status has its error and its consequence; the request and the service's words
    are reported.
    """
    failure = refused(request_, status, text)
    assert failure.outcome is outcome
    assert type(failure.error) is kind
    assert failure.error.problems[0].summary == summary
    assert failure.error.status == status
    method, path = request_.split()
    assert reported(failure)[0].startswith(f"`{method} {BASE}{path}` answered {status}: {text}")


def test_hints() -> None:
    """What can be done about it is said."""
    assert (
        reported(refused("GET /files/f", 401))[1]
        == "check the API key, and that it may use this organization and project"
    )
    assert reported(refused("GET /vaults", 403))[1].endswith("the scope `api.vaults.read` for this")
    written = reported(refused("POST /vaults/v/credentials", 403))[1]
    assert written.endswith("the scope `api.vaults.write` for this")
    assert "scope" not in reported(refused("GET /vaults", 401))[1]
    assert reported(refused("GET /files/f", 500))[1] == "try again later"
    assert "`--parallelism`" in reported(refused("GET /files/f", 429))[1]
    assert (
        reported(refused("GET /files", 404))[1]
        == "check the service's address: the base URL usually ends in `/v1`"
    )
    assert reported(refused("POST /files", 500))[0].endswith(
        "; it is not known whether this was carried out"
    )
    assert reported(refused("GET /files/f", 302))[1] == ""
    moved = refused("GET /files/f", 302, location="https://there/v2")
    assert reported(moved)[1] == "write the address that it names: https://there/v2"


def test_an_api_that_is_gone() -> None:
    """Where the Assistants API is missing, its successors are named, and a base URL that looks
    wrong as well.
    """
    detail, hint = reported(refused("GET /assistants", 404))
    assert detail.endswith(". This service has no Assistants API")
    assert "`api: responses`" in hint and "base URL" not in hint
    assert reported(refused("GET /assistants", 404, base="https://host"))[1].endswith(
        "or check the base URL, which usually ends in `/v1`"
    )
    assert (
        "Either `s` is gone, or this service lacks the route"
        in reported(refused("GET /vector_stores/s/files", 404))[0]
    )
    assert reported(refused("GET /files", 404))[0].endswith(". This service lacks the route")


@pytest.mark.parametrize(("field", "final"), [("code", True), ("type", True), ("message", False)])
@pytest.mark.parametrize(
    "word",
    ["insufficient_quota", "billing_hard_limit_reached", "organization_usage_limit_exceeded"],
)
def test_an_empty_account(field: str, final: bool, word: str) -> None:
    """A quota that is used up is told apart from a rate, by its code or its type."""
    failure = refused("POST /files", 429, f'{{"error": {{"{field}": "{word}"}}}}')
    assert failure.outcome is (FINAL if final else THROTTLED)
    assert isinstance(failure.error, QuotaExceeded) is final
    if final:
        assert "waiting does not help" in reported(failure)[1]


def test_waits_that_are_asked_for() -> None:
    """How long the service wants us to wait is kept with the failure and, of a rate, told."""
    throttled = refused("GET /files/f", 429, retry_after="7")
    assert (throttled.retry_after, throttled.error.retry_after) == (7, 7)
    assert reported(throttled)[0].endswith("; it asks to wait 7 seconds")
    assert "asks to wait" not in reported(refused("GET /files/f", 429))[0]
    assert refused("GET /files/f", 503, retry_after="9").retry_after == 9
    assert refused("GET /files/f", 400, retry_after="9").retry_after is None


def test_the_id_of_a_request() -> None:
    """The id by which the service finds a request again is reported where there is one."""
    failure = refused("GET /files/f", 400, x_request_id="req_1")
    assert reported(failure)[0].endswith("answered 400: no (request `req_1`)")
    assert failure.error.request_id == "req_1"
    assert "(request" not in reported(refused("GET /files/f", 400))[0]


@pytest.mark.parametrize(
    ("text", "message", "code", "kind"),
    [
        ('{"error": {"message": "no such", "code": "c", "type": "t"}}', "no such", "c", "t"),
        ('{"message": "no such", "code": "c"}', "no such", "c", None),
        ('{"detail": "no such"}', "no such", None, None),
        ('{"error": "no such"}', "no such", None, None),
        ('{"error": {"code": 7, "type": ["t"]}}', "", None, None),
        ('{"error": {"message": {"a": 1}}}', '{"a": 1}', None, None),
        ('["no such"]', "", None, None),
        ('"no such"', "no such", None, None),
        ("no\n  such", "no such", None, None),
        ("", "", None, None),
        (
            "<html><head><title>Oops</title></head><body><p>Bad   gateway</p></body></html>",
            "Bad gateway",
            None,
            None,
        ),
        ("<!DOCTYPE html><script>x()</script><!-- y --><b>Bad</b>", "Bad", None, None),
        ("a <b>word</b>", "a <b>word</b>", None, None),
        ("x" * 300, "x" * 300, None, None),
        ("x" * 301, "x" * 300 + "…", None, None),
        (f"<html>{'y' * 81}</html>", "y" * 80 + "…", None, None),
    ],
)
def test_what_is_read_of_an_error(
    text: str, message: str, code: str | None, kind: str | None
) -> None:
    """Whatever a server says is told in one line of bearable length; code and type count where they
    are words.
    """
    said = answer(400, {}, text)
    assert (said.message, said.code, said.kind) == (message, code, kind)


def test_an_error_without_words() -> None:
    """Where the service says nothing, nothing is quoted."""
    assert reported(refused("GET /files/f", 400, ""))[0] == f"`GET {BASE}/files/f` answered 400"


def test_what_was_never_sent() -> None:
    """A service that cannot be reached has carried nothing out."""
    failure = unsent(place("POST /files"), OSError("no route to host"))
    assert (failure.outcome, type(failure.error)) == (UNSENT, ServiceError)
    assert reported(failure)[0] == f"`POST {BASE}/files` could not be sent: no route to host"
    assert "whether the service is running" in reported(failure)[1]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "all_proxy"])
def test_a_proxy_that_may_be_in_the_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sees `403` of a proxy is told that there is one."""
    for one in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(one, raising=False)
        monkeypatch.delenv(one.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "x")
    assert "proxy" not in reported(unsent(place("GET /files"), OSError("refused")))[1]
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    hint = reported(unsent(place("GET /files"), OSError("403 Forbidden")))[1]
    assert hint.endswith(f"; a proxy is named by `{name}`")


VERIFY = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        (f"{VERIFY}unable to get local issuer certificate", "`SSL_CERT_FILE`"),
        (f"{VERIFY}self-signed certificate", "`SSL_CERT_FILE`"),
        (f"{VERIFY}certificate has expired", "renewed"),
        (f"{VERIFY}Hostname mismatch, certificate is not valid for 'x'.", "of another one"),
        (f"{VERIFY}IP address mismatch, certificate is not valid for '::1'.", "of another one"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "does not speak TLS"),
    ],
)
def test_a_connection_that_is_not_trusted(why: str, remedy: str) -> None:
    """What is wrong with a certificate has a remedy of its own: the network has nothing to do
    with it.
    """
    said, hint = reported(unsent(place("GET /files"), OSError(why)))
    assert why in said and remedy in hint


@pytest.mark.parametrize(
    ("method", "kind", "summary"),
    [
        ("GET", ServiceError, "Service failing"),
        ("POST", ReplyLost, "Reply lost"),
        ("DELETE", ReplyLost, "Reply lost"),
    ],
)
def test_a_connection_that_broke(method: str, kind: type[ServiceError], summary: str) -> None:
    """Of a read nothing is lost; what writes may have been carried out. The first cause is reported, or
    its name.
    """
    outer = ValueError("wrapped")
    outer.__cause__ = OSError("reset by peer")
    failure = lost(place(f"{method} /files"), outer)
    assert (failure.outcome, type(failure.error), failure.error.problems[0].summary) == (
        UNKNOWN,
        kind,
        summary,
    )
    assert reported(failure)[0].endswith("brought no complete reply: reset by peer")
    assert reported(lost(place("GET /files"), TimeoutError()))[0].endswith(": TimeoutError")


@pytest.mark.parametrize(
    ("method", "kind", "text", "outcome"),
    [
        ("GET", "application/json", '{"id": "as', UNKNOWN),
        ("GET", "application/json", ' [{"id"', UNKNOWN),
        ("GET", "application/json", '"a text"', FINAL),
        ("GET", "text/html", "{not json", FINAL),
        ("DELETE", "application/json", '{"id": "as', UNKNOWN),
        ("DELETE", "text/plain", "fine", FINAL),
        ("POST", "text/plain", "fine", UNKNOWN),
    ],
)
def test_a_reply_that_cannot_be_read(method: str, kind: str, text: str, outcome: Outcome) -> None:
    """A reply that was cut off may be whole the next time; what wrote may have been carried out."""
    failure = unreadable(place(f"{method} /files/f"), 200, kind, text)
    assert failure.outcome is outcome
    assert isinstance(failure.error, ReplyLost) is (method == "POST")
    assert failure.error.status == 200
    words = " ".join(text.split())
    assert (
        reported(failure)[0]
        == f"`{method} {BASE}/files/f` answered 200 with `{words}` where a JSON object was expected"
    )
    assert reported(failure)[1] == (
        ""
        if method == "POST"
        else "check the service's address: the base URL usually ends in `/v1`"
    )


def test_long_and_empty_replies() -> None:
    """What is quoted of a reply is short."""
    assert f"`{'x' * 120}…`" in reported(unreadable(place("GET /files/f"), 200, "", "x" * 121))[0]
    assert (
        "answered 200 with nothing where"
        in reported(unreadable(place("GET /files/f"), 200, "", " \n"))[0]
    )


@pytest.mark.parametrize(
    ("outcome", "attempt", "repeatable", "asked", "again"),
    [
        (FINAL, 1, True, None, False),
        (UNSENT, 1, False, None, True),
        (UNSENT, 2, False, None, True),
        (UNSENT, 3, False, None, False),
        (THROTTLED, 7, False, None, True),
        (THROTTLED, 8, False, None, False),
        (UNKNOWN, 1, False, None, False),
        (UNKNOWN, 4, True, None, True),
        (UNKNOWN, 5, True, None, False),
        (THROTTLED, 1, False, 60, True),
        (THROTTLED, 1, False, 60.5, False),
        (FINAL, 1, True, 1, False),
    ],
)
def test_attempts(
    outcome: Outcome, attempt: int, repeatable: bool, asked: float | None, again: bool
) -> None:
    """Three, eight and five attempts; what may have been carried out is repeated only where that
    does no harm, and nobody waits longer than a minute.
    """
    assert Retries().again(outcome, attempt, repeatable, asked) is again


def test_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses double up to a limit, by chance anywhere below; what the service asks for is kept and
    a little more.
    """
    spans: list[tuple[float, float]] = []
    waits: list[float] = []

    def uniform(low: float, high: float) -> float:
        spans.append((low, high))
        return high

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(random, "uniform", uniform)
    retries = Retries(sleep=sleep)
    for attempt in (1, 2, 5, 6):
        asyncio.run(retries.wait(attempt, None))
    asyncio.run(retries.wait(2, 7))
    asyncio.run(retries.wait(1, 0))
    assert spans[:4] == [(0, 0.5), (0, 1), (0, 8), (0, 8)]
    assert waits == [0.5, 1, 8, 8, 7.1, 0.05]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00"}, 0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds, seconds, or a date; what is none of these asks for nothing."""
    assert retry_after(headers) == seconds


@pytest.mark.parametrize("zone", [True, False])
def test_a_date_to_come(zone: bool) -> None:
    """A date is so many seconds from now; one without a zone is meant in UTC."""
    moment = datetime.now(UTC) + timedelta(seconds=30)
    text = format_datetime(moment if zone else moment.replace(tzinfo=None))
    found: Any = retry_after({"retry-after": text.removesuffix(" -0000")})
    assert 28 < found <= 30
