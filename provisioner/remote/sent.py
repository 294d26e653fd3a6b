"""What is sent that may change something at the service: whether there was any, and when it
leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from provisioner.records import dataclass


@dataclass(slots=True)
class Sent:
    """What was done inside a block, tasks that it has started included."""

    writes: bool = False


_watched: ContextVar[Sent | None] = ContextVar("watched", default=None)


@contextmanager
def watched() -> Iterator[Sent]:
    """Take note of what a block sends."""
    sent = Sent()
    token = _watched.set(sent)
    try:
        yield sent
    finally:
        _watched.reset(token)


OnWrite = Callable[[], Awaitable[None]]

_on_write: ContextVar[OnWrite | None] = ContextVar("on_write", default=None)


def tell_writes(on_write: OnWrite) -> None:
    """Have a task, and those that it starts from now on, say when something of it is about to
    leave, which waits for that: it may have waited for its turn.
    """
    _on_write.set(on_write)


async def note_write() -> None:
    """Say that something is sent now that is no question."""
    sent, on_write = _watched.get(), _on_write.get()
    if sent is not None:
        sent.writes = True
    if on_write is not None:
        await on_write()
