"""What a plan rests on, as fingerprints: a saved one is stale where they have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.digests import sha256_of
from provisioner.kinds import kind
from provisioner.lock.entry import entry_to_json
from provisioner.model import Address, Live, Locked, Plan, StoreFileChange
from provisioner.plan.going import ended_stores


def basis(
    plan: Plan, resources: Mapping[Address, Locked], live: Callable[[Address], Live | None]
) -> dict[str, dict[str, str | None]]:
    """Fingerprints of the lock entry and the live state of everything planned and of what that
    depends on. `live` has the object of an address, None where there is none.
    """
    held: dict[Address, list[StoreFileChange]] = {}
    for item in plan.store_file_changes:
        held.setdefault(item.store, []).append(item)
    ended = set(ended_stores(plan))
    addresses = {item.store for item in plan.store_file_changes} | {
        item.file for item in plan.store_file_changes if item.file
    }
    for change in plan.changes:
        if change.matters:
            addresses |= {change.address, *change.depends_on}
    addresses |= {
        remnant.address for remnant in (*plan.deposed, *plan.orphans) if remnant.action != "keep"
    }
    rests_on = sorted(addresses)
    return {
        str(address): {
            "locked": _fingerprint(entry_to_json(resources[address]))
            if address in resources
            else None,
            "live": _live(
                address,
                resources.get(address),
                live(address),
                held.get(address, ()),
                whole=address in ended,
            ),
        }
        for address in rests_on
    }


def _live(
    address: Address,
    entry: Locked | None,
    live: Live | None,
    held: Iterable[StoreFileChange],
    *,
    whole: bool,
) -> str | None:
    """Of a store that goes the `whole` counts, of any other one what the plan does with its
    files.
    """
    if live is None:
        return None
    form = (
        kind(address.kind).form(entry.api if entry else None)
        if entry or not kind(address.kind).per_api
        else None
    )
    fields = form.normal(address, {**live.fields}) if form else live.fields
    fields = {name: value for name, value in fields.items() if not form or name not in form.unread}
    store_files = live.store_files or {}
    touched = list(store_files) if whole else [item.old_id for item in held if item.old_id]
    attached = {}
    for id in touched:
        store_file = store_files.get(id)
        attached[id] = store_file.attributes if store_file else None
    return _fingerprint([live.id, live.status == "expired", fields, attached])


def _fingerprint(value: Any) -> str:
    return sha256_of(value, ascii=False)
