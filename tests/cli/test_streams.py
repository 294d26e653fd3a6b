"""No line of ours is a workflow command, whoever wrote what is in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.cli.streams import Guarded
from tests.support.world import World

PROMPT = "Be kind.\n::stop-commands::x\n \t::add-mask::y\na ##[group]z\nEnd.\n"


def commands(text: str) -> list[str]:
    """The lines that a runner would obey: it skips white space before `::`, and finds `##[`
    anywhere.
    """
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize(
    "words", [[], ["-v"], ["--format", "markdown"], ["--format", "html"], ["--json"]]
)
def test_a_plan_holds_no_workflow_command(
    world: World, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """A line of a prompt that has not changed stands in a diff behind a blank; in a job it begins
    no command.
    """
    spec = {
        "specs/a.yaml": {"assistants": {"a": {"model": "m", "instructions": {"file": "p.md"}}}},
        "p.md": PROMPT,
    }
    world.write(spec)
    world.apply()
    world.write({"p.md": PROMPT.replace("kind", "friendly")})
    if not words:
        assert commands(world.ok("plan").out), "outside a job nothing has to be changed"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    found = world.ok("plan", *words)
    assert not commands(found.out + found.err)
    assert "stop-commands" in found.out
    if "--json" in words:
        assert found.json["resource_changes"][0]["change"]["after"][
            "instructions"
        ] == PROMPT.replace("kind", "friendly")


def test_a_problem_holds_no_workflow_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does what is said about a faulty spec, or about a command line."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    world.write(
        {"specs/a.yaml": 'assistants:\n  a: {model: "x", temperature: "\\n::error::x ##[error]"}\n'}
    )
    for result in (
        world.run("validate"),
        world.run("plan", "--target", "\n::error::x"),
        world.run("##[error]"),
    ):
        assert result.code == 1 and not commands(result.err)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["::a\n"], r"\x3a:a" + "\n"),
        (["x\n", "  ::a"], "x\n" + r"  \x3a:a"),
        (["  ", "::a"], r"  \x3a:a"),
        (["\u3000", ":", ":a"], "\u3000:" + r"\x3aa"),
        (["x", "::a", "\n", "b::c\n"], "x::a\nb::c\n"),
        (["a\r::b"], "a\r" + r"\x3a:b"),
        (["", ": :", ":"], ": ::"),
        (["…::a"], "…::a"),
        (["##[a] x ##[b]"], r"\u0023#[a] x \u0023#[b]"),
    ],
)
def test_lines_are_guarded_however_they_are_written(pieces: list[str], shown: str) -> None:
    """A line may be written in pieces, and end in more than one way."""
    stream = io.StringIO()
    guarded = Guarded(stream, in_job=True)
    assert [guarded.write(piece) for piece in pieces] == list(map(len, pieces))
    assert stream.getvalue() == shown
    assert not commands(shown)


def test_an_old_command_stays_the_same_in_json() -> None:
    """What a program reads is what was written."""
    stream = io.StringIO()
    Guarded(stream, in_job=True).write(json.dumps({"a": "##[b]"}))
    assert json.loads(stream.getvalue()) == {"a": "##[b]"}


@pytest.mark.parametrize("closed", ["1", "2", "1 2", "0 1 2"])
def test_a_stream_that_is_closed_hears_nothing(tmp_path: Path, closed: str) -> None:
    """As with `>&-`: the command does the same, without a traceback where somebody listens."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.yaml").write_text("assistants:\n  a: {model: m}\n")
    fds = [int(fd) for fd in closed.split()]
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "-C", str(tmp_path), "validate"],
        preexec_fn=lambda: [os.close(fd) for fd in fds] and None,
        capture_output=True,
        check=False,
        text=True,
    )

    said = "The specs are valid: 1 assistant (environments: `local`).\n"
    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("" if 1 in fds else said, "")
