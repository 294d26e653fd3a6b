"""What checking the specs found."""

from __future__ import annotations

from typing import Literal

from provisioner.model.names import Address, Problem
from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class Mapped:
    """What an API makes of one thing that is declared, or that is left to it."""

    path: str  # `temperature`, `tools[0].max_num_results`
    how: Literal["carried", "renamed", "default", "lost", "unused"]
    tool: str = ""  # the type of the tool that it belongs to
    to: str = ""  # carried, renamed: where a request has it
    why: str = ""  # default, lost, unused
    hint: str = ""  # lost: the nearest remedy
    loss: str = ""  # lost: what `accept_loss` calls it


@dataclass(frozen=True, slots=True)
class Carrying:
    """What the API of an environment makes of one resource, whole."""

    environment: str
    address: Address
    api: str
    fields: tuple[Mapped, ...]
    accepted: frozenset[str] = frozenset()  # of the losses, by name


@dataclass(frozen=True, slots=True)
class Report:
    """What checking the specs found."""

    problems: list[Problem]
    counts: dict[str, int]  # resources by kind
    environments: list[str]
    carrying: tuple[Carrying, ...] = ()  # where it was asked for

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)
