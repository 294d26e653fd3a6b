"""`python -m scripts.mutants`: try a seeded share of all small changes, and report those that no
test sees.

Exits with 1 if one of them is not in `tests/mutants.yaml`, if that names one that there is not any
more, or if more than 3 % of those that change behaviour live.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TextIO

from scripts.mutants.known import FILE, Known, entry
from scripts.mutants.recording import HERE
from scripts.mutants.running import TIMEOUT, Copy
from scripts.mutants.sites import Mutant, compiles, mutants
from scripts.mutants.suite import record

CODE = ("plan", "apply", "engine", "lock", "remote", "diff.py")
SHARE = 0.03
_MEMORY = (
    "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
)  # waiting for disks is a third of the time


def main() -> int:
    asked = _asked()
    known, everything = Known.read(), list(_everything())
    chosen = list(_chosen(everything, asked))
    trying = [one for one in chosen if asked.again or one.place not in known.same | known.accepted]
    results = dict(_tried(trying, asked))
    _tell(_table(results))
    living = [mutant for mutant, found in results.items() if found is None]
    new = [mutant for mutant in living if mutant.place not in known.same | known.accepted]
    if new:
        _tell(["", "These live. See them fail, or say why not:", "", *map(entry, new)])
    stale = known.stale(everything)
    if stale:
        _tell(["", f"These are in {FILE.relative_to(HERE)} and nowhere else:", *map(str, stale)])
    accepted = sum(mutant.place in known.accepted for mutant in chosen)
    live, of = len(new) + accepted, len(results) + accepted - (len(living) - len(new))
    _tell([f"{len(results)} of {len(trying)} tried; {live} of {of} that change behaviour live."])
    return int(bool(new or stale) or live > SHARE * of)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.mutants", description=__doc__)
    parser.add_argument("--seed", default="8", help="another one chooses other changes (8)")
    parser.add_argument("--sites", type=int, default=300, help="how many changes to try (300)")
    parser.add_argument(
        "--minutes", type=float, default=30, help="when to begin no further one (30)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument(
        "--only", type=re.compile, default="", help="a pattern of `PATH:LINE NAME: …`"
    )
    parser.add_argument("--deleting", action="store_true", help="only where something is deleted")
    parser.add_argument(
        "--seconds",
        type=float,
        help="ask tests that call what is changed for so long, and no others",
    )
    parser.add_argument(
        "--again", action="store_true", help=f"try what {FILE.relative_to(HERE)} lists, too"
    )
    parser.add_argument("--afresh", action="store_true", help="record again what each test calls")
    return parser.parse_args()


def _everything() -> Iterator[Mutant]:
    """Every change of the code that plans, applies and keeps the lock."""
    for name in CODE:
        room = HERE / "provisioner" / name
        for path in sorted(room.rglob("*.py")) if room.is_dir() else [room]:
            yield from mutants(path.relative_to(HERE).as_posix(), path.read_bytes())


def _chosen(everything: Iterable[Mutant], asked: argparse.Namespace) -> Iterator[Mutant]:
    """The first ones in an order that depends on the seed and on nothing but each change itself."""
    eligible = (
        one
        for one in everything
        if re.search(asked.only, str(one)) and (one.deletes or not asked.deleting)
    )
    places: set[tuple[str, ...]] = set()
    for one in sorted(
        eligible, key=lambda one: hashlib.sha256(repr((asked.seed, one.place)).encode()).digest()
    ):
        if (
            len(places) < asked.sites
            and one.place not in places
            and compiles(one.applied(_source(one)))
        ):
            places.add(one.place)
            yield one


def _source(mutant: Mutant) -> bytes:
    return (HERE / mutant.path).read_bytes()


def _tried(trying: list[Mutant], asked: argparse.Namespace) -> Iterator[tuple[Mutant, str | None]]:
    """Each change that there was time for, with the test that sees it."""
    with ExitStack() as stack:
        folders = [
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-", dir=_MEMORY))
            for _ in range(asked.jobs)
        ]
        copies = [Copy(Path(folder).resolve()) for folder in folders]
        suite, failing = record(copies, afresh=asked.afresh)
        _tell([f"{test} fails without any change and is left out" for test in failing])
        end, free = time.monotonic() + 60 * asked.minutes, SimpleQueue[Copy]()
        for copy in copies:
            free.put(copy)

        def seen(mutant: Mutant) -> tuple[Mutant, str | None] | None:
            if time.monotonic() > end:
                return None
            copy = free.get()
            found = suite.seen(copy, mutant, seconds=asked.seconds)
            free.put(copy)
            _tell([f"{'lives' if found is None else 'seen'}: {mutant} ({found})"], sys.stderr)
            return mutant, found

        with ThreadPoolExecutor(asked.jobs) as pool:
            yield from filter(None, pool.map(seen, trying))


def _table(results: dict[Mutant, str | None]) -> Iterator[str]:
    rows = {mutant.path for mutant in results}
    seen = Counter(mutant.path for mutant, found in results.items() if found not in (None, TIMEOUT))
    late = Counter(mutant.path for mutant, found in results.items() if found == TIMEOUT)
    alive = Counter(mutant.path for mutant, found in results.items() if found is None)
    yield f"{'':44}  seen  no end  live"
    for path in sorted(rows):
        yield f"{path:44} {seen[path]:5} {late[path]:7} {alive[path]:5}"


def _tell(lines: Iterable[str], stream: TextIO | None = None) -> None:
    for line in lines:
        print(line, file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
