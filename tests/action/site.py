"""GitHub as far as the action sees it: a repository, its pull requests and comments, and runs of the action."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.lock.repositories import NAMES, clone, git

ROOT = Path(__file__).resolve().parents[2]
BOT = "github-actions"
_COMMAND = re.compile(r"^\s*::(?!stop-commands)(error|warning|notice) ?([^:]*)::(.*)$")


@dataclass(frozen=True)
class Run:
    """What a run of the action left."""

    code: int
    log: str
    summary: str
    outputs: Mapping[str, str]

    @property
    def annotations(self) -> list[tuple[str, str, str]]:
        """Level, properties and text, as the runner takes them from the log; what is quoted it does not take."""
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


@dataclass
class Site:
    """One repository `acme/desk` with a workspace in it, and everything that GitHub knows of it."""

    folder: Path
    bare: Path
    programs: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.programs / "gh").write_text(f'#!/bin/sh\nexec {sys.executable} -IS {ROOT}/tests/action/gh.py "$@"\n')
        (self.programs / "gh").chmod(0o755)
        self._state.write_text(
            json.dumps(
                {"viewer": BOT, "pulls": [], "comments": [], "issues": [], "calls": [], "clock": 0, "read_only": False}
            )
        )

    @property
    def _state(self) -> Path:
        return self.folder / "github.json"

    @cached_property
    def author(self) -> Path:
        """The clone of those who write pull requests."""
        return clone(self.bare, self.folder / "author")

    @cached_property
    def runner(self) -> Path:
        """The clone in which the action runs."""
        return clone(self.bare, self.folder / "runner")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
        return found

    def know(self, **changes: Any) -> None:
        """Change what GitHub knows."""
        self._state.write_text(json.dumps({**self.state, **changes}), encoding="utf-8")

    def say(self, number: int, body: str, author: str = "mallory") -> None:
        """A comment by somebody."""
        row = {"id": 100 + len(self.state["comments"]), "issue": number, "author": author, "body": body}
        row |= {
            "html_url": "https://github.example/x",
            "created": "2026-03-01T00:00:00Z",
            "edited": None,
            "editor": None,
        }
        self.know(comments=[*self.state["comments"], row])

    def comments(self, number: int, author: str = BOT) -> list[str]:
        return [row["body"] for row in self.state["comments"] if (row["issue"], row["author"]) == (number, author)]

    def commit(self, files: Mapping[str, Any], message: str = "change") -> str:
        """Commit files in the author's clone; None deletes one, mappings become YAML."""
        for name, content in files.items():
            path = self.author / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            path.write_text(text, encoding="utf-8")
        git(self.author, "add", "--all")
        git(self.author, "commit", "-q", "-m", message)
        return git(self.author, "rev-parse", "HEAD")

    def push(self, files: Mapping[str, Any]) -> str:
        """A commit that goes to `main` directly."""
        made = self.commit(files)
        git(self.author, "push", "-q", "origin", "main")
        return made

    def open(self, number: int, files: Mapping[str, Any], fork: str = "acme/desk") -> None:
        """A pull request from `main` as it is now."""
        git(self.author, "checkout", "-q", "-B", f"pull-{number}", "origin/main")
        head = self.commit(files)
        pull = {"number": number, "head": {"sha": head, "repo": {"full_name": fork}}}
        self.know(pulls=[*self.state["pulls"], {**pull, "merged_at": None, "merge_commit_sha": None}])
        git(self.author, "checkout", "-q", "main")

    def merge(self, number: int) -> str:
        git(self.author, "pull", "-q", "--ff-only", "origin", "main")
        git(self.author, "merge", "-q", "--no-ff", "-m", f"Merge {number}", f"pull-{number}")
        git(self.author, "push", "-q", "origin", "main")
        merged, state = git(self.author, "rev-parse", "HEAD"), self.state
        clock = state["clock"] + 1
        when = f"2026-03-01T12:{clock // 60:02}:{clock % 60:02}Z"
        pulls = [
            {**pull, "merged_at": when, "merge_commit_sha": merged} if pull["number"] == number else pull
            for pull in state["pulls"]
        ]
        self.know(pulls=pulls, clock=clock)
        return merged

    def provisioner(self, *words: str) -> None:
        """A command line in the author's clone that must succeed."""
        command = [self.programs / "provisioner", *words]
        environment = {**os.environ, **self.environment, **NAMES}
        subprocess.run(command, cwd=self.author, env=environment, check=True, capture_output=True)

    def plan(self, number: int, **inputs: str) -> Run:
        """The run of `plan` on a pull request: in the merge of its branch with `main`, as GitHub checks it out."""
        refs = ("+refs/remotes/origin/main:refs/test/main", f"+refs/heads/pull-{number}:refs/test/head")
        git(self.runner, "fetch", "-q", str(self.author), *refs)
        self.checkout("refs/test/main")
        git(self.runner, "merge", "-q", "--no-ff", "-m", "test merge", "refs/test/head")
        pull = next(pull for pull in self.state["pulls"] if pull["number"] == number)
        return self.run("plan", {"pull_request": pull}, **inputs)

    def apply(self, sha: str, **inputs: str) -> Run:
        """The run of `apply` on a push to `main`, or by hand."""
        git(self.runner, "fetch", "-q", "origin", "main")
        self.checkout(sha)
        return self.run("apply", {"after": sha}, GITHUB_SHA=sha, **inputs)

    def checkout(self, commit: str) -> None:
        git(self.runner, "checkout", "-q", "--force", "--detach", commit)
        git(self.runner, "clean", "-q", "-f", "-d", "-x")

    def run(self, command: str, event: Mapping[str, Any], script: str = "main", **inputs: str) -> Run:
        """Run a script of the action as the runner would, with the inputs that `action.yml` hands to it."""
        scratch = self.folder / "temp"
        scratch.mkdir(exist_ok=True)
        files = {name: scratch / name for name in ("event", "output", "summary", "path")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        files["event"].write_text(json.dumps({"repository": {"full_name": "acme/desk"}, **event}), encoding="utf-8")
        given = {f"IN_{name.upper()}": value for name, value in inputs.items() if name.islower()}
        others = {name: value for name, value in inputs.items() if not name.islower()}
        done = subprocess.run(
            ["bash", str(ROOT / f"action/{script}.sh")],
            cwd=self.runner,
            env={**self._surroundings(files), **handed(script), "IN_COMMAND": command, **given, **others},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, files["summary"].read_text(), outputs(files["output"].read_text()))

    def _surroundings(self, files: Mapping[str, Path]) -> dict[str, str]:
        return {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "GH_TOKEN": "token",
            "STUB_GITHUB": str(self._state),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_WORKSPACE": str(self.runner),
            "GITHUB_REPOSITORY": "acme/desk",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "42",
            "GITHUB_ACTOR": "ada",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_REF_NAME": "main",
            "GITHUB_WORKFLOW_REF": "acme/desk/.github/workflows/apply.yml@refs/heads/main",
            "GITHUB_EVENT_PATH": str(files["event"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_PATH": str(files["path"]),
            **NAMES,
            **self.environment,
        }


def handed(script: str) -> dict[str, str]:
    """What `action.yml` hands to a script where no input is given."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    step = next(step for step in action["runs"]["steps"] if f"/{script}.sh" in step["run"])
    found = {}
    for name, expression in step["env"].items():
        given = action["inputs"][re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", expression)[1]]  # type: ignore[index]
        if name.startswith("IN_"):
            found[name] = given.get("default", "")
    return found


def outputs(text: str) -> dict[str, str]:
    """The outputs of a step as the runner reads them."""
    found = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n?\2\n", text, re.M | re.S)
    return {name: value for name, _, value in found}
