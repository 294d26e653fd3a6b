"""The lock on a git branch: the contract in several repositories, and what only git and other
clones can do to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner import interrupts
from provisioner.errors import LockError
from provisioner.lock import git_branch, git_command
from provisioner.lock.git_command import Git, scrubbed
from provisioner.lock.git_store import GitStore
from provisioner.lock.lease import Lease
from provisioner.model import LockState
from tests.support.processes import met, said

from .contract import LEAVE, SUPPORT, StoreContract, entry, state
from .repositories import NAMES, clone, everything, git, remote

ROOT = Path(__file__).parents[2]
LOCKS = "provisioner-locks"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a fresh machine, without anybody's settings."""
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)
    for key, value in NAMES.items():
        monkeypatch.setenv(key, value)


class TestTwoClones(StoreContract):
    """The contract, between clones of one remote: every store has a clone of its own."""

    path = "prod.lock.json"
    options: tuple[str, ...] = ()

    def open(self, folder: Path) -> GitStore:
        stores = self.__dict__.setdefault("stores", [])
        store = GitStore(self.place(folder, len(stores)), self.path)
        stores.append(store)
        return store

    def place(self, folder: Path, number: int) -> Path:
        bare = folder / "remote.git"
        if not bare.exists():
            remote(folder)
        return clone(self.url(bare), folder / f"clone-{number}", *self.options)

    def url(self, bare: Path) -> str:
        return str(bare)

    def repository(self, folder: Path) -> Path:
        return folder / "remote.git"

    def tear(self, folder: Path, bytes: int) -> None:
        where = self.repository(folder)
        name = max(
            git(where, "ls-tree", "-r", "--name-only", LOCKS, f"{self.path}.journal/").splitlines()
        )
        text = git(where, "show", f"{LOCKS}:{name}") + "\n"
        rewrite(where, {name: text[:-bytes]})
        for store in self.__dict__["stores"]:
            store._seen = None


@pytest.mark.thorough
class TestFileUrl(TestTwoClones):
    """The same over `file://`, in shallow clones of one branch, with the workspace and the lock in
    folders.
    """

    path = "envs/eu/prod.lock.json"
    options = ("--depth=1", "--single-branch")

    def url(self, bare: Path) -> str:
        return f"file://{bare}"

    def place(self, folder: Path, number: int) -> Path:
        inside = super().place(folder, number) / "apps" / "desk"
        inside.mkdir(parents=True)
        return inside


class TestWithoutRemote(TestTwoClones):
    """The same in one repository without any remote and without any commit."""

    def place(self, folder: Path, number: int) -> Path:
        if not number:
            git(folder, "init", "-q", "-b", "main", "alone")
        return folder / "alone"

    def repository(self, folder: Path) -> Path:
        return folder / "alone"


def rewrite(where: Path, files: dict[str, str | None], branch: str = LOCKS) -> None:
    """Put files on a branch from outside, as one commit."""
    index = {**os.environ, "GIT_INDEX_FILE": str(where / "test-index")}
    subprocess.run(["git", "-C", str(where), "read-tree", branch], env=index, check=True)
    for name, text in files.items():
        line = f"0 {'0' * 40}\t{name}"
        if text is not None:
            line = f"100644 {git(where, 'hash-object', '-w', '--stdin', input=text)}\t{name}"
        words = ["git", "-C", str(where), "update-index", "--index-info"]
        subprocess.run(words, env=index, check=True, input=line + "\n", text=True)
    tree = subprocess.run(
        ["git", "-C", str(where), "write-tree"],
        env=index,
        check=True,
        capture_output=True,
        text=True,
    )
    (where / "test-index").unlink()
    made = git(where, "commit-tree", tree.stdout.strip(), "-p", branch, "-m", "by hand")
    git(where, "update-ref", f"refs/heads/{branch}", made)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return remote(tmp_path)


@pytest.fixture
def store(bare: Path, tmp_path: Path) -> GitStore:
    return GitStore(clone(bare, tmp_path / "mine"), "prod.lock.json")


@pytest.fixture
def other(bare: Path, tmp_path: Path) -> GitStore:
    return GitStore(clone(bare, tmp_path / "yours"), "prod.lock.json")


def folder_of(store: GitStore) -> Path:
    return store._branch._git.folder


