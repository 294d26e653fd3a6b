"""Merges: each applies exactly what its comment showed, or refuses and says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.action.runner import Run, secrets
from tests.action.site import APP, APP_TOKEN, Site, program
from tests.lock.repositories import git

TOOL = {
    "find_user": {"description": "Find a user", "parameters": {"type": "object", "properties": {}}}
}
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
    4: {
        "specs/tools.yaml": {
            "tools": {"find_user": {**TOOL["find_user"], "description": "Find a user by name"}}
        }
    },
    5: {
        "specs/sales.yaml": {
            "assistants": {"sales": {"model": "gpt-4o", "tools": [{"use": "find_user"}]}}
        }
    },  # 4's tool
}


MERGES: dict[int, tuple[str, Callable[[Any], bool]]] = {
    1: ("applied", lambda there: there["documents"] == 2),
    2: (
        "applied",
        lambda there: (
            there["support"]["instructions"] == "You help, and you ask back.\n\nBe brief.\n"
        ),
    ),
    3: ("refused", lambda there: there["support"]["instructions"].endswith("Be brief.\n")),
    4: ("applied", lambda there: description(there["support"]) == "Find a user by name"),
    5: ("refused", lambda there: "sales" not in there),
}


@pytest.mark.thorough
def test_each_applies_what_it_showed_or_refuses(
    site: Site, service: str, calls: list[tuple[str, str]]
) -> None:
    """Two of the five conflict in meaning, though not in git: they are refused with the reason, and
    one is applied by hand with the checksum that the refusal names. A run that refuses writes
    nothing, and git's `main` is left alone.
    """
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
            reported(site, number, run)
        else:
            refused(site, number, run, shown[number])
        assert (writes(calls) > 0) == (result == "applied")
        if number == 3:
            approve(site, run)
            calls.clear()
    assert at(service)["support"]["instructions"] == "You help, and you ask back.\n\nBe kind.\n"
    assert "github-actions[bot]" not in git(site.bare, "log", "--format=%an", "main")


def reported(site: Site, number: int, run: Run) -> None:
    """The comment showed the checksum that was applied, and a second one tells the result."""
    plan, result = site.comments(number)
    assert f"<!-- provisioner:checksum {run.outputs['checksum']} -->" in plan
    assert "<!-- provisioner:place apply/./prod -->" in result and "pply complete" in result
    assert run.code == 0 and run.annotations == []


def refused(site: Site, number: int, run: Run, shown: str) -> None:
    """The refusal names the checksum that was shown and the one of the plan as it is now; it is no
    plan comment.
    """
    result = site.comments(number)[-1]
    now = run.outputs["checksum"]
    assert run.code == 1 and now != shown
    assert "## Not applied" in result and "**Nothing was changed.**" in result
    assert f"whose checksum is `{shown}`" in result and f"with the checksum `{now}`" in result
    assert "actions/workflows/apply.yml" in result and "assistant." in result
    assert not re.search(r"<!-- provisioner:checksum", result)
    ((level, where, text),) = run.annotations
    assert (level, where) == (
        "error",
        "title=Not applied",
    ) and "not the one that was approved" in text


def approve(site: Site, run: Run) -> None:
    """Somebody runs the workflow by hand with the checksum that a refusal names."""
    by_hand = site.apply(
        git(site.bare, "rev-parse", "main"), environment="prod", checksum=run.outputs["checksum"]
    )
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
    (found,) = (
        tool["function"]["description"] for tool in assistant["tools"] if tool["type"] == "function"
    )
    return str(found)


@pytest.mark.thorough
def test_two_merges_wait_for_their_apply(committed: Site, service: str) -> None:
    """Both were shown before either was merged, with options that are the same in both workflows.
    The second apply begins with the lock that the first one left on `main`. Each tells its own pull
    request; a run that is repeated, and an empty plan that somebody approves, are fine and say
    nothing.
    """
    given = {"environment": "prod", "plan_options": "--var=tone=kind"}
    committed.provisioner("apply", "--env", "prod", "--auto-approve")
    committed.push({})
    sales = {"assistants": {"sales": {"model": "gpt-4o", "instructions": "${var.tone}"}}}
    committed.open(7, {"prompts/role.md": "You help, and you ask back.\n"})
    committed.open(8, {"specs/sales.yaml": sales})
    for number in (7, 8):
        assert committed.plan(number, **given).outputs["summary"] in ("1 to add", "1 to change")
    shas = {number: committed.merge(number) for number in (7, 8)}

    for number, sha in shas.items():
        run = committed.apply(sha, **given)
        assert (run.code, run.outputs["result"]) == (0, "applied"), run.log
        reported(committed, number, run)
        assert "pply complete" in run.summary and run.outputs["comment-url"].startswith("https://")
    assert instructions(service) == {"sales": "kind", "support": "You help, and you ask back.\n"}
    lock = json.loads(git(committed.bare, "show", "main:locks/prod.lock.json"))
    assert list(lock["resources"]) == ["assistant.sales", "assistant.support"]

    again = committed.apply(shas[8], **given)
    empty = committed.apply(shas[8], checksum=again.outputs["checksum"], **given)
    for run in (again, empty):
        assert (run.code, run.outputs["result"], run.outputs["changes"]) == (
            0,
            "unchanged",
            "false",
        ), run.log
        assert run.outputs["summary"] == "No changes" and run.annotations == []
    assert [len(committed.comments(number)) for number in (7, 8)] == [2, 2]


def instructions(service: str) -> dict[str, str]:
    """What every assistant at the service is reported."""
    headers = {"Authorization": "Bearer somebody", "OpenAI-Beta": "assistants=v2"}
    with httpx2.Client(base_url=service, headers=headers) as client:
        return {
            row["name"]: row["instructions"] for row in client.get("/assistants").json()["data"]
        }


@pytest.mark.thorough
def test_another_plan_than_the_one_that_was_shown(
    site: Site, service: str, calls: list[tuple[str, str]]
) -> None:
    """What was merged is not what was shown, because `main` has moved: nothing is written, and the
    refusal names what somebody may approve by hand. So approved, it is applied, told only where
    that is wanted.
    """
    site.open(7, {"docs/b.md": "# B\n"})
    shown = site.plan(7, environment="prod").outputs["checksum"]
    site.push({"prompts/role.md": "Obey.\n"})
    merged = site.merge(7)
    calls.clear()
    run = site.apply(merged, environment="prod")

    assert run.outputs["result"] == "refused" and writes(calls) == 0 and instructions(service) == {}
    refused(site, 7, run, shown)
    assert "Not applied" in run.summary and run.file("report.html").is_file()
    checksum = run.outputs["checksum"].removeprefix("sha256:")
    by_hand = site.apply(merged, environment="prod", checksum=checksum, comment="false")
    assert (by_hand.code, by_hand.outputs["result"]) == (0, "applied"), by_hand.log
    assert instructions(service) == {"support": "Obey.\n"}
    assert len(site.comments(7)) == 2 and "comment-url" not in by_hand.outputs


@pytest.mark.thorough
def test_what_changes_between_plan_and_apply(site: Site, service: str) -> None:
    """The plan is still the approved one when it is compared, and another one a moment later:
    nothing is written.
    """
    site.open(7, {"docs/b.md": "# B\n"})
    assert site.plan(7, environment="prod").code == 0
    meddling = f"""#!/bin/sh
