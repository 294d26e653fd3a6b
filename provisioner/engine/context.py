"""Where a command works: one workspace, one environment, its lock and its service."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner import disk
from provisioner.engine.shutdowns import utc_today
from provisioner.errors import LockError, SpecError, UsageError
from provisioner.kinds import kind, kinds
from provisioner.lock.file_store import FileStore
from provisioner.lock.lockfile import check_origin
from provisioner.lock.store import LockStore
from provisioner.model import Address, LockState, Problem, Service
from provisioner.records import dataclass
from provisioner.text import did_you_mean, spelt
from provisioner.workspace import Environment, Specs, Workspace
from provisioner.workspace.sections import NO_SPECS
from provisioner.workspace.setting import LOCAL, PUBLIC, PUBLIC_URL

if TYPE_CHECKING:
    from provisioner.remote import Remote

ANY = "*"  # an API that nobody has to know


@dataclass(frozen=True)
class Context:
    """A workspace in one environment."""

    workspace: Workspace
    environment: Environment
    variables: Mapping[str, str] = field(default_factory=dict)
    today: date = field(default_factory=utc_today)  # what policies go by
    bare: bool = False  # whether a folder without specs is a workspace all the same

    @property
    def doubtful(self) -> bool:
        """Whether nobody knows if the service keeps what it says it has written."""
        return self.service.base_url not in (LOCAL, PUBLIC_URL)

    @property
    def root(self) -> Path:
        return self.workspace.root

    @cached_property
    def specs(self) -> Specs:
        """What the specs want; SpecError, with every problem, when they are faulty."""
        specs = self.workspace.compile(self.environment.name, dict(self.variables))
        nothing = self.bare and all(one.summary == NO_SPECS for one in specs.problems)
        if specs.failed and not nothing:
            raise SpecError(specs.problems)
        return specs

    @cached_property
    def service(self) -> Service:
        named = self.environment
        where = PUBLIC_URL if named.service == PUBLIC else named.service
        return Service(where, named.api, named.organization, named.project)

    @property
    def several(self) -> bool:
        """Whether an import has to say which environment it is for."""
        return len(self.workspace.environments) > 1

    @property
    def shared(self) -> bool:
        """Whether another environment of this workspace may use the same service, as the same user
        of it.
        """
        ours = self.environment
        return any(
            other.name != ours.name
            and other.service == ours.service
            and not (other.project and ours.project and other.project != ours.project)
            for other in self.workspace.environments.values()
        )

    @cached_property
    def store(self) -> LockStore:
        """The lock's store."""
        lock = self.environment.lock
        if isinstance(lock, str):
            return FileStore(self.environment.lock_path(self.root), lock)
        # Only such a lock needs to start processes.
        from provisioner.lock.git_store import (
            BRANCH,
            REMOTE,
            GitStore,
        )

        said = lock["git"]
        return GitStore(
            self.root, said["path"], said.get("branch") or BRANCH, said.get("remote") or REMOTE
        )

    @cached_property
    def named_elsewhere(self) -> set[str]:
        """The ids in the locks of the other environments here, as far as these are files that can
        be read: what is theirs is nothing that was left over.
        """
        found: set[str] = set()
        for other in self.workspace.environments.values():
            if other.name == self.environment.name or not isinstance(other.lock, str):
                continue
            with suppress(LockError):
                state = FileStore(other.lock_path(self.root), other.lock).peek().state
                found |= state.known_ids if state else set()
        return found

    def checked(self, state: LockState | None) -> LockState | None:
        """The same state, if it is the lock of this workspace, environment and service."""
        if state is not None:
            check_origin(
                state,
                self.workspace.name,
                environment=self.environment.name,
                origin=self.service.origin,
            )
            self.check_known((address, entry.api) for address, entry in state.resources.items())
        return state

    def check_known(self, named: Iterable[tuple[Address, str | None]]) -> None:
        """LockError for each address, in a lock, a journal or a plan, whose kind there is not here,
        or not through its API, where that is known (`ANY` elsewhere).
        """
        carried = cache(_carries)
        unknown = [(address, api) for address, api in named if not carried(address.kind, api)]
        through = {
            api: f" through the API {spelt(api)}" if api not in (None, ANY) else ""
            for _, api in unknown
        }
        problems = [
            Problem(
                "Unknown resource",
                f"`{address}` is nothing that this release knows{through[api]}.",
                "check whether another release wrote it, or restore it from version control",
                address=str(address),
            )
            for address, api in unknown
        ]
        if problems:
            raise LockError(problems)

    def fresh(self) -> LockState:
        """A lock before the first apply."""
        return LockState(
            self.workspace.name,
            self.environment.name,
            lineage=str(uuid.uuid4()),
            serial=0,
            origin=self.service.origin,
        )

    def remote(self, parallelism: int = 10, *, read_only: bool = False) -> Remote:
        """The service, not connected yet; `read_only`: it refuses to write."""
        from provisioner.remote import Remote  # `output` and `show` ask nobody

        service = self.service
        if service.base_url != LOCAL:
            key = os.environ.get(self.environment.api_key_env)
            return Remote.open(
                service.base_url,
                key,
                service.organization,
                service.project,
                parallelism=parallelism,
                api_key_env=self.environment.api_key_env,
                hints=self.root / disk.CACHE,
                read_only=read_only,
                settling=self.environment.settling,
            )
        # Costs a tenth of a second, and only `service: local` needs it.
        from provisioner.local import create_app

        data = self.root / disk.LOCAL_DATA
        disk.make_folder(data)
        app = create_app(data)
        return Remote.open(
            "http://local/v1",
            "local",
            app=app,
            parallelism=parallelism,
            hints=self.root / disk.CACHE,
            read_only=read_only,
            settling=self.environment.settling,
        )


def _carries(name: str, api: str | None) -> bool:
    """Whether there is this kind, and, where one is named, this API of it."""
    try:
        if api == ANY:
            return name in kinds()
        kind(name).form(api)
    except KeyError:
        return False
    return True


def open_context(
    root: Path, environment: str | None = None, variables: Mapping[str, str] | None = None
) -> Context:
    """Open a workspace. UsageError for an environment that it does not have, SpecError for a bad
    provisioner.yaml.
    """
    workspace = Workspace.open(root)
    name = environment or os.environ.get("PROVISIONER_ENV") or workspace.default_environment
    chosen = workspace.environments.get(name or "")
    if chosen is None:
        known = ", ".join(f"`{known}`" for known in workspace.environments)
        detail = (
            f"There is no environment `{name}`; {workspace.name} has {known}."
            if name
            else f"Environments: {known}."
        )
        near = did_you_mean(name, workspace.environments) if name else None
        raise UsageError(Problem("Unknown environment", detail, near or "name one with `--env`"))
    return Context(workspace, chosen, dict(variables or {}))
