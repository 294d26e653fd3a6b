"""Edits by hand that come back as a pull request: kept beside the issue about drift, merged into an
empty plan, and never in the way of anybody's work.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.action.runner import ROOT, Run
from tests.action.site import Site, program
from tests.action.test_runs import head
from tests.lock.repositories import git

BRANCH = "provisioner/accept-prod"
SPEC = """\
# Who answers.
assistants:
  support:
    model: gpt-4o   # cheap
    description: ${var.tone}
    instructions: {file: prompts/role.md}
"""


@pytest.fixture
def applied(site: Site) -> Site:
    """A repository whose one assistant is at the service."""
    site.push({"specs/support.yaml": SPEC})
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    return site


def edit(service: str, **fields: str) -> None:
    """Somebody edits every assistant at the service."""
    headers = {"Authorization": "Bearer somebody", "OpenAI-Beta": "assistants=v2"}
    with httpx2.Client(base_url=service, headers=headers) as client:
        for found in client.get("/assistants").json()["data"]:
            client.post(f"/assistants/{found['id']}", json=fields).raise_for_status()


def night(site: Site, environment: str = "prod", **given: str) -> Run:
    """A look for drift on `main`, on a schedule."""
    git(site.runner, "fetch", "-q", "origin")
    site.checkout("origin/main")
    given = {"accept": "pull-request", **given}
    return site.run("drift", {}, environment=environment, **given)


def shown(site: Site, branch: str = BRANCH) -> list[str]:
    """What the branch changes."""
    diff = git(site.bare, "diff", "--unified=0", "main...refs/heads/" + branch)
    return [line for line in diff.splitlines() if line[0] in "+-"]


def merge(site: Site) -> str:
    """Somebody merges the newest pull request."""
    git(site.author, "pull", "-q", "--ff-only", "origin", "main")
    git(site.author, "fetch", "-q", "origin", BRANCH)
    git(site.author, "merge", "-q", "--no-ff", "-m", "Merge", "FETCH_HEAD")
    git(site.author, "push", "-q", "origin", "main")
    merged = git(site.author, "rev-parse", "HEAD")
    settle(site, state="closed", merged_at=site.tick(), merge_commit_sha=merged)
    return merged


def settle(site: Site, **facts: str) -> None:
    """Something becomes of the newest pull request."""
    *others, newest = site.state["pulls"]
    site.know(pulls=[*others, newest | facts])


def theirs(site: Site) -> str:
    """Somebody works on the branch."""
    git(site.author, "fetch", "-q", "origin")
    git(site.author, "checkout", "-q", "-B", "theirs", f"origin/{BRANCH}")
    made = site.commit({"prompts/role.md": "Answer shortly.\n"})
    git(site.author, "push", "-q", "origin", f"theirs:{BRANCH}")
    git(site.author, "checkout", "-q", "main")
    return made


@pytest.mark.thorough
def test_edits_come_back(applied: Site, service: str) -> None:
    """One pull request has what can be written, and names what cannot; it and the issue name each
    other. The same night again writes nothing. Once it is merged, nothing is left to apply, and the
    issue and the branch go.
    """
    edit(service, model="gpt-4.1", description="@everyone", instructions="You help.\nBe kind.\n")
    run = night(applied)
    (issue,), (pull,) = applied.state["issues"], applied.state["pulls"]

    assert (run.code, run.annotations) == (0, []), run.log
    assert shown(applied) == [
        "--- a/prompts/role.md",
        "+++ b/prompts/role.md",
        "+Be kind.",
        "--- a/specs/support.yaml",
        "+++ b/specs/support.yaml",
        "-    model: gpt-4o   # cheap",
        "+    model: gpt-4.1   # cheap",
    ]
    assert git(applied.bare, "log", "-1", "--format=%an %s", BRANCH) == (
        "github-actions[bot] Keep edits by hand"
    )
    assert (pull["title"], pull["base_ref"]) == ("Edits by hand in prod", "main")
    assert head(pull["body"])["place"] == "accept/./prod" and issue["html_url"] in pull["body"]
    assert '"gpt-4o" → "gpt-4.1"' in pull["body"] and "+Be kind." in pull["body"]
    assert "`${var.tone}` holds `${…}`" in pull["body"] and "+Be kind." in run.summary
    assert pull["html_url"] in issue["body"] and "### Drift in desk/prod" in issue["body"]
    assert run.outputs["comment-url"] == issue["html_url"]

    calls, tip = applied.state["calls"], git(applied.bare, "rev-parse", BRANCH)
    assert night(applied).code == 0 and applied.state["calls"] == calls
    assert git(applied.bare, "rev-parse", BRANCH) == tip

    edit(service, description="brief")
    merged = applied.apply(merge(applied), environment="prod")
    assert (merged.code, merged.outputs["result"]) == (0, "unchanged"), merged.log
    assert "No changes. The service matches the specs." in merged.summary
    after = night(applied)
    assert (after.code, after.outputs["changes"]) == (0, "false"), after.log
    assert applied.state["issues"][0]["state"] == "closed"
    assert git(applied.bare, "branch", "--list", BRANCH) == ""
    assert len(applied.state["pulls"]) == 1 and applied.comments(pull["number"]) == []


NEVER: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"pull_request": {"number": 7, "head": {}}}, {}, "not for a pull request"),
    ({"merge_group": {"base_ref": "refs/heads/main"}}, {}, "runs on a branch"),
    ({}, {"GITHUB_REF_TYPE": "tag"}, "runs on a branch"),
    ({}, {"GITHUB_REF_NAME": BRANCH}, "is to be merged into"),
    ({}, {"GITHUB_REF_NAME": "gone"}, "cannot be fetched"),
    ({}, {"accept": "push"}, "must be one of: pull-request."),
]


@pytest.mark.thorough
def test_where_edits_never_come_back(site: Site, calls: list[Any]) -> None:
    """For pull requests, strangers' and our own, and where there is nothing to be merged into:
    nothing is asked and nothing is written.
    """
    for event, given, reported in NEVER:
        run = site.run("drift", event, environment="prod", **{"accept": "pull-request", **given})
        ((level, where, text),) = run.annotations
        assert (run.code, level, where) == (1, "error", "title=Wrong input") and reported in text
    assert (calls, site.state["calls"]) == ([], [])


def test_a_checkout_of_a_stranger(site: Site) -> None:
    """What a job has checked out instead of the branch is not proposed to it."""
    git(site.runner, "commit", "-q", "--allow-empty", "-m", "A stranger's.")
    run = site.run("drift", {}, environment="prod", accept="pull-request")
    assert run.code == 1 and "is no commit of it" in run.annotations[0][2]


@pytest.mark.thorough
def test_a_prompt_with_a_name_that_git_would_read(site: Site, service: str) -> None:
    """A path is a path, and no pattern of git's."""
    spec = "assistants: {support: {model: gpt-4o, instructions: {file: ':(bad)role.md'}}}\n"
    site.push({"specs/support.yaml": spec, ":(bad)role.md": "You help.\n"})
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    edit(service, instructions="You help.\nBe kind.\n")
    run = night(site)
    assert (run.code, run.annotations) == (0, []), run.log
    assert shown(site)[-1] == "+Be kind."


