"""Checks from the command line, held with the embedded service."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.crash.instants import stopped
from tests.e2e.serving import point_at, served
from tests.support.processes import said, start
from tests.support.refusals import refused
from tests.support.world import World

LEAVE = "# Leave\n\nAn employee has 27 vacation days a year.\n"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
}
TOOLS = [{"type": "file_search", "vector_stores": ["kb"]}, WEATHER, "code_interpreter"]
GOOD = {
    "vacation": [
        {
            "say": "How many vacation days does an employee have?",
            "expect": {"contains": ["27", "VACATION"], "cites": "docs/leave.md"},
        }
    ],
    "weather": [
        {
            "say": "What's the weather in Oslo?",
            "outputs": {"get_weather": {"temp": 3}},
            "expect": {"calls": {"get_weather": {"location": "Oslo"}}, "contains": "temp"},
        },
        {"say": "Thank you", "expect": {"not_contains": "sorry"}},
    ],
    "attached": [
        {
            "say": "Whose sheep are in the barn?",
            "attach": [{"file": "data/sheep.md"}],
            "expect": {"cites": "data/sheep.md", "max_tokens": 50_000, "max_seconds": 60},
        }
    ],
}
SESSIONS = ("agent_sessions", "agent_turns")
THINGS = ("threads", "thread_messages", "runs", "responses", "conversations", *SESSIONS)


def spec(checks: dict[str, Any], *apis: str) -> dict[str, Any]:
    assistant = {"model": "gpt-4o", "tools": TOOLS, "checks": checks}
    named = {f"by_{api}": {**assistant, "api": api} for api in apis or ("assistants",)}
    return {
        "specs/all.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}, "assistants": named},
        "docs/leave.md": LEAVE,
        "data/sheep.md": "The sheep in the barn are Ann's.\n",
    }


def test_a_shared_function_goes_by_both_its_names(world: World) -> None:
    """By that of the resource, as the specs call it, and by that which the service knows."""
    turns = [
        {
            "say": "What's the weather in Oslo?",
            "outputs": {name: {"temp": 3}},
            "expect": {"calls": {name: {"location": "Oslo"}}, "contains": "temp"},
        }
        for name in ("forecast", "get_weather")
    ]
    assistant = {
        "model": "m",
        "tools": [{"use": "forecast"}],
        "checks": {"ours": turns[:1], "theirs": turns[1:]},
    }
    world.write(
        {"specs/all.yaml": {"tools": {"forecast": WEATHER}, "assistants": {"a": assistant}}}
    )
    world.apply()
    assert "2 passed" in world.ok("check").out


def plain(**checks: Any) -> dict[str, Any]:
    """Assistants that search nothing: to the same message they say the same."""
    return {"specs/all.yaml": {"assistants": {"a": {"model": "m", "checks": checks}}}}


def hello(contains: str = "hello", **more: Any) -> dict[str, Any]:
    return {"turns": [{"say": "Hello", "expect": {"contains": contains}}], **more}


def there(world: World) -> dict[str, int]:
    """How much of everything there is at the service."""
    with world.database() as database:
        counted = {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in (*THINGS, "files", "vector_stores")
        }
    return {name: count for name, count in counted.items() if count}


def records(world: World) -> list[Path]:
    return sorted((world.root / ".provisioner/checks").glob("*/*.jsonl"))


def outcomes(world: World, *words: str, code: int = 0) -> dict[str, str]:
    document = world.ok("check", "--json", *words, code=code).json
    return {f"{one['address']}#{one['name']}": one["outcome"] for one in document["checks"]}


def test_what_holds(world: World) -> None:
    """Through both APIs, in turns, with functions, citations and files of their own; nothing is left
    behind, and neither plan nor lock know of it.
    """
    world.write(spec(GOOD, "assistants", "responses"))
    world.apply()
    before = there(world)
    result = world.ok("check")
    assert result.out.count("ok      assistant.by_") == 6 and "6 passed." in result.out
    assert result.err.count("ok      assistant.by_") == 6  # said as they came
    assert there(world) == before and records(world) == []
    deleted = [path for method, path in world.calls if method == "DELETE"]
    assert len(deleted) == len(set(deleted)) >= 6
    assert "checks" not in json.dumps(world.lock())
    world.settled()
    world.write(spec({}, "assistants", "responses"))
    world.settled()


def test_what_does_not_hold(world: World) -> None:
    """It fails by name, with what was said and what was expected; a failing turn ends its check."""
    turns = [
        {"say": "Hello", "expect": {"contains": ["hello", "goodbye"]}},
        {"say": "Never said"},
    ]
    world.write(plain(good=hello(), wrong=turns))
    world.apply()
    result = world.ok("check", code=1)
    assert "ok      assistant.a#good" in result.out
    shown = result.out[result.out.index("FAILED  assistant.a#wrong") :]
    assert "said      Hello\n" in shown and "replied   You said: Hello\n" in shown
    assert "expected  to contain `goodbye`; it does not\n" in shown
    assert "Checks: 1 passed, 1 failed." in shown and "Never said" not in shown
    document = world.ok("check", "--json", "assistant.a#wrong", code=1).json
    (one,) = document["checks"]
    (turn,) = one["attempts"][0]["turns"]
    assert turn["replied"] == "You said: Hello"
    assert turn["misses"] == [{"expected": "to contain `goodbye`", "got": "it does not"}]
    markdown = world.ok("check", "--format", "markdown", code=1).out
    assert "| `assistant.a#wrong` | FAILED |" in markdown and "to contain `goodbye`" in markdown


def test_which_are_held(world: World) -> None:
    """Those that are named; a word that names none is wrong usage, with what was meant."""
    world.write(spec(GOOD, "assistants", "responses"))
    world.apply()
    assert outcomes(world, "assistant.by_responses#vacation") == {
        "assistant.by_responses#vacation": "passed"
    }
    for word, said_ in {
        "assistant.by_response": "did you mean `assistant.by_responses`?",
        "assistant.by_responses#vacatoin": "did you mean `vacation`?",
        "vector_store.kb": "`vector_store.kb` has no checks.",
    }.items():
        assert said_ in world.ok("check", word, code=1).err


def test_without_checks(world: World) -> None:
    """Nothing is checked, and it is said how to begin; nothing is asked of the service."""
    world.write(plain())
    result = world.ok("check", "--junit", "report.xml")
    assert "There are no checks, so nothing was checked." in result.err
    assert "Checks: 0 passed." in result.out
    assert ET.parse(world.root / "report.xml").getroot().get("tests") == "0"
    assert world.calls == []


def test_what_a_name_and_a_limit_may_be(world: World) -> None:
    """Each is said whole: which letters, and both ends of the range."""
    world.write(plain(**{"A B": hello(), "c": [{"say": "x", "expect": {"max_seconds": -1}}]}))
    problems = refused(world, "validate", "--json").json["problems"]
    name, limit = sorted(problems, key=lambda one: one["summary"])
    assert "is not a name" in name["detail"] and "small letters" in name["hint"]
    assert "must be above 0 and at most 3600" in limit["detail"]


def test_where_a_report_goes(world: World) -> None:
    """Its folder is made; a place where it cannot stand is refused before anything is asked."""
    world.write(plain(c=hello()))
    world.apply()
    world.calls.clear()
    (world.root / "link.xml").symlink_to("provisioner.yaml")
    refusals = {
        "specs": "is a folder",
        "specs/r.yaml": "would be read as a spec",
        "provisioner.yaml": "looks like the settings",
        "link.xml": "looks like the settings",
        ".provisioner/local/lock.json": "or a lock",
        "prod.lock.json": "or a lock",
    }
    for place, why in refusals.items():
        assert why in refused(world, "check", "--junit", place).err
        assert why in refused(world, "check", "--export", "promptfoo", "--out", place).err
    assert world.calls == []
    world.ok("check", "--junit", "new/folder/r.xml")
    assert ET.parse(world.root / "new/folder/r.xml").getroot().get("tests") == "1"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_a_report_without_room(world: World) -> None:
    """What was paid for is told all the same, and so is where it is not."""
    world.write(plain(c=hello()))
    world.apply()
    plainly = world.run("check", "--junit", "/dev/full")
    assert plainly.code == 1 and "Checks: 1 passed." in plainly.out
    assert "`/dev/full` cannot be written: No space left on device." in plainly.err
    assert "hint: make room on the disk" in plainly.err
    as_json = world.run("check", "--junit", "/dev/full", "--json")
    assert as_json.json["summary"]["passed"] == 1 and "Result not saved" in as_json.err
    export = world.run("check", "--export", "promptfoo", "--out", "/dev/full")
    assert export.code == 1 and "`/dev/full` cannot be written: No space left" in export.err


def test_what_was_never_applied(world: World) -> None:
    """It is red, by name; what was edited since is checked as it was applied, and that is said."""
    world.write(plain(c=hello()))
    result = world.ok("check", code=1)
    assert "ERROR   assistant.a#c" in result.out and "Not applied" in result.out
    world.apply()
    edited = plain(c=hello())
    edited["specs/all.yaml"]["assistants"]["a"]["instructions"] = "Be brief."
    world.write(edited)
    result = world.ok("check")
    assert (
        "`assistant.a` was checked as it was applied: the specs have changed since." in result.out
    )


def test_what_the_service_gave_is_no_edit(world: World) -> None:
    """The versions of a skill are in the lock alone, and are nobody's change to the specs."""
    world.write(
        {
            "skills/sort/SKILL.md": "---\nname: sort\ndescription: Sorts.\n---\nSort it.\n",
            "specs/all.yaml": {
                "skills": {"sort": {"path": "skills/sort"}},
                "environment_templates": {
                    "box": {"network": {"access": "disabled"}, "skills": ["sort"]}
                },
                "assistants": {
                    "a": {
                        "api": "agents",
                        "model": "gpt-5",
                        "session": {"environment": {"template": "box"}},
                        "checks": {"c": hello()},
                    }
                },
            },
        }
    )
    world.apply()
    assert "have changed since" not in world.ok("check").out


