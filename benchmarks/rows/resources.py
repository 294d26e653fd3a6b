"""Memory and processor time of large work."""

from __future__ import annotations

import os
import shutil

from benchmarks.bench import Bench, Deployed
from benchmarks.measuring import MIB, Sample, inside, pairs, provisioner
from benchmarks.rows import Result, memory, row
from benchmarks.service import serving
from benchmarks.workspaces import point_to


@row("upload-memory", "peak memory of an `apply` that uploads {megabytes} MiB", "`version`", 64.0)
def upload_memory(bench: Bench) -> Result:
    root = bench.scratch / "upload"
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "large.yaml").write_text("files: {large: {path: large.csv}}\n")
    (root / "large.csv").touch()
    os.truncate(root / "large.csv", bench.sizes.upload)
    with serving(bench.scratch / "upload-service") as service:
        ours = _peak("apply", "-y", "-q", "-C", str(point_to(root, service)))
    shutil.rmtree(root)
    theirs = _peak("version")
    return Result(f"{ours / MIB:.0f} MiB", f"{theirs / MIB:.0f} MiB", (ours - theirs) / MIB, " MiB")


def _peak(*words: str) -> int:
    return int(inside("peak", *words).output.splitlines()[-1])


@row("plan-memory", "peak memory of a no-op `plan`, {huge:,} assistants", "–", 250.0)
def plan_memory(bench: Bench) -> Result:
    return memory(_plan(bench.deployed(bench.assistants(bench.sizes.huge))).peak)


@row("plan-cpu", "CPU of a no-op `plan`, {huge:,} assistants", "that of {many:,}", 8.0)
def plan_cpu(bench: Bench) -> Result:
    huge = bench.deployed(bench.assistants(bench.sizes.huge))
    many = bench.deployed(bench.assistants(bench.sizes.many))
    found = pairs(lambda: _plan(huge).cpu, lambda: _plan(many).cpu, bench.sizes.slow_pairs)
    return Result(f"{found.ours:.2f} s", f"{found.theirs:.2f} s", found.ratio)


def _plan(deployed: Deployed) -> Sample:
    return provisioner("plan", "--detailed-exitcode", cwd=deployed.root)
