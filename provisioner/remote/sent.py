"""Whether anything was sent that may have changed something at the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


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


def note_write() -> None:
    """Say that something is sent now that is no question."""
    sent = _watched.get()
    if sent is not None:
        sent.writes = True
