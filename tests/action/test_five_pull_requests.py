"""Five open pull requests, merged in turn: each applies exactly what its comment showed, or refuses and says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.action.site import Run, Site
from tests.lock.repositories import git

TOOL = {"find_user": {"description": "Find a user", "parameters": {"type": "object", "properties": {}}}}
SUPPORT = {
    "model": "gpt-4o",
    "instructions": {"files": ["prompts/role.md", "prompts/tone.md"]},
    "tools": [{"use": "find_user"}, {"type": "file_search", "vector_stores": ["kb"]}],
}
START = {
    "specs/support.yaml": {"assistants": {"support": SUPPORT}},
    "specs/tools.yaml": {"tools": TOOL},
    "specs/kb.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}},
    "prompts/tone.md": "Be brief.\n",
    "docs/a.md": "# A\n",
}
PULLS: dict[int, dict[str, Any]] = {
    1: {"docs/b.md": "# B\n"},
    2: {"prompts/role.md": "You help, and you ask back.\n"},
    3: {
        "prompts/tone.md": "Be kind.\n"
    },  # the other half of what 2 changes: git merges both, and neither saw the whole
    4: {"specs/tools.yaml": {"tools": {"find_user": {**TOOL["find_user"], "description": "Find a user by name"}}}},
    5: {
        "specs/sales.yaml": {"assistants": {"sales": {"model": "gpt-4o", "tools": [{"use": "find_user"}]}}}
    },  # 4's tool
}


MERGES: dict[int, tuple[str, Callable[[Any], bool]]] = {
    1: ("applied", lambda there: there["documents"] == 2),
    2: ("applied", lambda there: there["support"]["instructions"] == "You help, and you ask back.\n\nBe brief.\n"),
    3: ("refused", lambda there: there["support"]["instructions"].endswith("Be brief.\n")),
    4: ("applied", lambda there: description(there["support"]) == "Find a user by name"),
    5: ("refused", lambda there: "sales" not in there),
}


@pytest.mark.thorough
def test_each_applies_what_it_showed_or_refuses(site: Site, service: str, calls: list[tuple[str, str]]) -> None:
    """Two of the five conflict in meaning, though not in git: they are refused with the reason, and one is applied by
    hand with the checksum that the refusal names. A run that refuses writes nothing, and git's `main` is left alone."""
    site.push(START)
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    for number, files in PULLS.items():
        site.open(number, files)
    shown = {number: site.plan(number, environment="prod").outputs["checksum"] for number in PULLS}
    assert len(set(shown.values())) == 5
    calls.clear()

    for number, (result, holds) in MERGES.items():
        run = site.apply(site.merge(number), environment="prod")
        assert run.outputs["result"] == result, (number, run.log, run.summary)
        assert holds(at(service)), (number, at(service))
        if result == "applied":
            told(site, number, run)
        else:
            refused(site, number, run, shown[number])
        assert (writes(calls) > 0) == (result == "applied")
        if number == 3:
            approve(site, run)
            calls.clear()
    assert at(service)["support"]["instructions"] == "You help, and you ask back.\n\nBe kind.\n"
    assert "github-actions[bot]" not in git(site.bare, "log", "--format=%an", "main")


def told(site: Site, number: int, run: Run) -> None:
    """The comment showed the checksum that was applied, and a second one tells the result."""
    plan, result = site.comments(number)
    assert f"<!-- provisioner:checksum {run.outputs['checksum']} -->" in plan
    assert "<!-- provisioner:place apply/./prod -->" in result and "pply complete" in result
    assert run.code == 0 and run.annotations == []


def refused(site: Site, number: int, run: Run, shown: str) -> None:
    """The refusal names the checksum that was shown and the one of the plan as it is now; it is no plan comment."""
    result = site.comments(number)[-1]
    now = run.outputs["checksum"]
    assert run.code == 1 and now != shown
    assert "## Not applied" in result and "**Nothing was changed.**" in result
    assert f"whose checksum is `{shown}`" in result and f"with the checksum `{now}`" in result
    assert "actions/workflows/apply.yml" in result and "assistant." in result
    assert not re.search(r"<!-- provisioner:checksum", result)
    ((level, where, text),) = run.annotations
    assert (level, where) == ("error", "title=Not applied") and "not the one that was approved" in text


def approve(site: Site, run: Run) -> None:
    """Somebody runs the workflow by hand with the checksum that a refusal names."""
    by_hand = site.apply(git(site.bare, "rev-parse", "main"), environment="prod", checksum=run.outputs["checksum"])
    assert (by_hand.code, by_hand.outputs["result"]) == (0, "applied"), by_hand.log


def writes(calls: list[tuple[str, str]]) -> int:
    """How many requests since the last look would change something."""
    found = sum(method != "GET" for method, _ in calls)
    calls.clear()
    return found


def at(service: str) -> dict[str, Any]:
    """What is at the service: every assistant by its name, and how many documents the store has."""
    headers = {"Authorization": "Bearer somebody", "OpenAI-Beta": "assistants=v2"}
    with httpx2.Client(base_url=service, headers=headers) as client:
        found = {row["name"]: row for row in client.get("/assistants").json()["data"]}
        (store,) = client.get("/vector_stores").json()["data"]
    return {**found, "documents": store["file_counts"]["completed"]}


def description(assistant: dict[str, Any]) -> str:
    (found,) = (tool["function"]["description"] for tool in assistant["tools"] if tool["type"] == "function")
    return str(found)


def test_what_is_approved_is_this_commit_unedited(site: Site) -> None:
    """Our comment with somebody's edit, or a stranger's comment alone: refused, with the reason on the pull request."""
    site.open(7, {"docs/b.md": "# B\n"})
    checksum = site.plan(7, environment="prod").outputs["checksum"]
    (ours,) = site.state["comments"]
    merged = site.merge(7)

    for comment, reason in (
        ({**ours, "editor": "eve"}, "was edited by `eve`"),
        ({**ours, "author": "eve"}, "has no comment with a plan"),
    ):
        site.know(comments=[comment])
        run = site.apply(merged, environment="prod")
        assert (run.code, run.outputs["result"], run.outputs["checksum"]) == (1, "refused", checksum)
        assert reason in run.annotations[0][2] and reason in site.state["comments"][-1]["body"]