@pytest.mark.parametrize(
    ("api", "path"),
    [
        ("assistants", "/assistants/${assistant.by_assistants}"),
        ("responses", "/vector_stores/${vector_store.kb}"),
    ],
)
def test_what_is_gone_at_the_service(world: World, api: str, path: str) -> None:
    """It is named with the way out; neither the thread nor the service's address is suspected."""
    world.write(spec({"vacation": GOOD["vacation"]}, api))
    world.apply()
    gone = world.http("DELETE", path)["id"]
    result = world.ok("check", code=1)
    assert f"hint: `{gone}` is gone, or was never there: plan again" in result.out
    assert "lacks the route" not in result.out and ".." not in result.out


def test_a_document_that_was_edited(world: World) -> None:
    """It is named."""
    world.write(spec(GOOD))
    world.apply()
    assert "Note:" not in world.ok("check").out
    world.write({"docs/leave.md": LEAVE.replace("27", "30")})
    assert "since (`file.docs/leave.md`)." in world.ok("check").out


def test_attempts(world: World) -> None:
    """Each begins anew; they end when it is certain what comes out, and are counted."""
    world.write(plain(flaky=hello(attempts=3, passes=2), never=hello("bye", attempts=4, passes=2)))
    world.apply()
    fails = {"match": {"path": "/runs$", "times": 1}, "action": {"run": "failed"}}
    with world.failing(fails):
        result = world.ok("check", "assistant.a#flaky")
    assert "2 of 3 attempts passed" in result.out
    assert "0 of 3 attempts passed, 2 needed" in world.ok("check", code=1).out


