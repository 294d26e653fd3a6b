"""What a vector store holds: which files are attached, re-attached, updated and detached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.diff import Comparison, Sides, compare, join, parts, same
from provisioner.kinds import file_at, is_file
from provisioner.kinds.vector_store.fields import chunks
from provisioner.model import (
    Action,
    Address,
    Block,
    Change,
    FieldChange,
    Fields,
    Locked,
    LockState,
    Stamp,
    StoreFile,
    StoreFileChange,
)
from provisioner.plan.situation import Situation, Taken
from provisioner.records import dataclass
from provisioner.text import listed

_SAME = Comparison()
RUINED = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class ComparedStoreFile:
    """One wanted file of a store, with what we last applied and what is there."""

    path: str
    wanted: Fields
    chunking: Any
    locked: Fields | None
    live: StoreFile | None
    comparison: Comparison
    file: Address | None = None  # where it is managed here
    own: str | None = None  # the id that the file has, or is about to take over
    paired: Taken | None = None  # the file of an imported store that it is
    # What a stopped apply was about to write: no hand has edited it.
    unsure: frozenset[str] = frozenset()

    @property
    def taken(self) -> bool:
        """Whether the store holds a file of its own for the path, with which it was
        taken over.
        """
        if self.live is None or self.own in (None, self.live.id):
            return False
        return bool(self.locked.get("taken")) if self.locked else self.paired is not None

    @property
    def renewal_reason(self) -> str | None:
        """Why this file needs a new version, if it does."""
        if self.live and self.live.status in RUINED:
            return "failed"
        changes = self.comparison.changes
        if changes and any(change.path.endswith(".chunking") for change in changes):
            return "chunking_changed"
        return None


@dataclass(frozen=True)
class StoreFileDecision:
    """What is to be done with the files of one store."""

    store_file_changes: tuple[StoreFileChange, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    blocks: tuple[Block, ...] = ()
    unkept: tuple[str, ...] = ()


def compared_store_files(case: Situation, store: Address) -> list[ComparedStoreFile]:
    """Each file that the specs want in a store."""
    want, entry = case.desired[store], case.locked(store)
    store_files = case.held(store)
    before: Mapping[str, Fields] = entry.files if entry else {}
    unkept = entry.unkept if entry else {}
    unsure = by_store_file(entry.resetting if entry else ())
    usual = chunks(want.fields.get("chunking"))
    usual_before = chunks(entry.fields.get("chunking") if entry else None)
    pairs = case.takings[store].store_files if store in case.takings else {}
    compared = []
    for path, item in want.files.items():
        locked, paired = before.get(path), pairs.get(path)
        file = Address.parse(item["file"]) if "file" in item else None
        own = _own_id(case, file) if file else str(item["id"])
        store_file = store_files.get(own or "")
        if store_file is None:
            ids = ((locked or {}).get("id"), paired.id if paired else None)
            store_file = next((store_files[id] for id in ids if id and id in store_files), None)
        chunk = chunks(item["chunking"]) if "chunking" in item else usual
        base = None
        if locked:
            base = chunks(locked["chunking"]) if "chunking" in locked else usual_before
        open_ones = unsure.get(path, frozenset())
        differences = _differences(
            path,
            item,
            chunk=chunk,
            locked=locked,
            base_chunk=base,
            store_file=store_file,
            unkept=unkept,
            unsure=open_ones,
        )
        compared.append(
            ComparedStoreFile(
                path,
                item,
                chunking=chunk,
                locked=locked,
                live=store_file,
                comparison=differences,
                file=file,
                own=own,
                paired=paired,
                unsure=open_ones,
            )
        )
    return compared


def store_file_of(path: str) -> str | None:
    """`docs/a.md` of `files["docs/a.md"].attributes.team`; None for a field of the store itself."""
    return parts(path)[1] if path.startswith(("files.", "files[")) else None


def attribute_keys(paths: Iterable[str]) -> set[str]:
    """`team` of `files["docs/a.md"].attributes.team`, for each such path of a store file."""
    return {names[3] for names in map(parts, paths) if names[2:3] == ["attributes"]}


def by_store_file(paths: Iterable[str]) -> dict[str, frozenset[str]]:
    """The paths that lie below a file of a store, by that file."""
    paths_of: dict[str, set[str]] = {}
    for path in paths:
        store_file = store_file_of(path)
        if store_file is not None:
            paths_of.setdefault(store_file, set()).add(path)
    return {store_file: frozenset(some) for store_file, some in paths_of.items()}


def begun_ids(lock: LockState, store: Locked) -> list[str]:
    """The ids of files that a stopped apply was about to put into a store, or to write to in it."""
    paths = by_store_file(store.resetting)
    made = [lock.resources.get(file_at(path)) for path in paths]
    unmanaged = [path.removeprefix("id:") for path in paths if path.startswith("id:")]
    return [*(entry.id for entry in made if entry and entry.id), *unmanaged]


def _own_id(case: Situation, address: Address) -> str | None:
    """The id of the file itself; the newest version, where a crash has left two of them in
    a store.
    """
    entry, live = case.locked(address), case.live(address)
    known = entry.id if entry and address not in case.adopted else None
    return known or (live.id if live else None)


def _differences(
    path: str,
    item: Fields,
    *,
    chunk: Any,
    locked: Fields | None,
    base_chunk: Any,
    store_file: StoreFile | None,
    unkept: Mapping[str, Mapping[str, Any]],
    unsure: frozenset[str],
) -> Comparison:
    if store_file is None:
        return _SAME
    if locked is not None and locked.get("id") != store_file.id:
        # a version that a stopped apply has attached: of that one the lock knows nothing yet
        locked = None
    wanted, had = item.get("attributes") or {}, (locked or {}).get("attributes") or {}
    last_chunk = chunk if locked is None else base_chunk
    have_chunk = last_chunk if store_file.chunking == "other" else chunks(store_file.chunking)
    if (
        locked is not None
        and same(wanted, had)
        and same(had, store_file.attributes)
        and chunk == base_chunk == have_chunk
        and not unsure
    ):
        return _SAME
    prefix = join("files", path)
    return compare(
        Sides(
            want={f"{prefix}.chunking": chunk, **_attributes(prefix, wanted)},
            base=(
                {f"{prefix}.chunking": base_chunk, **_attributes(prefix, had)}
                if locked is not None
                else {}
            ),
            have={f"{prefix}.chunking": have_chunk, **_attributes(prefix, store_file.attributes)},
            default={},
            resetting=unsure,
            unkept=unkept,
        )
    )


def _attributes(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {join(f"{prefix}.attributes", key): value for key, value in values.items()}


def files_to_renew(held: Iterable[ComparedStoreFile]) -> Iterator[tuple[Address, str]]:
    """The managed files of a store that need a new version because of how the store holds them."""
    for compared in held:
        if compared.file and compared.renewal_reason and not compared.taken:
            yield compared.file, compared.renewal_reason


def decide_store_files(
    case: Situation, change: Change, held: list[ComparedStoreFile], files: Mapping[Address, Change]
) -> StoreFileDecision:
    """What happens to the files that are wanted in a store, given what happens to the store and to
    each file.
    """
    store = change.address
    if change.action.makes:
        return StoreFileDecision(tuple(_attach(case, store, compared) for compared in held))
    store_file_changes: list[StoreFileChange] = []
    rows: list[FieldChange] = []
    for compared in held:
        if _as_it_was(case, compared, files):
            continue
        store_file_change, row = _one(case, store, compared, files)
        store_file_changes += store_file_change
        rows += row
    gone, lost_rows = _leaving(case, store, held)
    others, other_rows, blocks = _others(case, store, held)
    return StoreFileDecision(
        (*store_file_changes, *gone, *others),
        (*rows, *lost_rows, *other_rows),
        blocks,
        tuple(path for compared in held for path in compared.comparison.unkept),
    )


def _as_it_was(
    case: Situation, compared: ComparedStoreFile, files: Mapping[Address, Change]
) -> bool:
    """Whether a file of ours is plainly in the store as it should be, as by far the most are."""
    live, locked, file = compared.live, compared.locked, compared.file
    if live is None or locked is None or file is None or compared.comparison.changes:
        return False
    change = files.get(file)
    return (
        live.id == compared.own == locked.get("id")
        and live.status == "completed"
        and live.sha256 is not None
        and (live.stamp is None or live.stamp.address == compared.path)
        and file not in case.moves
        and not (change and change.action.makes)
    )


_Row = tuple[list[StoreFileChange], list[FieldChange]]


def _one(
    case: Situation, store: Address, compared: ComparedStoreFile, files: Mapping[Address, Change]
) -> _Row:
    change = files.get(compared.file) if compared.file else None
    action = change.action if change else Action.KEEP
    if compared.live is None:
        return [_attach(case, store, compared)], _missing(compared, action)
    if compared.file is not None and action.makes:
        return [_attach(case, store, compared, "replace")], []
    if compared.file is not None and _outdated(case, compared):
        return [_attach(case, store, compared, "replace")], []
    # An object that is not managed here can only be taken out and put in again.
    if compared.renewal_reason:
        return [_attach(case, store, compared, "replace", gap=True)], list(
            compared.comparison.changes
        )
    moved = compared.file in case.moves or _stamped_elsewhere(case, store, compared)
    if (
        compared.comparison.changes
        or moved
        or (compared.locked is None and compared.live.stamp is None and compared.file)
    ):
        return [_attach(case, store, compared, "update")], list(compared.comparison.changes)
    quiet = _quietly(case, compared)
    rows = _missing(compared, action) if compared.locked is None and compared.file else []
    if quiet is None:
        return [], rows
    store_file_change = _attach(case, store, compared, quiet)
    if quiet == "wait" and compared.file:  # the version before it goes once this one is indexed
        before = _superseded(case, store, {compared.path: compared.live.id})
        store_file_change = replace(
            store_file_change, old_id=next(iter(before), store_file_change.old_id)
        )
    return [store_file_change], rows


def _quietly(case: Situation, compared: ComparedStoreFile) -> str | None:
    """What is left to do about a file that is there as it should be, where the service has nothing
    to learn.
    """
    assert compared.live
    entry = case.locked(compared.file) if compared.file else None
    # An upload that was found again, and an apply was stopped before it was compared.
    doubtful = entry and entry.id == compared.live.id and entry.made and not entry.verified
    if doubtful and compared.live.sha256 is None:
        return "verify"
    if compared.locked is None:
        return "adopt"
    if compared.live.status == "in_progress":
        return "wait"
    return None if compared.locked.get("id") == compared.live.id else "adopt"


def _outdated(case: Situation, compared: ComparedStoreFile) -> bool:
    """Whether the store still holds an older version than the lock knows: an apply was stopped in
    between. A file of its own, taken over with the store, is as good as ours until there is a
    new version.
    """
    assert compared.file and compared.live
    entry = case.locked(compared.file)
    if entry is None or entry.id is None or compared.live.id == compared.own:
        return False
    if not compared.taken or compared.renewal_reason:
        return True
    if compared.locked is None:
        return compared.paired is not None and compared.paired.different
    return compared.locked.get("sha256") != entry.fields.get("sha256")


def _stamped_elsewhere(case: Situation, store: Address, compared: ComparedStoreFile) -> bool:
    """Whether our stamp still says another path: an apply was stopped between the move of the file
    and its store.
    """
    stamp = compared.live.stamp if compared.file and compared.live else None
    if stamp is None or stamp.address == compared.path or stamp.lineage != case.lock.lineage[:8]:
        return False
    entry = case.locked(store)
    mark = join(f"{join('files', compared.path)}.attributes", Stamp.KEY)
    known = entry.unkept.get(mark) if entry else None
    # Else the service does not take the new one.
    return known is None or known["got"] != stamp.address


def _missing(compared: ComparedStoreFile, action: Action) -> list[FieldChange]:
    path, after = join("files", compared.path), declared_settings(compared.wanted)
    if compared.locked is None:
        return [FieldChange(path, None, after)]
    if action is Action.CREATE:  # reported by the file's own row
        return []
    return [
        FieldChange(
            path,
            None,
            after=after,
            locked=declared_settings(compared.locked),
            drift=None if path in compared.unsure else "remote",
        )
    ]


def declared_settings(item: Fields) -> Fields:
    """What the specs say of one file of a store."""
    return {key: value for key, value in item.items() if key in ("attributes", "chunking")}


def _attach(
    case: Situation,
    store: Address,
    compared: ComparedStoreFile,
    action: str = "attach",
    *,
    gap: bool = False,
) -> StoreFileChange:
    old_id = None if compared.file else compared.wanted["id"]
    attributes: dict[str, Any] = {}
    if compared.live and action != "attach":
        old_id = compared.live.id
        before = (compared.locked or {}).get("attributes") or {}
        ours = {*before, *attribute_keys(compared.unsure)}
        theirs = compared.live.attributes.items()
        attributes = {key: value for key, value in theirs if key not in ours}
    for key, value in (compared.wanted.get("attributes") or {}).items():
        if value is not None:
            attributes[key] = value
    return StoreFileChange(
        store,
        action,
        compared.path,
        file=compared.file,
        old_id=old_id,
        attributes=attributes,
        chunking=compared.chunking,
        gap=gap,
        taken=action in ("update", "adopt") and compared.taken,
        verified=action not in ("update", "adopt") or _verified(case, compared),
    )


def _verified(case: Situation, compared: ComparedStoreFile) -> bool:
    """Whether somebody has compared the bytes of what the store holds with ours."""
    entry = case.locked(compared.file) if compared.file else None
    if compared.locked is None and compared.paired:
        return compared.paired.verified
    if entry and compared.live and entry.id == compared.live.id:
        return entry.verified
    return compared.live is None or compared.live.sha256 is not None


def _leaving(case: Situation, store: Address, wanted: list[ComparedStoreFile]) -> _Row:
    """Files that we attached and that the specs no longer name."""
    entry, live, store_files = case.locked(store), case.live(store), case.held(store)
    paths = {compared.path for compared in wanted}
    # A path that moved: only the lock changes.
    staying = {compared.live.id for compared in wanted if compared.live}
    store_file_changes, rows = [], []
    for path, item in (entry.files if entry else {}).items():
        if path in paths:
            continue
        address = Address.parse(item["file"]) if "file" in item else None
        if item.get("id") not in store_files and live is not None and live.store_files is not None:
            store_file_changes.append(StoreFileChange(store, "forget", path, file=address))
            continue
        rows.append(
            FieldChange(join("files", path), declared_settings(item), None, declared_settings(item))
        )
        held = item["id"] if item.get("id") in store_files.keys() - staying else None
        store_file_changes.append(StoreFileChange(store, "detach", path, file=address, old_id=held))
    for id, path in _left_behind(case, store, wanted).items():
        rows.append(FieldChange(join("files", path), {}, None, {}))
        store_file_changes.append(
            StoreFileChange(store, "detach", path, file=file_at(path), old_id=id)
        )
    current = {
        compared.path: compared.live.id
        for compared in wanted
        if compared.live and compared.live.status == "completed"
    }
    store_file_changes += [
        StoreFileChange(store, "detach", f"id:{id}", old_id=id)
        for id in _superseded(case, store, current)
    ]
    return store_file_changes, rows


def _superseded(case: Situation, store: Address, current: Mapping[str, str]) -> list[str]:
    """Old versions that an apply left in a store, beside the new ones (`current`, by path), when it
    was stopped. Deleting them would take them out, but somebody else may use them.
    """
    store_files = case.held(store)
    deposed = {id for entry in case.lock.resources.values() for id in entry.deposed}
    stamps = {id: store_files[id].stamp for id in sorted(store_files.keys() & deposed)}
    lineage = case.lock.lineage[:8]
    return [
        id
        for id, stamp in stamps.items()
        if stamp and stamp.lineage == lineage and current.get(stamp.address, id) != id
    ]


def _left_behind(
    case: Situation, store: Address, wanted: list[ComparedStoreFile]
) -> dict[str, str]:
    """Files of ours, by id with their path, that an apply attached before it was stopped and that
    the specs no longer want here: the lock has the file, but the store's entry does not say so.
    """
    entry, store_files = case.locked(store), case.held(store)
    left = store_files.keys() - {compared.live.id for compared in wanted if compared.live}
    left -= set(entry.file_ids if entry else ())
    if not left:
        return {}
    known, lineage = case.lock.known_ids, case.lock.lineage[:8]
    stamps = {id: store_files[id].stamp for id in sorted(left & known)}
    paths = {compared.path for compared in wanted}
    ours = {id: stamp.address for id, stamp in stamps.items() if stamp and stamp.lineage == lineage}
    return {id: path for id, path in ours.items() if path not in paths}


def _others(
    case: Situation, store: Address, held: list[ComparedStoreFile]
) -> tuple[list[StoreFileChange], list[FieldChange], tuple[Block, ...]]:
    """Files that somebody else put into the store."""
    foreign = sorted(foreign_ids(case, store, held))
    policy = case.desired[store].fields.get("other_files") or "keep"
    if not foreign or policy == "keep":
        return [], [], ()
    if policy == "fail":
        names = listed((f"`{id}`" for id in foreign), 5)
        detail = (
            f"`{store}` holds files that are not declared ({names}) and says `other_files: fail`."
            " Declare them, take them out of it, or say `other_files: keep` or `other_files:"
            " remove`."
        )
        return [], [], (Block("other_files", detail, forced=False),)
    rows = [
        FieldChange(join("files", f"id:{id}"), {"id": id}, after=None, locked=None, drift="remote")
        for id in foreign
    ]
    return [StoreFileChange(store, "detach", f"id:{id}", old_id=id) for id in foreign], rows, ()


def foreign_ids(case: Situation, store: Address, held: list[ComparedStoreFile]) -> set[str]:
    """Ids in a store that neither the specs, nor the lock, nor a stamp of ours accounts for."""
    entry, store_files = case.locked(store), case.held(store)
    left = store_files.keys() - {compared.live.id for compared in held if compared.live}
    left.difference_update(entry.file_ids if entry else ())
    if not left:
        return left
    for locked in case.lock.resources.values():
        if is_file(locked.address):
            left.difference_update(locked.ids)
    lineage = case.lock.lineage[:8]
    marks = {id: store_files[id].stamp for id in left}
    return {id for id, mark in marks.items() if not (mark and mark.lineage == lineage)}


def takeover_notes(
    case: Situation, held: Mapping[Address, list[ComparedStoreFile]]
) -> Iterator[str]:
    """What an imported store holds that nobody could compare, and what no spec names."""
    for store, taking in sorted(case.takings.items()):
        stays = {one.path for one in held.get(store, ()) if not one.renewal_reason}
        unknown = [
            path
            for path, one in taking.store_files.items()
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
