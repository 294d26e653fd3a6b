"""TypeScript with the official Node SDK, as `make typescript` installs it: compiled, and run by
node.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY, surroundings

MODULES = REPOSITORY / ".venv/node_modules"
OPTIONS = ["--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]


def prepared(folder: Path) -> Path:
    """A folder in which programs find the SDK; skips where that is not installed."""
    required = os.environ.get("PROVISIONER_TYPESCRIPT") == "required"
    there = shutil.which("node") and all(
        (MODULES / name).is_dir() for name in ("openai", "typescript")
    )
    if not there and not required:
        pytest.skip("the official Node SDK and TypeScript are not installed: `make typescript`")
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return folder


def compiled(folder: Path, *programs: str, emit: bool = False) -> str:
    """What the compiler has to say of programs: nothing, where all is well."""
    options = OPTIONS if emit else [*OPTIONS, "--noEmit"]
    command = [str(MODULES / ".bin/tsc"), *options, *programs]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def printed(folder: Path, program: str, url: str) -> str:
    """What a compiled program prints, with the service at `url`."""
    done = subprocess.run(
        ["node", program],
        cwd=folder,
        env=surroundings(OPENAI_BASE_URL=url, OPENAI_API_KEY="any"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
