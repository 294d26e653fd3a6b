"""Measures every row and prints the table: `python -m benchmarks [--quick] [--only NAME …]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import QUICK, Bench, Sizes
from benchmarks.measuring import Failure, surroundings
from benchmarks.rows import ROWS, Result, Row

_WIDTHS = (51, 46, 16, 16, 9)


def main() -> int:
    """Exit code 1 only where something could not be measured: a missed goal is news, not a
    failure.
    """
    asked = _arguments()
    failed = []
    print(surroundings(), end="\n\n")
    _line("work", "against", "ours", "theirs", "ratio", "goal")
    _line(*("-" * width for width in _WIDTHS), "-" * 14)
    with tempfile.TemporaryDirectory(prefix="provisioner-bench-") as scratch, ExitStack() as stack:
        bench = Bench(Path(scratch), QUICK if asked.quick else Sizes(), stack)
        for row in _chosen(asked.only, bench.sizes):
            try:
                _show(row, row.measure(bench))
            except Failure as failure:
                failed.append(f"{row.name}: {failure}")
                _line(row.work, row.against, "failed", "", "", _goal(row))
    sys.stderr.write("".join(f"\n{text}\n" for text in failed))
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that the rows work, not how fast"
    )
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=ROWS, help=f"a row: {', '.join(ROWS)}"
    )
    return parser.parse_args()


def _chosen(names: Iterable[str] | None, sizes: Sizes) -> list[Row]:
    """The rows, with the sizes in their words."""
    rows = [ROWS[name] for name in names or ROWS]
    return [
        replace(row, work=sizes.put_into(row.work), against=sizes.put_into(row.against))
        for row in rows
    ]


def _show(row: Row, result: Result) -> None:
    verdict = "" if row.reached(result) else "  missed"
    shown = f"{result.value:.0f}{result.unit}" if result.unit else f"{result.value:.2f}"
    _line(row.work, row.against, result.ours, result.theirs, shown, _goal(row) + verdict)
    if result.note:
        print(f"  {result.note}", flush=True)


def _goal(row: Row) -> str:
    return "exact" if row.exact else f"≤ {row.limit:g}"


def _line(*cells: str) -> None:
    widths = (*_WIDTHS, 0)
    print(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip(),
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
