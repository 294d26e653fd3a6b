"""The pull request about models that come to an end: opened once, kept up to date, and never in the
way of anybody's work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.action.runner import Run
from tests.action.site import APP_TOKEN, Site, program
from tests.action.test_runs import head
from tests.lock.repositories import git

BRANCH = "provisioner/models"
ENDED = "gpt-4.1-nano"  # as the embedded service says
REPLACE = f"{ENDED}=gpt-5.6"
SPEC = f"# Who answers.\nassistants:\n  support:\n    model: {ENDED}   # cheap\n"


@pytest.fixture
def ending(site: Site) -> Site:
    """A repository whose assistant uses a model that ended."""
    site.push({"specs/support.yaml": SPEC})
    return site


def week(site: Site, commit: str = "origin/main", **given: str) -> Run:
    """A run of `models` on `main`, on a schedule."""
    git(site.runner, "fetch", "-q", "origin")
    site.checkout(commit)
    return site.run("models", {}, environment="prod", **given)


def ours(site: Site) -> list[dict[str, Any]]:
    """The pull requests that the action has opened."""
    return [pull for pull in site.state["pulls"] if "head_ref" in pull]


def tip(site: Site) -> str:
    return git(site.bare, "rev-parse", BRANCH)


@pytest.mark.thorough
def test_the_table_alone(ending: Site) -> None:
    """One pull request with every model in use, upon an empty commit; the same run again writes
    nothing.
    """
    run = week(ending)
    (pull,) = ours(ending)

    assert (run.code, run.outputs["changes"], run.annotations) == (0, "true", []), run.log
    assert run.outputs["comment-url"] == pull["html_url"]
    assert pull["title"] == "Models that come to an end in prod"
    assert (pull["head_ref"], pull["base_ref"], pull["author"]) == (
        BRANCH,
        "main",
        "github-actions",
    )
    assert head(pull["body"])["place"] == "models/./prod" and "actions/runs/42" in pull["body"]
    assert f"| `{ENDED}` | **2026-10-23** | none known |" in pull["body"] and ENDED in run.summary
    assert git(ending.bare, "diff", "--stat", "main", BRANCH) == ""

    before = tip(ending), ending.state["calls"]
    again = week(ending)
    assert (again.code, again.outputs["comment-url"]) == (0, pull["html_url"])
    assert (tip(ending), ending.state["calls"]) == before


@pytest.mark.thorough
def test_a_service_that_does_not_answer(ending: Site) -> None:
    """What was known before is nothing new; where nothing was known, nothing is opened and nothing
    is closed.
    """
    week(ending)
    before = tip(ending), ending.state["calls"]
    known = ending.run("models", {}, environment="prod", OPENAI_API_KEY="")
    assert "OPENAI_API_KEY" in known.summary and "2026-10-23" in known.summary
    unknown = week(ending, OPENAI_API_KEY="")
    assert "OPENAI_API_KEY" in unknown.summary and "changes" not in unknown.outputs

    assert (known.code, unknown.code) == (0, 0)
    assert (tip(ending), ending.state["calls"]) == before


@pytest.mark.thorough
def test_the_edit(ending: Site) -> None:
    """With `replace` the branch has the word changed and nothing else, made by the bot upon `main`;
    a further commit of `main` moves nothing, as long as the edit is the same.
    """
    run = week(ending, replace=REPLACE)
    (pull,) = ours(ending)

    assert run.code == 0 and pull["title"] == "Other models in prod", run.log
    assert git(ending.bare, "show", f"{BRANCH}:specs/support.yaml") + "\n" == SPEC.replace(
        ENDED, "gpt-5.6"
    )
    assert git(ending.bare, "diff", "--name-only", "main", BRANCH) == "specs/support.yaml"
    assert git(ending.bare, "log", "-1", "--format=%an %s", BRANCH) == (
        "github-actions[bot] Use other models"
    )
    assert f"`{ENDED}` → `gpt-5.6`" in pull["body"] and "**2026-10-23**" in pull["body"]
    assert git(ending.runner, "diff", "--cached", "--name-only") == ""

    before = tip(ending), ending.state["calls"]
    ending.push({"prompts/role.md": "You help well.\n"})
    assert week(ending, replace=REPLACE).code == 0
    assert (tip(ending), ending.state["calls"]) == before

    other = week(ending, replace=f"{ENDED}=gpt-5")
    (pull,) = ours(ending)
    assert other.code == 0 and "→ `gpt-5`" in pull["body"] and len(ours(ending)) == 1
    assert "model: gpt-5   # cheap" in git(ending.bare, "show", f"{BRANCH}:specs/support.yaml")
    assert git(ending.bare, "rev-parse", f"{BRANCH}^") == git(ending.bare, "rev-parse", "main")


@pytest.mark.thorough
def test_after_the_merge(ending: Site) -> None:
    """Once the edit is merged and no model ends any more, nothing is written, and what is open is
    closed with a remark.
    """
    week(ending)
    ending.push({"specs/support.yaml": SPEC.replace(ENDED, "gpt-5.6")})
    run = week(ending, replace=REPLACE)
    (pull,) = ours(ending)

    assert (run.code, run.outputs["changes"]) == (0, "false") and pull["state"] == "closed"
    (remark,) = ending.comments(pull["number"])
    assert "No model in use comes to an end any more" in remark
    calls = ending.state["calls"]
    assert week(ending).code == 0 and ending.state["calls"] == calls


@pytest.mark.thorough
def test_what_was_closed_is_not_opened_again(ending: Site) -> None:
    """Until there is something else to say."""
    week(ending)
    (pull,) = ours(ending)
    pull["state"] = "closed"
    ending.know(pulls=[*ending.state["pulls"][:-1], pull])
    calls = ending.state["calls"]
    run = week(ending)
    assert run.code == 0 and ending.state["calls"] == calls
    assert run.annotations[0][:2] == ("notice", "title=Nothing new about models")

    assert week(ending, replace=REPLACE).code == 0
    assert [one["state"] for one in ours(ending)] == ["closed", "open"]


@pytest.mark.thorough
def test_the_work_of_others_stays(ending: Site) -> None:
    """A branch with somebody else's commit is not overwritten; its pull request is brought up to
    date.
    """
    week(ending, replace=REPLACE)
    git(ending.author, "fetch", "-q", "origin")
    git(ending.author, "checkout", "-q", "-B", "theirs", f"origin/{BRANCH}")
    theirs = ending.commit({"prompts/role.md": "Answer shortly.\n"})
    git(ending.author, "push", "-q", "origin", f"theirs:{BRANCH}")
    git(ending.author, "checkout", "-q", "main")
    run = week(ending, replace=f"{ENDED}=gpt-5")

    assert run.code == 0 and tip(ending) == theirs
    assert run.annotations[0][:2] == ("notice", "title=Branch left alone")
    assert "→ `gpt-5`" in ours(ending)[0]["body"]


@pytest.mark.thorough
def test_somebody_is_faster(ending: Site) -> None:
    """What comes to the branch between the look and the push is not overwritten."""
    week(ending, replace=REPLACE)
    theirs = ending.push({"prompts/role.md": "Answer shortly.\n"})
    ending.before("push", f"git -C {ending.bare} update-ref refs/heads/{BRANCH} {theirs}\n")
    run = week(ending, replace=f"{ENDED}=gpt-5")

    assert run.code == 1 and run.annotations[-1][1] == "title=Branch not pushed"
    assert tip(ending) == theirs and "→ `gpt-5`" not in ours(ending)[0]["body"]


@pytest.mark.thorough
def test_what_cannot_be_replaced_is_told(site: Site) -> None:
    """As a warning, and in the pull request, which has the rest."""
    spec = f"{SPEC}  sales:\n    model: gpt-4.1-${{var.tone}}\n"
    config = (site.author / "provisioner.yaml").read_text(encoding="utf-8")
    site.push({"specs/support.yaml": spec, "provisioner.yaml": config.replace("brief", "nano")})
    run = week(site, replace=f"\n {REPLACE}\n\n")
    (pull,) = ours(site)

    assert run.code == 0 and "Not replaced: `assistant.sales`" in pull["body"], run.log
    ((level, where, text),) = run.annotations
    assert (level, where) == ("warning", "title=Not every model is replaced")
    assert "assistant.sales: `gpt-4.1-${var.tone}` holds" in text


@pytest.mark.parametrize("fork", ["acme/desk", "mallory/desk"])
def test_never_for_a_pull_request(ending: Site, calls: list[Any], fork: str) -> None:
    """Neither a stranger's nor one of our own: nothing is asked and nothing is written."""
    pull = {
        "number": 7,
        "head": {"sha": "0" * 40, "repo": {"full_name": fork}},
        "base": {"ref": "main"},
    }
    git(ending.runner, "fetch", "-q", "origin")
    ending.checkout("origin/main")
    run = ending.run("models", {"pull_request": pull}, environment="prod", replace=REPLACE)

    assert run.code == 1 and run.annotations[0][1] == "title=Wrong input"
    assert (calls, ending.state["calls"], ours(ending)) == ([], [], [])
    assert git(ending.bare, "branch", "--list", BRANCH) == ""