def problem(error: pytest.ExceptionInfo[LockError]) -> tuple[str, str, str]:
    (found,) = error.value.problems
    return found.summary, found.detail, found.hint or ""


def apply(store: GitStore, name: str = "asst_1") -> LockState:
    """A small apply, as the engine does it."""
    with store.lease():
        begun, _ = store.fold_journal()
        start = begun or state(0)
        with store.journal(start) as journal:
            journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, name))
        settled = store.fold_journal().state
    assert settled
    return settled


def files(where: Path, ref: str = LOCKS) -> list[str]:
    return git(where, "ls-tree", "-r", "--name-only", ref).splitlines()


# What is left alone


def test_nothing_of_the_users_is_touched(store: GitStore, bare: Path) -> None:
    """A dirty checkout, its index, HEAD, branches and settings are the same after an apply; so is
    the remote's main.
    """
    mine = folder_of(store)
    (mine / "README.md").write_text("changed\n")
    (mine / "staged").write_text("staged\n")
    git(mine, "add", "staged")
    (mine / "loose").write_text("loose\n")
    git(mine, "branch", "topic")
    git(mine, "fetch", "-q", "origin")
    before, main = everything(mine), git(bare, "rev-parse", "main")
    apply(store)
    assert store.peek().state
    assert everything(mine) == before
    assert git(bare, "rev-parse", "main") == main
    assert git(bare, "for-each-ref", "--format=%(refname)").splitlines() == [
        "refs/heads/main",
        f"refs/heads/{LOCKS}",
    ]


def test_the_branch(store: GitStore, bare: Path) -> None:
    """It starts as an orphan, says what it is, and after an apply holds the lock and
    nothing else.
    """
    apply(store)
    assert files(bare) == [".provisioner-locks", "prod.lock.json"]
    assert "written by machine" in git(bare, "show", f"{LOCKS}:.provisioner-locks")
    assert json.loads(git(bare, "show", f"{LOCKS}:prod.lock.json"))["serial"] == 1
    assert git(bare, "rev-list", "--count", LOCKS, "^main") == git(
        bare, "rev-list", "--count", LOCKS
    )
    assert len(git(bare, "rev-list", "--max-parents=0", LOCKS).splitlines()) == 1
    git(bare, "fsck", "--strict")


def test_own_hooks_are_not_run(store: GitStore) -> None:
    """A hook that runs the tests before each push has nothing to do with the lock."""
    hooks = folder_of(store) / ".git" / "hooks"
    for name in ("pre-push", "reference-transaction", "post-commit"):
        hooks.mkdir(exist_ok=True)
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    assert apply(store).serial == 1


def test_several_environments(store: GitStore, bare: Path, tmp_path: Path) -> None:
    """Environments share a branch: a push of one in the middle of the other's apply disturbs
    neither.
    """
    staging = GitStore(clone(bare, tmp_path / "yours"), "eu/staging.lock.json")
    with store.lease(), store.journal(state(0)) as journal:
        number = journal.intent(SUPPORT, "create")
        apply(staging, "asst_staging")
        journal.result(number, entry(SUPPORT, "asst_prod"))
        journal.close()
        store.fold_journal()
    assert store.read() == state(1, entry(SUPPORT, "asst_prod"))
    assert staging.read() == state(1, entry(SUPPORT, "asst_staging"))


@pytest.mark.parametrize("branch", ["main", "topic/a"])
def test_a_branch_of_something_else(store: GitStore, bare: Path, branch: str) -> None:
    """A branch that holds work is refused before anything is written, also where it has a file of
    that name.
    """
    git(bare, "branch", "topic/a", "main")
    rewrite(bare, {"prod.lock.json": "{}"}, branch)
    before = git(bare, "rev-parse", branch)
    wrong = GitStore(folder_of(store), "prod.lock.json", branch)
    with pytest.raises(LockError) as caught, wrong.lease():
        pass
    assert problem(caught)[0] == "Not a lock branch"
    assert git(bare, "rev-parse", branch) == before


