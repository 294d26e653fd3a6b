"""What keeps a lock: one interface for the file and for whatever else comes behind it."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from provisioner import interrupts
from provisioner.errors import LockError
from provisioner.lock.journal import Folded, Journal, Sink, fold, opening
from provisioner.lock.lease import Lease
from provisioner.model import Approved, LockState, Problem

OnWait = Callable[[str], None]
"""Said in one sentence, about every ten seconds, whose lease is waited for."""

_WAIT_NOTE = 10.0  # seconds between two messages about it


class LockStore(ABC):
    """A lock, its journal and its lease.

    Reading needs no lease. An apply does this:

        with store.lease(timeout, on_wait):
            state, open_intents = store.fold_journal()  # whatever a crash left is in the lock
            with store.journal(state or fresh(…)) as journal:
                …                                     # intent, request, result
            state, open_intents = store.fold_journal()  # at the end and on interrupt alike
    """

    name: str  # what messages call the lock
    poll: float  # seconds between two looks at a busy lease
    _held: Lease | None = None

    @abstractmethod
    def read(self) -> LockState | None:
        """The lock as it was last written; None when there is none. LockError when it cannot be
        read.
        """

    def write(self, state: LockState) -> None:
        """Replace the lock, whole or not at all; LockError when that is impossible or the lease has
        been lost.
        """
        self._replace_lock(
            replace(state, written=datetime.now(UTC).isoformat(timespec="milliseconds"))
        )

    @contextmanager
    def lease(self, timeout: float = 0.0, on_wait: OnWait | None = None) -> Iterator[Lease]:
        """Be the only writer for a while. LockError when somebody else still is after `timeout`
        seconds.
        """
        with interrupts.unbroken():
            lease = self._acquire(timeout, on_wait or (lambda _: None))
            self._held = lease
            try:
                yield lease
            finally:
                self._held = None
                self._release(lease)

    @abstractmethod
    def holder(self) -> Lease | None:
        """Who has the lease now."""

    @abstractmethod
    def force_unlock(self, id: str) -> Lease:
        """Take the lease `id` away from whoever holds it, and return it; LockError when that is not
        its id.
        """

    @abstractmethod
    def leftover(self) -> str | None:
        """The text of the journal that lies beside the lock, None when there is none."""

    def peek(self) -> Folded:
        """The lock with its leftover journal folded in, for readers without a lease; nothing is
        written.
        """
        state, text = self.read(), self.leftover()
        while text is not None and (again := self.read()) != state:  # a writer was between the two
            state, text = again, self.leftover()
        return fold(state, text, self.journal_name)

    def fold_journal(self) -> Folded:
        """Fold the journal into the lock, write it and keep only what is still open. Needs the
        lease. Ended at any instant, it can simply be done again.
        """
        before, text = self.read(), self.leftover()
        if text is None:
            return Folded(before, [])
        folded = fold(before, text, self.journal_name)
        if folded.state is not None and folded.state is not before:
            self.write(folded.state)
        if not folded.open_intents:
            self._remove_journal()
        elif folded.state is not None:
            self._replace_journal(opening(folded.state, folded.open_intents)).close()
        return folded

    def journal(self, state: LockState, approved: Approved | None = None) -> Journal:
        """Start the journal of an apply that begins from `state`, by an approval if it has one: the
        first thing that is written, so that a full disk or a read-only folder is found before the
        first request. The intents that an earlier journal left open are carried over. LockError
        when that one has not been folded, or the lock is not at `state` any more.
        """
        before = self.read()
        if before is not None and (before.lineage, before.serial) != (state.lineage, state.serial):
            raise LockError(
                Problem(
                    "Lock has moved",
                    f"`{self.name}` is at serial {before.serial} of lineage `{before.lineage}`, and"
                    f" this apply began from serial {state.serial} of lineage `{state.lineage}`;"
                    " somebody else has written it.",
                    "run `provisioner plan` again",
                    file=self.name,
                )
            )
        folded = fold(before, self.leftover(), self.journal_name)
        if folded.state is not before:
            name = self.journal_name
            detail = f"`{name}` holds results of an earlier apply that are not in the lock yet."
            hint = "run `provisioner apply` again; it puts them into the lock first"
            raise LockError(Problem("Unsettled journal", detail, hint, file=name))
        return Journal(
            self._replace_journal(opening(state, folded.open_intents, approved)),
            folded.open_intents,
        )

    @property
    def journal_name(self) -> str:
        """What messages call the journal."""
        return self.name + ".journal"

    def _acquire(self, timeout: float, on_wait: OnWait) -> Lease:
        deadline = time.monotonic() + timeout
        noted = float("-inf")
        while True:
            lease = Lease.mine()
            busy = self._try(lease)
            if busy is None:
                return lease
            now = time.monotonic()
            if now >= deadline:
                raise LockError(busy)
            if now - noted >= _WAIT_NOTE:
                on_wait(f"{busy.detail} Waiting up to {deadline - now:.0f} s for it.")
                noted = now
            interrupts.sleep(
                min(self.poll * (0.5 + os.urandom(1)[0] / 255), max(deadline - now, 0.0))
            )

    @abstractmethod
    def _try(self, lease: Lease) -> Problem | None:
        """Take the lease, also from a holder that has ended; the problem when somebody has it."""

    @abstractmethod
    def _release(self, lease: Lease) -> None:
        """Give the lease back, if it still is ours; never raises LockError."""

    @abstractmethod
    def _replace_lock(self, state: LockState) -> None:
        """Put a lock in the place of any other, whole or not at all."""

    @abstractmethod
    def _replace_journal(self, text: str) -> Sink:
        """Put a new journal in the place of any other, at once, and make room for what follows."""

    @abstractmethod
    def _remove_journal(self) -> None:
        """Remove the journal; nothing when there is none."""

    def _lost(self, holder: Lease | None) -> Problem:
        detail = f"The lease on `{self.name}` was taken away from this process"
        detail += f"; {holder.who} has it now." if holder else "."
        hint = "nothing more is written here; run `provisioner plan` once the other apply has ended"
        return Problem("Lease was lost", detail, hint, file=self.name)

    def _not_held(self, id: str, holder: Lease | None) -> Problem:
        if holder is None:
            return Problem(
                "Nothing to unlock", f"Nobody has a lease on `{self.name}`.", file=self.name
            )
        detail = f"The lease on `{self.name}` is not `{id}`: {holder.who} has it."
        hint = f"if that process is certainly gone: `provisioner force-unlock {holder.id}`"
        return Problem("Wrong lease", detail, hint, file=self.name)
