"""What forgotten resources use, and nothing declares, is forgotten with them: it stays at the
service. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from provisioner.kinds import kind
from provisioner.kinds.base import ProfileForm
from provisioner.model import Action, Address, Change, Live, Locked, LockState
from provisioner.plan.situation import Situation
from provisioner.plan.users import named_ids

InUse = Mapping[str, Address]
"""Ids that forgotten objects use, each with one of its users."""


def forget_along(case: Situation, changes: dict[Address, Change]) -> InUse:
    """Whatever a forgotten object uses is not deleted: not what goes, not the old version of what
    is replaced, and no deposed object. Returns all of these ids.
    """
    forgotten = [address for address, change in changes.items() if change.releases]
    if not forgotten:
        return {}
    leaving = {id for entry in case.lock.resources.values() for id in entry.deposed}
    for change in changes.values():
        # What somebody has asked to delete in so many words is deleted all the same.
        asked = change.action is Action.DELETE and change.address in case.destroys
        if change.id and change.action.ends and not asked:
            leaving.add(change.id)
    users = in_use(case.lock, case.live, forgotten, leaving)
    for address, change in changes.items():
        user = users.get(change.id or "")
        if user and change.action is Action.DELETE:
            changes[address] = replace(
                change, action=Action.FORGET, reason="used_by_forgotten", stays_with=user
            )
        elif user and change.action is Action.REPLACE:
            changes[address] = replace(change, stays_with=user)
    return users


def with_users_inside(changes: dict[Address, Change], left: InUse) -> InUse:
    """What is not forgotten under `--target` and `--exclude` takes nothing along: neither of the
    changes that are left, which are adapted, nor of the ids that forgotten objects use, which are
    returned.
    """
    while alone := [
        change
        for change in changes.values()
        if change.stays_with and change.stays_with not in changes
    ]:
        for change in alone:
            if change.action is Action.FORGET:
                del changes[change.address]
            else:
                changes[change.address] = replace(change, stays_with=None)
    return {id: user for id, user in left.items() if user in changes}


def in_use(
    lock: LockState,
    live: Callable[[Address], Live | None],
    forgotten: Iterable[Address],
    leaving: Collection[str],
) -> InUse:
    """The ids among `leaving` that forgotten resources use, directly or through each other."""
    ids = lock.ids
    owners = {id: entry for entry in lock.resources.values() for id in entry.ids}
    users: dict[str, Address] = {}
    used = [
        (address, id)
        for address in forgotten
        for id in _uses(lock.resources[address], live(address), ids)
    ]
    while used:
        user, id = used.pop()
        if id in users or id not in leaving:
            continue
        users[id] = user
        owner = owners.get(id)
        if owner is None:  # what is about to be taken over
            continue
        more = (
            _uses(owner, live(owner.address), ids)
            if id == owner.id
            else owner.deposed_files.get(id, ())
        )
        used += [(owner.address, other) for other in more]
    return users


def _uses(entry: Locked, live: Live | None, ids: Mapping[Address, str]) -> list[str]:
    """Every id that an object names, by the lock and by what is there; a store also names what
    somebody put in.
    """
    # What a store holds for a path may be a file of its own, and not the file's own object.
    form = kind(entry.address.kind).form(entry.api)
    fields = {name: value for name, value in entry.fields.items() if name not in form.apart}
    used = {*named_ids(entry.address.kind, fields, ids), *entry.file_ids}
    if live:
        used.update(named_ids(entry.address.kind, live.fields, ids), live.store_files or ())
    if entry.profile and isinstance(form, ProfileForm):
        used.update(form.ids(entry.profile.request))
    if entry.older and (profiles := kind(entry.address.kind).profile_form):
        used.update(id for version in entry.older for id in profiles.kept_ids(version))
    return sorted(used)
