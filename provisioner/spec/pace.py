"""Work that makes many objects and no garbage runs without the collector, which would walk them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Switch the cyclic garbage collector off, and back on if it was on: 1,000 specs take 0.17 s instead of 0.29."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
