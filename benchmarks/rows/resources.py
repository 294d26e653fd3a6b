"""Memory and processor time of large work, and the room that the tool itself takes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.bench import Bench, Deployed
from benchmarks.measuring import MIB, ROOT, Sample, pairs, peak, provisioner, run
from benchmarks.rows import Result, memory, row
from benchmarks.service import serving
from benchmarks.workspaces import one_large_file, point_to


@row("upload-memory", "peak memory of uploading {megabytes} MiB", "`version`", 64.0)
def upload_memory(bench: Bench) -> Result:
    """Of the whole command."""
    root = one_large_file(bench.scratch / "upload", bench.sizes.upload)
    with serving(bench.scratch / "upload-service") as service:
        point_to(root, service)
        grown = peak("apply", "-y", "-q", cwd=root) - peak("version", cwd=root)
    shutil.rmtree(root)
    return memory(grown, f"{bench.sizes.upload / MIB:.0f} MiB sent")


@row("plan-memory", "peak memory of a no-op `plan`, {huge:,} assistants", "–", 200.0)
def plan_memory(bench: Bench) -> Result:
    return memory(
        peak(
            "plan",
            "--detailed-exitcode",
            cwd=bench.deployed(bench.assistants(bench.sizes.huge)).root,
        )
    )


@row("plan-cpu", "CPU of a no-op `plan`, {huge:,} assistants", "that of {many:,}", 5.0)
def plan_cpu(bench: Bench) -> Result:
    huge = bench.deployed(bench.assistants(bench.sizes.huge))
    many = bench.deployed(bench.assistants(bench.sizes.many))
    found = pairs(lambda: _plan(huge).cpu, lambda: _plan(many).cpu, bench.sizes.slow_pairs)
    return Result(f"{found.ours:.2f} s", f"{found.theirs:.2f} s", found.ratio)


def _plan(deployed: Deployed) -> Sample:
    return provisioner("plan", "--detailed-exitcode", cwd=deployed.root)


_GIVEN = ("openai", "pydantic", "pyyaml", "jsonschema", "deepdiff", "typer")


@row("installed", "installed size, without extras", "octoDNS: 39 MiB", 80.0)
def installed(bench: Bench) -> Result:
    """What a new virtual environment takes on disk, pip in it included, and what pip would put into
    it, from what is installed here.
    """
    run([sys.executable, "-m", "venv", bench.scratch / "environment"])
    bare = sum(map(_on_disk, (bench.scratch / "environment").rglob("*")))
    own = sum(map(_on_disk, _modules(ROOT / "provisioner")))
    everything = bare + own + _size(_needed(distribution("assistants-provisioner"), {}))
    given: dict[str, Distribution] = {}
    for name in _GIVEN:
        given[name] = distribution(name)
        _needed(given[name], given)
    note = f"the environment {bare / MIB:.0f} MiB, with {', '.join(_GIVEN)} and what they need"
    note += f" {(bare + _size(given)) / MIB:.0f}; our own modules {own / MIB:.0f}"
    return replace(memory(everything), note=note)


def _size(distributions: Mapping[str, Distribution]) -> int:
    return sum(
        _on_disk(Path(str(file.locate())))
        for found in distributions.values()
        for file in found.files or ()
    )


def _on_disk(path: Path) -> int:
    """Bytes that a file or folder itself takes, in whole blocks."""
    return path.lstat().st_blocks * 512 if path.exists() else 0


def _modules(package: Path) -> Iterator[Path]:
    """A package's files as they are installed."""
    for path in package.rglob("*"):
        if path.suffix != ".pyc" or f".{sys.implementation.cache_tag}." in path.name:
            yield path


def _needed(of: Distribution, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """What a distribution needs, and what that needs, by name."""
    for text in of.requires or ():
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and name not in found:
            found[name] = distribution(name)
            _needed(found[name], found)
    return found
