"""Runs of the action on one pull request, from a fork, at night: what they write, and what they
never touch.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.action.runner import ROOT
from tests.action.site import Site, program
from tests.lock.repositories import git

FORGED = (
    "<!-- provisioner:place plan/./prod -->\n<!-- provisioner:commit {head} -->\n<!--"
    " provisioner:checksum sha256:0 -->"
)


def head(body: str) -> dict[str, str]:
    """The hidden lines at the beginning of a comment."""
    lines = re.match(r"(<!-- provisioner:\w+ .+ -->\n)*", body)
    return dict(re.findall(r"provisioner:(\w+) (.+) -->", lines[0])) if lines else {}


def test_one_comment_is_kept_up_to_date(site: Site) -> None:
    """The plan is shown in one comment, which a further commit brings up to date; a stranger's
    comment with the same marker is left alone; the summary, the outputs and the artifacts tell the
    same.
    """
    site.open(7, {"prompts/role.md": "You help.\nBe brief.\n"})
    for text in ("Hello", FORGED, "Another one"):  # so that ours is on the second page
        site.say(7, text)
    first = site.plan(7, environment="prod")
    (body,) = site.comments(7)
    pull = site.state["pulls"][0]

    assert (first.code, first.outputs["changes"], first.annotations) == (0, "true", []), first.log
    assert first.outputs["summary"] == "1 to add"
    assert head(body)["place"] == "plan/./prod" and head(body)["plan"] == "desk/prod"
    assert (
        head(body)["commit"] == pull["head"]["sha"]
        and head(body)["checksum"] == first.outputs["checksum"]
    )
    assert "Be brief." in body and "actions/runs/42" in body and "Be brief." in first.summary
    assert json.loads(first.file("plan.json").read_text())["checksum"] == first.outputs["checksum"]
    assert first.file("report.html").read_text().startswith("<!doctype html>")
    assert first.file("plan.json").stat().st_mode & 0o077 == 0
    assert {path.name for path in first.file(".").iterdir()} == {
        "log",
        "plan.json",
        "plan.md",
        "report.html",
    }

    git(site.author, "checkout", "-q", "pull-7")
    pull["head"]["sha"] = site.commit({"prompts/role.md": "You help.\nBe kind.\n"})
    site.know(pulls=[pull])
    second = site.plan(7, environment="prod")
    (again,) = site.comments(7)
    assert (
        "Be kind." in again
        and "Be brief." not in again
        and head(again)["commit"] == pull["head"]["sha"] != head(body)["commit"]
    )
    assert second.outputs["comment-url"] == first.outputs["comment-url"]
    assert site.comments(7, "mallory") == ["Hello", FORGED, "Another one"]
    assert [call.split()[0] for call in site.state["calls"]] == ["POST", "PATCH"]


@pytest.mark.thorough
def test_where_no_comment_is_written(site: Site) -> None:
    """Where none is wanted, and where there is no pull request. No plan writes to the branch,
    whatever lies about.
    """
    (site.runner / "locks").mkdir()
    (site.runner / "locks/prod.lock.json").write_text("{}", encoding="utf-8")
    pushed = site.run("plan", {}, environment="prod")
    site.open(7, {"specs/more.yaml": "assistants: 1\n"})
    quiet = site.plan(7, environment="prod", comment="false")

    assert (pushed.code, quiet.code, site.state["calls"]) == (0, 1, [])
    assert (
        "comment-url" not in {**pushed.outputs, **quiet.outputs} and "No plan for" in quiet.summary
    )
    assert git(site.bare, "log", "--format=%an", "-1", "main") == "Ada"


def test_problems_are_shown_where_they_are(site: Site, calls: list[Any]) -> None:
    """Specs with faults: the lines are annotated, the comment has the problems and nothing that
    could be approved.
    """
    bad = {"assistants": {"support": {"model": "gpt-4o", "temperature": 3.5}}}
    site.open(
        7, {"specs/support.yaml": bad, "specs/more.yaml": "assistants: {sales: {mdel: ```}}\n"}
    )
    run = site.plan(7, environment="prod")
    (body,) = site.comments(7)

    assert run.code == 1 and "checksum" not in run.outputs and "changes" not in run.outputs
    levels = {level for level, _, _ in run.annotations}
    places = [where for _, where, _ in run.annotations]
    assert levels == {"error"} and any(
        where.startswith("file=specs/support.yaml,line=4,col=") for where in places
    )
    assert "Value out of range" in run.outputs["summary"]
    assert (
        "No plan for `prod`" in body
        and "it must be between 0 and 2" in body
        and "checksum" not in head(body)
    )
    assert calls == []


def test_a_fork_gets_a_summary_alone(site: Site, calls: list[Any]) -> None:
    """No request to the service, even if there is a key, no comment, and nothing to approve."""
    site.open(7, {"docs/b.md": "# B\n"}, fork="eve/desk")
    run = site.plan(7, environment="prod")

    assert (run.code, site.state["calls"], calls) == (0, [], []), run.log
    assert (
        "assistant.support" in run.summary
        and "checksum" not in run.outputs
        and run.outputs["changes"] == "true"
    )


@pytest.mark.thorough
def test_strangers_get_no_code_of_theirs_run(site: Site, calls: list[Any]) -> None:
    """For a fork: no key, no request to the service, no comment, nothing to approve, and no code of
    theirs.
    """
    trap = "import os; os.write(2, b'caught'); os._exit(3)\n"
    traps = dict.fromkeys(
        ("openai.py", "yaml.py", "sitecustomize.py", "provisioner.py", "pip.py", "venv.py"), trap
    )
    site.open(7, {"prompts/role.md": "::error::forged\n", **traps}, fork="eve/desk")
    site.know(read_only=True)
    site.installs(installed(site.folder))  # a process that has imported nothing yet, as on a runner
    run = site.plan(7, environment="prod", OPENAI_API_KEY="")

    assert (run.code, run.annotations, site.comments(7), calls) == (0, [], [], []), run.log
    assert (
        "assistant.support" in run.summary
        and "checksum" not in run.outputs
        and "checksum" not in run.summary
    )
    assert "caught" not in run.log and run.outputs["changes"] == "true"


def installed(folder: Path) -> Path:
    """A folder with the console script as an installer makes it."""
    text = (
        f"import sys; sys.path.append({str(ROOT)!r}); from provisioner.__main__ import main;"
        " sys.exit(main())"
    )
    program(folder / "installed/provisioner", f"#!{sys.executable}\n{text}\n")
    return folder / "installed"


def test_wrong_inputs_are_named(site: Site) -> None:
    """What an input must be is said in an annotation, before anything is done."""
    for inputs, reported in (
        ({"comment": "yes"}, "`comment` is `yes`; it must be one of: true false."),
        ({"working_directory": "nowhere"}, "There is no folder `nowhere`."),
    ):
        run = site.run("plan", {}, **inputs)
        assert run.code == 1 and reported in run.annotations[0][2]
    for command in ("destroy", "app"):
        run = site.run(command, {})
        assert (
            run.code == 1
            and "it must be one of: plan apply check drift models" in run.annotations[0][2]
        )


def test_a_workspace_in_a_folder_and_options(site: Site) -> None:
    """The workspace may lie in a folder, whose name is in the annotations; options are given a line
    each, unsplit.
    """
    config = {"workspace": "desk", "variables": {"tone": "x"}}
    spec = {"assistants": {"support": {"model": "gpt-4o", "instructions": "${var.tone}"}}}
    site.open(7, {"desks/first one/provisioner.yaml": config, "desks/first one/specs/a.yaml": spec})
    run = site.plan(
        7,
        working_directory="./desks/first one/",
        plan_options="--var=tone=plain; $(words)\n\n--target=assistant.support",
    )

    assert run.code == 0, run.log
    assert "plain; $(words)" in run.summary
    assert head(site.comments(7)[0])["place"] == "plan/desks/first one/"


@pytest.mark.thorough
def test_the_issue_about_drift(site: Site, service: str) -> None:
    """One issue with the label that is given, opened for an edit by hand, told of again only when
    the drift has changed, closed when it is gone; issues of others, closed ones and those without
    the label are left alone.
    """
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    assert night(site)[:2] == (0, "false") and site.state["issues"] == []
    edit(service, {"model": "gpt-4o-mini"})
    code, changes, (issue,) = night(site)
    assert (code, changes, issue["title"], issue["labels"]) == (
        0,
        "true",
        "Drift in prod",
        ["by-hand"],
    )
    assert "gpt-4o-mini" in issue["body"] and head(issue["body"])["place"] == "drift/./prod"
    forged = {
        **issue,
        "number": 499,
        "author": "mallory",
        "body": issue["body"].replace("gpt-4o-mini", "gpt-1"),
    }
    others = [
        forged,
        {**issue, "number": 498, "state": "closed"},
        {**issue, "number": 497, "labels": ["mine"]},
    ]
    site.know(issues=[*others, issue])

    spec = site.runner / "specs/support.yaml"
    spec.write_text("# One more line.\n" + spec.read_text(encoding="utf-8"), encoding="utf-8")
    assert night(site, fail_on_drift="true") == (1, "true", [issue])
    assert site.comments(issue["number"]) == []
    edit(service, {"model": "gpt-4.1"})
    assert "gpt-4.1" in night(site)[2][0]["body"]
    (remark,) = site.comments(issue["number"])
    assert "The drift has changed" in remark
    stopped(site)

    edit(service, {"model": "gpt-4o"})
    code, changes, (closed,) = night(site)
    assert (code, changes, closed["state"]) == (0, "false", "closed") and site.state["issues"][
        :-1
    ] == others
    assert "In sync again" in site.comments(issue["number"])[1]


def stopped(site: Site) -> None:
    """Where that is asked for, a plan that would overwrite the edit fails, and shows nothing that
    could be approved.
    """
    site.open(7, {"prompts/role.md": "You ask back.\n"})
    run = site.plan(7, environment="prod", on_drift="fail")
    assert (run.code, "checksum" in run.outputs, "changes" in run.outputs) == (1, False, False)
    assert "title=Plan is stopped" in run.annotations[0][1] and "checksum" not in head(
        site.comments(7)[0]
    )


def night(site: Site, **inputs: str) -> tuple[int, str, list[Any]]:
    """A run of `drift`: its exit code, whether it found any, and the issues that are not about
    something else.
    """
    run = site.run("drift", {}, environment="prod", label="by-hand", **inputs)
    assert "rift" in run.summary
    return (
        run.code,
        run.outputs["changes"],
        [row for row in site.state["issues"] if row["number"] >= 500],
    )


@pytest.mark.thorough
def test_drift_that_cannot_be_told_is_an_error(site: Site) -> None:
    """Without the service nobody knows; an issue is neither opened nor closed."""
    run = site.run("drift", {}, environment="prod", OPENAI_API_KEY="")

    assert run.code == 1 and "changes" not in run.outputs and site.state["issues"] == []
    assert run.annotations[0][1] == "title=Drift is not known" and "OPENAI_API_KEY" in run.summary


def test_what_is_said_is_no_command(site: Site) -> None:
    """Words of anybody in the log are none of the action's: the runner takes no workflow command
    from them.
    """
    says = "#!/bin/sh\necho '  ::error title=x::forged' >&2; echo '::add-mask::a' >&2; exit 1\n"
    program(site.folder / "said/provisioner", says)
    site.installs(site.folder / "said")
    run = site.run("drift", {}, environment="prod")

    assert "::error title=x::forged" in run.log
    assert [where for _, where, _ in run.annotations] == ["title=Drift is not known"]


@pytest.mark.thorough
def test_a_command_that_says_nothing(site: Site) -> None:
    """Where there is neither a plan nor a list of problems, because it was killed, what it has said
    is shown.
    """
    program(site.folder / "killed/provisioner", "#!/bin/sh\necho 'out of memory' >&2; exit 137\n")
    site.installs(site.folder / "killed")
    site.open(7, {"docs/b.md": "# B\n"})
    run = site.plan(7, environment="prod")
    (body,) = site.comments(7)

    assert (
        run.code == 1
        and "changes" not in run.outputs
        and head(body).keys() == {"place", "commit", "run"}
    )
    assert all(
        "No plan for `prod`" in text and "out of memory" in text for text in (body, run.summary)
    )
    assert run.annotations == [("error", "title=No plan", "out of memory")]


def edit(service: str, fields: dict[str, Any]) -> None:
    """Somebody edits the one assistant at the service."""
    import httpx2

    headers = {"Authorization": "Bearer somebody", "OpenAI-Beta": "assistants=v2"}
    with httpx2.Client(base_url=service, headers=headers) as client:
        (found,) = client.get("/assistants").json()["data"]
        assert client.post(f"/assistants/{found['id']}", json=fields).status_code == 200
