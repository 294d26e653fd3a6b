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


def test_a_file_that_may_not_grow_so_large(tmp_path: Path) -> None:
    """Where a file cannot be written the remedy is that of the cause, and the old one is still
    there.
    """
    (tmp_path / "specs").mkdir()
    spec = tmp_path / "specs" / "a.yaml"
    spec.write_text(f"assistants:\n    a: {{model:   m, description: {'x' * 200}}}\n")
    before = spec.read_text()
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "fmt"],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert "`specs/a.yaml` cannot be written: File too large." in done.stderr
    assert "hint: files may not grow that large here (`ulimit -f`)" in done.stderr
    assert spec.read_text() == before