def test_budgets(world: World) -> None:
    """What is not held because nothing is left to pay for it is red, by name."""
    checks = {name: hello() for name in "abc"}
    world.write(plain(**checks, dear=hello(max_tokens=1)))
    world.apply()
    result = world.ok("check", "--max-tokens", "1", "--parallelism", "1", code=1)
    assert result.out.count("The run allows 1 tokens") == 3
    result = world.ok("check", "assistant.a#dear", code=1)
    assert "`max_tokens` of `assistant.a#dear` allows 1 tokens" in result.out


@pytest.mark.parametrize("api", ["assistants", "responses"])
def test_a_model_that_is_gone(world: World, api: str) -> None:
    """What the service says is what the check says, and the others go on."""
    world.write(spec({"a": hello("oslo"), "b": hello("leave")}, api))
    world.apply()
    gone = {"path": "/(messages|responses)$", "times": 1}
    with world.failing({"match": gone, "action": {"status": 404, "code": "model_not_found"}}):
        found = outcomes(world, "--parallelism", "1", code=1)
    assert list(found.values()) == ["error", "failed"]


def test_a_lost_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check is red, and the report is written all the same."""
    world.write(plain(a=hello(), b=hello()))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody")
    with served(world.app()) as url:
        point_at(world, url)
        world.ok("apply", "-y")
    monkeypatch.delenv("OPENAI_API_KEY")
    result = world.ok("check", "--junit", "report.xml", code=1)
    assert result.out.count("OPENAI_API_KEY") >= 2 and "2 could not be run" in result.out
    assert ET.parse(world.root / "report.xml").getroot().get("errors") == "2"


ANSWERS = """
import json
print("imported")
async def weather(name, arguments):
    return {"said": name, "where": arguments["location"]}
