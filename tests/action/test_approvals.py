"""Approvals: each merge applies exactly what was approved, once, or refuses and says why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.action.conftest import config
from tests.action.runner import Run
from tests.action.site import Site
from tests.action.test_merges import instructions, writes
from tests.action.test_runs import head
from tests.lock.repositories import git

Calls = list[tuple[str, str]]


@pytest.fixture
def applied(site: Site, calls: Calls) -> Site:
    """A repository whose `main` is applied."""
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    calls.clear()
    return site


def plan(site: Site, number: int) -> Run:
    run = site.plan(number, environment="prod")
    assert run.code == 0, run.log
    return run


def apply(site: Site, sha: str, result: str, why: str = "") -> Run:
    """The apply of a merge, which has to end so, and tells why where it refuses."""
    run = site.apply(sha, environment="prod")
    assert (run.outputs["result"], run.code == 0) == (result, result in ("applied", "unchanged")), (
        run.log + run.summary
    )
    if result == "refused":
        assert why in run.annotations[-1][2] and why in run.summary, run.annotations
    return run


def record(site: Site) -> Any:
    lock = git(site.bare, "show", "provisioner-locks:prod.lock.json")
    return json.loads(lock)["applied"]


def edit(service: str, name: str, fields: dict[str, Any]) -> None:
    """Somebody edits an assistant at the service by hand."""
    headers = {"Authorization": "Bearer somebody", "OpenAI-Beta": "assistants=v2"}
    with httpx2.Client(base_url=service, headers=headers) as client:
        (found,) = (row for row in client.get("/assistants").json()["data"] if row["name"] == name)
        assert client.post(f"/assistants/{found['id']}", json=fields).status_code == 200


def sales(text: str = "Sell.") -> dict[str, Any]:
    return {
        "specs/sales.yaml": {"assistants": {"sales": {"model": "gpt-4o", "instructions": text}}}
    }


@pytest.mark.thorough
def test_the_three_ways_to_merge(applied: Site, service: str, calls: Calls) -> None:
    """A merge, a squash and a rebase of two commits are applied, each for the commit that `main` is
    at; a run that is repeated changes nothing. What somebody edits by hand after that is not part of
    the approval.
    """
    for number, how in ((7, "merge"), (8, "squash"), (9, "rebase")):
        applied.open(number, {"prompts/role.md": f"You {how}.\n"})
        if how == "rebase":
            applied.amend(number, {"docs/b.md": "# B\n"})
        shown = plan(applied, number).outputs["checksum"]
        sha = applied.merge(number, how)
        run = apply(applied, sha, "applied")
        assert (
            record(applied) == {"commit": sha, "checksum": shown, "left": []}
            and run.annotations == []
        )
        assert instructions(service) == {"support": f"You {how}.\n"}
    apply(applied, sha, "unchanged")
    edit(
        service, "support", {"instructions": "You squash.\n"}
    )  # so that the plan is what 9 has shown
    calls.clear()
    apply(applied, sha, "refused", "was applied already")
    assert writes(calls) == 0


@pytest.mark.thorough
def test_a_revert_is_not_undone_by_an_old_run(applied: Site, service: str, calls: Calls) -> None:
    """One pull request is applied, another one takes it back, and somebody runs the job of the
    first again. The plan is the one that was approved, and the commit is older than what is
    applied.
    """
    applied.open(7, {"prompts/role.md": "You ask back.\n"})
    plan(applied, 7)
    first = applied.merge(7)
    apply(applied, first, "applied")
    applied.revert(8, first)
    plan(applied, 8)
    second = applied.merge(8)
    apply(applied, second, "applied")
    calls.clear()

    run = apply(applied, first, "refused", "A later commit")
    assert f"`{second[:7]}`" in run.summary and writes(calls) == 0
    assert (
        instructions(service) == {"support": "You help.\n"} and record(applied)["commit"] == second
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "faults",
    ['rules: [{match: {method: POST, path: "^/v1/assistants$", nth: 2}, action: {status: 400}}]\n'],
    ids=[""],
)
def test_what_a_failed_apply_has_left(applied: Site, service: str) -> None:
    """One of two is refused by the service; the same run goes on from there, once. Meanwhile
    somebody has edited what was done: then it does not.
    """
    lock = {"git": {"branch": "provisioner-locks", "path": "prod.lock.json"}}
    applied.push({"provisioner.yaml": config(service, {"lock": lock, "settling": 0})})
    both = {**sales(), "prompts/role.md": "You ask back.\n"}
    applied.open(7, both)
    plan(applied, 7)
    sha = applied.merge(7)
    apply(applied, sha, "failed")
    assert len(record(applied)["left"]) == 1 and instructions(service) == {
        "support": "You ask back.\n"
    }

    edit(service, "support", {"instructions": "By hand."})
    apply(applied, sha, "refused", "applied in part")
    edit(service, "support", {"instructions": "You ask back.\n"})
    apply(applied, sha, "applied")
    assert (
        instructions(service) == {"support": "You ask back.\n", "sales": "Sell."}
        and record(applied)["left"] == []
    )
    assert [head(body)["place"] for body in applied.comments(7)] == [
        "plan/./prod",
        *["apply/./prod"] * 3,
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("edited", ["deleted", "changed"])
def test_a_hand_edit_between_approval_and_merge(
    site: Site, service: str, calls: Calls, edited: str
) -> None:
    """Somebody writes into the assistant that is deleted, or changed, by the pull request: not what
    was approved.
    """
    site.push(sales())
    site.provisioner("apply", "--env", "prod", "--auto-approve")
    files = (
        {"specs/sales.yaml": "assistants: {}\n"} if edited == "deleted" else {**sales("Sell more.")}
    )
    site.open(7, files)
    plan(site, 7)
    edit(service, "sales", {"instructions": "Sell, but never on Sundays."})
    sha = site.merge(7)
    calls.clear()
    apply(site, sha, "refused", "not the one that was approved")
    assert writes(calls) == 0 and instructions(service)["sales"].endswith("Sundays.")


@pytest.mark.thorough
def test_a_plan_that_is_made_again_on_the_same_commit(applied: Site, service: str) -> None:
    """The same plan writes nothing. After a hand edit it is another one: the comment of before is
    outdated, and the approval that was given for it is none for the new one, until somebody
    approves once more.
    """
    applied.open(7, {"prompts/role.md": "You ask back.\n"})
    plan(applied, 7)
    applied.review(7)
    before = applied.state
    url = plan(applied, 7).outputs["comment-url"]
    assert (
        applied.state["comments"] == before["comments"] and url == before["comments"][0]["html_url"]
    )

    edit(service, "support", {"instructions": "By hand."})
    assert plan(applied, 7).outputs["comment-url"] != url
    old, new = applied.comments(7)
    assert "### Outdated" in old and "checksum" not in head(old) and "By hand." in new
    sha = applied.merge(7)
    apply(applied, sha, "refused", "shown anew after it was approved")
    applied.know(reviews=[], comments=applied.state["comments"])
    pulls = applied.state["pulls"]
    applied.review(7)
    applied.know(pulls=[{**pulls[0], "merged_at": applied.tick()}])
    apply(applied, sha, "applied")


@pytest.mark.thorough
def test_other_words_in_our_comment(applied: Site, calls: Calls) -> None:
    """Another workflow has the same identity. It puts other words in the place of the plan, and
    leaves the hidden lines: refused. A plan that is made again shows it anew.
    """
    applied.open(7, {"prompts/role.md": "You obey.\n"})
    plan(applied, 7)
    (ours,) = applied.state["comments"]
    shown = re.match(r"(<!-- .+ -->\n)*", ours["body"])
    assert shown
    forged = {
        **ours,
        "body": f"{shown[0]}**No changes.** The service matches the specs.\n",
        "editor": ours["author"],
    }
    applied.know(comments=[forged | {"edited": applied.tick()}])
    sha = applied.merge(7)
    calls.clear()
    apply(applied, sha, "refused", "The text of the comment is not what this plan shows")
    assert writes(calls) == 0

    applied.know(comments=[forged])
    plan(applied, 7)
    assert "### Outdated" in applied.comments(7)[0] and "You obey." in applied.comments(7)[1]


@pytest.mark.thorough
def test_a_comment_in_the_specs(applied: Site, service: str) -> None:
    """A commit that changes a comment alone comes after the approval, and another merge moves the
    lines and the serial: the plan is the same, and is applied.
    """
    applied.open(7, {"prompts/role.md": "You ask back.\n"})
    applied.open(8, {"specs/support.yaml": "# Another comment.\n\n" + spec(applied)})
    applied.open(9, sales())
    plan(applied, 7)
    applied.amend(7, {"specs/sales.yaml": "# Sales come later.\nassistants: {}\n"})
    stale = plan(applied, 7)
    (body,) = applied.comments(7)
    assert head(body)["earlier"] and head(body)["checksum"] == stale.outputs["checksum"]
    plan(applied, 8)
    apply(applied, applied.merge(8), "unchanged")
    applied.know(pulls=[pull for pull in applied.state["pulls"] if pull["number"] != 9])

    apply(applied, applied.merge(7), "applied")
    assert instructions(service) == {"support": "You ask back.\n"}


def spec(site: Site) -> str:
    return git(site.bare, "show", "main:specs/support.yaml") + "\n"


@pytest.mark.thorough
def test_a_pull_request_that_sends_the_key_elsewhere(
    site: Site, service: str, calls: Calls
) -> None:
    """`provisioner.yaml` of a pull request names another service and another key: nothing is asked
    of anybody, the comment says so first, and nothing can be approved by merging it. By hand it
    can.
    """
    elsewhere = service.replace("127.0.0.1", "localhost")
    lock = {"git": {"branch": "provisioner-locks", "path": "prod.lock.json"}}
    changed = config(elsewhere, {"lock": lock, "api_key": {"env": "OTHER_KEY"}})
    site.open(7, {"provisioner.yaml": changed})
    run = site.plan(7, environment="prod", OTHER_KEY="secret")
    (body,) = site.comments(7)

    assert (
        (run.code, calls) == (0, [])
        and "checksum" not in run.outputs
        and "checksum" not in head(body)
    )
    assert body.split("\n\n")[0].splitlines()[-3].startswith("> [!CAUTION]")
    assert "`service`, `api_key`" in body and "Keys go elsewhere" in run.annotations[0][1]
    sha = site.merge(7)
    run = site.apply(sha, environment="prod", OTHER_KEY="secret")
    assert run.outputs["result"] == "refused" and "no plan that can be applied" in run.summary
    run = site.apply(
        sha, environment="prod", OTHER_KEY="secret", checksum=f" {run.outputs['checksum']} "
    )
    assert run.outputs["result"] == "applied", run.log


@pytest.mark.thorough
def test_a_new_environment_has_no_key_yet(site: Site, service: str, calls: Calls) -> None:
    """An environment that the base branch does not have, and a `provisioner.yaml` that cannot be
    read: no request.
    """
    environments = config(service, {}) | {
        "environments": {"prod": {"service": service}, "canary": {"service": service}}
    }
    site.open(7, {"provisioner.yaml": environments})
    run = site.plan(7, environment="canary")
    assert (run.code, calls) == (0, []) and "in `environment`" in run.summary
    site.open(8, {"provisioner.yaml": "environments: {prod: {service: 'ftp://x'}}\n"})
    run = site.plan(8, environment="prod")
    assert (run.code, calls) == (1, []) and "checksum" not in run.outputs


@pytest.mark.thorough
def test_github_fails_for_a_moment(site: Site) -> None:
    """What is asked is asked again. A comment whose answer was lost is not written twice."""
    site.open(7, {"docs/b.md": "# B\n"})
    site.know(
        broken=[
            {"request": "graphql|contents", "times": 3},
            {"request": "POST .*comments", "times": 1, "done": True},
        ]
    )
    run = plan(site, 7)
    assert (
        len(site.comments(7)) == 1
        and run.outputs["comment-url"].startswith("https://")
        and run.annotations == []
    )

    site.know(
        broken=[
            {"request": "POST .*comments", "times": 1},
            {"request": "commits", "times": 2, "status": 429},
        ]
    )
    apply(site, site.merge(7), "applied")
    assert len(site.comments(7)) == 2


@pytest.mark.thorough
def test_github_fails_for_longer(site: Site) -> None:
    """An annotation says so, and nothing is taken for an empty answer."""
    site.open(7, {"docs/b.md": "# B\n"})
    for rule in (
        {"request": "graphql"},
        {"request": "contents"},
        {"request": "POST", "status": 403},
    ):
        site.know(broken=[rule])
        run = site.plan(7, environment="prod")
        assert run.code == 1 and site.comments(7) == []
        assert run.annotations[-1][:2] == ("error", "title=GitHub does not answer")
    assert len([call for call in site.state["calls"] if call.startswith("POST")]) == 1


@pytest.mark.thorough
def test_a_comment_that_github_does_not_take(applied: Site) -> None:
    """After a good apply the details are refused: the pull request is reported in a line. Where that is
    refused as well, an annotation says so. What was applied is applied.
    """
    for number, times, comments, notes in ((7, 1, 2, 0), (8, 2, 1, 1)):
        applied.open(number, {"prompts/role.md": f"You help {number}.\n"})
        plan(applied, number)
        applied.know(
            broken=[
                {
                    "request": "POST .*comments",
                    "times": times,
                    "status": 422,
                    "message": "Validation Failed",
                }
            ]
        )
        run = apply(applied, applied.merge(number), "applied")
        reported = applied.comments(number)
        assert len(reported) == comments and ("Result: applied" in reported[-1]) == (comments == 2)
        assert [where for _, where, _ in run.annotations] == ["title=Pull request not told"] * notes


@pytest.mark.thorough
def test_what_a_failed_apply_changes_of_a_committed_lock(committed: Site, service: str) -> None:
    """The approval that was used is in the committed lock, too."""
    committed.open(7, sales())
    plan(committed, 7)
    sha = committed.merge(7)
    apply(committed, sha, "applied")
    lock = json.loads(git(committed.bare, "show", "main:locks/prod.lock.json"))
    assert lock["applied"]["commit"] == sha and Path(committed.runner / "locks").is_dir()
    edit(service, "sales", {"instructions": "By hand."})
    apply(committed, sha, "refused", "was applied already")
