"""The branch that holds locks: its objects read and made, and the branch moved only from where it
was seen.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from provisioner.errors import LockError
from provisioner.lock.git_command import GIVEN_UP, Done, Git, cleared, failure, git_missing
from provisioner.model import Problem
from provisioner.records import dataclass

MARKER = ".provisioner-locks"
_ABOUT = b"""\
This branch holds locks of provisioner: what was last applied, and who is applying just now.
It is written by machine; merge it nowhere, and do not edit it by hand.
"""
_FILE, _FOLDER = "100644", "40000"


class _Item(NamedTuple):
    """One entry of a tree."""

    mode: str
    oid: str


_Tree = dict[str, _Item]


@dataclass(frozen=True, slots=True)
class LockFiles:
    """What one lock has on the branch. The journal is a folder: each group of lines is a file that
    never changes, so that the next one costs no more than the first.
    """

    lock: bytes | None = None
    lease: bytes | None = None
    journal: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def journal_text(self) -> str | None:
        if not self.journal:
            return None
        return b"".join(self.journal[name] for name in sorted(self.journal)).decode(
            errors="replace"
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The branch at one commit, as far as one lock is concerned."""

    commit: str | None = None  # None: there is no such branch yet
    contents: LockFiles = field(default_factory=LockFiles)
    trees: tuple[_Tree, ...] = ()  # the root, and each folder on the way to the lock
    segments: _Tree = field(default_factory=dict)  # the journal's folder


class Reader:
    """Objects by name or id, over one `git cat-file --batch`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def __enter__(self) -> Reader:
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                self._git.command(("cat-file", "--batch")),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env=self._git.environment,
            )
        except OSError as error:
            raise LockError(git_missing(error)) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def get(self, name: str) -> tuple[str, bytes] | None:
        """The id and the bytes of an object; None where there is none of that name."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(name.encode(errors="surrogateescape") + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._broken() from None
        head = self._process.stdout.readline().decode(errors="surrogateescape").rstrip("\n")
        if head.endswith(" missing"):
            return None
        oid, _, rest = head.partition(" ")
        size = rest.partition(" ")[2]
        if not size.isdigit():
            raise self._broken()
        data = self._process.stdout.read(int(size) + 1)[:-1]
        return oid, data

    def must(self, oid: str) -> bytes:
        item = self.get(oid)
        if item is None:
            problem = Problem(
                "Git has failed",
                f"The repository lacks its own object `{oid}`.",
                "look at `git fsck`",
            )
            raise LockError(problem)
        return item[1]

    def tree(self, oid: str) -> _Tree:
        """A folder. Its object is `MODE NAME`, a zero, and the id in half as many bytes, again and
        again.
        """
        data, width = self.must(oid), len(oid) // 2
        tree: _Tree = {}
        while data:
            head, _, rest = data.partition(b"\0")
            mode, _, name = head.decode(errors="surrogateescape").partition(" ")
            tree[name] = _Item(mode, rest[:width].hex())
            data = rest[width:]
        return tree

    def _broken(self) -> LockError:
        _, err = self._process.communicate()
        return LockError(failure("git cat-file", err.decode(errors="replace"), self._git.folder))


def snapshot(git: Git, ref: str, branch: str, path: str) -> Snapshot:
    """The branch that `ref` points to. LockError when it is not a branch of locks."""
    *folders, name = path.split("/")
    with Reader(git) as reader:
        found = reader.get(f"{ref}^{{commit}}")
        if found is None:
            return Snapshot()
        commit, text = found
        root = text.partition(b"\n")[0].removeprefix(b"tree ").decode()
        trees = [reader.tree(root)]
        if trees[0] and MARKER not in trees[0]:
            raise LockError(
                Problem(
                    "Not a lock branch",
                    f"The branch `{branch}` holds something else than locks (it has no"
                    f" `{MARKER}`), and is never written to.",
                    "name a branch of its own: `lock: {git: {branch: provisioner-locks, path: …}}`;"
                    " it is made at the first apply",
                )
            )
        for folder in folders:
            item = _typed(trees[-1], folder, _FOLDER, branch)
            trees.append(reader.tree(item.oid) if item else {})
        here = trees[-1]
        lock, lease = (_typed(here, key, _FILE, branch) for key in (name, f"{name}.lease"))
        journal = _typed(here, f"{name}.journal", _FOLDER, branch)
        segments = reader.tree(journal.oid) if journal else {}
        contents = LockFiles(
            reader.must(lock.oid) if lock else None,
            reader.must(lease.oid) if lease else None,
            {key: reader.must(item.oid) for key, item in segments.items()},
        )
    return Snapshot(commit, contents, tuple(trees), segments)


