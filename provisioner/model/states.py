"""A resource three ways: as the specs want it, as we last applied it, as the service has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from provisioner.model.names import Address, Fields, Problem, Source, Stamp
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.model.checks import Check


def _by_path(fields: Fields) -> dict[str, Fields]:
    """What a store holds; other kinds have lists under that name."""
    found = fields.get("files")
    return found if isinstance(found, dict) else {}


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
    # Field paths that its API cannot carry and the environment accepts to lose.
    lost: tuple[str, ...] = ()
    # What its secrets are worth today, by unit, where value and key can be had.
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    # Conversations with it that must hold; of no concern to plan and lock.
    checks: tuple[Check, ...] = field(default=(), compare=False)

    @property
    def files(self) -> dict[str, Fields]:
        """Vector stores: the files that it is to hold, by path."""
        return _by_path(self.fields)


@dataclass(frozen=True, slots=True)
class Profile:
    """A pinned request profile: the keyword arguments of `responses.create`, with their version."""

    version: int
    digest: str
    request: dict[str, Any]
    # Kept earlier versions, newest first: {version, digest, request, fields} and what is known of
    # `written`, `commit` and `restores`; those of release 0.1.0 have `ids` instead of a request.
    older: tuple[dict[str, Any], ...] = ()
    # When, ISO 8601 in UTC, and of which commit; None where nobody has said so.
    written: str | None = field(default=None, compare=False)
    commit: str | None = field(default=None, compare=False)
    restores: int | None = None  # the older version whose request it is once more, by a rollback

    @property
    def origin(self) -> dict[str, Any]:
        """What is known of where it comes from."""
        known = {"written": self.written, "commit": self.commit, "restores": self.restores}
        return {key: value for key, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What the last update of an object wrote over. Where that is there again, the service did not
    keep the update.
    """

    serial: int  # in our stamp before it
    values: dict[str, str]  # path -> sha256 of the value in normal form


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
    overwritten: Overwritten | None = None
    deposed: tuple[str, ...] = ()  # ids of old objects of this address that still exist
    # What a deposed store holds.
    deposed_files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Of old objects that came through another API.
    deposed_apis: dict[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    # Versions of its request profile from before it went to another API, newest first, as in
    # `Profile.older`: what they name stays alive, because deployed applications still send them.
    former: tuple[dict[str, Any], ...] = ()
    made: bool = True  # False: taken over from somebody else, not made by us
    # False, for files: nobody has compared the bytes at the service with ours.
    verified: bool = True
    # For files: sent again after a lost reply, so that a second one may turn up at the service
    resent: bool = False
    # Of the secrets that were sent, by unit: `auth.token` -> `hmac-sha256:KEY:DIGEST`.
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    # Of what has secrets: when the service says that our last write was. A later time there shows
    # that somebody else has written it, and nothing else does.
    updated_at: int = 0
    unknown: dict[str, Any] = field(default_factory=dict)  # keys that a later release has added

    @property
    def files(self) -> dict[str, Fields]:
        """Vector stores: the files that it holds, by path."""
        return _by_path(self.fields)

    @property
    def file_ids(self) -> tuple[str, ...]:
        """Vector stores: the ids of the files that it holds."""
        return tuple(item["id"] for item in self.files.values() if item.get("id"))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all its objects, those of deposed ones included."""
        return (self.id, *self.deposed) if self.id else self.deposed

    @property
    def older(self) -> tuple[dict[str, Any], ...]:
        """The request profiles that it had and that are kept, newest first."""
        return self.profile.older if self.profile else self.former

    def succeeded(self, keep: int) -> tuple[dict[str, Any], ...]:
        """The same once there is something newer: of `keep` versions that is one."""
        newest = (self.kept_version,) if self.profile else ()
        return (*newest, *self.older)[: max(keep - 1, 0)]

    def older_version(self, version: int) -> dict[str, Any]:
        """A kept earlier version of its profile; KeyError where it is not kept whole."""
        for one in self.older:
            if one["version"] == version and "request" in one:
                return one
        raise KeyError(version)

    @property
    def kept_version(self) -> dict[str, Any]:
        """What is left of its profile among the older versions once there is a newer one: enough to
        put it back.
        """
        profile = self.profile
        assert profile is not None
        return {
            "version": profile.version,
            "digest": profile.digest,
            "request": profile.request,
            "fields": self.fields,
            **profile.origin,
        }

    def undeposed(self, id: str) -> Locked:
        """The same entry without one of its old objects."""
        held = {other: files for other, files in self.deposed_files.items() if other != id}
        apis = {other: api for other, api in self.deposed_apis.items() if other != id}
        left = tuple(other for other in self.deposed if other != id)
        return replace(self, deposed=left, deposed_files=held, deposed_apis=apis)

    def with_deposed(self, old: Locked | None) -> Locked:
        """The same entry with the object deposed that `old` was."""
        if old is None or old.id is None:
            return self
        files = {old.id: old.file_ids} if old.file_ids else {}
        apis = {old.id: old.api} if old.api and old.api != self.api else {}
        return replace(
            self,
            deposed=(*self.deposed, old.id),
            deposed_files={**self.deposed_files, **files},
            deposed_apis={**self.deposed_apis, **apis},
        )

    def inheriting(self, before: Locked) -> Locked:
        """The same entry with what outlives a write in the entry that it follows: what was deposed,
        what a later release has added, and, of the same object, where it came from.
        """
        known = {id: before.deposed_api(id) for id in before.deposed}
        apis = {id: api for id, api in known.items() if api and api != self.api}
        found = replace(
            self,
            deposed=before.deposed,
            deposed_files=before.deposed_files,
            deposed_apis=apis,
            unknown=before.unknown,
        )
        same_object = self.id is not None and self.id == before.id
        if not same_object:
            return found
        return replace(
            found,
            made=before.made,
            verified=before.verified,
            resent=before.resent,
            updated_at=before.updated_at,
        )

    def deposed_api(self, id: str) -> str | None:
        """The API through which an old object exists."""
        return self.deposed_apis.get(id, self.api)

    @property
    def empty(self) -> bool:
        """Whether nothing is left that the lock has to remember."""
        return not (self.id or self.profile or self.deposed)


@dataclass(frozen=True, slots=True)
class StoreFile:
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
    updated_at: int = 0
    store_files: dict[str, StoreFile] | None = None  # vector stores: by file id
    file_count: int = 0  # vector stores: how many files the service says are in it
    # Why nothing of it but the id is known: somebody else's, of another shape than OpenAI's has.
    unfit: Problem | None = None
    # The whole reply where nobody has stamped it, for whoever has to say what of it no field has.
    reply: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Approved:
    """Which approval was used last, so that it is not used again: `applied` in the lock."""

    commit: str
    checksum: str  # of the plan that was applied
    left: tuple[str, ...] = ()  # digests of the rows that are still to do after a partial failure


@dataclass(frozen=True, slots=True)
class LockState:
    """Everything a lockfile says."""

    workspace: str
    environment: str
    lineage: str
    serial: int
    origin: dict[str, str | None]
    resources: dict[Address, Locked] = field(default_factory=dict)
    # When, ISO 8601 in UTC; None: by release 0.1.0, or never.
    written: str | None = field(default=None, compare=False)
    approved: Approved | None = None  # `applied`: None where no apply was given a commit
    # Ids that `imports` may still name although an apply has deleted what it had taken over there.
    deleted: tuple[str, ...] = ()
    unknown: dict[str, Any] = field(default_factory=dict)  # keys that a later release has added

    def owns(self, stamp: Stamp) -> bool:
        """Whether a stamp is one of this lock: only our own lineage is ours, and it moves nowhere
        else.
        """
        return (
            stamp.lineage == self.lineage[:8]
            and stamp.workspace == self.workspace
            and stamp.environment == self.environment
        )

    @property
    def known_ids(self) -> set[str]:
        """Every id that the lock names, those of deposed objects included."""
        return {id for entry in self.resources.values() for id in entry.ids}

    @property
    def ids(self) -> dict[Address, str]:
        return {address: entry.id for address, entry in self.resources.items() if entry.id}
