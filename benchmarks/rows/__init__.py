"""The rows of the table: what each is called, what it is held against, and its goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from benchmarks.bench import Bench
from benchmarks.measuring import MIB, Pairs


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured: both sides in words, and the number that the goal is about."""

    ours: str
    theirs: str
    value: float
    unit: str = ""
    note: str = ""  # what else is worth knowing, on a line of its own


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `exact`: the goal has to be met to the letter, more is as wrong as
    less.
    """

    name: str
    work: str
    against: str
    limit: float
    measure: Callable[[Bench], Result]
    exact: bool = False

    def reached(self, result: Result) -> bool:
        return result.value == self.limit if self.exact else round(result.value, 2) <= self.limit


ROWS: dict[str, Row] = {}


def row(
    name: str, work: str, against: str, limit: float, *, exact: bool = False
) -> Callable[[Callable[[Bench], Result]], Callable[[Bench], Result]]:
    """Make a function that measures a row of the table."""

    def take(measure: Callable[[Bench], Result]) -> Callable[[Bench], Result]:
        ROWS[name] = Row(name, work, against, limit, measure, exact)
        return measure

    return take


def ratio(found: Pairs) -> Result:
    """Two times and how they compare."""
    return Result(_seconds(found.ours), _seconds(found.theirs), found.ratio)


def memory(peak: float, beside: str = "") -> Result:
    """Bytes at the peak."""
    return Result(f"{peak / MIB:.0f} MiB", beside, peak / MIB, " MiB")


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


for module in (
    "starting",
    "specs",
    "planning",
    "applying",
    "documents",
    "differing",
    "resources",
    "faults",
):
    import_module(f"{__name__}.{module}")
