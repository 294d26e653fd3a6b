"""What every lock store must do. A store's own test module subclasses `StoreContract` and says how
to open one.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.errors import LockError
from provisioner.lock.lease import Lease
from provisioner.lock.lockfile import fresh
from provisioner.lock.store import LockStore
from provisioner.model import Address, Approved, Locked, LockState, Problem

ORIGIN = {"base_url": "https://service.example/v1", "organization": None, "project": None}
SUPPORT = Address("assistant", "support")
LEAVE = Address("file", "docs/leave.md")


def entry(address: Address, id: str, **fields: object) -> Locked:
    return Locked(address, id, dict(fields))


def state(serial: int = 3, *entries: Locked) -> LockState:
    base = fresh("acme", "prod", ORIGIN)
    return replace(
        base, lineage="7" * 8, serial=serial, resources={item.address: item for item in entries}
    )


class StoreContract:
    """The behaviour that all stores share."""

    def open(self, folder: Path) -> LockStore:
        """A store in this folder; two of the same folder are two writers of the same lock."""
        raise NotImplementedError

    def tear(self, folder: Path, bytes: int) -> None:
        """Cut so many bytes from the journal's end, as a crash does."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> LockStore:
        return self.open(tmp_path)

    def test_nothing_there(self, store: LockStore) -> None:
        """Before the first apply there is no lock, no journal and no holder, and looking makes
        none.
        """
        assert store.read() is None
        assert store.leftover() is None
        assert store.holder() is None
        assert store.peek() == (None, [])

    def test_round_trip(self, store: LockStore, tmp_path: Path) -> None:
        """What was written is read, also by another store."""
        written = state(
            3, entry(SUPPORT, "asst_1", model="gpt-4o"), entry(LEAVE, "file-1", bytes=3)
        )
        with store.lease():
            store.write(written)
        assert store.read() == written
        assert self.open(tmp_path).read() == written

    def test_apply(self, store: LockStore) -> None:
        """Results end in the lock with the next serial, and the journal is gone."""
        start = state(3, entry(LEAVE, "file-1"))
        with store.lease():
            store.write(start)
            with store.journal(start) as journal:
                made, gone = journal.intents(
                    [(SUPPORT, "create", {}), (LEAVE, "delete", {"object": "file-1"})]
                )
                asyncio.run(journal.note(made, "created", object="asst_1"))
                journal.result(made, entry(SUPPORT, "asst_1", model="gpt-4o"))
                journal.result(gone, None)
            settled, still_open = store.fold_journal()
        assert settled == store.read() == state(4, entry(SUPPORT, "asst_1", model="gpt-4o"))
        assert still_open == []
        assert store.leftover() is None

    def test_an_approval(self, store: LockStore) -> None:
        """It is in the lock where something was done: with all of its rows if the process ended,
        with those that are left if the apply did. Where nothing was done, the lock says what it
        said.
        """
        given = Approved("c" * 40, "sha256:1", ("r1", "r2"))
        with store.lease():
            store.write(state(3))
            with store.journal(state(3), given) as journal:
                journal.left(["r2"])
            assert store.fold_journal().state == state(3)
            with store.journal(state(3), given) as journal:
                journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
            stopped = store.fold_journal().state
            assert stopped and stopped.approved == given
            with store.journal(stopped, given) as journal:
                journal.result(
                    journal.intent(SUPPORT, "update"), entry(SUPPORT, "asst_1", model="x")
                )
                journal.left(["r2"])
            ended = store.fold_journal().state
            assert ended and ended.approved == replace(given, left=("r2",))
            with store.journal(ended) as journal:
                journal.result(journal.intent(SUPPORT, "delete"), None)
            after = store.fold_journal().state
        assert after == store.read() and after and after.approved == ended.approved

    def test_nothing_changed(self, store: LockStore) -> None:
        """An apply without a result leaves the lock as it is, serial included."""
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                journal.dismiss(journal.intent(SUPPORT, "create"))
            store.fold_journal()
        assert store.read() == state(3)
        assert store.leftover() is None

    def test_first_apply_crashes(self, store: LockStore, tmp_path: Path) -> None:
        """The lineage that the first objects were stamped with is not lost with the process."""
        start = fresh("acme", "prod", ORIGIN)
        with store.lease(), store.journal(start) as journal:
            journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
        again = self.open(tmp_path)
        assert again.read() is None
        assert again.peek().state == replace(
            start, serial=1, resources={SUPPORT: entry(SUPPORT, "asst_1")}
        )
        with again.lease():
            again.fold_journal()
        assert again.read() == again.peek().state

    def test_open_intents_are_carried(self, store: LockStore) -> None:
        """An intent without a result is found by every later start until somebody closes it;
        settling twice is settling once.
        """
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                id = journal.intent(SUPPORT, "create", name="Support")
                asyncio.run(journal.note(id, "created", object="asst_1"))
            first, second = store.fold_journal(), store.fold_journal()
            assert first == second
            assert first.state is not None and first.state.serial == 4
            with store.journal(first.state) as journal:
                (intent,) = journal.open
                assert (intent.address, intent.action, intent.data) == (
                    SUPPORT,
                    "create",
                    {"name": "Support"},
                )
                assert intent.partial[0]["object"] == "asst_1"
                assert journal.intent(LEAVE, "create") != intent.id
            (carried, new) = store.fold_journal().open_intents
            assert (carried, new.address) == (intent, LEAVE)

    def test_unsettled_journal_is_never_overwritten(self, store: LockStore) -> None:
        """A new journal cannot replace results that are not in the lock yet."""
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
            with pytest.raises(LockError, match="Unsettled journal"):
                store.journal(state(3))
            assert store.fold_journal().state == state(4, entry(SUPPORT, "asst_1"))

    def test_lock_has_moved(self, store: LockStore) -> None:
        """An apply that began from an older lock is stopped before its first request."""
        with store.lease():
            store.write(state(4))
            with pytest.raises(LockError, match="Lock has moved"):
                store.journal(state(3))

    def test_stopped_between_lock_and_journal(self, store: LockStore) -> None:
        """A process that ends after writing the lock and before removing the journal leaves nothing
        to fear.
        """
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
                journal.intent(LEAVE, "create")
            store.write(store.peek().state or state())  # the first half of folding, and no more
            settled, (left,) = store.fold_journal()
        assert settled == state(4, entry(SUPPORT, "asst_1"))
        assert (left.address, left.hint) == (LEAVE, False)

    def test_foreign_journal_is_only_a_hint(self, store: LockStore) -> None:
        """A journal that does not fit the lock changes nothing in it; each line is kept until
        somebody has looked.
        """
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
                journal.intent(LEAVE, "create")
                journal.dismiss(journal.intent(LEAVE, "delete"))
            newer = state(9)
            store.write(newer)
            for _ in range(2):
                settled, hints = store.fold_journal()
                assert settled == newer
                assert [(hint.address, hint.hint) for hint in hints] == [
                    (SUPPORT, True),
                    (LEAVE, True),
                ]
                assert hints[0].partial[0]["entry"]["id"] == "asst_1"
            with store.journal(newer) as journal:
                for hint in journal.open:
                    journal.dismiss(hint.id)
            assert store.fold_journal() == (newer, [])

    @pytest.mark.parametrize("change", [{"lineage": "8" * 8}, {"serial": 4}, {"serial": 2}])
    def test_journal_of_another_lock(self, store: LockStore, change: dict[str, object]) -> None:
        """Another lineage, a colleague's newer lock or an older one: the journal's results stay out
        of it.
        """
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
            pulled = replace(state(3, entry(LEAVE, "file-9")), **change)
            store.write(pulled)
            settled, (hint,) = store.fold_journal()
        assert settled == store.read() == pulled
        assert (hint.address, hint.hint) == (SUPPORT, True)

    def test_torn_journal(self, store: LockStore, tmp_path: Path) -> None:
        """Half a last line is dropped; what came before it counts."""
        with store.lease():
            store.write(state(3))
            with store.journal(state(3)) as journal:
                journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
                journal.result(journal.intent(LEAVE, "create"), entry(LEAVE, "file-1"))
            self.tear(tmp_path, 5)
            settled, (left,) = store.fold_journal()
        assert settled == state(4, entry(SUPPORT, "asst_1"))
        assert left.address == LEAVE

    def test_moving_is_one_record(self, store: LockStore) -> None:
        """A result may carry the entries of several addresses, all or none of them."""
        new = Address("assistant", "help")
        with store.lease():
            store.write(state(3, entry(SUPPORT, "asst_1")))
            with store.journal(state(3)) as journal:
                journal.result(journal.intent(new, "update"), entry(new, "asst_1"), {SUPPORT: None})
            assert store.fold_journal().state == state(4, entry(new, "asst_1"))

    def test_one_writer(self, store: LockStore, tmp_path: Path) -> None:
        """A second writer is reported who has the lock and how to take it; readers are not
        disturbed.
        """
        other = self.open(tmp_path)
        with store.lease() as lease:
            with pytest.raises(LockError) as caught, other.lease():
                pass
            problem = caught.value.problems[0]
            assert lease.holder in problem.detail and lease.host in problem.detail
            assert str(lease.pid) in problem.detail and lease.since in problem.detail
            assert f"force-unlock {lease.id}" in (problem.hint or "")
            assert other.read() is None
        with other.lease():
            assert other.holder() is not None
        assert other.holder() is None

    def test_waiting(self, store: LockStore, tmp_path: Path) -> None:
        """Waiting says for whom, once at first, and gives up after the time asked for."""
        reported: list[str] = []
        other = self.open(tmp_path)
        with (
            store.lease() as lease,
            pytest.raises(LockError, match="is busy"),
            other.lease(0.5, reported.append),
        ):
            pass
        assert len(reported) == 1 and f"process {lease.pid}" in reported[0]

    def test_waiting_in_silence(self, store: LockStore, tmp_path: Path) -> None:
        """Who waits need not listen, and looks now and then, not all the time."""
        other, tries = self.open(tmp_path), 0
        real = other._try

        def counted(lease: Lease) -> Problem | None:
            nonlocal tries
            tries += 1
            return real(lease)

        other._try = counted  # type: ignore[method-assign]
        other.poll = 0.05
        with store.lease(), pytest.raises(LockError, match="is busy"), other.lease(0.3):
            pass
        assert 1 <= tries <= 14

    def test_lease_ends_with_an_error(self, store: LockStore) -> None:
        """An apply that fails gives the lease back."""
        with contextlib.suppress(RuntimeError), store.lease():
            raise RuntimeError
        assert store.holder() is None

    def test_force_unlock(self, store: LockStore, tmp_path: Path) -> None:
        """A lease is taken away only by its id; who lost it can neither write nor remove the next
        one's.
        """
        other = self.open(tmp_path)
        with store.lease() as lost:
            with pytest.raises(LockError, match="Wrong lease"):
                other.force_unlock("0" * 12)
            assert other.force_unlock(lost.id) == lost
            with other.lease() as taken:
                with pytest.raises(LockError, match="Lease was lost"):
                    store.write(state(3))
                with pytest.raises(LockError, match="Lease was lost"):
                    store.journal(state(3))
                assert store.read() is None
                other.write(state(3))
                assert other.holder() == taken
        assert other.holder() is None
        with pytest.raises(LockError, match="Nothing to unlock"):
            other.force_unlock(lost.id)

    def test_release_leaves_the_next_ones_lease(self, store: LockStore, tmp_path: Path) -> None:
        """Giving back a lease that was lost does not remove somebody else's."""
        other = self.open(tmp_path)
        with contextlib.ExitStack() as stack:
            with store.lease() as lost:
                other.force_unlock(lost.id)
                taken = stack.enter_context(other.lease())
            assert other.holder() == taken
