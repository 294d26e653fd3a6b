"""Real repositories for the tests: a bare remote, clones of it, and what git says of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NAMES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(folder: Path, *words: str, input: str | None = None) -> str:
    """What a git command that must succeed prints."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(folder), *_AUTHOR, *words],
        input=input,
        capture_output=True,
        text=True,
        env={**env, **NAMES},
        check=False,
    )
    assert done.returncode == 0, f"git {words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def remote(folder: Path, name: str = "remote.git") -> Path:
    """A bare repository with one commit on `main`."""
    bare, first = folder / name, folder / f"first-{name}"
    git(folder, "init", "-q", "--bare", "-b", "main", str(bare))
    git(folder, "init", "-q", "-b", "main", str(first))
    (first / "README.md").write_text("# Work\n")
    git(first, "add", ".")
    git(first, "commit", "-q", "-m", "first")
    git(first, "push", "-q", str(bare), "main")
    return bare


def clone(bare: Path | str, folder: Path, *options: str) -> Path:
    git(folder.parent, "clone", "-q", *options, str(bare), str(folder))
    return folder


def everything(folder: Path) -> tuple[str, ...]:
    """All that must not change in somebody's clone: HEAD, his refs, the index and the files."""
    refs = git(folder, "for-each-ref", "refs/heads", "refs/tags", "refs/stash")
    status = git(folder, "status", "--porcelain", "--branch")
    own = folder / ".git"
    return (
        (own / "HEAD").read_text(),
        git(folder, "rev-parse", "HEAD"),
        refs,
        status,
        git(folder, "ls-files", "--stage", "--debug"),
        git(folder, "config", "--local", "--list"),
        str(
            sorted(
                path.name for path in own.iterdir() if path.name not in ("objects", "refs", "logs")
            )
        ),
    )
