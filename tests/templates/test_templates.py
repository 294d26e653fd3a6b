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


@pytest.mark.parametrize("folder", ["2024", "2024-01-01", "yes", "null", "0x1f", "1e3"])
def test_a_folder_whose_name_is_no_text_in_yaml(tmp_path: Path, folder: str) -> None:
    """What `init` writes is valid, and the workspace has the name of the folder."""
    (tmp_path / folder).mkdir()
    assert run(tmp_path / folder, "init").code == 0

    assert run(tmp_path / folder, "validate").code == 0
    assert f'workspace: "{folder}"' in (tmp_path / folder / "provisioner.yaml").read_text()


def test_a_folder_that_git_and_a_readme_are_in(tmp_path: Path) -> None:
    """A fresh clone is a good place; what is there stays as it is, and what to add is said."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("Ours\n")
    (tmp_path / ".gitignore").write_text("*.pyc\n.env\n")

    made = run(tmp_path, "init")

    assert made.code == 0
    assert ".gitignore" not in made.out.splitlines()
    assert "Add to it: `.provisioner/`, `*.plan.json`.\n" in made.err
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n.env\n"
    assert run(tmp_path, "validate").code == 0
    assert run(tmp_path, "init").code == 1


@pytest.mark.parametrize("command", ["plan", "apply -y", "drift"])
def test_what_is_kept_beside_the_specs_is_kept_out_of_git(tmp_path: Path, command: str) -> None:
    """Whichever command makes `.provisioner/`: nobody commits it by accident."""
    run(tmp_path, "init", "--template", "file-search")

    run(tmp_path, *command.split())

    assert (tmp_path / ".provisioner/.gitignore").read_text() == "*\n"
