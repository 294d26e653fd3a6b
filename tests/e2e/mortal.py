"""A crash in the middle of a line: the only thing that it leaves behind beside what the instants
show.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from provisioner import disk
from provisioner.lock.file_store import FileSink
from tests.crash.instants import Crash, Dead


class Mortal(Crash):
    """An apply that ends at instant `at`, if it has so many. A line of the journal that is just
    being written may be torn; `torn` is what was written of it.
    """

    def __init__(self, at: int, draw: random.Random) -> None:
        super().__init__(at)
        self.at: int = at
        self._draw = draw
        self.torn: bytes | None = None

    def happened(self) -> bool:
        return self.dead or 0 < self.seen <= self.at

    def about(self, function: Callable[..., Any], what: str) -> Callable[..., Any]:
        hooked = super().about(function, what)
        return self._torn(hooked) if function is FileSink.append else hooked

    def soon(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._torn(super().soon(function))

    def _torn(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def torn(sink: FileSink, data: bytes) -> Any:
            alive, size = not self.dead, sink._size
            try:
                return write(sink, data)
            except Dead:
                if (
                    alive and sink._size == size
                ):  # the first to die, and before the line was written
                    self.torn = data[: self._draw.randint(0, len(data))]
                    disk.write(sink._fd, self.torn)
                raise

        return torn
