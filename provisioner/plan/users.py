"""Who still uses an object once a plan is carried out: request profiles, objects of ours, and
everybody else. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from provisioner.diff import top
from provisioner.kinds import holds_files, kind, kinds
from provisioner.kinds.base import ProfileForm
from provisioner.model import Action, Address, Change, Live, Locked, Plan, StoreFileChange
from provisioner.plan.situation import Situation

STAYING = ("update", "adopt", "wait", "verify")
"""What is done with a file that a store holds already, and goes on holding."""

Users = dict[str, list[str]]
"""Ids with those who name them, in words."""


def _staying(item: StoreFileChange, managed: Mapping[Address, str]) -> str | None:
    """The id that a store goes on holding at a path, of those that it holds now."""
    if item.action == "wait" and item.file:  # `old_id` may be the version before it, which goes
        return managed.get(item.file)
    return item.old_id if item.action in STAYING else None


def users_after(
    case: Situation,
    changes: Mapping[Address, Change],
    store_file_changes: Iterable[StoreFileChange],
) -> Users:
    """Who names which id after the plan; nobody asks where nothing goes."""
    going = any(change.action.ends for change in changes.values())
    deposed = any(entry.deposed for entry in case.lock.resources.values())
    if not (going or deposed or case.observed.strays):
        return {}
    managed = case.lock.ids
    ends = {(item.store, item.path): _staying(item, managed) for item in store_file_changes}
    users: Users = {}
    for address, entry in case.lock.resources.items():
        change = changes.get(address)
        named = list(_kept_versions(case, entry, change))
        if not (change and change.action.ends):
            named.append(
                (f"`{address}`", list(_named(case, entry, change=change, ends=ends, ids=managed)))
            )
        for who, ids in named:
            for id in ids:
                users.setdefault(id, []).append(who)
    for id, whos in case.others.items():
        users.setdefault(id, []).extend(whos)
    return users


def _kept_versions(
    case: Situation, entry: Locked, change: Change | None
) -> Iterator[tuple[str, list[str]]]:
    """The request profiles of one assistant whose ids stay alive, apart from the newest, also where
    it has gone to another API.
    """
    form = kind(entry.address.kind).profile_form
    if form is None or (change and change.action.goes):
        return
    written = change and change.action.alters
    older = entry.succeeded(case.keep_versions) if written else entry.older
    for version in older[: max(case.keep_versions - 1, 0)]:
        yield f"`{entry.address}@{version['version']}`", form.kept_ids(version)


def _named(
    case: Situation,
    entry: Locked,
    *,
    change: Change | None,
    ends: Mapping[tuple[Address, str], str | None],
    ids: Mapping[Address, str],
) -> Iterable[str]:
    """The ids that an object of ours, or its newest profile, goes on naming."""
    form, address = kind(entry.address.kind).form(entry.api), entry.address
    written = {top(field.path) for field in change.fields} if change else set()
    if isinstance(form, ProfileForm):
        renewed = change is not None and change.action is not Action.KEEP
        return () if renewed or entry.profile is None else form.ids(entry.profile.request)
    live = case.observed.live.get(address)
    # What is gone holds none.
    files = entry.files if live and holds_files(address) else {}
    held = filter(None, [ends.get((address, path), item.get("id")) for path, item in files.items()])
    fields = (
        {name: value for name, value in live.fields.items() if name not in written} if live else {}
    )
    return chain(held, named_ids(address.kind, fields, ids))


def named_ids(name: str, fields: Mapping[str, Any], ids: Mapping[Address, str]) -> Iterator[str]:
    """Every id that the neutral fields of an object of this kind refer to. `ids`: those of managed
    resources.
    """
    for address in kind(name).references(dict(fields)):
        if address in ids:
            yield ids[address]
    yield from unmanaged(fields)


def unmanaged(value: Any) -> Iterator[str]:
    """The ids in neutral fields: `{id: …}`, wherever it stands."""
    if isinstance(value, Mapping):
        if isinstance(value.get("id"), str):
            yield value["id"]
        for item in value.values():
            yield from unmanaged(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from unmanaged(item)


def ending(plan: Plan) -> set[tuple[str, str]]:
    """Kind and id of everything that a plan deletes and that somebody else may use."""
    objects = [
        (change.address.kind, change.previous_api or change.api, change.id)
        for change in plan.changes
        if change.action.ends
        and change.id
        and not (change.deferred or change.stays_with)
        and change.reason != "api_gone"
    ]
    remnants = [
        (remnant.address.kind, remnant.api, remnant.id)
        for remnant in (*plan.deposed, *plan.orphans)
        if remnant.action == "delete"
    ]
    return {(name, id) for name, api, id in (*objects, *remnants) if _shareable(name, api)}


def _shareable(name: str, api: str | None) -> bool:
    """Whether anything can name an object of a kind that is there through an API."""
    for one in kinds().values():
        if name in one.fields.refers_to:
            through = one.through.get(name)
            if through is None or through[0] == api:
                return True
    return False


def sentence(live: Live, name: str) -> str:
    """How a user that is not managed here is called: its kind, id and name, or whose stamp it
    carries.
    """
    if live.stamp:
        owner = f"{live.stamp.workspace}/{live.stamp.environment}"
        return f"`{live.stamp.address}` of `{owner}` (`{live.id}`)"
    title = live.fields.get("name")
    words = f"{name.replace('_', ' ')} `{live.id}`"
    return f"the {words} (`{title}`)" if title else f"the {words}"
