"""Workspaces for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.running import run


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A starter workspace with a store of two documents and an assistant that searches it."""
    folder = tmp_path / "acme"
    assert run(tmp_path, "init", "--template", "file-search", "acme").code == 0
    return folder
