"""A repository with a workspace for every test; one process that answers all calls of the real
command line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import provisioner.local
from tests.action.forked import FORKED, command
from tests.action.site import Site
from tests.e2e.serving import served
from tests.lock.repositories import git, remote

SPECS: dict[str, Any] = {
    "assistants": {"support": {"model": "gpt-4o", "instructions": {"file": "prompts/role.md"}}}
}


def need(*programs: str) -> None:
    """Skip where a program is missing, except where `.ci/run` has promised that it is there."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing and os.environ.get("PROVISIONER_ACTION") == "required":
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"the action is a shell script that needs {', '.join(missing)}")


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    need("bash", "git", "jq")
    if FORKED in os.environ:
        yield Path(os.environ[FORKED])
        return
    with command(tmp_path_factory.mktemp("bin")) as folder:
        yield folder


@pytest.fixture
def calls() -> list[tuple[str, str]]:
    """Method and path of every request that reached the service."""
    return []


@pytest.fixture
def faults() -> str:
    """What the service does wrong."""
    return "rules: []\n"


@pytest.fixture
def service(tmp_path: Path, calls: list[tuple[str, str]], faults: str) -> Iterator[str]:
    (tmp_path / "faults.yaml").write_text(faults, encoding="utf-8")
    app = provisioner.local.create_app(
        tmp_path / "service", indexing_seconds=0, faults=tmp_path / "faults.yaml"
    )

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            calls.append((scope["method"], scope["path"].removeprefix("/v1")))
        await app(scope, receive, send)

    with served(recorded) as url:
        yield url
    assert all(rule.struck for rule in app.state.service.indexing_faults.requests), (
        "a fault never struck"
    )


@pytest.fixture
def site(tmp_path: Path, programs: Path, service: str) -> Site:
    """A repository with two environments; the lock of `prod` is on a branch of it."""
    found = Site(tmp_path, remote(tmp_path), programs, {"OPENAI_API_KEY": "key"})
    lock = {"git": {"branch": "provisioner-locks", "path": "prod.lock.json"}}
    found.push(
        {
            "provisioner.yaml": config(service, {"lock": lock}),
            "specs/support.yaml": SPECS,
            "prompts/role.md": "You help.\n",
            ".gitignore": ".provisioner/\n*.journal\n",
        }
    )
    return found


@pytest.fixture
def committed(site: Site, service: str) -> Site:
    """The same repository with the lock as a committed file."""
    site.push({"provisioner.yaml": config(service, {"settling": 0})})
    git(site.runner, "fetch", "-q")
    return site


def config(service: str, prod: dict[str, Any]) -> dict[str, Any]:
    environments = {"prod": {"service": service, **prod}, "staging": {"service": service}}
    return {"workspace": "desk", "variables": {"tone": "brief"}, "environments": environments}
