"""The workspace is found from a folder below it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.running import run
from tests.support.world import World

SPEC = "assistants:\n  a:\n    model: gpt-4o\n    description: Ours\n"


@pytest.fixture
def below(workspace: Path) -> Path:
    """A folder of a workspace that is the root of a git repository."""
    (workspace / ".git").mkdir()
    return workspace / "specs" / "handbook"


def test_the_workspace_is_found_from_below(workspace: Path, below: Path) -> None:
    """It is said which one it is, and files are called as they are from here."""
    planned, usual = run(below, "plan"), run(workspace, "plan")

    assert planned.err == f"Workspace: {workspace}\n"
    assert usual.err == "" and " specs/handbook.yaml:" in usual.out
    assert planned.out == usual.out.replace(" specs/handbook.yaml:", " ../handbook.yaml:")
    used = run(below, "models").out
    assert "  ../" in used and used == run(workspace, "models").out.replace("  specs/", "  ../")
    words = ("models", "--replace", "gpt-4o=gpt-5.6")
    assert "  (gpt-4o -> gpt-5.6)  ../" in run(below, *words).out
    assert run(below, "apply", "-y").code == 0
    assert run(workspace, "plan", "--detailed-exitcode").code == 0
    assert not (below / ".provisioner").exists()
    assert run(below, "state", "list", "-q").err == ""


def test_what_somebody_else_changed_is_placed_from_the_working_folder(world: World) -> None:
    """`drift` and `accept` call files as `plan` does; documents for programs keep the root."""
    world.write({"provisioner.yaml": "{}\n", "specs/a.yaml": SPEC, "docs/a.md": "A.\n"})
    world.apply()
    world.http("POST", "/assistants/${assistant.a}", {"description": "Theirs"})
    below = world.root / "docs"

    drifted = run(below, "drift")
    document = run(below, "drift", "--json").json
    accepted = run(below, "accept")

    assert " ../specs/a.yaml:2\n" in drifted.out
    assert document["resource_drift"][0]["file"] == "specs/a.yaml"
    assert accepted.out.count(" ../specs/a.yaml") == 2
    assert (world.root / "specs" / "a.yaml").read_text() == SPEC.replace("Ours", "Theirs")
    world.http("POST", "/assistants/${assistant.a}", {"description": "Again"})
    assert run(below, "accept", "--json").json["accepted"][0]["file"] == "../specs/a.yaml"


@pytest.mark.parametrize("words", [("validate",), ("plan",), ("fmt", "--check")])
def test_positions_are_those_of_the_working_folder(
    workspace: Path, below: Path, words: tuple[str, ...]
) -> None:
    """A problem can be opened from where it was printed."""
    (workspace / "specs" / "wrong.yaml").write_text("assistants: {a: {modle: gpt-4o}\n")

    ran = run(below, *words)
    found = run(below, *words, "--json").json["problems"]

    assert ran.code == 1
    assert "\n../wrong.yaml:" in ran.err
    assert {one["file"] for one in found} == {"../wrong.yaml"}


def test_paths_of_the_command_line_are_those_of_the_working_folder(
    workspace: Path, below: Path
) -> None:
    """Where the workspace is makes no difference to a file that is named."""
    assert run(below, "plan", "--out", "../../x.plan.json").code == 0
    assert (workspace / "x.plan.json").exists()
    assert run(below, "apply", "-y", "../../x.plan.json").code == 0
    (workspace / "specs" / "b.yaml").write_text("assistants:   {}\n")
    assert run(below, "fmt").out == "../b.yaml\n"


def test_nothing_is_found_beyond_a_repository(workspace: Path, below: Path) -> None:
    """What lies above the root of a git repository belongs to something else."""
    (workspace / "vendor" / "other" / "src").mkdir(parents=True)
    (workspace / "vendor" / "other" / ".git").write_text("gitdir: elsewhere\n")

    ran = run(workspace / "vendor" / "other" / "src", "plan")

    assert "Workspace:" not in ran.err
    assert "handbook" not in ran.out


@pytest.mark.parametrize("words", [("-C", "."), ("init", "new"), ("schema", "--write", "new")])
def test_where_nobody_searches(below: Path, words: tuple[str, ...]) -> None:
    """A folder that is named is the one that is meant, and what is written goes where one is."""
    ran = run(below, *words, *(["plan"] if words[0] == "-C" else []))

    assert "Workspace:" not in ran.err
    assert words[-1] == "." or (below / "new").is_dir()


def test_schemas_that_were_written_are_listed(tmp_path: Path) -> None:
    """`--json` prints one document here as well."""
    listed = run(tmp_path, "schema", "--write", "new", "--json").json
    assert listed["folder"] == "new"
    assert sorted(listed["written"]) == sorted(path.name for path in (tmp_path / "new").iterdir())


def test_a_workspace_without_settings_stays_one(workspace: Path) -> None:
    """A folder with specs of its own is no part of the workspace around it."""
    inner = workspace / "examples" / "inner"
    (inner / "specs").mkdir(parents=True)
    (inner / "specs" / "a.yaml").write_text("assistants: {alone: {model: gpt-4o}}\n")

    ran = run(inner, "plan")

    assert ran.err == ""
    assert "assistant.alone" in ran.out and "handbook" not in ran.out


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_searched(workspace: Path) -> None:
    """Nobody else decides what is applied here."""
    inner = workspace / "inner"
    inner.mkdir()
    os.chown(inner, 12345, 12345)

    assert "Workspace:" not in run(inner, "plan").err
