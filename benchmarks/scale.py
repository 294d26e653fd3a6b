"""How the work grows: `python -m benchmarks.scale [--quick]`. Processor time of whole commands at
sizes ten times apart, with the exponent that fits them best; and the peak of memory at sizes of a
file.

Each turn of a command is beside one of the same command with a single resource, which is taken off:
a machine may become slower while this runs. What is short is measured more often. A size at which
what is left is no more than the turns scatter says nothing: it is shown in brackets, and does not
count.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import linear_regression, median
from typing import Self

from benchmarks import workspaces
from benchmarks.measuring import MIB, peak, provisioner, surroundings
from benchmarks.service import serving

_LIMIT = 1.05  # of an exponent
_WHILE = 6.0  # seconds that a command is measured for
_NOISE = 4.0  # how many times as much as they scatter two medians differ by more than chance
_ROOM = 1.15  # how many times the memory of the smallest file the largest one may take


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    assistants: Sequence[int] = (100, 1_000, 10_000)
    files: Sequence[int] = (1_000, 10_000, 100_000)
    bytes: Sequence[int] = (8 << 20, 64 << 20, 512 << 20)
    most: int = 15  # turns of a command


_QUICK = Sizes((3, 9), (3, 9), (1 << 20, 2 << 20), 1)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of some turns beyond those of a single resource: in the middle, and how far from it
    half of them are at most.
    """

    seconds: float
    scatter: float

    @classmethod
    def of(cls, turns: Sequence[float]) -> Self:
        middle = median(turns)
        return cls(middle, median(abs(turn - middle) for turn in turns))

    @property
    def counts(self) -> bool:
        """Whether it is more than what the turns scatter."""
        return self.seconds > _NOISE * self.scatter


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works")
    sizes = _QUICK if parser.parse_args().quick else Sizes()
    print(surroundings())
    with tempfile.TemporaryDirectory(prefix="provisioner-scale-") as scratch:
        _growth("assistants", workspaces.assistants, sizes.assistants, Path(scratch), sizes.most)
        _growth("store files", workspaces.documents, sizes.files, Path(scratch), sizes.most)
        _memory(Path(scratch), sizes.bytes)


def _growth(
    what: str,
    make: Callable[[Path, int], Path],
    counts: Sequence[int],
    scratch: Path,
    most: int,
) -> None:
    """A line for each command."""
    measured: dict[str, list[Measured]] = {}
    for count in counts:
        with _deployable(make, 1, scratch) as one, _deployable(make, count, scratch) as root:
            for command, turns in _commands(root, one, most).items():
                measured.setdefault(command, []).append(Measured.of(turns))
    print()
    _line(f"CPU seconds by {what}", *(f"{count:,}" for count in counts), "exponent")
    for command, grown in measured.items():
        _line(command, *row(counts, grown))


def row(counts: Sequence[int], grown: Sequence[Measured]) -> list[str]:
    """The cells of one command: the seconds of each size, those that do not count in brackets, the
    exponent of the others, and whether it is too much.
    """
    shown = [f"{each.seconds:.2f}" if each.counts else f"({each.seconds:.2f})" for each in grown]
    known = [
        (count, each.seconds) for count, each in zip(counts, grown, strict=True) if each.counts
    ]
    if len(known) < 2:
        return [*shown, "?"]
    exponent = fitted(*zip(*known, strict=True))
    return [*shown, f"{exponent:.2f}", "" if exponent <= _LIMIT else f"  more than {_LIMIT}"]


def fitted(counts: Sequence[int], seconds: Sequence[float]) -> float:
    """The exponent of the power of the count that the seconds follow: the slope in logarithms."""
    return linear_regression([log(count) for count in counts], [log(s) for s in seconds]).slope


@contextmanager
def _deployable(make: Callable[[Path, int], Path], count: int, scratch: Path) -> Iterator[Path]:
    """A workspace of this size and an empty service for it."""
    root = scratch / f"{make.__name__}-{count}"
    with serving(scratch / f"{root.name}-service") as service:
        yield workspaces.point_to(make(root, count), service)
    shutil.rmtree(root)
    shutil.rmtree(scratch / f"{root.name}-service")


def _commands(root: Path, one: Path, most: int) -> dict[str, list[float]]:
    """The seconds of the turns of each command beyond those with `one` resource. Small workspaces
    are applied and destroyed several times.
    """

    def beyond(*words: str) -> float:
        return _run(root, *words) - _run(one, *words)

    def turns(*words: str) -> list[float]:
        return _turns(lambda: beyond(*words), most)

    def written(command: str) -> float:
        return beyond(command, "-y", "-q", "--parallelism", "16")

    beyond("validate")  # hashes the files, and remembers
    before = {"validate": turns("validate"), "first plan": turns("plan")}
    made = [written("apply")]
    between = {
        "plan, no change": turns("plan", "--detailed-exitcode"),
        "drift, none": turns("drift"),
        "output --json": turns("output", "--json"),
    }
    gone = [written("destroy")]
    while not _enough(made + gone, 2 * most):
        made.append(written("apply"))
        gone.append(written("destroy"))
    return {**before, "apply of all": made, **between, "destroy of all": gone}


def _turns(measure: Callable[[], float], most: int) -> list[float]:
    found = [measure()]
    while not _enough(found, most):
        found.append(measure())
    return found


def _enough(turns: Sequence[float], most: int) -> bool:
    return sum(turns) >= _WHILE or len(turns) >= most


def _run(root: Path, *words: str) -> float:
    return provisioner(*words, cwd=root).cpu  # of that process alone, not of the service


def _memory(scratch: Path, sizes: Sequence[int]) -> None:
    """The peak of an apply that uploads one file, by its size."""
    peaks = [_uploading(scratch, size) for size in sizes]
    flat = "flat" if peaks[-1] <= peaks[0] * _ROOM else "it grows"
    print()
    _line("MiB of memory by MiB of a file", *(str(size // MIB) for size in sizes))
    _line("apply that uploads it", *(f"{each / MIB:.0f}" for each in peaks), flat)


def _uploading(scratch: Path, size: int) -> int:
    with _deployable(workspaces.one_large_file, size, scratch) as root:
        return peak("apply", "-y", "-q", cwd=root)


def _line(name: str, *cells: str) -> None:
    print(name.ljust(30), *(cell.rjust(10) for cell in cells), flush=True)


if __name__ == "__main__":
    main()
