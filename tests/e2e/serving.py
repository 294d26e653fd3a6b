"""Services over HTTP: any ASGI app in a thread, whose connections can be broken, and the real
`local serve`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.support.world import World


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """The base URL of an app that is served while the block lasts."""
    transports: dict[Any, Any] = {}

    class Noted(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transports[self.client] = transport

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope.setdefault("extensions", {})["test.transport"] = transports.get(scope["client"])
        await app(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        config = uvicorn.Config(
            wrapped, http=Noted, lifespan="off", log_config=None, access_log=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server.should_exit = server.force_exit = True
        thread.join(10)


def point_at(world: World, url: str, api: str = "assistants", **more: Any) -> None:
    """Make a base URL the world's only environment, with the lock where the world looks for it."""
    lock = ".provisioner/local/lock.json"
    environment = {"service": url, "api": api, "lock": lock, "settling": 0.5, **more}
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": {"prod": environment}}})
