"""What happened, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner.model.names import Action, Address, Problem
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.model.plans import Drifted, Plan, Row, Service


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened during an apply, for progress lines and `--json`."""

    type: str  # started | progress | found | done | failed | skipped | waiting | summary
    address: Address | None = None
    action: Action | None = None
    id: str | None = None
    detail: str = ""
    done: int = 0  # progress: of files uploaded or indexed
    total: int = 0
    problem: Problem | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did."""

    plan: Plan
    counts: Mapping[str, int]  # imported added changed replaced moved destroyed forgotten
    failed: tuple[Problem, ...] = ()
    skipped: tuple[Address, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    serial: int = 0
    undone: frozenset[Row] = frozenset()  # what of the plan is still to do


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """A field that the service never gives back, so that nobody can say whether it drifted."""

    address: Address
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """An object of one of our kinds that carries nobody's stamp, or a file that others put into a
    store.
    """

    kind: str
    id: str
    name: str = ""  # as the service has it
    store: Address | None = None  # files: the managed vector store that holds it
    to: Address | None = None  # an address that it could have, where a spec could declare it so
    model: str | None = None  # of an assistant
    created_at: int = 0  # Unix seconds; 0 where the service does not say


@dataclass(frozen=True, slots=True)
class Drift:
    """What comparing the lock with the service found; nothing in it can be applied."""

    workspace: str
    environment: str
    service: Service
    lineage: str
    serial: int
    found: tuple[Drifted, ...] = ()  # with `--pending` also those whose drift is `local`
    unverifiable: tuple[Unverifiable, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    notes: tuple[str, ...] = ()
    checked: int = 0  # resources that were compared with the service
    several: bool = False  # the workspace has other environments: `imports` must say which
    profiles: int = 0  # request profiles: they live in the lock alone and cannot drift

    @property
    def drifted(self) -> bool:
        """Whether anybody but the authors of the specs changed something."""
        return any(item.drift != "local" for item in self.found)
