"""Owns serving the app over HTTP, and telling where."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from .app import create_app
from .errors import Severed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Peer = tuple[str, int]


class _Server(uvicorn.Server):
    """Says its address once it listens, and takes an interrupt for a wish to end, not for a
    failure.
    """

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"{self._url}\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        heard = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup`
            heard.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._end) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def protocol(transports: dict[Peer, asyncio.Transport]) -> type[asyncio.Protocol]:
    """uvicorn's own protocol, which also notes the transport of each connection. Goes with
    `with_transport`.
    """
    base: Any = AutoHTTPProtocol

    class Noted(base):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.client, None)
            super().connection_lost(exc)

    return Noted


def with_transport(app: ASGIApp, transports: dict[Peer, asyncio.Transport]) -> ASGIApp:
    """ASGI gives an app no way to break a connection, so the faults are handed one."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})["provisioner.transport"] = transports.get(
            scope["client"]
        )
        with contextlib.suppress(Severed):
            await app(scope, receive, send)

    return wrapped


def serve(data: Path, host: str, port: int, faults: Path | None) -> None:
    """Serve until SIGINT or SIGTERM; port 0 takes a free one. Raises OSError where the address
    cannot be had.
    """
    transports: dict[Peer, asyncio.Transport] = {}
    app = with_transport(create_app(data, faults=faults), transports)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=2048) as listener:
        # Inherited by each connection; without it a reply's body waits 40 ms for the client to
        # confirm its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        url = f"http://{shown}:{listener.getsockname()[1]}/v1"
        # Standard output carries the address alone, so uvicorn's own logging stays off.
        config = uvicorn.Config(
            app,
            http=protocol(transports),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        _Server(config, url).run([listener])