def test_a_branch_made_by_hand(store: GitStore, other: GitStore) -> None:
    """A committed lock moves to the branch with the commands that the manual names."""
    there = folder_of(other)
    text = GitStoreText.of(state(7, entry(LEAVE, "file-1")))
    (there / "locks").mkdir()
    (there / "locks" / "prod.lock.json").write_text(text)
    git(there, "add", "locks")
    git(there, "commit", "-q", "-m", "a lock in main")
    git(there, "worktree", "add", "-q", "--detach", "../beside")
    beside = there.parent / "beside"
    git(beside, "switch", "-q", "--orphan", LOCKS)
    (beside / "prod.lock.json").write_text(git(beside, "show", "main:locks/prod.lock.json") + "\n")
    (beside / ".provisioner-locks").touch()
    git(beside, "add", ".provisioner-locks", "prod.lock.json")
    git(beside, "commit", "-q", "-m", "locks")
    git(beside, "push", "-q", "origin", LOCKS)
    git(there, "worktree", "remove", "../beside")
    git(there, "branch", "-q", "-D", LOCKS)
    assert store.read() == state(7, entry(LEAVE, "file-1"))
    assert apply(store).serial == 8


class GitStoreText:
    """The text of a lock."""

    @staticmethod
    def of(lock: LockState) -> str:
        from provisioner.lock.lockfile import dump

        return dump(lock)


# Compare and swap


