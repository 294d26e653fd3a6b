"""What a vector store holds: which files are attached, re-attached, updated and detached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.diff import Comparison, Sides, compare, join, parts
from provisioner.kinds.vector_store.form import chunks
from provisioner.model import (
    Action,
    Address,
    Attachment,
    Block,
    Change,
    FieldChange,
    Fields,
    Locked,
    LockState,
    Member,
    Stamp,
)
from provisioner.plan.situation import Situation, Taken
from provisioner.text import listed

RUINED = frozenset({"failed", "cancelled"})


@dataclass(frozen=True)
class Holding:
    """One wanted file of a store, with what we last applied and what is there."""

    path: str
    wanted: Fields
    chunking: Any
    locked: Fields | None
    member: Member | None
    found: Comparison
    own: str | None = None  # the id that the file has, or is about to take over
    paired: Taken | None = None  # the document of an imported store that it is
    unsure: frozenset[str] = (
        frozenset()
    )  # what a stopped apply was about to write: no hand has edited it

    @property
    def file(self) -> Address | None:
        reference = self.wanted.get("file")
        return Address.parse(reference) if reference else None

    @property
    def taken(self) -> bool:
        """Whether the store holds a document of its own for the path, with which it was
        taken over.
        """
        if self.member is None or self.own in (None, self.member.id):
            return False
        return bool(self.locked.get("taken")) if self.locked else self.paired is not None

    @property
    def worn(self) -> str | None:
        """Why this file needs a new version, if it does."""
        if self.member and self.member.status in RUINED:
            return "failed"
        if any(change.path.endswith(".chunking") for change in self.found.changes):
            return "chunking_changed"
        return None


@dataclass(frozen=True)
class Membership:
    """What is to be done with the files of one store."""

    attachments: tuple[Attachment, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    blocks: tuple[Block, ...] = ()
    unkept: tuple[str, ...] = ()
    settled: bool = field(default=True)


def holdings(case: Situation, store: Address) -> list[Holding]:
    """Each file that the specs want in a store."""
    want, entry = case.desired[store], case.locked(store)
    live = case.live(store)
    members = live.members or {} if live else {}
    before: Mapping[str, Fields] = (entry.fields.get("files") or {}) if entry else {}
    unkept = entry.unkept if entry else {}
    unsure = by_document(entry.resetting if entry else ())
    old = (entry.fields.get("chunking") if entry else None, want.fields.get("chunking"))
    documents = case.takings[store].documents if store in case.takings else {}
    found = []
    for path, item in (want.fields.get("files") or {}).items():
        locked, paired = before.get(path), documents.get(path)
        own = _own_id(case, item)
        ids = (own, (locked or {}).get("id"), paired.id if paired else None)
        member = next((members[id] for id in ids if id and id in members), None)
        chunk = chunks(item.get("chunking", old[1]))
        base = chunks(locked.get("chunking", old[0])) if locked else None
        open_ones = unsure.get(path, frozenset())
        differences = _differences(path, item, chunk, locked, base, member, unkept, open_ones)
        found.append(
            Holding(path, item, chunk, locked, member, differences, own, paired, open_ones)
        )
    return found


def document_of(path: str) -> str | None:
    """`docs/a.md` of `files["docs/a.md"].attributes.team`; None for a field of the store itself."""
    return parts(path)[1] if path.startswith(("files.", "files[")) else None


def attribute_keys(paths: Iterable[str]) -> set[str]:
    """`team` of `files["docs/a.md"].attributes.team`, for each such path of a document."""
    return {names[3] for names in map(parts, paths) if names[2:3] == ["attributes"]}


def by_document(paths: Iterable[str]) -> dict[str, frozenset[str]]:
    """The paths that lie below a file of a store, by that file."""
    found: dict[str, set[str]] = {}
    for path in paths:
        document = document_of(path)
        if document is not None:
            found.setdefault(document, set()).add(path)
    return {document: frozenset(some) for document, some in found.items()}


def begun_ids(lock: LockState, store: Locked) -> list[str]:
    """The ids of files that a stopped apply was about to put into a store, or to write to in it."""
    paths = by_document(store.resetting)
    made = [lock.resources.get(Address("file", path)) for path in paths]
    unmanaged = [path.removeprefix("id:") for path in paths if path.startswith("id:")]
    return [*(entry.id for entry in made if entry and entry.id), *unmanaged]


def _own_id(case: Situation, item: Fields) -> str | None:
    """The id of the file itself; the newest version, where a crash has left two of them in
    a store.
    """
    if "file" not in item:
        return str(item["id"])
    address = Address.parse(item["file"])
    entry, live = case.locked(address), case.live(address)
    known = entry.id if entry and address not in case.adopted else None
    return known or (live.id if live else None)


def _differences(
    path: str,
    item: Fields,
    chunk: Any,
    locked: Fields | None,
    base_chunk: Any,
    member: Member | None,
    unkept: Mapping[str, Mapping[str, Any]],
    unsure: frozenset[str],
) -> Comparison:
    if member is None:
        return Comparison()
    if locked is not None and locked.get("id") != member.id:
        # a version that a stopped apply has attached: of that one the lock knows nothing yet
        locked = None
    wanted, had = item.get("attributes") or {}, (locked or {}).get("attributes") or {}
    last_chunk = chunk if locked is None else base_chunk
    have_chunk = last_chunk if member.chunking == "other" else chunks(member.chunking)
    if (
        locked is not None
        and wanted == had == member.attributes
        and chunk == base_chunk == have_chunk
        and not unsure
    ):
        return Comparison()
    prefix = join("files", path)
    return compare(
        Sides(
            want={f"{prefix}.chunking": chunk, **_attributes(prefix, wanted)},
            base=(
                {f"{prefix}.chunking": base_chunk, **_attributes(prefix, had)}
                if locked is not None
                else {}
            ),
            have={f"{prefix}.chunking": have_chunk, **_attributes(prefix, member.attributes)},
            default={},
            resetting=unsure,
            unkept=unkept,
        )
    )


def _attributes(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {join(f"{prefix}.attributes", key): value for key, value in values.items()}


def worn_files(held: Iterable[Holding]) -> Iterator[tuple[Address, str]]:
    """The managed files of a store that need a new version because of how the store holds them."""
    for holding in held:
        if holding.file and holding.worn and not holding.taken:
            yield holding.file, holding.worn


def membership(
    case: Situation, change: Change, held: list[Holding], files: Mapping[Address, Change]
) -> Membership:
    """What happens to the files that are wanted in a store, given what happens to the store and to
    each file.
    """
    store = change.address
    if change.action.makes:
        return Membership(tuple(_attach(case, store, holding) for holding in held))
    attachments: list[Attachment] = []
    rows: list[FieldChange] = []
    for holding in held:
        attachment, row = _one(case, store, holding, files)
        attachments += attachment
        rows += row
    gone, lost_rows = _leaving(case, store, held)
    others, other_rows, blocks = _others(case, store, held)
    return Membership(
        (*attachments, *gone, *others),
        (*rows, *lost_rows, *other_rows),
        blocks,
        tuple(path for holding in held for path in holding.found.unkept),
    )


Row = tuple[list[Attachment], list[FieldChange]]


def _one(case: Situation, store: Address, holding: Holding, files: Mapping[Address, Change]) -> Row:
    change = files.get(holding.file) if holding.file else None
    action = change.action if change else Action.KEEP
    if holding.member is None:
        return [_attach(case, store, holding)], _missing(holding, action)
    if holding.file is not None and action.makes:
        return [_attach(case, store, holding, "replace")], []
    if holding.file is not None and _outdated(case, holding):
        return [_attach(case, store, holding, "replace")], []
    if holding.worn:  # an object that is not managed here can only be taken out and put in again
        return [_attach(case, store, holding, "replace", gap=True)], list(holding.found.changes)
    moved = holding.file in case.moves or _stamped_elsewhere(case, store, holding)
    if (
        holding.found.changes
        or moved
        or (holding.locked is None and holding.member.stamp is None and holding.file)
    ):
        return [_attach(case, store, holding, "update")], list(holding.found.changes)
    quiet = _quietly(case, holding)
    rows = _missing(holding, action) if holding.locked is None and holding.file else []
    if quiet is None:
        return [], rows
    attachment = _attach(case, store, holding, quiet)
    if quiet == "wait" and holding.file:  # the version before it goes once this one is indexed
        before = _superseded(case, store, {holding.path: holding.member.id})
        attachment = replace(attachment, old_id=next(iter(before), attachment.old_id))
    return [attachment], rows


def _quietly(case: Situation, holding: Holding) -> str | None:
    """What is left to do about a file that is there as it should be, where the service has nothing
    to learn.
    """
    assert holding.member
    if _unverified(case, holding):
        return "verify"
    if holding.locked is None:
        return "adopt"
    if holding.member.status == "in_progress":
        return "wait"
    return None if holding.locked.get("id") == holding.member.id else "adopt"


def _unverified(case: Situation, holding: Holding) -> bool:
    """Whether the store holds an upload that was found again, and an apply was stopped before it
    was compared.
    """
    entry = case.locked(holding.file) if holding.file else None
    if entry is None or holding.member is None or holding.member.id != entry.id:
        return False
    return entry.made and not entry.verified and holding.member.sha256 is None


def _outdated(case: Situation, holding: Holding) -> bool:
    """Whether the store still holds an older version than the lock knows: an apply was stopped in
    between. A document of its own, taken over with the store, is as good as ours until there is a
    new version.
    """
    assert holding.file and holding.member
    entry = case.locked(holding.file)
    if entry is None or entry.id is None or holding.member.id == holding.own:
        return False
    if not holding.taken or holding.worn:
        return True
    if holding.locked is None:
        return holding.paired is not None and holding.paired.different
    return holding.locked.get("sha256") != entry.fields.get("sha256")


def _stamped_elsewhere(case: Situation, store: Address, holding: Holding) -> bool:
    """Whether our stamp still says another path: an apply was stopped between the move of the file
    and its store.
    """
    stamp, entry = (
        holding.member.stamp if holding.file and holding.member else None,
        case.locked(store),
    )
    if stamp is None or stamp.lineage != case.lock.lineage[:8] or stamp.address == holding.path:
        return False
    mark = join(f"{join('files', holding.path)}.attributes", Stamp.KEY)
    known = entry.unkept.get(mark) if entry else None
    return (
        known is None or known["got"] != stamp.address
    )  # else the service does not take the new one


def _missing(holding: Holding, action: Action) -> list[FieldChange]:
    path, after = join("files", holding.path), shown(holding.wanted)
    if holding.locked is None:
        return [FieldChange(path, None, after)]
    if action is Action.CREATE:  # told by the file's own row
        return []
    return [
        FieldChange(
            path, None, after, shown(holding.locked), None if path in holding.unsure else "remote"
        )
    ]


def shown(item: Fields) -> Fields:
    """What the specs say of one file of a store."""
    return {key: value for key, value in item.items() if key in ("attributes", "chunking")}


def _attach(
    case: Situation, store: Address, holding: Holding, action: str = "attach", *, gap: bool = False
) -> Attachment:
    member = holding.member
    kept = dict(member.attributes) if member and action != "attach" else {}
    for key in {*((holding.locked or {}).get("attributes") or {}), *attribute_keys(holding.unsure)}:
        kept.pop(key, None)
    wanted = {
        key: value
        for key, value in (holding.wanted.get("attributes") or {}).items()
        if value is not None
    }
    return Attachment(
        store,
        action,
        holding.path,
        file=holding.file,
        old_id=(
            member.id
            if member and action != "attach"
            else None
            if holding.file
            else holding.wanted["id"]
        ),
        attributes=kept | wanted,
        chunking=holding.chunking,
        gap=gap,
        taken=action in ("update", "adopt") and holding.taken,
        verified=action not in ("update", "adopt") or _verified(case, holding),
    )


def _verified(case: Situation, holding: Holding) -> bool:
    """Whether somebody has compared the bytes of what the store holds with ours."""
    entry = case.locked(holding.file) if holding.file else None
    if holding.locked is None and holding.paired:
        return holding.paired.verified
    if entry and holding.member and entry.id == holding.member.id:
        return entry.verified
    return holding.member is None or holding.member.sha256 is not None


def _leaving(case: Situation, store: Address, wanted: list[Holding]) -> Row:
    """Files that we attached and that the specs no longer name."""
    entry, live = case.locked(store), case.live(store)
    members = live.members or {} if live else {}
    paths = {holding.path for holding in wanted}
    staying = {
        holding.member.id for holding in wanted if holding.member
    }  # a path that moved: only the lock changes
    attachments, rows = [], []
    for path, item in ((entry.fields.get("files") or {}) if entry else {}).items():
        if path in paths:
            continue
        address = Address.parse(item["file"]) if "file" in item else None
        if item.get("id") not in members and live is not None and live.members is not None:
            attachments.append(Attachment(store, "forget", path, file=address))
            continue
        rows.append(FieldChange(join("files", path), shown(item), None, shown(item)))
        held = item["id"] if item.get("id") in members.keys() - staying else None
        attachments.append(Attachment(store, "detach", path, file=address, old_id=held))
    for id, path in _left_behind(case, store, wanted).items():
        rows.append(FieldChange(join("files", path), {}, None, {}))
        attachments.append(Attachment(store, "detach", path, file=Address("file", path), old_id=id))
    current = {
        holding.path: holding.member.id
        for holding in wanted
        if holding.member and holding.member.status == "completed"
    }
    attachments += [
        Attachment(store, "detach", f"id:{id}", old_id=id)
        for id in _superseded(case, store, current)
    ]
    return attachments, rows


def _superseded(case: Situation, store: Address, current: Mapping[str, str]) -> list[str]:
    """Old versions that an apply left in a store, beside the new ones (`current`, by path), when it
    was stopped. Deleting them would take them out, but somebody else may use them.
    """
    live = case.live(store)
    members = (live.members or {}) if live else {}
    deposed = {id for entry in case.lock.resources.values() for id in entry.deposed}
    stamps = {id: members[id].stamp for id in sorted(members.keys() & deposed)}
    lineage = case.lock.lineage[:8]
    return [
        id
        for id, stamp in stamps.items()
        if stamp and stamp.lineage == lineage and current.get(stamp.address, id) != id
    ]


def _left_behind(case: Situation, store: Address, wanted: list[Holding]) -> dict[str, str]:
    """Files of ours, by id with their path, that an apply attached before it was stopped and that
    the specs no longer want here: the lock has the file, but the store's entry does not say so.
    """
    entry, live = case.locked(store), case.live(store)
    members = (live.members or {}) if live else {}
    left = members.keys() - {holding.member.id for holding in wanted if holding.member}
    left -= set(entry.file_ids if entry else ())
    if not left:
        return {}
    known, lineage = case.lock.known_ids, case.lock.lineage[:8]
    stamps = {id: members[id].stamp for id in sorted(left & known)}
    paths = {holding.path for holding in wanted}
    ours = {id: stamp.address for id, stamp in stamps.items() if stamp and stamp.lineage == lineage}
    return {id: path for id, path in ours.items() if path not in paths}


def _others(
    case: Situation, store: Address, held: list[Holding]
) -> tuple[list[Attachment], list[FieldChange], tuple[Block, ...]]:
    """Files that somebody else put into the store."""
    foreign = sorted(foreign_ids(case, store, held))
    policy = case.desired[store].fields.get("other_files") or "keep"
    if not foreign or policy == "keep":
        return [], [], ()
    if policy == "fail":
        names = ", ".join(f"`{id}`" for id in foreign[:5]) + (
            f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        )
        detail = (
            f"`{store}` holds files that are not declared ({names}) and says `other_files: fail`."
            " Declare them, take them out of it, or say `other_files: keep` or `other_files:"
            " remove`."
        )
        return [], [], (Block("other_files", detail, forced=False),)
    rows = [
        FieldChange(join("files", f"id:{id}"), {"id": id}, None, None, "remote") for id in foreign
    ]
    return [Attachment(store, "detach", f"id:{id}", old_id=id) for id in foreign], rows, ()


def foreign_ids(case: Situation, store: Address, held: list[Holding]) -> set[str]:
    """Ids in a store that neither the specs, nor the lock, nor a stamp of ours accounts for."""
    live, entry = case.live(store), case.locked(store)
    members = (live.members or {}) if live else {}
    ours = {holding.member.id for holding in held if holding.member}
    ours |= {
        item["id"]
        for item in ((entry.fields.get("files") or {}) if entry else {}).values()
        if item.get("id")
    }
    ours |= {
        id
        for locked in case.lock.resources.values()
        if locked.address.kind == "file"
        for id in (locked.id, *locked.deposed)
        if id
    }
    lineage = case.lock.lineage[:8]
    return {
        id
        for id, member in members.items()
        if id not in ours and not (member.stamp and member.stamp.lineage == lineage)
    }


def takeover_notes(case: Situation, held: Mapping[Address, list[Holding]]) -> Iterator[str]:
    """What an imported store holds that nobody could compare, and what no spec names."""
    for store, taking in sorted(case.takings.items()):
        stays = {one.path for one in held.get(store, ()) if not one.worn}
        unknown = [
            path
            for path, one in taking.documents.items()
            if path in stays and not (one.verified or one.different)
        ]
        if unknown:
            names = listed(f"`{path}`" for path in sorted(unknown))
            yield (
                f"`{store}`: the bytes of {names} could not be compared with what the service has;"
                " name and size are the same, and so they are taken over as they are (`verified:"
                " false` in the lock)."
            )
        others = sorted(foreign_ids(case, store, held.get(store, [])))
        if others and (case.desired[store].fields.get("other_files") or "keep") == "keep":
            names = listed(f"`{id}` (`{taking.names.get(id, '?')}`)" for id in others)
            yield (
                f"`{store}` holds what no spec names, and keeps it (`other_files: keep`): {names}."
            )
