"""What an interrupt (SIGINT, SIGTERM, SIGHUP) does to a command: it ends in order, once, and gives
back what it holds.

A signal does the first of these that applies, and so does each one that follows it:

1. where a person or a holder is waited for (`promptly`), it ends the wait at once;
2. where something has its own way of stopping (`stopping`), that is used;
3. where requests are under way (`run`), they are cancelled;
4. where a lease is held (`unbroken`), it is kept in mind until the lease has been given back;
5. elsewhere the command ends where it is, and a further signal ends the process without a word.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")
_Answer = Callable[[], None]

CODE = 130
_HANG_UP = getattr(signal, "SIGHUP", None)
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class _State:
    """What is under way in this process; signals are the process's own, and so is this."""

    def __init__(self) -> None:
        self.answers: list[_Answer] = []  # the last one is given first, each once
        self.waiting = False  # inside `promptly`
        self.held = 0  # blocks that must not be broken off
        self.pending = False  # a signal came while one of them was under way
        self.ending = False  # the command is on its way out already


_state = _State()
_met: list[int] = []  # the signals that have come
_over = False  # nothing is left to be interrupted


def _interrupted(number: int, _frame: FrameType | None) -> None:
    if _over:
        return
    _met.append(number)
    if _state.waiting:
        _state.waiting = False
        _end()
    if _state.answers:
        _state.answers.pop()()
    elif _state.held:
        _state.pending = True
    elif _state.ending:
        os._exit(CODE)
    else:
        _end()


def _end() -> None:
    _state.ending = True
    raise KeyboardInterrupt


def watch() -> None:
    """Answer interrupts from here on. A hang-up that was ignored when the process began (`nohup`)
    stays ignored; SIGINT is answered all the same, which a shell ignores for whatever it runs in
    the background.
    """
    for number in _SIGNALS:
        if number != _HANG_UP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupted)


@contextmanager
def watched() -> Iterator[None]:
    """Answer the interrupts of one command, and leave the process as it was."""
    global _state  # a new command has a new one
    # Python gives signals to the main thread alone.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _state = _State()
    try:
        watch()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore() -> None:
    """From here on nothing is left to be interrupted but Python's own end, which puts the default
    handlers back, in whatever thread a signal is met.
    """
    global _over
    _over = True
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def met() -> bool:
    """Whether an interrupt has come. Python may remember it, where it was met by code that was made
    at that moment, and would end itself by a SIGINT.
    """
    return bool(_met)


def came() -> bool:
    """Whether the command was interrupted, and is on its way out as soon as it can."""
    return _state.pending or _state.ending


def run_main(main: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run`, whose requests an interrupt cancels, so that each of them is unwound."""
    import asyncio

    async def cancellable() -> _T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task

        def cancel() -> None:
            _state.ending = True
            loop.call_soon_threadsafe(task.cancel)

        with _answering(cancel):
            return await main

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:  # nobody else cancels the whole
        raise KeyboardInterrupt from None


@contextmanager
def _answering(answer: _Answer) -> Iterator[None]:
    _state.answers.append(answer)
    try:
        yield
    finally:
        if answer in _state.answers:
            _state.answers.remove(answer)


@contextmanager
def stopping(stop: _Answer) -> Iterator[None]:
    """Inside a `run`: the first interrupt calls `stop`, so that what is in flight is finished."""
    import asyncio

    loop = asyncio.get_running_loop()

    def answer() -> None:
        # A signal may come in the middle of a line that is being printed.
        loop.call_soon_threadsafe(stop)

    with _answering(answer):
        yield


@contextmanager
def refusable() -> Iterator[None]:
    """Around a question to a person: an interrupt is their answer, a KeyboardInterrupt here, and
    the command goes on.
    """

    def refuse() -> None:
        raise KeyboardInterrupt

    with _answering(refuse):
        yield


@contextmanager
def unbroken() -> Iterator[None]:
    """Inside, nothing ends wherever it happens to be: what is held is given back first."""
    _state.held += 1
    try:
        yield
    finally:
        _state.held -= 1
        if _state.pending and not _state.held and not _state.ending:
            _end()


@contextmanager
def promptly() -> Iterator[None]:
    """Around a wait that holds nothing which could be left half done: an interrupt ends it
    at once.
    """
    _state.waiting = True
    try:
        if _state.pending or _state.ending:
            _end()
        yield
    finally:
        _state.waiting = False


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """TimeoutError after so long, also out of one long regular expression, which lets nothing else
    run meanwhile. Only in the main thread, which alone gets signals; elsewhere without a limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, expire)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


def sleep(seconds: float) -> None:
    """Wait where only waiting is done."""
    with promptly():
        time.sleep(seconds)
