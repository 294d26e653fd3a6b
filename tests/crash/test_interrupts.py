"""Interrupts of an apply: it ends in order, gives its lease back, and the next apply goes on."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.engine import open_context
from tests.support.injecting import Meanwhile, Watching
from tests.support.processes import said, start
from tests.support.world import World

THOROUGH = bool(os.environ.get("PROVISIONER_THOROUGH"))


@pytest.fixture
def edited(world: World) -> World:
    """A workspace of which there is something to list, to make and to change."""
    spec = {
        "vector_stores": {"kb": {"files": ["docs/*.md"]}},
        "assistants": {"a": {"model": "m"}, "b": {"model": "m"}},
    }
    world.write({"specs/all.yaml": spec, "docs/a.md": "A.\n"})
    world.apply()
    world.write({"docs/a.md": "A, second.\n", "docs/b.md": "B.\n"})
    return world


def test_what_waits_for_its_turn_is_not_begun(world: World) -> None:
    """Where more is announced than is under way, an interrupt ends what is not sent yet: it is
    neither made nor called failed, and the next apply makes it.
    """
    world.write({"specs/all.yaml": {"assistants": {f"a{at}": {"model": "m"} for at in range(12)}}})
    posts = 0

    def slow(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            nonlocal posts
            if scope["method"] == "POST":
                posts += 1
                if posts == 3:
                    os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.1)
            await app(scope, receive, send)

        return wrapped

    with world.behind(Watching(slow)):
        result = world.ok("apply", "-y", "--parallelism", "3", code=130)
    assert posts == 3 and "error" not in result.err
    assert "3 added" in result.out
    assert not list(world.root.rglob("*.journal"))
    world.apply()
    assert len(world.listed("/assistants")) == 12


def test_at_any_request(edited: World) -> None:
    """The exit code is 130, nobody holds the lock, and what was under way is not done twice."""
    interrupted = 0
    for at in itertools.count():
        numbers = itertools.count()

        def interrupt(
            method: str, path: str, numbers: Iterator[int] = numbers, at: int = at
        ) -> None:
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


@pytest.mark.parametrize("seed", range(28 if THOROUGH else 3))
def test_three_in_a_row(edited: World, seed: int) -> None:
    """Whenever they come, and whichever they are: no traceback, nobody holds the lock, and the next
    apply goes on.
    """
    chosen = random.Random(seed)
    process = start(edited, "apply", "-y")
    time.sleep(chosen.uniform(0.15, 1.0))
    pause = chosen.choice([0.0, 0.01, 0.1])
    for _ in range(3):
        process.send_signal(chosen.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
        time.sleep(pause)
    out, err = process.communicate(timeout=30)
    assert process.returncode in (0, 130), err
    assert "Traceback" not in out + err and "bug" not in err
    assert open_context(edited.root).store.holder() is None
    edited.apply()
    assert len(edited.listed("/assistants")) == 2 and len(edited.listed("/files")) == 2


_MANY = pytest.mark.thorough

AT_THE_END = """
import atexit, itertools, os, signal, sys, threading
from provisioner import __main__ as program

def child(at, number, threaded):
    if threaded:  # a signal is met by whatever thread lets it in
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    steps, begun = itertools.count(1), []

    def over():
        begun.append(True)
        return 0

    def trace(frame, event, _):
        own = frame.f_code.co_filename.endswith(("__main__.py", "interrupts.py"))
        frame.f_trace_opcodes = own
        if begun and own and event in ("opcode", "line") and next(steps) == at:
            os.kill(os.getpid(), number)
        return trace

    def last():
        os.kill(os.getpid(), number)
        os.write(told, b"." if next(steps) <= at else b"+")

    program._run, sys.argv = over, ["provisioner", "plan"]
    atexit.register(last)
    end, os._exit = os._exit, lambda code: (os.write(told, b"+"), end(code))
    sys.settrace(trace)
    code = program.main()
    sys.settrace(None)
    sys.exit(code)

for at in itertools.count(1):
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(at, signal.Signals[sys.argv[1]], sys.argv[2] == "threaded")
    os.close(told)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    more = os.read(heard, 1)
    os.close(heard)
    print(at, status)
    if more == b".":
        break
"""


@pytest.mark.parametrize("threaded", ["threaded", pytest.param("alone", marks=_MANY)])
@pytest.mark.parametrize(
    "number", ["SIGINT", *(pytest.param(one, marks=_MANY) for one in ("SIGTERM", "SIGHUP"))]
)
def test_at_the_very_end(number: str, threaded: str) -> None:
    """When the command is over, an interrupt at any instant until the process is gone ends it as
    every other one does.
    """
    command = [sys.executable, "-c", AT_THE_END, number, threaded]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.split() for line in ended.stdout.splitlines()]
    # Python 3.12 tells of lines alone, the others of every instruction.
    least = 8 if sys.version_info[:2] == (3, 12) else 20
    assert len(lines) > least and not ended.stderr, ended.stderr
    assert [line for line in lines if line[-1] not in ("0", "130")] == []


def test_a_hang_up_that_was_ignored(edited: World) -> None:
    """Under `nohup` an apply goes on when its terminal goes away."""
    process = start(
        edited, "apply", "-y", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    said(process, "file.docs/b.md")
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Apply complete!" in out


def test_while_the_lease_of_another_is_waited_for(edited: World) -> None:
    """The wait ends at once."""
    with open_context(edited.root).store.lease():
        process = start(edited, "apply", "-y", "--lock-timeout", "600")
        said(process, "Waiting up to")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
    assert process.returncode == 130
