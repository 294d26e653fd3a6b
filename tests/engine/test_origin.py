"""Where keys go: what differs between two `provisioner.yaml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.cli.app import run

PROD: dict[str, Any] = {"service": "https://gate.example/v1", "api_key": {"env": "GATE_KEY"}}
BASE: dict[str, Any] = {"environments": {"prod": PROD}}


def said(tmp_path: Path, ours: Any, theirs: Any, *words: str) -> Any:
    for name, config in (("ours", ours), ("theirs", theirs)):
        (tmp_path / name).mkdir(exist_ok=True)
        if config is not None:
            (tmp_path / name / "provisioner.yaml").write_text(
                yaml.safe_dump(config), encoding="utf-8"
            )
    return run(["-C", str(tmp_path / "ours"), "compare-origin", str(tmp_path / "theirs"), *words])


def prod(**changed: Any) -> dict[str, Any]:
    return {"environments": {"prod": {**PROD, **changed}}}


@pytest.mark.parametrize(
    ("ours", "differs"),
    [
        (prod(), []),
        ({**prod(on_drift="fail", variables={}), "workspace": "other"}, []),
        (prod(service="https://evil.example/v1"), ["service"]),
        (prod(api_key={"env": "OTHER_KEY"}), ["api_key"]),
        (prod(organization="org-1", openai_project="proj_1"), ["organization", "openai_project"]),
        (prod(lock="locks/p.lock.json"), ["lock"]),
        ({"environments": {"staging": PROD}}, ["default_environment"]),
    ],
)
def test_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ours: Any, differs: list[str]
) -> None:
    """Every setting that says where a key goes; nothing else."""
    assert said(tmp_path, ours, BASE) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differs"] == differs
    assert found["api_key"] == (next(iter(ours["environments"].values()))["api_key"]["env"])


def test_a_new_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is new, and one in a repository that had no `provisioner.yaml`."""
    both = {"environments": {"prod": PROD, "staging": {"service": "openai"}}}
    assert said(tmp_path, both, BASE, "-e", "staging") == 0
    assert json.loads(capsys.readouterr().out)["differs"] == ["environment"]
    (tmp_path / "theirs/provisioner.yaml").unlink()
    assert said(tmp_path, both, None, "-e", "prod") == 0
    assert json.loads(capsys.readouterr().out)["differs"] == ["environment"]
