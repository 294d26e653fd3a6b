"""GitHub as far as the action sees it: a repository, its pull requests and comments, and runs of
the action.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.action.runner import ROOT, Run, act, secrets
from tests.lock.repositories import NAMES, clone, git

BOT = "github-actions"
# A token is longer than one line of `base64`, as those of GitHub Apps are. The job's own one
# belongs to the bot.
TOKEN = f"ghs_{'job' * 20}"
APP_TOKEN = f"ghs_{'app' * 20}"
APP = "our-app"

GH = """#!/bin/sh
exec {python} -IS {root}/tests/action/gh.py "$@"
"""
GIT = """#!/bin/sh
# The real git. GitHub hands out this repository and takes a push only with a token that it knows. Nobody else gets it.
case "${{GITHUB_SERVER_URL:+run}} $* " in
run*" fetch "* | run*" push "* | run*" ls-remote "*)
  sent=$({git} config --get-urlmatch http.extraheader "$GITHUB_SERVER_URL/acme/desk")
  printf '%s\\n' "$sent" | grep -qxFf {folder}/headers || {{ echo 'fatal: Authentication failed' >&2; exit 128; }}
  if {git} config --get-urlmatch http.extraheader https://elsewhere.example/acme/desk; then
    echo 'fatal: the token is sent to anybody' >&2
    exit 128
  fi
  ;;
