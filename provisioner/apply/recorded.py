"""What a lock entry says after a write: what the service has confirmed, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from typing import Any

from provisioner.apply.run import Run
from provisioner.diff import parts, same, top, units
from provisioner.digests import sha256_of
from provisioner.kinds import holds_files, kind
from provisioner.kinds.base import Form
from provisioner.model import Change, Fields, Live, Locked, Overwritten
from provisioner.plan.decide import undone
from provisioner.plan.store_files import store_file_of
from provisioner.records import dataclass

STORE_FILES = "files"  # of a store: `apply.store_files` records them, store file by store file
_LOCAL = "lifecycle."  # fields that only the lock knows

_MISSING = object()

Units = dict[str, Any]  # path -> value


@dataclass(frozen=True, slots=True)
class _Record:
    """The part of an entry that the service has a say in."""

    fields: Fields = field(default_factory=dict)
    unkept: dict[str, dict[str, Any]] = field(default_factory=dict)
    resetting: tuple[str, ...] = ()


def own_paths(change: Change) -> frozenset[str]:
    """The changed fields that are written to the object itself."""
    apart = {STORE_FILES} if holds_files(change.address) else set()
    return frozenset(
        item.path
        for item in change.fields
        if top(item.path) not in apart and not item.path.startswith(_LOCAL)
    )


def after_write(
    run: Run, change: Change, form: Form, live: Live, unwritten: Collection[str] = ()
) -> Locked:
    """The entry after a write that the service has answered with `live`. `unwritten`: what a new
    object was not made with yet.
    """
    wrote: Collection[str] = own_paths(change)
    before = run.entries.get(change.address)
    if change.action.makes:
        wrote, before = _units(change.after or {}, form).keys() - set(unwritten), None
    record = _confirmed(run, form, change=change, before=before, live=live.fields, wrote=wrote)
    entry = _entry(run, change, live.id, record)
    if kind(change.address.kind).secrets(change.after or {}):
        entry = replace(entry, updated_at=live.updated_at)
    if change.action.makes:
        return entry
    return replace(entry, overwritten=overwriting(run, change, form))


def overwriting(run: Run, change: Change, form: Form) -> Overwritten | None:
    """What an update writes over, by which it can be seen later on that the service did not keep
    the update.
    """
    before, stamp = run.entries.get(change.address), run.stamps.get(change.id or "")
    written = own_paths(change) - set(change.lost)
    paths = sorted(path for path in written if not form.hides(path))
    if not paths:
        return before.overwritten if before else None
    unsure = bool(change.importing)  # whose object it was
    if form.stamped:
        unsure = stamp is None or stamp.lineage != run.state.lineage[:8]
    if unsure:
        return None
    shown = _units(form.normal(change.address, change.before or {}), form)
    serial = stamp.serial if stamp else 0
    return Overwritten(serial, {path: sha256_of(shown.get(path)) for path in paths})


def without_write(run: Run, change: Change, form: Form) -> Locked:
    """The entry where there was nothing to write: what the service was found to have anyway is
    folded in.
    """
    before = run.entries.get(change.address)
    if (
        before
        and not (before.unkept or before.resetting)
        and same(_own(before.fields, form), _own(change.after or {}, form))
    ):
        return _entry(run, change, change.id, _Record(_own(before.fields, form)))
    return _entry(
        run,
        change,
        change.id,
        _confirmed(run, form, change=change, before=before, live=change.before or {}, wrote=()),
    )


def of_profile(run: Run, change: Change) -> Locked:
    """The entry of a request profile, which exists in the lock alone."""
    return _entry(run, change, None, _Record(change.after or {}))


def _confirmed(
    run: Run,
    form: Form,
    *,
    change: Change,
    before: Locked | None,
    live: Fields,
    wrote: Collection[str],
) -> _Record:
    """What is so at the service, unit by unit. A unit that was written, or that is as the specs
    want it, is as they declare it, with what the service made of it instead; any other one stays as
    it was.
    """
    merge = _Merge.of(run, form, change=change, before=before, live=live)
    if before is None and same(merge.wanted, merge.shown):  # most new objects: nothing to weigh
        merge.values = {
            path: value for path, value in merge.declared.items() if path not in form.given
        }
    else:
        _weigh(merge, form, change, wrote)
    empty = {
        name: value
        for name, value in (change.after or {}).items()
        if name in form.keyed and not value
    }
    # Units as the fields that they are part of.
    fields: Fields = {}
    for unit, value in merge.values.items():
        *above, last = (unit,) if form.table.get(unit) else parts(unit)
        holder = fields
        for name in above:
            holder = holder.setdefault(name, {})
        holder[last] = value
    given = {name: live[name] for name in form.given if name in live}
    return _Record({**empty, **fields, **given}, merge.unkept, tuple(merge.resetting))


def _weigh(merge: _Merge, form: Form, change: Change, wrote: Collection[str]) -> None:
    """Decide of each unit whose word counts."""
    secrets = kind(change.address.kind).secrets(change.after or {})
    resetting = merge.before.resetting if merge.before else ()
    own = (path for path in resetting if store_file_of(path) is None)
    for path in dict.fromkeys([*merge.declared, *merge.had, *own, *sorted(wrote)]):
        hidden = form.hides(path) or path in change.lost
        differs = not hidden and not same(merge.wanted.get(path), merge.shown.get(path))
        if path in form.given:
            continue
        # Of a secret the place may be another one, which the service has nothing to do with.
        unknown = hidden and path not in secrets and merge.is_edited(path)
        if path in wrote or not (differs or unknown):
            merge.take(path, differs)
        else:
            merge.leave(path)


@dataclass
class _Merge:
    """An object's units as the specs declare them and as the lock had them, and what is made of
    both.
    """

    before: Locked | None
    declared: Units
    had: Units
    wanted: Units  # declared, in normal form
    shown: Units  # live, in normal form
    dropped: Collection[str]
    values: Units = field(default_factory=dict)
    unkept: dict[str, dict[str, Any]] = field(default_factory=dict)
    resetting: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, run: Run, form: Form, *, change: Change, before: Locked | None, live: Fields
    ) -> _Merge:
        after = change.after or {}
        wanted, shown = (
            _units(form.normal(change.address, fields), form) for fields in (after, live)
        )
        had = _units(before.fields, form) if before else {}
        dropped = undone(before, run.stamps.get(before.id or ""), shown) if before else ()
        declared = _units(after, form)
        return cls(before, declared, had=had, wanted=wanted, shown=shown, dropped=dropped)

    def is_edited(self, path: str) -> bool:
        """Whether the specs want another value than the lock has."""
        return path in self.had and not same(self.had[path], self.declared.get(path, _MISSING))

    def take(self, path: str, differs: bool) -> None:
        """As the specs have it; what `differs` at the service is noted, and what is declared no
        more is reset.
        """
        if path in self.declared:
            self.values[path] = self.declared[path]
        elif differs:
            self.resetting.append(path)
        if differs:
            self.unkept[path] = self._found(path)

    def leave(self, path: str) -> None:
        """As the lock had it; where the service has dropped our last update, that is noted."""
        if path in self.had:
            self.values[path] = self.had[path]
        if self.before and path in self.before.resetting:
            self.resetting.append(path)
        if self.before and path in self.before.unkept:
            self.unkept[path] = self.before.unkept[path]
        elif path in self.dropped:
            self.unkept[path] = self._found(path)

    def _found(self, path: str) -> dict[str, Any]:
        return {"sent": self.wanted.get(path), "got": self.shown.get(path)}


def _entry(run: Run, change: Change, id: str | None, record: _Record) -> Locked:
    """The entry with that record; what a store holds stays as it was."""
    before = run.entries.get(change.address)
    held = _Held.of(run, change, before)
    entry = Locked(
        change.address,
        id,
        {**record.fields, **held.fields},
        fingerprints=_fingerprints(run, change, before),
        depends_on=tuple(sorted(change.depends_on)),
        api=change.api,
        protected=change.protect,
        unkept={**record.unkept, **held.unkept},
        resetting=(*record.resetting, *held.resetting),
        overwritten=before.overwritten if before and not change.action.makes else None,
        made=change.made or id != change.id,
        verified=change.verified or id != change.id,
    )
    if before is None:
        return entry
    former = before.succeeded(run.plan.keep_versions) if id else ()
    return replace(entry.inheriting(before), former=former)


def _fingerprints(run: Run, change: Change, before: Locked | None) -> dict[str, str]:
    """Of every secret the value that was sent last: just now, or by an earlier apply."""
    sent = run.secrets.get(change.address, {})
    known = {} if change.action.makes or before is None else before.fingerprints
    marks = {
        path: sent[path].fingerprint if path in sent else known.get(path)
        for path in kind(change.address.kind).secrets(change.after or {})
    }
    return {path: mark for path, mark in marks.items() if mark}


@dataclass(frozen=True, slots=True)
class _Held:
    """What an entry says of the files in a store while the store itself is written."""

    fields: Fields = field(default_factory=dict)
    unkept: dict[str, dict[str, Any]] = field(default_factory=dict)
    resetting: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run, change: Change, before: Locked | None) -> _Held:
        """A file for which something is planned stays as it was until that is done; any other one
        is as the specs want it, and is recorded in their spelling. A new store is empty.
        """
        wanted: Mapping[str, Fields] = (change.after or {}).get(STORE_FILES) or {}
        if not holds_files(change.address):
            return cls()
        if before is None or before.id is None or change.action.makes:
            return cls({STORE_FILES: {}} if wanted else {})
        planned = run.planned_files(change.address)
        was, now = before.fields.get("chunking"), (change.after or {}).get("chunking")
        pinned = {} if same(was, now) else {"chunking": was or "auto"}
        files: dict[str, Fields] = {}
        for path, item in (before.fields.get(STORE_FILES) or {}).items():
            if path in wanted and path not in planned:
                known = {key: item[key] for key in ("id", "sha256", "taken") if key in item}
                files[path] = {**wanted[path], **known}
            else:
                files[path] = {**pinned, **item}
        unkept = {
            path: record for path, record in before.unkept.items() if store_file_of(path) in files
        }
        open_ones = {
            path for path in before.resetting if store_file_of(path) in planned or path in unkept
        }
        return cls(
            {STORE_FILES: files} if files or wanted else {}, unkept, tuple(sorted(open_ones))
        )


def _own(fields: Fields, form: Form) -> Fields:
    return {name: value for name, value in fields.items() if name not in form.apart}


def _units(fields: Fields, form: Form) -> Units:
    return units(_own(fields, form), form.keyed)