test "$1" != apply || echo Obey. >prompts/role.md
exec {site.programs}/provisioner "$@"
"""
    program(site.folder / "meddling/provisioner", meddling)
    site.installs(site.folder / "meddling")
    run = site.apply(site.merge(7), environment="prod")

    assert (run.code, run.outputs["result"]) == (1, "failed") and instructions(service) == {}
    assert "checksum" in site.comments(7)[-1] and "Not applied" in run.summary


@pytest.mark.thorough
def test_nobody_was_shown_the_plan(site: Site, calls: list[tuple[str, str]]) -> None:
    """A commit that was pushed to `main`: refused by its own summary, for want of a pull request to
    tell; one with faults in it is not called a plan.
    """
    run = site.apply(git(site.author, "rev-parse", "main"), environment="prod")

    assert (run.code, run.outputs["result"], writes(calls)) == (1, "refused", 0), run.log
    assert (
        "so nobody was shown a plan" in run.summary
        and "so nobody was shown a plan" in run.annotations[0][2]
    )
    assert site.state["comments"] == []

    run = site.apply(site.push({"specs/more.yaml": "assistants: 1\n"}), environment="prod")
    assert (run.code, run.outputs["result"]) == (
        1,
        "failed",
    ) and "no plan that could be applied" in run.log


@pytest.mark.thorough
def test_who_has_to_have_shown_it(committed: Site, service: str) -> None:
    """The plan of another environment, or one that somebody else's token has written, approves
    nothing; with that token it is applied, and what git sends for it is masked.
    """
    committed.open(7, {"docs/b.md": "# B\n"})
    committed.plan(7, environment="staging")
    committed.plan(7, environment="prod", github_token=APP_TOKEN)
    merged = committed.merge(7)

    run = committed.apply(merged, environment="prod")
    assert (
        run.outputs["result"] == "refused" and "has no comment with a plan" in run.annotations[0][2]
    )
    run = committed.apply(merged, environment="prod", github_token=APP_TOKEN)
    assert (run.code, run.outputs["result"]) == (0, "applied"), run.log
    assert len(committed.comments(7, APP)) == 2 and len(instructions(service)) == 1
    assert re.findall(r"^::add-mask::(.*)$", run.log, re.M) == secrets([APP_TOKEN, APP_TOKEN])


def test_comments_that_cannot_be_read(site: Site) -> None:
    """GitHub fails: whether there is a comment is not known, so none is written."""
    site.open(7, {"docs/b.md": "# B\n"})
    site.know(broken=[{"request": "graphql"}])

    assert site.plan(7, environment="prod").code != 0 and site.comments(7) == []


@pytest.mark.thorough
def test_what_is_approved_is_this_commit_unedited(site: Site) -> None:
    """Our comment with somebody's edit, or brought up to date after the merge: refused, with the
    reason on the pull request.
    """
    site.open(7, {"docs/b.md": "# B\n"})
    checksum = site.plan(7, environment="prod").outputs["checksum"]
    (ours,) = site.state["comments"]
    merged = site.merge(7)

    later = "2026-03-01T13:00:00Z"
    for comment, reason in (
        ({**ours, "editor": "eve"}, "was edited by `eve`"),
        ({**ours, "editor": ours["author"], "edited": later}, "only after the merge"),
    ):
        site.know(comments=[comment])
        run = site.apply(merged, environment="prod")
        assert (run.code, run.outputs["result"], run.outputs["checksum"]) == (
            1,
            "refused",
            checksum,
        )
        assert reason in run.annotations[0][2] and reason in site.state["comments"][-1]["body"]
