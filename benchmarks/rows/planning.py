"""How long a plan takes that finds nothing to do, and how many requests it sends."""

from __future__ import annotations

import math

from benchmarks.bench import Bench, Deployed
from benchmarks.measuring import against, pairs, provisioner, python, same_counts
from benchmarks.rows import Result, ratio, row

PAGE = 100


def planned(deployed: Deployed) -> float:
    """Seconds of a plan; Failure if there is anything to do."""
    return provisioner("plan", "--detailed-exitcode", cwd=deployed.root).seconds


@row("plan-one", "`plan`, one assistant, embedded service", "`python -c 'import openai'`", 0.8)
def plan_one(bench: Bench) -> Result:
    root = bench.assistants(1)
    turns = bench.sizes.pairs * 3
    openai = lambda: python("import openai").seconds  # noqa: E731  # as short as what it measures
    return ratio(pairs(lambda: provisioner("plan", cwd=root).seconds, openai, turns))


@row("plan", "no-op `plan`, {many:,} assistants", "a bare list of them with the SDK", 0.5)
def plan(bench: Bench) -> Result:
    deployed = bench.deployed(bench.assistants(bench.sizes.many))
    url = deployed.service.url
    return ratio(
        pairs(
            lambda: planned(deployed),
            lambda: against("sdk", "list", url).seconds,
            bench.sizes.pairs,
        )
    )


@row("plan-raw", "no-op `plan`, {many:,} assistants", "a raw asyncio client, page after page", 1.1)
def plan_raw(bench: Bench) -> Result:
    deployed = bench.deployed(bench.assistants(bench.sizes.many))
    listing = ("list", deployed.service.url, "/assistants")
    return ratio(
        pairs(
            lambda: planned(deployed), lambda: against("raw", *listing).seconds, bench.sizes.pairs
        )
    )


@row(
    "plan-requests",
    "requests of a no-op `plan`, {many:,} assistants",
    "one per 100",
    1.0,
    exact=True,
)
def plan_requests(bench: Bench) -> Result:
    return counted(
        bench.deployed(bench.assistants(bench.sizes.many)), {"/assistants": bench.sizes.many}
    )


def counted(
    deployed: Deployed, paged: dict[str, int], other: dict[str, int] | None = None
) -> Result:
    """The requests of a plan held against one for every 100 objects of each list in `paged`, and
    `other`.
    """
    wanted = {f"GET {path}": math.ceil(count / PAGE) for path, count in paged.items()} | (
        other or {}
    )
    planned(deployed)
    deployed.service.counts()
    planned(deployed)
    counts = deployed.service.counts()
    odd = same_counts(counts, wanted)
    ours, theirs = sum(counts.values()), sum(wanted.values())
    return Result(
        odd or f"{ours} requests",
        f"{theirs} requests",
        ours / theirs if not odd or ours > theirs else 0.0,
    )
