"""The workspaces to begin with: the one in this repository, and those that `init` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner import templates
from provisioner.cli.init import Template
from provisioner.workspace import Workspace
from scripts.demo import copy_sample

SAMPLE = "the sample"
SUFFIXES = (".yaml", ".yml")


@pytest.fixture(params=[SAMPLE, *(template.value for template in Template)])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One of them, in a folder that holds nothing else."""
    if request.param == SAMPLE:
        copy_sample(tmp_path)
        return tmp_path
    for path, content in templates.files(request.param, "acme").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def test_the_setting_and_the_specs_are_all(sample: Path) -> None:
    """Beside `provisioner.yaml` and `specs/` nothing is needed, and nothing is there."""
    workspace = Workspace.open(sample)

    assert [name for name in workspace.environments if workspace.compile(name).problems] == []
    assert {path.name for path in sample.iterdir()} - {".gitignore", ".provisioner"} == {
        "provisioner.yaml",
        "specs",
    }


def test_no_spec_is_uploaded_and_no_file_is_left_over(sample: Path) -> None:
    """The patterns match documents and data alone, and whatever is not a spec below `specs/` is used
    by one.
    """
    below = {
        path.relative_to(sample).as_posix(): path
        for path in (sample / "specs").rglob("*")
        if path.is_file()
    }
    specs = {path for path in below if path.endswith(SUFFIXES)}
    uploaded = {
        address.name
        for address in Workspace.open(sample).compile("local").desired
        if address.kind == "file"
    }
    said = "".join(below[path].read_text(encoding="utf-8") for path in specs)

    assert uploaded & specs == set()
    assert [path for path in below.keys() - specs - uploaded if path not in said] == []
