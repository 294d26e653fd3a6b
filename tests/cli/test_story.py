"""A workspace's life on the command line, against the embedded service."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import jsonschema
import pytest

from provisioner.schemas import plan_schema
from tests.support.running import run, run_on_terminal


def test_init_overwrites_nothing(workspace: Path) -> None:
    """One file in the way is named, and none is written."""
    (workspace / "specs" / "handbook.yaml").unlink()
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}

    ran = run(workspace, "init", "--template", "file-search")

    assert ran.code == 1
    assert "`provisioner.yaml`" in ran.err
    assert before == {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}


def test_apply_needs_approval(workspace: Path) -> None:
    """Without a terminal the plan is printed, the way on is named, and nothing is done."""
    ran = run(workspace, "apply")

    assert ran.code == 1
    assert ran.out.endswith("Plan: 4 to add.\n")
    assert "--auto-approve" in ran.err
    assert run(workspace, "state", "list").out == ""


def test_an_apply_on_the_streams(workspace: Path) -> None:
    """The plan and the summary are results, progress is not; -q leaves it out."""
    ran = run(workspace, "apply", "--auto-approve")

    assert ran.code == 0
    assert ran.out.endswith("Apply complete! Resources: 4 added.\n")
    assert "vector_store.handbook: creating…\n" in ran.err
    assert "handbook: 2/2 files indexed\n" in ran.err
    assert "\x1b" not in ran.out + ran.err
    assert run(workspace, "destroy", "-y", "-q").err == ""


def test_an_apply_as_events(workspace: Path) -> None:
    """Every line of stdout is one event; the last one is the summary."""
    ran = run(workspace, "apply", "-y", "--json")
    events = [json.loads(line) for line in ran.out.splitlines()]

    assert (ran.code, ran.err) == (0, "")
    assert (events[0]["type"], events[-1]["type"], events[-1]["added"]) == ("plan", "summary", 4)
    assert {"started", "progress", "done"} <= {event["type"] for event in events}
    assert [event["type"] for event in events].count("summary") == 1


def test_an_apply_that_is_refused_ends_its_events(workspace: Path) -> None:
    """Whoever reads events finds the summary last, with the problems, also where nothing
    was done.
    """
    ran = run(workspace, "apply", "--json")
    last = json.loads(ran.out.splitlines()[-1])

    assert (ran.code, ran.err) == (1, "")
    assert (last["type"], last["problems"][0]["summary"]) == ("summary", "Approval needed")


def test_a_saved_plan(workspace: Path) -> None:
    """A plan file is private, fits its schema, is shown and applied exactly, and only once."""
    saved = run(workspace, "plan", "--out", "prod.plan.json")
    path = workspace / "prod.plan.json"
    (workspace / "specs" / "handbook.yaml").write_text("nonsense: [")

    assert saved.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    jsonschema.validate(json.loads(path.read_text()), plan_schema())
    assert run(workspace, "show", "prod.plan.json").out == saved.out
    assert run(workspace, "apply", "prod.plan.json").code == 0
    assert len(run(workspace, "state", "list").out.splitlines()) == 4
    again = run(workspace, "apply", "prod.plan.json")
    assert (again.code, "Stale plan" in again.err) == (1, True)


def test_an_altered_plan_is_refused(workspace: Path) -> None:
    """One changed value, and the plan is not the one that was reviewed."""
    run(workspace, "plan", "--out", "prod.plan.json")
    path = workspace / "prod.plan.json"
    path.write_text(path.read_text().replace("0.2", "1.9"))

    ran = run(workspace, "apply", "prod.plan.json")

    assert (ran.code, ran.out) == (1, "")
    assert "Plan file altered" in ran.err


def test_a_checksum_approves_one_plan(workspace: Path) -> None:
    """--checksum lets through the plan that was reviewed elsewhere, and no other."""
    checksum = run(workspace, "plan", "--json").json["checksum"]
    (workspace / "specs" / "prompts" / "support.md").write_text("Other words.")

    other = run(workspace, "apply", "-y", "--checksum", checksum)
    now = run(workspace, "plan", "--json").json["checksum"]

    assert (other.code, "Plan differs" in other.err) == (1, True)
    assert run(workspace, "apply", "-y", "--checksum", now).code == 0


@pytest.mark.parametrize(
    "answer, code",
    [
        ("yes\n", 0),
        ("y\n", 1),
        pytest.param("\n", 1, marks=pytest.mark.thorough),
        pytest.param("\x03", 130, marks=pytest.mark.thorough),
    ],
)
def test_only_yes_is_a_yes(workspace: Path, answer: str, code: int) -> None:
    """On a terminal somebody is asked; anything but `yes` changes nothing, and Ctrl-C ends it at
    once.
    """
    found, screen = run_on_terminal(workspace, "apply", types=answer)

    assert found == code, screen
    assert ("Apply complete!" in screen) == (code == 0)
    assert bool(run(workspace, "state", "list").out) == (code == 0)


def test_a_saved_plan_that_destroys(workspace: Path) -> None:
    """It is asked about like `destroy`, and ends like it; any other saved plan is not asked about."""
    run(workspace, "plan", "--out", "make.json")
    made = run(workspace, "apply", "make.json")
    run(workspace, "plan", "--destroy", "--out", "end.json")

    alone = run(workspace, "apply", "end.json")
    no, refused = run_on_terminal(workspace, "apply", "end.json", types="no\n")

    assert made.code == 0 and "Apply complete!" in made.out
    assert alone.code == 1 and "hint: review the plan and add `--auto-approve`\n" in alone.err
    assert no == 1 and "Do you want to destroy this in `local`?" in refused
    assert run(workspace, "state", "list").out

    yes, screen = run_on_terminal(workspace, "apply", "end.json", types="yes\n")
    assert yes == 0 and "Destroy complete! Resources: " in screen
    assert not run(workspace, "state", "list").out

    run(workspace, "apply", "-y")
    run(workspace, "plan", "--destroy", "--out", "end.json")
    approved = run(workspace, "apply", "end.json", "-y")
    assert approved.code == 0 and "Destroy complete! Resources: " in approved.out


def test_looking_at_the_lock(workspace: Path) -> None:
    """state, show and output say what was applied; rm forgets, and a guess helps with a misspelt
    address.
    """
    run(workspace, "apply", "-y")
    listed = run(workspace, "state", "list").out.split()
    ids = run(workspace, "output").json
    misspelt = run(workspace, "state", "show", "assistant.suport")

    assert listed == [
        "assistant.support",
        "file.specs/handbook/expenses.md",
        "file.specs/handbook/leave.md",
        "vector_store.handbook",
    ]
    assert list(ids) == listed
    assert (
        f"VECTOR_STORE_HANDBOOK_ID={ids['vector_store.handbook']['id']}\n"
        in run(workspace, "output", "--format", "env").out
    )
    assert (
        run(workspace, "show", "assistant.support", "--json").json["id"]
        == ids["assistant.support"]["id"]
    )
    assert (misspelt.code, "did you mean `assistant.support`?" in misspelt.err) == (1, True)
    assert run(workspace, "state", "rm", "assistant.support").code == 0
    assert run(workspace, "state", "list").out.split() == listed[1:]


def test_validate_as_json(workspace: Path) -> None:
    """A good workspace has no problems; a bad one has each with its place, and exits with 1."""
    good = run(workspace, "validate", "--json")
    spec = workspace / "specs" / "handbook.yaml"
    spec.write_text(spec.read_text().replace("temperature: 0.2", "temperature: 3.5"))
    bad = run(workspace, "validate", "--json")

    assert (good.code, good.json["problems"]) == (0, [])
    assert bad.code == 1
    assert [(found["file"], found["line"]) for found in bad.json["problems"]] == [
        ("specs/handbook.yaml", 21)
    ]


def test_fmt(workspace: Path) -> None:
    """--check names what would change and changes nothing; without it the mode of the file
    stays.
    """
    spec = workspace / "specs" / "extra.yaml"
    spec.write_text("assistants:\n    a:   {model: m}   # why\n")
    spec.chmod(0o640)

    check = run(workspace, "fmt", "--check")
    assert (check.code, check.out) == (1, "specs/extra.yaml\n")
    assert run(workspace, "fmt").out == "specs/extra.yaml\n"
    assert run(workspace, "fmt", "--check").code == 0
    assert "# why" in spec.read_text()
    assert stat.S_IMODE(spec.stat().st_mode) == 0o640


def test_reset_removes_the_service_and_nothing_else(workspace: Path) -> None:
    """The data of the embedded service goes; the cache beside it and whatever a link points to
    stay.
    """
    run(workspace, "apply", "-y")
    beside = workspace / ".provisioner" / "keep"
    beside.write_text("x")

    unasked = run(workspace, "local", "reset")
    assert unasked.code == 1 and "add `--yes`" in unasked.err
    refused, _ = run_on_terminal(workspace, "local", "reset", types="no\n")
    assert refused == 1
    assert (workspace / ".provisioner" / "local").exists()
    assert run(workspace, "local", "reset", "--yes").code == 0
    assert not (workspace / ".provisioner" / "local").exists()
    assert beside.exists()

    elsewhere = workspace / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("x")
    (workspace / ".provisioner" / "local").symlink_to(elsewhere)
    assert run(workspace, "local", "reset", "-y").code == 0
    assert (elsewhere / "mine").exists()
