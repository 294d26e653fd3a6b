"""A service in this process, whose replies arrive piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx2

_Sent = MutableMapping[str, Any]


class InProcess(httpx2.AsyncBaseTransport):
    """Sends each request to an ASGI app; the library's own transport waits for the whole reply,
    which of a stream is its end.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = _Exchange(await request.aread())
        exchange.task = asyncio.create_task(exchange.served(self._app, _scope(request)))
        start = await exchange.next()
        if start is None:
            raise httpx2.RemoteProtocolError("the service ended without a reply", request=request)
        return httpx2.Response(start["status"], headers=start["headers"], stream=exchange)


def _scope(request: httpx2.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }


class _Exchange(httpx2.AsyncByteStream):
    """One request under way; what the app sends is kept until it is read."""

    task: asyncio.Task[None]

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._sent: asyncio.Queue[_Sent | None] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def served(self, app: Any, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._sent.put)
        finally:
            self._sent.put_nowait(None)

    async def next(self) -> _Sent | None:
        """What the app sends next; None where it has ended."""
        try:
            return await self._sent.get()
        except asyncio.CancelledError:
            await self.aclose()
            raise

    async def _receive(self) -> _Sent:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (sent := await self.next()) is not None:
            yield sent.get("body", b"")
            if not sent.get("more_body"):
                return
        raise httpx2.RemoteProtocolError("the service ended before its reply did")

    async def aclose(self) -> None:
        """Nobody reads on: the app hears of it, as it would over a network, and ends."""
        self._gone.set()
        await asyncio.wait({self.task}, timeout=1)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
