"""A kind is one file: added to a copy of the product, it works whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY, surroundings

_KIND = Path(__file__).parent / "new_kind"
_ROUTES = "\n]\n\n\ndef _service("


@pytest.mark.thorough
def test_a_kind_is_one_file(tmp_path: Path) -> None:
    """A kind `prompt` is declared, planned, applied, drifts, is accepted, moved, rebuilt and drawn,
    and the contract of every kind holds for it. Nothing else is edited but the routes of the
    embedded service.
    """
    nothing = shutil.ignore_patterns("__pycache__")
    for folder in ("provisioner", "tests/support"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=nothing)
    for file in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    shutil.copy(_KIND / "prompt.py", tmp_path / "provisioner/kinds")
    shutil.copy(_KIND / "prompts.py", tmp_path / "provisioner/local")
    app = tmp_path / "provisioner/local/app.py"
    routes = app.read_text()
    assert routes.count(_ROUTES) == 1
    served = routes.replace(_ROUTES, f"\n    *prompts.HANDLERS,{_ROUTES}")
    app.write_text(served.replace("from .db import", "from . import prompts\nfrom .db import"))
    shutil.copy(_KIND / "story.py", tmp_path / "tests/test_prompts.py")
    shutil.copy(Path(__file__).parent / "test_contract.py", tmp_path / "tests")

    words = ["-m", "pytest", "-p", "no:cacheprovider", "-k", "prompt", "tests"]
    told = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=surroundings(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert " passed" in told.stdout and "test_contract" not in told.stderr
