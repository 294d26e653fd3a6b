"""Tests run in copies of the repository: never in the checkout itself."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.mutants.recording import AT_START, HERE
from scripts.mutants.sites import Mutant

_PLAIN = ("-p", "xdist.plugin", "-p", "no:cacheprovider", "-q", "--no-header")
# What takes long to import is there already in every process that runs tests; the code under test
# is not.
_PRELOADED = (
    "_pytest.config",
    "deepdiff",
    "httpx2",
    "jinja2",
    "jsonschema",
    "openai",
    "pydantic",
    "typer",
    "yaml",
)
TIMEOUT, CRASH = "no end", "crash"
_RECORDING = 3600  # seconds after which something hangs
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([*_PRELOADED, "starlette.applications", "uvicorn"])


class Copy:
    """A copy of the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = [
            "git",
            "-C",
            str(HERE),
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        for name in listed.split("\0"):
            if name and (HERE / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(HERE / name, folder / name)
        self._changes = int(time.time())

    def tests(self) -> list[str]:
        """The ids of the quick suite."""
        self._run(["--collect-only"], "Listing", 120)
        return [str(id) for id in self._written("listed.json")]

    def record(self, tests: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Run tests and note what each calls, how long it takes, and whether it passes."""
        if not tests:
            return {}
        start = self.folder / "sitecustomize.py"
        start.write_text(AT_START, encoding="utf-8")
        try:
            self._run([*tests], "Recording", _RECORDING)
        finally:
            start.unlink()
        found: dict[str, dict[str, Any]] = self._written("tests.json")
        return found

    def seen_by(self, mutant: Mutant, rounds: Iterable[tuple[Sequence[str], float]]) -> str | None:
        """The first test that fails with a change, `TIMEOUT` if one does not end, None if all pass.
        Each round of tests has so many seconds.
        """
        path = self.folder / mutant.path
        source = path.read_bytes()
        path.write_bytes(mutant.applied(source))
        self._touch(path)
        try:
            return next(
                (
                    failed
                    for tests, seconds in rounds
                    if (failed := self._run(tests, None, seconds))
                ),
                None,
            )
        finally:
            path.write_bytes(source)
            self._touch(path)

    def _touch(self, path: Path) -> None:
        """A second of its own for each change: by it Python knows whether what it has compiled is
        outdated.
        """
        self._changes += 1
        os.utime(path, (self._changes, self._changes))

    def _run(self, words: Sequence[str], plugin: str | None, seconds: float) -> str | None:
        """Run pytest; what failed first."""
        process = _processes.Process(target=_pytest, args=(self.folder, [*_PLAIN, *words], plugin))
        process.start()
        process.join(seconds)
        late = process.exitcode is None
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        shutil.rmtree(self.folder / ".tmp", ignore_errors=True)
        if late or process.exitcode == 0:
            return TIMEOUT if late else None
        failed = (
            line.partition(" ")[2] for line in self._log() if line.startswith(("FAILED ", "ERROR "))
        )
        return next((line.partition(" - ")[0] for line in failed), CRASH)

    def _log(self) -> list[str]:
        return (self.folder / ".log").read_text(encoding="utf-8", errors="replace").splitlines()

    def _written(self, name: str) -> Any:
        """What a plugin has written."""
        path = self.folder / ".recording" / name
        if not path.exists():
            raise SystemExit("\n".join(self._log()[-30:]))
        return json.loads(path.read_text(encoding="utf-8"))


def _pytest(folder: Path, words: list[str], plugin: str | None) -> None:
    """Run pytest in a copy, in a process of its own, which leads all that the tests start."""
    os.setsid()
    os.chdir(folder)
    fd = os.open(folder / ".log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(fd, stream)
    (folder / ".tmp").mkdir(exist_ok=True)
    # Plugins are named: pytest warns of those that it finds by itself and that are imported
    # already.
    temporary = {
        "PYTEST_DEBUG_TEMPROOT": str(folder / ".tmp"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    os.environ.update(temporary, PYTHONPATH=str(folder))
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(HERE)))]
    for name in [name for name in sys.modules if name.partition(".")[0] == "scripts"]:
        del sys.modules[name]
    import pytest

    from scripts.mutants import recording

    plugins = [getattr(recording, plugin)()] if plugin else []
    sys.exit(pytest.main(words if plugin else ["-x", *words], plugins=plugins))
