"""Git killed at its work: the lock files that it leaves behind stop nobody for long, and nobody
else's are removed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from provisioner.lock import git_command
from tests.crash.instants import ALL, Before
from tests.crash.outcome import outcome
from tests.crash.workspace import EVERYWHERE, GIT_LOCK
from tests.lock.repositories import NAMES, clone, git, remote
from tests.support.world import World

ROOT = Path(__file__).parents[2]
REF = "provisioner-locks"
PUSHES = 12  # that such an apply makes at least
LEFT = [
    "remote.git/refs/heads",
    "desk/.git/refs/provisioner/origin",
    "desk/.git/refs/remotes/origin",
]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a fresh machine, without anybody's settings."""
    for key, value in NAMES.items():
        monkeypatch.setenv(key, value)


@pytest.fixture
def small(world: World, tmp_path: Path) -> World:
    """A clone of a repository beside it, with one assistant and its lock on a branch."""
    remote(tmp_path)
    world.root = clone(tmp_path / "remote.git", tmp_path / "desk")
    world.write(
        {
            "provisioner.yaml": {
                "workspace": "w",
                "environments": {"local": {"service": "local", "lock": GIT_LOCK}},
            },
            "specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o"}}},
        }
    )
    world.apply()
    world.write(
        {
            "specs/all.yaml": {
                "assistants": {"a": {"model": "gpt-4o-mini"}, "b": {"model": "gpt-4o"}}
            }
        }
    )
    return world


def leave(path: Path, age: float) -> Path:
    """The lock file of a git that was killed so many seconds ago; as long as it is there, git moves
    no such ref.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time.time() - age, time.time() - age))
    folder, _, name = path.as_posix().removesuffix(".lock").partition("/refs/")
    command = ["git", "--git-dir", folder, "symbolic-ref", f"refs/{name}", "refs/heads/nowhere"]
    moved = subprocess.run(command, capture_output=True, text=True)
    assert moved.returncode and "File exists" in moved.stderr
    return path


@pytest.mark.parametrize(
    "folder", [LEFT[0], *(pytest.param(folder, marks=pytest.mark.thorough) for folder in LEFT[1:])]
)
def test_what_git_left_long_ago(small: World, folder: str) -> None:
    """The next apply goes on unaided, and does not even wait."""
    left = leave(small.root.parent / folder / f"{REF}.lock", 60)
    began = time.monotonic()
    small.apply()
    assert time.monotonic() - began < git_command.STALE
    # Nothing of ours ever touches the user's remote-tracking branches.
    assert left.exists() == ("remotes" in folder)


@pytest.mark.thorough
def test_without_a_remote(world: World, tmp_path: Path) -> None:
    """The same in a repository of its own."""
    git(tmp_path, "init", "-q", "-b", "main")
    environment = {"service": "local", "lock": GIT_LOCK}
    world.write({"provisioner.yaml": {"workspace": "w", "environments": {"local": environment}}})
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o"}}}})
    leave(tmp_path / f".git/refs/heads/{REF}.lock", 60)
    world.apply()


@pytest.mark.thorough
def test_what_git_left_just_now(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may still be in use, and is waited for until it is certain that it is not."""
    monkeypatch.setattr(git_command, "STALE", 1.0)
    left = leave(small.root.parent / f"remote.git/refs/heads/{REF}.lock", 0)
    began = time.monotonic()
    small.apply()
    assert time.monotonic() - began > 0.8 and not left.exists()


def test_one_that_goes_away(small: World) -> None:
    """A git that is only slow keeps its lock file until it is done with it; then the apply goes on
    at once.
    """
    left = leave(small.root.parent / f"remote.git/refs/heads/{REF}.lock", 0)
    done = threading.Timer(0.5, left.unlink)
    done.start()
    began = time.monotonic()
    small.apply()
    assert 0.4 < time.monotonic() - began < git_command.STALE
    done.join()


@pytest.mark.thorough
def test_on_a_server(small: World, tmp_path: Path) -> None:
    """What lies on another machine is named with the remedy, and never looked for on this one."""
    left = leave(tmp_path / f"remote.git/refs/heads/{REF}.lock", 60)
    script = tmp_path / "ssh"
    script.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    script.chmod(0o755)
    git(small.root, "remote", "set-url", "origin", f"ssh://git@host.example{tmp_path}/remote.git")
    git(small.root, "config", "core.sshCommand", str(script))
    refused = small.ok("apply", "-y", code=1)
    assert "Git is locked" in refused.err and f"refs/heads/{REF}.lock" in refused.err
    assert "if no git is running in that repository any more, remove the file" in refused.err
    assert left.exists()
    left.unlink()
    small.apply()


@pytest.mark.thorough
@pytest.mark.parametrize("before", EVERYWHERE[-2:] if ALL else EVERYWHERE[-1:], indirect=True)
def test_killed_with_all_its_gits(before: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kill -9` of an apply and of every git that it runs, amid its pushes: the next one leaves
    what an undisturbed one leaves.
    """
    monkeypatch.setattr(git_command, "STALE", 0.3)
    world = before.world
    world.ok("apply", "-y", "--force")
    wanted = outcome(world)
    for pushes in before.each(PUSHES, 1, 5):
        killed(world, pushes)
        world.ok("apply", "-y", "--force")
        world.settled()
        git(world.root, "fsck", "--strict")
        assert outcome(world) == wanted, f"killed after {pushes} pushes"


def killed(world: World, pushes: int) -> None:
    """Start an apply, and kill it with its children when it has moved the branch so often."""
    branch = world.root.parent / f"remote.git/refs/heads/{REF}"
    seen = {branch.read_text()}
    process = subprocess.Popen(
        [sys.executable, "-m", "provisioner", "-C", str(world.root), "apply", "-y", "--force"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while len(seen) <= pushes and process.poll() is None:
        seen.add(branch.read_text())
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL and len(seen) > pushes
