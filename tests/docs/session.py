"""A session on a command line: replayed in an empty folder, and compared with what a page shows of
it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

OMITTED = "[…]"
_MARK = "=== next command ==="
_ID = re.compile(r"\b(?:asst_|agt_|vs_|vsfb_|file-)[A-Za-z0-9]{20,}")
_SECONDS = re.compile(r"\b\d+\.\d s\b")
_PROGRESS = re.compile(
    r"^(?:\S+: )?(?:[a-z]+…|[a-z]+ \(\S+\)|(?P<done>\d+)/(?P<total>\d+) files"
    r" (?:indexed|uploaded))$"
)


@dataclass(frozen=True)
class Step:
    """One command, and what it prints."""

    command: str
    output: str


def steps(text: str) -> list[Step]:
    """A session as it stands in a page: lines that begin with `$ ` are commands, the rest is what
    they print.
    """
    found = re.split(r"^\$ (.*)\n", text, flags=re.M)[1:]
    return [Step(command, output) for command, output in zip(found[::2], found[1::2], strict=True)]


def replay(commands: list[str], folder: Path) -> list[Step]:
    """Run commands one after another in one shell; stdout and stderr together, as on a terminal."""
    tools = folder / ".bin"
    tools.mkdir()
    program = tools / "provisioner"
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m provisioner "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    script = "".join(f"{command}\necho '{_MARK}'\n" for command in commands)
    root = Path(__file__).resolve().parents[2]
    surroundings = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PROVISIONER_", "PYTHON"))
    }
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={**surroundings, "PATH": path, "PYTHONPATH": str(root), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    outputs = done.stdout.split(f"{_MARK}\n")[:-1]
    return [Step(command, output) for command, output in zip(commands, outputs, strict=True)]


def masked(output: str) -> list[str]:
    """The lines without ids and durations, and progress in an order of its own: it comes as the service
    answers.
    """
    plain = _SECONDS.sub("<time>", _ID.sub("<id>", output))
    lines = plain.rstrip("\n").split("\n")
    found: list[str] = []
    for progress, some in groupby(lines, key=lambda line: _PROGRESS.match(line) is not None):
        run = list(some)
        found += sorted(line for line in run if not _partial(line)) if progress else run
    return found


def _partial(line: str) -> bool:
    match = _PROGRESS.match(line)
    return bool(match and match["total"] and match["done"] != match["total"])


def fits(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; a line `[…]` stands for any lines."""
    wanted = [".*" if line == OMITTED else re.escape(line) + "\n" for line in masked(shown)]
    return re.fullmatch("".join(wanted), "\n".join(masked(printed)) + "\n", re.S) is not None
