"""The nouns that everything else speaks in; imports nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

Fields = dict[str, Any]
"""Fields of a resource in their neutral, declared spelling; references are addresses (`vector_store.kb`)
or `{"id": …}` for an object that is not managed here."""


@dataclass(frozen=True, order=True, slots=True)
class Address:
    """What a resource is called: `kind.name`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind.name`; raises ValueError for anything else."""
        kind, dot, name = text.partition(".")
        if not (kind and dot and name):
            raise ValueError(f"`{text}` is not an address like `assistant.support`")
        return cls(kind, name)


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place in a file below the workspace; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was declared, as data: the file and the keys that lead to it. Positions are looked up
    from it only when one is printed."""

    file: str
    path: tuple[str | int, ...] = ()

    def at(self, *more: str | int) -> Source:
        return Source(self.file, self.path + more)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault the user can act on."""

    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        return (self.file or "", self.line or 0, self.column or 0, self.summary, self.detail)


class Action(Enum):
    """What a plan does with a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    KEEP = "keep"


SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.FORGET: ".",
    Action.KEEP: " ",
}

_STAMP = re.compile(
    r"(?P<workspace>[^/]+)/(?P<environment>[^/]+)/(?P<address>.+)#(?P<lineage>[0-9a-f]{8})\.(?P<serial>\d+)"
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Our mark of ownership on an object: `<workspace>/<environment>/<address>#<lineage>.<serial>`."""

    KEY = "provisioner"

    workspace: str
    environment: str
    address: str
    lineage: str  # its first eight characters
    serial: int

    def __str__(self) -> str:
        return f"{self.workspace}/{self.environment}/{self.address}#{self.lineage}.{self.serial}"

    @classmethod
    def parse(cls, text: object) -> Stamp | None:
        """Read a stamp; None for anything that is not one."""
        match = _STAMP.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        return cls(match["workspace"], match["environment"], match["address"], match["lineage"], int(match["serial"]))


@dataclass(frozen=True, slots=True)
class Desired:
    """A resource as the specs want it, for one environment."""

    address: Address
    fields: Fields
    source: Source
    depends_on: tuple[Address, ...] = ()
    api: str | None = None  # assistants only: the API that it is deployed through
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()  # field paths that its API cannot carry and the environment accepts to lose


@dataclass(frozen=True, slots=True)
class Profile:
    """A pinned request profile: the keyword arguments of `responses.create`, with their version."""

    version: int
    digest: str
    request: dict[str, Any]
    older: tuple[dict[str, Any], ...] = ()  # kept earlier versions, newest first: {version, digest, ids}


@dataclass(frozen=True, slots=True)
class Locked:
    """A resource as we last applied it, with the id it has."""

    address: Address
    id: str | None
    fields: Fields
    depends_on: tuple[Address, ...] = ()
    api: str | None = None
    protected: bool = False
    unkept: dict[str, dict[str, Any]] = field(default_factory=dict)  # path -> {"sent": …, "got": …}
    resetting: tuple[str, ...] = ()
    deposed: tuple[str, ...] = ()  # ids of old objects of this address that still exist
    deposed_files: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what a deposed store holds
    profile: Profile | None = None

    @property
    def file_ids(self) -> tuple[str, ...]:
        """Vector stores: the ids of the files that it holds."""
        return tuple(item["id"] for item in (self.fields.get("files") or {}).values() if item.get("id"))

    def undeposed(self, id: str) -> Locked:
        """The same entry without one of its old objects."""
        held = {other: files for other, files in self.deposed_files.items() if other != id}
        return replace(self, deposed=tuple(other for other in self.deposed if other != id), deposed_files=held)

    def with_deposed(self, old: Locked | None) -> Locked:
        """The same entry with everything deposed that `old` was."""
        if old is None or old.id is None:
            return self
        files = {old.id: old.file_ids} if old.file_ids else {}
        return replace(self, deposed=(*self.deposed, old.id), deposed_files={**self.deposed_files, **files})

    @property
    def empty(self) -> bool:
        """Whether nothing is left that the lock has to remember."""
        return not (self.id or self.profile or self.deposed)


@dataclass(frozen=True, slots=True)
class Member:
    """A file as a vector store holds it."""

    id: str
    status: str
    attributes: dict[str, Any]  # without our own two keys
    chunking: Any  # "auto" or {max_chunk_size_tokens, chunk_overlap_tokens} or "other"
    stamp: Stamp | None = None
    sha256: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """An object as the service has it now, in neutral spelling."""

    id: str
    fields: Fields
    stamp: Stamp | None = None
    status: str | None = None
    created_at: int = 0
    members: dict[str, Member] | None = None  # vector stores: by file id


