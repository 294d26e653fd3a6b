"""What the specs say for one environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioner.model import Address, Desired, Problem, Source


@dataclass(frozen=True, slots=True)
class External:
    """An object that is named by its id and not managed here: checked to exist, never touched."""

    kind: str
    id: str
    source: Source


@dataclass(frozen=True, slots=True)
class Import:
    """An existing object that is to become a resource's."""

    to: Address
    id: str
    source: Source


@dataclass(frozen=True, slots=True)
class Moved:
    """A resource that had another address."""

    origin: Address
    to: Address
    source: Source


@dataclass(frozen=True, slots=True)
class Removed:
    """A resource that is no longer declared on purpose; without `destroy` its object stays at the service."""

    origin: Address
    destroy: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Specs:
    """What the specs want of one environment, and what is wrong with them."""

    desired: dict[Address, Desired] = field(default_factory=dict)
    externals: tuple[External, ...] = ()
    imports: tuple[Import, ...] = ()
    moved: tuple[Moved, ...] = ()
    removed: tuple[Removed, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    empty: bool = False  # no spec declares anything

    @property
    def failed(self) -> bool:
        """Whether any problem is an error; warnings stop nothing."""
        return any(problem.severity == "error" for problem in self.problems)
