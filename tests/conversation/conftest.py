"""Conversations with the embedded service, in this process and through the real SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from provisioner.conversation import Call, Conversation, Event, Message, Reply, turns
from provisioner.local import create_app
from provisioner.remote import Remote, Retries

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
            "required": ["location"],
        },
    },
}


async def no_wait(seconds: float) -> None:
    """Retries without pauses."""


async def sunny(call: Call) -> str:
    return "sunny"


@dataclass
class Talk:
    """One conversation, and what was told of it."""

    remote: Remote
    conversation: Conversation
    events: list[Event] = field(default_factory=list)

    async def say(
        self,
        text: str,
        answer: Callable[[Call], Awaitable[str]] = sunny,
        deadline: float = 20.0,
        **more: Any,
    ) -> Reply:
        self.events.clear()
        message = Message(text, **more)
        return await self.conversation.say(message, answer, self.events.append, deadline)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if event.kind == "text")

    def told(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.kind == kind]

    async def all(self, what: str) -> list[dict[str, Any]]:
        """The runs or the messages of the thread, oldest first."""
        found = await self.remote.list(f"/threads/{self.conversation.id}/{what}", order="asc")
        return list(found)


class Service:
    """An embedded service; `rules` are faults, `around` is put around the app."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def run(
        self,
        story: Callable[[Remote], Awaitable[Any]],
        *rules: str,
        around: Callable[[Any], Any] = lambda app: app,
    ) -> Any:
        faults = self._data / "faults.yaml"
        faults.write_text("rules:\n" + "".join(f"  - {rule}\n" for rule in rules) or "rules: []\n")
        app = create_app(self._data, faults=faults if rules else None)

        async def told() -> Any:
            retries = Retries(sleep=no_wait)
            async with Remote.open("http://l/v1", "", app=around(app), retries=retries) as remote:
                return await story(remote)

        return asyncio.run(told())


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(turns, "FIRST", 0.01)
    monkeypatch.setattr(turns, "LONGEST", 0.05)
    return Service(tmp_path)


def without_streams(app: Any) -> Any:
    """The same service, if it could not stream."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        async def received() -> Any:
            message = await receive()
            if b'"stream":true' in message.get("body", b"").replace(b" ", b""):
                scope["streams"] = True
            return message

        if scope["method"] == "POST" and b"json" in dict(scope["headers"]).get(
            b"content-type", b""
        ):
            message = await received()
            if scope.get("streams"):
                said = {"error": {"message": "Unknown parameter: 'stream'.", "param": "stream"}}
                await JSONResponse(said, 400)(scope, receive, send)
                return
            left = [message]
            await app(scope, lambda: handed(left, receive), send)
            return
        await app(scope, receive, send)

    async def handed(left: list[Any], receive: Any) -> Any:
        return left.pop() if left else await receive()

    return served


def bent(change: Callable[[str, bytes], bytes]) -> Callable[[Any], Any]:
    """The same service, if it said something else: `change` gets a path and a piece of a body."""

    def around(app: Any) -> Any:
        async def served(scope: Any, receive: Any, send: Any) -> None:
            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start":
                    kept = [one for one in message["headers"] if one[0] != b"content-length"]
                    message = {**message, "headers": kept}
                else:
                    body = change(scope["path"], message.get("body", b""))
                    message = {**message, "body": body}
                await send(message)

            await app(scope, receive, sent)

        return served

    return around