@dataclass(frozen=True, slots=True)
class LockState:
    """Everything a lockfile says."""

    workspace: str
    environment: str
    lineage: str
    serial: int
    origin: dict[str, str | None]
    resources: dict[Address, Locked] = field(default_factory=dict)

    @property
    def known_ids(self) -> set[str]:
        """Every id that the lock names, those of deposed objects included."""
        entries = self.resources.values()
        return {entry.id for entry in entries if entry.id}.union(*(entry.deposed for entry in entries))

    @property
    def ids(self) -> dict[Address, str]:
        return {address: entry.id for address, entry in self.resources.items() if entry.id}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `before` is live, `after` desired; `locked` what we last applied."""

    path: str
    before: Any = None
    after: Any = None
    locked: Any = None
    drift: str | None = None  # None, "remote" or "both"
    unknown: bool = False  # after holds an id that is known only after the apply
    sensitive: bool = False


QUIET = ("adopt", "wait")
"""What is done with a store's files without changing anything at the service."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One planned change to what a vector store holds."""

    store: Address
    action: str  # attach | replace | update | detach; adopt: is there already, and the lock has to learn it;
    # wait: was attached by an earlier apply and is still being indexed
    path: str  # the file's path, or `id:FILE_ID` for one that is not managed here
    file: Address | None = None
    old_id: str | None = None  # what is attached now (replace, update, detach)
    attributes: dict[str, Any] = field(default_factory=dict)
    chunking: Any = "auto"
    gap: bool = False  # a searcher finds neither version for a moment


@dataclass(frozen=True, slots=True)
class Change:
    """One planned thing. Everything an apply needs is in it; nothing is decided later."""

    address: Address
    action: Action
    reason: str
    id: str | None = None
    api: str | None = None
    before: Fields | None = None
    after: Fields | None = None
    fields: tuple[FieldChange, ...] = ()
    depends_on: tuple[Address, ...] = ()
    protect: bool = False
    importing: str | None = None
    previous: Address | None = None
    source: Source | None = None
    position: Position | None = None
    lost: tuple[str, ...] = ()
    previous_api: str | None = None  # the API of the old object, where that changes
    deferred: bool = False  # delete: request profiles still name the id, so it stays alive as deposed
    replace_paths: tuple[str, ...] = ()  # replace: the fixed fields that force it

    @property
    def matters(self) -> bool:
        """Whether anybody has to see it: an import or a move is a change even where nothing is written."""
        return self.action is not Action.KEEP or bool(self.importing) or self.previous is not None


@dataclass(frozen=True, slots=True)
class Drifted:
    """An object that is not as we left it."""

    address: Address
    drift: str  # remote | both | missing
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Remnant:
    """An object beside the plan: an orphan of ours, or a deposed one."""

    address: Address
    id: str
    action: str  # keep | delete
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A rule that stops the plan from being applied."""

    rule: str
    detail: str
    forced: bool = True  # whether --force overrides it


@dataclass(frozen=True, slots=True)
class Service:
    """What is provisioned: where it is and through which API by default."""

    base_url: str
    api: str
    organization: str | None = None
    project: str | None = None

    @property
    def origin(self) -> dict[str, str | None]:
        return {"base_url": self.base_url, "organization": self.organization, "project": self.project}


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole decision. Apply and every view walk this and nothing else."""

    workspace: str
    environment: str
    service: Service
    lineage: str
    serial: int
    changes: tuple[Change, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    drift: tuple[Drifted, ...] = ()
    orphans: tuple[Remnant, ...] = ()
    deposed: tuple[Remnant, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0
    blocked: tuple[Block, ...] = ()
    problems: tuple[Problem, ...] = ()
    basis: Mapping[str, dict[str, str | None]] = field(default_factory=dict)  # address -> {"locked": sha, "live": sha}
    keep_versions: int = 3
    refreshed: bool = True  # False: compared with the lock alone, so it cannot be applied

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do, apart from what the lock alone has to learn."""
        leftovers = (*self.orphans, *self.deposed)
        return not (
            any(change.matters for change in self.changes)
            or any(item.action not in QUIET for item in self.attachments)
            or any(remnant.action == "delete" for remnant in leftovers)
        )

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened during an apply, for progress lines and `--json`."""

    type: str  # started | progress | done | failed | skipped | waiting | summary
    address: Address | None = None
    action: Action | None = None
    id: str | None = None
    detail: str = ""
    done: int = 0  # progress: of files uploaded or indexed
    total: int = 0
    problem: Problem | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did."""

    plan: Plan
    counts: Mapping[str, int]  # imported added changed replaced destroyed forgotten
    failed: tuple[Problem, ...] = ()
    skipped: tuple[Address, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    serial: int = 0
