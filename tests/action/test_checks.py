"""Runs of `check` on a pull request: what is planned beside what is applied, in a comment of their
own, and never for strangers.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.action.conftest import config
from tests.action.site import Site
from tests.action.test_runs import head

NOTHING = {"type": "object", "properties": {}}
WEATHER = {"type": "function", "name": "get_weather", "parameters": NOTHING}
CODE = "print('caught')\ndef weather(name, arguments):\n    return 'clear'\n"


def specs(contains: str = "hello", **more: Any) -> dict[str, Any]:
    checks = {"greeting": [{"say": "Hello", "expect": {"contains": contains}}]}
    assistant = {"model": "gpt-4o", "instructions": {"file": "prompts/role.md"}, "checks": checks}
    return {"specs/support.yaml": {"assistants": {"support": {**assistant, **more}}}}


def asking() -> dict[str, Any]:
    """A check that code of the workspace answers."""
    turn = {"say": "What's the weather?", "answer": "answers.sky:weather"}
    turn |= {"expect": {"contains": "clear"}}
    return {**specs(tools=[WEATHER], checks={"sky": [turn]}), "answers/sky.py": CODE}


def asked(calls: list[tuple[str, str]]) -> bool:
    return any(method != "GET" for method, _ in calls)


@pytest.mark.thorough
def test_one_comment_beside_the_plan(site: Site) -> None:
    """Old beside new in a comment of its own, which a further commit brings up to date; the summary,
    the outputs and the artifacts tell the same.
    """
    site.push(specs())
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    site.open(7, {"prompts/role.md": "You help.\nBe brief.\n"})
    first = site.pull("check", 7, environment="prod")
    (body,) = site.comments(7)

    assert (first.code, first.annotations) == (0, []), first.log
    assert head(body)["place"] == "check/./prod"
    assert head(body)["commit"] == site.state["pulls"][0]["head"]["sha"]
    row = r"\| `assistant.support#greeting` \| ok \| ok \| planned, ok as applied, the same answer,"
    assert re.search(row, body) and re.search(row, first.summary)
    assert first.outputs["summary"].startswith("Planned checks: 1 passed.")
    suites = ET.parse(first.file("checks.xml")).getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("1", "0")

    site.amend(7, specs("goodbye"))
    second = site.pull("check", 7, environment="prod")
    (again,) = site.comments(7)
    assert second.code == 1 and "| FAILED | FAILED | planned, FAILED as applied, the same" in again
    assert "expected  to contain `goodbye`; it does not" in again and "1 failed" in second.summary
    assert second.annotations[0][1] == "title=Checks failed"
    assert second.outputs["comment-url"] == first.outputs["comment-url"]


@pytest.mark.thorough
def test_an_approval_is_of_the_plan_alone(site: Site) -> None:
    """Neither comment touches the other, and what is applied is what the plan's has shown."""
    site.push(specs())
    site.open(7, {"prompts/role.md": "You help.\nBe brief.\n"})
    site.plan(7, environment="prod")
    for _ in range(2):
        assert site.pull("check", 7, environment="prod").code == 0
        assert site.plan(7, environment="prod").code == 0
    places = [head(text)["place"] for text in site.comments(7)]
    assert places == ["plan/./prod", "check/./prod"]
    applied = site.apply(site.merge(7), environment="prod")
    assert applied.outputs["result"] == "applied", applied.log


def test_nothing_is_asked_for_strangers(site: Site, calls: list[Any]) -> None:
    """A pull request from a fork is refused before a key is used, red, and none of its code runs."""
    site.open(7, asking(), fork="eve/desk")
    run = site.pull("check", 7, environment="prod", callables="true")

    assert (run.code, calls, site.state["calls"]) == (1, [], []), run.log
    assert "It comes from a fork" in run.summary and "caught" not in run.log
    assert run.annotations[0][1] == "title=Not checked" and run.outputs["summary"] == "Not checked"


