"""The state of one apply under way: what the lock will say, what went wrong, who hears of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.apply.lookout import Lookout
from provisioner.apply.schedule import NotBegun
from provisioner.errors import ProvisionerError, QuotaExceeded
from provisioner.kinds import Key, is_file, kind
from provisioner.kinds.base import Form, Names
from provisioner.lock.journal import Journal
from provisioner.model import (
    Action,
    Address,
    Change,
    Event,
    Live,
    Locked,
    LockState,
    Plan,
    Problem,
    Stamp,
)
from provisioner.records import dataclass
from provisioner.remote import Remote
from provisioner.remote.sent import tell_writes
from provisioner.workspace.secrets import Secret

if TYPE_CHECKING:
    from provisioner.apply.exactly_once import Lookalikes

COUNTED = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DELETE: "destroyed",
    Action.FORGET: "forgotten",
}


_INTERRUPTED = (
    "interrupted: what is under way is finished and recorded, another interrupt stops at once"
)

_LATE = 60.0  # seconds from an intent to its request

_Entries = Mapping[Address, Locked | None]  # None: out of the lock


@dataclass
class Run:
    """One apply. `entries` is the lock as it becomes; every change of it has gone through the
    journal.
    """

    plan: Plan
    root: Path
    remote: Remote
    state: LockState  # with the plan's moves carried out in it
    # The entries as the lock has them, with what this apply has recorded.
    written: dict[Address, Locked]
    journal: Journal
    on_event: Callable[[Event], None]
    # By id: files that were there when the apply began.
    seen_files: Mapping[str, Live] = field(default_factory=dict)
    # By kind and API: objects that were there then.
    listed: Mapping[Key, Mapping[str, Live] | None] = field(default_factory=dict)
    deadline: float = 1800.0  # seconds that a store may take to index
    commit: str | None = None  # what the plan is of
    shared: bool = False  # whether another environment of the workspace may use this service
    # By id: those that were there when the apply began.
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    doubtful: bool = (
        False  # whether the service may answer a write with what it was sent and not keep it
    )
    # What it was found to keep of such writes.
    keeps: dict[Hashable, bool] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # File -> stores that could not index it.
    broken: dict[Address, set[Address]] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)  # ids of files that a store would not let go
    indexing: set[Address] = field(default_factory=set)  # files that were not indexed in time
    # Store and path of files that it has not got right.
    left_out: set[tuple[Address, str]] = field(default_factory=set)
    skipped: list[Address] = field(default_factory=list)
    # Resources that this apply has created or replaced.
    made: set[Address] = field(default_factory=set)
    entries: dict[Address, Locked] = field(init=False)
    # Taken over as they are: without our stamp, in the lock alone.
    unstamped: Collection[Address] = ()
    # What a stopped apply was about to upload, and what was not found since.
    unfound: Collection[Address] = ()
    # Every id that a creation was answered with.
    given: dict[str, Address] = field(default_factory=dict)
    # By intent: made, and not in the lock yet.
    unrecorded: dict[int, tuple[Address, str]] = field(default_factory=dict)
    # Those that are sent, by address and unit. Their values are nowhere else.
    secrets: Mapping[Address, Mapping[str, Secret]] = field(default_factory=dict, repr=False)
    # By kind and API: how what was there when the apply began looks, where it has no stamp.
    lookalikes: dict[Key, Lookalikes] = field(default_factory=dict)
    stop: Callable[[], None] = field(default=lambda: None)
    interrupted: bool = False
    out_of_quota: bool = False
    _uploads_done: int = 0
    _turns: dict[Hashable, asyncio.Lock] = field(default_factory=dict)
    changes: dict[Address, Change] = field(init=False)
    lookout: Lookout = field(init=False)

    def __post_init__(self) -> None:
        self.entries = dict(self.state.resources)
        self.lookout = Lookout(lambda: self.remote.settling.aside())
        self.changes = {change.address: change for change in self.plan.changes}

    def change(self, address: Address) -> Change | None:
        return self.changes.get(address)

    @cached_property
    def _planned_files(self) -> dict[Address, set[str]]:
        planned: dict[Address, set[str]] = {}
        for item in self.plan.store_file_changes:
            planned.setdefault(item.store, set()).add(item.path)
        return planned

    def planned_files(self, store: Address) -> set[str]:
        """The paths of the files of a store that the plan does something about."""
        return self._planned_files.get(store, set())

    def uploaded(self, file: Address) -> bool:
        """Whether the version of a file that the plan wants is at the service."""
        change = self.changes.get(file)
        return change is None or not change.action.makes or file in self.made

    @cached_property
    def since(self) -> int:
        """The newest file's time when the apply began, by the service's own clock."""
        return max((live.created_at for live in self.seen_files.values()), default=0)

    @cached_property
    def _newest(self) -> dict[str, list[str]]:
        newest: dict[str, list[str]] = {}
        for live in self.seen_files.values():
            if live.created_at >= self.since:
                newest.setdefault(str(live.fields.get("filename")), []).append(live.id)
        return newest

    def seen_like(self, filename: str) -> list[str]:
        """Ids of files of that name and of that newest second that were there already."""
        return sorted(self._newest.get(filename, ()))

    def seen(self, kind_name: str, api: str | None) -> Collection[Live]:
        """The objects of a kind that were there when the apply began."""
        return (self.listed.get((kind_name, api)) or {}).values()

    @asynccontextmanager
    async def turn(self, looks: Hashable) -> AsyncIterator[None]:
        """To be held while something is done by one at a time: making what only its looks can be
        found by, checking whether a field is kept. Who waits for it lets others go on.
        """
        lock = self._turns.setdefault(looks, asyncio.Lock())
        if lock.locked():
            with self.remote.settling.aside():
                await lock.acquire()
        else:
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def form(self, address: Address, api: str | None) -> Form:
        return kind(address.kind).form(api)

    def stamp(self, address: Address | str) -> Stamp:
        """Our mark on what this apply writes; files in a store carry their path."""
        plan = self.plan
        serial = self.state.serial + 1
        return Stamp(
            plan.workspace,
            plan.environment,
            address=str(address),
            lineage=self.state.lineage[:8],
            serial=serial,
        )

    def names(self, needs: Iterable[Address]) -> Names:
        """The ids of some addresses as they are now; those without one are left out."""
        known = ((need, self.entries[need].id) for need in needs if need in self.entries)
        return Names({need: id for need, id in known if id})

    async def intent(
        self, address: Address, action: str, *, first: bool = False, **data: object
    ) -> int:
        """Say durably what is about to be done; intents of the same moment share the cost of it.
        `first`: nothing was done before, so that where everything is stopped before its request
        has had its turn, it is not begun.
        """
        begun = time.monotonic()
        number = await self.journal.begin(address, action, **data)
        # What its age may be wrong by is little of the time for which it is looked for. To say so
        # takes as long again as it took to say what is about to be done.
        after = (self.remote.settling.seconds / 10 or _LATE) + time.monotonic() - begun

        async def leaving() -> None:
            nonlocal first
            if first and (self.interrupted or self.out_of_quota):
                self.journal.dismiss(number)
                raise NotBegun
            first = False
            await self.journal.leaving(number, after, sent=round(self.remote.now(), 3))

        tell_writes(leaving)
        return number

    async def record(
        self,
        number: int,
        address: Address,
        *,
        entry: Locked | None,
        also: _Entries | None = None,
        respelled: _Entries | None = None,
    ) -> None:
        """Make the outcome of an intent part of the lock, and wait until it is durable, together
        with others that change in the same moment. `respelled` are those that a move changes: in
        `entries` they are like that from the beginning.
        """
        own = {**(also or {}), address: entry}
        durable = self.journal.ending(number, entry, {**(respelled or {}), **(also or {})})
        # At once, in the order of the lines: what others say of these entries rests on them.
        self.unrecorded.pop(number, None)
        _put(self.entries, own)
        _put(self.written, {**(respelled or {}), **own})
        await durable

    @cached_property
    def _planned_uploads(self) -> int:
        return sum(is_file(change.address) and change.action.makes for change in self.plan.changes)

    def uploaded_one(self) -> None:
        """Tell how many of the planned uploads are done."""
        self._uploads_done += 1
        self.on_event(
            Event(
                "progress",
                detail="uploading",
                done=self._uploads_done,
                total=max(self._uploads_done, self._planned_uploads),
            )
        )

    def unowned(self) -> list[Problem]:
        """What was made while another process had taken the lock over: it cannot know of it."""
        unrecorded = sorted(self.unrecorded.values())
        named = ", ".join(f"`{id}` for `{address}`" for address, id in unrecorded)
        detail = f"Made when the lease was gone already, so that no lock has it: {named}."
        hint = (
            "run `provisioner plan`: it finds again what carries our stamp; delete an upload that"
            " nobody uses"
        )
        return [Problem("Left at the service", detail, hint)] if unrecorded else []

    def interrupt(self) -> None:
        """Finish what is in flight, and begin nothing more."""
        self.on_event(Event("waiting", detail=_INTERRUPTED))
        self.interrupted = True
        self.stop()

    def started(self, change: Change, detail: str = "") -> None:
        self.on_event(
            Event("started", change.address, action=change.action, id=change.id, detail=detail)
        )

    def finished(self, change: Change, id: str | None) -> None:
        """Count a change and say so."""
        if change.importing:
            self.counts["imported"] += 1
        if change.previous:
            self.counts["moved"] += 1
        if change.action in COUNTED:
            self.counts[COUNTED[change.action]] += 1
        if change.matters:
            detail = "deferred" if change.deferred else change.reason
            self.on_event(Event("done", change.address, action=change.action, id=id, detail=detail))

    def fail(self, address: Address, action: Action | None, error: ProvisionerError) -> None:
        """Note a failure; the rest goes on."""
        for problem in error.problems:
            self.problem(address, action, problem)
        if isinstance(error, QuotaExceeded):  # no other request would fare better
            self.out_of_quota = True
            self.stop()

    def problem(self, address: Address, action: Action | None, problem: Problem) -> None:
        named = problem if problem.address else replace(problem, address=str(address))
        self.failed.append(named)
        self.on_event(Event("failed", address, action, problem=named))


def _put(entries: dict[Address, Locked], changed: _Entries) -> None:
    for address, entry in changed.items():
        if entry is None:
            entries.pop(address, None)
        else:
            entries[address] = entry