def test_non_fast_forward(
    store: GitStore, other: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that have seen the same branch and take the lease, the slower one looks again and
    finds it taken.
    """
    apply(other)
    real = git_branch.commit
    with contextlib.ExitStack() as stack:

        def slow(*arguments: object, **named: object) -> object:
            monkeypatch.setattr(git_branch, "commit", real)
            stack.enter_context(other.lease())  # between the look and the push
            return real(*arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(git_branch, "commit", slow)
        with pytest.raises(LockError, match="Lock is busy"), store.lease():
            pass
        assert other.holder() == other._held
    with store.lease():
        pass


def test_first_ever_race(store: GitStore, other: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that both make the branch, each as its own orphan: one of them is refused by the push."""
    real = git_branch.commit
    with contextlib.ExitStack() as stack:

        def slow(*arguments: object, **named: object) -> object:
            monkeypatch.setattr(git_branch, "commit", real)
            stack.enter_context(other.lease())
            return real(*arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(git_branch, "commit", slow)
        with pytest.raises(LockError, match="Lock is busy"), store.lease():
            pass


@contextlib.contextmanager
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pushes get through, and nobody hears their answers; there has to be one."""
    real, heard = Git.run, list[git_command.Done]()

    def run(self: Git, *words: str, input: bytes = b"") -> git_command.Done:
        done = real(self, *words, input=input)
        if words[0] == "push":
            heard.append(done := done._replace(code=128, err="fatal: the remote end hung up"))
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Git, "run", run)
        yield
    assert heard and all(done.code == 128 for done in heard)


def test_lost_reply(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that got through and whose answer did not is found to be done, once."""
    with deaf(monkeypatch):
        assert apply(store).serial == 1
    assert store.read() == state(1, entry(SUPPORT, "asst_1"))


def test_force_unlock_whose_reply_was_lost(
    store: GitStore, other: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a lease away is done once and reported as done."""
    with store.lease() as lease, deaf(monkeypatch):
        assert other.force_unlock(lease.id) == lease


ROUNDS = """
    import sys
    from pathlib import Path
    from dataclasses import replace
    from provisioner.errors import LockError
    from provisioner.lock.git_store import GitStore
    from provisioner.lock.lockfile import fresh
    from provisioner.model import Address, Locked
    GitStore.poll = 0.05
    store, who, rounds = GitStore(Path(sys.argv[1]), "prod.lock.json"), sys.argv[2], int(sys.argv[3])
    def say(words):
        print(words, file=sys.stderr, flush=True)
    for number in range(rounds):
        say(f"round {number}")
        with store.lease(120, say):
            before = store.fold_journal().state or fresh("acme", "prod", {"base_url": None})
            with store.journal(before) as journal:
                address = Address("file", f"{who}/{number}")
                journal.result(journal.intent(address, "create"), Locked(address, f"file-{who}-{number}", {}))
            store.fold_journal()
"""


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def outcome(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    return out.strip()


TIMES = 50 if os.environ.get("CRASH_POINTS") == "all" else 4


def test_race(store: GitStore, other: GitStore) -> None:
    """Two clones that apply at once, again and again: everybody's results are in, every serial was
    used once.
    """
    clones = ((store, "a"), (other, "b"))
    for worker in met(
        store, lambda: [python(ROUNDS, folder_of(one), who, TIMES) for one, who in clones]
    ):
        outcome(worker)
    found = store.read()
    assert found and found.serial == 2 * TIMES
    assert sorted(found.ids.values()) == sorted(
        f"file-{who}-{number}" for who in "ab" for number in range(TIMES)
    )
    assert store.holder() is None and store.leftover() is None


@pytest.mark.thorough
def test_race_in_one_clone(store: GitStore) -> None:
    """Two processes of the same clone fetch and push at once; neither stumbles over the other's
    files.
    """
    for worker in met(store, lambda: [python(ROUNDS, folder_of(store), who, 5) for who in "ab"]):
        outcome(worker)
    found = store.read()
    assert found and (found.serial, len(found.resources)) == (10, 10)


@pytest.mark.thorough
def test_readers_in_the_same_clone(store: GitStore) -> None:
    """A plan beside an apply of the same clone sees one whole state after another."""
    worker, serials = python(ROUNDS, folder_of(store), "a", 6), []
    while worker.poll() is None:
        found = store.peek().state
        serials.append(found.serial if found else 0)
    outcome(worker)
    assert serials == sorted(serials)


# Leases


def test_force_unlock_from_another_clone(store: GitStore, other: GitStore) -> None:
    """The holder who lost the lease finds out with its next line, before the request that the line
    is for.
    """
    with store.lease() as lease, store.journal(state(0)) as journal:
        journal.intent(SUPPORT, "create")
        other.force_unlock(lease.id)
        with pytest.raises(LockError, match="Lease was lost"):
            journal.intent(LEAVE, "create")
        with other.lease():
            assert [intent.address for intent in other.fold_journal().open_intents] == [SUPPORT]


def test_holder_on_another_machine(store: GitStore, other: GitStore) -> None:
    """A lease from elsewhere is respected until somebody forces it, however dead its process may
    be.
    """
    apply(store)
    foreign = replace(Lease.mine(), host="build-7", pid=2**22 - 1)
    rewrite(folder_of(store).parent / "remote.git", {"prod.lock.json.lease": foreign.text()})
    with pytest.raises(LockError) as caught, other.lease():
        pass
    assert "`build-7`" in problem(caught)[1] and f"force-unlock {foreign.id}" in problem(caught)[2]
    other.force_unlock(foreign.id)
    apply(other)


def test_waiting_for_the_other_clone(
    store: GitStore, other: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits gets the lease soon after it was given back."""
    monkeypatch.setattr(GitStore, "poll", 0.05)
    with contextlib.ExitStack() as stack:
        stack.enter_context(store.lease())
        with other.lease(30, lambda _: stack.close()) as lease:
            assert store.holder() == lease


# Crashes


CRASH = """
    import os, signal, sys
    from pathlib import Path
    from provisioner.lock import git_command, git_branch
    from provisioner.lock.git_store import GitStore
    from provisioner.lock.lockfile import fresh
    from provisioner.model import Address, Locked
    store, at, seen = GitStore(Path(sys.argv[1]), "prod.lock.json"), int(sys.argv[2]), 0
    real = git_command.Git.run
    def instant():
        global seen
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1
    def run(self, *words, input=b""):
        instant()
        return real(self, *words, input=input)
    git_command.Git.run = run
    with store.lease():
        before = store.fold_journal().state or fresh("acme", "prod", {"base_url": None})
        with store.journal(before) as journal:
            address = Address("file", "a")
            journal.result(journal.intent(address, "create"), Locked(address, "file-a", {}))
            print("told", flush=True)
        store.fold_journal()
    instant()
    print(seen)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("alone", [False, True])
def test_killed_between_any_two_commands(bare: Path, tmp_path: Path, alone: bool) -> None:
    """Wherever the process is killed, the branch is whole, the checkout is clean, and the next
    apply goes on.
    """
    stages, ended = set(), False
    for at in range(0, 1000, 1 if os.environ.get("CRASH_POINTS") == "all" else 3):
        mine = tmp_path / f"round-{at}" / "mine"
        mine.parent.mkdir()
        if alone:
            git(tmp_path, "init", "-q", "-b", "main", str(mine))
        else:
            clone(shutil.copytree(bare, mine.parent / "remote.git"), mine)
        process = python(CRASH, mine, at)
        _, err = process.communicate(timeout=60)
        ended = process.returncode == 0
        assert ended or process.returncode == -signal.SIGKILL, err
        stages.add(gone_on(mine))
        if ended:
            break
    assert ended and at > 20
    # nothing yet; the intent alone; intent and result, or the lock
    assert stages == {(None, 0), (1, 1), (1, 0)}


def gone_on(mine: Path) -> tuple[int | None, int]:
    """The next apply after a crash; what it found: the serial and how many intents were open."""
    git(mine, "fsck", "--strict")
    assert git(mine, "status", "--porcelain") == ""
    store = GitStore(mine, "prod.lock.json")
    with store.lease():
        settled, still_open = store.fold_journal()
        with store.journal(settled or state(0)) as journal:
            for intent in journal.open:
                journal.result(intent.id, entry(intent.address, "file-found"))
        store.fold_journal()
    assert store.holder() is None and store.leftover() is None
    return (settled.serial if settled else None, len(still_open))


@pytest.mark.thorough
def test_killed_in_the_middle_of_git(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed with all its git processes at any time, a clone goes on as if nothing had been."""
    monkeypatch.setattr(git_command, "STALE", 0.3)
    begun = 0
    for number in range(8 if os.environ.get("CRASH_POINTS") == "all" else 3):
        worker = python(ROUNDS, folder_of(store), f"w{number}", 50)
        said(worker, "round 1")
        time.sleep(0.05 + 0.037 * number)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate()
        assert worker.returncode == -signal.SIGKILL
        found = store.peek().state
        begun = max(begun, found.serial if found else 0)
        assert apply(store, f"asst_{number}").serial > begun
    assert begun > 2 * number, "a worker was killed before it had done anything"
    git(folder_of(store), "fsck", "--strict")


def test_interrupted_push(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at a terminal hits git too; what it was doing is done again."""
    real, hit = Git.run, []

    def interrupted(self: Git, *words: str, input: bytes = b"") -> git_command.Done:
        if words[0] in ("push", "fetch") and words[0] not in hit:
            hit.append(words[0])
            return git_command.Done(-2, b"", "")
        return real(self, *words, input=input)

    monkeypatch.setattr(Git, "run", interrupted)
    assert apply(store).serial == 1
    assert hit == ["fetch", "push"]


# Git's own refusals


def test_protected_branch(store: GitStore, bare: Path) -> None:
    """A server that refuses the push is quoted, at once and without another try."""
    (bare / "hooks").mkdir(exist_ok=True)
    hook = bare / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\necho tried >> tries\necho 'provisioner-locks is protected' >&2\nexit 1\n"
    )
    hook.chmod(0o755)
    with pytest.raises(LockError) as caught, store.lease():
        pass
    assert "provisioner-locks is protected" in problem(caught)[1]
    assert "pre-receive hook declined" in problem(caught)[1]
    assert (bare / "tries").read_text() == "tried\n"


def test_unreachable(store: GitStore, bare: Path) -> None:
    """A remote that is not there is reported in git's words; nothing is taken for an empty lock."""
    bare.rename(bare.with_name("gone.git"))
    for act in (store.read, store.peek, store.holder, lambda: store.force_unlock("x")):
        with pytest.raises(
            LockError, match=r"Git has failed.*does not appear to be a git repository"
        ):
            act()
    with pytest.raises(LockError, match="Git has failed"), store.lease():
        pass


def test_credentials_are_not_shown(store: GitStore) -> None:
    """A password in the remote's address is in no message."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://ada:hunter2@127.0.0.1:{port}/x.git?private_token=hunter3"
    git(folder_of(store), "remote", "set-url", "origin", url)
    with pytest.raises(LockError) as caught:
        store.read()
    assert "hunter" not in str(caught.value) and f"127.0.0.1:{port}" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "fatal: unable to access 'https://u:p@h/x/': no",
            "fatal: unable to access 'https://u:…@h/x/': no",
        ),
        ("remote: a\nhint: b\n\nfatal: c", "remote: a; fatal: c"),
        ("fatal: ssh://git:p@ss@h/x", "fatal: ssh://git:…@h/x"),
        ("12:00:00.123456 git.c:1: trace: x\nfatal: y", "fatal: y"),
        ("fatal: https://h/x?access_token=abc&a=1", "fatal: https://h/x?access_token=…&a=1"),
    ],
)
def test_words(said: str, shown: str) -> None:
    """Git's words on one line, without advice, traces and secrets."""
    assert scrubbed(said) == shown


def test_no_repository(tmp_path: Path) -> None:
    """A folder outside any repository: the way out is named, for reading and for writing."""
    for act in (
        GitStore(tmp_path, "x.json").read,
        lambda: GitStore(tmp_path, "x.json").lease().__enter__(),
    ):
        with pytest.raises(LockError) as caught:
            act()
        assert problem(caught)[0] == "No git repository" and "git init" in problem(caught)[2]


def test_no_git(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git the lock says what it needs."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LockError) as caught:
        GitStore(folder_of(store), "prod.lock.json").read()
    assert problem(caught)[0] == "Git is missing" and "lock: locks/" in problem(caught)[2]


def test_remotes(store: GitStore, bare: Path) -> None:
    """The only remote is taken whatever its name; of several, the one that is called `origin`."""
    mine = folder_of(store)
    applied = apply(store)
    git(mine, "remote", "rename", "origin", "upstream")
    assert GitStore(mine, "prod.lock.json").read() == applied
    git(mine, "remote", "add", "fork", str(bare))
    with pytest.raises(LockError) as caught:
        GitStore(mine, "prod.lock.json").read()
    assert "`fork`, `upstream`" in problem(caught)[1] and "git remote rename" in problem(caught)[2]
    assert GitStore(mine, "prod.lock.json", LOCKS, "upstream").read() is not None


def test_branch_checked_out(tmp_path: Path) -> None:
    """Without a remote the branch is somebody's checkout at times: refused, because the files would
    look changed.
    """
    git(tmp_path, "init", "-q", "-b", LOCKS, "alone")
    store = GitStore(tmp_path / "alone", "prod.lock.json")
    with pytest.raises(LockError, match="Branch is checked out"), store.lease():
        pass
    git(tmp_path / "alone", "switch", "-q", "--orphan", "main")
    apply(store)
    git(tmp_path / "alone", "worktree", "add", "-q", "../beside", LOCKS)
    with pytest.raises(LockError, match="Branch is checked out"), store.lease():
        pass


def test_inside_a_hook(store: GitStore, other: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by a hook of another repository, the lock is still that of the workspace's own."""
    apply(store)
    elsewhere = folder_of(store).parent / "first-remote.git"
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / ".git" / "index"))
    assert other.read() == store.read() != None  # noqa: E711


@pytest.mark.parametrize(
    ("files", "summary"),
    [
        ({"prod.lock.json": "<<<<<<< a\n{}\n=======\n{}\n>>>>>>> b\n"}, "Merge conflict"),
        ({"prod.lock.json": "{"}, "Broken lockfile"),
        ({"prod.lock.json": None, "prod.lock.json/x": ""}, "Path is taken"),
        ({"prod.lock.json.journal": "x"}, "Path is taken"),
    ],
)
def test_edited_by_hand(
    store: GitStore, bare: Path, files: dict[str, str | None], summary: str
) -> None:
    """What somebody has broken on the branch is a problem, and its way out is not that of a
    file.
    """
    apply(store)
    rewrite(bare, files)
    with pytest.raises(LockError) as caught:
        store.read()
    found, _, hint = problem(caught)
    assert found == summary and hint and "git checkout" not in hint


def test_sha256(tmp_path: Path) -> None:
    """A repository with the longer ids."""
    git(tmp_path, "init", "-q", "--object-format=sha256", "alone")
    store = GitStore(tmp_path / "alone", "a/prod.lock.json")
    apply(store)
    assert store.read() == state(1, entry(SUPPORT, "asst_1"))


def test_odd_settings(store: GitStore, bare: Path) -> None:
    """Settings of the user that would sign, tag, prune or recurse change nothing."""
    mine = folder_of(store)
    for key, value in {
        "push.followTags": "true",
        "fetch.prune": "true",
        "fetch.pruneTags": "true",
        "push.default": "nothing",
        "push.recurseSubmodules": "check",
        "commit.gpgSign": "true",
        "tag.gpgSign": "true",
        "core.autocrlf": "true",
        "user.useConfigOnly": "true",
        "remote.origin.push": "refs/heads/*:refs/heads/*",
        "remote.origin.tagOpt": "--tags",
    }.items():
        git(mine, "config", key, value)
    git(mine, "tag", "--no-sign", "-a", "-m", "mine", "v1")
    apply(store)
    assert store.read() == state(1, entry(SUPPORT, "asst_1"))
    assert git(mine, "tag") == "v1" and git(bare, "tag") == ""
    assert LOCKS not in git(mine, "for-each-ref", "refs/remotes")


# What it costs


def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the git processes that are started from now on."""
    seen: list[str] = []
    real = Git.command

    def counted(self: Git, words: tuple[str, ...]) -> list[str]:
        seen.append(words[0])
        return real(self, words)

    monkeypatch.setattr(Git, "command", counted)
    return seen


def test_reading_costs(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan reads lock, journal and lease with one fetch and two other commands; a second look
    needs one less.
    """
    apply(store)
    again = GitStore(folder_of(store), "prod.lock.json")
    seen = commands(monkeypatch)
    again.peek()
    assert seen == ["config", "fetch", "cat-file"]
    again.peek()
    assert seen[3:] == ["fetch", "cat-file"]


def test_applying_costs(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply fetches once and pushes six times: lease, journal, a group of intents, results,
    lock, lease.
    """
    apply(store)
    fresh = GitStore(folder_of(store), "prod.lock.json")
    seen = commands(monkeypatch)
    with fresh.lease():
        begun = fresh.fold_journal().state
        assert begun
        with fresh.journal(begun) as journal:
            first = journal.intents([(SUPPORT, "update", {}), (LEAVE, "create", {})])
            for number, address in zip(first, (SUPPORT, LEAVE), strict=True):
                journal.result(number, entry(address, f"x{number}"))
        fresh.fold_journal()
    assert seen.count("fetch") == seen.count("cat-file") == 1
    assert seen.count("push") == 6
    assert len(seen) <= 35


def test_growing_journal(store: GitStore, bare: Path) -> None:
    """A group of lines adds its own bytes and a line in a folder; what was there before is not
    written again.
    """
    with store.lease(), store.journal(state(0)) as journal:
        for number in range(5):
            journal.intent(LEAVE._replace(name=f"{number}.md"), "create", note="x" * 1000)
        sizes = [
            int(line.split()[3])
            for line in git(
                bare, "ls-tree", "-r", "-l", LOCKS, "prod.lock.json.journal/"
            ).splitlines()
        ]
        assert len(sizes) == 6 and max(sizes[1:]) < 1200


def test_marker_and_modules() -> None:
    """The names that people meet on the branch."""
    assert git_branch.MARKER == ".provisioner-locks"
    assert re.fullmatch(r"[a-z-]+", LOCKS)


def test_a_remote_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that hangs is given up after the stated time, once, and what follows it sooner
    still.
    """
    monkeypatch.setattr(git_command, "SECONDS", 1.0)
    monkeypatch.setattr(git_command, "AGAIN", 0.3)
    bare = remote(tmp_path)
    store = GitStore(clone(bare, tmp_path / "mine"), "prod.lock.json")
    hook = bare / "hooks/pre-receive"
    began = time.monotonic()
    with pytest.raises(LockError, match="no answer within 1 seconds"), store.lease():
        hook.write_text("#!/bin/sh\nsleep 4\n")
        hook.chmod(0o755)
        began = time.monotonic()
        store.write(state())
    assert 1.0 <= time.monotonic() - began < 2.5


def test_an_interrupt_while_a_remote_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up sooner than it would have been."""
    monkeypatch.setattr(git_command, "AGAIN", 0.6)
    monkeypatch.setattr(git_command, "_GLANCE", 0.1)
    bare = remote(tmp_path)
    store = GitStore(clone(bare, tmp_path / "mine"), "prod.lock.json")
    hook = bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nsleep 5\n")
    hook.chmod(0o755)
    began = time.monotonic()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with pytest.raises((LockError, KeyboardInterrupt)), interrupts.watched(), store.lease():
        pass
    assert time.monotonic() - began < 4
