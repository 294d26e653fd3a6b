"""Middleware that changes what a service hears and says, and when its connections break."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = Any
Ask = Callable[[str, str, Json], Json]
Answer = Callable[[str, str, int, Json], tuple[int, Json]]

STORE_FILES = re.compile(r"^/vector_stores/[^/]+/files(/[^/]+)?$")
OBJECTS = {
    "assistant": re.compile(r"^/assistants(/[^/]+)?$"),
    "vector_store": re.compile(r"^/vector_stores(/[^/]+)?$"),
    "store_file": STORE_FILES,
    "file": re.compile(r"^/files(/[^/]+)?$"),
}


class Broken(Exception):
    """The connection ends here."""


@dataclass
class Odd:
    """ASGI middleware. `ask` sees each JSON request before the service does, `answer` each JSON
    reply after it; `cut` says before or after which requests the connection breaks. `path` never
    has the `/v1`.
    """

    app: Any
    ask: Ask = lambda method, path, body: body
    answer: Answer = lambda method, path, status, body: (status, body)
    cut: Callable[[str, str], str | None] = lambda method, path: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"].removeprefix("/v1")
        cut = self.cut(method, path)
        if cut == "before":
            await _break(scope)
        start, body = await self._served(scope, receive, method, path)
        if cut == "after":
            await _break(scope)
        await self._reply(send, method, path, start, body)

    async def _served(self, scope: Any, receive: Any, method: str, path: str) -> tuple[Any, bytes]:
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)

        headers = dict(scope["headers"])
        if headers.get(b"content-type", b"").startswith(b"application/json"):
            receive = _once(await self._asked(receive, method, path))
        await self.app(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])

    async def _asked(self, receive: Any, method: str, path: str) -> bytes:
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return json.dumps(self.ask(method, path, json.loads(b"".join(parts) or b"{}"))).encode()

    async def _reply(self, send: Any, method: str, path: str, start: Any, body: bytes) -> None:
        status, headers = start["status"], start["headers"]
        if dict(headers).get(b"content-type", b"").startswith(b"application/json"):
            status, said = self.answer(method, path, status, json.loads(body))
            body = b"" if said is None else json.dumps(said).encode()
        headers = [(name, value) for name, value in headers if name != b"content-length"]
        headers += [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _break(scope: Any) -> None:
    """Over HTTP the connection is gone; in-process the client is told of a failure."""
    transport = scope.get("extensions", {}).get("test.transport")
    if transport is not None:
        transport.abort()
    raise Broken


def _once(body: bytes) -> Any:
    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def items(body: Json) -> list[Any]:
    """The objects in a reply: a page of them, or one."""
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        return [item for item in body["data"] if isinstance(item, dict)]
    return [body] if isinstance(body, dict) and "id" in body and not body.get("deleted") else []


def each(change: Callable[[str, Any], None], *, kind: str | None = None) -> Answer:
    """A change made to every object that is shown."""

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        for name, pattern in OBJECTS.items():
            if pattern.match(path) and kind in (None, name):
                for item in items(body):
                    change(name, item)
        return status, body

    return answer


def asked(change: Callable[[str, Any], None], *, kind: str | None = None) -> Ask:
    """A change made to every object that is written, the members of a batch included."""

    def ask(method: str, path: str, body: Json) -> Json:
        for name, pattern in OBJECTS.items():
            if pattern.match(path) and kind in (None, name):
                change(name, body)
        if path.endswith("/file_batches") and kind in (None, "store_file"):
            for item in body.get("files", []):
                change("store_file", item)
        return body

    return ask