def broken(name, arguments):
    raise ValueError("no weather today")
def leaving(name, arguments):
    raise SystemExit(3)
def giving_up(name, arguments):
    raise KeyboardInterrupt("enough")
class Late:
    async def __call__(self, name, arguments):
        return {"where": arguments["location"]}
late = Late()
"""


def asking(answer: str | None) -> dict[str, Any]:
    turn: dict[str, Any] = {"say": "What's the weather in Oslo?", "expect": {"contains": "oslo"}}
    return {"weather": [turn | ({"answer": answer} if answer else {})]}


def test_a_callable_of_the_workspace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the name and the arguments; what it prints is no result; its errors are failures, and
    where code of the workspace must not run, the check is red.
    """
    world.write({**spec(asking("tools.answers:weather")), "tools/answers.py": ANSWERS})
    world.apply()
    result = world.ok("check", "--json")
    assert result.json["checks"][0]["outcome"] == "passed" and "imported" in result.err
    for name, why in {
        "broken": "`tools.answers:broken` failed for `get_weather`: ValueError: no weather today",
        "leaving": "it exits with 3",
        "giving_up": "KeyboardInterrupt: enough",
        "missing": "`tools.answers` has no function `missing`.",
    }.items():
        world.write(spec(asking(f"tools.answers:{name}")))
        assert why in world.ok("check", code=1).out
    world.write(spec(asking("tools.answers:late")))
    world.ok("check")
    world.write(spec(asking(None)))
    assert "the check has no output for it" in world.ok("check", code=1).out
    world.write(spec(asking("tools.answers:weather")))
    monkeypatch.setenv("PROVISIONER_NO_CALLABLES", "1")
    result = world.ok("check", code=1)
    assert "Callable not run" in result.out and "imported" not in result.err


@pytest.mark.thorough
def test_a_callable_that_does_not_come_back(world: World) -> None:
    """The turn ends at its time, and so does the process: nobody waits for the thread."""
    code = "import time\ndef slow(name, arguments):\n    time.sleep(120)\n"
    turn = {"say": "What's the weather in Oslo?", "answer": "answers:slow"}
    checks = {"slow": [{**turn, "expect": {"max_seconds": 0.3}}]}
    world.write({**spec(checks), "answers.py": code})
    world.apply()
    out, _ = start(world, "check").communicate(timeout=20)
    assert "it took longer than 0.3 s" in out


def test_what_a_callable_starts_prints_no_result(world: World) -> None:
    """Also what another program writes to stdout goes to stderr: the result stays one document."""
    code = "import os\ndef loud(name, arguments):\n    os.system('echo LOUD')\n    return 'Oslo'\n"
    world.write({**spec(asking("answers:loud")), "answers.py": code})
    world.apply()
    shown = start(world, "check", "--json")
    out, err = shown.communicate(timeout=30)
    assert json.loads(out)["summary"]["passed"] == 1 and "LOUD" in err


def test_answers_that_are_kept(world: World) -> None:
    """What held is not asked again while nothing has changed; what failed is, and so is what is
    held with another assistant, other documents or other words.
    """
    checks = {name: {"turns": turns, "cache": True} for name, turns in GOOD.items()}
    world.write(spec({**checks, "wrong": hello("bye", cache=True)}))
    world.apply()
    assert "cached" not in world.ok("check", code=1).out
    world.calls.clear()
    result = world.ok("check", code=1)
    assert "3 passed (3 of them cached), 1 failed." in result.out
    assert world.calls.count(("POST", "/threads")) == 1
    world.write({"data/sheep.md": "The sheep in the barn are Bob's.\n"})
    assert "3 passed (2 of them cached)" in world.ok("check", code=1).out
    world.write({"docs/leave.md": LEAVE + "Ask.\n"})
    assert "3 passed (3 of them cached)" in world.ok("check", code=1).out  # not applied yet
    world.apply()
    assert "3 passed, 1 failed." in world.ok("check", code=1).out


