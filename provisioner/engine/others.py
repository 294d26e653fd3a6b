"""Who else uses what a plan deletes: asked only where something goes, every list once, and never
without end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from math import ceil

from provisioner.engine.refresh import Listed, list_forms
from provisioner.errors import FORBIDDEN, Refused, RouteMissing
from provisioner.kinds import Key, keys, kind, naming
from provisioner.kinds.base import Names
from provisioner.kinds.vector_store.store_files import list_store_files
from provisioner.model import Address, Live, LockState, Plan
from provisioner.plan.users import ending, named_ids, sentence
from provisioner.records import dataclass
from provisioner.remote import Remote, together
from provisioner.remote.lists import PAGE

_MOST = 1000
"""Requests that the question may cost; beyond that nobody knows the answer, and
everything stays."""

_Users = dict[str, tuple[str, ...]]
"""Ids with those who use them and are not managed here, in words."""


@dataclass
class Others:
    """Everything at the service that is not ours and can use what is. Nothing is asked twice."""

    remote: Remote
    lock: LockState
    listed: Listed  # what refreshing has listed already
    names: Mapping[Address, str]  # ids of the addresses that stand for them in these lists
    ours: Collection[str]  # ids that the lock names, or is about to
    _held: dict[str, frozenset[str]] = field(default_factory=dict)  # by store: ids of its files

    async def users(self, plan: Plan) -> _Users:
        """Who uses what a plan deletes. A plan that deletes nothing sends nothing."""
        going = ending(plan)
        if not going:
            return {}
        pruned = {remnant.id for remnant in plan.orphans if remnant.action == "delete"}
        asked = naming({name for name, _ in going})
        hidden: list[str] = []
        listed = await together(self._allowed(key, pruned, hidden) for key in asked)
        found = [
            (sentence(live, name), name, live)
            for (name, _), objects in zip(asked, listed, strict=True)
            for live in objects
        ]
        stores: list[tuple[str, Live]] = []
        named = [(why, {id for _, id in going}) for why in hidden]
        for who, name, live in found:
            if live.unfit is not None:
                named.append((f"possibly {who}, which cannot be read", {id for _, id in going}))
            elif kind(name).holds_files:
                stores.append((who, live))
            else:
                named.append((who, set(named_ids(name, live.fields, self.names))))
        if stores:
            price = requests(live for _, live in stores)
            if price > _MOST:
                why = (
                    f"possibly others: asking the {len(stores):,} other vector stores would take"
                    f" {price:,} requests"
                )
                named.append((why, {id for name, id in going if kind(name).uploaded}))
            else:
                held = await self.held([live.id for _, live in stores])
                named += [(who, set(held[live.id])) for who, live in stores]
        users = {id: tuple(who for who, ids in named if id in ids) for _, id in going}
        return {id: whos for id, whos in users.items() if whos}

    async def _allowed(
        self, key: Key, pruned: Collection[str], hidden: list[str]
    ) -> Sequence[Live]:
        """The same as `_foreign`; what a restricted key does not see is said in `hidden`."""
        try:
            return await self._foreign(key, pruned)
        except Refused as error:
            if error.status != FORBIDDEN:
                raise
            what = key[0].replace("_", " ")
            hidden.append(f"possibly others: this key may not list any {what}")
            return ()

    async def _foreign(self, key: Key, pruned: Collection[str] = ()) -> list[Live]:
        if key not in self.listed:
            self.listed |= await list_forms(self.remote, [key], Names())
        known = self.lock.known_ids
        return [
            live
            for id, live in (self.listed[key] or {}).items()
            if id not in known and id not in self.ours and id not in pruned
        ]

    async def held(self, stores: Sequence[str]) -> dict[str, frozenset[str]]:
        """The files of some stores, by store."""
        left = [store for store in stores if store not in self._held]
        files = await together(_files(self.remote, store) for store in left)
        self._held.update(zip(left, files, strict=True))
        return {store: self._held[store] for store in stores}

    async def in_a_store(self) -> set[str]:
        """Every file that some store of others holds."""
        holding = [key for key in keys() if kind(key[0]).holds_files]
        stores = await together(self._foreign(key) for key in holding)
        held = await self.held([live.id for found in stores for live in found])
        return {id for files in held.values() for id in files}


def requests(stores: Iterable[Live]) -> int:
    """What listing the files of some stores takes, by the service's own counts."""
    return sum(max(1, ceil(store.file_count / PAGE)) for store in stores)


async def _files(remote: Remote, store: str) -> frozenset[str]:
    try:
        return frozenset(await list_store_files(remote, store))
    except RouteMissing:  # the store has gone meanwhile
        return frozenset()
