"""Running git: its surroundings, its time limit, and its own words when it fails."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from provisioner import interrupts
from provisioner.errors import LockError
from provisioner.masking import without_secrets
from provisioner.model import Problem

# that git may take for one step of ours, with all its tries; a host that does not answer is given
# up by then
SECONDS = 120.0
AGAIN = 10.0  # the same for every step after one that was given up

# The hooks of this clone have nothing to do with a lock, nor has a clean-up in the middle of an
# apply.
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.filesRefLockTimeout": "2000",
}
# A command started by a git hook inherits where that git works; the lock is in the workspace's own
# repository.
_INHERITED = (
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
_NOISE = re.compile(r"^(hint: .*|To \S+|From \S+|Done|\d\d:\d\d:\d\d\.\d+ .*|\s*)$")


_GLANCE = 0.5  # seconds between two checks whether somebody has interrupted
GIVEN_UP = -1  # the code of a command that did not end in time


class Done(NamedTuple):
    """What a git command left."""

    code: int
    out: bytes
    err: str


class Git:
    """Git in one folder, wherever in a repository that is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.durable = False  # whether what is written has to be on the disk when a command ends
        self.pushing: Sequence[tuple[str, str]] = ()  # settings of a push
        self.silent = False  # whether a command was given up
        self._until: float | None = None  # when the step that is under way is given up

    @contextmanager
    def step(self) -> Iterator[None]:
        """All commands inside together take no longer than one may."""
        outer = self._until
        self._until = outer or time.monotonic() + self._patience
        try:
            yield
        finally:
            self._until = outer

    @property
    def _patience(self) -> float:
        return AGAIN if self.silent else SECONDS

    def run(self, *words: str, input: bytes = b"") -> Done:
        """Run a command to its end. LockError when there is no git, or when it does not come to
        one.
        """
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                self.command(words), stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment
            )
        except OSError as error:
            raise LockError(git_missing(error)) from error
        with process:
            out, err = self._ended(process, input)
        if out is None:
            self.silent = True
            return Done(GIVEN_UP, b"", err.decode())
        return Done(process.returncode, out, err.decode(errors="replace"))

    def _ended(
        self, process: subprocess.Popen[bytes], input: bytes | None
    ) -> tuple[bytes | None, bytes]:
        """What a command prints; None with the reason where it is given up, which an interrupt
        makes sooner.
        """
        patience, began = self._patience, time.monotonic()
        until = began + patience if self._until is None else max(self._until, began)
        while True:
            if interrupts.came():
                until = min(until, began + AGAIN)
            try:
                return process.communicate(
                    input, timeout=max(min(until - time.monotonic(), _GLANCE), 0.0)
                )
            except subprocess.TimeoutExpired:
                input = None  # it is on its way
                if time.monotonic() >= until:
                    process.kill()
                    process.wait()  # not for what it has started, which may hold the pipes
                    return None, f"fatal: no answer within {patience:.0f} seconds".encode()

    def ask(self, *words: str, input: bytes = b"") -> str:
        """What a command that must succeed prints, stripped."""
        done = self.run(*words, input=input)
        if done.code:
            raise LockError(failure(f"git {words[0]}", done.err, self.folder))
        return done.out.decode(errors="surrogateescape").strip()

    def command(self, words: tuple[str, ...]) -> list[str]:
        # What has been pushed is the remote's to keep; what has not must survive a power cut here.
        wanted = {**_SETTINGS, "core.fsync": "all"} if self.durable else _SETTINGS
        pairs = (*wanted.items(), *(self.pushing if words[0] == "push" else ()))
        settings = [word for key, value in pairs for word in ("-c", f"{key}={value}")]
        return ["git", "-C", str(self.folder), *settings, *words]

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of every command: its messages in one language, questions only where
        somebody can answer, and a name for the commits where nobody has given one.
        """
        env = {key: value for key, value in os.environ.items() if key not in _INHERITED}
        env.update(LC_ALL="C", LANGUAGE="", GIT_OPTIONAL_LOCKS="0")
        if not (sys.stdin and sys.stdin.isatty()):
            env["GIT_TERMINAL_PROMPT"] = "0"
            if (
                not {"GIT_SSH", "GIT_SSH_COMMAND"} & env.keys()
                and "core.sshcommand" not in self.config
            ):
                env["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
        fallbacks = {
            "user.name": ("NAME", "provisioner"),
            "user.email": ("EMAIL", "provisioner@localhost"),
        }
        for key, (what, value) in fallbacks.items():
            if key not in self.config:
                env.setdefault(f"GIT_AUTHOR_{what}", value)
                env.setdefault(f"GIT_COMMITTER_{what}", value)
        return env

    @cached_property
    def config(self) -> Mapping[str, str]:
        """What git is set to, as far as it matters here; of a setting that is there twice the last
        one.
        """
        return dict(self.entries)

    @cached_property
    def entries(self) -> Sequence[tuple[str, str]]:
        """Every setting of remotes, names and ssh, in git's order. Empty where there is no
        repository.
        """
        pattern = r"^(remote\..*\..*|user\.(name|email)|core\.sshcommand)$"
        env = {key: value for key, value in os.environ.items() if key not in _INHERITED}
        command = self.command(("config", "-z", "--get-regexp", pattern))
        try:
            done = subprocess.run(
                command, capture_output=True, env=env, stdin=subprocess.DEVNULL, check=False
            )
        except OSError as error:
            raise LockError(git_missing(error)) from error
        entries = (
            entry.partition("\n")
            for entry in done.stdout.decode(errors="surrogateescape").split("\0")
        )
        return [(key, value) for key, _, value in entries if key]


def git_missing(error: OSError) -> Problem:
    """Git itself cannot be started."""
    return Problem(
        "Git is missing",
        "The lock is kept on a git branch, and `git` cannot be started:"
        f" {error.strerror or error}.",
        "install git, or keep the lock in a file: `lock: locks/prod.lock.json`",
    )


def failure(what: str, err: str, folder: Path) -> Problem:
    """A command that failed, in git's own words."""
    if "fatal: not a git repository" in err:
        return Problem(
            "No git repository",
            f"The lock is kept on a git branch, and `{folder}` is in no git repository.",
            "run `git init` there, work in a clone, or keep the lock in a file: `lock:"
            " locks/prod.lock.json`",
        )
    stuck = in_the_way(err)
    if stuck:
        return Problem(
            "Git is locked",
            f"`{what}` has found the lock file `{stuck}`: another git is at work there, or was"
            " killed there.",
            "wait for it; if no git is running in that repository any more, remove the file",
        )
    return Problem(
        "Git has failed",
        f"`{what}` says: {scrubbed(err) or 'nothing'}",
        f"try it by hand: `git -C {shlex.quote(str(folder))} fetch`; git needs the right to read"
        " and push the branch",
    )