def commit(git: Git, before: Snapshot, *, wanted: LockFiles, path: str, message: str) -> Snapshot:
    """Make the commit after `before` that has the wanted contents. No branch is moved."""
    *folders, name = path.split("/")
    trees = list(before.trees) or [{} for _ in range(len(folders) + 1)]
    if MARKER not in trees[0]:
        trees[0] = {**trees[0], MARKER: _blob(git, _ABOUT)}
    segments = {
        key: before.segments[key] if before.contents.journal.get(key) == data else _blob(git, data)
        for key, data in wanted.journal.items()
    }
    here = dict(trees[-1])
    for key, old, new in (
        (name, before.contents.lock, wanted.lock),
        (f"{name}.lease", before.contents.lease, wanted.lease),
    ):
        if new != old:
            _put(here, key, None if new is None else _blob(git, new))
    if segments != before.segments:
        _put(here, f"{name}.journal", _tree(git, segments))
    trees[-1] = here
    for depth in range(len(folders), 0, -1):
        trees[depth - 1] = dict(trees[depth - 1])
        _put(trees[depth - 1], folders[depth - 1], _tree(git, trees[depth]))
    root = _tree(git, trees[0])
    assert root is not None  # the marker is in it
    parent = ("-p", before.commit) if before.commit else ()
    # Nothing is to be built for a commit of this branch, wherever somebody's pipelines look.
    made = git.ask("commit-tree", root.oid, *parent, "-m", message, "-m", "[skip ci]")
    return Snapshot(made, wanted, tuple(trees), segments)


def _put(tree: _Tree, name: str, item: _Item | None) -> None:
    if item is None:
        tree.pop(name, None)
    else:
        tree[name] = item


def _blob(git: Git, data: bytes) -> _Item:
    return _Item(_FILE, git.ask("hash-object", "-w", "--stdin", input=data))


def _tree(git: Git, tree: _Tree) -> _Item | None:
    """A folder; None where nothing is in it."""
    if not tree:
        return None
    types = {_FOLDER: "tree", "160000": "commit"}
    lines = [
        f"{item.mode} {types.get(item.mode, 'blob')} {item.oid}\t{name}"
        for name, item in tree.items()
    ]
    text = "".join(f"{line}\0" for line in lines).encode(errors="surrogateescape")
    return _Item(_FOLDER, git.ask("mktree", "-z", input=text))


def _typed(tree: _Tree, name: str, mode: str, branch: str) -> _Item | None:
    item = tree.get(name)
    if item is not None and (item.mode == _FOLDER) != (mode == _FOLDER):
        what = "a folder" if item.mode == _FOLDER else "a file"
        detail = f"`{name}` on the branch `{branch}` is {what}, and the lock's path says otherwise."
        raise LockError(Problem("Path is taken", detail, "name another `path` for the lock"))
    return item


Decide = Callable[[LockFiles], LockFiles]
"""What the lock shall have, given what it has. Asked again whenever somebody else was faster,
so that it has to look at what it is given; raises LockError when the answer is not to write."""

_RACES = 100  # times that somebody else may be faster in one go
_UNTRACKED = "provisioner.untracked"  # what the remote is called in a push
_TROUBLES = 4  # failures in one go that may pass by themselves
_NO_BRANCH = re.compile(r"couldn't find remote ref", re.I)
_CONTENDED = re.compile(
    r"cannot lock ref|unable to create .*\.lock|reference already exists", re.I | re.S
)
_FINAL = re.compile(
    r"declined|denied|protected|forbidden|unauthori[sz]ed|authentication|\b40[13]\b|not allowed",
    re.I,
)


