"""Everything a decision may look at, gathered beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from provisioner.kinds import file_at, kind
from provisioner.kinds.base import Form
from provisioner.model import (
    Address,
    Desired,
    Fields,
    Live,
    Locked,
    LockState,
    Service,
    Source,
    StoreFile,
)
from provisioner.plan.ownership import Claim, Stray, claims
from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """A store file of somebody else that becomes a local file's object."""

    id: str
    verified: bool = False  # its text was compared, and is the same
    different: bool = False  # its text was compared, and is not the same


@dataclass(frozen=True, slots=True)
class Taking:
    """What becomes of the files of a vector store that is imported."""

    store_files: Mapping[str, Taken] = field(default_factory=dict)  # by path
    names: Mapping[str, str] = field(default_factory=dict)  # of all store files in it, by id
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What refreshing found at the service."""

    # Of locked and imported addresses; gone ones are missing.
    live: Mapping[Address, Live] = field(default_factory=dict)
    strays: tuple[Stray, ...] = ()
    # Deposed objects that a list has shown, by id.
    old: Mapping[str, Live] = field(default_factory=dict)
    # Locked entries whose old API answers 404 for everything.
    api_gone: frozenset[Address] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a user asked of a plan."""

    targets: frozenset[Address] = frozenset()
    excludes: frozenset[Address] = frozenset()
    replaces: frozenset[Address] = frozenset()
    rotates: frozenset[Address] = frozenset()  # whose secrets are sent again
    destroy: bool = False
    refresh: bool = True
    on_drift: str | None = None  # None: as the environment says
    prune_orphans: bool = False
    force: bool = False


@dataclass(frozen=True)
class Situation:
    """Desired, locked and live, side by side. `lock` has the moves already carried out in it."""

    workspace: str
    environment: str
    service: Service
    lock: LockState
    desired: Mapping[Address, Desired]
    observed: Observed
    options: PlanOptions = field(default_factory=PlanOptions)
    keep_versions: int = 3
    # Address -> id, named by the specs.
    imports: Mapping[Address, str] = field(default_factory=dict)
    forgets: Mapping[Address, Source] = field(default_factory=dict)  # `removed: … destroy: false`
    moves: Mapping[Address, Address] = field(default_factory=dict)  # new -> old
    fresh: bool = False  # there is no lock yet
    takings: Mapping[Address, Taking] = field(default_factory=dict)  # of imported vector stores
    # Id -> who uses it who is not managed here.
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    destroys: frozenset[Address] = frozenset()  # `removed: … destroy: true`

    @cached_property
    def claims(self) -> dict[Address, Claim]:
        """What carries our stamp for a declared address that has no object, because it is new or
        its object is gone. Nothing is wanted of them where everything goes.
        """
        if self.options.destroy:
            return {}
        return claims(self.desired, self.lock, self.observed.live, self.observed.strays)

    @cached_property
    def adopted(self) -> dict[Address, Live]:
        """Objects that are taken over because of their stamp, so that nothing is made twice."""
        strays = {address: claim.only for address, claim in self.claims.items()}
        return {address: stray.live for address, stray in strays.items() if stray}

    def gone(self, address: Address) -> bool:
        """Whether the lock has an object for an address that is not at the service any more."""
        entry = self.locked(address)
        there = address in self.observed.live or address in self.observed.api_gone
        return entry is not None and entry.id is not None and not there

    @cached_property
    def taken(self) -> dict[Address, Taken]:
        """The store files that become files, each by the file's address."""
        files: dict[Address, Taken] = {}
        for taking in self.takings.values():
            for path, store_file in taking.store_files.items():
                address = file_at(path)
                if self.observed.live.get(address, store_file).id == store_file.id:
                    files.setdefault(address, store_file)
        return files

    def locked(self, address: Address) -> Locked | None:
        return self.lock.resources.get(address)

    def live(self, address: Address) -> Live | None:
        return self.observed.live.get(address) or self.adopted.get(address)

    def held(self, store: Address) -> Mapping[str, StoreFile]:
        """What a vector store holds, by id; nothing where that was not listed."""
        live = self.live(store)
        return (live.store_files or {}) if live else {}

    def form(self, address: Address) -> Form:
        """The form of a resource through the API it is wanted in, else through the one it has."""
        known = self.desired.get(address) or self.locked(address)
        return kind(address.kind).form(known.api if known else None)

    def fields(self, address: Address) -> Fields:
        """What is wanted of a resource, else what was applied."""
        known = self.desired.get(address) or self.locked(address)
        return known.fields if known else {}
