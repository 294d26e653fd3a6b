"""Ctrl-C at any request of an apply: it ends in order, gives its lease back, and the next apply goes on."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator

import pytest

from provisioner.engine import open_context
from tests.support.injecting import Meanwhile
from tests.support.world import World


@pytest.fixture
def edited(world: World) -> World:
    """A workspace of which there is something to list, to make and to change."""
    spec = {"vector_stores": {"kb": {"files": ["docs/*.md"]}}, "assistants": {"a": {"model": "m"}, "b": {"model": "m"}}}
    world.write({"specs/all.yaml": spec, "docs/a.md": "A.\n"})
    world.apply()
    world.write({"docs/a.md": "A, second.\n", "docs/b.md": "B.\n"})
    return world


def test_at_any_request(edited: World) -> None:
    """The exit code is 130, nobody holds the lock, and what was under way is not done twice."""
    interrupted = 0
    for at in itertools.count():
        numbers = itertools.count()

        def interrupt(method: str, path: str, numbers: Iterator[int] = numbers, at: int = at) -> None:
            if next(numbers) == at:
                os.kill(os.getpid(), signal.SIGINT)

        with edited.behind(Meanwhile(before=interrupt)):
            result = edited.run("apply", "-y")
        assert open_context(edited.root).store.holder() is None, f"request {at}\n{result.err}"
        if result.code == 0:
            break
        assert result.code == 130, f"request {at}: {result.code}\n{result.out}{result.err}"
        interrupted += 1
    assert interrupted > 5
    edited.settled()
    assert len(edited.listed("/assistants")) == 2 and len(edited.listed("/files")) == 2
