"""`chat`: a conversation from a pipe and on a terminal."""

from __future__ import annotations

import io

import pytest

from tests.e2e.serving import point_at, served
from tests.support.running import Result, Terminal
from tests.support.world import World

SPEC = """\
vector_stores:
  handbook:
    files: [docs/leave.md]
assistants:
  support:  # who answers
    model: gpt-4o
    tools:
      - {type: file_search, vector_stores: [handbook]}
      - type: function
        name: get_weather
        parameters: {type: object, properties: {location: {type: string}}, required: [location]}
"""
ANSWERS = """\
def answer(name, arguments):
    print("asked")
    return {"name": name, "where": arguments["location"]}
"""


@pytest.fixture
def applied(world: World) -> World:
    """A world with an assistant that was applied."""
    world.write({"specs/a.yaml": SPEC, "docs/leave.md": "Everybody has 27 days of vacation.\n"})
    world.ok("apply", "-y")
    world.calls.clear()
    return world


def piped(
    world: World, monkeypatch: pytest.MonkeyPatch, said: str, *words: str, code: int = 0
) -> Result:
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    return world.ok("chat", *words, code=code)


def nothing_left(world: World) -> bool:
    """Whether each thread and conversation that was made was deleted."""
    made = [path for method, path in world.calls if (method, path) in MADE]
    gone = [
        path
        for method, path in world.calls
        if method == "DELETE" and not path.startswith("/responses/")
    ]
    return bool(made) and len(made) == len(gone)


MADE = {("POST", "/threads"), ("POST", "/conversations"), ("POST", "/agents/sessions")}


