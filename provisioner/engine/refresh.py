"""What the service has now: lists read in full, side by side; single reads only for what a list does not show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from provisioner.errors import RouteMissing
from provisioner.kinds import kind
from provisioner.kinds.base import Form, Names
from provisioner.kinds.vector_store.members import read_members
from provisioner.model import Address, Desired, Live, Locked, LockState, Member
from provisioner.plan import Observed, Stray
from provisioner.remote import Remote, together
from provisioner.remote.tasks import both

Key = tuple[str, str | None]  # kind and API
Listed = dict[Key, dict[str, Live] | None]  # by id; None where the API is gone


@dataclass(frozen=True)
class Question:
    """What is to be looked at."""

    remote: Remote
    lock: LockState
    desired: Mapping[Address, Desired]
    imports: Mapping[Address, str]
    ours: tuple[str, str]  # workspace and environment

    def forms(self) -> dict[Key, list[Locked]]:
        """Every form with objects at the service, and the locked entries that exist through it."""
        found: dict[Key, list[Locked]] = {}
        for address, want in self.desired.items():
            found.setdefault((address.kind, want.api), [])
        for entry in self.lock.resources.values():
            if entry.id:
                found.setdefault((entry.address.kind, entry.api), []).append(entry)
        return {key: entries for key, entries in found.items() if kind(key[0]).form(key[1]).remote}


@dataclass(frozen=True)
class Seen:
    """Everything that refreshing learned."""

    observed: Observed
    files: Mapping[str, Live] = field(default_factory=dict)  # every file that is there, by id
    stamped: tuple[Live, ...] = ()  # whatever carries a stamp of this workspace and environment
    listed: Listed = field(default_factory=dict)  # everything that was listed, ours or not


async def refresh(question: Question) -> Seen:
    """Read everything that planning needs."""
    names = Names({**question.lock.ids, **question.imports})
    forms = question.forms()
    listed, held = await both(_lists(question, forms, names), _holdings(question, _stores(question, forms)))
    gone = frozenset(entry.address for key, entries in forms.items() if listed[key] is None for entry in entries)
    live = await _lookup(question, forms, listed, names)
    live = {address: _with_members(found, held.get(address)) for address, found in live.items()}
    return _sorted_out(question, listed, live, gone)


async def _lists(question: Question, forms: Iterable[Key], names: Names) -> Listed:
    keys = list(forms)
    found = await together([_list(question, key, names) for key in keys])
    return dict(zip(keys, found, strict=True))


async def _list(question: Question, key: Key, names: Names) -> dict[str, Live] | None:
    """Every object of a form by id; None where an API that nobody wants any more is gone altogether."""
    try:
        return {live.id: live for live in await kind(key[0]).form(key[1]).list(question.remote, names)}
    except RouteMissing:
        wanted = any((address.kind, want.api) == key for address, want in question.desired.items())
        if wanted:
            raise
        return None


def _stores(question: Question, forms: Mapping[Key, list[Locked]]) -> list[Locked]:
    """The stores whose files are managed: locked ones, and those that are to be imported."""
    locked = [entry for key, entries in forms.items() if key[0] == "vector_store" for entry in entries]
    imported = [Locked(address, id, {}) for address, id in question.imports.items() if address.kind == "vector_store"]
    return [entry for entry in (*locked, *imported) if _has_files(question, entry)]


async def _holdings(question: Question, stores: list[Locked]) -> dict[Address, dict[str, Member] | None]:
    """What each store holds."""
    found = await together([_members(question.remote, entry) for entry in stores])
    return {entry.address: members for entry, members in zip(stores, found, strict=True)}


def _has_files(question: Question, entry: Locked) -> bool:
    """Whether anybody has ever declared files for a store."""
    want = question.desired.get(entry.address)
    return "files" in entry.fields or bool(want and "files" in want.fields)


async def _members(remote: Remote, entry: Locked) -> dict[str, Member] | None:
    try:
        return await read_members(remote, entry.id or "", entry.file_ids)
    except RouteMissing:  # the collection below a store that is gone
        return None


def _with_members(live: Live, members: dict[str, Member] | None) -> Live:
    return live if members is None else replace(live, members=members)


async def _lookup(
    question: Question, forms: Mapping[Key, list[Locked]], listed: Listed, names: Names
) -> dict[Address, Live]:
    """The object of each locked or imported address. Absence from a list is only a reason to ask."""
    wanted: list[tuple[Address, str, Form, dict[str, Live]]] = []
    for key, entries in forms.items():
        objects = listed[key]
        if objects is not None:
            form = kind(key[0]).form(key[1])
            wanted += [(entry.address, entry.id or "", form, objects) for entry in entries]
            wanted += [
                (address, id, form, objects)
                for address, id in question.imports.items()
                if address.kind == key[0] and address in question.desired and question.desired[address].api == key[1]
            ]
    found = {address: objects.get(id) for address, id, _, objects in wanted}
    missing = [(address, id, form) for address, id, form, _ in wanted if found[address] is None]
    answers = await together([form.read(question.remote, id, names) for _, id, form in missing])
    found.update({address: live for (address, _, _), live in zip(missing, answers, strict=True)})
    return {address: live for address, live in found.items() if live is not None}


def _sorted_out(question: Question, listed: Listed, live: dict[Address, Live], gone: frozenset[Address]) -> Seen:
    known = {found.id for found in live.values()} | question.lock.known_ids | _unmanaged(question.lock)
    stamped = [found for objects in listed.values() for found in (objects or {}).values() if _is_ours(question, found)]
    strays = [
        Stray(Address.parse(found.stamp.address), found) for found in stamped if found.stamp and found.id not in known
    ]
    files = {id: found for key, objects in listed.items() if key[0] == "file" for id, found in (objects or {}).items()}
    left: list[Stray] = []
    for stray in _stray_files(question, live, known):
        file = files.get(stray.live.id)
        if file and stray.address in question.desired and stray.address not in question.lock.resources:
            live[stray.address] = replace(file, fields={**file.fields, **stray.live.fields}, stamp=stray.live.stamp)
        else:
            left.append(stray)
    mine = [stray for stray in (*strays, *left) if stray.live.stamp and _is_lineage(question, stray.live)]
    observed = Observed(live, tuple(mine), gone, tuple(sorted(question.remote.oddities)))
    more = (found for found in live.values() if _is_ours(question, found))
    return Seen(observed, files, (*stamped, *more), listed)


def _unmanaged(lock: LockState) -> set[str]:
    """Ids of files that are not managed here and stand in our stores, where they carry our stamp all the same."""
    held = (item for entry in lock.resources.values() for item in (entry.fields.get("files") or {}).values())
    return {item["id"] for item in held if "file" not in item and item.get("id")}


def _is_ours(question: Question, live: Live) -> bool:
    return live.stamp is not None and (live.stamp.workspace, live.stamp.environment) == question.ours


def _is_lineage(question: Question, live: Live) -> bool:
    return live.stamp is not None and live.stamp.lineage == question.lock.lineage[:8]


def _stray_files(question: Question, live: Mapping[Address, Live], known: set[str]) -> list[Stray]:
    """Files in our stores that carry our stamp, but that the lock does not name."""
    found = []
    for store, holder in live.items():
        for member in (holder.members or {}).values():
            stamp = member.stamp
            if stamp and (stamp.workspace, stamp.environment) == question.ours and member.id not in known:
                file = Live(member.id, {"sha256": member.sha256}, stamp, member.status)
                found.append(Stray(Address("file", stamp.address), file, store))
    return found


def from_lock(lock: LockState) -> Observed:
    """The lock taken for the service, for a plan without credentials."""
    live = {}
    for address, entry in lock.resources.items():
        if entry.id:
            files = (entry.fields.get("files") or {}).values()
            members = {item["id"]: _as_member(item, entry) for item in files if item.get("id")}
            live[address] = Live(entry.id, entry.fields, members=members)
    return Observed(live)


def _as_member(item: Mapping[str, object], store: Locked) -> Member:
    attributes = item.get("attributes") or {}
    assert isinstance(attributes, dict)
    chunking = item.get("chunking", store.fields.get("chunking"))
    return Member(str(item["id"]), "completed", attributes, chunking, sha256=str(item.get("sha256")))
