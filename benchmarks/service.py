"""The embedded service over HTTP in a process of its own, each request delayed and counted, some of
them failed.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from benchmarks.measuring import ROOT, Failure, environment
from provisioner.local.errors import Severed

FAILED = (429, 500)  # what faults answer
CONTROL = "/bench"  # answered at once: sets the delay, and gives and forgets the counts


class Slowed:
    """ASGI around an app: every request waits before it is served, as if the service were
    far away.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._delay = 0.0
        self._counts: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == CONTROL:
            await self._control(scope, send)
            return
        self._counts[f"{scope['method']} {scope['path'].removeprefix('/v1')}"] += 1
        await asyncio.sleep(self._delay)
        answered: list[int] = []

        async def noted(message: Any) -> None:
            answered.append(message.get("status", 0))
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Severed:  # what is sent on such a connection never arrives
            answered = []
            self._counts["failed lost"] += 1
            raise
        finally:
            self._counts.update(f"failed {status}" for status in answered if status in FAILED)

    async def _control(self, scope: Any, send: Any) -> None:
        asked = parse_qs(scope["query_string"].decode())
        self._delay = float(asked["delay"][0]) if "delay" in asked else self._delay
        counts, self._counts = self._counts, Counter()
        body = json.dumps(counts).encode()
        headers = [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Service:
    """A running service, seen from the benchmarks."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.url = f"{address}/v1"

    def delay(self, seconds: float) -> None:
        """Let every request wait, and start counting anew."""
        self._ask(f"?delay={seconds}")

    def counts(self) -> dict[str, int]:
        """Requests since the last call, by method and path."""
        return {str(name): int(count) for name, count in self._ask("").items()}

    def _ask(self, query: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self._address}{CONTROL}{query}") as reply:
            return dict(json.loads(reply.read()))


@contextmanager
def serving(data: Path, delay: float = 0.0, faults: Path | None = None) -> Iterator[Service]:
    """A service over a folder, for as long as the block lasts. `faults`: as for `local serve
    --faults`.
    """
    words = [
        sys.executable,
        "-m",
        "benchmarks.service",
        str(data),
        *([str(faults)] if faults else []),
    ]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            if not address:
                raise Failure("the service did not start")
            service = Service(address)
            service.delay(delay)
            yield service
        finally:
            process.terminate()


def main(data: Path, faults: Path | None = None) -> None:
    """Serve until terminated; the first line of output is the address."""
    import uvicorn

    from provisioner.local import create_app
    from provisioner.local.server import protocol, with_transport

    transports: dict[Any, Any] = {}
    app = with_transport(Slowed(create_app(data, indexing_seconds=0.0, faults=faults)), transports)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as `local serve` does
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        options: dict[str, Any] = {"lifespan": "off", "log_config": None, "access_log": False}
        config = uvicorn.Config(
            app, http=protocol(transports), timeout_graceful_shutdown=1, **options
        )
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
