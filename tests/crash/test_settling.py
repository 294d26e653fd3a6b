"""Ends and lost replies where a service shows its own writes late: the same is left as where it
shows them at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml

from provisioner.lock.file_store import FileSink
from tests.crash.instants import Before, Dead, counted, crashing, dying, stopped
from tests.crash.outcome import outcome
from tests.crash.test_lost_replies import trouble
from tests.crash.workspace import IN_A_FILE
from tests.support.injecting import Watching
from tests.support.world import World

SETTLING = 0.5
LAG = 0.1
EVERYTHING_LATE: dict[str, Any] = {
    "match": {"method": "POST"},
    "action": {"settle": {"seconds": LAG, "of": ["list", "get", "attach", "use", "update"]}},
}
LONG_DELETED: dict[str, Any] = {
    "match": {"method": "DELETE"},
    "action": {"settle": {"seconds": LAG, "of": ["delete"]}},
}


@pytest.fixture
def late(before: Before) -> Before:
    """The workspace of which the environment says that its service may be late."""
    path = before.world.root / "provisioner.yaml"
    config = yaml.safe_load(path.read_text())
    config["environments"]["local"]["settling"] = SETTLING
    path.write_text(yaml.safe_dump(config))
    return Before(before.world, before.saved.with_name("late"), before.store, before.strangers)


def left(before: Before) -> list[str]:
    """What is there, less what only says that an upload was doubted."""
    return [line.replace(', "resent": true', "") for line in outcome(before.world)]


@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_every_instant(late: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the instant, the next apply converges to the same lock and the same objects."""
    world, instants = late.world, counted(late, monkeypatch)
    wanted = left(late)
    for at in late.each(instants, 1):
        with world.perhaps_failing(EVERYTHING_LATE, LONG_DELETED):
            crashing(world, at, monkeypatch)
            again = world.run("apply", "-y", "--force")
            assert again.code == 0, f"instant {at}: {again.out}{again.err}"
            world.settled()
        assert left(late) == wanted, f"instant {at} of {instants}"


@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
@pytest.mark.thorough
def test_every_lost_reply(late: Before) -> None:
    """One lost reply of any kind changes nothing about the end."""
    world = late.world
    world.calls.clear()
    world.ok("apply", "-y", "--force")
    total, wanted = len(world.calls), left(late)
    for at in late.each(total, 1, 1):
        with world.perhaps_failing(EVERYTHING_LATE, LONG_DELETED):
            with world.behind(trouble(at, "lost")):
                result = world.run("apply", "-y", "--force")
            if result.code:
                world.ok("apply", "-y", "--force")
            world.settled()
        assert left(late) == wanted, f"request {at} of {total}\n{result.out}{result.err}"


ONE_LATE: dict[str, Any] = {
    "match": {"method": "POST", "path": "/assistants"},
    "action": {"settle": {"seconds": 0.6, "of": ["list", "get"]}},
}


def declared(world: World, count: int) -> None:
    world.write(
        {
            "provisioner.yaml": {"environments": {"local": {"service": "local", "settling": 1.0}}},
            "specs/all.yaml": {"assistants": {f"a{at}": {"model": "gpt-5"} for at in range(count)}},
        }
    )


@pytest.mark.thorough
def test_the_end_after_something_was_sent_again(world: World) -> None:
    """What was lost and is sent again is young again: it is looked for until the service shows it."""
    declared(world, 1)
    posts = 0

    def around(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            nonlocal posts
            posts += scope["method"] == "POST"
            if scope["method"] == "POST" and posts == 1:
                raise ConnectionResetError  # it never came to the service
            await app(scope, receive, send)
            if scope["method"] == "POST":
                raise Dead

        return wrapped

    with world.failing(ONE_LATE):
        with world.behind(around), dying():
            world.run("apply", "-y")
        assert posts == 2
        world.apply()
    assert len(world.listed("/assistants")) == 1


@pytest.mark.thorough
def test_the_end_after_something_waited_for_its_turn(world: World) -> None:
    """An intent may be written long before its request leaves: its age is that of the request."""
    declared(world, 3)
    posts = 0

    def around(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            nonlocal posts
            posts += scope["method"] == "POST"
            number = posts if scope["method"] == "POST" else 0
            if number in (1, 2):
                await asyncio.sleep(1.1)
            await app(scope, receive, send)
            if number == 3:
                raise Dead

        return wrapped

    with world.failing(ONE_LATE):
        with world.behind(around), dying():
            world.run("apply", "-y", "--parallelism", "2")
        assert posts == 3
        journal = (world.root / ".provisioner/local/lock.json.journal").read_text()
        assert journal.count('"leaving"') == 1
        world.apply()
    assert len(world.listed("/assistants")) == 3


def test_a_slow_journal_is_not_asked_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """That an intent took long to become durable is not said in a line that would take as long."""
    declared(world, 1)
    soon, lines = FileSink.soon, []

    async def slowly(sink: FileSink, data: bytes) -> None:
        durable = soon(sink, data)
        lines.append(data)
        await asyncio.sleep(0.3)
        await durable

    monkeypatch.setattr(FileSink, "soon", slowly)
    world.apply()
    assert lines
    assert b'"leaving"' not in b"".join(lines)


def test_replies_that_come_late(world: World) -> None:
    """What a service did not show yet when it was asked is not believed because its reply was slow:
    a file that was just attached, and what a stopped apply had made.
    """
    declared(world, 1)
    world.write({"specs/kb.yaml": {"vector_stores": {"kb": {"files": ["a.md"]}}}, "a.md": "A.\n"})
    late: set[str] = set()

    def slow(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            path, messages = scope["path"].removeprefix("/v1"), []

            async def kept(message: Any) -> None:
                messages.append(message)

            await app(scope, receive, kept)
            what = "list" if path == "/assistants" else "file" if "/files/" in path else ""
            if scope["method"] == "GET" and what and what not in late:
                late.add(what)
                await asyncio.sleep(1.1)
            for message in messages:
                await send(message)

        return wrapped

    everything = {**EVERYTHING_LATE["action"]["settle"], "seconds": 0.6}
    with world.failing({"match": {"method": "POST"}, "action": {"settle": everything}}):
        stopped(world, "POST", "/assistants", words=("apply", "-y"))
        with world.behind(Watching(slow)):
            world.ok("apply", "-y")
    assert late == {"list", "file"}
    world.settled()
    assert len(world.listed("/assistants")) == 1
