"""How long checking specs takes: for the first time, again after an edit, and by another tool."""

from __future__ import annotations

import shutil
import sys
from itertools import count
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measuring import ROOT, against, pairs, peer, provisioner, run
from benchmarks.rows import Result, ratio, row

_LIBRARIES = "import typer, pydantic, jsonschema, yaml"
_TURNS = 3  # times as many pairs as other rows: a start takes so little
_SCHEMA = ROOT / "schemas" / "spec.schema.json"


def _first(root: Path) -> float:
    """Seconds of a check of which nothing is remembered."""
    shutil.rmtree(root / ".provisioner", ignore_errors=True)
    return provisioner("validate", cwd=root).seconds


def _validating(bench: Bench, specs: int, turns: int) -> Result:
    root = bench.assistants(specs)
    return ratio(pairs(lambda: _first(root), lambda: against("parse", root).seconds, turns))


@row("validate-one", "`validate`, one assistant", "`python -c 'import …'` of its libraries", 1.4)
def validate_one(bench: Bench) -> Result:
    root = bench.assistants(1)
    libraries = [sys.executable, "-c", _LIBRARIES]
    turns = bench.sizes.pairs * _TURNS
    return ratio(pairs(lambda: _first(root), lambda: run(libraries).seconds, turns))


@row(
    "validate",
    "`validate`, {many:,} assistants in as many files",
    "parsing them with CSafeLoader",
    1.4,
)
def validate(bench: Bench) -> Result:
    return _validating(bench, bench.sizes.many, bench.sizes.pairs)


@row("validate-huge", "`validate`, {huge:,} assistants", "parsing them with CSafeLoader", 1.0)
def validate_huge(bench: Bench) -> Result:
    return _validating(bench, bench.sizes.huge, bench.sizes.slow_pairs)


@row("validate-again", "`validate` after one of {huge:,} files was edited", "the first one", 0.25)
def validate_again(bench: Bench) -> Result:
    root = bench.assistants(bench.sizes.huge)
    edited = sorted((root / "specs").iterdir())[bench.sizes.huge // 2]
    text, turns = edited.read_text(), count(1)

    def again() -> float:
        edited.write_text(f"{text}    # edited {next(turns)}\n")
        return provisioner("validate", cwd=root).seconds

    try:
        _first(root)  # what is measured first is a second one
        return ratio(pairs(again, lambda: _first(root), bench.sizes.slow_pairs, warm=False))
    finally:
        edited.write_text(text)


@row(
    "validate-schema",
    "`validate`, {many:,} assistants",
    "`check-jsonschema` with our schema",
    0.99,
)
def validate_schema(bench: Bench) -> Result:
    root = bench.assistants(bench.sizes.many)
    files = sorted((root / "specs").iterdir())
    other = [peer("check-jsonschema"), "--schemafile", _SCHEMA, *files]
    return ratio(pairs(lambda: _first(root), lambda: run(other).seconds, bench.sizes.slow_pairs))
