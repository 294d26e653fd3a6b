"""Files that look like an upload of ours whose reply was lost: who uses them, and who else could have sent them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.errors import RouteMissing, ServiceError
from provisioner.kinds.wire import route, stamp
from provisioner.model import Live
from provisioner.remote import Remote, together


@dataclass(frozen=True, slots=True)
class Survey:
    """What the service says about suspects. `loose` are those that are attached to nothing. `alone`: nobody else who
    works like us keeps anything here. A file has no stamp, but the store that it is meant for does, and is there
    before it: where all stamps are ours, so is the upload. Files that no store holds leave no such sign, so the other
    environments of the workspace are known from its configuration."""

    loose: tuple[Live, ...]
    alone: bool

    def only(self) -> Live | None:
        """The one that can only be ours."""
        return self.loose[0] if self.alone and len(self.loose) == 1 else None

    def notes(self) -> list[str]:
        """What to say of suspects that are left alone."""
        why = "" if self.alone else ", and others upload here as well"
        return [
            f"The file `{live.id}` (`{live.fields.get('filename')}`) may be an upload of ours whose reply was lost"
            f"{why}; it was left alone."
            for live in self.loose
        ]


def look(live: Live) -> tuple[object, ...]:
    """All that tells one upload from another at the service."""
    return tuple(live.fields.get(key) for key in ("filename", "bytes", "purpose"))


async def survey(remote: Remote, suspects: Sequence[Live], lineage: str, *, shared: bool) -> Survey:
    """Look at everything that a file can be attached to. `shared`: another environment of ours uses this service."""
    stores, assistants = await together([_listed(remote, "/vector_stores"), _listed(remote, "/assistants")])
    marks = [stamp(raw.get("metadata")) for raw in (*stores, *assistants)]
    used = {id for raw in assistants for id in _files(raw)}
    held = await together(_held(remote, [raw["id"] for raw in stores], live.id) for live in suspects)
    loose = [live for live, taken in zip(suspects, held, strict=True) if not taken and live.id not in used]
    ours = all(mark is None or mark.lineage == lineage[:8] for mark in marks)
    return Survey(tuple(loose), ours and not shared)


async def _listed(remote: Remote, path: str) -> Iterable[Any]:
    try:
        return await remote.list(path)
    except RouteMissing:  # a service without this API
        return ()


def _files(assistant: Any) -> Iterable[str]:
    resources = assistant.get("tool_resources") or {}
    return (resources.get("code_interpreter") or {}).get("file_ids") or ()


async def _held(remote: Remote, stores: Iterable[str], file: str) -> bool:
    return any(await together(_holds(remote, store, file) for store in stores))


async def _holds(remote: Remote, store: str, file: str) -> bool:
    try:
        return await remote.find(route("/vector_stores", store, "files", file)) is not None
    except ServiceError as error:  # the store has gone meanwhile, or is listed before it can be found
        if error.status not in (400, 404):
            raise
        return False