def scrubbed(err: str) -> str:
    """Git's words without advice, traces and credentials, on one line."""
    lines = [line.strip() for line in err.splitlines() if not _NOISE.match(line)]
    return without_secrets("; ".join(lines))[:1000]


STALE = 10.0  # seconds; git has such a file for milliseconds while it moves a ref
_LOOK = 0.1  # seconds between two looks at one that may still be in use
_IN_THE_WAY = re.compile(r"Unable to create '([^'\n]+\.lock)': File exists")


def in_the_way(said: str) -> str | None:
    """The lock file that git names as the reason why it could not go on."""
    match = _IN_THE_WAY.search(said)
    return match[1] if match else None


def cleared(said: str, refs: Iterable[str], repositories: Iterable[Path]) -> bool:
    """Whether the lock file that git stumbled over is gone now. Only that of one of these refs in
    one of these repositories, which must be on this machine, is waited for, and removed when nobody
    can be using it any more.
    """
    named = in_the_way(said)
    if named is None:
        return False
    path = Path(named).resolve()
    return path in {
        folder.resolve() / f"{ref}.lock" for folder in repositories for ref in refs
    } and _waited_out(path)


def _waited_out(path: Path) -> bool:
    """A lock file in use goes away by itself at once; one that stays was left behind."""
    end = time.monotonic() + STALE + _LOOK  # whatever the clock of the file's disk says
    while True:
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return True
        if age > STALE or time.monotonic() > end:
            path.unlink(missing_ok=True)
            return True
        time.sleep(_LOOK)
