"""The branch that holds locks: looked at, and moved only from where it was seen."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from provisioner.errors import LockError
from provisioner.lock.git_command import GIVEN_UP, Done, Git, failure
from provisioner.lock.git_leftovers import cleared
from provisioner.lock.git_objects import Contents, Snapshot, commit, snapshot
from provisioner.model import Problem

Decide = Callable[[Contents], Contents]
"""What the lock shall have, given what it has. Asked again whenever somebody else was faster, so that it has to look at
what it is given; raises LockError when the answer is not to write."""

_RACES = 100  # times that somebody else may be faster in one go
_UNTRACKED = "provisioner.untracked"  # what the remote is called in a push
_TROUBLES = 4  # failures in one go that may pass by themselves
_NO_BRANCH = re.compile(r"couldn't find remote ref", re.I)
_CONTENDED = re.compile(r"cannot lock ref|unable to create .*\.lock|reference already exists", re.I | re.S)
_FINAL = re.compile(r"declined|denied|protected|forbidden|unauthori[sz]ed|authentication|\b40[13]\b|not allowed", re.I)


class Branch:
    """One lock's part of a branch: that of a remote, or, in a repository without remotes, its own."""

    def __init__(self, git: Git, name: str, path: str, remote: str = "origin") -> None:
        self._git = git
        self._name = name
        self._path = path
        self._wanted_remote = remote
        self._remote_known = False
        self._remote: str | None = None

    @property
    def remote(self) -> str | None:
        """The remote that has the branch: the wanted one, the only one, or none at all."""
        if not self._remote_known:
            self._remote = self._choose()
            self._remote_known = True
            self._git.durable = self._remote is None
            self._git.pushing = self._untracked()
        return self._remote

    def look(self) -> Snapshot:
        """The branch as it is now: one fetch (where there is a remote) and one `git cat-file`."""
        with self._git.step():
            remote = self.remote
            if remote is None:
                return snapshot(self._git, f"refs/heads/{self._name}", self._name, self._path)
            if not self._fetch(remote, self._mine):
                return Snapshot()
            return snapshot(self._git, self._mine, self._name, self._path)

    @property
    def _mine(self) -> str:
        """Our copy of a remote's branch; never a branch, nor a remote-tracking one, of the user's."""
        return f"refs/provisioner/{self.remote}/{self._name}"

    def update(self, seen: Snapshot | None, decide: Decide, message: str) -> Snapshot:
        """Bring the branch to what `decide` says, by compare-and-swap: if it is not where it was seen, it is looked at
        and decided upon again. `seen` spares the first look. A push whose reply was lost is found to be done; where
        the remote does not answer in time, nobody knows, and nothing more is tried."""
        with self._git.step():
            return self._update(seen or self.look(), decide, message)

    def _update(self, at: Snapshot, decide: Decide, message: str) -> Snapshot:
        troubles = 0
        for race in range(_RACES):
            wanted = decide(at.contents)
            if wanted == at.contents:
                return at
            made = commit(self._git, at, wanted, self._path, message)
            problem = self._move(made, at)
            if problem is None:
                return made
            now = self.look()
            if now.commit == at.commit:
                troubles += 1
                if troubles == _TROUBLES or _FINAL.search(problem.detail):
                    raise LockError(problem)
            _pause(troubles or min(race, 3))
            at = now
        raise LockError(self._crowded())

    def _move(self, made: Snapshot, before: Snapshot) -> Problem | None:
        """Move the branch to a new commit, if it still is where it was; otherwise say what git says."""
        assert made.commit
        ref = f"refs/heads/{self._name}"
        if self.remote is None:
            self._check_free(ref)
            old = before.commit or "0" * len(made.commit)
            done = self._insist("update-ref", "-m", "provisioner", ref, made.commit, old)
            what = "git update-ref"
        else:
            # A plain push moves a branch forward only, and the server only from where this push has seen it.
            options = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
            done = self._insist("push", *options, _UNTRACKED, f"{made.commit}:{ref}")
            what = f"git push {self.remote} {self._name}"
        problem = failure(what, _words(done), self._git.folder) if done.code else None
        if problem and done.code == GIVEN_UP:
            raise LockError(problem)
        return problem

    def _untracked(self) -> list[tuple[str, str]]:
        """The settings of the same remote under a name without remote-tracking branches: a push would move the user's,
        and if it were killed then, his own fetches would stumble over the lock file that it leaves."""
        own = f"remote.{self._remote}."
        told = ((key.removeprefix(own), value) for key, value in self._git.entries if key.startswith(own))
        return [(f"remote.{_UNTRACKED}.{key}", value) for key, value in told if key not in ("fetch", "mirror")]

    def _insist(self, *words: str) -> Done:
        """Run a command, once more if what stopped it was the leftover of a git that was killed."""
        done = self._git.run(*words)
        if done.code and cleared(_words(done), (self._mine, f"refs/heads/{self._name}"), self._repositories()):
            return self._git.run(*words)
        return done

    def _repositories(self) -> Iterator[Path]:
        """Where git keeps its files: those of this clone, and those of a remote that is a folder of this machine."""
        yield self._git.folder / self._git.ask("rev-parse", "--git-common-dir")
        if self.remote is not None:
            url = self._git.ask("remote", "get-url", "--push", self.remote)
            top = self._git.run("rev-parse", "--show-toplevel").out.decode(errors="surrogateescape").strip()
            remote = Path(top, url.removeprefix("file://"))
            yield from (remote, remote / ".git")

    def _fetch(self, remote: str, mine: str) -> bool:
        """Bring our copy of the branch up to date; False when the remote has no such branch."""
        options = (
            "--no-tags",
            "--no-write-fetch-head",
            "--recurse-submodules=no",
            "--refmap=",
            "--no-prune",
            "--quiet",
        )
        for attempt in range(1, _TROUBLES * 2):
            done = self._insist("fetch", *options, remote, f"+refs/heads/{self._name}:{mine}")
            if done.code == 0:
                return True
            if _NO_BRANCH.search(done.err):
                return False
            # Another command of this clone fetches too, or an interrupt at the terminal has hit git as well.
            if not (_CONTENDED.search(done.err) or done.code in (-2, -15)):
                break
            _pause(min(attempt, 3))
        raise LockError(failure(f"git fetch {remote} {self._name}", done.err, self._git.folder))

    def _check_free(self, ref: str) -> None:
        """Moving a branch that is checked out somewhere would change that checkout behind its owner's back."""
        place = self._git.ask("for-each-ref", "--format=%(worktreepath)", ref)
        if place or self._git.run("symbolic-ref", "--quiet", "HEAD").out.decode().strip() == ref:
            detail = f"The branch `{self._name}` holds the lock, and is checked out at `{place or self._git.folder}`."
            raise LockError(Problem("Branch is checked out", detail, "check out another branch there"))

    def _choose(self) -> str | None:
        keys = [key for key in self._git.config if key.startswith("remote.") and key.endswith(("url", "pushurl"))]
        remotes = sorted({key.removeprefix("remote.").rpartition(".")[0] for key in keys})
        if self._wanted_remote in remotes:
            return self._wanted_remote
        if len(remotes) > 1:
            listed = ", ".join(f"`{name}`" for name in remotes)
            detail = f"The lock is on a branch of the remote `{self._wanted_remote}`; this repository has {listed}."
            hint = f"call the right one so: `git remote rename {remotes[0]} {self._wanted_remote}`"
            raise LockError(Problem("Unknown remote", detail, hint))
        return remotes[0] if remotes else None

    def _crowded(self) -> Problem:
        detail = f"Somebody else was faster {_RACES} times in a row on the branch `{self._name}`."
        return Problem("Lock is busy", detail, "try again; give each busy environment a branch of its own")


def _words(done: Done) -> str:
    """What a push says: the fate of the branch stands on stdout."""
    lines = [line.split("\t")[-1] for line in done.out.decode(errors="replace").splitlines() if line.startswith("!")]
    return "\n".join([*lines, done.err])


def _pause(step: int) -> None:
    """Let the others finish: up to 0.1, 0.2, 0.4 … seconds."""
    time.sleep(0.05 * 2**step * (0.5 + os.urandom(1)[0] / 510))