@pytest.mark.thorough
def test_what_was_refused_is_not_offered_again(applied: Site, service: str) -> None:
    """Closed is closed, until there are other edits. One that was merged, and is undone by somebody
    and made again, is another one.
    """
    edit(service, model="gpt-4.1")
    night(applied)
    settle(applied, state="closed")
    assert night(applied).code == 0
    assert "which was closed" in applied.state["issues"][0]["body"]
    calls = applied.state["calls"]
    assert night(applied).code == 0 and applied.state["calls"] == calls

    edit(service, model="gpt-5")
    assert night(applied).code == 0
    assert [pull["state"] for pull in applied.state["pulls"]] == ["closed", "open"]
    settle(applied, state="closed", merged_at="2026-03-01T12:00:00Z")
    assert night(applied).code == 0
    assert [pull["state"] for pull in applied.state["pulls"]] == ["closed", "closed", "open"]


@pytest.mark.thorough
def test_what_is_undone_is_taken_back(applied: Site, service: str) -> None:
    """Other edits are another text, and nothing that can be written closes the pull request, as does
    nothing at all; the issue says what has no place.
    """
    edit(service, model="gpt-4.1")
    night(applied)
    edit(service, model="gpt-5", description="Theirs")
    night(applied)
    (pull,) = applied.state["pulls"]
    assert "gpt-5" in pull["body"] and "gpt-4.1" not in pull["body"]
    assert shown(applied)[-1] == "+    model: gpt-5   # cheap"

    edit(service, model="gpt-4o")
    assert night(applied).code == 0
    (pull,), (issue,) = applied.state["pulls"], applied.state["issues"]
    assert pull["state"] == "closed" and "`${var.tone}` holds" in issue["body"]
    assert "Nothing of what is edited by hand can be written" in applied.comments(pull["number"])[0]
    assert git(applied.bare, "branch", "--list", BRANCH) == ""

    edit(service, model="gpt-5", description="brief")
    night(applied)
    edit(service, model="gpt-4o")
    night(applied)
    assert {row["state"] for row in [*applied.state["pulls"], *applied.state["issues"]]} == {
        "closed"
    }
    assert git(applied.bare, "branch", "--list", BRANCH) == ""


@pytest.mark.thorough
def test_the_work_of_others_stays(applied: Site, service: str) -> None:
    """A branch with somebody else's commit is neither overwritten nor deleted."""
    edit(service, model="gpt-4.1")
    night(applied)
    made = theirs(applied)
    edit(service, model="gpt-5")
    run = night(applied)
    assert run.code == 0 and run.annotations[0][1] == "title=Branch left alone"
    edit(service, model="gpt-4o")
    assert night(applied).code == 0 and applied.state["pulls"][0]["state"] == "closed"
    assert git(applied.bare, "rev-parse", BRANCH) == made


