"""An apply stopped dead at any instant: the next one leaves exactly what an undisturbed one would have left."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.lock.file_store import FileSink
from tests.support.world import World

BEFORE: dict[str, Any] = {
    "specs/all.yaml": {
        "vector_stores": {
            "kb": {"metadata": {"team": "hr"}, "files": ["docs/*.md"]},
            "old": {"files": ["old/*.md"]},
            "moved": {"description": "first"},
        },
        "assistants": {
            "a": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]},
            "b": {"model": "gpt-4o", "tools": [{"type": "code_interpreter", "files": ["data/x.csv"]}]},
            "gone": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["old"]}]},
            "m": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["moved"]}]},
        },
    },
    "docs/a.md": "# A one\n",
    "docs/b.md": "# B\n",
    "docs/c.md": "# C\n",
    "docs/m.md": "# M\n",
    "old/o.md": "# O\n",
    "data/x.csv": "a\n1\n",
}
AFTER: dict[str, Any] = {
    "specs/all.yaml": {
        "vector_stores": {
            "kb": {"metadata": {"team": "it"}, "files": ["docs/**/*.md"]},
            "moved": {"description": "second", "files": ["docs/b.md"]},
            "fresh": {"files": ["docs/new.md"]},
        },
        "assistants": {
            "a": {"model": "gpt-4o-mini", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]},
            "b": {"model": "gpt-4o", "tools": [{"type": "code_interpreter", "files": ["data/x.csv"]}]},
            "m": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["moved"]}]},
            "n": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["fresh"]}]},
        },
    },
    "docs/a.md": "# A two\n",
    "docs/c.md": None,
    "docs/new.md": "# New\n",
    "docs/m.md": None,
    "docs/deep/m.md": "# M\n",
    "old/o.md": None,
    "data/x.csv": "a\n2\n",
}


class Dead(BaseException):
    """The process has ended: nothing after this happens."""


class Crash:
    """Counts the instants of an apply; at instant `at` everything ends."""

    def __init__(self, at: int | None) -> None:
        self.at, self.seen, self.dead = at, 0, False

    def instant(self) -> None:
        if self.dead or self.seen == self.at:
            self.dead = True
            raise Dead
        self.seen += 1

    def around(self, app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            self.instant()
            await app(scope, receive, send)
            self.instant()

        return wrapped


@pytest.fixture(params=["assistants", "responses"])
def edited(world: World, request: pytest.FixtureRequest) -> World:
    """A workspace that was applied and then edited in every way there is."""
    api = request.param
    world.write({"provisioner.yaml": {"workspace": "w", "environments": {"local": {"service": "local", "api": api}}}})
    world.write(BEFORE)
    world.ok("apply", "-y")
    world.write(AFTER)
    return world


def journalled(crash: Crash) -> dict[str, Any]:
    """The two ways in which a journal line is written, each with an instant before and after it."""
    append, soon = FileSink.append, FileSink.soon

    def appending(self: FileSink, data: bytes) -> None:
        crash.instant()
        append(self, data)
        crash.instant()

    def sooner(self: FileSink, data: bytes) -> Awaitable[None]:
        crash.instant()
        durable = soon(self, data)
        try:
            crash.instant()
        except Dead:
            durable.close()  # type: ignore[attr-defined]  # a coroutine that nobody awaits any more
            raise
        return durable

    return {"append": appending, "soon": sooner}


def crashing(world: World, crash: Crash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply with every request and every journal line an instant at which it may end."""
    with monkeypatch.context() as patched:
        for name, hooked in journalled(crash).items():
            patched.setattr(FileSink, name, hooked)
        world.wrap = crash.around
        try:
            result = world.run("apply", "-y", "--force")
            assert result.code == 0, result.out + result.err
        except* Dead:
            pass
        finally:
            world.wrap = lambda app: app


def neutral(world: World) -> Any:
    """The lock's resources without ids, and what the service has."""
    lock = world.lock()["resources"]
    text = re.sub(r'"(asst|vs|file)[-_][A-Za-z0-9]{8,}"', r'"<\1>"', json.dumps(lock, sort_keys=True))
    text = re.sub(r'"(sha256:[0-9a-f]{64})"', '"<digest>"', text)
    stores = world.listed("/vector_stores")
    held = sorted((store["name"], len(world.listed(f"/vector_stores/{store['id']}/files"))) for store in stores)
    assistants = sorted(item["name"] for item in world.listed("/assistants"))
    return json.loads(text), held, assistants, sorted(item["filename"] for item in world.listed("/files"))


def told(found: Any) -> list[str]:
    """One line a resource, so that a difference is easy to see."""
    lock, *service = found
    return [f"{address}: {json.dumps(entry, sort_keys=True)}" for address, entry in lock.items()] + [str(service)]


def points(total: int, share: int = 9, first: int = 0) -> Iterator[int]:
    """A spread of about `share` instants from `first` on; `CRASH_POINTS=all` tries every one."""
    if os.environ.get("CRASH_POINTS") == "all":
        return iter(range(total))
    return iter(range(first, total, max(1, total // share)))


def test_every_instant(
    edited: World, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the instant, the next apply converges to the same lock and the same objects."""
    saved = tmp_path_factory.mktemp("saved") / "w"
    shutil.copytree(edited.root, saved)
    count = Crash(None)
    crashing(edited, count, monkeypatch)
    edited.settled()
    wanted = neutral(edited)
    tried = 0
    for at in points(count.seen):
        shutil.rmtree(edited.root)
        shutil.copytree(saved, edited.root)
        crashing(edited, Crash(at), monkeypatch)
        again = edited.run("apply", "-y", "--force")
        assert again.code == 0, f"instant {at}: {again.out}{again.err}"
        edited.settled()
        assert told(neutral(edited)) == told(wanted), f"instant {at} of {count.seen}"
        tried += 1
    print(f"{tried} of {count.seen} instants tried")


def test_nothing_is_written_by_a_plan(edited: World, tmp_path: Path) -> None:
    """Planning is read-only, at the service and on the disk."""
    before = (edited.root / ".provisioner/local/lock.json").read_bytes()
    edited.calls.clear()
    edited.ok("plan", "--force")
    assert {method for method, _ in edited.calls} == {"GET"}
    assert (edited.root / ".provisioner/local/lock.json").read_bytes() == before
