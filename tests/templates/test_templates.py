"""What `init` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.templates import workspace_name
from tests.support.running import run

NOTHING = "No changes. The service matches the specs.\n"


@pytest.mark.parametrize(
    "template", ["basic", "code-interpreter", "file-search", "function-calling"]
)
def test_every_template_is_a_good_workspace(tmp_path: Path, template: str) -> None:
    """What `init` writes validates, is in the layout of `fmt`, applies, and then has no changes."""
    made = run(tmp_path, "init", "--template", template, "acme")
    folder = tmp_path / "acme"

    assert made.code == 0
    assert all((folder / name).is_file() for name in made.out.splitlines())
    assert (folder / ".gitignore").read_text().count(".provisioner/") == 1
    assert run(folder, "validate").code == 0
    assert run(folder, "fmt", "--check").out == ""
    assert run(folder, "plan", "--detailed-exitcode").code == 2
    assert run(folder, "apply", "-y").code == 0
    again = run(folder, "plan", "--detailed-exitcode")
    assert (again.code, again.out) == (0, NOTHING)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("acme-support", "acme-support"),
        ("Acme Support", "acme-support"),
        ("2. Versuch!", "2-versuch"),
        ("_x_", "x"),
        ("…", "workspace"),
        ("x" * 70, "x" * 64),
    ],
)
def test_the_workspace_is_called_like_its_folder(folder: str, name: str) -> None:
    """As nearly as a name can be."""
    assert workspace_name(folder) == name
