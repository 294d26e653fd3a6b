"""Which functions each test calls, in its own process and in those that it starts."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parents[2]
FOLDER = HERE / ".recording"
# Python runs this at the start of every process that has the repository on its path.
AT_START = "from scripts.mutants.recording import follow\nfollow()\n"
_CODE = f"{HERE}{os.sep}provisioner{os.sep}"
_OF_A_FUNCTION = (
    1  # what `inspect` calls CO_OPTIMIZED: bodies of modules and classes are without it
)
_CURRENT = FOLDER / "current"


class Recorder:
    """Writes down each function when it is called for the first time, so that a process may be
    killed.
    """

    def __init__(self, where: Path) -> None:
        self._fd = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._seen: set[tuple[str, str]] = set()

    def start(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)
        os.close(self._fd)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if code.co_flags & _OF_A_FUNCTION and code.co_filename.startswith(_CODE):
            called = code.co_filename, code.co_qualname
            if called not in self._seen:
                self._seen.add(called)
                path = Path(code.co_filename).relative_to(HERE).as_posix()
                os.write(self._fd, f"{path} {code.co_qualname.replace('.<locals>', '')}\n".encode())


def follow() -> None:
    """Record what this process calls, for the test that started it."""
    if _CURRENT.exists():
        Recorder(Path(_CURRENT.read_text(encoding="utf-8"))).start()


class Recording:
    """A plugin of pytest that records every test that it runs, one after the other."""

    def __init__(self) -> None:
        self._tests: dict[str, dict[str, Any]] = {}
        self._recorder: Recorder | None = None
        FOLDER.mkdir(exist_ok=True)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        where = FOLDER / str(len(self._tests))
        self._tests[nodeid] = {"functions": where.name, "seconds": 0.0, "outcomes": []}
        _CURRENT.write_text(str(where), encoding="utf-8")
        self._recorder = Recorder(where)
        self._recorder.start()

    def pytest_runtest_logreport(self, report: Any) -> None:
        test = self._tests[report.nodeid]
        test["seconds"] += report.duration
        test["outcomes"].append(report.outcome)

    def pytest_runtest_logfinish(self) -> None:
        assert self._recorder
        self._recorder.stop()

    def pytest_sessionfinish(self) -> None:
        _CURRENT.unlink(missing_ok=True)
        for test in self._tests.values():
            functions = FOLDER / test["functions"]
            test["functions"] = sorted(set(functions.read_text(encoding="utf-8").splitlines()))
        (FOLDER / "tests.json").write_text(json.dumps(self._tests), encoding="utf-8")


class Listing:
    """A plugin of pytest that writes down the tests that there are."""

    def pytest_collection_finish(self, session: Any) -> None:
        FOLDER.mkdir(exist_ok=True)
        ids = [item.nodeid for item in session.items]
        (FOLDER / "listed.json").write_text(json.dumps(ids), encoding="utf-8")
