"""Owns the faults that a test asks for: an aid for developers, described by a YAML file.

    seed: 7                                      # default 0; the same seed gives the same faults
    rules:
      - match: {method: POST, path: "^/v1/files$", nth: 3} action: {status: 500, when: after}
        # the file is there, but the client hears of a failure
      - match: {probability: 0.1, times: 20}
        action: {status: 429, retry_after: 1}
      - match: {path: "/v1/vector_stores"}
        action: {latency: 0.05}
      - match: {filename: "*.pdf"}
        action: {indexing_seconds: 5}
      - match: {method: POST, path: "^/v1/assistants$"}
        action: {settle: {seconds: 2, of: [list, get]}}
      - match: {method: POST, path: "/runs$"}
        action: {run: failed, code: rate_limit_exceeded}

A rule strikes a request when all of its `match` holds: `method`; `path`, a regular expression
searched in the path; `nth`, a number or a list of numbers, counting the requests that match so far
from 1; `probability`; `times`, how often at most. Its `action` is `latency` in seconds and `settle`
(a write shows late: docs/embedded-service.md has what may be said; such a rule is about writes
alone), by themselves or with one of:

- `status` 400 to 599, with `retry_after` in seconds, `code` and `scope` (of 403: what the key
  lacks), `when: before` (default: nothing happened) or `after` (everything happened, the reply is
  lost);
- `reset: before` or `reset: after`: the connection breaks without a reply;
- `truncate: N`: the reply breaks off after N bytes of its body.

Latencies of all rules that strike add up, and every `settle` counts; of the other actions the first
one wins. A rule that matches a `filename` (a glob) is about indexing: `indexing_seconds`, or
`fails: invalid_file | unsupported_file | server_error`.

`run: failed | expired | incomplete | stays` is about what the request starts, a run, a response or
a turn of a session: what becomes of it, after `seconds` (default 0) and with `code` as the code of
the error or the reason. One that `stays` is in progress for so many seconds, or until it is
cancelled or expires.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from . import checks, settling
from .errors import ApiError, Severed, bad
from .running.fate import FATE, Fate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NUMBERS: checks.Check = checks.array(checks.integer(1), least=1, of="integers")


def _nth(path: str, value: Any) -> list[int]:
    numbers: list[int] = NUMBERS(path, value if isinstance(value, list) else [value])
    return numbers


SETTLE = checks.fields(
    {
        "seconds": checks.decimal(0, 1e9),
        "of": checks.array(checks.one_of(*settling.OF), least=1),
        "status": checks.integer(),
    },
    ("seconds", "of"),
)
# What a status can answer.
ANSWERS = {400: {"get", "attach", "use"}, 404: set(settling.OF), 409: {"delete"}}


def _settle(path: str, value: Any) -> settling.Lag:
    given = SETTLE(path, value)
    late, status = set(given["of"]), given.get("status", 404)
    if status not in ANSWERS:
        raise checks.not_one_of(f"{path}.status", status, [str(one) for one in ANSWERS])
    if not late & ANSWERS[status]:
        answered = ", ".join(one for one in settling.OF if one in ANSWERS[status])
        raise bad(
            f"'{path}.status' is {status}, so '{path}.of' must name at least one of: {answered}."
        )
    if status == 409:
        late = late - {"delete"} | {"busy"}
    return settling.Lag(given["seconds"], frozenset(late), 404 if status == 409 else status)


MOMENT = checks.one_of("before", "after")
RULE = checks.fields(
    {
        "match": checks.fields(
            {
                "method": checks.string(),
                "path": checks.string(),
                "nth": _nth,
                "probability": checks.decimal(0, 1),
                "times": checks.integer(1),
                "filename": checks.string(),
            }
        ),
        "action": checks.fields(
            {
                "latency": checks.decimal(0),
                "settle": _settle,
                "status": checks.integer(400, 599),
                "retry_after": checks.decimal(0),
                "code": checks.string(),
                "scope": checks.string(),
                "when": MOMENT,
                "reset": MOMENT,
                "truncate": checks.integer(0),
                "indexing_seconds": checks.decimal(0),
                "fails": checks.one_of("invalid_file", "unsupported_file", "server_error"),
                "run": checks.one_of("failed", "expired", "incomplete", "stays"),
                "seconds": checks.decimal(0),
            }
        ),
    },
    ("action",),
)


def _rule(path: str, value: Any) -> dict[str, Any]:
    rule: dict[str, Any] = RULE(path, value)
    if "settle" in rule["action"] and "filename" in rule.get("match", {}):
        raise bad(
            f"'{path}.action.settle' is about requests, but '{path}.match.filename' about indexing:"
            " use 'path'."
        )
    if "seconds" in rule["action"] and "run" not in rule["action"]:
        raise bad(f"'{path}.action.seconds' belongs to 'run', which is missing.")
    if "scope" in rule["action"] and rule["action"].get("status") != 403:
        raise bad(f"'{path}.action.scope' belongs to 'status: 403', which is missing.")
    return rule


_FILE = checks.fields({"seed": checks.integer(), "rules": checks.array(_rule, of="objects")})
# What the service itself says with a status; anything else is an invalid request.
_KINDS = {
    429: ("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    500: (
        "The server had an error while processing your request. Sorry about that!",
        "server_error",
        None,
    ),
    503: (
        "The server is overloaded. Please try again later.",
        "service_unavailable_error",
        "server_is_overloaded",
    ),
}

LACKING_SCOPE = (
    "You have insufficient permissions for this operation. Missing scopes: {}. Check that you have"
    " the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner),"
    " and if you're using a restricted API key, that it has the necessary scopes."
)


_QUIET = 0.2  # seconds after which a stream waits for somebody
_EVENTS = b"text/event-stream"


@dataclass
class Rule:
    match: dict[str, Any]
    action: dict[str, Any]
    random: Random
    seen: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is one of those; asking counts."""
        if "settle" in self.action and method not in ("POST", "DELETE"):
            return False
        if self.match.get("method", method).upper() != method or not re.search(
            self.match.get("path", ""), path
        ):
            return False
        self.seen += 1
        # Drawn for every request that matches, so that the draws do not depend on the other
        # conditions.
        drawn = self.random.random() < self.match.get("probability", 1)
        now = self.seen in self.match.get("nth", [self.seen])
        left = self.struck < self.match.get("times", self.seen)
        self.struck += drawn and now and left
        return drawn and now and left


