"""Paths on a command line that cannot be used: a problem that names them, whatever is wrong with
them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import run

LONG = "a" * 5000
COMMANDS = [
    "init {}",
    "schema --write {}",
    "plan --out {}",
    "apply -y {}",
    "show {}",
    "fmt {}",
    "-C {} plan",
    "plan -C {}",
    "local serve --port 0 --data {}",
    "local serve --port 0 --faults {}",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", [LONG, f"x/{LONG}/y", "f.txt/x", f"f.txt/{LONG}"])
def test_a_path_that_the_disk_refuses_is_a_problem(tmp_path: Path, command: str, path: str) -> None:
    """A name that is too long, or one below something that is not a folder, is not a bug of ours."""
    (tmp_path / "f.txt").write_text("{}")
    ran = run(tmp_path, *command.format(path).split())
    assert ran.code == 1 and ran.err.count("error:") == 1, ran.err
    assert "bug" not in ran.err and "Traceback" not in ran.err
    assert (tmp_path / "f.txt").read_text() == "{}"
    assert {found.name for found in tmp_path.iterdir()} <= {"f.txt", ".provisioner"}


@pytest.mark.parametrize(
    "command",
    [
        "init f.txt",
        "schema --write f.txt",
        "init f.txt/x",
        "schema --write f.txt/x/y",
        "local serve --port 0 --data f.txt",
    ],
)
def test_a_file_is_no_folder_to_write_into(tmp_path: Path, command: str) -> None:
    """What stands in the way is named and stays as it is."""
    (tmp_path / "f.txt").write_text("mine")
    ran = run(tmp_path, *command.split())
    assert ran.code == 1 and "Not a folder" in ran.err and "f.txt` is not a folder" in ran.err
    assert (tmp_path / "f.txt").read_text() == "mine"


def test_a_long_path_is_not_said_in_full(tmp_path: Path) -> None:
    """Nobody reads five thousand letters."""
    assert len(run(tmp_path, "init", LONG).err) < 500


def limited(folder: Path, words: str, size: int) -> subprocess.CompletedProcess[str]:
    """A command that may write no file of more bytes than that."""
    return subprocess.run(
        [sys.executable, "-m", "provisioner", *words.split()],
        cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        check=False,
        text=True,
    )


LIMIT = "hint: files may not grow that large here (`ulimit -f`)"


def test_a_spec_that_may_not_grow_so_large(tmp_path: Path) -> None:
    """Where a file cannot be written the remedy is that of the cause, and the old one is still
    there.
    """
    (tmp_path / "specs").mkdir()
    spec = tmp_path / "specs" / "a.yaml"
    spec.write_text(f"assistants:\n    a: {{model:   m, description: {'x' * 200}}}\n")
    before = spec.read_text()
    done = limited(tmp_path, "fmt", 100)
    assert done.returncode == 1
    assert "`specs/a.yaml` cannot be written: File too large." in done.stderr
    assert LIMIT in done.stderr
    assert spec.read_text() == before


def test_a_file_of_a_command_line_that_may_not_grow_so_large(tmp_path: Path) -> None:
    """It is named, not one beside it that would have become it, and nothing of it is left."""
    done = limited(tmp_path, "schema --write made", 2000)
    assert done.returncode == 1
    assert "made/spec.schema.json` cannot be used: file too large." in done.stderr
    assert LIMIT in done.stderr
    assert not any(path.suffix == ".tmp" for path in (tmp_path / "made").iterdir())


def test_a_workspace_that_does_not_come_about(tmp_path: Path) -> None:
    """`init` writes all of it or nothing, so that it can be run again; what was there stays."""
    (tmp_path / "new" / "specs").mkdir(parents=True)
    (tmp_path / "new" / "mine.txt").write_text("mine")
    done = limited(tmp_path, "init new", 20_000)
    assert done.returncode == 1 and LIMIT in done.stderr
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert found == ["new", "new/mine.txt", "new/specs"]
    assert run(tmp_path, "init", "new").code == 0


def test_an_embedded_service_without_room(tmp_path: Path) -> None:
    """What its database cannot do is said with what the disk has against it."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.yaml").write_text("assistants:\n  a: {model: m}\n")
    done = limited(tmp_path, "plan", 1000)
    assert done.returncode == 1 and LIMIT in done.stderr
    assert not list(tmp_path.rglob("*.room"))


def test_a_reset_that_was_stopped(tmp_path: Path) -> None:
    """The data go at once, so that no lock is without its objects; what is left is removed later."""
    data = tmp_path / ".provisioner" / "local"
    for names in (["local", "local.removed"], ["local.removed"], ["local"]):
        for name in names:
            (data.parent / name).mkdir(parents=True)
            (data.parent / name / "lock.json").write_text("{}")
        assert run(tmp_path, "local", "reset", "-y").err == "Removed .provisioner/local/.\n"
        assert list(data.parent.iterdir()) == []
    assert run(tmp_path, "local", "reset").err == "There is no .provisioner/local/.\n"


@pytest.mark.thorough
def test_the_disk_of_the_embedded_service(tmp_path: Path) -> None:
    """What it cannot keep is refused in its own words, each time; the next apply goes on."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "large.md").write_text("word " * 500_000)
    (tmp_path / "docs" / "small.md").write_text("word")
    (tmp_path / "specs" / "a.yaml").write_text("vector_stores: {kb: {files: [docs/*.md]}}\n")
    done = limited(tmp_path, "apply -y", 1_000_000)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "bug" not in done.stderr
    assert "The disk of this service: File too large; it is not known" in done.stderr
    assert done.stderr.count("The disk of the service: File too large\n") == 1
    assert run(tmp_path, "apply", "-y").code == 0
    assert run(tmp_path, "plan").out.startswith("No changes.")
