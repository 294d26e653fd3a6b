"""What a decision about one resource means for those that refer to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from provisioner.diff import same, top
from provisioner.kinds import holds_files, kind
from provisioner.kinds.base import Names, ProfileForm
from provisioner.model import Action, Address, Change, FieldChange, Remnant
from provisioner.plan.situation import Situation
from provisioner.plan.users import Users
from provisioner.text import listed

Changes = dict[Address, Change]


def repoint(changes: Changes) -> None:
    """Whoever refers to an id that changes is written again, or replaced where it cannot refer to
    another one; vector stores are repointed by their attachments.
    """
    made = 0  # where nothing is made, no id changes
    while made != (made := sum(change.action.makes for change in changes.values())):
        _repoint(changes)


def _repoint(changes: Changes) -> None:
    renewed = {address for address, change in changes.items() if change.action.makes}
    for address, change in list(changes.items()):
        if holds_files(address) or not change.action.stays or change.after is None:
            continue
        references, form = kind(address.kind).references, kind(address.kind).form(change.api)
        if renewed.isdisjoint(references(change.after)):
            continue
        before, after = (form.normal(address, side or {}) for side in (change.before, change.after))
        fields = tuple(
            FieldChange(name, before.get(name), after.get(name), before.get(name), unknown=True)
            for name in change.after
            # What its API does not carry refers to nothing, and neither does what is never sent.
            if name not in form.unread and renewed.intersection(references({name: after.get(name)}))
        )
        if fields:
            known = tuple(
                old for old in change.fields if old.path not in {new.path for new in fields}
            )
            reason = "reference_replaced" if change.action is Action.KEEP else change.reason
            fixed = tuple(field.path for field in fields if field.path in form.fixed)
            changes[address] = replace(
                change,
                action=Action.REPLACE if fixed else Action.UPDATE,
                reason=reason,
                fields=known + fields,
                replace_paths=fixed,
            )


def rerender(case: Situation, changes: Changes) -> None:
    """A profile whose request would come out differently although no field differs is a new
    version, too.
    """
    profiled = [address for address in changes if kind(address.kind).profile_form is not None]
    names = Names(case.lock.ids if profiled else {})
    for address in profiled:
        change = changes[address]
        if change.action is not Action.KEEP:
            continue
        entry, form = case.locked(address), case.form(address)
        if not isinstance(form, ProfileForm) or change.after is None:
            continue
        if entry is None or entry.profile is None:
            continue
        request = form.render(address, change.after, names, change.lost)
        kept = entry.profile.request
        if form.digest(request) == entry.profile.digest:
            continue
        if same(form.units(kept), form.units(request)):  # it is spelt otherwise: 1 is 1.0
            continue
        before = {key: value for key, value in kept.items() if key != "metadata"}
        after = {key: value for key, value in request.items() if key != "metadata"}
        fields = (*change.fields, FieldChange("request", before, after, before))
        changes[address] = replace(
            change, action=Action.UPDATE, reason="request_changed", fields=fields
        )


def rolled_back(case: Situation, changes: Changes) -> list[str]:
    """A note for each profile that a rollback has taken elsewhere than the specs say: it is a
    change of our own, and whoever reviews it has to know that it undoes something.
    """
    notes = []
    profiled = [address for address, entry in case.lock.resources.items() if entry.profile]
    for address in sorted(profiled):
        profile, change = case.lock.resources[address].profile, changes.get(address)
        if profile is None or change is None:
            continue
        edited = change.reason in ("spec_changed", "request_changed")
        written = any(top(field.path) != "lifecycle" for field in change.fields)
        if profile.restores and edited and written:
            notes.append(
                f"`{address}` was rolled back to version {profile.restores}. This plan makes it"
                " what the specs say; if it is to stay as it is, take the change back there"
                " (`git revert`)."
            )
    return notes


def defer(case: Situation, changes: Changes, users: Users) -> None:
    """An old object that somebody uses stays alive as deposed, and so do the files of such a store.
    `users` learns of those files.
    """
    ending = [address for address, change in changes.items() if change.action.ends]
    ended = frozenset(ending)
    for address, entry in case.lock.resources.items():
        ends = address in ended
        if ends or entry.deposed_files:
            now = {entry.id: entry.file_ids} if ends and entry.id else {}
            _hold({**entry.deposed_files, **now}, users)
    for address in ending:
        change = changes[address]
        if change.stays_with:
            continue
        whos = users.get(change.id or "")
        if whos:
            changes[address] = replace(change, kept_for=tuple(dict.fromkeys(whos)))


def _hold(stores: Mapping[str, Iterable[str]], users: Users) -> None:
    for id, files in stores.items():
        for file in files:
            users.setdefault(file, []).extend(users.get(id, ()))


def deposed(case: Situation, users: Users, left: Mapping[str, Address]) -> tuple[Remnant, ...]:
    """Old objects that still exist: deleted as soon as nobody uses them any more. `left` are those
    that something forgotten uses.
    """
    remnants = []
    deposing = [address for address, entry in case.lock.resources.items() if entry.deposed]
    for address in sorted(deposing):
        for id in case.lock.resources[address].deposed:
            if id in left:
                remnants.append(
                    Remnant(address, id, "forget", f"stays with `{left[id]}`", stays_with=left[id])
                )
            else:
                remnants.append(
                    left_where_used(
                        Remnant(address, id, "delete", "no longer used by anything"), users
                    )
                )
    return tuple(remnants)


def left_where_used(remnant: Remnant, users: Users) -> Remnant:
    """The same remnant, left alone where somebody uses it."""
    whos = dict.fromkeys(users.get(remnant.id, ()))
    if not whos or remnant.action != "delete":
        return remnant
    return replace(remnant, action="keep", detail=f"still used by {listed(whos)}")
