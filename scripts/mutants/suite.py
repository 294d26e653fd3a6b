"""The quick suite: which of its tests may see a change, and in what order they are asked."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import inf
from typing import Any

from scripts.mutants.recording import HERE
from scripts.mutants.running import Copy
from scripts.mutants.sites import Mutant

_FILE = HERE / ".cache" / "mutants.json"
_ROUNDS = (3.0, 15.0, 60.0)  # seconds of testing after which we check whether something has failed
_PATIENCE = (
    30.0  # seconds that a round may take, beyond some times what it took when it was recorded
)
_LAST = 8  # tests that saw earlier changes of a module are asked first about the next ones


@dataclass(frozen=True)
class Test:
    """One test as it was recorded."""

    id: str
    seconds: float
    functions: frozenset[str]  # `PATH NAME`


class Suite:
    """All tests that pass without any change."""

    def __init__(self, tests: Iterable[Test]) -> None:
        self._tests = _varied(tests)
        self._seconds = {test.id: test.seconds for test in self._tests}
        self._callers: dict[str, list[str]] = defaultdict(list)
        self._last: dict[str, list[str]] = defaultdict(list)
        for test in self._tests:
            for function in test.functions:
                self._callers[function].append(test.id)
            for path in {function.partition(" ")[0] for function in test.functions}:
                self._callers[path].append(test.id)

    def seen(self, copy: Copy, mutant: Mutant, *, seconds: float | None = None) -> str | None:
        """The test that sees a change, or None. In the end even those are asked that do not call
        what is changed, unless no more than some `seconds` are to be spent.
        """
        covering = self._callers.get(f"{mutant.path} {mutant.function}") or self._callers.get(
            mutant.path, []
        )
        covering = sorted(covering, key=lambda id: not id.startswith(_own(mutant)))
        last = self._last[mutant.path]
        first = [id for id in reversed(last) if id in set(covering)]
        rest = [test.id for test in self._tests] if seconds is None else []
        tests = self._within(dict.fromkeys(chain(first, covering, rest)), seconds or inf)
        found = copy.seen_by(mutant, self._rounds(tests))
        if found in self._seconds:
            self._last[mutant.path] = [*(id for id in last[1 - _LAST :] if id != found), found]
        return found

    def _within(self, tests: Iterable[str], seconds: float) -> Iterator[str]:
        """The first tests, for so long."""
        total = 0.0
        for id in tests:
            total += self._seconds[id]
            if total > seconds:
                return
            yield id

    def _rounds(self, tests: Iterable[str]) -> Iterator[tuple[Sequence[str], float]]:
        ids, total, limits = [], 0.0, iter((*_ROUNDS, inf))
        limit = next(limits)
        for id in tests:
            ids.append(id)
            total += self._seconds[id]
            if total > limit:
                yield ids, _PATIENCE + 4 * total
                ids, total, limit = [], 0.0, next(limits)
        if ids:
            yield ids, _PATIENCE + 4 * total


def _own(mutant: Mutant) -> str:
    """The tests of the room that a change is in: `tests/plan/` of `provisioner/plan/…`."""
    room = mutant.path.split("/")[1].removesuffix(".py")
    return f"tests/{room}/" if mutant.path.count("/") > 1 else f"tests/test_{room}.py"


def _varied(tests: Iterable[Test]) -> list[Test]:
    """Quick tests first, and of each file as much as of any other: those of one file see much the
    same.
    """
    spent: dict[str, float] = defaultdict(float)
    found = []
    for test in sorted(tests, key=lambda test: test.seconds):
        spent[_file(test.id)] += test.seconds
        found.append((spent[_file(test.id)], test.id, test))
    return [test for _, _, test in sorted(found, key=lambda one: one[:2])]


def record(copies: Sequence[Copy], *, afresh: bool) -> tuple[Suite, list[str]]:
    """The suite, and the tests in it that fail as it is. What was recorded before and whose file is
    as it was is not run again: functions move about seldom.
    """
    before: dict[str, Any] = (
        json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() and not afresh else {}
    )
    ids = copies[0].tests()
    known = {id: before[id] for id in ids if id in before and _still_holds(id, before[id])}
    shares: list[list[str]] = [[] for _ in copies]
    for at, file in enumerate(sorted({_file(id) for id in ids if id not in known})):
        shares[at % len(copies)] += [id for id in ids if _file(id) == file and id not in known]
    with ThreadPoolExecutor(len(copies)) as pool:
        for found in pool.map(Copy.record, copies, shares):
            known |= {id: {**test, "source": _source(_file(id))} for id, test in found.items()}
    _FILE.parent.mkdir(exist_ok=True)
    _FILE.write_text(json.dumps(known), encoding="utf-8")
    tests = [
        Test(id, one["seconds"], frozenset(one["functions"]))
        for id, one in known.items()
        if _passed(one)
    ]
    return Suite(tests), [id for id, one in known.items() if "failed" in one["outcomes"]]


def _still_holds(id: str, test: dict[str, Any]) -> bool:
    return test["source"] == _source(_file(id)) and "failed" not in test["outcomes"]


def _passed(test: dict[str, Any]) -> bool:
    return set(test["outcomes"]) == {"passed"}


def _file(id: str) -> str:
    return id.partition("::")[0]


@cache
def _source(file: str) -> str:
    """A digest of a file of tests, and of the documents beside it that tell it what to do."""
    path = HERE / file
    beside = sorted(
        one for one in path.parent.iterdir() if one.suffix == ".yaml" and one.name != "mutants.yaml"
    )
    return hashlib.sha256(b"\0".join(one.read_bytes() for one in (path, *beside))).hexdigest()
