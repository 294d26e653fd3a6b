"""How git is run: in which surroundings, with which settings, and for how long."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from provisioner.errors import LockError
from provisioner.lock import git_command
from provisioner.lock.git_command import Git, failure

from .repositories import git as plain_git

INHERITED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
)
ASKING = ("GIT_TERMINAL_PROMPT", "GIT_SSH_COMMAND")
NAMES = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which nothing is set, and no settings around it."""
    for name in (*INHERITED, *ASKING, *NAMES, "GIT_SSH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    repository = tmp_path / "repository"
    repository.mkdir()
    plain_git(repository, "init", "--quiet")
    return repository


class Terminal:
    def __init__(self, there: bool) -> None:
        self.there = there

    def isatty(self) -> bool:
        return self.there


@pytest.mark.parametrize("stdin", [None, Terminal(False), Terminal(True)])
def test_questions(folder: Path, monkeypatch: pytest.MonkeyPatch, stdin: Terminal | None) -> None:
    """Git and ssh ask only where somebody can answer."""
    monkeypatch.setattr(sys, "stdin", stdin)
    env = Git(folder).environment
    asks = stdin is not None and stdin.there
    assert [env.get(name) for name in ASKING] == (
        [None, None] if asks else ["0", "ssh -o BatchMode=yes"]
    )


@pytest.mark.parametrize("variable", ["GIT_SSH", "GIT_SSH_COMMAND"])
def test_an_ssh_of_the_users_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Whoever has said how to reach a host is believed."""
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setenv(variable, "mine")
    env = Git(folder).environment
    assert env[variable] == "mine"
    assert {name for name in ("GIT_SSH", "GIT_SSH_COMMAND") if name in env} == {variable}


def test_an_ssh_in_the_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where git has been told."""
    monkeypatch.setattr(sys, "stdin", None)
    plain_git(folder, "config", "core.sshCommand", "mine")
    assert "GIT_SSH_COMMAND" not in Git(folder).environment


def test_surroundings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are in one language, nothing of another repository is inherited, everything
    else is.
    """
    for name in INHERITED:
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    git = Git(folder)
    env = git.environment
    assert not env.keys() & set(INHERITED)
    assert (env["LC_ALL"], env["LANGUAGE"], env["GIT_OPTIONAL_LOCKS"], env["HTTPS_PROXY"]) == (
        "C",
        "",
        "0",
        "http://proxy",
    )
    assert git.ask("rev-parse", "--show-toplevel") == str(folder.resolve())


def test_names_for_commits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours where nobody has given one, in the settings or around."""
    ours = {
        **dict.fromkeys(NAMES[::2], "provisioner"),
        **dict.fromkeys(NAMES[1::2], "provisioner@localhost"),
    }
    assert {name: Git(folder).environment.get(name) for name in NAMES} == ours
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    assert Git(folder).environment["GIT_AUTHOR_NAME"] == "Ada"
    assert Git(folder).environment["GIT_COMMITTER_NAME"] == "provisioner"
    plain_git(folder, "config", "user.email", "ada@example.org")
    assert "GIT_COMMITTER_EMAIL" not in Git(folder).environment
    assert Git(folder).environment["GIT_COMMITTER_NAME"] == "provisioner"


def test_settings(folder: Path) -> None:
    """Neither hooks nor clean-ups; everything on the disk where it has to be; a push has settings
    of its own.
    """
    git = Git(folder)
    first = git.command(("push", "origin"))
    assert first[:3] == ["git", "-C", str(folder)] and first[-2:] == ["push", "origin"]
    assert {f"core.hooksPath={os.devnull}", "gc.auto=0", "maintenance.auto=false"} <= {*first}
    assert "core.fsync=all" not in first
    git.durable, git.pushing = True, [("remote.x.url", "there")]
    assert "core.fsync=all" in git.command(("push",)) and "remote.x.url=there" in git.command(
        ("push",)
    )
    assert "remote.x.url=there" not in git.command(("fetch",))


def test_what_git_is_set_to(folder: Path) -> None:
    """Of a setting that is there twice the last one counts; other settings are not looked at; names
    may be anything.
    """
    plain_git(folder, "config", "remote.origin.url", "one")
    plain_git(folder, "config", "--add", "remote.origin.url", "two")
    plain_git(folder, "config", "user.name", "Ada")
    plain_git(folder, "config", "color.ui", "never")
    with (folder / ".git/config").open("ab") as file:
        file.write(b'[remote "x"]\n\turl = /\xff/there\n')
    git = Git(folder)
    assert git.config == {
        "remote.origin.url": "two",
        "remote.x.url": "/\udcff/there",
        "user.name": "Ada",
    }
    assert [value for key, value in git.entries if key == "remote.origin.url"] == ["one", "two"]


def test_no_settings_outside_of_a_repository(tmp_path: Path, folder: Path) -> None:
    """Where there is no repository, nothing is set."""
    assert Git(tmp_path).entries == []


def test_git_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that does not end is given up, and reported like any other failure."""
    monkeypatch.setattr(git_command, "SECONDS", 0.2)
    done = Git(folder).run("-c", "alias.slow=!sleep 20", "slow")
    assert (done.code, done.out, done.err) == (-1, b"", "fatal: no answer within 0 seconds")


def test_what_git_prints(folder: Path) -> None:
    """What a command prints is given as it is, what it is asked without the end of its line; a
    failure in its words.
    """
    git = Git(folder)
    oid = hashlib.sha1(b"blob 1\0x").hexdigest()
    assert git.run("hash-object", "--stdin", input=b"x").out == f"{oid}\n".encode()
    assert git.ask("hash-object", "--stdin", input=b"x") == oid
    with pytest.raises(LockError) as failed:
        git.ask("rev-parse", "--verify", "nothing")
    (problem,) = failed.value.problems
    assert problem.summary == "Git has failed"
    assert problem.detail == "`git rev-parse` says: fatal: Needed a single revision"
    assert f"`git -C {folder} fetch`" in (problem.hint or "")


@pytest.mark.parametrize(
    ("err", "summary", "words"),
    [
        (
            "fatal: not a git repository (or any of the parents)",
            "No git repository",
            "is in no git repository",
        ),
        (
            "error: Unable to create '/x/y.lock': File exists.",
            "Git is locked",
            "the lock file `/x/y.lock`",
        ),
        ("fatal: no", "Git has failed", "`git push` says: fatal: no"),
        ("", "Git has failed", "`git push` says: nothing"),
        ("hint: try again\n\n", "Git has failed", "`git push` says: nothing"),
    ],
)
def test_failures(tmp_path: Path, err: str, summary: str, words: str) -> None:
    """What stands in the way is reported with the way out."""
    problem = failure("git push", err, tmp_path)
    assert problem.summary == summary and words in problem.detail and problem.hint
