"""A workspace written down in a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from provisioner.model import Problem
from provisioner.workspace import Workspace

Write = Callable[..., Workspace]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files (text is dedented, bytes are taken as they are) and open the workspace
    they make.
    """
    root = tmp_path / "acme"

    def make(files: dict[str, str | bytes]) -> Workspace:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(
                content if isinstance(content, bytes) else dedent(content).lstrip("\n").encode()
            )
        return Workspace.open(root)

    return make


def reported(problems: list[Problem]) -> list[str]:
    """Problems as `file:line:column summary`."""
    return [
        f"{problem.file}:{problem.line}:{problem.column} {problem.summary}" for problem in problems
    ]


def only(problems: list[Problem]) -> Problem:
    """The only problem there is."""
    assert len(problems) == 1, problems
    return problems[0]
