"""The command line as a user has it, its streams apart; in this process where that makes no
difference.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from provisioner.cli import app

REPOSITORY = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "provisioner")


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def run_here(words: Sequence[str]) -> Result:
    """Run a command line without a process of its own."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.run(words)
    return Result(code, out.getvalue(), err.getvalue())


def surroundings(**more: str) -> dict[str, str]:
    """A process environment without anything that this machine may have set."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "LANG": "C.UTF-8", **more}


def run(folder: Path, *arguments: str, program: Sequence[str] = PROGRAM, **more: str) -> Result:
    """Run a command without a terminal; in a process of its own where its surroundings or its
    program matter.
    """
    if program is PROGRAM and not more:
        here = mock.patch.dict(os.environ, surroundings(), clear=True)
        with contextlib.chdir(folder), here:
            return run_here(arguments)
    done = subprocess.run(
        [*program, *arguments],
        cwd=folder,
        env=surroundings(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


class Terminal:
    """A command on a terminal; what was on the screen is in `seen`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.seen = b""
        self._read = 0  # of it, by `until`
        self._process, self._screen = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execve(PROGRAM[0], [*PROGRAM, *arguments], surroundings(TERM="xterm"))

    def until(self, words: str) -> None:
        """Wait until the command has said so, after what was waited for before."""
        while (at := self.seen.find(words.encode(), self._read)) < 0:
            assert self._more(), f"it never said `{words}`:\n{self.seen.decode()}"
        self._read = at + len(words.encode())

    def type(self, keys: str) -> None:
        """Type, as a person does: when the command waits. A signal between its prompt and its
        reading is kept by Python until the next key.
        """
        state = Path(f"/proc/{self._process}/stat")
        end = time.monotonic() + 5
        while state.exists() and time.monotonic() < end:
            if state.read_text().rpartition(")")[2].split()[0] == "S":
                break
            time.sleep(0.01)
        os.write(self._screen, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C at a prompt, once somebody listens there: between printing a prompt and listening
        the reader of lines keeps a signal to itself until the next one.
        """
        time.sleep(0.2)
        self.type("\x03")

    def end(self) -> tuple[int, str]:
        """The exit code and all that was on the screen, when the command has ended by itself."""
        while self._more():
            pass
        os.close(self._screen)
        code = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return code, self.seen.decode()

    def _more(self) -> bool:
        """Whether anything more came within a minute."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([self._screen], [], [], 1)[0]:
                continue
            try:
                part = os.read(self._screen, 4096)
            except OSError:  # the other end is closed
                return False
            self.seen += part
            return bool(part)
        return False


def run_on_terminal(
    folder: Path, *arguments: str, types: str, prompt: str = "accepted: "
) -> tuple[int, str]:
    """Run a command on a terminal, type once it asks, and return its exit code and all that was on
    the screen.
    """
    terminal = Terminal(folder, *arguments)
    terminal.until(prompt)
    terminal.type(types)
    return terminal.end()