@pytest.mark.parametrize("api", ["assistants", "responses"])
def test_each_line_of_a_pipe_is_a_message(
    world: World, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    """The answer and its sources go to stdout, by the path of the document; what it took to
    stderr.
    """
    spec = SPEC.replace("    model: gpt-4o\n", f"    model: gpt-4o\n    api: {api}\n")
    world.write({"specs/a.yaml": spec, "docs/leave.md": "Everybody has 27 days of vacation.\n"})
    world.ok("apply", "-y")
    world.calls.clear()

    result = piped(world, monkeypatch, "How many days of vacation?\n\n/quit\nNever\n", "support")

    answer, source = result.out.splitlines()
    assert "Everybody has 27 days of vacation." in answer
    assert source == "  cites docs/leave.md"
    assert "tokens in" in result.err and "Never" not in result.out
    assert nothing_left(world)


def test_a_session_is_talked_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent's; it is made with the first message and deleted in the end."""
    world.write({"specs/a.yaml": {"assistants": {"support": {"model": "m", "api": "agents"}}}})
    world.ok("apply", "-y")
    world.calls.clear()
    events = piped(world, monkeypatch, "Hello\nAgain\n", "--json").events
    assert (events[0]["api"], events[0]["id"]) == ("agents", None)
    assert [one["text"] for one in events if one["type"] == "reply"] == [
        "You said: Hello",
        "You said: Again",
    ]
    assert nothing_left(world)


def test_events_are_lines_of_json(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversation, each event, each reply, and the summary in the end."""
    events = piped(applied, monkeypatch, "Hello there\nAgain\n", "--json").events

    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("conversation", "summary")
    assert events[0]["address"] == "assistant.support"
    replies = [event for event in events if event["type"] == "reply"]
    assert [reply["text"] for reply in replies] == ["You said: Hello there", "You said: Again"]
    text = "".join(event["text"] for event in events if event["type"] == "text")
    assert text == "".join(reply["text"] for reply in replies)
    total = sum(reply["usage"]["total"] for reply in replies)
    assert (events[-1]["turns"], events[-1]["completed"]) == (2, 2)
    assert events[-1]["usage"]["total"] == total > 0
    assert nothing_left(applied)


def test_a_function_needs_somebody_who_answers(
    applied: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal and without `--answer` that is an error, and nothing stays behind."""
    result = piped(applied, monkeypatch, "Weather in Oslo?\nMore\n", code=1)

    assert result.out == '→ get_weather({"location": "Oslo"})\n'
    assert (
        "Function not answered" in result.err and "`--answer package.module:function`" in result.err
    )
    assert nothing_left(applied)


def test_a_callable_answers(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the workspace; what it prints is no answer. One that is not there is a problem."""
    applied.write({"answers.py": ANSWERS})

    result = piped(applied, monkeypatch, "Weather in Oslo?\n", "--answer", "answers:answer")

    assert result.out == (
        '→ get_weather({"location": "Oslo"})\n'
        'get_weather returned {"name": "get_weather", "where": "Oslo"}\n'
    )
    absent = piped(applied, monkeypatch, "x\n", "--answer", "answers:nothing", code=1)
    assert "`answers` has no function `nothing`" in absent.err


def test_a_run_that_fails_ends_with_1(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is said all the same; the reason is the service's own."""
    world.write({"specs/a.yaml": SPEC, "docs/leave.md": "Everybody has 27 days of vacation.\n"})
    world.ok("apply", "-y")
    rule = {
        "match": {"method": "POST", "path": "/runs$", "nth": 1},
        "action": {"run": "failed", "code": "rate_limit_exceeded"},
    }
    with world.failing(rule):
        result = piped(world, monkeypatch, "Hello\nAgain\n", code=1)

    assert "failed: rate_limit_exceeded: " in result.err
    assert "You said: Again" in result.out


@pytest.mark.parametrize(
    ("word", "summary", "hint"),
    [
        ("assistant.suport", "Unknown address", "did you mean `assistant.support`?"),
        ("suport", "Unknown address", "did you mean `support`?"),
        ("vector_store.handbook", "Not an assistant", "assistant.support"),
        ("assistant.later", "Not applied", "run `provisioner apply`"),
        ("later", "Not applied", "run `provisioner apply`"),
    ],
)
def test_whom_nobody_can_talk_to(applied: World, word: str, summary: str, hint: str) -> None:
    """A word that names no assistant that was applied."""
    applied.write({"specs/b.yaml": "assistants: {later: {model: gpt-4o}}\n"})

    result = applied.ok("chat", word, code=1)

    assert summary in result.err and hint in result.err
    assert not applied.calls


def test_one_has_to_be_named_where_there_are_several(world: World) -> None:
    """And nothing that was never applied can be talked to."""
    assert "Nothing applied" in world.ok("chat", code=1).err
    world.write({"specs/a.yaml": "assistants: {a: {model: gpt-4o}, b: {model: gpt-4o}}\n"})
    world.ok("apply", "-y")
    assert "`assistant.a` and `assistant.b`" in world.ok("chat", code=1).err


def test_what_was_said_becomes_a_check(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments stay, and the check holds."""
    applied.write({"answers.py": ANSWERS})
    said = "How many days of vacation?\nHello\nWeather in Oslo?\n"

    result = piped(
        applied, monkeypatch, said, "--answer", "answers:answer", "--as-check", "vacation"
    )

    spec = (applied.root / "specs/a.yaml").read_text()
    assert "support:  # who answers" in spec
    assert "Written as check `vacation` to specs/a.yaml:13." in result.err
    import yaml

    turns = yaml.safe_load(spec)["assistants"]["support"]["checks"]["vacation"]
    assert [turn["say"] for turn in turns] == said.splitlines()
    assert turns[0]["expect"] == {"cites": "docs/leave.md"}
    assert turns[1]["expect"] == {"status": "completed"}
    assert turns[2]["expect"]["calls"] == {"get_weather": {"location": "Oslo"}}
    assert turns[2]["outputs"] == {"get_weather": {"name": "get_weather", "where": "Oslo"}}
    assert "No changes." in applied.ok("plan").out
    assert applied.ok("check").code == 0
    again = piped(applied, monkeypatch, said, "--as-check", "vacation", code=1)
    assert "has a check `vacation` already" in again.err
    odd = piped(applied, monkeypatch, said, "--as-check", "Vacation!", code=1)
    assert "cannot be called" in odd.err


def test_on_a_terminal(world: World) -> None:
    """An answer is broken off by Ctrl-C, a function answered at the prompt, and Ctrl-D ends."""
    world.write({"specs/a.yaml": SPEC, "docs/leave.md": "Everybody has 27 days of vacation.\n"})
    stays = {
        "match": {"method": "POST", "path": "/runs$", "nth": 1},
        "action": {"run": "stays"},
    }
    with world.failing(stays), served(world.app()) as url:
        point_at(world, url, api_key={"env": "HOME"})
        world.ok("apply", "-y")
        world.calls.clear()
        terminal = Terminal(world.root, "chat")
        terminal.until("> ")
        terminal.type("Hello\n")
        wait_for(world, "/runs")
        terminal.type("\x03")
        terminal.until("broken off")
        terminal.until("> ")
        terminal.type("Weather in Oslo?\n")
        terminal.until("get_weather returns: ")
        terminal.type("sunny\n")
        terminal.until("get_weather returned sunny")
        terminal.until("> ")
        terminal.type("Weather in Rome?\n")
        terminal.until("get_weather returns: ")
        terminal.interrupt()
        terminal.until("broken off")
        terminal.until("> ")
        terminal.type("\x04")
        code, screen = terminal.end()

    assert code == 0, screen
    assert sum(path.endswith("/cancel") for _, path in world.calls) == 2
    assert nothing_left(world)


def test_a_second_interrupt_ends(world: World) -> None:
    """The first breaks the answer off, the second ends; nothing stays behind."""
    world.write({"specs/a.yaml": "assistants: {a: {model: gpt-4o}}\n"})
    with served(world.app()) as url:
        point_at(world, url, api_key={"env": "HOME"})
        world.ok("apply", "-y")
        world.calls.clear()
        terminal = Terminal(world.root, "chat", "a")
        terminal.until("> ")
        terminal.type("/help\n")
        terminal.until("/quit")
        terminal.until("> ")
        terminal.interrupt()
        code, _ = terminal.end()

    assert code == 130
    assert nothing_left(world)


def wait_for(world: World, path: str) -> None:
    """Until something was asked for."""
    import time

    end = time.monotonic() + 30
    while not any(one.endswith(path) for _, one in world.calls):
        assert time.monotonic() < end
        time.sleep(0.01)
