"""The lock, its journal and its lease as objects of a git repository: read from a commit, written as the next one."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

from provisioner.errors import LockError
from provisioner.lock.git_command import Git, failure, missing
from provisioner.model import Problem

MARKER = ".provisioner-locks"
_ABOUT = b"""This branch holds locks of provisioner: what was last applied, and who is applying just now.
It is written by machine; merge it nowhere, and do not edit it by hand.
"""
_FILE, _FOLDER = "100644", "40000"


class Item(NamedTuple):
    """One entry of a tree."""

    mode: str
    oid: str


Tree = dict[str, Item]


@dataclass(frozen=True, slots=True)
class Contents:
    """What one lock has on the branch. The journal is a folder: each group of lines is a file that never changes, so
    that the next one costs no more than the first."""

    lock: bytes | None = None
    lease: bytes | None = None
    journal: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def journal_text(self) -> str | None:
        if not self.journal:
            return None
        return b"".join(self.journal[name] for name in sorted(self.journal)).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The branch at one commit, as far as one lock is concerned."""

    commit: str | None = None  # None: there is no such branch yet
    contents: Contents = field(default_factory=Contents)
    trees: tuple[Tree, ...] = ()  # the root, and each folder on the way to the lock
    segments: Tree = field(default_factory=dict)  # the journal's folder


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
            raise LockError(missing(error)) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
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
        found = self.get(oid)
        if found is None:
            problem = Problem("Git has failed", f"The repository lacks its own object `{oid}`.", "look at `git fsck`")
            raise LockError(problem)
        return found[1]

    def tree(self, oid: str) -> Tree:
        return _parsed(self.must(oid), len(oid) // 2)

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
            raise LockError(_not_ours(branch))
        for folder in folders:
            item = _typed(trees[-1], folder, _FOLDER, branch)
            trees.append(reader.tree(item.oid) if item else {})
        here = trees[-1]
        lock, lease = (_typed(here, key, _FILE, branch) for key in (name, f"{name}.lease"))
        journal = _typed(here, f"{name}.journal", _FOLDER, branch)
        segments = reader.tree(journal.oid) if journal else {}
        contents = Contents(
            reader.must(lock.oid) if lock else None,
            reader.must(lease.oid) if lease else None,
            {key: reader.must(item.oid) for key, item in segments.items()},
        )
    return Snapshot(commit, contents, tuple(trees), segments)


def commit(git: Git, before: Snapshot, wanted: Contents, path: str, message: str) -> Snapshot:
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


def _put(tree: Tree, name: str, item: Item | None) -> None:
    if item is None:
        tree.pop(name, None)
    else:
        tree[name] = item


def _blob(git: Git, data: bytes) -> Item:
    return Item(_FILE, git.ask("hash-object", "-w", "--stdin", input=data))


def _tree(git: Git, tree: Tree) -> Item | None:
    """A folder; None where nothing is in it."""
    if not tree:
        return None
    types = {_FOLDER: "tree", "160000": "commit"}
    lines = [f"{item.mode} {types.get(item.mode, 'blob')} {item.oid}\t{name}" for name, item in tree.items()]
    text = "".join(f"{line}\0" for line in lines).encode(errors="surrogateescape")
    return Item(_FOLDER, git.ask("mktree", "-z", input=text))


def _parsed(data: bytes, width: int) -> Tree:
    """A tree object: `MODE NAME`, a zero, and the id in so many bytes, again and again."""
    tree: Tree = {}
    while data:
        head, _, rest = data.partition(b"\0")
        mode, _, name = head.decode(errors="surrogateescape").partition(" ")
        tree[name] = Item(mode, rest[:width].hex())
        data = rest[width:]
    return tree


def _typed(tree: Tree, name: str, mode: str, branch: str) -> Item | None:
    item = tree.get(name)
    if item is not None and (item.mode == _FOLDER) != (mode == _FOLDER):
        what = "a folder" if item.mode == _FOLDER else "a file"
        detail = f"`{name}` on the branch `{branch}` is {what}, and the lock's path says otherwise."
        raise LockError(Problem("Path is taken", detail, "name another `path` for the lock"))
    return item


def _not_ours(branch: str) -> Problem:
    return Problem(
        "Not a lock branch",
        f"The branch `{branch}` holds something else than locks (it has no `{MARKER}`), and is never written to.",
        "name a branch of its own: `lock: {git: {branch: provisioner-locks, path: …}}`; it is made at the first apply",
    )
