"""What is not as we left it: every locked object against the service, whatever a plan would do
about it. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.diff import Comparison, compare, join, same, top, units
from provisioner.kinds import holds_files, is_file, kind
from provisioner.kinds.base import Form
from provisioner.model import (
    Action,
    Address,
    Change,
    Desired,
    Drifted,
    FieldChange,
    Fields,
    Live,
    Locked,
    Source,
    Stamp,
    Unverifiable,
)
from provisioner.plan.decide import own, protection, rotated_elsewhere, sides, with_secrets
from provisioner.plan.drifting_files import NO_FILES, FileDrift, file_drift, worded
from provisioner.plan.ownership import Foreign, foreign
from provisioner.plan.situation import Situation
from provisioner.records import dataclass

UNSEEN = "the service does not show it"
REWRITTEN = f"{UNSEEN}; somebody has written the object after our last apply"
_WORST = ("local", "remote", "both", "missing")


@dataclass(frozen=True, slots=True)
class Examined:
    """What comparing one resource found; edits of our own are `local`."""

    address: Address
    drifted: Drifted | None
    remote: bool = True  # whether it exists at the service, according to the lock
    unkept: tuple[str, ...] = ()
    unverifiable: tuple[Unverifiable, ...] = ()
    files: FileDrift = NO_FILES


@dataclass(frozen=True, slots=True)
class _Object:
    """One locked object three ways. `declared` is None where the specs no longer have it."""

    entry: Locked
    want: Desired  # where nothing declares it: what was declared last
    declared: Desired | None
    live: Live | None
    form: Form
    lost: bool  # whether it is about to go


def examine(case: Situation) -> list[Examined]:
    """Every locked object compared with the service, and what is declared but was never applied."""
    examined = list(_examine(case, case.lock.resources, ()))
    for address, want in case.desired.items():
        entry = case.locked(address)
        if entry is None or not (entry.id or entry.profile):
            reason = "adopted" if address in case.adopted else "new"
            if address in case.imports:
                reason = "imported"
            drifted = Drifted(address, "local", fields=(), reason=reason, source=want.source)
            examined.append(Examined(address, drifted, remote=False))
    return sorted(examined, key=lambda one: one.address)


def examine_ended(case: Situation, changes: Mapping[Address, Change]) -> dict[Address, Examined]:
    """The same of what a plan ends, where its change does not compare the whole object. What goes
    takes along what `other_files: keep` leaves alone otherwise.
    """
    leaving = (change for change in changes.values() if change.action.goes or change.action.ends)
    ended = [change.address for change in leaving if change.releases or _is_lost(change)]
    lost = {address for address in ended if _is_lost(changes[address])}
    return {one.address: one for one in _examine(case, ended, lost)}


def _is_lost(change: Change) -> bool:
    """Whether an object goes. Of a file that is replaced the change itself says what somebody did
    to it.
    """
    replaced = (
        change.action is Action.REPLACE and not is_file(change.address) and not change.stays_with
    )
    return change.action is Action.DELETE or replaced


def _examine(
    case: Situation, addresses: Iterable[Address], lost: Collection[Address]
) -> Iterator[Examined]:
    locked = [entry for address in addresses if (entry := case.locked(address))]
    entries = [
        entry
        for entry in locked
        if (entry.id or entry.profile) and entry.address not in case.observed.api_gone
    ]
    if not entries:
        return
    whole = replace(case, desired={**case.desired, **dict(_as_locked(case, entries))})
    gone = frozenset(str(address) for address in case.lock.ids if case.gone(address))
    stamped: dict[Address, list[Foreign]] = {}
    for one in foreign(case.lock, case.observed.live, {}):
        stamped.setdefault(one.address, []).append(one)
    for entry in entries:
        form, address = _form(entry), entry.address
        live = case.observed.live.get(address) if form.remote else Live(address.name, entry.fields)
        item = _Object(
            entry,
            whole.desired[address],
            declared=case.desired.get(address),
            live=live,
            form=form,
            lost=entry.address in lost,
        )
        yield _examined(case, whole, item=item, gone=gone, stamped=stamped)


def worst(fields: Iterable[FieldChange]) -> str:
    """The drift of an object whose fields are these."""
    return max((change.drift or "local" for change in fields), key=_WORST.index, default="local")


def _as_locked(case: Situation, entries: Iterable[Locked]) -> Iterator[tuple[Address, Desired]]:
    """What the specs no longer have, as if they still had it: resources, and files of stores."""
    for entry in entries:
        address = entry.address
        want = case.desired.get(address)
        before = entry.fields.get("files") if holds_files(address) else None
        if want is None:
            lost = _losses(entry, entry.fields)
            yield address, Desired(address, entry.fields, Source(""), api=entry.api, lost=lost)
        elif want.api != entry.api:  # the object is one of the old API
            yield address, replace(want, lost=_losses(entry, want.fields))
        elif before:
            chunking = {"chunking": entry.fields.get("chunking") or "auto"}
            files = {path: chunking | item for path, item in before.items()} | (want.files)
            yield address, replace(want, fields={**want.fields, "files": files})


def _form(entry: Locked) -> Form:
    """The form through which an object exists, whatever it is wanted through."""
    return kind(entry.address.kind).form(entry.api)


def _losses(entry: Locked, fields: Fields) -> tuple[str, ...]:
    """What an object cannot carry, so that nothing of it is compared."""
    return tuple(loss.name for loss in _form(entry).losses(entry.address, fields))


def _examined(
    case: Situation,
    whole: Situation,
    *,
    item: _Object,
    gone: frozenset[str],
    stamped: Mapping[Address, list[Foreign]],
) -> Examined:
    address, live = item.entry.address, item.live
    if live is None or live.status == "expired":
        source = item.declared.source if item.declared else None
        reason = "expired" if live else "gone"
        return Examined(
            address, Drifted(address, "missing", fields=(), reason=reason, source=source)
        )
    origin = case.moves.get(address)
    found = compare(sides(item.form, item.want, item.entry, live, origin))
    changes = with_secrets(case, item.want, item.entry, found.changes)
    comparison = replace(found, changes=changes)
    taken = stamped.get(address, ())
    own_fields = (*_fields(case, item, comparison, gone), *(_restamped(case, one) for one in taken))
    files = file_drift(case, whole, address, lost=item.lost) if holds_files(address) else NO_FILES
    hidden = tuple(_hidden(item, live, comparison))
    unkept = tuple(path for path in comparison.unkept if path not in {one.path for one in hidden})
    drifted = _drifted(case, item, own_fields + files.changes)
    return Examined(
        address,
        drifted,
        remote=item.form.remote,
        unkept=unkept + files.unkept,
        unverifiable=hidden + files.unverifiable,
        files=files,
    )


def _fields(
    case: Situation, item: _Object, comparison: Comparison, gone: frozenset[str]
) -> Iterator[FieldChange]:
    declared = item.declared
    for change in (own(case, change) for change in comparison.changes):
        # That an object is gone is reported of the object, not of those that name it.
        left = [_without(value, gone) for value in (change.before, change.locked)]
        explained = replace(change, drift=None) if gone and same(*left) else change
        if not (explained.drift is None and same(change.after, change.locked)):
            yield from worded(explained, declared is not None)
    if declared is not None:
        api = (FieldChange("api", item.entry.api, declared.api, item.entry.api),)
        changed = api if declared.api != item.entry.api else ()
        yield from (
            replace(one, drift="local") for one in (*protection(declared, item.entry), *changed)
        )


def _restamped(case: Situation, one: Foreign) -> FieldChange:
    """That somebody else has made an object of ours his own, as what it is at the service: another
    stamp.
    """
    lock, name = case.lock, one.path or str(one.address)
    ours = f"{lock.workspace}/{lock.environment}/{name}#{lock.lineage[:8]}"
    path = f"{join('files', one.path)}.attributes" if one.path else "metadata"
    return FieldChange(
        f"{path}.{Stamp.KEY}", str(one.stamp), after=ours, locked=ours, drift="remote"
    )


def _without(value: Any, gone: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, gone) for key, item in value.items()}
    if isinstance(value, list):
        return [
            _without(item, gone) for item in value if not (isinstance(item, str) and item in gone)
        ]
    return value


def _drifted(case: Situation, item: _Object, fields: tuple[FieldChange, ...]) -> Drifted | None:
    address, declared = item.entry.address, item.declared
    reason = "moved" if address in case.moves else ""
    if declared is None:
        reason = "not_in_specs"
    if not (fields or reason):
        return None
    return Drifted(
        address,
        worst(fields),
        fields=fields,
        reason=reason,
        source=declared.source if declared else None,
    )


def _hidden(item: _Object, live: Live, comparison: Comparison) -> Iterator[Unverifiable]:
    """What was declared and is never shown: nobody can say whether somebody changed it."""
    address, form = item.entry.address, item.form
    declared = units(item.want.fields, form.keyed)
    paths = [path for path in declared if form.hides(path) and top(path) not in form.certain]
    paths += [path for path in comparison.unkept if top(path) not in live.fields]
    why = REWRITTEN if rotated_elsewhere(item.entry, live) else UNSEEN
    yield from (Unverifiable(address, path, why) for path in paths)