esac
test ! -x {folder}/before/"$1" || {folder}/before/"$1" || exit
exec {git} "$@"
"""
NOT_INSTALLED = """#!/bin/sh
echo 'provisioner: command not found' >&2
exit 127
"""
INSTALL = """#!/usr/bin/env bash
# Instead of an installation: the command line of this checkout.
echo {programs} >>"$GITHUB_PATH"
"""


@dataclass
class Site:
    """One repository `acme/desk` with a workspace in it, and everything that GitHub knows of it."""

    folder: Path
    bare: Path
    programs: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = {
            "python": sys.executable,
            "root": ROOT,
            "git": shutil.which("git"),
            "folder": self.folder,
        }
        for name, text in (("gh", GH), ("git", GIT), ("provisioner", NOT_INSTALLED)):
            program(self.folder / "bin" / name, text.format(**words))
        for file in (ROOT / "action").iterdir():
            (self.folder / "release/action").mkdir(parents=True, exist_ok=True)
            (self.folder / "release/action" / file.name).symlink_to(file)
        self.installs(self.programs)
        headers = [f"AUTHORIZATION: basic {secret}\n" for secret in secrets((TOKEN, APP_TOKEN))]
        (self.folder / "headers").write_text("".join(headers), encoding="utf-8")
        lists: dict[str, Any] = {
            "pulls": [],
            "comments": [],
            "issues": [],
            "calls": [],
            "broken": [],
            "reviews": [],
        }
        tokens = {TOKEN: BOT, APP_TOKEN: APP}
        self._state.write_text(
            json.dumps(
                {**lists, "tokens": tokens, "clock": 0, "read_only": False, "bare": str(self.bare)}
            )
        )

    def before(self, command: str, text: str) -> None:
        """What happens before every git command of a name; where that fails, the command fails."""
        program(self.folder / "before" / command, f"#!/bin/sh\n{text}")

    def installs(self, programs: Path) -> None:
        """The step that installs makes the commands of a folder known, and nothing else does."""
        script = self.folder / "release/action/install.sh"
        script.unlink()
        program(script, INSTALL.format(programs=programs))

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
        row = {
            "id": 100 + len(self.state["comments"]),
            "issue": number,
            "author": author,
            "body": body,
        }
        row |= {
            "html_url": "https://github.example/x",
            "created": "2026-03-01T00:00:00Z",
            "edited": None,
            "editor": None,
        }
        self.know(comments=[*self.state["comments"], row])

    def comments(self, number: int, author: str = BOT) -> list[str]:
        return [
            row["body"]
            for row in self.state["comments"]
            if (row["issue"], row["author"]) == (number, author)
        ]

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
        git(self.author, "fetch", "-q", "origin")
        git(self.author, "checkout", "-q", "-B", f"pull-{number}", "origin/main")
        head = self.commit(files)
        pull = {"number": number, "head": {"sha": head, "repo": {"full_name": fork}}}
        self.know(
            pulls=[*self.state["pulls"], {**pull, "merged_at": None, "merge_commit_sha": None}]
        )
        git(self.author, "checkout", "-q", "main")

    def amend(self, number: int, files: Mapping[str, Any]) -> None:
        """A further commit of a pull request."""
        git(self.author, "checkout", "-q", f"pull-{number}")
        head = self.commit(files)
        git(self.author, "checkout", "-q", "main")
        pulls = [
            pull | {"head": pull["head"] | {"sha": head}} if pull["number"] == number else pull
            for pull in self.state["pulls"]
        ]
        self.know(pulls=pulls)

    def tick(self) -> str:
        """The time at GitHub, a second later than anything before."""
        clock = self.state["clock"] + 1
        self.know(clock=clock)
        return f"2026-03-01T12:{clock // 60:02}:{clock % 60:02}Z"

    def review(self, number: int, state: str = "APPROVED") -> None:
        """Somebody reviews a pull request as it is now."""
        (head,) = (pull["head"]["sha"] for pull in self.state["pulls"] if pull["number"] == number)
        row = {"pull": number, "state": state, "submitted_at": self.tick(), "commit_id": head}
        self.know(reviews=[*self.state["reviews"], row])

    def revert(self, number: int, merged: str) -> None:
        """A pull request that takes back a merge, as GitHub's button makes it."""
        git(self.author, "fetch", "-q", "origin")
        git(self.author, "checkout", "-q", "-B", f"pull-{number}", "origin/main")
        git(self.author, "revert", "--no-edit", "-m", "1", merged)
        head = git(self.author, "rev-parse", "HEAD")
        pull = {"number": number, "head": {"sha": head, "repo": {"full_name": "acme/desk"}}}
        self.know(
            pulls=[*self.state["pulls"], {**pull, "merged_at": None, "merge_commit_sha": None}]
        )
        git(self.author, "checkout", "-q", "main")

    def merge(self, number: int, how: str = "merge") -> str:
        """Merge a pull request by one of GitHub's three buttons; the commit that `main` is
        at then.
        """
        git(self.author, "pull", "-q", "--ff-only", "origin", "main")
        if how == "merge":
            git(self.author, "merge", "-q", "--no-ff", "-m", f"Merge {number}", f"pull-{number}")
        elif how == "squash":
            git(self.author, "merge", "-q", "--squash", f"pull-{number}")
            git(self.author, "commit", "-q", "-m", f"Change (#{number})")
        else:
            git(self.author, "cherry-pick", f"main..pull-{number}")
        git(self.author, "push", "-q", "origin", "main")
        merged, when = git(self.author, "rev-parse", "HEAD"), self.tick()
        pulls = [
            (
                {**pull, "merged_at": when, "merge_commit_sha": merged}
                if pull["number"] == number
                else pull
            )
            for pull in self.state["pulls"]
        ]
        self.know(pulls=pulls)
        return merged

    def provisioner(self, *words: str) -> None:
        """A command line in the author's clone that must succeed."""
        command = [self.programs / "provisioner", *words]
        environment = {**os.environ, **self.environment, **NAMES}
        subprocess.run(command, cwd=self.author, env=environment, check=True, capture_output=True)

    def plan(self, number: int, **inputs: str) -> Run:
        """The run of `plan` on a pull request."""
        return self.pull("plan", number, **inputs)

    def pull(self, command: str, number: int, **inputs: str) -> Run:
        """A run on a pull request: in the merge of its branch with `main`, as GitHub checks it
        out.
        """
        refs = (
            "+refs/remotes/origin/main:refs/test/main",
            f"+refs/heads/pull-{number}:refs/test/head",
        )
        git(self.runner, "fetch", "-q", str(self.author), *refs)
        self.checkout("refs/test/main")
        git(self.runner, "merge", "-q", "--no-ff", "-m", "test merge", "refs/test/head")
        pull = next(pull for pull in self.state["pulls"] if pull["number"] == number) | {
            "base": {"ref": "main"}
        }
        event = {"pull_request": pull}
        return self.run(command, event, GITHUB_REF_NAME=f"{number}/merge", **inputs)

    def apply(self, sha: str, **inputs: str) -> Run:
        """The run of `apply` on a push to `main`, or by hand."""
        git(self.runner, "fetch", "-q", "origin", "main")
        self.checkout(sha)
        return self.run("apply", {"after": sha}, GITHUB_SHA=sha, **inputs)

    def checkout(self, commit: str) -> None:
        git(self.runner, "checkout", "-q", "--force", "--detach", commit)
        git(self.runner, "clean", "-q", "-f", "-d", "-x")

    def run(self, command: str, event: Mapping[str, Any], only: str = "", **given: str) -> Run:
        """Use the action, or only one step of it. What is given in capitals is for the
        environment.
        """
        scratch = self.folder / "temp"
        scratch.mkdir(exist_ok=True)
        reported = {"repository": {"full_name": "acme/desk"}, **event}
        (scratch / "event").write_text(json.dumps(reported), encoding="utf-8")
        inputs = {name.replace("_", "-"): value for name, value in given.items() if name.islower()}
        others = {name: value for name, value in given.items() if not name.islower()}
        environment = {**self._surroundings(scratch / "event"), **others}
        return act({"command": command, **inputs}, TOKEN, environment, scratch, only)

    def _surroundings(self, event: Path) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "STUB_GITHUB": str(self._state),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_ACTION_PATH": str(self.folder / "release"),
            "GITHUB_WORKSPACE": str(self.runner),
            "GITHUB_REPOSITORY": "acme/desk",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "42",
            "RETRY_SECONDS": "0",
            "GITHUB_ACTOR": "ada",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_REF_NAME": "main",
            "GITHUB_WORKFLOW_REF": "acme/desk/.github/workflows/apply.yml@refs/heads/main",
            "GITHUB_EVENT_PATH": str(event),
            **NAMES,
            **self.environment,
        }


def program(path: Path, text: str) -> None:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
