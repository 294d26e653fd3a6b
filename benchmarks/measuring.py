"""Processes run and measured; two of them in turns, so that a busy machine slows down both."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
AGAINST = Path(__file__).resolve().parent / "against"
INSIDE = Path(__file__).resolve().parent / "inside"
PEERS = ROOT / ".venv" / "peers" / "bin"
MIB = 1 << 20
_MAXRSS = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of `ru_maxrss`


class Failure(Exception):
    """A measured process ended otherwise than it should."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds by the clock, seconds of CPU, bytes of memory at the peak, and what it
    printed.
    """

    seconds: float
    cpu: float
    peak: int
    output: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two things measured in turns: their medians, and the median of the ratios of neighbours."""

    ours: float
    theirs: float
    ratio: float


def surroundings() -> str:
    """Where and of what something is measured."""
    commit = _said("git", "describe", "--always", "--dirty", "--abbrev=12")
    cpu = next(
        (line.split(":")[1].strip() for line in _processors() if line.startswith("model name")),
        platform.machine(),
    )
    return (
        f"{date.today()}, commit {commit}, {os.cpu_count()} × {cpu}, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def _said(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout.strip() or "?"


def _processors() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def environment() -> dict[str, str]:
    """The surroundings of every measured process: this checkout, a key, and nothing else that would
    be heeded. Above all not PYTHONDONTWRITEBYTECODE: it would have every start compile what has
    changed.
    """
    heeded = ("PROVISIONER_", "OPENAI_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(heeded)}
    return {**kept, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-bench", "NO_COLOR": "1"}


def run(
    arguments: Sequence[str | Path], *, cwd: Path = ROOT, codes: Collection[int] = (0,)
) -> Sample:
    """Run a process to its end; Failure, with what it said, if it ends with another exit code."""
    words = [str(word) for word in arguments]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said = _text(out)
        if process.returncode not in codes:
            raise Failure(f"{' '.join(words)} ended with {process.returncode}:\n{said}{_text(err)}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _MAXRSS, said)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def provisioner(*arguments: str | Path, cwd: Path = ROOT, codes: Collection[int] = (0,)) -> Sample:
    """Run the command line of this checkout."""
    return run([sys.executable, "-m", "provisioner", *arguments], cwd=cwd, codes=codes)


def against(name: str, *arguments: str | Path) -> Sample:
    """Run one of the simple programs that the product is held against."""
    return run([sys.executable, AGAINST / f"{name}.py", *arguments])


def inside(name: str, *arguments: str | Path) -> Sample:
    """Run a script that measures a part of the product from within."""
    return run([sys.executable, INSIDE / f"{name}.py", *arguments])


def peak(*arguments: str | Path, cwd: Path = ROOT) -> int:
    """Bytes of memory that the command line of this checkout takes at its peak."""
    words = [sys.executable, "-m", "provisioner", *arguments]
    return int(run([sys.executable, "-SE", INSIDE / "peak.py", *words], cwd=cwd).output)


def peer(name: str) -> Path:
    """A tool of somebody else."""
    found = PEERS / name
    if not found.exists():
        raise Failure(f"{name} is not installed: `make bench` installs it")
    return found


def python(text: str) -> Sample:
    """Run a line of Python."""
    return run([sys.executable, "-c", text])


def pairs(
    ours: Callable[[], float], theirs: Callable[[], float], count: int, *, warm: bool = True
) -> Pairs:
    """Measure both `count` times in turns, each going first every other time. `warm`: once before,
    not counted.
    """
    if warm:
        ours(), theirs()
    found: list[tuple[float, float]] = []
    for number in range(count):
        if number % 2:
            second, first = theirs(), ours()
        else:
            first, second = ours(), theirs()
        found.append((first, second))
    return Pairs(
        statistics.median(first for first, _ in found),
        statistics.median(second for _, second in found),
        statistics.median(first / second for first, second in found),
    )


def same_counts(counts: Mapping[str, int], wanted: Mapping[str, int]) -> str:
    """What differs between two counts of requests, in words; empty where nothing does."""
    names = sorted({*counts, *wanted})
    odd = [name for name in names if counts.get(name, 0) != wanted.get(name, 0)]
    return ", ".join(
        f"{name}: {counts.get(name, 0)} instead of {wanted.get(name, 0)}" for name in odd
    )
