"""A journal that is pushed in groups: who has to wait for his lines waits together with all others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from provisioner.lock.sink import Sink

WINDOW = 0.02  # seconds in which those who begin together come together; a push takes longer
PATIENCE = 10.0  # seconds after which lines are pushed that nobody waits for

Push = Callable[[str, bytes], None]
"""Makes a group of lines durable under a name. The same name again replaces what may have got through before."""


class GroupSink(Sink):
    """Lines are durable in the order in which they came: whatever a request relies on is there before the request's own
    intent is. One thread pushes, so that the next group gathers while one is on its way."""

    def __init__(self, push: Push) -> None:
        self._push = push
        self._lines: list[tuple[bytes, Future[None] | None]] = []
        self._changed = threading.Condition()
        self._pushing = threading.Lock()
        self._number = 0
        self._due = float("inf")
        self._thread: threading.Thread | None = None
        self._closed = False

    def append(self, data: bytes) -> None:
        waiter: Future[None] = Future()
        self._add(data, waiter)
        self.flush()
        waiter.result()

    def soon(self, data: bytes) -> Awaitable[None]:
        waiter: Future[None] = Future()
        self._add(data, waiter)
        return asyncio.wrap_future(waiter)

    def later(self, data: bytes) -> None:
        self._add(data, None)

    def flush(self) -> None:
        """Push what is there, and wait for it; raises what the push raises if there are lines nobody waits for."""
        with self._pushing:
            self._push_group()

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()
        self.flush()

    def _add(self, data: bytes, waiter: Future[None] | None) -> None:
        with self._changed:
            if self._closed:
                raise ValueError("the journal is closed")
            self._lines.append((data, waiter))
            self._due = min(self._due, time.monotonic() + (WINDOW if waiter else PATIENCE))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and time.monotonic() < self._due:
                    self._changed.wait(min(self._due - time.monotonic(), PATIENCE))
                if self._closed:
                    return  # the rest is pushed by whoever closes, who is told if that fails
            with self._pushing:
                self._push_group(quietly=True)

    def _push_group(self, quietly: bool = False) -> None:
        with self._changed:
            group, self._lines, self._due = self._lines, [], float("inf")
        if not group:
            return
        group = [(data, waiter) for data, waiter in group if not waiter or waiter.set_running_or_notify_cancel()]
        try:
            self._push(f"{self._number + 1:06}", b"".join(data for data, _ in group))
        except BaseException as error:
            self._take_back(group, error)
            if not quietly and not any(waiter for _, waiter in group):
                raise
            return
        self._number += 1
        for _, waiter in group:
            if waiter:
                waiter.set_result(None)

    def _take_back(self, group: list[tuple[bytes, Future[None] | None]], error: BaseException) -> None:
        """Who waits is told, and his lines count as never written; the others go with the next group."""
        with self._changed:
            kept = [(data, waiter) for data, waiter in group if waiter is None]
            self._lines = kept + self._lines
            if kept:
                self._due = min(self._due, time.monotonic() + PATIENCE)
        for _, waiter in group:
            if waiter:
                waiter.set_exception(error)
