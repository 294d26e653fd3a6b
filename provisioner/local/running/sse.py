"""Owns server-sent events: how a stream of them is written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse


@dataclass(frozen=True)
class Event:
    """`name` is left out where it is None; `data` is JSON, or text that is sent as it stands."""

    name: str | None
    data: Any

    def encode(self) -> bytes:
        text = (
            self.data if isinstance(self.data, str) else json.dumps(self.data, ensure_ascii=False)
        )
        head = "" if self.name is None else f"event: {self.name}\n"
        return f"{head}data: {text}\n\n".encode("utf-8", "surrogatepass")


def stream(events: AsyncIterator[Event]) -> StreamingResponse:
    async def encoded() -> AsyncIterator[bytes]:
        async for event in events:
            yield event.encode()

    return StreamingResponse(
        encoded(), media_type="text/event-stream", headers={"cache-control": "no-cache"}
    )