@pytest.mark.thorough
def test_two_runs_at_once(applied: Site, service: str) -> None:
    """What another run has pushed and opened in the same moment is taken as it is; what somebody
    else has pushed stays, and fails the step.
    """
    edit(service, model="gpt-4.1")
    night(applied)
    settle(applied, head_ref="elsewhere")
    tip = git(applied.bare, "rev-parse", BRANCH)
    git(applied.bare, "update-ref", "-d", f"refs/heads/{BRANCH}")
    applied.before(
        "push",
        f"git -C {applied.bare} update-ref refs/heads/{BRANCH} {tip}\n"
        f"sed -i 's|elsewhere|{BRANCH}|' {applied.folder}/github.json\n",
    )
    run = night(applied)
    assert run.code == 0 and len(applied.state["pulls"]) == 1, run.log
    assert git(applied.bare, "rev-parse", BRANCH) == tip

    edit(service, model="gpt-5")
    made = git(applied.bare, "rev-parse", "main")
    applied.before("push", f"git -C {applied.bare} update-ref refs/heads/{BRANCH} {made}\n")
    run = night(applied)
    assert run.code == 1 and run.annotations[-1][1] == "title=Branch not pushed"
    assert git(applied.bare, "rev-parse", BRANCH) == made
    assert "gpt-5" in applied.state["issues"][0]["body"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("request_", "named"),
    [("POST .*/pulls$", "pull-requests: write"), ("push", "contents: write"), ("taken", "branch")],
)
def test_the_issue_is_kept_all_the_same(
    applied: Site, service: str, request_: str, named: str
) -> None:
    """Where the pull request cannot be opened, the annotation names what is missing, the step fails,
    and the issue tells of the drift.
    """
    edit(service, model="gpt-4.1")
    if request_ == "push":
        applied.before("push", "exit 1\n")
    elif request_ == "taken":
        row = {"number": 9, "state": "open", "head_ref": BRANCH, "base_ref": "main", "body": "Hi"}
        row |= {"head": {"sha": "0" * 40}, "merge_commit_sha": None, "html_url": "https://x"}
        applied.know(pulls=[row])
    else:
        applied.know(broken=[{"request": request_, "status": 403, "message": "not permitted"}])
    run = night(applied)
    (issue,) = applied.state["issues"]
    assert (run.code, run.outputs["changes"]) == (1, "true") and named in run.annotations[-1][2]
    assert "gpt-4.1" in issue["body"] and "has the edits" not in issue["body"]


@pytest.mark.thorough
def test_a_command_that_is_killed(applied: Site, service: str) -> None:
    """While it writes: the issue tells of the drift, nothing is pushed, and the step fails."""
    edit(service, model="gpt-4.1")
    real = applied.programs / "provisioner"
    text = f'#!/bin/sh\ncase "$*" in accept*) exit 137 ;; esac\nexec {real} "$@"\n'
    program(Path(applied.folder / "killed/provisioner"), text)
    applied.installs(applied.folder / "killed")
    run = night(applied)
    assert run.code == 1 and run.annotations[0][1] == "title=Edits do not come back"
    assert "gpt-4.1" in applied.state["issues"][0]["body"] and applied.state["pulls"] == []


@pytest.mark.thorough
def test_an_edit_while_the_job_runs(applied: Site, service: str) -> None:
    """The pull request says and has what `accept` has read; the next night brings the issue after it,
    and leaves the branch.
    """
    edit(service, model="gpt-4.1")
    script = applied.folder / "meanwhile.py"
    words = f"sys.path.insert(0, {str(ROOT)!r}); from tests.action.test_accept import edit"
    script.write_text(f"import sys; {words}; edit({service!r}, model='gpt-5')", encoding="utf-8")
    real = applied.programs / "provisioner"
    text = f'#!/bin/sh\ncase "$*" in accept*) {sys.executable} {script} ;; esac\nexec {real} "$@"\n'
    program(applied.folder / "meanwhile/provisioner", text)
    applied.installs(applied.folder / "meanwhile")
    assert night(applied).code == 0
    assert '"gpt-5"' in applied.state["pulls"][0]["body"]
    assert shown(applied)[-1] == "+    model: gpt-5   # cheap"

    applied.installs(applied.programs)
    tip = git(applied.bare, "rev-parse", BRANCH)
    assert night(applied).code == 0 and git(applied.bare, "rev-parse", BRANCH) == tip
    assert "gpt-5" in applied.state["issues"][0]["body"]


@pytest.mark.thorough
def test_environments_have_a_branch_each(applied: Site, service: str) -> None:
    """Both are edited, and each has its own pull request."""
    applied.provisioner("apply", "--env", "staging", "--auto-approve")
    lock = (applied.author / "locks/staging.lock.json").read_text(encoding="utf-8")
    applied.push({"locks/staging.lock.json": lock})
    edit(service, model="gpt-4.1")
    for environment in ("prod", "staging"):
        run = night(applied, environment)
        assert run.code == 0, run.log
    staging, prod = (f"provisioner/accept-{name}" for name in ("staging", "prod"))
    assert [pull["head_ref"] for pull in applied.state["pulls"]] == [prod, staging]
    assert shown(applied, staging) == shown(applied, prod) != []