def test_never_upon_itself(ending: Site) -> None:
    """By hand on the branch of the pull request it would have nothing to be merged into."""
    run = week(ending, GITHUB_REF_NAME=BRANCH)
    assert (run.code, run.annotations[0][1], ours(ending)) == (1, "title=Wrong input", [])


def test_specs_with_faults(ending: Site) -> None:
    """Nothing is known, nothing is written, and the step fails; so it does for a wrong input."""
    ending.push({"specs/more.yaml": "assistants: 1\n"})
    run = week(ending)
    assert run.code == 1 and run.annotations[0][1] == "title=Models are not known"
    assert "Models are not known" in run.summary and "Wrong type" in run.summary
    ending.push({"specs/more.yaml": "assistants: {}\n"})
    wrong = week(ending, replace=ENDED)
    assert wrong.code == 1 and "is not of the form" in str(wrong.annotations)
    assert (ending.state["calls"], ours(ending)) == ([], [])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("request_", "title"), [("POST .*/pulls$", "No pull request"), ("push", "Branch not pushed")]
)
def test_without_the_permission(ending: Site, request_: str, title: str) -> None:
    """The annotation names what is missing; the next run goes on from there."""
    if request_ == "push":
        ending.before("push", "exit 1\n")
    else:
        message = "GitHub Actions is not permitted to create or approve pull requests."
        ending.know(broken=[{"request": request_, "status": 403, "message": message}])
    run = week(ending, replace=REPLACE)
    assert run.code == 1 and run.annotations[-1][1] == f"title={title}"

    ending.know(broken=[])
    (ending.folder / "before/push").unlink(missing_ok=True)
    assert week(ending, replace=REPLACE).code == 0 and len(ours(ending)) == 1


@pytest.mark.thorough
def test_an_identity_and_a_branch_of_its_own(site: Site) -> None:
    """With the token of an app, pull requests start workflows; environments have a branch each. A
    model that goes on may be replaced as well.
    """
    run = week(site, branch="models/prod", github_token=APP_TOKEN, replace="gpt-4o=gpt-5.6")
    (pull,) = ours(site)
    assert run.code == 0 and (pull["author"], pull["head_ref"]) == ("our-app", "models/prod")
    assert git(site.bare, "branch", "--list", BRANCH) == ""


@pytest.mark.thorough
def test_a_command_that_is_killed(ending: Site) -> None:
    """While it writes: no pull request that says what is not so."""
    real = ending.programs / "provisioner"
    text = f'#!/bin/sh\ncase "$*" in *--write*) exit 137 ;; esac\nexec {real} "$@"\n'
    program(Path(ending.folder / "killed/provisioner"), text)
    ending.installs(ending.folder / "killed")
    run = week(ending, replace=REPLACE)
    assert run.code == 1 and ours(ending) == [] and ending.state["calls"] == []
