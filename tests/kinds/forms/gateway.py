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
from tests.e2e.middleware import Odd
from tests.support.injecting import Change, Meanwhile, Middleware

Story = Callable[[Remote], Awaitable[Any]]
Alter = Callable[[str, str, Any], Any]

STAMP = Stamp("acme", "local", "assistant.support", "0123abcd", 1)


async def _no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def altering(request: Alter | None, reply: Alter | None) -> Middleware:
    """A gateway: `request` changes what arrives, `reply` what comes back. Both get the method, the
    path and the JSON; `reply` may return (status, body).
    """

    def ask(method: str, path: str, body: Any) -> Any:
        return request(method, path, body) if request else body

    def answer(method: str, path: str, status: int, body: Any) -> tuple[int, Any]:
        found = reply(method, path, body) if reply else body
        return found if isinstance(found, tuple) else (status, found)

    return lambda app: Odd(app, ask, answer)


class Service:
    """The embedded service of one test, with what the last story sent."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.calls: list[tuple[str, str]] = []
        self.writes: list[tuple[str, Any]] = []

    def tell(
        self,
        story: Story,
        *,
        request: Alter | None = None,
        reply: Alter | None = None,
        behind: Middleware | None = None,
        **options: Any,
    ) -> Any:
        """What comes of a story. What stands before the service has to have made a difference."""
        injected = [Change(altering(request, reply))] if request or reply else []
        injected += [Change(behind)] if behind else []
        app: Any = create_app(self.data, **{"indexing_seconds": 0.02, **options})
        for one in injected:
            app = one.around(app)
        found = asyncio.run(self._reported(story, self._noted(app)))
        assert all(one.happened() for one in injected), "nothing was changed on its way"
        return found

    async def _reported(self, story: Story, app: Any) -> Any:
        async with Remote.open(
            "http://local/v1", "", app=app, retries=Retries(sleep=_no_wait)
        ) as remote:
            return await story(remote)

    def _noted(self, app: Any) -> Any:
        self.calls, self.writes = [], []

        def write(method: str, path: str, body: Any) -> Any:
            self.writes.append((path, body))
            return body

        return Meanwhile(before=lambda method, path: self.calls.append((method, path))).around(
            Odd(app, write)
        )


def write(
    kind: str, fields: dict[str, Any], *paths: str, id: str | None = None, **more: Any
) -> Write:
    """What a form needs for `kind.support`."""
    names = more.pop("names", Names())
    return Write(
        Address(kind, "support"), fields, names, STAMP, id=id, paths=frozenset(paths), **more
    )


def as_read_by_the_sdk(kind: Any, body: dict[str, Any]) -> Any:
    """A body through one of the SDK's request types, to the end of each list. What the type does
    not know is missing; an error for a value that it does not take.
    """
    from pydantic import TypeAdapter

    adapter = TypeAdapter(kind)  # has to outlive what it checks lazily
    return json.loads(adapter.dump_json(adapter.validate_python(body), warnings=False))
