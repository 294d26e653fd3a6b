"""What is generated is current, and says when it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.kinds import kinds
from provisioner.kinds.assistant import APIS
from scripts import generate
from scripts.reference import pages
from tests.docs.pages import ROOT


def test_nothing_is_stale() -> None:
    """Every generated file in the repository is what the code would write now."""
    assert list(generate.stale(ROOT)) == [], "run `make generate`"


def test_the_same_every_time() -> None:
    """Two processes with different hash seeds generate the same bytes."""
    code = (
        "from scripts.generate import files; import hashlib;"
        " print(hashlib.sha256(repr(files()).encode()).digest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
        )
        for seed in ("1", "2")
    ]

    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


def test_check_names_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` exits with 1, names each stale file and the remedy, and writes nothing."""
    (tmp_path / "pyproject.toml").touch()
    generate.write(tmp_path)
    page = tmp_path / "docs/reference/specs.md"
    page.write_text("old", encoding="utf-8")
    (tmp_path / "schemas/lock.schema.json").unlink()

    assert generate.main(["--check"], tmp_path) == 1
    reported = capsys.readouterr().err
    assert reported.splitlines()[1:] == ["  schemas/lock.schema.json", "  docs/reference/specs.md"]
    assert "make generate" in reported
    assert page.read_text(encoding="utf-8") == "old"


@pytest.mark.thorough
def test_writing_repairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Writing makes everything current and names what it wrote; a second run has nothing to
    write.
    """
    (tmp_path / "pyproject.toml").touch()

    assert generate.main([], tmp_path) == 0
    assert "docs/reference/commands.md" in capsys.readouterr().out
    assert generate.main(["--check"], tmp_path) == 0
    assert generate.main([], tmp_path) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [["--chek"], ["--check", "x"]])
def test_wrong_usage_exits_with_1(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is not understood is refused."""
    assert generate.main(arguments) == 1
    assert "usage" in capsys.readouterr().err


def test_an_installed_package_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside a checkout nothing is written."""
    assert generate.main([], tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert "checkout" in capsys.readouterr().err


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_field_of_a_kind_is_told(kind: str) -> None:
    """The reference names every field that an author may write, down to the tools of an
    assistant.
    """
    page = pages()["docs/reference/specs.md"]
    model = kinds()[kind].spec
    fields = {field.alias or name for name, field in model.model_fields.items()} - {
        "root",
        "tool_resources",
    }

    assert f"## {kinds()[kind].section}\n" in page
    assert {name for name in fields if f"\n| `{name}`" not in page} == set()


def test_every_api_has_a_column() -> None:
    """What an API carries is reported for each that assistants can be deployed through."""
    heads = [
        line
        for line in pages()["docs/reference/specs.md"].splitlines()
        if line.startswith("| what |")
    ]

    assert heads == ["| what | " + " | ".join(f"`{api}`" for api in APIS) + " |"]
