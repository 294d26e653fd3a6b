"""What the service has now: lists read in full, side by side; single reads only for what a list
does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from provisioner.diff import same, units
from provisioner.digests import sha256_of
from provisioner.errors import RouteMissing
from provisioner.kinds import Key, file_at, holds_files, kind
from provisioner.kinds.base import Form, Names
from provisioner.kinds.vector_store.store_files import (
    begin_store_files,
    read_store_files,
    settled,
)
from provisioner.model import Address, Desired, Live, Locked, LockState, StoreFile
from provisioner.plan import Observed, Stray
from provisioner.plan.ownership import Claim, claims
from provisioner.plan.store_files import begun_ids
from provisioner.records import dataclass
from provisioner.remote import Remote, together
from provisioner.remote.lists import both
from provisioner.remote.settling import LOCK
from provisioner.text import spelt

Listed = dict[Key, dict[str, Live] | None]  # by id; None where the API is gone


@dataclass(frozen=True)
class RefreshRequest:
    """What is to be looked at."""

    remote: Remote
    lock: LockState
    desired: Mapping[Address, Desired]
    imports: Mapping[Address, str]
    ours: tuple[str, str]  # workspace and environment
    # Until when the service was to be doubted as the lists were begun, if they were.
    doubted: float | None = None

    def until(self) -> float | None:
        """Until when what is read from now on is to be doubted; None where it is not."""
        return self.remote.settling.doubted([LOCK]) or self.doubted

    def forms(self) -> dict[Key, list[Locked]]:
        """Every form with objects at the service, and the locked entries that exist through it."""
        wanted: dict[Key, list[Locked]] = {
            (address.kind, want.api): [] for address, want in self.desired.items()
        }
        return _remote_only(wanted | _locked_forms(self.lock))

    def claims(self, live: Mapping[Address, Live], strays: Iterable[Stray]) -> dict[Address, Claim]:
        """What carries our stamp for a declared address that has no object."""
        return claims(self.desired, self.lock, live, strays)


def _locked_forms(lock: LockState) -> dict[Key, list[Locked]]:
    entries_by_form: dict[Key, list[Locked]] = {}
    for entry in lock.resources.values():
        if entry.id:
            entries_by_form.setdefault((entry.address.kind, entry.api), []).append(entry)
    return entries_by_form


def _remote_only(forms: Mapping[Key, list[Locked]]) -> dict[Key, list[Locked]]:
    return {key: entries for key, entries in forms.items() if kind(key[0]).form(key[1]).remote}


def begin_lists(remote: Remote, lock: LockState) -> None:
    """Let the lists be on their way of which the lock alone says that refreshing asks for them."""
    for (name, api), entries in _remote_only(_locked_forms(lock)).items():
        kind(name).form(api).begin(remote)
        for entry in entries if kind(name).holds_files else ():
            if "files" in entry.fields:
                begin_store_files(remote, entry.id or "", _held_ids(remote, lock, entry))


@dataclass(frozen=True)
class Refreshed:
    """Everything that refreshing learned."""

    observed: Observed
    files: Mapping[str, Live] = field(default_factory=dict)  # every file that is there, by id
    stamped: tuple[Live, ...] = ()  # whatever carries a stamp of this workspace and environment
    listed: Listed = field(default_factory=dict)  # everything that was listed, ours or not
    # Of every address that stands for an id in what was listed.
    ids: Mapping[Address, str] = field(default_factory=dict)


async def refresh(request: RefreshRequest) -> Refreshed:
    """Read everything that planning needs. What carries our stamp and nobody accounts for may have
    been deleted just now, and be shown a little longer: it is not an orphan, and uses nothing,
    before the service has settled.
    """
    settling = request.remote.settling
    until = request.until()
    refreshed = await _read_all(request)
    async for _ in settling.rounds(until):
        live, strays = refreshed.observed.live, refreshed.observed.strays
        claimed = {
            stray.live.id
            for claim in request.claims(live, strays).values()
            for stray in claim.strays
        }
        if all(stray.live.id in claimed for stray in strays):
            break
        refreshed = await _read_all(request)
    return refreshed


async def _read_all(request: RefreshRequest) -> Refreshed:
    """Everything read. What is taken over by its stamp has an id that nobody could know before, and
    a store may hold files that are taken over with it: then everything is read once more, with
    that in mind.
    """
    taken: dict[Address, str] = {}
    refreshed = await _look(request, taken)
    for _ in ("objects", "documents"):
        claimed = request.claims(refreshed.observed.live, refreshed.observed.strays)
        ids = {address: claim.only.live.id for address, claim in claimed.items() if claim.only}
        if ids == taken:
            break
        taken = ids
        refreshed = await _look(request, taken)
    return refreshed


async def _look(request: RefreshRequest, taken: Mapping[Address, str]) -> Refreshed:
    until = request.until()
    names = Names({**request.lock.ids, **request.imports, **taken})
    forms = request.forms()
    # The stores whose files are managed: locked ones, and those that are to be imported or are
    # taken over.
    locked = [
        entry for key, entries in forms.items() if kind(key[0]).holds_files for entry in entries
    ]
    named = {**request.imports, **taken}
    others = [Locked(address, id, {}) for address, id in named.items() if holds_files(address)]
    stores = []
    for entry in (*locked, *others):
        want = request.desired.get(entry.address)
        # Otherwise nobody has ever declared files for it.
        if "files" in entry.fields or (want and "files" in want.fields):
            stores.append(entry)
    needed = {(address.kind, want.api) for address, want in request.desired.items()}
    listed, held = await both(
        list_forms(request.remote, forms, names, needed=needed), _store_files_of(request, stores)
    )
    gone = frozenset(
        entry.address for key, entries in forms.items() if listed[key] is None for entry in entries
    )
    live = await _settled(request, await _lookup(request, forms, listed, names), names, until)
    live = {address: _with_store_files(one, held.get(one.id)) for address, one in live.items()}
    known = _known(request, live)
    strays = await _confirmed(request, live, list(_strays(request, listed, known)))
    strays = [
        replace(stray, live=_with_store_files(stray.live, held.get(stray.live.id)))
        for stray in strays
    ]
    loose = list(_stray_files(request, strays=strays, live=live, listed=listed, known=known))
    return _sorted_out(request, listed, live=live, strays=[*strays, *loose], gone=gone, names=names)


async def list_forms(
    remote: Remote, forms: Iterable[Key], names: Names, *, needed: Collection[Key] = ()
) -> Listed:
    """Every object of some forms by id, read side by side; None where an API that is not `needed`
    is gone altogether.
    """

    async def one(key: Key) -> dict[str, Live] | None:
        try:
            objects = await kind(key[0]).form(key[1]).list(remote, names)
        except RouteMissing:
            if key in needed:
                raise
            return None
        return {live.id: live for live in objects}

    keys = list(forms)
    return dict(zip(keys, await together(map(one, keys)), strict=True))


async def _store_files_of(
    request: RefreshRequest, stores: list[Locked]
) -> dict[str | None, dict[str, StoreFile] | None]:
    """What each store holds, by its id, once the service has had its time to show it."""

    async def one(entry: Locked) -> dict[str, StoreFile] | None:
        until = request.until()
        store_files = await _store_files(request.remote, request.lock, entry)
        return store_files and await settled(
            request.remote,
            entry.id or "",
            store_files=store_files,
            is_old=_shown_old(request.lock, entry),
            until=until,
        )

    held = await together(map(one, stores))
    return {entry.id: store_files for entry, store_files in zip(stores, held, strict=True)}


def _shown_old(lock: LockState, store: Locked) -> Callable[[StoreFile], bool]:
    """Whether the service shows a file as it was before the last apply has written its
    attributes.
    """
    items = {item.get("id"): item.get("attributes") or {} for item in store.files.values()}

    def is_old(store_file: StoreFile) -> bool:
        mark, own = store_file.stamp, items.get(store_file.id)
        if own is None or mark is None or not lock.owns(mark) or mark.serial >= lock.serial:
            return False
        return any(not same(store_file.attributes.get(key), value) for key, value in own.items())

    return is_old


async def _settled(
    request: RefreshRequest, live: dict[Address, Live], names: Names, until: float | None
) -> dict[Address, Live]:
    """The same objects once they show our last update, or once the service has had its time to show
    it.
    """
    lock = request.lock
    old = [address for address, one in live.items() if _is_old(lock, address, one)] if until else []
    async for _ in request.remote.settling.rounds(until):
        if not old:
            break
        forms = {address: kind(address.kind).form(lock.resources[address].api) for address in old}
        again = await together(
            form.read(request.remote, live[address].id, names) for address, form in forms.items()
        )
        live |= {address: one for address, one in zip(forms, again, strict=True) if one is not None}
        old = [address for address in old if _is_old(lock, address, live[address])]
    return live


def _is_old(lock: LockState, address: Address, one: Live) -> bool:
    """Whether an object carries the stamp from before our last update, which the service is not
    known to drop. One without a stamp may be as it was before that: something that the update has
    written is.
    """
    entry, mark = lock.resources.get(address), one.stamp
    if entry is None or entry.overwritten is None or entry.unkept or entry.id != one.id:
        return False
    form = kind(address.kind).form(entry.api)
    if not form.stamped:
        shown = units(form.normal(address, one.fields), form.keyed)
        before = entry.overwritten.values.items()
        return any(sha256_of(shown.get(path)) == digest for path, digest in before)
    if mark is None:
        return False
    return lock.owns(mark) and mark.serial <= entry.overwritten.serial


async def _store_files(
    remote: Remote, lock: LockState, entry: Locked
) -> dict[str, StoreFile] | None:
    """What a store holds. A stopped apply may have put something into it that no list shows yet."""
    return await _held(remote, entry.id or "", _held_ids(remote, lock, entry))


def _held_ids(remote: Remote, lock: LockState, entry: Locked) -> list[str]:
    """The files of a store that are asked for where no list shows them."""
    begun = (id for id in begun_ids(lock, entry) if remote.settling.young(f"{entry.id}/{id}"))
    return list(dict.fromkeys([*entry.file_ids, *begun]))


async def _held(
    remote: Remote, store: str, known: Sequence[str] = ()
) -> dict[str, StoreFile] | None:
    try:
        return await read_store_files(remote, store, known)
    except RouteMissing:  # the collection below a store that is gone
        return None


async def look_into(remote: Remote, observed: Observed, stores: Iterable[Address]) -> Observed:
    """The same with what is in some stores. Where nobody has ever declared files, that was not
    listed.
    """
    there = [(store, observed.live[store]) for store in stores if store in observed.live]
    unlisted = [
        (store, live) for store, live in there if live.store_files is None and live.file_count
    ]
    held = await together(_held(remote, live.id) for _, live in unlisted)
    more = {
        store: _with_store_files(live, store_files)
        for (store, live), store_files in zip(unlisted, held, strict=True)
    }
    return replace(observed, live={**observed.live, **more}) if more else observed


async def look_at(remote: Remote, lock: LockState, entry: Locked) -> Live | None:
    """One locked object with what it holds; None where there is none."""
    form = kind(entry.address.kind).form(entry.api)
    if not (entry.id and form.remote):
        return None
    one = await form.read(remote, entry.id, Names(lock.ids))
    if one is None or not holds_files(entry.address):
        return one
    return _with_store_files(one, await _store_files(remote, lock, entry))


def _with_store_files(live: Live, store_files: dict[str, StoreFile] | None) -> Live:
    return live if store_files is None else replace(live, store_files=store_files)


async def _lookup(
    request: RefreshRequest, forms: Mapping[Key, list[Locked]], listed: Listed, names: Names
) -> dict[Address, Live]:
    """The object of each locked or imported address. Absence from a list is only a reason
    to ask.
    """
    wanted: list[tuple[Address, str, Form, dict[str, Live]]] = []
    for key, entries in forms.items():
        objects = listed[key]
        if objects is not None:
            form = kind(key[0]).form(key[1])
            wanted += [(entry.address, entry.id or "", form, objects) for entry in entries]
            wanted += [
                (address, id, form, objects)
                for address, id in request.imports.items()
                if address.kind == key[0]
                and address in request.desired
                and request.desired[address].api == key[1]
            ]
    there = {
        address: live if (live := objects.get(id)) and live.unfit is None else None
        for address, id, _, objects in wanted
    }
    missing = [(address, id, form) for address, id, form, _ in wanted if there[address] is None]
    answers = await together([form.read(request.remote, id, names) for _, id, form in missing])
    there.update({address: live for (address, _, _), live in zip(missing, answers, strict=True)})
    return {address: live for address, live in there.items() if live is not None}


def _strays(request: RefreshRequest, listed: Listed, known: Collection[str]) -> Iterator[Stray]:
    """Objects that carry our stamp, but that the lock does not name."""
    for (kind_name, api), objects in listed.items():
        for one in (objects or {}).values():
            if one.stamp and request.lock.owns(one.stamp) and one.id not in known:
                own, _, name = one.stamp.address.partition(".")
                if own != kind_name or not name:  # no stamp that we have ever written
                    request.remote.note(
                        f"`{one.id}` has our stamp with the address {spelt(one.stamp.address)}."
                    )
                    continue
                yield Stray(Address(own, name), one, api=api)


def _known(request: RefreshRequest, live: Mapping[Address, Live]) -> set[str]:
    """Ids that the lock or the specs account for; those of files in our stores that are not managed
    here as well, which carry our stamp all the same.
    """
    entries = request.lock.resources.values()
    held = (item for entry in entries for item in entry.files.values())
    unmanaged = {item["id"] for item in held if "file" not in item and item.get("id")}
    return {one.id for one in live.values()} | request.lock.known_ids | unmanaged


async def _confirmed(
    request: RefreshRequest, live: Mapping[Address, Live], strays: list[Stray]
) -> list[Stray]:
    """The same without what is there no longer, of those that may be taken over: a service may show
    it a little longer, which is doubted for as long as the lock may have been written for its
    deletion.
    """
    remote = request.remote
    forms = {
        stray.live.id: kind(stray.address.kind).form(stray.api)
        for claim in request.claims(live, strays).values()
        for stray in claim.strays
    }
    pauses = remote.settling.pauses(remote.settling.until([LOCK]))
    there = await _there(remote, forms, forms)
    while bool(there) and await anext(pauses, False):
        there = await _there(remote, forms, there)
    gone = forms.keys() - there
    return [stray for stray in strays if stray.live.id not in gone]


async def _there(remote: Remote, forms: Mapping[str, Form], ids: Iterable[str]) -> set[str]:
    """Those of some objects that can be read."""
    asked = list(ids)
    objects = await together([forms[id].read(remote, id, Names()) for id in asked])
    return {id for id, live in zip(asked, objects, strict=True) if live is not None}


def _sorted_out(
    request: RefreshRequest,
    listed: Listed,
    *,
    live: dict[Address, Live],
    strays: list[Stray],
    gone: frozenset[Address],
    names: Names,
) -> Refreshed:
    files = _files(listed)
    everything = {id: one for objects in listed.values() for id, one in (objects or {}).items()}
    old = {
        id: everything[id]
        for entry in request.lock.resources.values()
        for id in entry.deposed
        if id in everything
    }
    observed = Observed(
        live,
        tuple(strays),
        old=old,
        api_gone=gone,
        notes=tuple(sorted(request.remote.oddities)),
    )
    stamped = tuple(
        one
        for one in (*everything.values(), *live.values())
        if one.stamp and (one.stamp.workspace, one.stamp.environment) == request.ours
    )
    return Refreshed(observed, files, stamped=stamped, listed=listed, ids=names.ids)


def _files(listed: Listed) -> dict[str, Live]:
    """Every file that was listed."""
    return {
        id: one
        for key, objects in listed.items()
        if kind(key[0]).uploaded
        for id, one in (objects or {}).items()
    }


def _stray_files(
    request: RefreshRequest,
    *,
    strays: Iterable[Stray],
    live: Mapping[Address, Live],
    listed: Listed,
    known: set[str],
) -> Iterator[Stray]:
    """Files in our stores that carry our stamp, but that the lock does not name; each once."""
    stores = {**{stray.address: stray.live for stray in strays}, **live}
    holders = [(store, one) for store, one in stores.items() if one.store_files]
    files = _files(listed) if holders else {}
    found: dict[str, Stray] = {}
    for store, holder in holders:
        for id, store_file in (holder.store_files or {}).items():
            if (
                id not in known
                and id not in found
                and store_file.stamp
                and request.lock.owns(store_file.stamp)
            ):
                file = files.get(id, Live(id, {}, status=store_file.status))
                file = replace(
                    file,
                    fields={**file.fields, "sha256": store_file.sha256},
                    stamp=store_file.stamp,
                )
                found[id] = Stray(file_at(store_file.stamp.address), file, store)
    yield from found.values()


def from_lock(lock: LockState) -> Observed:
    """The lock taken for the service, for a plan without credentials."""
    live = {}
    for address, entry in lock.resources.items():
        if entry.id:
            files = entry.files.values()
            store_files = {
                item["id"]: _as_store_file(item, entry) for item in files if item.get("id")
            }
            live[address] = Live(entry.id, entry.fields, store_files=store_files)
    return Observed(live)


def _as_store_file(item: Mapping[str, object], store: Locked) -> StoreFile:
    attributes = item.get("attributes") or {}
    assert isinstance(attributes, dict)
    chunking = item.get("chunking", store.fields.get("chunking"))
    return StoreFile(
        str(item["id"]), "completed", attributes, chunking, sha256=str(item.get("sha256"))
    )
