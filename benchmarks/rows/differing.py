"""What finding the differences costs when everything has changed."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measuring import against, inside, pairs
from benchmarks.rows import Result, ratio, row


@row("differ", "differing {many:,} changed assistants", "parsing them with CSafeLoader", 0.3)
def differ(bench: Bench) -> Result:
    root = bench.assistants(bench.sizes.many)

    def ours() -> float:
        return float(inside("differing", root).output)

    return ratio(pairs(ours, lambda: float(against("parse", root).output), bench.sizes.pairs))
