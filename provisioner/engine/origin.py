"""Where the keys of an environment go, compared with what another `provisioner.yaml` says of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from provisioner.workspace import Environment, Workspace


def differing(environment: Environment, folder: Path, asked: str | None) -> list[str]:
    """The settings of an environment that decide where a secret goes, and that are not the same in
    the `provisioner.yaml` of a folder; `asked` is the environment that was named, if one was.
    """
    other = Workspace.open(folder)
    name = asked or os.environ.get("PROVISIONER_ENV") or other.default_environment
    if name != environment.name:
        return ["default_environment"]
    if name not in other.environments:
        return ["environment"]
    ours, theirs = _settings(environment), _settings(other.environments[name])
    return [key for key in ours if ours[key] != theirs[key]]


def _settings(environment: Environment) -> dict[str, Any]:
    return {
        "service": environment.service,
        "api_key": environment.api_key_env,
        "organization": environment.organization,
        "openai_project": environment.project,
        "lock": environment.lock,
    }
