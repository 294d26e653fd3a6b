"""What Ctrl-C and SIGTERM do to a command that writes: it ends in order, and never without giving its lease back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
TOLD = "interrupted: what is under way is finished and recorded, another interrupt stops at once"

Stop = Callable[[], None]


@contextmanager
def ending() -> Iterator[None]:
    """Both signals end the block with KeyboardInterrupt wherever it is: at once while it waits for a lease, where
    asyncio's own handler would wait until the event loop is asked again; in order while tasks are under way, so that
    what is held is given back. SIGTERM alone would leave the lease to nobody."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task

    def end(*_: object) -> None:
        if asyncio.current_task(loop) is task:
            raise KeyboardInterrupt
        # Raised in another task, it would stop the event loop, and nobody would unwind the block.
        loop.call_soon_threadsafe(task.cancel)

    before = [signal.signal(number, end) for number in SIGNALS]
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # nobody else cancels it
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def stopping(tell: Callable[[str], None]) -> Iterator[Callable[[Stop], None]]:
    """Inside an `ending` block: the first signal calls what was handed in, so that what is in flight is finished; the
    second cancels that too, which the journal survives."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task
    outside = [signal.getsignal(number) for number in SIGNALS]
    stops: list[Stop] = []

    def first() -> None:
        for number in SIGNALS:
            loop.add_signal_handler(number, second)
        tell(TOLD)
        for stop in stops:
            stop()

    def second() -> None:
        let_go()
        task.cancel()

    def let_go() -> None:
        for number, handler in zip(SIGNALS, outside, strict=True):
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    for number in SIGNALS:
        loop.add_signal_handler(number, first)
    try:
        yield stops.append
    finally:
        let_go()
