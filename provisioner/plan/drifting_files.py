"""What somebody else changed in what a vector store holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioner.diff import join, same
from provisioner.model import Address, FieldChange, Fields, Unverifiable
from provisioner.plan.situation import Situation
from provisioner.plan.store_files import (
    RUINED,
    ComparedStoreFile,
    compared_store_files,
    declared_settings,
    foreign_ids,
)
from provisioner.records import dataclass

UNSAID = "the service does not say how it was cut"


@dataclass(frozen=True, slots=True)
class FileDrift:
    """What is found in one store."""

    changes: tuple[FieldChange, ...] = ()
    unkept: tuple[str, ...] = ()
    unverifiable: tuple[Unverifiable, ...] = ()
    foreign: tuple[str, ...] = ()  # ids of files that others put there
    kept: bool = True  # whether `other_files` leaves those alone
    indexing: tuple[str, ...] = ()  # paths


NO_FILES = FileDrift()


def file_drift(case: Situation, whole: Situation, store: Address, *, lost: bool) -> FileDrift:
    """Compare the files of a store that is there. `whole` wants what was applied as well, `case`
    what is declared. `lost`: the store goes, and what others put there with it.
    """
    want, fields = case.desired.get(store), case.fields(store)
    declared: Mapping[str, Fields] = want.files if want else {}
    held = compared_store_files(whole, store)
    taken = {one.live.id for one in held if one.live and one.path in declared}
    applied = [
        one for one in held if one.path in declared or not (one.live and one.live.id in taken)
    ]
    foreign = tuple(sorted(foreign_ids(whole, store, held)))
    kept = (fields.get("other_files") or "keep") == "keep"
    rows = [
        row for one in applied for row in _rows(case, one, one.path in declared, want is not None)
    ]
    rows += [
        FieldChange(join("files", f"id:{id}"), {"id": id}, drift="remote")
        for id in foreign
        if lost or not kept
    ]
    return FileDrift(
        tuple(rows),
        tuple(path for one in applied for path in one.comparison.unkept),
        unverifiable=tuple(_unverifiable(store, fields, applied)),
        foreign=foreign,
        kept=kept,
        indexing=tuple(
            one.path
            for one in applied
            if one.locked and one.live and one.live.status == "in_progress"
        ),
    )


def worded(change: FieldChange, declared: bool) -> Iterator[FieldChange]:
    """A difference in the words of a drift report. What the specs no longer declare, they want to
    be nothing.
    """
    if declared:
        yield replace(change, drift=change.drift or "local")
    elif change.drift:
        yield replace(change, after=None, drift="both")


def _rows(
    case: Situation, one: ComparedStoreFile, declared: bool, pending: bool
) -> Iterator[FieldChange]:
    """`declared`: the specs want the file. `pending`: if not, they still want its store."""
    path = join("files", one.path)
    if one.locked is None:
        yield FieldChange(
            path,
            {"id": one.live.id} if one.live else None,
            after=declared_settings(one.wanted),
            locked=None,
            drift="local",
        )
        return
    if one.live is None:
        # A file that is gone altogether is reported by its own row.
        gone = one.file is not None and case.gone(one.file)
        if (declared or not pending) and not gone:
            yield _removed(path, one, declared)
        return
    if one.live.status in RUINED:
        change = FieldChange(
            join(path, "status"),
            one.live.status,
            after="completed",
            locked="completed",
            drift="remote",
        )
        yield from worded(change, declared)
    for change in one.comparison.changes:
        yield from worded(change, declared)
    if pending and not declared:
        yield FieldChange(
            path,
            declared_settings(one.locked),
            after=None,
            locked=declared_settings(one.locked),
            drift="local",
        )


def _removed(path: str, one: ComparedStoreFile, declared: bool) -> FieldChange:
    assert one.locked is not None
    before, after = (
        declared_settings(one.locked),
        declared_settings(one.wanted) if declared else None,
    )
    if path in one.unsure:  # taken out by ourselves, to be put in again
        return FieldChange(path, None, after=after, locked=before, drift="local")
    return FieldChange(
        path,
        None,
        after=after,
        locked=before,
        drift="both" if declared and not same(before, after) else "remote",
    )


def _unverifiable(
    store: Address, fields: Fields, held: list[ComparedStoreFile]
) -> Iterator[Unverifiable]:
    """How files are cut, where that was declared and is not shown."""
    unsaid = [one for one in held if one.locked and one.live and one.live.chunking == "other"]
    if unsaid and fields.get("chunking") is not None:
        yield Unverifiable(store, "chunking", UNSAID)
    for one in unsaid:
        if one.locked and one.locked.get("chunking") is not None:
            yield Unverifiable(store, join(join("files", one.path), "chunking"), UNSAID)