def test_nothing_is_asked_where_keys_go_elsewhere(
    site: Site, service: str, calls: list[Any]
) -> None:
    """A pull request that changes where a key is sent is not checked."""
    elsewhere = service.replace("127.0.0.1", "localhost")
    site.open(7, {**specs(), "provisioner.yaml": config(elsewhere, {"settling": 0})})
    run = site.pull("check", 7, environment="prod")

    assert (run.code, calls, site.state["calls"]) == (1, [], []), run.log
    assert "It changes where keys go" in run.summary


@pytest.mark.thorough
def test_code_of_the_workspace(site: Site) -> None:
    """It runs only where that is asked for."""
    site.open(7, asking())
    refused = site.pull("check", 7, environment="prod", comment="false")
    allowed = site.pull("check", 7, environment="prod", comment="false", callables="true")

    assert refused.code == 1 and "Callable not run" in refused.summary
    assert "caught" not in refused.log and "caught" in allowed.log
    assert allowed.code == 0 and site.state["calls"] == []


@pytest.mark.thorough
def test_options(site: Site, calls: list[Any]) -> None:
    """Its own, and the variables of the plan; what cannot be checked at all is red."""
    site.open(7, specs("${var.tone}"))
    given = {"plan_options": "--var=tone=hello\n--prune-orphans", "comment": "false"}
    run = site.pull("check", 7, environment="prod", **given)
    assert run.code == 0, run.log
    calls.clear()
    options = {**given, "check_options": "assistant.support#none\n--max-tokens=5"}
    run = site.pull("check", 7, environment="prod", **options)
    assert run.code == 1 and "has no check `none`" in run.summary and not asked(calls)
    assert run.annotations[0][1] == "title=Not checked"


@pytest.mark.thorough
def test_after_an_apply(site: Site) -> None:
    """What was approved without a word of checks is applied, and then checked, without running code
    of the workspace. Where a check does not hold, the step fails and the pull request is told which
    commit to revert; the result is `applied`.
    """
    site.open(7, asking())
    site.plan(7, environment="prod")
    sha = site.merge(7)
    run = site.apply(sha, environment="prod", check="true")

    back = f"What was applied stays applied. To take it back, revert commit {sha} and apply again."
    assert (run.code, run.outputs["result"]) == (1, "applied"), run.log
    (said,) = run.annotations
    assert said[1] == "title=Checks failed" and back in said[2]
    told = site.comments(7)[-1]
    assert head(told)["place"] == "apply/./prod"
    assert back in told and "1 added" in told and "Callable not run" in told
    assert told.index(back) < told.index("1 added") and "caught" not in run.log


@pytest.mark.thorough
def test_after_an_apply_what_holds(site: Site) -> None:
    """It is green, with code of the workspace where that is asked for; without `check` nobody is
    asked.
    """
    site.open(7, asking())
    site.plan(7, environment="prod")
    sha = site.merge(7)
    wrong = site.apply(sha, environment="prod", check="maybe")
    assert "`check` is `maybe`" in wrong.annotations[0][2]
    good = site.apply(sha, environment="prod", check="true", callables="true")
    assert (good.code, good.outputs["result"]) == (0, "applied"), good.log
    assert "Checks: 1 passed." in good.summary and "caught" in good.log
    site.open(8, {"prompts/role.md": "You help.\nBe brief.\n"})
    site.plan(8, environment="prod")
    silent = site.apply(site.merge(8), environment="prod", callables="true")
    assert (silent.code, "Checks" in silent.summary) == (0, False) and "caught" not in silent.log


@pytest.mark.thorough
def test_outside_of_pull_requests(site: Site) -> None:
    """What is applied is checked."""
    site.push(specs())
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    run = site.run("check", {}, environment="prod")
    assert run.code == 0, run.log
    assert run.outputs["summary"].startswith("Checks: 1 passed.")
    assert "comment-url" not in run.outputs
