"""Services for the client to meet: the embedded one, and one that answers whatever a test tells it
to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provisioner.local import create_app
from provisioner.remote import Remote, Retries


class Waits:
    """Sleeps that take no time and are written down."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Scripted:
    """A service that gives the told answers in turn, the last one again and again, and keeps what
    it was sent. A story has to ask for all of them.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.waits = Waits()
        self.app = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "DELETE"])]
        )

    async def _answer(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        self.requests.append((request.method, request.url.path.removeprefix("/v1") + query))
        self.headers.append(dict(request.headers))
        await request.body()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Response):
            return answer
        status, body, *rest = answer
        return JSONResponse(body, status, headers=rest[0] if rest else None)

    def remote(self, **options: Any) -> Remote:
        return Remote.open(
            "http://odd/v1", "", app=self.app, retries=Retries(sleep=self.waits), **options
        )

    def tell(self, story: Callable[[Remote], Awaitable[Any]], **options: Any) -> Any:
        async def run() -> Any:
            try:
                async with self.remote(**options) as remote:
                    return await story(remote)
            finally:
                assert self.requests and len(self.answers) == 1, (
                    f"never asked for: {self.answers[:-1]}"
                )

        return asyncio.run(run())


@pytest.fixture
def embedded(tmp_path: Path) -> Callable[..., Any]:
    """Runs a story against the embedded service."""

    def tell(story: Callable[[Remote], Awaitable[Any]], **options: Any) -> Any:
        async def run() -> Any:
            app = create_app(tmp_path / "data", indexing_seconds=0.05)
            async with Remote.open("http://local/v1", "", app=app, **options) as remote:
                return await story(remote)

        return asyncio.run(run())

    return tell


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted
