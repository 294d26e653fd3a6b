"""How long creating many assistants takes, and how many requests it sends."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measuring import AGAINST, against, pairs, peer, provisioner, run, same_counts
from benchmarks.rows import Result, ratio, row
from benchmarks.service import Service, serving
from benchmarks.workspaces import point_to


def _fresh(bench: Bench, measure: Callable[[Service], float]) -> float:
    """Measure something against a service that holds nothing yet."""
    with (
        tempfile.TemporaryDirectory(dir=bench.scratch) as data,
        serving(Path(data), bench.sizes.delay) as service,
    ):
        return measure(service)


def _applied(bench: Bench, count: int, *options: str) -> Callable[[Service], float]:
    root = bench.scratch / f"apply-{count}"
    if not root.exists():
        shutil.copytree(bench.assistants(count) / "specs", root / "specs")

    def measure(service: Service) -> float:
        (root / "locks" / "bench.lock.json").unlink(missing_ok=True)
        return provisioner("apply", "-y", "-q", *options, cwd=point_to(root, service)).seconds

    return measure


def _creating(bench: Bench, at_once: int) -> Result:
    count = bench.sizes.many
    ours, bodies = _applied(bench, count, "--parallelism", str(at_once)), bench.bodies(count)

    def theirs(service: Service) -> float:
        return against("raw", "create", service.url, "/assistants", bodies, str(at_once)).seconds

    turns = bench.sizes.slow_pairs
    return ratio(
        pairs(lambda: _fresh(bench, ours), lambda: _fresh(bench, theirs), turns, warm=False)
    )


@row(
    "apply-8",
    "`apply` of {many:,} creates, 8 at once",
    "a raw asyncio client, as many at once",
    1.1,
)
def apply_8(bench: Bench) -> Result:
    return _creating(bench, 8)


@row(
    "apply-32",
    "`apply` of {many:,} creates, 32 at once",
    "a raw asyncio client, as many at once",
    1.3,
)
def apply_32(bench: Bench) -> Result:
    return _creating(bench, 32)


@row("apply-requests", "POSTs of an `apply` of {many:,} creates", "one for each", 1.0, exact=True)
def apply_requests(bench: Bench) -> Result:
    count = bench.sizes.many
    said: list[dict[str, int]] = []

    def measure(service: Service) -> float:
        service.delay(0.0)
        seconds = _applied(bench, count)(service)
        said.append(
            {
                name: number
                for name, number in service.counts().items()
                if not name.startswith("GET")
            }
        )
        return seconds

    _fresh(bench, measure)
    posts = sum(said[0].values())
    odd = same_counts(said[0], {"POST /assistants": count})
    return Result(
        odd or f"{posts} requests",
        f"{count} requests",
        posts / count if not odd or posts > count else 0.0,
    )


@row("apply-few", "`apply` of {few} creates", "a script over the SDK, one by one", 0.13)
def apply_few(bench: Bench) -> Result:
    count = bench.sizes.few
    ours, bodies = _applied(bench, count), bench.bodies(count)

    def theirs(service: Service) -> float:
        return against("sdk", "create", service.url, bodies).seconds

    return ratio(
        pairs(
            lambda: _fresh(bench, ours),
            lambda: _fresh(bench, theirs),
            bench.sizes.slow_pairs,
            warm=False,
        )
    )


@row("apply-ansible", "`apply` of {few} creates", "Ansible's `uri` module in a loop", 0.03)
def apply_ansible(bench: Bench) -> Result:
    count = bench.sizes.few
    ours = _applied(bench, count)
    bodies = json.loads(bench.bodies(count).read_text())
    given = bench.scratch / "ansible.json"

    def theirs(service: Service) -> float:
        given.write_text(json.dumps({"url": service.url, "bodies": bodies}))
        playbook = [peer("ansible-playbook"), AGAINST / "uri.yaml"]
        return run(["env", "LC_ALL=C.UTF-8", *playbook, "--extra-vars", f"@{given}"]).seconds

    return ratio(pairs(lambda: _fresh(bench, ours), lambda: _fresh(bench, theirs), 1, warm=False))
