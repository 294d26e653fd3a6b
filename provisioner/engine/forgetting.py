"""`state rm`: resources leave the lock while their objects stay at the service, without our
marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.apply.releasing import let_go
from provisioner.engine.context import Context
from provisioner.engine.preflight import check_key
from provisioner.engine.refresh import look_at
from provisioner.engine.session import remember
from provisioner.errors import UsageError
from provisioner.kinds import kind
from provisioner.model import Address, Live, Locked, LockState, Problem
from provisioner.plan.forgetting import in_use
from provisioner.remote import Remote, together


async def forget(context: Context, wanted: Iterable[Address]) -> dict[Address, Address | None]:
    """Take resources out of the lock, and along with them what they use and no spec declares: the
    next apply would delete it otherwise. Returns everything that is forgotten, and with what it
    stays where nobody named it.
    """
    with context.store.lease():
        known = context.checked(context.store.fold_journal().state) or context.fresh()
        entries: dict[Address, Locked] = {}
        for address in wanted:
            if address not in known.resources:
                detail = f"The lock has no `{address}`."
                raise UsageError(Problem("Unknown address", detail, "see `provisioner state list`"))
            entries[address] = known.resources[address]
        remote_ones = [
            entry
            for entry in entries.values()
            if entry.deposed or (entry.id and kind(entry.address.kind).form(entry.api).remote)
        ]
        if remote_ones or _along(context, known, entries, {}):
            async with context.remote() as remote:
                remember(remote, known)
                along = await _let_go(context, remote, known, entries)
        else:
            along = {}
        left = {address: entry for address, entry in _left(known, along) if address not in entries}
        context.store.write(replace(known, serial=known.serial + 1, resources=left))
    users = {
        entry.address: along[entry.id]
        for entry in known.resources.values()
        if entry.id and entry.id in along
    }
    return dict.fromkeys(entries) | users


async def _let_go(
    context: Context, remote: Remote, known: LockState, entries: Mapping[Address, Locked]
) -> Mapping[str, Address]:
    """Take our marks off everything that is forgotten; returns what that is beside the entries
    themselves.
    """
    seen = await together(look_at(remote, known, entry) for entry in entries.values())
    check_key(remote, known, context.service)  # with another key the objects only seem to be gone
    live = {address: one for address, one in zip(entries, seen, strict=True) if one is not None}
    along = _along(context, known, entries, live)
    everything = [
        (entry, id)
        for entry in known.resources.values()
        for id in entry.ids
        if entry.address in entries or id in along
    ]
    await together(
        let_go(remote, known, entry=entry, id=id, locked=known.resources.values())
        for entry, id in everything
    )
    return along


def _along(
    context: Context, known: LockState, entries: Collection[Address], live: Mapping[Address, Live]
) -> Mapping[str, Address]:
    """The ids of what forgotten resources use and no spec declares, each with a user. The specs are
    read only where they use anything at all.
    """
    others = {
        id
        for address, entry in known.resources.items()
        if address not in entries
        for id in entry.ids
    }
    if not in_use(known, live.get, entries, others):
        return {}
    declared = {
        entry.id for address, entry in known.resources.items() if address in context.specs.desired
    }
    return in_use(known, live.get, entries, others - declared)


def _left(known: LockState, along: Collection[str]) -> Iterator[tuple[Address, Locked]]:
    """What the lock still has to remember without some ids."""
    for address, entry in known.resources.items():
        left = replace(entry, id=None, fields={}) if entry.id in along else entry
        for id in along:
            left = left.undeposed(id) if id in left.deposed else left
        if not left.empty:
            yield address, left