class Branch:
    """One lock's part of a branch: that of a remote, or, in a repository without remotes,
    its own.
    """

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
            # The settings of the same remote under a name without remote-tracking branches: a
            # push would move the user's, and if it were killed then, his own fetches would
            # stumble over the lock file that it leaves.
            own = f"remote.{self._remote}."
            settings = (
                (key.removeprefix(own), value)
                for key, value in self._git.entries
                if key.startswith(own)
            )
            self._git.pushing = [
                (f"remote.{_UNTRACKED}.{key}", value)
                for key, value in settings
                if key not in ("fetch", "mirror")
            ]
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
        """Our copy of a remote's branch; never a branch, nor a remote-tracking one, of the
        user's.
        """
        return f"refs/provisioner/{self.remote}/{self._name}"

    def update(self, seen: Snapshot | None, decide: Decide, message: str) -> Snapshot:
        """Bring the branch to what `decide` says, by compare-and-swap: if it is not where it was
        seen, it is looked at and decided upon again. `seen` spares the first look. A push whose
        reply was lost is found to be done; where the remote does not answer in time, nobody knows,
        and nothing more is tried.
        """
        with self._git.step():
            at = seen or self.look()
            troubles = 0
            for race in range(_RACES):
                wanted = decide(at.contents)
                if wanted == at.contents:
                    return at
                made = commit(self._git, at, wanted=wanted, path=self._path, message=message)
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
            detail = (
                f"Somebody else was faster {_RACES} times in a row on the branch `{self._name}`."
            )
            hint = "try again; give each busy environment a branch of its own"
            raise LockError(Problem("Lock is busy", detail, hint))

    def _move(self, made: Snapshot, before: Snapshot) -> Problem | None:
        """Move the branch to a new commit, if it still is where it was; otherwise say what git
        says.
        """
        assert made.commit
        ref = f"refs/heads/{self._name}"
        if self.remote is None:
            # Moving a branch that is checked out somewhere would change that checkout behind
            # its owner's back.
            place = self._git.ask("for-each-ref", "--format=%(worktreepath)", ref)
            if (
                place
                or self._git.run("symbolic-ref", "--quiet", "HEAD").out.decode().strip() == ref
            ):
                detail = (
                    f"The branch `{self._name}` holds the lock, and is checked out at"
                    f" `{place or self._git.folder}`."
                )
                raise LockError(
                    Problem("Branch is checked out", detail, "check out another branch there")
                )
            old = before.commit or "0" * len(made.commit)
            done = self._insist("update-ref", "-m", "provisioner", ref, made.commit, old)
            what = "git update-ref"
        else:
            # A plain push moves a branch forward only, and the server only from where this push has
            # seen it.
            options = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
            done = self._insist("push", *options, _UNTRACKED, f"{made.commit}:{ref}")
            what = f"git push {self.remote} {self._name}"
        problem = failure(what, _words(done), self._git.folder) if done.code else None
        if problem and done.code == GIVEN_UP:
            raise LockError(problem)
        return problem

    def _insist(self, *words: str) -> Done:
        """Run a command, once more if what stopped it was the leftover of a git that was killed."""
        done = self._git.run(*words)
        if done.code and cleared(
            _words(done), (self._mine, f"refs/heads/{self._name}"), self._repositories()
        ):
            return self._git.run(*words)
        return done

    def _repositories(self) -> Iterator[Path]:
        """Where git keeps its files: those of this clone, and those of a remote that is a folder of
        this machine.
        """
        yield self._git.folder / self._git.ask("rev-parse", "--git-common-dir")
        if self.remote is not None:
            url = self._git.ask("remote", "get-url", "--push", self.remote)
            top = (
                self._git.run("rev-parse", "--show-toplevel")
                .out.decode(errors="surrogateescape")
                .strip()
            )
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
            # Another command of this clone fetches too, or an interrupt at the terminal has hit git
            # as well.
            if not (_CONTENDED.search(done.err) or done.code in (-2, -15)):
                break
            _pause(min(attempt, 3))
        raise LockError(failure(f"git fetch {remote} {self._name}", done.err, self._git.folder))

    def _choose(self) -> str | None:
        keys = [
            key
            for key in self._git.config
            if key.startswith("remote.") and key.endswith(("url", "pushurl"))
        ]
        remotes = sorted({key.removeprefix("remote.").rpartition(".")[0] for key in keys})
        if self._wanted_remote in remotes:
            return self._wanted_remote
        if len(remotes) > 1:
            listed = ", ".join(f"`{name}`" for name in remotes)
            detail = (
                f"The lock is on a branch of the remote `{self._wanted_remote}`; this repository"
                f" has {listed}."
            )
            hint = f"call the right one so: `git remote rename {remotes[0]} {self._wanted_remote}`"
            raise LockError(Problem("Unknown remote", detail, hint))
        return remotes[0] if remotes else None


def _words(done: Done) -> str:
    """What a push says: the fate of the branch stands on stdout."""
    lines = [
        line.split("\t")[-1]
        for line in done.out.decode(errors="replace").splitlines()
        if line.startswith("!")
    ]
    return "\n".join([*lines, done.err])


def _pause(step: int) -> None:
    """Let the others finish: up to 0.1, 0.2, 0.4 … seconds."""
    time.sleep(0.05 * 2**step * (0.5 + os.urandom(1)[0] / 510))
