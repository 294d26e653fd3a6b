"""What many files cost: those in a store, and those on disk that have not changed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from benchmarks.bench import Bench, Deployed
from benchmarks.measuring import Failure, against, inside, pairs, provisioner
from benchmarks.rows import Result, ratio, row
from benchmarks.rows.planning import counted, planned

_DISTRUSTED = 2.5  # seconds for which a new file may change again without its times showing it


def _held(deployed: Deployed) -> str:
    """The path of the store's files."""
    ids = json.loads(provisioner("output", "--json", cwd=deployed.root).output)
    return f"/vector_stores/{ids['vector_store.kb']['id']}/files"


@row(
    "plan-store",
    "no-op `plan`, one store of {huge:,} files",
    "a raw asyncio client, page after page",
    0.25,
)
def plan_store(bench: Bench) -> Result:
    deployed = bench.deployed(bench.documents(bench.sizes.huge))
    listing = ("list", deployed.service.url, _held(deployed))
    return ratio(
        pairs(
            lambda: planned(deployed),
            lambda: against("raw", *listing).seconds,
            bench.sizes.slow_pairs,
        )
    )


@row(
    "store-requests",
    "requests of that `plan`",
    "one per 100, one list of stores, one of files",
    1.0,
    exact=True,
)
def store_requests(bench: Bench) -> Result:
    deployed = bench.deployed(bench.documents(bench.sizes.huge))
    # `/files` alone has pages of 10,000.
    return counted(
        deployed, {_held(deployed): bench.sizes.huge}, {"GET /files": 1, "GET /vector_stores": 1}
    )


@row("unchanged", "deciding that {huge:,} local files are unchanged", "a bare `stat` of each", 1.5)
def unchanged(bench: Bench) -> Result:
    root = _on_disk(bench)

    def ours() -> float:
        seconds, opened = inside("unchanged", root).output.split()
        if int(opened):
            raise Failure(f"{opened} files were opened to decide that they are unchanged")
        return float(seconds)

    inside("unchanged", root)  # hashes them, and remembers
    return ratio(
        pairs(ours, lambda: float(against("stat", root / "docs").output), bench.sizes.pairs)
    )


def _on_disk(bench: Bench) -> Path:
    root = bench.scratch / "unchanged"
    (root / "docs").mkdir(parents=True)
    for number in range(bench.sizes.huge):
        path = root / "docs" / f"d{number:05}.csv"
        path.touch()
        os.truncate(path, bench.sizes.local_file)
    time.sleep(_DISTRUSTED)
    return root
