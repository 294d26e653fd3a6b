"""What the tests of the guide share: one spelling for both clients, and its recurring examples."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openai

FIND_WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "City name, e.g., 'San Francisco'"},
                "unit": {
                    "type": "string",
                    "enum": ["celsius", "fahrenheit"],
                    "description": "Temperature unit",
                },
            },
            "required": ["location"],
        },
    },
}
Client = Any
Chapter = Callable[["Guide"], Awaitable[None]]


class Guide:
    """One client, sync or async, behind one spelling: `await guide(client.files.create, …)`."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client, self.folder = client, folder

    async def __call__(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        found = call(*given, **named)
        return await found if inspect.isawaitable(found) else found

    async def listed(self, call: Callable[..., Any], *given: Any, **named: Any) -> list[Any]:
        """All pages of a list."""
        pager = call(*given, **named)
        if hasattr(pager, "__aiter__"):
            return [item async for item in pager]
        return list(pager)

    async def upload(self, name: str, content: str = "") -> Any:
        path = self.folder / name
        path.write_text(
            content or f"# {name}\n\nHow to install the product: run the installer.\n",
            encoding="utf-8",
        )
        with path.open("rb") as stream:
            return await self(self.client.files.create, file=stream, purpose="assistants")


def told_sync(chapter: Chapter, url: str, folder: Path) -> None:
    """Tell a chapter with `OpenAI`."""
    with openai.OpenAI(
        api_key="any", base_url=url, max_retries=0, _strict_response_validation=True
    ) as client:
        asyncio.run(chapter(Guide(client, folder)))  # type: ignore[arg-type]


def told_async(chapter: Chapter, url: str, folder: Path) -> None:
    """Tell a chapter with `AsyncOpenAI`."""

    async def run() -> None:
        async with openai.AsyncOpenAI(
            api_key="any", base_url=url, max_retries=0, _strict_response_validation=True
        ) as client:
            await chapter(Guide(client, folder))

    asyncio.run(run())
