"""Renames: resources that keep their object under a new address. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from provisioner.diff import join
from provisioner.kinds import is_file, kind
from provisioner.model import Action, Address, Change, Desired, Fields, Locked, LockState
from provisioner.plan.store_files import store_file_of

_Key = tuple[Any, str]


def with_moves(
    lock: LockState, desired: Mapping[Address, Desired], moved: Iterable[tuple[Address, Address]]
) -> tuple[LockState, dict[Address, Address]]:
    """The lock with every move carried out in it, and the moves as new address → old address."""
    moves = {
        to: origin for origin, to in moved if origin in lock.resources and to not in lock.resources
    }
    # Files with the same bytes and base name at another path: moved, not uploaded again.
    taken = set(moves.values())
    left: dict[_Key, list[Address]] = {}
    unwanted = (address for address in lock.resources if address not in desired)
    for address in sorted(unwanted):
        entry = lock.resources[address]
        if is_file(address) and entry.id and address not in taken:
            left.setdefault(_key(address, entry.fields), []).append(address)
    same_bytes: dict[Address, Address] = {}
    for address, want in sorted(desired.items()) if left else ():
        if is_file(address) and address not in lock.resources:
            same = left.get(_key(address, want.fields))
            if same:
                same_bytes[address] = same.pop(0)
    moves |= same_bytes
    if not moves:
        return lock, {}
    spelled = {str(origin): str(to) for to, origin in moves.items()}
    renamed = {origin: to for to, origin in moves.items()}
    resources = {
        renamed.get(address, address): _renamed(
            entry, renamed.get(address, address), renamed, spelled
        )
        for address, entry in lock.resources.items()
    }
    return replace(lock, resources=resources), moves


def moving(
    entries: Mapping[Address, Locked], moved: Iterable[tuple[Address, Address]]
) -> dict[Address, Locked | None]:
    """What some moves change among the entries of a lock: each is at its new address and gone from
    the old one, and whoever names it names it by the new one.
    """
    renamed = dict(moved)
    spelled = {str(origin): str(to) for origin, to in renamed.items()}
    changed: dict[Address, Locked | None] = dict.fromkeys(renamed)
    for address, entry in entries.items():
        if address in renamed or not renamed.keys().isdisjoint(_named(entry)):
            to = renamed.get(address, address)
            changed[to] = _renamed(entry, to, renamed, spelled)
    return changed


def _named(entry: Locked) -> Iterator[Address]:
    """What an entry names, in the kept versions of its profile as well."""
    yield from entry.depends_on
    for version in entry.older:
        yield from kind(entry.address.kind).references(version.get("fields", {}))


def conflicts(
    lock: LockState, moved: Iterable[tuple[Address, Address]]
) -> list[tuple[Address, Address]]:
    """The moves, as old address and new, that `with_moves` left alone: something else has the new
    address already.
    """
    there = {address for address, entry in lock.resources.items() if entry.id or entry.profile}
    return [(origin, to) for origin, to in moved if origin in there and to in lock.resources]


def _key(address: Address, fields: Fields) -> _Key:
    return (fields.get("sha256"), fields.get("purpose")), PurePosixPath(address.name).name


def _renamed(
    entry: Locked, address: Address, renamed: Mapping[Address, Address], spelled: Mapping[str, str]
) -> Locked:
    needs = tuple(renamed.get(need, need) for need in entry.depends_on)
    fields = kind(address.kind).renamed(entry.fields, spelled)
    moved = replace(entry, address=address, fields=fields, depends_on=needs)
    if entry.older:
        older = tuple(
            {**version, "fields": kind(address.kind).renamed(version["fields"], spelled)}
            if "fields" in version
            else version
            for version in entry.older
        )
        if entry.profile:
            moved = replace(moved, profile=replace(entry.profile, older=older))
        else:
            moved = replace(moved, former=older)
    if not (entry.unkept or entry.resetting):
        return moved
    paths = {
        join("files", origin.name): join("files", to.name)
        for origin, to in renamed.items()
        if is_file(origin)
    }
    unkept = {_replaced(path, paths): record for path, record in entry.unkept.items()}
    return replace(
        moved,
        unkept=unkept,
        resetting=tuple(_replaced(path, paths) for path in entry.resetting),
    )


def _replaced(path: str, paths: Mapping[str, str]) -> str:
    """The path of a field below a file of a store that has moved."""
    store_file = store_file_of(path)
    before = join("files", store_file) if store_file else ""
    return paths.get(before, before) + path.removeprefix(before)


def suspected(changes: Iterable[Change]) -> list[str]:
    """Notes on resources that go while others with the same fields come: perhaps somebody only
    renamed them.
    """
    listed = [change for change in changes if not is_file(change.address)]
    going = [
        change
        for change in listed
        if change.action is Action.DELETE and change.reason == "not_in_specs"
    ]
    coming = [change for change in listed if change.action is Action.CREATE]
    nothing = _likeness(None)
    return [
        f"`{old.address}` goes and `{new.address}` comes, the same but for the name. If it was"
        f" renamed, keep its object with `moved: [{{from: {old.address}, to: {new.address}}}]`."
        for old in going
        for new in coming
        if old.address.kind == new.address.kind
        and _likeness(old.before) == _likeness(new.after) != nothing
    ]


def _likeness(fields: Fields | None) -> Fields:
    """What a rename leaves as it is; ids and hashes are the lock's own."""
    likeness = {name: value for name, value in (fields or {}).items() if name != "name"}
    held = likeness.pop("files", None) or {}
    return {**likeness, "files": sorted(held) if isinstance(held, dict) else held}
