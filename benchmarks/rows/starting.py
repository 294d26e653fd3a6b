"""How long a command takes that does nothing."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measuring import pairs, provisioner, python
from benchmarks.rows import Result, ratio, row

_TURNS = 5  # times as many pairs as other rows: a start takes so little


@row("version", "`version`", "`python -c pass`", 1.4)
def version(bench: Bench) -> Result:
    return ratio(
        pairs(
            lambda: provisioner("version").seconds,
            lambda: python("pass").seconds,
            bench.sizes.pairs * _TURNS,
        )
    )


@row("help", "`--help`", "`python -c 'import typer'`", 1.1)
def help_(bench: Bench) -> Result:
    typer = lambda: python("import typer").seconds  # noqa: E731  # as short as what it measures
    return ratio(pairs(lambda: provisioner("--help").seconds, typer, bench.sizes.pairs * _TURNS))
