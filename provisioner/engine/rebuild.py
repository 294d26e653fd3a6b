"""A lost lock made again from the stamps that are at the service, as far as they prove anything."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.engine.context import Context
from provisioner.errors import LockError, RouteMissing
from provisioner.kinds import kind
from provisioner.kinds.assistant import forms
from provisioner.kinds.base import Form, Names
from provisioner.kinds.vector_store.members import list_members
from provisioner.model import Address, Fields, Live, Locked, LockState, Member, Problem, Stamp
from provisioner.remote import Remote, together


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The lock as it can be proved, and what cannot."""

    state: LockState
    unproved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """One stamped object, or one stamped file in a store."""

    address: Address
    live: Live
    stamp: Stamp
    api: str | None


async def rebuild(context: Context, lineage: str | None = None) -> Rebuilt:
    """Read every stamp of this workspace and environment. LockError when there are none, or several lineages of
    which none was named. Nothing is written, neither here nor there."""
    before = context.store.peek().state
    async with context.remote() as remote:
        found = await _stamped(remote, context)
        chosen = _one_lineage(found, lineage)
        mine = [item for item in found if item.stamp.lineage == chosen]
        files = {live.id: live for live in await kind("file").form(None).list(remote, Names())}
        members = await _members(remote, mine)
    entries = _entries(mine, members, files)
    kept = _kept(before, entries, files, chosen)
    serials = [item.stamp.serial for item in mine]
    serials += [member.stamp.serial for held in members.values() for member in held.values() if member.stamp]
    serial = max([*serials, before.serial if before else 0])
    whole = before.lineage if before and before.lineage.startswith(chosen) else chosen + str(uuid.uuid4())[8:]
    fresh = context.fresh()
    state = replace(fresh, lineage=whole, serial=serial, resources={**entries, **kept})
    return Rebuilt(state, tuple(_unproved(context, state)))


async def _stamped(remote: Remote, context: Context) -> list[_Found]:
    ours = (context.workspace.name, context.environment.name)
    wanted: list[tuple[str, str | None, Form]] = [("vector_store", None, kind("vector_store").form(None))]
    wanted += [("assistant", api, form) for api, form in forms().items() if form.remote]
    lists = await together([_listed(remote, form) for _, _, form in wanted])
    return [
        _Found(Address.parse(live.stamp.address), live, live.stamp, api)
        for (_, api, _), objects in zip(wanted, lists, strict=True)
        for live in objects
        if live.stamp and (live.stamp.workspace, live.stamp.environment) == ours
    ]


async def _listed(remote: Remote, form: Form) -> list[Live]:
    try:
        return list(await form.list(remote, Names()))
    except RouteMissing:
        return []


def _one_lineage(found: Iterable[_Found], wanted: str | None) -> str:
    counts = Counter(item.stamp.lineage for item in found)
    if wanted and wanted[:8] in counts:
        return wanted[:8]
    if len(counts) == 1 and not wanted:
        return next(iter(counts))
    if not counts:
        detail = "No object at the service carries a stamp of this workspace and environment."
        hint = "look whether the key and the service are right; otherwise `provisioner plan` shows what an apply makes"
        raise LockError(Problem("Nothing to rebuild", detail, hint))
    told = ", ".join(f"`{lineage}` (on {count})" for lineage, count in sorted(counts.items()))
    summary = "Unknown lineage" if wanted else "Several lineages"
    detail = f"The objects at the service have stamps of the lineages {told}" + (
        f", not of `{wanted}`." if wanted else "."
    )
    raise LockError(Problem(summary, detail, "name the right one with `--lineage`"))


async def _members(remote: Remote, found: Iterable[_Found]) -> dict[str, dict[str, Member]]:
    stores = [item.live.id for item in found if item.address.kind == "vector_store"]
    held = await together([list_members(remote, id) for id in stores])
    return dict(zip(stores, held, strict=True))


def _entries(
    found: Iterable[_Found], members: Mapping[str, Mapping[str, Member]], files: Mapping[str, Live]
) -> dict[Address, Locked]:
    """The newest object of each address, and the files that the stores prove; older ones are deposed."""
    entries: dict[Address, Locked] = {}
    for item in sorted(found, key=lambda item: (item.stamp.serial, item.live.created_at)):
        older = entries.get(item.address)
        held, own = _held(item, members.get(item.live.id, {}), files)
        entries.update(own)
        fields = {"files": held} if held else {}
        entry = Locked(item.address, item.live.id, fields, api=item.api)
        entries[item.address] = entry.inheriting(older).with_deposed(older) if older else entry
    return entries


def _held(
    store: _Found, members: Mapping[str, Member], files: Mapping[str, Live]
) -> tuple[dict[str, Fields], dict[Address, Locked]]:
    held: dict[str, Fields] = {}
    entries: dict[Address, Locked] = {}
    for member in sorted(members.values(), key=lambda member: member.stamp.serial if member.stamp else 0):
        stamp = member.stamp
        if stamp is None or stamp.lineage != store.stamp.lineage or member.sha256 is None:
            continue
        address, file = Address("file", stamp.address), files.get(member.id)
        fields = {"sha256": member.sha256, "bytes": file.fields.get("bytes") if file else None, "purpose": "assistants"}
        entries[address] = Locked(address, member.id, fields)
        attributes = {"attributes": member.attributes} if member.attributes else {}
        chunking = {} if member.chunking == "other" else {"chunking": member.chunking}
        held[stamp.address] = {
            "file": str(address),
            "id": member.id,
            "sha256": member.sha256,
            **attributes,
            **chunking,
        }
    return held, entries


def _kept(
    before: LockState | None, entries: Mapping[Address, Locked], files: Mapping[str, Live], lineage: str
) -> dict[Address, Locked]:
    """What an older lock of the same lineage knows and no stamp can tell: profiles, files in no store, old versions."""
    if before is None or not before.lineage.startswith(lineage):
        return {}
    claimed = {entry.id for entry in entries.values()}
    kept = {}
    for address, entry in before.resources.items():
        loose = address.kind == "file" and entry.id in files and entry.id not in claimed
        if address in entries and loose:  # an older version that was replaced and never deleted
            kept[address] = entries[address].with_deposed(entry)
        elif address not in entries and (entry.profile or loose):
            kept[address] = entry
    return kept


def _unproved(context: Context, state: LockState) -> Iterable[str]:
    for address, want in sorted(context.specs.desired.items()):
        if address in state.resources:
            continue
        if want.api and not kind(address.kind).form(want.api).remote:
            yield f"`{address}`: the versions of a request profile are only in the lock; the next apply starts at 1."
        elif address.kind == "file":
            yield f"`{address}`: a file in no store carries no stamp; the next apply uploads it again."
        else:
            yield f"`{address}`: no object with our stamp was found; the next apply creates it."
