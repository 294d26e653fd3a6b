"""Survivors that somebody has looked at: `tests/mutants.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.mutants.recording import HERE
from scripts.mutants.sites import Mutant

FILE = HERE / "tests" / "mutants.yaml"
Place = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Known:
    """The places in the file: `same` changes no behaviour; `accepted` does, and is put up with."""

    same: frozenset[Place]
    accepted: frozenset[Place]

    @classmethod
    def read(cls) -> Known:
        """Below each function are the changes; one that says why it is `accepted` changes
        behaviour, one that says why it is the `same` does not.
        """
        entries = list(yaml.safe_load(FILE.read_text(encoding="utf-8")) or ())
        same = frozenset(_place(entry) for entry in entries if "same" in entry)
        return cls(same, frozenset(_place(entry) for entry in entries if "accepted" in entry))

    def stale(self, everything: Iterable[Mutant]) -> list[Place]:
        """Places that there are not any more."""
        return sorted((self.same | self.accepted) - {mutant.place for mutant in everything})


def _place(entry: dict[str, Any]) -> Place:
    path, _, function = entry["in"].partition(" ")
    return path, function, entry["line"], entry["before"], entry["after"]


def entry(mutant: Mutant) -> str:
    """A mutant as the file would have it, with its reason left to be written."""
    path, function, line, before, after = mutant.place
    found = {
        "in": f"{path} {function}".strip(),
        "line": line,
        "before": before,
        "after": after,
        "same": "",
    }
    return yaml.safe_dump([found], sort_keys=False, allow_unicode=True, width=1000)
