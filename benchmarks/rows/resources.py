"""Memory and processor time of large work."""

from __future__ import annotations

import os

from benchmarks.bench import Bench, Deployed
from benchmarks.measuring import MIB, Sample, inside, pairs, provisioner
from benchmarks.rows import Result, memory, row
from benchmarks.service import serving


@row("upload-memory", "peak memory of uploading {megabytes} MiB", "the process before it", 64.0)
def upload_memory(bench: Bench) -> Result:
    path = bench.scratch / "large.csv"
    path.touch()
    os.truncate(path, bench.sizes.upload)
    with serving(bench.scratch / "upload-service") as service:
        grown = int(inside("uploading", service.url, path).output)
    path.unlink()
    return memory(grown, f"{bench.sizes.upload / MIB:.0f} MiB sent")


@row("plan-memory", "peak memory of a no-op `plan`, {huge:,} assistants", "–", 200.0)
def plan_memory(bench: Bench) -> Result:
    return memory(_plan(bench.deployed(bench.assistants(bench.sizes.huge))).peak)


@row("plan-cpu", "CPU of a no-op `plan`, {huge:,} assistants", "that of {many:,}", 5.0)
def plan_cpu(bench: Bench) -> Result:
    huge = bench.deployed(bench.assistants(bench.sizes.huge))
    many = bench.deployed(bench.assistants(bench.sizes.many))
    found = pairs(lambda: _plan(huge).cpu, lambda: _plan(many).cpu, bench.sizes.slow_pairs)
    return Result(f"{found.ours:.2f} s", f"{found.theirs:.2f} s", found.ratio)


def _plan(deployed: Deployed) -> Sample:
    return provisioner("plan", "--detailed-exitcode", cwd=deployed.root)
