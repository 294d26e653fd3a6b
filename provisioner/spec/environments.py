"""The environments of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from provisioner.model import Policies

FILE = "provisioner.yaml"
LOCAL_LOCK = ".provisioner/local/lock.json"
PUBLIC = "openai"
SETTLING = 30.0

Variable = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Environment:
    """A named service with its API, variables and lock."""

    name: str
    service: str = "local"  # local, openai or a base URL
    api: str = "assistants"
    api_key_env: str = "OPENAI_API_KEY"
    organization: str | None = None
    project: str | None = None
    lock: str | Mapping[str, Any] = LOCAL_LOCK  # a path from the workspace root, or {"git": {"branch", "path"}}
    variables: Mapping[str, Variable] = field(default_factory=lambda: MappingProxyType({}))
    accept_loss: tuple[str, ...] = ()
    keep_versions: int = 3
    on_drift: str = "overwrite"
    settling: float = 0.0  # seconds in which the service may not show its own writes
    policies: Policies = field(default_factory=Policies)

    def lock_path(self, root: Path) -> Path:
        """Where the lock lies on this machine. A lock on a git branch has no such place: ValueError."""
        if isinstance(self.lock, str):
            return root / self.lock
        raise ValueError(f"the lock of environment `{self.name}` is on a branch")
