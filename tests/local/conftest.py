"""Owns how the tests of the embedded service reach it: in-process, and over HTTP in a process of
its own.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from provisioner.local import create_app

from .things import Wire

Story = Callable[[openai.AsyncOpenAI], Awaitable[None]]
SERVE = (
    "import sys; from pathlib import Path; from provisioner.local import serve; "
    "serve(Path(sys.argv[1]), '127.0.0.1', 0, Path(sys.argv[2]) if len(sys.argv) > 2 else None)"
)


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def tick(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tell(tmp_path: Path, clock: Clock) -> Callable[..., Any]:
    """Runs a story against a service in-process whose clock stands still; calling it again is a
    restart.
    """

    def tell(story: Story, *, strict: bool = True, **options: Any) -> Any:
        app = create_app(tmp_path / "data", **({"clock": clock} | options))

        async def run() -> None:
            http = openai.DefaultAsyncHttpx2Client(transport=httpx2.ASGITransport(app=app))
            async with openai.AsyncOpenAI(
                api_key="local",
                base_url="http://local/v1",
                http_client=http,
                max_retries=0,
                _strict_response_validation=strict,
            ) as client:
                await story(client)

        asyncio.run(run())
        return app

    return tell


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., Path]:
    """Writes a faults file; each line is a rule."""

    def write(*lines: str, seed: int = 0) -> Path:
        path = tmp_path / "faults.yaml"
        path.write_text(f"seed: {seed}\nrules:\n" + "".join(f"  - {line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def lagging(tell: Any, rules: Any) -> Callable[..., Any]:
    """Runs a story in which the writes to `path` settle as said; each further rule is a line."""

    def run(
        story: Callable[[Wire], Awaitable[None]], settle: str, path: str, *more: str, **options: Any
    ) -> Any:
        async def reported(client: openai.AsyncOpenAI) -> None:
            await story(Wire(client))

        line = f'{{match: {{path: "{path}"}}, action: {{settle: {{{settle}}}}}}}'
        # Nothing is indexed within these stories, so that only what lags can make a difference.
        return tell(reported, faults=rules(line, *more), **({"indexing_seconds": 60.0} | options))

    return run


class Server:
    """`local serve` in a process of its own."""

    def __init__(self, data: Path, *faults: Path) -> None:
        command = [sys.executable, "-c", SERVE, str(data), *map(str, faults)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.out = self.process.stdout
        self.url = self.out.readline().strip()

    def client(self, **options: Any) -> openai.OpenAI:
        given: dict[str, Any] = {
            "api_key": "any",
            "base_url": self.url,
            "max_retries": 0,
            "_strict_response_validation": True,
        }
        return openai.OpenAI(**(given | options))

    def stop(self, signal_number: int = 15) -> int:
        self.process.send_signal(signal_number)
        code = self.process.wait(10)
        self.out.close()
        return code


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("served"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with server.client() as client:
        yield client
