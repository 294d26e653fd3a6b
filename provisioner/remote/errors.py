"""What went wrong with a request, as one of our errors and as what it means for the next
attempt.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from provisioner import jsontext
from provisioner.errors import (
    NotFound,
    QuotaExceeded,
    Refused,
    ReplyLost,
    RouteMissing,
    ServiceError,
)
from provisioner.model import Problem
from provisioner.records import dataclass
from provisioner.remote.retries import Outcome, retry_after
from provisioner.remote.settling import parts_of
from provisioner.text import quoted

_QUOTA = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
    }
)
_ROUTE_WORDS = re.compile(
    r"invalid url|unknown (request )?(url|route|path)|no route|cannot (get|post|delete) /", re.I
)
_PAGE = re.compile(r"\s*<(!doctype|html|head|body)\b", re.I)
_MARKUP = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.I | re.S)
_ASSISTANTS_GONE = (
    "OpenAI switched the Assistants API off on 2026-08-26; two APIs live on: write `api: responses`"
    " (pinned request profiles) or `api: agents` (saved agents) for this environment"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked, for messages: never with a key, a password or a query."""

    method: str
    base: str
    path: str
    names: tuple[str, ...] = ()  # ids, as far as anybody can tell, in the body that was sent

    def __str__(self) -> str:
        return f"`{self.method} {self.base}{self.path}`"

    @property
    def is_collection(self) -> bool:
        """`/assistants` or `/vector_stores/vs_1/files`, in contrast to one object by its id."""
        return len(parts_of(self.path)) % 2 == 1

    @property
    def owner(self) -> str | None:
        """`vs_1` of `/vector_stores/vs_1/files`."""
        parts = parts_of(self.path)
        return parts[1] if len(parts) > 2 else None


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request: the error to raise, unless another attempt is made."""

    outcome: Outcome
    error: ServiceError
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """The parts of an error reply that we look at; everything may be missing."""

    status: int
    message: str
    code: str | None
    kind: str | None
    request_id: str | None
    retry_after: float | None
    location: str | None

    def error(
        self, kind: type[ServiceError], summary: str, detail: str, hint: str | None = None
    ) -> ServiceError:
        named = f"{detail} (request `{self.request_id}`)" if self.request_id else detail
        return kind(
            Problem(summary, named, hint),
            status=self.status,
            code=self.code,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )


def answer(status: int, headers: Mapping[str, str], text: str) -> _Answer:
    """Read an error reply defensively: JSON with or without our envelope, a bare string, a page of
    HTML.
    """
    body: Any = text
    with suppress(jsontext.Unreadable):
        body = jsontext.read(text)
    inner = body.get("error", body) if isinstance(body, dict) else body
    said = inner if isinstance(inner, dict) else {}
    message = said.get("message") or said.get("detail") or (inner if isinstance(inner, str) else "")
    if not isinstance(message, str):
        message = json.dumps(message)
    elif _PAGE.match(message):  # of a page for people its first words are enough
        message = _short(_MARKUP.sub(" ", message), 80)
    return _Answer(
        status=status,
        message=_short(message),
        code=_text(said.get("code")),
        kind=_text(said.get("type")),
        request_id=headers.get("x-request-id"),
        retry_after=retry_after(headers),
        location=headers.get("location"),
    )


def refusal(place: Place, said: _Answer) -> Failure:
    """The failure behind an error reply."""
    detail = f"{place} answered {said.status}" + (f": {said.message}" if said.message else "")
    if said.status == 429:
        if _QUOTA & {said.code, said.kind}:
            hint = (
                "add credit or raise the spend limit of this organization or project; waiting does"
                " not help"
            )
            return Failure(
                Outcome.FINAL, said.error(QuotaExceeded, "Quota exhausted", detail, hint)
            )
        asked = f"; it asks to wait {said.retry_after:.0f} seconds" if said.retry_after else ""
        hint = "try again later, or with a smaller `--parallelism`"
        error = said.error(ServiceError, "Too many requests", detail + asked, hint)
        return Failure(Outcome.THROTTLED, error, said.retry_after)
    if said.status == 408 or (said.status >= 500 and said.status != 501):
        if place.method == "GET":
            failing = said.error(ServiceError, "Service failing", detail, "try again later")
        else:
            failing = said.error(
                ReplyLost,
                "Reply lost",
                f"{detail.rstrip('.')}; it is not known whether this was carried out",
            )
        return Failure(Outcome.UNKNOWN, failing, said.retry_after)
    return Failure(Outcome.FINAL, _final(place, detail, said))


# What OpenSSL says of a connection that it does not make, and the remedy.
_TLS = {
    " mismatch, certificate is not valid for ": "check the service's address: who answers there"
    " shows the certificate of another one",
    "certificate has expired": "have the service's certificate renewed; if it is not over, check"
    " the clock of this machine",
    "CERTIFICATE_VERIFY_FAILED": "let `SSL_CERT_FILE` name a file with the certificate of the"
    " authority that has signed the service's",
    "WRONG_VERSION_NUMBER": "check scheme and port of the service's address: who answers there does"
    " not speak TLS",
}


def _proxies() -> list[str]:
    """The variables of the surroundings that name a proxy, whether it is for this host or not."""
    ends = ("http_proxy", "https_proxy", "all_proxy")
    return sorted(name for name, value in os.environ.items() if value and name.lower() in ends)


def unsent(place: Place, cause: BaseException) -> Failure:
    """Nothing reached the service, so everything may be tried again."""
    detail = f"{place} could not be sent: {_cause(cause)}"
    usual = "check the service's address, the network and whether the service is running"
    if proxies := _proxies():
        usual += f"; a proxy is named by {quoted(proxies, 'and')}"
    hint = next((hint for words, hint in _TLS.items() if words in detail), usual)
    return Failure(Outcome.UNSENT, ServiceError(Problem("Service unreachable", detail, hint)))


def lost(place: Place, cause: BaseException) -> Failure:
    """The connection ended before the reply was complete."""
    kind, summary = (
        (ServiceError, "Service failing") if place.method == "GET" else (ReplyLost, "Reply lost")
    )
    return Failure(
        Outcome.UNKNOWN,
        kind(Problem(summary, f"{place} brought no complete reply: {_cause(cause)}")),
    )


def boundless(place: Place, why: str) -> Failure:
    """A reply that would go on and on is not read to its end, nor asked for again."""
    detail = f"{place} brought a reply that was not read to its end: {why}"
    if place.method == "GET":
        return Failure(
            Outcome.FINAL,
            ServiceError(Problem("Reply without end", detail, "look at that service")),
        )
    return Failure(Outcome.FINAL, ReplyLost(Problem("Reply lost", detail)))


def broken_off(place: Place, text: str) -> Failure:
    """The service reports an error in the middle of a stream."""
    said = answer(200, {}, text)
    detail = f"{place} broke off: {said.message or 'the service does not say why'}"
    if said.code:
        detail += f" (`{said.code}`)"
    error = said.error(ServiceError, "Service failing", detail, "try again later")
    return Failure(Outcome.FINAL, error)


def unreadable(place: Place, status: int, content_type: str, text: str, why: str = "") -> Failure:
    """A 2xx reply that is not the JSON object it has to be. A cut-off reply may be whole the next
    time.
    """
    said = f"`{_short(text, 120)}`" if text.strip() else "nothing"
    reason = f" ({why.removeprefix('is ')})" if why and text.strip() else ""
    detail = f"{place} answered {status} with {said} where a JSON object was expected{reason}"
    if place.method not in ("GET", "DELETE"):
        return Failure(Outcome.UNKNOWN, ReplyLost(Problem("Reply lost", detail), status=status))
    hint = "check the service's address: the base URL usually ends in `/v1`"
    cut = (
        "json" in content_type
        and text.lstrip().startswith(("{", "["))
        and (not why or "not valid" in why)
    )
    outcome = Outcome.UNKNOWN if cut else Outcome.FINAL
    return Failure(
        outcome, ServiceError(Problem("Reply not understood", detail, hint), status=status)
    )


def _final(place: Place, detail: str, said: _Answer) -> ServiceError:
    if said.status in (401, 403):
        hint = "check the API key, and that it may use this organization and project"
        if said.status == 403 and place.path.startswith("/vaults"):
            # The one API whose scopes are documented; not every refusal says what is missing.
            right = "read" if place.method == "GET" else "write"
            hint += f"; a restricted key needs the scope `api.vaults.{right}` for this"
        return said.error(Refused, "Access refused", detail, hint)
    if said.status in (404, 405, 501):
        return _missing(place, detail, said)
    if 300 <= said.status < 400:
        named = f"write the address that it names: {said.location}" if said.location else None
        return said.error(ServiceError, "Moved elsewhere", detail, named)
    return said.error(ServiceError, "Request refused", detail)


def _missing(place: Place, detail: str, said: _Answer) -> ServiceError:
    if said.status == 404 and not place.is_collection and not _ROUTE_WORDS.search(said.message):
        return said.error(NotFound, "Object not found", detail)
    named = [name for name in place.names if name in said.message]
    if named:
        return said.error(
            ServiceError,
            "Object not found",
            detail,
            f"`{named[0]}` is gone, or was never there: plan again",
        )
    if place.path.startswith("/assistants") or place.path == "/threads":
        detail = f"{detail.rstrip('.')}. This service has no Assistants API"
        address = (
            ""
            if place.base.endswith("/v1")
            else "; or check the base URL, which usually ends in `/v1`"
        )
        return said.error(RouteMissing, "API not available", detail, _ASSISTANTS_GONE + address)
    if place.owner and place.owner in said.message and not _ROUTE_WORDS.search(said.message):
        hint = f"`{place.owner}` is gone, or was never there: plan again"
        return said.error(RouteMissing, "Object not found", detail, hint)
    if place.owner:
        either = f"Either `{place.owner}` is gone, or this service lacks the route"
        detail = f"{detail.rstrip('.')}. {either}"
        return said.error(RouteMissing, "Object or route missing", detail)
    hint = "check the service's address: the base URL usually ends in `/v1`"
    return said.error(
        RouteMissing,
        "API not available",
        f"{detail.rstrip('.')}. This service lacks the route",
        hint,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _short(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}…"


def _cause(cause: BaseException) -> str:
    inner = cause.__cause__ or cause
    return _short(str(inner)) or type(inner).__name__
