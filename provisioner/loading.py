"""What an application ships: the objects and request profiles of a lockfile, with the standard
library alone.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.errors import LockError
from provisioner.lock import lockfile
from provisioner.model import Address, Locked, LockState, Problem, Profile

_DECLARES_A_LOCK = re.compile(r"^[^#\n]*\block[\"']?\s*:", re.M)


class LoadError(LockError):
    """The lock of an environment cannot be loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        """It gets from one process of an application to another whole."""
        return type(self), (self.problems,)

    def __str__(self) -> str:
        return "\n".join(
            problem.detail + (f" Hint: {problem.hint}." if problem.hint else "")
            for problem in self.problems
        )


class Deployed:
    """One resource as it was last applied."""

    __slots__ = ("_entry", "_ids")

    def __init__(self, entry: Locked, ids: Mapping[Address, str]) -> None:
        self._entry = entry
        self._ids = ids  # of all that was applied beside it

    @property
    def address(self) -> str:
        return str(self._entry.address)

    @property
    def name(self) -> str:
        """What it is called at the service."""
        return str(self._entry.fields.get("name") or self._entry.address.name)

    @property
    def id(self) -> str | None:
        """Its id at the service; None for a request profile, which has no object there."""
        return self._entry.id

    @property
    def api(self) -> str | None:
        """`assistants`, `responses` or `agents` for an assistant, None for anything else."""
        return self._entry.api

    @property
    def version(self) -> int | None:
        """The version of the request profile; None where there is none."""
        return self._entry.profile.version if self._entry.profile else None

    @property
    def digest(self) -> str | None:
        """The digest of the request profile; None where there is none."""
        return self._entry.profile.digest if self._entry.profile else None

    @property
    def request(self) -> dict[str, Any]:
        """The keyword arguments of `client.responses.create`; a copy that may be changed."""
        if self._entry.profile is None:
            raise AttributeError(
                f"`{self.address}` has no request: it is not deployed through the Responses API."
                f" Use its `.{'session' if self.api == 'agents' else 'id'}`."
            )
        return copy.deepcopy(self._entry.profile.request)

    @property
    def session(self) -> dict[str, Any]:
        """The keyword arguments of `client.beta.agents.sessions.create`, to which the application
        adds its `input`: the agent, and the environment and vaults that its `session` declares.
        """
        if self.api != "agents":
            raise AttributeError(
                f"`{self.address}` has no session: it is not deployed through the Agents API."
            )
        # Most applications have no agents.
        from provisioner.kinds import kind
        from provisioner.kinds.base import Names

        form = kind(self._entry.address.kind).form(self.api)
        return {"agent_id": self.id, **form.opening(self._entry.fields, Names(self._ids))}

    @property
    def versions(self) -> list[int]:
        """The versions of the request profile that `at` gives, the newest first; also where the
        assistant has gone to another API since.
        """
        newest = [] if self.version is None else [self.version]
        return [*newest, *(one["version"] for one in self._entry.older if "request" in one)]

    def at(self, version: int) -> Deployed:
        """The same with the request of an older version, as the lock has kept it. KeyError where
        that is not kept.
        """
        if not self.versions:
            raise AttributeError(
                f"`{self.address}` has no versions: it is not deployed through the Responses API."
            )
        if version == self.version:
            return self
        if version not in self.versions:
            kept = ", ".join(map(str, self.versions))
            raise KeyError(f"version {version} of `{self.address}` is not kept; kept: {kept}")
        one = self._entry.older_version(version)
        older = Profile(version, one["digest"], one["request"])
        fields = one.get("fields", self._entry.fields)
        profile = replace(self._entry, id=None, api="responses", fields=fields, profile=older)
        return Deployed(profile, self._ids)

    def __repr__(self) -> str:
        what = f"id={self.id!r}" if self._entry.profile is None else f"version={self.version}"
        return f"<Deployed {self.address} {what}>"


