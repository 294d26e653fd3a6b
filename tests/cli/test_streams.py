"""What reaches a stream, and what becomes of what does not: no line of ours is a workflow command,
whoever wrote what is in it, and no result is lost unsaid.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


FULL = Path("/dev/full")
LOST = """\
error: Results lost
  stdout does not take what there is to say: no space left on device.
  hint: make room there, or send it elsewhere
"""
SPEC = {"specs/a.yaml": {"assistants": {"a": {"model": "m"}}}}
full = pytest.mark.skipif(not FULL.exists(), reason="a disk that is always full")
buffering = pytest.mark.parametrize(
    "unbuffered", ["", pytest.param("1", marks=pytest.mark.thorough)]
)


def started(
    world: World, words: str, *, out: int = -1, err: int = -1, unbuffered: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own whose streams are these descriptors, or pipes."""
    return subprocess.run(
        [sys.executable, "-m", "provisioner", *words.split()],
        cwd=world.root,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=out,
        stderr=err,
        check=False,
        text=True,
        timeout=60,
    )


@contextmanager
def no_room() -> Iterator[int]:
    with FULL.open("w") as stream:
        yield stream.fileno()


@contextmanager
def no_reader() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@full
def test_a_file_is_saved_all_the_same(world: World) -> None:
    """What was asked for in a file beside a result that is lost is there, whole."""
    check = [{"say": "hello", "expect": {"contains": "hello"}}]
    world.write({"specs/a.yaml": {"assistants": {"a": {"model": "m", "checks": {"c": check}}}}})
    world.apply()
    for words in ("plan --out a.plan", "accept --out a.json", "check --junit a.xml"):
        with no_room() as nowhere:
            done = started(world, words, out=nowhere)
        assert done.returncode == 1 and LOST in done.stderr, words
        assert (world.root / words.split()[-1]).stat().st_size > 0, words


@full
@buffering
@pytest.mark.parametrize(
    "words",
    ["version", "--help", "validate", "plan --json", "apply -y", "output", "validate --json --no"],
)
def test_a_full_disk_below_stdout(world: World, words: str, unbuffered: str) -> None:
    """Whatever was to be said there, the command says that it is lost, and fails."""
    world.write(SPEC)
    with no_room() as nowhere:
        done = started(world, words, out=nowhere, unbuffered=unbuffered)
        assert (done.returncode, done.stderr) == (1, LOST)
        # Where that cannot be said either, the code still says it.
        assert started(world, words, out=nowhere, err=nowhere).returncode == 1


@buffering
@pytest.mark.parametrize(
    "words", ["version", "--help", "plan --help", "plan", "versions a --json", "plan --json --no"]
)
def test_a_reader_that_went_away(world: World, words: str, unbuffered: str) -> None:
    """`provisioner … | head -1` says nothing about pipes, whatever it was about to say."""
    world.write(SPEC)
    with no_reader() as nowhere:
        done = started(world, words, out=nowhere, unbuffered=unbuffered)
    assert (done.returncode, done.stderr) == (1, "")


@full
@buffering
@pytest.mark.parametrize("lost", [no_room, no_reader])
@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [("plan", 0, "Plan: 1 to add."), ("apply -y", 0, "1 added"), ("plan --no", 1, "")],
)
def test_messages_that_are_lost(
    world: World,
    lost: Callable[[], AbstractContextManager[int]],
    *,
    words: str,
    code: int,
    shown: str,
    unbuffered: str,
) -> None:
    """What is only said by the way is not worth failing for."""
    world.write(SPEC)
    with lost() as nowhere:
        done = started(world, words, err=nowhere, unbuffered=unbuffered)
    assert done.returncode == code
    assert shown in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="sizes of pipes")
@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.thorough)])
def test_stdout_takes_nothing_more_halfway(world: World, unbuffered: str) -> None:
    """An apply that cannot tell what it does stops, and the next one goes on from there."""
    names = [f"a{at:03}" for at in range(150)]
    world.write({"specs/a.yaml": {"assistants": {name: {"model": "m"} for name in names}}})
    world.ok("plan", "--out", "plan.json")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # nobody reads, so that it is full some time:
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 17)  # the plan goes in, and some events
    done = started(world, "apply plan.json -y --json", out=writing, unbuffered=unbuffered)
    os.close(writing)
    os.close(reading)
    assert done.returncode == 1
    assert done.stderr.startswith("error: Results lost\n") and done.stderr.count("\n") == 3
    assert "hint: its reader is too slow for a pipe that does not wait" in done.stderr
    made = len(world.listed("/assistants"))
    assert 0 < made < len(names)
    world.apply()
    assert sorted(one["name"] for one in world.listed("/assistants")) == names
