"""What a decision about one resource means for those that refer to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.kinds import kind
from provisioner.kinds.base import Names, ProfileForm
from provisioner.model import Action, Address, Change, FieldChange, Locked, Profile, Remnant
from provisioner.plan.situation import Situation

Changes = dict[Address, Change]
RENEWED = (Action.CREATE, Action.REPLACE)


def repoint(changes: Changes) -> None:
    """Whoever refers to an id that changes is written again; vector stores are repointed by their attachments."""
    renewed = {address for address, change in changes.items() if change.action in RENEWED}
    for address, change in list(changes.items()):
        if address.kind == "vector_store" or change.action not in (Action.KEEP, Action.UPDATE) or change.after is None:
            continue
        fields = tuple(_unknown(change, renewed))
        if fields:
            known = tuple(old for old in change.fields if old.path not in {new.path for new in fields})
            reason = "reference_replaced" if change.action is Action.KEEP else change.reason
            changes[address] = replace(change, action=Action.UPDATE, reason=reason, fields=known + fields)


def _unknown(change: Change, renewed: set[Address]) -> Iterator[FieldChange]:
    assert change.after is not None
    form = kind(change.address.kind).form(change.api)
    before, after = (form.normal(change.address, fields or {}) for fields in (change.before, change.after))
    for name, value in change.after.items():
        if renewed.intersection(kind(change.address.kind).references({name: value})):
            yield FieldChange(name, before.get(name), after.get(name), before.get(name), unknown=True)


def rerender(case: Situation, changes: Changes) -> None:
    """A profile whose request would come out differently although no field differs is a new version, too."""
    names = Names(case.lock.ids)
    for address, change in list(changes.items()):
        entry, form = case.locked(address), case.form(address)
        if not isinstance(form, ProfileForm) or change.action is not Action.KEEP or change.after is None:
            continue
        if entry is None or entry.profile is None:
            continue
        request = form.render(address, change.after, names, change.lost)
        if form.digest(request) != entry.profile.digest:
            before = {key: value for key, value in entry.profile.request.items() if key != "metadata"}
            after = {key: value for key, value in request.items() if key != "metadata"}
            fields = (*change.fields, FieldChange("request", before, after, before))
            changes[address] = replace(change, action=Action.UPDATE, reason="request_changed", fields=fields)


def kept_profiles(case: Situation, changes: Mapping[Address, Change]) -> dict[str, list[str]]:
    """Every id that a request profile will name after this plan, apart from the newest: id → `ADDR@version`."""
    named: dict[str, list[str]] = {}
    for address, entry in case.lock.resources.items():
        change = changes.get(address)
        if entry.profile is None or (
            change and (change.action in (Action.DELETE, Action.FORGET) or change.previous_api)
        ):
            continue
        form = kind(address.kind).form(entry.api)
        assert isinstance(form, ProfileForm)
        renewed = change is not None and change.action in (Action.UPDATE, Action.REPLACE)
        for version in _versions(case, entry.profile, renewed):
            for id in form.kept_ids(version):
                named.setdefault(id, []).append(f"{address}@{version['version']}")
    return named


def _versions(case: Situation, profile: Profile, renewed: bool) -> list[dict[str, Any]]:
    older = list(profile.older)
    if renewed:
        older.insert(0, {"version": profile.version, "digest": profile.digest, "request": profile.request})
    return older[: max(case.keep_versions - 1, 0)]


def defer(case: Situation, changes: Changes, named: dict[str, list[str]]) -> None:
    """An old object that a kept profile names stays alive as deposed, and so do the files of such a store. `named`
    learns of those files."""
    for entry in case.lock.resources.values():
        for id, files in _old_stores(entry, changes.get(entry.address)).items():
            for file in files:
                named.setdefault(file, []).extend(named.get(id, ()))
    for address, change in list(changes.items()):
        if change.action in (Action.DELETE, Action.REPLACE) and named.get(change.id or ""):
            changes[address] = replace(change, deferred=True)


def _old_stores(entry: Locked, change: Change | None) -> dict[str, tuple[str, ...]]:
    """What the deposed stores of an entry hold, and the one that this plan deposes."""
    found = dict(entry.deposed_files)
    if change and change.action in (Action.DELETE, Action.REPLACE) and entry.id:
        found[entry.id] = entry.file_ids
    return found


def deposed(case: Situation, named: Mapping[str, list[str]]) -> tuple[Remnant, ...]:
    """Old objects that still exist: deleted as soon as neither a profile nor a live user names them."""
    found = []
    for address, entry in sorted(case.lock.resources.items()):
        for id in entry.deposed:
            versions = list(dict.fromkeys(named.get(id, ())))
            if versions:
                told = f"named by {', '.join(f'`{version}`' for version in versions)}"
                found.append(Remnant(address, id, "keep", told))
            else:
                found.append(Remnant(address, id, "delete", "no longer named by anything"))
    return tuple(found)
