"""What an apply costs when the service fails now and then, and that it ends with exactly what is
declared.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measuring import Failure, provisioner
from benchmarks.rows import Result, row
from benchmarks.service import Service, serving
from benchmarks.workspaces import documents, point_to

_SHARE = 0.02  # of all requests fail
_FAULTS = [{"status": 429, "retry_after": 0}, {"status": 500}, {"reset": "after"}]
_APPLIES = 5  # in which it has to be done


@row(
    "faults",
    "`apply` of {huge:,} files, 2 % of requests fail",
    "the files that are declared",
    1.0,
    exact=True,
)
def faults(bench: Bench) -> Result:
    count = bench.sizes.huge
    root, data = documents(bench.scratch / "faulty", count), bench.scratch / "faulty-service"
    with serving(data, faults=_rules(bench.scratch / "faults.yaml")) as service:
        seconds, events, applies = _applied(point_to(root, service))
        requests = service.counts()
    with serving(data) as service:
        attached, uploads = _held(service)
    if uploads != count:
        raise Failure(f"{uploads} files are at the service, {count} were declared")
    return Result(
        f"{attached} attached",
        f"{count}",
        attached / count,
        note=_note(requests, events, applies, seconds),
    )


def _rules(path: Path) -> Path:
    each = {"probability": _SHARE / len(_FAULTS)}
    path.write_text(
        json.dumps({"seed": 1, "rules": [{"match": each, "action": action} for action in _FAULTS]})
    )
    return path


def _applied(root: Path) -> tuple[float, Counter[str], int]:
    """Apply until it is done: the seconds, how often which event was reported, and how many
    applies it took.
    """
    seconds, events = 0.0, Counter[str]()
    for number in range(1, _APPLIES + 1):
        sample = provisioner("apply", "-y", "--json", cwd=root, codes=(0, 1))
        seconds += sample.seconds
        said = [json.loads(line) for line in sample.output.splitlines()]
        events.update(event["type"] for event in said)
        if (
            said
            and said[-1]["type"] == "summary"
            and not (said[-1]["problems"] or said[-1]["skipped"])
        ):
            return seconds, events, number
    raise Failure(f"not done after {_APPLIES} applies")


def _held(service: Service) -> tuple[int, int]:
    """Files that are attached and indexed, and files at the service."""
    (store,) = _asked(service, "/vector_stores")["data"]
    return store["file_counts"]["completed"], len(_asked(service, "/files")["data"])


def _asked(service: Service, path: str) -> Any:
    request = urllib.request.Request(
        f"{service.url}{path}", headers={"Authorization": "Bearer bench"}
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def _note(requests: dict[str, int], events: Counter[str], applies: int, seconds: float) -> str:
    failed = {name: requests.pop(f"failed {name}", 0) for name in ("429", "500", "lost")}
    words = " + ".join(f"{count} {name}" for name, count in failed.items())
    taken = events["found"]
    return (
        f"{sum(requests.values()):,} requests, {sum(failed.values())} failed ({words}),"
        f" {sum(failed.values()) - taken} sent again, {taken} taken over; {applies} apply,"
        f" {seconds:.0f} s"
    )
