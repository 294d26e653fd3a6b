"""`apply --check`: checks of what was applied, right after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.serving import point_at, served
from tests.lock.repositories import git
from tests.stories.test_checks import LEAVE, hello, plain, spec, there
from tests.stories.test_planned_checks import VACATION, assistant
from tests.support.world import World

KEPT = "A check failed. What was applied stays applied."


def test_it_holds(world: World) -> None:
    """What was applied is checked once it is applied; where nothing was, nothing is."""
    assistant(world, {"a": hello()})
    result = world.ok("apply", "-y", "--check")
    assert "1 added.\n" in result.out and "Checks: 1 passed." in result.out
    world.settled()
    result = world.ok("apply", "-y", "--check")
    assert "No checks: nothing that was applied has any." in result.err
    assert "Checks:" not in result.out


def test_what_is_checked(world: World) -> None:
    """What was changed, and what uses something that was; nothing else."""
    files = spec({"vacation": VACATION}, "assistants", "responses")
    files["specs/more.yaml"] = plain(c=hello())["specs/all.yaml"]
    world.write(files)
    world.ok("apply", "-y", "--check")
    world.write({"docs/leave.md": LEAVE + "Ask.\n"})
    result = world.ok("apply", "-y", "--check")
    assert "2 passed." in result.out and "assistant.a#" not in result.out
    assistant(world, {"c": hello()}, instructions="Be brief.")
    world.write({"specs/more.yaml": (world.root / "specs/all.yaml").read_text()})
    world.write({"specs/all.yaml": files["specs/all.yaml"]})
    result = world.ok("apply", "-y", "--check")
    assert "1 passed." in result.out and "assistant.a#c" in result.out


def test_a_check_that_fails(world: World) -> None:
    """The apply stays, the code says so, and the commit to revert is named: the one that was given,
    the one that the workspace is of, or none, and that is said.
    """
    assistant(world, {"a": hello("goodbye")})
    result = world.ok("apply", "-y", "--check", code=1)
    assert "expected  to contain `goodbye`; it does not" in result.out
    assert f"{KEPT} Which commit to revert is not known: the workspace has edits" in result.err
    world.settled()

    assistant(world, {"a": hello("goodbye")}, instructions="Be brief.")
    git(world.root, "init", "-q")
    git(world.root, "add", "specs")
    git(world.root, "commit", "-qm", "Brief")
    commit = git(world.root, "rev-parse", "HEAD")
    result = world.ok("apply", "-y", "--check", code=1)
    assert f"{KEPT} To take it back, revert commit {commit} and apply again." in result.err

    assistant(world, {"a": hello("goodbye")}, instructions="Be very brief.")
    result = world.ok("apply", "-y", "--check", code=1)
    assert "not known: the workspace has edits that are not committed" in result.err
    assistant(world, {"a": hello("goodbye")}, instructions="Be silent.")
    result = world.ok("apply", "-y", "--check", "--commit", "abc123", code=1)
    assert "revert commit abc123 and" in result.err


def test_a_saved_plan(world: World, tmp_path: Path) -> None:
    """Its checks are those of the specs at hand; without specs nothing is applied."""
    assistant(world, {"a": hello("goodbye")})
    world.ok("plan", "--out", "p.json")
    specs = world.root / "specs/all.yaml"
    text = specs.read_text()
    specs.unlink()
    result = world.ok("apply", "p.json", "--check", code=1)
    assert "`--check` reads the checks from the specs, and there are none here." in result.err
    assert world.listed("/assistants") == []
    specs.write_text("assistants: 1\n")
    world.ok("apply", "p.json", "--check", code=1)
    assert world.listed("/assistants") == []
    specs.write_text(text)
    result = world.ok("apply", "p.json", "--check", code=1)
    assert "not known: a saved plan does not say it; `--commit` does." in result.err
    assert len(world.listed("/assistants")) == 1


def test_events(world: World) -> None:
    """A check is an event as it ends, and the summary is still the last one."""
    assistant(world, {"a": hello(), "b": hello("goodbye")})
    result = world.ok("apply", "-y", "--json", "--check", "--commit", "abc123", code=1)
    events: list[dict[str, Any]] = [json.loads(line) for line in result.out.splitlines()]
    checks = {one["name"]: one["outcome"] for one in events if one["type"] == "check"}
    assert checks == {"a": "passed", "b": "failed"}
    assert [one["type"] for one in events].count("summary") == 1
    summary = events[-1]
    assert (summary["type"], summary["added"]) == ("summary", 1)
    held = summary["checks"]
    assert (held["passed"], held["failed"], held["commit"]) == (1, 1, "abc123")
    result = world.ok("apply", "-y", "--json", "--check")
    assert json.loads(result.out.splitlines()[-1])["checks"]["passed"] == 0


def test_documents(world: World) -> None:
    """Markdown goes on below what was done; a page is one document, and checks are said beside it."""
    assistant(world, {"a": hello()})
    result = world.ok("apply", "-y", "--check", "--format", "markdown")
    assert result.out.index("assistant.a") < result.out.index("### Checks of ")
    assistant(world, {"a": hello()}, instructions="Be brief.")
    result = world.ok("apply", "-y", "--check", "--format", "html")
    assert result.out.rstrip().endswith("</html>") and "Checks: 1 passed." in result.err


def test_an_apply_that_failed(world: World) -> None:
    """Nothing is checked: what is there is not what was to be."""
    assistant(world, {"a": hello()})
    refusal = {"match": {"method": "POST", "path": "/assistants$"}, "action": {"status": 400}}
    for words in ((), ("--json",)):
        with world.failing(refusal):
            result = world.ok("apply", "-y", "--check", *words, code=1)
        assert ("POST", "/threads") not in world.calls and "No checks" not in result.err
    assert "checks" not in json.loads(result.out.splitlines()[-1])
    assert there(world) == {}


def test_not_with_a_destroy(world: World) -> None:
    """There would be nothing to check, also where a saved plan deletes everything."""
    assert "nothing to check" in world.ok("apply", "--check", "--destroy", code=1).err
    assistant(world, {"a": hello()})
    world.apply()
    world.ok("plan", "--destroy", "--out", "p.json")
    assert "No checks: nothing" in world.ok("apply", "p.json", "-y", "--check").err


@pytest.mark.thorough
def test_a_service_that_is_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that the apply has just made, and that a request does not find yet, is asked for
    again.
    """
    files = spec({"vacation": VACATION}, "responses")
    unkept = {"store": False}  # so that nothing else in a request is young
    files["specs/all.yaml"]["assistants"]["by_responses"]["responses"] = unkept
    world.write(files)
    late = {
        "match": {"method": "POST", "path": "/vector_stores$", "times": 1},
        "action": {"settle": {"seconds": 1.5, "of": ["use"]}},
    }
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody")
    with world.failing(late), served(world.app()) as url:
        point_at(world, url, settling=5)
        assert "1 passed." in world.ok("apply", "-y", "--check").out
    assert world.calls.count(("POST", "/responses")) > 1
