"""Where the lines of a journal go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable


class Sink(ABC):
    """Where a journal's lines go. Durable when `append` returns; all or nothing when it raises."""

    @abstractmethod
    def append(self, data: bytes) -> None:
        """Add whole lines."""

    def soon(self, data: bytes) -> Awaitable[None]:
        """Add whole lines in the order of the calls; they are durable once the result has been awaited. Here at once;
        a sink whose appending takes long lets those who wait share it."""
        self.append(data)
        return _nothing()

    def later(self, data: bytes) -> None:
        """Add whole lines that nobody waits for: durable at once, or with the next ones, or after a few seconds."""
        self.append(data)

    @abstractmethod
    def close(self) -> None:
        """Let go of them; all are durable then."""


async def _nothing() -> None:
    """What is durable already need not be waited for."""
