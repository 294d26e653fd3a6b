"""`chat --planned`: a conversation with what an apply would make, before there is one."""

from __future__ import annotations

import io
import os
import signal
from typing import Any

import pytest

from tests.cli.test_chat import ANSWERS, piped
from tests.crash.instants import stopped
from tests.e2e.serving import point_at, served
from tests.stories.test_checks import records, there
from tests.support.processes import said, start
from tests.support.running import Terminal
from tests.support.world import World

BOTH = pytest.mark.parametrize("api", ["assistants", "responses"])
PLACE = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
WEATHER = {"type": "function", "name": "get_weather", "parameters": PLACE}
DOCUMENT = {"docs/leave.md": "Everybody has 27 days of vacation.\n"}
STORE = {"kb": {"files": ["docs/leave.md"]}}
SEARCH = {"type": "file_search", "vector_stores": ["kb"]}


def specs(world: World, api: str = "assistants", **fields: Any) -> None:
    """Write the specs of one assistant, and of a store."""
    assistant = {"model": "gpt-4o", "api": api, **fields}
    files = {"specs/a.yaml": {"vector_stores": STORE, "assistants": {"support": assistant}}}
    world.write({**files, **DOCUMENT})


def everything(world: World) -> tuple[Any, ...]:
    return there(world), world.listed("/assistants"), world.lock(), records(world)


@BOTH
def test_what_is_planned_answers(world: World, monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    """It has the planned functions and searches the stores that are there; what was said can become
    a check. Service, lock and plan are afterwards what they were before.
    """
    specs(world, api)
    world.apply()
    specs(world, api, tools=[WEATHER, SEARCH])
    world.write({"answers.py": ANSWERS})
    before, plan = everything(world), world.plan()
    words = ("support", "--planned", "--answer", "answers:answer")
    asked = "Weather in Oslo?\nHow many days of vacation?\n"
    result = piped(world, monkeypatch, asked, *words)
    assert '→ get_weather({"location": "Oslo"})' in result.out
    assert "27 days of vacation" in result.out and "  cites docs/leave.md" in result.out
    assert everything(world) == before and world.plan() == plan
    piped(world, monkeypatch, "Weather in Oslo?\n", *words, "--as-check", "sky")
    assert "sky:" in (world.root / "specs/a.yaml").read_text()
    assert "1 passed" in world.ok("check", "--planned").out


@BOTH
def test_before_the_first_apply(world: World, monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    """What needs no store needs no apply; what does is refused by name, and nobody is asked."""
    specs(world, api)
    result = piped(world, monkeypatch, "Hello\n", "--planned")
    assert result.out == "You said: Hello\n" and world.listed("/assistants") == []
    specs(world, api, tools=[SEARCH])
    world.calls.clear()
    result = piped(world, monkeypatch, "Hello\n", "--planned", code=1)
    assert "error: Needs apply" in result.err and "`vector_store.kb` is not there yet" in result.err
    assert "run `provisioner apply`, and talk without `--planned`" in result.err
    assert not any(method == "POST" for method, _ in world.calls)


def test_what_would_not_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said so, and no assistant is made."""
    specs(world)
    world.apply()
    world.calls.clear()
    result = piped(world, monkeypatch, "Hello\n", "assistant.support", "--planned")
    assert "An apply would not change `assistant.support`" in result.err
    assert ("POST", "/assistants") not in world.calls


def test_whom_nobody_can_talk_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the specs do not have, a store, one that the service refuses."""
    specs(world, tools=["code_interpreter"])
    unknown = piped(world, monkeypatch, "Hello\n", "suport", "--planned", code=1)
    assert "Unknown address" in unknown.err and "support" in unknown.err
    store = piped(world, monkeypatch, "Hello\n", "vector_store.kb", "--planned", code=1)
    assert "Not an assistant" in store.err
    refusal = {"match": {"method": "POST", "path": "/assistants$"}, "action": {"status": 400}}
    with world.failing(refusal):
        piped(world, monkeypatch, "Hello\n", "--planned", code=1)
    assert world.listed("/assistants") == [] and records(world) == []
    world.write({"specs/a.yaml": "{}\n"})
    nobody = piped(world, monkeypatch, "Hello\n", "--planned", code=1)
    assert "The specs have no assistant." in nobody.err


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_conversation_that_ends_in_the_middle(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The next run deletes the temporary assistant, also one that nobody was told of."""
    specs(world)
    world.apply()
    before = everything(world)
    specs(world, instructions="Be brief.")
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello\n"))
    path = "/assistants" if method == "POST" else ""
    stopped(world, method, path, words=("chat", "--planned"))
    assert len(world.listed("/assistants")) == 2 and records(world) != []
    assert world.changes()["assistant.support"] == "update"
    piped(world, monkeypatch, "Hello\n", "--planned")
    assert everything(world) == before


def test_an_interrupt_at_the_prompt(world: World) -> None:
    """The temporary assistant goes with the conversation."""
    specs(world)
    with served(world.app()) as url:
        point_at(world, url, api_key={"env": "HOME"})
        terminal = Terminal(world.root, "chat", "--planned")
        terminal.until("> ")
        assert len(world.listed("/assistants")) == 1
        terminal.interrupt()
        code, _ = terminal.end()
    assert code == 130
    assert world.listed("/assistants") == [] and records(world) == []


@BOTH
@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_from_outside(
    world: World, monkeypatch: pytest.MonkeyPatch, api: str, number: int
) -> None:
    """After an interrupt nothing is left; after a kill the next run deletes it."""
    specs(world, api)
    world.apply()
    before = everything(world)
    specs(world, api, instructions="Be brief.")
    victim = start(world, "chat", "--planned")
    assert victim.stdin
    victim.stdin.write("Hello\n")
    victim.stdin.flush()
    said(victim, "tokens in")
    os.kill(victim.pid, number)
    victim.communicate(timeout=30)
    if number == signal.SIGKILL:
        assert records(world) != []
        piped(world, monkeypatch, "Hello\n", "--planned")
    assert everything(world) == before
