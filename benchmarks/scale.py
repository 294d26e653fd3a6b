"""How the work grows: `python -m benchmarks.scale [--quick]`. Processor time of whole commands at
sizes ten times apart, the start of the command taken off, with the exponent that fits them best;
and the peak of memory at sizes of a file.
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

from benchmarks import workspaces
from benchmarks.measuring import MIB, Sample, peak, provisioner, surroundings
from benchmarks.service import serving

_LIMIT = 1.05  # of an exponent
_LEAST = 0.01  # seconds: less than that is noise
_ROOM = 1.15  # how many times the memory of the smallest file the largest one may take


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    assistants: Sequence[int] = (100, 1_000, 10_000)
    files: Sequence[int] = (1_000, 10_000, 100_000)
    bytes: Sequence[int] = (8 << 20, 64 << 20, 512 << 20)
    turns: int = 3


_QUICK = Sizes((3, 9), (3, 9), (1 << 20, 2 << 20), 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works")
    sizes = _QUICK if parser.parse_args().quick else Sizes()
    print(surroundings())
    with tempfile.TemporaryDirectory(prefix="provisioner-scale-") as scratch:
        _growth("assistants", workspaces.assistants, sizes.assistants, Path(scratch), sizes.turns)
        _growth("store files", workspaces.documents, sizes.files, Path(scratch), sizes.turns)
        _memory(Path(scratch), sizes.bytes)


def _growth(
    what: str,
    make: Callable[[Path, int], Path],
    counts: Sequence[int],
    scratch: Path,
    turns: int,
) -> None:
    """A line for each command."""
    measured: dict[str, list[float]] = {}
    for count in (1, *counts):
        with _deployable(make, count, scratch) as root:
            for command, seconds in _commands(root, turns):
                measured.setdefault(command, []).append(seconds)
    print()
    _line(f"CPU seconds by {what}", *(f"{count:,}" for count in counts), "exponent")
    for command, (start, *seconds) in measured.items():
        grown = [max(each - start, _LEAST) for each in seconds]
        exponent = fitted(counts, grown)
        verdict = "" if exponent <= _LIMIT else f"  more than {_LIMIT}"
        _line(command, *(f"{each:.2f}" for each in grown), f"{exponent:.2f}", verdict)


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


def _commands(root: Path, turns: int) -> Iterator[tuple[str, float]]:
    def usual(*words: str) -> float:
        return median(_run(root, *words).cpu for _ in range(turns))

    yield "validate", usual("validate")
    yield "first plan", usual("plan")
    yield "apply of all", _run(root, "apply", "-y", "-q", "--parallelism", "16").cpu
    yield "plan, no change", usual("plan", "--detailed-exitcode")
    yield "drift, none", usual("drift")
    yield "output --json", usual("output", "--json")
    yield "destroy of all", _run(root, "destroy", "-y", "-q", "--parallelism", "16").cpu


def _run(root: Path, *words: str) -> Sample:
    return provisioner(*words, cwd=root)


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
