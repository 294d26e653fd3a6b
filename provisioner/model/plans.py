"""A whole decision: what a plan will do, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple

from provisioner.model.names import Action, Address, Fields, Position, Problem, Source
from provisioner.model.states import Approved
from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `before` is live, `after` desired; `locked` what we last applied."""

    path: str
    before: Any = None
    after: Any = None
    locked: Any = None
    drift: str | None = None  # None, "remote" or "both"; in a drift report also "local"
    unknown: bool = False  # after holds an id that is known only after the apply
    sensitive: bool = False


QUIET = ("adopt", "forget", "wait", "verify")
"""What is done with a store's files without changing anything at the service."""

LEAVING = ("detach", "forget")
"""What is done with files that are not to be in a store."""


RELEASES = ("removed_block", "used_by_forgotten")
"""Why something is forgotten that is there; anything else that is forgotten is gone already."""


@dataclass(frozen=True, slots=True)
class StoreFileChange:
    """One planned change to what a vector store holds."""

    store: Address
    # attach | replace | update | detach; adopt, forget: is there, or gone, already, and the lock
    # has to
    action: str
    # learn it; wait: was attached by an earlier apply and is still being indexed; verify: is there
    # and was found again after a lost reply, and nobody has compared its text yet
    path: str  # the file's path, or `id:FILE_ID` for one that is not managed here
    file: Address | None = None
    old_id: str | None = None  # what is attached now (replace, update, detach)
    attributes: dict[str, Any] = field(default_factory=dict)
    chunking: Any = "auto"
    gap: bool = False  # a searcher finds neither version for a moment
    # the store holds a file of its own for the path, taken over with it, until the next version
    taken: bool = False
    verified: bool = True  # False: nobody has compared its bytes with the local ones


@dataclass(frozen=True, slots=True)
class Change:
    """One planned thing. Everything an apply needs is in it; nothing is decided later."""

    address: Address
    action: Action
    reason: str
    id: str | None = None
    api: str | None = None
    before: Fields | None = None
    after: Fields | None = None
    fields: tuple[FieldChange, ...] = ()
    depends_on: tuple[Address, ...] = ()
    protect: bool = False
    importing: str | None = None
    previous: Address | None = None
    source: Source | None = None
    position: Position | None = None
    lost: tuple[str, ...] = ()
    previous_api: str | None = None  # the API of the old object, where that changes
    # Delete, replace: who still uses the old object, which so stays alive as deposed.
    kept_for: tuple[str, ...] = ()
    replace_paths: tuple[str, ...] = ()  # replace: the fixed fields that force it
    made: bool = True  # False: the object with this id was taken over, not made by us
    verified: bool = True  # False, for files that are taken over: nobody has compared their bytes
    stays_with: Address | None = (
        None  # forget, replace: what is forgotten and uses the (old) object, so that it stays
    )
    documents: int = 0  # stores that are deleted, replaced or forgotten: how many are in it
    foreign_documents: int = 0  # how many of those somebody else put there
    old_digest: str | None = (
        None  # delete, replace, forget: of the old object as it is at the service
    )
    # Replace: the old one goes first, because the service takes no second one beside it.
    gap: bool = False
    # What is written beside `after` because nothing is declared: the name of the resource.
    defaults: Fields = field(default_factory=dict)
    # Of a request profile that is rolled back: the older version whose request is the newest again.
    # `before` and `after` are requests then.
    restores: int | None = None

    @property
    def matters(self) -> bool:
        """Whether anybody has to see it: an import or a move is a change even where nothing is
        written.
        """
        return self.action is not Action.KEEP or bool(self.importing) or self.previous is not None

    @property
    def deferred(self) -> bool:
        """Whether the old object outlives this plan."""
        return bool(self.kept_for)

    @property
    def releases(self) -> bool:
        """Whether the object is there and stays at the service, without our stamp."""
        return self.action is Action.FORGET and self.reason in RELEASES


@dataclass(frozen=True, slots=True)
class Drifted:
    """An object that is not as we left it."""

    address: Address
    drift: str  # remote | both | missing; where pending edits are asked for also local
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""  # missing: gone | expired
    source: Source | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Remnant:
    """An object beside the plan: an orphan of ours, or a deposed one."""

    address: Address
    id: str
    action: str  # keep | delete | forget
    detail: str = ""
    api: str | None = None  # orphans that are assistants: the API through which it exists
    stays_with: Address | None = None  # forget: what is forgotten and uses it
    old_digest: str | None = None  # orphans: of the object as it is at the service


@dataclass(frozen=True, slots=True)
class Block:
    """A rule that stops the plan from being applied."""

    rule: str
    detail: str
    forced: bool = True  # whether --force overrides it


@dataclass(frozen=True, slots=True)
class Service:
    """What is provisioned: where it is and through which API by default."""

    base_url: str
    api: str
    organization: str | None = None
    project: str | None = None

    @property
    def origin(self) -> dict[str, str | None]:
        return {
            "base_url": self.base_url,
            "organization": self.organization,
            "project": self.project,
        }


class Row(NamedTuple):
    """One thing that a plan does, as it is approved: a row of its checksum."""

    sort: str  # change; file: of a store; old: an object that is left over
    about: str  # the address of the resource, or of the store
    part: str = ""  # file: its path; old: the object's id


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole decision. Apply and every view walk this and nothing else."""

    workspace: str
    environment: str
    service: Service
    lineage: str
    serial: int
    changes: tuple[Change, ...] = ()
    store_file_changes: tuple[StoreFileChange, ...] = ()
    drift: tuple[Drifted, ...] = ()
    orphans: tuple[Remnant, ...] = ()
    deposed: tuple[Remnant, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0
    blocked: tuple[Block, ...] = ()
    problems: tuple[Problem, ...] = ()
    # Address -> {"locked": sha, "live": sha}
    basis: Mapping[str, dict[str, str | None]] = field(default_factory=dict)
    keep_versions: int = 3
    refreshed: bool = True  # False: compared with the lock alone, so it cannot be applied
    approved: Approved | None = None  # what the lock says was applied last, and with whose approval
    # Whether everything was to go: words hang on it, and nothing that is done.
    destroy: bool = field(default=False, compare=False)

    def outdates(self, item: StoreFileChange) -> bool:
        """Whether it takes an old version of ours out of a store, which a stopped apply left there
        beside the new.
        """
        old = item.old_id in {remnant.id for remnant in self.deposed}
        return item.action == "detach" and item.file is None and old

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do, apart from what the lock alone has to learn."""
        leftovers = (*self.orphans, *self.deposed)
        return not (
            any(change.matters for change in self.changes)
            or any(item.action not in QUIET for item in self.store_file_changes)
            or any(remnant.action != "keep" for remnant in leftovers)
        )

    @property
    def made(self) -> frozenset[str]:
        """The addresses whose ids are known only after the apply."""
        return frozenset(str(change.address) for change in self.changes if change.action.makes)

    @property
    def rolls_back(self) -> bool:
        """Whether it puts an older version of a request profile back, whatever the specs say."""
        return any(change.restores is not None for change in self.changes)

    @property
    def stopped(self) -> bool:
        """Whether it cannot be applied, whoever asks."""
        return bool(self.blocked) or any(problem.severity == "error" for problem in self.problems)

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)
