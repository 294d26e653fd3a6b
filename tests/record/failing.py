"""Writes that are refused, that fail, or around which an apply is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.crash.instants import Dead

Write = tuple[str, str]  # method and path, without the `/v1`


@dataclass
class Failing:
    """A service at which some writes fail, however often they are sent: they are answered 400 or
    500 instead of being carried out, or the apply is killed before or after the first of them.
    """

    fails: Callable[[str, str], bool]
    how: str = "400"
    struck: list[Write] = field(default_factory=list)
    dead: bool = False

    def around(self, app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            write = scope["method"], scope["path"].removeprefix("/v1")
            if self.dead:
                raise Dead
            if write[0] == "GET" or not self.fails(*write):
                await app(scope, receive, send)
                return
            self.struck.append(write)
            if self.how in ("400", "500"):
                await _answer(send, int(self.how))
                return
            if self.how == "killed after":
                await app(scope, receive, _silent)
            self.dead = True
            raise Dead

        return wrapped


class Nth:
    """The different writes of an apply, counted; number `at` is the one to fail."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.seen = at, list[Write]()

    def __call__(self, method: str, path: str) -> bool:
        write = method, path
        if write not in self.seen:
            self.seen.append(write)
        return self.at is not None and self.seen.index(write) == self.at


async def _silent(_: Any) -> None:
    """A reply that nobody hears."""


async def _answer(send: Any, status: int) -> None:
    body = json.dumps(
        {"error": {"message": "injected", "type": "server_error", "param": None, "code": None}}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
