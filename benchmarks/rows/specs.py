"""How long checking specs takes."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measuring import against, pairs, provisioner
from benchmarks.rows import Result, ratio, row


def _validating(bench: Bench, count: int, turns: int) -> Result:
    root = bench.assistants(count)
    return ratio(
        pairs(
            lambda: provisioner("validate", cwd=root).seconds,
            lambda: against("parse", root).seconds,
            turns,
        )
    )


@row(
    "validate",
    "`validate`, {many:,} assistants in as many files",
    "parsing them with CSafeLoader",
    1.6,
)
def validate(bench: Bench) -> Result:
    return _validating(bench, bench.sizes.many, bench.sizes.pairs)


@row("validate-huge", "`validate`, {huge:,} assistants", "parsing them with CSafeLoader", 1.2)
def validate_huge(bench: Bench) -> Result:
    return _validating(bench, bench.sizes.huge, bench.sizes.slow_pairs)
