"""The picture of the README can be taken again."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.workspace import Workspace
from scripts.demo import copy_sample


def test_the_sample_has_what_the_picture_edits(tmp_path: Path) -> None:
    """Every edit finds its place in the sample workspace, which stays valid."""
    pytest.importorskip("playwright")
    from scripts.picture import change

    copy_sample(tmp_path)
    change(tmp_path / "specs")

    assert Workspace.open(tmp_path).problems() == []
