"""The hooks for pre-commit: each is a command line that the product takes, for the files that it is
about.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT, blocks
from tests.support.world import World

HOOKS: list[dict[str, Any]] = yaml.safe_load(
    (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
)


def entry(hook: dict[str, Any]) -> list[str]:
    program, *words = hook["entry"].split()
    assert (program, hook["language"], hook["pass_filenames"]) == ("provisioner", "python", False)
    return words


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs(hook: dict[str, Any], world: World) -> None:
    """It passes over good specs, and fails, or changes them, where they are not; `-C` reaches other
    folders.
    """
    world.write({"specs/a.yaml": "assistants:\n  a:\n    model: gpt-5.6\n"})
    world.ok(*entry(hook), "-C", str(world.root))
    world.write({"specs/a.yaml": "assistants:\n     a: {modle:   x}\n"})
    before = (world.root / "specs/a.yaml").read_bytes()
    result = world.run(*entry(hook))
    assert result.code == 1 or (world.root / "specs/a.yaml").read_bytes() != before


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_files_of_a_hook(hook: dict[str, Any]) -> None:
    """It is run for specs and for `provisioner.yaml`, in any folder, and for nothing else."""
    concerned = (
        "specs/a.yaml",
        "specs/more/b.yml",
        "infra/specs/a.yaml",
        "provisioner.yaml",
        "infra/provisioner.yaml",
    )
    others = (
        "docs/specs.md",
        "myspecs/a.yaml",
        "specs/a.json",
        "provisioner.yaml.orig",
        "not-provisioner.yaml",
    )
    assert [path for path in (*concerned, *others) if re.search(hook["files"], path)] == list(
        concerned
    )


def test_a_commit_that_only_deletes_is_validated() -> None:
    """No list of files has what was deleted, and a prompt is in no list of specs."""
    assert {hook["id"]: hook.get("always_run", False) for hook in HOOKS} == {
        "provisioner-validate": True,
        "provisioner-fmt": False,
    }


def test_the_page_names_the_hooks() -> None:
    """Whoever copies the configuration from the page gets the hooks that there are."""
    (config,) = [yaml.safe_load(block.text) for block in blocks("yaml") if "hooks:" in block.text]
    assert {hook["id"] for hook in config["repos"][0]["hooks"]} == {hook["id"] for hook in HOOKS}
