"""The lock on a branch of the workspace's own repository, with its journal and its lease
beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path, PurePosixPath

from provisioner.errors import LockError
from provisioner.lock import lockfile
from provisioner.lock.git_branch import Branch, LockFiles, Snapshot
from provisioner.lock.git_command import Git
from provisioner.lock.journal import Folded, Sink, fold
from provisioner.lock.lease import Lease
from provisioner.lock.store import LockStore
from provisioner.model import LockState, Problem

BRANCH = "provisioner-locks"
REMOTE = "origin"
_OPENING = "000000"  # the journal's first file; those of the groups follow

_Step = Callable[[LockFiles], LockFiles]


class _Busy(LockError):
    """Somebody has the lease."""


class GitStore(LockStore):
    """A lock at a path on a branch. Every write is one commit that is pushed, so that it is there
    whole or not at all; the checkout, its index and the user's branches are left alone. While the
    lease is held nobody else writes: the branch is known from the last push, and is not fetched
    again.
    """

    poll = 1.0

    def __init__(self, folder: Path, path: str, branch: str = BRANCH, remote: str = REMOTE) -> None:
        self.path = PurePosixPath(path).as_posix()
        self.name = f"{branch}:{self.path}"  # as `git show` wants it
        self._branch_name = branch
        self._branch = Branch(Git(folder), branch, self.path, remote)
        self._seen: Snapshot | None = None  # known only while the lease is held
        self._steps: list[_Step] | None = (
            None  # what one commit is to bring, while it is put together
        )
        self._sink: GroupSink | None = None
        self._mutex = threading.RLock()  # the journal is pushed by a thread of its own

    def read(self) -> LockState | None:
        return self._parsed(self._contents())

    def leftover(self) -> str | None:
        return self._contents().journal_text

    def peek(self) -> Folded:
        contents = self._contents()  # of one commit: no writer can be between lock and journal
        return fold(self._parsed(contents), contents.journal_text, self.journal_name)

    def fold_journal(self) -> Folded:
        """As for every store, but in one commit."""
        if self._sink:
            self._sink.flush()
        with self._mutex:
            steps: list[_Step] = []
            self._steps = steps
            try:
                folded = super().fold_journal()
            finally:
                self._steps = None
            if steps:
                self._commit(
                    steps, f"serial {folded.state.serial}" if folded.state else "journal settled"
                )
        return folded

    def _replace_lock(self, state: LockState) -> None:
        data = lockfile.dump(state).encode()
        self._put(lambda held: replace(held, lock=data), f"serial {state.serial}")

    def holder(self) -> Lease | None:
        return _lease(self._contents())

    def force_unlock(self, id: str) -> Lease:
        taken: list[Lease] = []

        def take(held: LockFiles) -> LockFiles:
            holder = _lease(held)
            if holder is None and taken:  # by our own push, whose reply was lost
                return held
            if holder is None or holder.id != id:
                raise LockError(self._not_held(id, holder))
            taken.append(holder)
            return replace(held, lease=None)

        with self._mutex:
            self._branch.update(None, take, f"{self.path}: lease {id} taken away")
        return taken[0]

    def _try(self, lease: Lease) -> Problem | None:
        def take(held: LockFiles) -> LockFiles:
            holder = _lease(held)
            if holder is not None and holder.id != lease.id and not holder.dead():
                raise _Busy(holder.busy(self.name))
            return replace(held, lease=lease.text().encode())

        try:
            with self._mutex:
                self._seen = self._branch.update(
                    None, take, f"{self.path}: lease of {lease.holder} on {lease.host}"
                )
        except _Busy as busy:
            return busy.problems[0]
        return None

    def _release(self, lease: Lease) -> None:
        def give(held: LockFiles) -> LockFiles:
            holder = _lease(held)
            return (
                replace(held, lease=None) if holder is not None and holder.id == lease.id else held
            )

        # A lease that cannot be given back is that of a dead holder for this machine; others need
        # `force-unlock`.
        with self._mutex, contextlib.suppress(LockError):
            seen, self._seen = self._seen, None
            self._branch.update(seen, give, f"{self.path}: lease given back")

    def _replace_journal(self, text: str) -> Sink:
        self._put(lambda held: replace(held, journal={_OPENING: text.encode()}), "journal begun")
        self._sink = GroupSink(self._push_group)
        return self._sink

    def _remove_journal(self) -> None:
        self._put(lambda held: replace(held, journal={}), "journal settled")

    def _push_group(self, name: str, data: bytes) -> None:
        def add(held: LockFiles) -> LockFiles:
            # Without a lease of ours to tell: somebody has folded it.
            if _OPENING not in held.journal:
                raise LockError(self._lost(_lease(held)))
            return replace(held, journal={**held.journal, name: data})

        lines = data.count(b"\n")
        self._put(add, f"{lines} {'line' if lines == 1 else 'lines'} of the journal")

    def _put(self, step: _Step, message: str) -> None:
        with self._mutex:
            if self._steps is not None:
                self._steps.append(step)
            else:
                self._commit([step], message)

    def _commit(self, steps: list[_Step], message: str) -> None:
        def decide(held: LockFiles) -> LockFiles:
            holder = _lease(held)
            if self._held and (holder is None or holder.id != self._held.id):
                raise LockError(self._lost(holder))
            for step in steps:
                held = step(held)
            return held

        seen, self._seen = self._seen, None  # an error leaves it open what the branch has
        after = self._branch.update(seen, decide, f"{self.path}: {message}")
        self._seen = after if self._held else None

    def _contents(self) -> LockFiles:
        with self._mutex:
            seen = self._seen or self._branch.look()
            self._seen = seen if self._held else None
            return seen.contents

    def _parsed(self, contents: LockFiles) -> LockState | None:
        if contents.lock is None:
            return None
        hint = (
            f"look at its history, `git fetch {REMOTE} {self._branch_name} && git log FETCH_HEAD --"
            f" {self.path}`, "
        )
        hint += "and put the last whole version back on the branch"
        try:
            return lockfile.parse(contents.lock.decode(), self.name)
        except UnicodeDecodeError:
            problem = Problem(
                "Broken lockfile", f"`{self.name}` is not UTF-8.", hint, file=self.name
            )
            raise LockError(problem) from None
        except LockError as error:  # that of a file knows only how to restore a file
            odd = [
                replace(item, hint=hint) if "git checkout" in (item.hint or "") else item
                for item in error.problems
            ]
            raise LockError(odd) from None


def _lease(held: LockFiles) -> Lease | None:
    return Lease.parse((held.lease or b"").decode(errors="replace"))


_WINDOW = 0.02  # seconds in which those who begin together come together; a push takes longer
PATIENCE = 10.0  # seconds after which lines are pushed that nobody waits for

Push = Callable[[str, bytes], None]
"""Makes a group of lines durable under a name. The same name again replaces what may have
got through before."""


class GroupSink(Sink):
    """Lines are durable in the order in which they came: whatever a request relies on is there
    before the request's own intent is. One thread pushes, so that the next group gathers while one
    is on its way.
    """

    def __init__(self, push: Push) -> None:
        self._push = push
        self._lines: list[tuple[bytes, Future[None] | None]] = []
        self._changed = threading.Condition()
        self._pushing = threading.Lock()
        self._number = 0
        self._due = float("inf")
        self._thread: threading.Thread | None = None
        self._closed = False

    def append(self, data: bytes) -> None:
        waiter: Future[None] = Future()
        self._add(data, waiter)
        self.flush()
        waiter.result()

    def soon(self, data: bytes) -> Awaitable[None]:
        waiter: Future[None] = Future()
        self._add(data, waiter)
        return asyncio.wrap_future(waiter)

    def later(self, data: bytes) -> None:
        self._add(data, None)

    def flush(self) -> None:
        """Push what is there, and wait for it; raises what the push raises if there are lines
        nobody waits for.
        """
        with self._pushing:
            self._push_group()

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify()
        if self._thread:
            self._thread.join()
        self.flush()

    def _add(self, data: bytes, waiter: Future[None] | None) -> None:
        with self._changed:
            if self._closed:
                raise ValueError("the journal is closed")
            self._lines.append((data, waiter))
            self._due = min(self._due, time.monotonic() + (_WINDOW if waiter else PATIENCE))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and time.monotonic() < self._due:
                    self._changed.wait(min(self._due - time.monotonic(), PATIENCE))
                if self._closed:
                    return  # the rest is pushed by whoever closes, who learns of it if that fails
            with self._pushing:
                self._push_group(quietly=True)

    def _push_group(self, quietly: bool = False) -> None:
        with self._changed:
            group, self._lines, self._due = self._lines, [], float("inf")
        if not group:
            return
        group = [
            (data, waiter)
            for data, waiter in group
            if not waiter or waiter.set_running_or_notify_cancel()
        ]
        try:
            self._push(f"{self._number + 1:06}", b"".join(data for data, _ in group))
        except BaseException as error:
            self._take_back(group, error)
            if not quietly and not any(waiter for _, waiter in group):
                raise
            return
        self._number += 1
        for _, waiter in group:
            if waiter:
                waiter.set_result(None)

    def _take_back(
        self, group: list[tuple[bytes, Future[None] | None]], error: BaseException
    ) -> None:
        """Who waits learns of it, and his lines count as never written; the others go with the next
        group.
        """
        with self._changed:
            kept = [(data, waiter) for data, waiter in group if waiter is None]
            self._lines = kept + self._lines
            if kept:
                self._due = min(self._due, time.monotonic() + PATIENCE)
        for _, waiter in group:
            if waiter:
                waiter.set_exception(error)
