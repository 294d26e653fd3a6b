"""Whether the action's tests can fail: each edit of `tests/action/mutants.yaml` is made, one by
one, in a copy of the repository, and the quick tests of the action have to see it.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.action.forked import FORKED, command

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/action/mutants.yaml"
GUARDS = {"approval", "checksum", "commit", "deletes", "lock", "outside", "token"}
SECONDS = 900  # for one run of the tests; longer is seen, too
WANTED = 0.97  # of the edits that change behaviour
LIKELY = {  # which tests see most edits of a file; they are run first
    "action/accept.sh": "test_accept.py",
    "action/apply.sh": "test_merges.py",
    "action/drift.sh": "test_runs.py",
    "action/issues.graphql": "test_runs.py",
    "action/keep_lock.sh": "test_committed_lock.py",
    "action/models.sh": "test_models.py",
    "action/plan.sh": "test_runs.py",
    "action/pull_request.sh": "test_models.py",
}
OTHERWISE = "test_parts.py"  # it takes a second
_MEMORY = Path("/dev/shm")
_FAILED = re.compile(r"^(?:FAILED|ERROR) tests/action/(.+?)(?: - .*)?$", re.M)


@dataclass(frozen=True)
class Mutant:
    """One edit of one file."""

    file: str
    old: str
    new: str
    why: str
    guards: str = ""
    lives: str = ""

    def __str__(self) -> str:
        line = (ROOT / self.file).read_text(encoding="utf-8").partition(self.old)[0].count("\n") + 1
        return f"{self.file}:{line}: {self.why}"

    def problem(self) -> str:
        """What is wrong with the entry itself, if anything."""
        found = (ROOT / self.file).read_text(encoding="utf-8").count(self.old)
        if found != 1 or self.old == self.new:
            return f"`{self.old}` stands {found} times in {self.file}, not once, or is not changed"
        if self.guards and (self.guards not in GUARDS or self.lives):
            return (
                f"{self}: guards {self.guards}, and so has to be seen; the guards are"
                f" {', '.join(sorted(GUARDS))}"
            )
        return ""


def read(path: Path = LIST) -> list[Mutant]:
    """The list; one that does not fit the files is refused whole."""
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    mutants = [Mutant(file, **entry) for file, entries in listed.items() for entry in entries]
    problems = [problem for mutant in mutants if (problem := mutant.problem())]
    if problems:
        raise SystemExit("\n".join(problems))
    return mutants


class Copy:
    """A copy of the repository as it is, in which one worker edits and runs the tests."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.root = folder / "repository"
        self._programs = programs
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        (self.root / ".venv").symlink_to(ROOT / ".venv")
        self._room = folder / "room"
        self._room.mkdir()

    def seen(self, mutant: Mutant) -> str:
        """The test that sees an edit, or nothing."""
        path = self.root / mutant.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        try:
            return self.fails(LIKELY.get(mutant.file, OTHERWISE))
        finally:
            path.write_text(text, encoding="utf-8")

    def fails(self, first: str = OTHERWISE) -> str:
        """The first test that fails, or nothing."""
        tests = sorted(
            self.root.glob("tests/action/test_*.py"),
            key=lambda path: (path.name != first, path.name),
        )
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *map(str, tests)]
        environment = {
            **os.environ,
            "PROVISIONER_THOROUGH": "1",
            "PROVISIONER_ACTION": "required",
            FORKED: str(self._programs),
            "PYTEST_DEBUG_TEMPROOT": str(self._room),
        }
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as run:
            try:
                said, _ = run.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                return f"does not end within {SECONDS} seconds"
        if run.returncode == 0:
            return ""
        found = _FAILED.search(said)
        return found[1] if found else said[-2000:]


def tried(mutants: Sequence[Mutant], workers: int) -> list[str]:
    """What sees each of them, in their order; reported as it is found."""
    room = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=room) as name, command(Path(name)) as programs:
        copies: queue.Queue[Copy] = queue.Queue()
        for number in range(workers):
            copies.put(Copy(Path(name) / str(number), programs))

        def one(mutant: Mutant) -> str:
            copy = copies.get()
            try:
                by = copy.seen(mutant)
            finally:
                copies.put(copy)
            print(
                f"{mutant}\n   "
                f" {'seen by ' + by if by else 'LIVES' + (', as known' if mutant.lives else '')}",
                flush=True,
            )
            return by

        unedited = copies.queue[0].fails()
        if unedited:
            raise SystemExit(f"The tests fail without an edit: {unedited}")
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, mutants))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="edits with this in their file, text or reason"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    mutants = [
        one
        for one in read()
        if options.only in f"{one.file}\n{one.old}\n{one.new}\n{one.why}\n{one.guards}"
    ]
    began = time.monotonic()
    found = list(zip(mutants, tried(mutants, options.workers), strict=True))

    changing = [(one, by) for one, by in found if not one.lives]
    living = [one for one, by in changing if not by]
    gone = [one for one, by in found if one.lives and by]
    for one in living:
        print(f"Nobody sees: {one}{' (guards ' + one.guards + ')' if one.guards else ''}")
    for one in gone:
        print(f"Is said to live, and is seen: {one}")
    seen = len(changing) - len(living)
    print(
        f"{seen} of {len(changing)} edits that change behaviour are seen, in"
        f" {time.monotonic() - began:.0f} seconds."
    )
    return int(bool(gone or any(one.guards for one in living)) or seen < WANTED * len(changing))


if __name__ == "__main__":
    sys.exit(main())
