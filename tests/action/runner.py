"""GitHub's runner as far as the action needs it: the steps of `action.yml`, and what they print and
set.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")  # as `shell: bash` is documented
_COMMAND = re.compile(r"^\s*::(?!stop-commands)(error|warning|notice) ?([^:]*)::(.*)$")
_EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")

Context = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What a run of the action left."""

    code: int
    log: str
    summary: str
    outputs: Mapping[str, str]

    @property
    def annotations(self) -> list[tuple[str, str, str]]:
        """Level, properties and text, as the runner takes them from the log; what is quoted it does
        not take.
        """
        found, token = [], ""
        for line in self.log.splitlines():
            if line.startswith("::stop-commands::"):
                token = line.removeprefix("::stop-commands::")
            elif token and line == f"::{token}::":
                token = ""
            elif not token and (match := _COMMAND.match(line)):
                found.append((match[1], match[2], match[3]))
        return found

    def file(self, name: str) -> Path:
        return Path(self.outputs["folder"]) / name


def act(
    given: Mapping[str, str],
    token: str,
    environment: Mapping[str, str],
    folder: Path,
    only: str = "",
) -> Run:
    """Use the action: `given` are its inputs, `token` is the job's, `environment` is what every
    step has, `folder` has room for files of the runner. A step that fails ends the run, but for
    those whose condition says otherwise.
    """
    context: dict[str, Any] = {
        "github": {"token": token},
        "inputs": inputs(given, token),
        "steps": {},
    }
    environment = dict(environment)
    logs, summaries, code = [], [], 0
    for number, step in enumerate(ACTION["runs"]["steps"]):
        if only not in ("", step.get("id")) or not holds(
            step.get("if", "success()"), code, context
        ):
            continue
        files = {name: folder / f"{name}-{number}" for name in ("output", "step_summary", "path")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        done = subprocess.run(
            [*BASH, "-c", step["run"]],
            cwd=environment["GITHUB_WORKSPACE"],
            env=environment
            | {f"GITHUB_{name.upper()}": str(file) for name, file in files.items()}
            | {name: filled(value, context) for name, value in step.get("env", {}).items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        code = code or done.returncode
        logs.append(done.stdout)
        summaries.append(files["step_summary"].read_text(encoding="utf-8"))
        if "id" in step:
            context["steps"][step["id"]] = {
                "outputs": outputs(files["output"].read_text(encoding="utf-8"))
            }
        path = [
            *reversed(files["path"].read_text(encoding="utf-8").splitlines()),
            environment["PATH"],
        ]
        environment["PATH"] = os.pathsep.join(path)
    reported = {name: filled(one["value"], context) for name, one in ACTION["outputs"].items()}
    return Run(
        code,
        "".join(logs),
        "".join(summaries),
        {name: value for name, value in reported.items() if value},
    )


def inputs(given: Mapping[str, str], token: str) -> dict[str, str]:
    """Every input of the action, as given or by default."""
    assert set(given) <= set(ACTION["inputs"]), given
    context = {"github": {"token": token}}
    defaults = {
        name: filled(one.get("default", ""), context) for name, one in ACTION["inputs"].items()
    }
    return {**defaults, **given}


def filled(text: str, context: Context) -> str:
    """A text with the values of its expressions; what does not exist is empty, as at GitHub."""

    def value(match: re.Match[str]) -> str:
        found: Any = context
        for name in match[1].split("."):
            found = found.get(name) or {}
        return str(found or "")

    return _EXPRESSION.sub(value, text)


def holds(condition: str, code: int, context: Context) -> bool:
    """Whether a step runs. A condition is terms with `&&` between them; without a word about the
    outcome of the steps before it, all of them must have succeeded.
    """
    terms = condition.removeprefix("${{ ").removesuffix(" }}").split(" && ")
    succeeded = code == 0 or "always()" in terms
    return succeeded and all(_term(term, context) for term in terms if not term.endswith("()"))


def _term(term: str, context: Context) -> bool:
    match = re.fullmatch(r"([\w.-]+) == '(\w*)'", term)
    assert match, term
    return filled(f"${{{{ {match[1]} }}}}", context) == match[2]


def outputs(text: str) -> dict[str, str]:
    """The outputs of a step as the runner reads them."""
    found = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n?\2\n", text, re.M | re.S)
    return {name: value for name, _, value in found}


def secrets(tokens: Iterable[str]) -> list[str]:
    """What git sends for each token, in the form that has to be masked: GitHub masks the token
    itself alone.
    """
    return [base64.b64encode(f"x-access-token:{token}".encode()).decode() for token in tokens]
