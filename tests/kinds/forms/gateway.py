"""Forms against the embedded service, and against one that is changed on its way to the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from provisioner.kinds.base import Names, Write
from provisioner.local import create_app
from provisioner.model import Address, Stamp
from provisioner.remote import Remote, Retries

Story = Callable[[Remote], Awaitable[Any]]
Change = Callable[[str, str, Any], Any]

STAMP = Stamp("acme", "local", "assistant.support", "0123abcd", 1)


async def _no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


class Altered:
    """The embedded service behind a gateway: `request` changes what arrives, `reply` what comes back. Both get
    the method, the path and the JSON; `reply` may return (status, body)."""

    def __init__(self, app: Any, request: Change | None = None, reply: Change | None = None) -> None:
        self.app, self.request, self.reply = app, request, reply
        self.seen: list[tuple[str, str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        method, path = scope["method"], scope["path"].removeprefix("/v1")
        raw = await _body(receive)
        multipart = b"multipart" in dict(scope["headers"]).get(b"content-type", b"")
        if not multipart:
            sent = json.loads(raw) if raw else None
            self.seen.append((method, path, sent))
            if self.request and sent is not None:
                raw = json.dumps(self.request(method, path, sent)).encode()
                headers = [(key, value) for key, value in scope["headers"] if key != b"content-length"]
                scope = {**scope, "headers": [*headers, (b"content-length", str(len(raw)).encode())]}
        status, body = await self._inner(scope, raw)
        await _answer(send, status, self._changed(method, path, status, body))

    def _changed(self, method: str, path: str, status: int, body: bytes) -> bytes | tuple[int, bytes]:
        if not self.reply:
            return body
        changed = self.reply(method, path, json.loads(body))
        if isinstance(changed, tuple):
            return changed[0], json.dumps(changed[1]).encode()
        return json.dumps(changed).encode()

    async def _inner(self, scope: Any, raw: bytes) -> tuple[int, bytes]:
        status, chunks = 0, []
        fed = False

        async def receive() -> Any:
            nonlocal fed
            if fed:
                await asyncio.sleep(3600)
            fed = True
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            chunks.append(message.get("body", b""))

        await self.app(scope, receive, send)
        return status, b"".join(chunks)


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _answer(send: Any, status: int, body: Any) -> None:
    if isinstance(body, tuple):
        status, body = body
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Service:
    """The embedded service of one test."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.seen: list[tuple[str, str, Any]] = []

    def tell(self, story: Story, *, request: Change | None = None, reply: Change | None = None, **options: Any) -> Any:
        async def run() -> Any:
            app = Altered(create_app(self.data, **{"indexing_seconds": 0.02, **options}), request, reply)
            self.seen = app.seen
            async with Remote.open("http://local/v1", "", app=app, retries=Retries(sleep=_no_wait)) as remote:
                return await story(remote)

        return asyncio.run(run())

    @property
    def writes(self) -> list[tuple[str, Any]]:
        return [(path, body) for method, path, body in self.seen if method == "POST"]


def write(kind: str, fields: dict[str, Any], *paths: str, id: str | None = None, **more: Any) -> Write:
    """What a form needs for `kind.support`."""
    names = more.pop("names", Names())
    return Write(Address(kind, "support"), fields, names, STAMP, id=id, paths=frozenset(paths), **more)