def test_a_judge(world: World) -> None:
    """It warns and cannot fail; one that is not there is a warning as well."""
    turn = {"say": "Hello", "judge": {"rubric": "It is polite", "model": "gpt-none"}}
    world.write(plain(polite=[turn]))
    world.apply()
    assert "warning" not in world.ok("check").out
    gone = {"path": "/chat/completions$"}
    with world.failing({"match": gone, "action": {"status": 404}}):
        result = world.ok("check")
    assert "warning: the judge `gpt-none` could not be asked" in result.out
    assert "1 passed, 1 warning." in result.out


@pytest.mark.parametrize(
    ("api", "method", "path"),
    [
        ("assistants", "POST", "/messages"),
        ("assistants", "POST", "/runs"),
        ("responses", "POST", "/responses"),
        ("assistants", "POST", "/files"),
        ("responses", "POST", "/vector_stores"),
        ("assistants", "DELETE", "/threads"),
    ],
)
@pytest.mark.sampled(3)
def test_a_run_that_ends_in_the_middle(world: World, api: str, method: str, path: str) -> None:
    """What it has made is deleted by the next run, also what it was never told of."""
    world.write(spec({"attached": GOOD["attached"]}, api))
    world.apply()
    before = there(world)
    if method == "DELETE":
        path = ""
    stopped(world, method, path, words=("check",))
    assert records(world) != []
    world.ok("check")
    assert there(world) == before and records(world) == []


def through_agents(**checks: Any) -> dict[str, Any]:
    function = {**WEATHER, "description": "How the weather is"}
    agent = {"model": "m", "api": "agents", "tools": [function], "checks": checks}
    return {"specs/all.yaml": {"assistants": {"a": agent}}, "data/sheep.md": "Sheep.\n"}


def test_through_a_session(world: World) -> None:
    """Functions are answered, and nothing is left. A file cannot be attached, which is said before
    anything is made.
    """
    world.write(through_agents(weather=GOOD["weather"]))
    world.apply()
    before = there(world)
    assert outcomes(world) == {"assistant.a#weather": "passed"}
    assert there(world) == before and records(world) == []
    [turn] = GOOD["attached"]
    attached = [{**turn, "attach": [{"file": "data/sheep.md", "tool": "code_interpreter"}]}]
    files = through_agents(attached=attached)
    files["specs/all.yaml"]["assistants"]["a"]["tools"] = ["code_interpreter"]
    lossy = {"service": "local", "accept_loss": ["tools.code_interpreter"]}
    world.write({**files, "provisioner.yaml": {"environments": {"local": lossy}}})
    world.calls.clear()
    assert "Not attached" in world.ok("check", code=1).out
    assert not any(method == "POST" for method, _ in world.calls)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/agents/sessions"), ("POST", "/events"), ("DELETE", "")]
)
def test_a_session_in_the_middle(world: World, method: str, path: str) -> None:
    """It is deleted by the next run, also one that nobody was told of or that still waits for a
    function.
    """
    world.write(through_agents(weather=GOOD["weather"]))
    world.apply()
    before = there(world)
    stopped(world, method, path, words=("check",))
    assert records(world) != []
    assert "1 passed." in world.ok("check").out
    assert there(world) == before and records(world) == []


def test_a_thread_that_nobody_was_told_of(world: World) -> None:
    """There is no list to find it in, and that is said once."""
    world.write(plain(c=hello()))
    world.apply()
    stopped(world, "POST", "/threads", words=("check",))
    assert there(world) == {"threads": 1}
    said_ = "A thread for `assistant.a#c` was being made when the run was stopped."
    assert said_ in world.ok("check").out
    assert said_ not in world.ok("check").out and records(world) == []


def test_a_response_that_nobody_was_told_of(world: World) -> None:
    """The same of one whose reply was lost: it is named, since it stays."""
    assistant = {"model": "m", "api": "responses", "checks": {"c": hello()}}
    world.write({"specs/all.yaml": {"assistants": {"a": assistant}}})
    world.apply()
    lost = {"match": {"method": "POST", "path": "/responses$"}, "action": {"reset": "after"}}
    with world.failing(lost):
        result = world.ok("check", code=1)
    assert "A response for `assistant.a#c` was being made" in result.out
    assert there(world) == {"responses": 1} and records(world) == []


