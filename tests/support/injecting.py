"""What a test lets happen between the client and the service: the test fails where none of it ever
happened.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

Middleware = Callable[[Any], Any]
Rule = dict[str, Any]  # as `provisioner/local/faults.py` reads it
Look = Callable[[str, str], None]  # method and path of a request, without the `/v1`


class Injection(ABC):
    """Something that befalls requests. Whoever put it there asks at the end whether it did."""

    @abstractmethod
    def around(self, app: Any) -> Any:
        """The service with this before it."""

    @abstractmethod
    def happened(self) -> bool: ...


class Change(Injection):
    """Any middleware, looked at from both sides: it has happened when what goes in or comes out is
    not the same before it as behind it. `times` counts the requests of which that is true.
    """

    def __init__(self, middleware: Middleware) -> None:
        self.middleware, self.times = middleware, 0
        self._behind: ContextVar[list[Exchange]] = ContextVar("behind")

    def __repr__(self) -> str:
        return getattr(self.middleware, "__qualname__", repr(self.middleware))

    def happened(self) -> bool:
        return self.times > 0

    def around(self, app: Any) -> Any:
        changed = self.middleware(self._inside(app))

        async def outside(scope: Any, receive: Any, send: Any) -> None:
            behind: list[Exchange] = []
            token = self._behind.set(behind)
            before = Exchange(scope)
            try:
                await before.through(changed, scope, receive, send)
            finally:
                self._behind.reset(token)
                self.times += len(behind) != 1 or not before.same(behind[0])

        return outside

    def _inside(self, app: Any) -> Any:
        async def inside(scope: Any, receive: Any, send: Any) -> None:
            exchange = Exchange(scope)
            self._behind.get().append(exchange)
            await exchange.through(app, scope, receive, send)

        return inside


class Exchange:
    """A request and its reply, as they are seen at one place."""

    def __init__(self, scope: Any) -> None:
        self._asked = (scope["method"], scope["path"], scope.get("query_string", b""))
        self._body, self._reply = bytearray(), bytearray()
        self._read_whole = self._broken = False
        self._status, self._headers = 0, list[Any]()

    async def through(self, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """The same call of `app`, looked at."""

        async def heard() -> Any:
            message = await receive()
            self._body += message.get("body", b"")
            self._read_whole = self._read_whole or not message.get("more_body", False)
            return message

        async def said(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                self._headers = sorted(
                    pair for pair in message.get("headers", ()) if pair[0] != b"content-length"
                )
            self._reply += message.get("body", b"")
            await send(message)

        try:
            await app(scope, heard, said)
        except BaseException:
            self._broken = True
            raise

    def same(self, other: Exchange) -> bool:
        """Whether nothing was changed between the two. A body that one side has not read says
        nothing.
        """
        mine, theirs = (
            (one._asked, one._status, one._headers, one._broken) for one in (self, other)
        )
        unread = not (self._read_whole and other._read_whole)
        return (
            mine == theirs
            and _alike(self._reply, other._reply)
            and (unread or _alike(self._body, other._body))
        )


def _alike(one: bytearray, other: bytearray) -> bool:
    """The same bytes, or the same JSON in the same order: white space says nothing."""
    if one == other:
        return True
    try:
        return bool(
            json.loads(one, object_pairs_hook=list) == json.loads(other, object_pairs_hook=list)
        )
    except ValueError:
        return False


class Meanwhile(Injection):
    """Somebody who looks on, or is at work beside the client: before and after each request."""

    def __init__(self, *, before: Look | None = None, after: Look | None = None) -> None:
        self._before, self._after, self._times = before, after, 0

    def happened(self) -> bool:
        return self._times > 0

    def around(self, app: Any) -> Any:
        async def beside(scope: Any, receive: Any, send: Any) -> None:
            request = (scope["method"], scope["path"].removeprefix("/v1"))
            self._times += 1
            if self._before:
                self._before(*request)
            await app(scope, receive, send)
            if self._after:
                self._after(*request)

        return beside


class Watching(Injection):
    """A middleware that only looks on: it has happened when a request came by."""

    def __init__(self, middleware: Middleware) -> None:
        self.middleware, self.times = middleware, 0

    def happened(self) -> bool:
        return self.times > 0

    def around(self, app: Any) -> Any:
        watched = self.middleware(app)

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.times += 1
            await watched(scope, receive, send)

        return counted


class Faults:
    """A faults file, and how often each of its rules has struck, whoever served it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._served: list[Any] = []

    def served_by(self, app: Any) -> None:
        self._served.append(app.state.service.indexing_faults)

    @property
    def struck(self) -> list[int]:
        """Times by rule: those about requests, then those about indexing."""
        each = [
            [rule.struck for rule in (*faults.requests, *faults.indexing)]
            for faults in self._served
        ]
        return [sum(times) for times in zip(*each, strict=True)]


def gone(app: Any) -> Any:
    """A service that has lost its Assistants API."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/assistants"):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return wrapped