@dataclass
class Faults:
    """What a faults file says: about requests, and about the indexing of files."""

    requests: list[Rule] = field(default_factory=list)
    indexing: list[Rule] = field(default_factory=list)

    @property
    def lag(self) -> bool:
        """Whether any write is to show late."""
        return any("settle" in rule.action for rule in self.requests)

    def _about(self, filename: str, action: str) -> Any:
        for rule in self.indexing:
            if action in rule.action and fnmatchcase(filename, rule.match["filename"]):
                rule.struck += 1
                return rule.action[action]
        return None

    def seconds(self, filename: str) -> float | None:
        seconds: float | None = self._about(filename, "indexing_seconds")
        return seconds

    def failure(self, filename: str) -> tuple[str, str] | None:
        code = self._about(filename, "fails")
        return (
            None
            if code is None
            else (code, "The file could not be processed: the faults file says so.")
        )


def load_faults(path: Path) -> Faults:
    """Raises ValueError, naming the place, for a file that does not say what it means."""
    import yaml

    try:
        given = _FILE("", yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except ApiError as error:
        place = "" if error.param is None or error.param in error.message else f"{error.param}: "
        raise ValueError(f"{path}: {place}{error.message}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    except RecursionError:
        raise ValueError(f"{path}: values are nested too deeply") from None
    faults = Faults()
    for index, rule in enumerate(given.get("rules", [])):
        made = Rule(
            rule.get("match", {}), rule["action"], Random(f"{given.get('seed', 0)}:{index}")
        )
        (faults.indexing if "filename" in made.match else faults.requests).append(made)
    return faults


class FaultyEdge:
    """ASGI middleware that lets the rules strike."""

    def __init__(self, app: ASGIApp, rules: Sequence[Rule]) -> None:
        self.app, self.rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        struck = [
            rule.action for rule in self.rules if rule.strikes(scope["method"], scope["path"])
        ]
        await asyncio.sleep(sum(action.get("latency", 0) for action in struck))
        settling.LAGS.set([action["settle"] for action in struck if "settle" in action])
        FATE.set(next((Fate.of(action) for action in struck if "run" in action), None))
        action = next((one for one in struck if one.keys() & {"status", "reset", "truncate"}), None)
        if action is None:
            await self.app(scope, receive, send)
        elif "truncate" in action:
            await self._truncated(action["truncate"], scope, receive, send)
        else:
            await self._failed(action, scope, receive)

    async def _failed(self, action: dict[str, Any], scope: Scope, receive: Receive) -> None:
        if "after" in (action.get("reset"), action.get("when")):
            await _carried_out(self.app, scope, receive, _Reply())
        if "reset" in action:
            raise await _sever(scope, receive, at_once=True)
        raise _error(action)

    async def _truncated(self, keep: int, scope: Scope, receive: Receive, send: Send) -> None:
        await _carried_out(self.app, scope, receive, _Reply(send, keep))
        raise await _sever(scope, receive, at_once=False)


class _Reply:
    """A reply that is lost on its way, but for its first bytes where somebody gets them."""

    def __init__(self, send: Send | None = None, keep: int = 0) -> None:
        self._send, self._left = send, keep
        self._streams = False
        self._heard = 0.0  # when something came last

    async def hear(self, message: Message) -> None:
        self._heard = asyncio.get_running_loop().time()
        if message["type"] == "http.response.start":
            self._streams = _EVENTS in dict(message.get("headers", ())).get(b"content-type", b"")
        elif self._left > 0:
            kept = message.get("body", b"")[: self._left]
            self._left -= len(kept)
            message = {"type": "http.response.body", "body": kept, "more_body": True}
        else:
            return
        if self._send is not None:
            await self._send(message)

    def is_over(self) -> bool:
        """Whether all is there that anybody gets: a stream may have no end of its own."""
        quiet = asyncio.get_running_loop().time() - self._heard
        return self._streams and self._left <= 0 and quiet >= _QUIET


async def _carried_out(app: ASGIApp, scope: Scope, receive: Receive, reply: _Reply) -> None:
    """Let a request happen, whole, or as far as it happens by itself."""
    work = asyncio.ensure_future(app(scope, receive, reply.hear))
    try:
        while not work.done() and not reply.is_over():
            await asyncio.wait({work}, timeout=_QUIET)
        if work.done():
            await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _sever(scope: Scope, receive: Receive, *, at_once: bool) -> Severed:
    """Break the connection, where there is one; in-process the exception is all that the client
    notices.
    """
    transport = scope.get("extensions", {}).get("provisioner.transport")
    if transport is None:
        return _severed_in_process()
    transport.abort() if at_once else transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
    return Severed()


def _severed_in_process() -> Severed:
    """A client takes for a broken connection only what its own HTTP library raises."""
    import httpx2

    class SeveredInProcess(Severed, httpx2.RemoteProtocolError):
        pass

    return SeveredInProcess("The faults file says that the connection breaks here.")


def _error(action: dict[str, Any]) -> ApiError:
    status = action["status"]
    message, kind, code = _KINDS.get(
        status, (f"A fault with status {status}.", "invalid_request_error", None)
    )
    if "scope" in action:
        message, code = LACKING_SCOPE.format(action["scope"]), "missing_scope"
    error = ApiError(status, message, kind=kind, code=action.get("code", code))
    if "retry_after" in action:
        error.headers["retry-after"] = f"{action['retry_after']:g}"
    return error