def test_interrupted_while_a_callable_is_imported(world: World) -> None:
    """It is heard at once, although the module takes its time."""
    code = "import sys, time\nprint('importing', flush=True)\ntime.sleep(120)\n"
    world.write({**spec(asking("answers:f")), "answers.py": code})
    world.apply()
    victim = start(world, "check")
    said(victim, "importing")
    victim.send_signal(signal.SIGINT)
    out, _ = victim.communicate(timeout=20)
    assert victim.returncode == 130 and "Interrupted: The run was stopped" in out


@pytest.mark.thorough
def test_interrupted_before_the_first_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id of a response that is on its way is waited for, so that it is deleted as well."""
    assistant = {"model": "m", "checks": {"c": hello()}}
    world.write({"specs/all.yaml": {"assistants": {"a": assistant}}})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    late = {"match": {"method": "POST", "path": "/responses$"}, "action": {"latency": 1}}
    with world.failing(late), served(world.app()) as url:
        point_at(world, url, api="responses")
        world.ok("apply", "-y")
        victim = start(world, "check")
        while not any(b'"/responses"' in path.read_bytes() for path in records(world)):
            time.sleep(0.01)
        victim.send_signal(signal.SIGINT)
        victim.communicate(timeout=30)
        assert victim.returncode == 130 and there(world) == {} and records(world) == []


def test_what_cannot_be_deleted(world: World) -> None:
    """The check has passed all the same; the next run tries again."""
    world.write(plain(c=hello()))
    world.apply()
    with world.failing({"match": {"method": "DELETE"}, "action": {"status": 403}}):
        assert "could not be deleted; the next run tries again." in world.ok("check").out
    assert there(world)["threads"] == 1
    world.ok("check")
    assert there(world) == {} and records(world) == []


INTERRUPTS = [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
LONG = pytest.mark.thorough
THROUGH = ["assistants", *(pytest.param(api, marks=LONG) for api in ("responses", "agents"))]


@pytest.mark.thorough
@pytest.mark.parametrize("number", INTERRUPTS)
def test_interrupted(world: World, number: signal.Signals) -> None:
    """What is under way is ended and deleted, what came before is reported, and the code is 130."""
    world.write(plain(**{f"c{count}": hello() for count in range(40)}))
    world.apply()
    victim = start(world, "check", "--junit", str(world.root / "r.xml"), "--parallelism", "4")
    said(victim, "ok      assistant.a#c")
    victim.send_signal(number)
    out, _ = victim.communicate(timeout=30)
    assert victim.returncode == 130
    assert "Interrupted: The run was stopped" in out and "Interrupted.\n" in out
    assert there(world) == {} and records(world) == []
    assert ET.parse(world.root / "r.xml").getroot().get("tests") == "40"


@pytest.mark.parametrize("api", THROUGH)
@pytest.mark.parametrize(
    "count", [20, pytest.param(200, marks=pytest.mark.thorough)], ids=["some", "many"]
)
def test_killed_and_started_again(world: World, api: str, count: int) -> None:
    """Of many at once nothing is left but what the next run names: a thread in the very moment of
    its making, of which there is no list.
    """
    checks = {f"c{number}": hello() for number in range(count)}
    assistant = {"model": "m", "api": api, "checks": checks}
    world.write({"specs/all.yaml": {"assistants": {"a": assistant}}})
    world.apply()
    for _ in range(3 if count > 100 else 1):
        victim = start(world, "check", "--parallelism", "16")
        said(victim, "ok      assistant.a#c")
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate(timeout=30)
    result = world.ok("check", "--parallelism", "16")
    assert f"{count} passed." in result.out
    lost = result.out.count("was being made when the run was stopped")
    assert sum(there(world).values()) <= 16 * lost and records(world) == []


def test_an_old_answer_decides_nothing(world: World) -> None:
    """It is shown as it is written now, also beside an answer that was kept."""
    for was, kept in (("Good day", False), ("Good morning", True)):
        check = {"turns": [{"say": "Hello", "was": was}], "cache": True}
        world.write(spec({"greeting": check}, "responses"))
        if not kept:
            world.apply()
        shown = world.ok("check").out
        assert ("cached" in shown) is kept
        assert f"        was       {was}\n        replied   You said: Hello\n" in shown