class Loaded(Mapping[str, Deployed]):
    """What an environment has: assistants by name, everything by address. Iterating gives the
    addresses.
    """

    def __init__(self, state: LockState, path: Path) -> None:
        self.path = path
        self.workspace = state.workspace
        self.environment = state.environment
        self.serial = state.serial
        self._ids = state.ids
        self._entries = {str(address): entry for address, entry in sorted(state.resources.items())}

    def __getitem__(self, key: str) -> Deployed:
        entry = self._entries.get(f"assistant.{key}") or self._entries.get(key)
        if entry is None:
            raise KeyError(self._missing(key))
        return Deployed(entry, self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return (
            f"<Loaded {self.workspace}/{self.environment} serial={self.serial}, {len(self)}"
            " resources>"
        )

    def _missing(self, key: str) -> str:
        known = {name: name for name in self._entries}
        for name in self._entries:  # a bare name may be meant for any kind
            address = Address.parse(name)
            known[address.name] = address.name if address.kind == "assistant" else name
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
        text = f"`{key}` is not in `{self.path}`"
        return (
            f"{text}; did you mean `{known[near[0]]}`?"
            if near
            else f"{text}; it has {self._listed()}"
        )

    def _listed(self) -> str:
        names = [f"`{name}`" for name in self._entries][:10]
        return ", ".join(names) + (" …" if len(self) > 10 else "") if names else "no resources"


def load(
    environment: str,
    root: str | os.PathLike[str] | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
) -> Loaded:
    """Load the lock of an environment.

    `root` is the workspace's folder; without it, the nearest one from here upwards that has the
    lock. `path` names the lockfile itself. Raises LoadError when there is no lock or it cannot be
    read.
    """
    found = (
        Path(path)
        if path is not None
        else _find(environment, Path(root) if root is not None else None)
    )
    try:
        state = lockfile.parse(disk.read(found, disk.LARGEST).decode(), str(found))
    except FileNotFoundError:
        raise _no_lock(found, environment) from None
    except (OSError, UnicodeDecodeError) as error:
        detail = f"`{found}` cannot be read: {error}."
        raise LoadError(Problem("Lock not accessible", detail, file=str(found))) from error
    except LockError as error:
        raise LoadError(error.problems) from None
    if state.environment != environment:
        detail = (
            f"`{found}` is the lock of the environment `{state.environment}`, not of"
            f" `{environment}`."
        )
        raise LoadError(
            Problem(
                "Foreign lock", detail, "name the environment that it belongs to", file=str(found)
            )
        )
    return Loaded(state, found)


def _find(environment: str, root: Path | None) -> Path:
    here = Path.cwd()
    folders = [root] if root is not None else [here, *here.parents]
    paths = [_lock_of(folder, environment) for folder in folders]
    return next((path for path in paths if path.exists()), paths[0])


def _lock_of(root: Path, environment: str) -> Path:
    declared = _declared(root / "provisioner.yaml", environment)
    lock = declared.get("lock")
    if isinstance(lock, Mapping):
        raise _in_git(root, environment)
    if isinstance(lock, str):
        return root / lock
    if declared.get("service", environment) == "local":
        return root / ".provisioner" / "local" / "lock.json"
    return root / "locks" / f"{environment}.lock.json"


def _declared(config: Path, environment: str) -> Mapping[str, Any]:
    """What `provisioner.yaml` says of an environment, where somebody can read it: a YAML library
    need not be there, and is not even looked for while the file says nothing that matters here.
    """
    try:
        text = disk.read(config, disk.LARGEST_TEXT).decode()
    except (OSError, UnicodeDecodeError):
        return {}
    if not _DECLARES_A_LOCK.search(text) and "service: local" not in text:
        return {}
    with contextlib.suppress(ImportError):
        import yaml

        with contextlib.suppress(yaml.YAMLError, RecursionError):
            found: Any = yaml.safe_load(text)
            for key in ("environments", environment):
                found = found.get(key) if isinstance(found, Mapping) else None
            return found if isinstance(found, Mapping) else {}
    return {}


def _no_lock(path: Path, environment: str) -> LoadError:
    return LoadError(
        Problem(
            "No lock",
            f"There is no lock of `{environment}` at `{path}`.",
            f"apply it with `provisioner apply -e {environment}`, ship the lockfile with the"
            " application, or say where "
            f'it is: `provisioner.load("{environment}", path=…)`',
            file=str(path),
        )
    )


def _in_git(root: Path, environment: str) -> LoadError:
    return LoadError(
        Problem(
            "No lock",
            f"The lock of `{environment}` is kept in a branch, not in a file below `{root}`.",
            "ship a copy of it with the application and name it:"
            f' `provisioner.load("{environment}", path=…)`',
        )
    )
