"""What a plan ends, as it is at the service: whoever approves a deletion approves what was there to
be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.digests import sha256_of
from provisioner.kinds import holds_files, kind
from provisioner.model import Address, Change, Fields, Live, Plan
from provisioner.plan.situation import Situation

Files = Mapping[str, Live]
"""The files that are at the service, by id."""


def holds_unknown(case: Situation, plan: Plan, files: Files) -> bool:
    """Whether a store that goes holds what is in no list of files that was read."""
    for change in plan.changes:
        live = case.live(change.address) if holds_files(change.address) else None
        if live is None or not (change.action.ends or change.action.goes):
            continue
        if any(id not in files for id in live.store_files or ()):
            return True
    return False


def with_digests(case: Situation, plan: Plan, files: Files) -> Plan:
    """The plan with a digest of each object that it ends, without what changes by itself and what
    is somebody else's: no ids of ours, no stamp, no metadata keys that were never declared here.
    """
    strays = {stray.live.id: stray.live for stray in case.observed.strays}
    orphans = []
    for remnant in plan.orphans:
        live = strays.get(remnant.id)
        if live is not None and remnant.action == "delete":
            digest = _digest(remnant.address, remnant.api, live=live, ours={}, files={})
            remnant = replace(remnant, old_digest=digest)
        orphans.append(remnant)
    changes = tuple(_change(case, change, files) for change in plan.changes)
    return replace(plan, changes=changes, orphans=tuple(orphans))


def ended_stores(plan: Plan) -> list[Address]:
    """The vector stores whose objects go."""
    ended = (change.address for change in plan.changes if change.action.ends)
    return [address for address in ended if holds_files(address)]


def _change(case: Situation, change: Change, files: Files) -> Change:
    if not (change.action.ends or change.action.goes):
        return change
    entry, live = case.locked(change.address), case.live(change.address)
    if entry is not None and entry.profile is not None and live is None:  # it is in the lock alone
        return replace(change, old_digest=sha256_of(entry.profile.digest))
    if live is None:
        return change
    ours = entry.fields if entry and entry.id == live.id else change.after or {}
    api = entry.api if entry and entry.id == live.id else change.api
    return replace(
        change, old_digest=_digest(change.address, api, live=live, ours=ours, files=files)
    )


def _digest(address: Address, api: str | None, *, live: Live, ours: Fields, files: Files) -> str:
    form = kind(address.kind).form(api)
    normal = form.normal(address, {**live.fields})
    fields = {name: value for name, value in normal.items() if name not in form.unread | form.apart}
    declared = ours.get("metadata") or {}
    if "metadata" in fields:
        fields["metadata"] = {
            key: value for key, value in fields["metadata"].items() if key in declared
        }
    held: list[list[Any]] = []
    for id in live.store_files or ():
        file = files.get(id)
        if file is None:  # no list of files has it
            held.append([id, 0])
        else:
            held.append([str(file.fields.get("filename")), int(file.fields.get("bytes") or 0)])
    return sha256_of([fields, sorted(held)])
