"""What Ctrl-C and SIGTERM do to a command that writes: it ends in order, and never without giving its lease back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM)
TOLD = "interrupted: what is under way is finished and recorded, another interrupt stops at once"

Stop = Callable[[], None]


@contextmanager
def ending() -> Iterator[None]:
    """Both signals raise KeyboardInterrupt wherever the block is, also while it waits for a lease: asyncio's own
    handler would wait until the event loop is asked again, and SIGTERM would leave the lease to nobody."""
    before = [signal.signal(number, _at_once) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


def _at_once(*_: object) -> None:
    with suppress(RuntimeError):  # no loop is running any more
        # What asyncio has to say of the tasks that end with it is no news to whoever interrupted them.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    raise KeyboardInterrupt


@contextmanager
def stopping(tell: Callable[[str], None]) -> Iterator[Callable[[Stop], None]]:
    """Inside an `ending` block: the first signal calls what was handed in, so that what is in flight is finished; the
    second cancels that too, which the journal survives."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task
    stops: list[Stop] = []

    def first() -> None:
        for number in SIGNALS:
            loop.add_signal_handler(number, second)
        tell(TOLD)
        for stop in stops:
            stop()

    def second() -> None:
        _let_go(loop)
        task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, first)
    try:
        yield stops.append
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # nobody else cancels it
    finally:
        _let_go(loop)


def _let_go(loop: asyncio.AbstractEventLoop) -> None:
    for number in SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, _at_once)
