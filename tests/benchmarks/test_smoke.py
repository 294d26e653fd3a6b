"""The benchmarks measure what they say; how fast anything is, is not asserted here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale import Measured, fitted, row

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--quick", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.thorough
def test_rows_are_measured_side_by_side() -> None:
    """Each row asked for is one line with both sides, the ratio and the goal, and nothing is said
    beside the table.
    """
    done = bench("--only", "version", "--only", "differ")
    assert (done.returncode, done.stderr) == (0, "")
    version, differ = done.stdout.splitlines()[4:]
    assert version.startswith("`version`") and "≤ 1.4" in version
    assert differ.startswith("differing 120 changed assistants") and "≤ 0.3" in differ


@pytest.mark.thorough
def test_requests_of_a_plan_are_counted_at_the_service() -> None:
    """A plan over a deployed workspace is measured against a running service, and its requests are
    exact.
    """
    done = bench("--only", "plan-requests")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].split()[-6:] == [
        "2",
        "requests",
        "2",
        "requests",
        "1.00",
        "exact",
    ]


def test_the_exponent_of_a_growth() -> None:
    """What grows with the square has the exponent 2, and what grows with the size 1."""
    sizes = (100, 1_000, 10_000)
    assert fitted(sizes, [size / 5 for size in sizes]) == pytest.approx(1)
    assert fitted(sizes, [size * size / 5 for size in sizes]) == pytest.approx(2)


def test_what_is_no_more_than_noise_does_not_count() -> None:
    """A size that differs from the start by no more than the turns scatter is in brackets, and the
    exponent is that of the others; of one size there is none.
    """
    left = [Measured.of([0.02, 0.03, 0.04]), Measured.of([1.0]), Measured.of([10.0])]
    assert row((10, 100, 1_000), left) == ["(0.03)", "1.00", "10.00", "1.00", ""]
    assert row((10, 100), left[:2]) == ["(0.03)", "1.00", "?"]
    assert row((10, 20), left[1:])[2:] == ["3.32", "  more than 1.05"]


@pytest.mark.thorough
def test_growth_is_measured() -> None:
    """Each command is a line with its seconds and its exponent, once for assistants and once for
    files, and memory is compared.
    """
    command = [sys.executable, "-m", "benchmarks.scale", "--quick"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for line in ("plan, no change", "destroy of all", "CPU seconds by"):
        assert done.stdout.count(line) == 2
    assert done.stdout.splitlines()[-1].split()[-1] == "flat"


def test_an_unknown_row_is_refused_with_the_names_of_all() -> None:
    """A misspelt name is wrong usage, answered with what there is."""
    done = bench("--only", "versoin")
    assert done.returncode == 2
    assert "apply-32" in done.stderr
