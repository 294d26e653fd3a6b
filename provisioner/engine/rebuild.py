"""A lost or outdated lock made again from the stamps that are at the service, as far as they prove
anything.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from provisioner.apply.exactly_once import Lookalikes, with_content
from provisioner.engine.context import Context
from provisioner.engine.preflight import check_key
from provisioner.engine.refresh import list_forms
from provisioner.errors import FORBIDDEN, LockError, Refused
from provisioner.kinds import Key, file_at, file_kind, holds_files, is_file, keys, kind
from provisioner.kinds.base import Names
from provisioner.kinds.vector_store.store_files import list_store_files
from provisioner.lock.entry import alike
from provisioner.model import Address, Desired, Fields, Live, Locked, LockState, Problem, StoreFile
from provisioner.plan.moves import with_moves
from provisioner.plan.ownership import several
from provisioner.records import dataclass
from provisioner.remote import Remote, together
from provisioner.text import quoted

Objects = Mapping[Key, Mapping[str, Live]]  # what was listed, by kind and API, then by id
StoreFilesById = Mapping[str, Mapping[str, StoreFile]]  # what each store holds, by its id


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The lock as it can be proved, what cannot, and what carries our stamp but is not in it."""

    state: LockState
    unproved: tuple[str, ...]
    left: tuple[str, ...]


async def rebuild(context: Context, lineage: str | None = None) -> Rebuilt:
    """Read every stamp of this workspace and environment. Nothing is written, neither here nor
    there. LockError when there are no stamps, or several lineages of which none was named, or
    several objects for one address.
    """
    lock = context.checked(context.store.peek().state)
    async with context.remote() as remote:
        listed, unseen = await _settled(context, remote, await _listed(context, remote))
        if lock is not None:
            check_key(remote, lock, context.service)
        base = _base(context, lock, listed, lineage)
        named = await _named(remote, base, listed)
        proof = _Proof(base, {item.to: item.id for item in context.specs.imports})
        own = {}
        for address, live in named.items():
            if not is_file(address):
                mark, api = live.stamp, base.resources[address].api
                at = Address.parse(mark.address) if mark else address
                own[address] = _Found(at, live.id, mark.serial if mark else 0, api)
        proof.add(own, _others(base, listed))
        stores = proof.stores()
        held = await together(list_store_files(remote, id) for id in stores)
        store_files = dict(zip(stores, held, strict=True))
        latest = _latest_files(base, store_files)
        files = [(address, live) for address, live in named.items() if is_file(address)]
        own_files = {
            address: latest.get(live.id, _Found(address, live.id)) for address, live in files
        }
        proof.add(own_files, _other_files(base, listed, latest))
    if proof.problems:
        raise LockError(proof.problems)
    async with context.remote() as remote:
        state, doubtful = await _alike(context, remote, proof.state(store_files), listed)
    known = state.resources.keys() == base.resources.keys() and all(
        alike(entry, base.resources[address]) for address, entry in state.resources.items()
    )
    if known and not _lineages(context, listed):
        raise LockError(_NOTHING)
    state = _with_our_own(context, state, lock, listed)
    left = [
        f"`{one.id}` carries our stamp for `{one.address}` as well, and is not in the lock."
        for one in sorted(proof.left, key=lambda one: (one.address, one.id))
    ]
    return Rebuilt(state, (*unseen, *doubtful, *_unproved(context, state)), tuple(left))


@dataclass(frozen=True, slots=True)
class _Found:
    """An object, with what its stamp says."""

    address: Address
    id: str
    serial: int = 0  # without a stamp
    api: str | None = None
    fields: Fields = field(default_factory=dict)


@dataclass
class _Proof:
    """What stamps prove beside the lock that there is. `base` is that lock, or an empty one where
    there is none.

    It knows everything up to its serial: an object that it names stays the one of its address, and
    whatever else has a stamp of that time is a copy or a leftover. What has a later one was made by
    an apply that it does not know of.
    """

    base: LockState
    imports: Mapping[Address, str]  # the answer where several objects may be the one of an address
    # Objects of the lock that are at the service.
    own: dict[Address, _Found] = field(default_factory=dict)
    made: dict[Address, _Found] = field(default_factory=dict)  # what has been made since
    left: list[_Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, own: Mapping[Address, _Found], others: Iterable[_Found]) -> None:
        """Sort out objects of the lock, by their address there, and others that have our stamp."""
        since = [
            (address, one.address) for address, one in own.items() if one.serial > self.base.serial
        ]
        self.base, moves = with_moves(
            self.base, {}, [(origin, to) for origin, to in since if origin != to]
        )
        moved = {origin: to for to, origin in moves.items()}
        self.own |= {moved.get(address, address): one for address, one in own.items()}
        by_address: dict[Address, list[_Found]] = {}
        for one in others:
            by_address.setdefault(one.address, []).append(one)
        for address, claimants in by_address.items():
            self._choose(address, claimants)

    def _choose(self, address: Address, claimants: list[_Found]) -> None:
        own = self.own.get(address)
        since = max(self.base.serial, own.serial if own else 0)
        right = [one for one in claimants if one.serial > since]
        # An object of the lock without a stamp was let go since, or somebody has taken it off:
        # nobody can say.
        unclear = own is not None and own.serial == 0 and not is_file(address)
        if own and right and (unclear or len(right) > 1):
            right.append(own)
        if len(right) > 1:
            named = [one for one in right if one.id == self.imports.get(address)]
            if not named:
                self.problems.append(several(address, [one.id for one in right]))
            right = named
        if right and right[0] is not own:
            self.made[address] = right[0]
        self.left += [one for one in claimants if one is not self.made.get(address)]

    def stores(self) -> list[str]:
        """The ids of the stores that the rebuilt lock names."""
        return [
            one.id for address, one in {**self.own, **self.made}.items() if holds_files(address)
        ]

    def state(self, store_files: StoreFilesById) -> LockState:
        """The lock, with what was made and written since."""
        resources = {
            address: self._kept(entry, store_files)
            for address, entry in self.base.resources.items()
        }
        resources |= {address: self._new(one, store_files) for address, one in self.made.items()}
        serials = [one.serial for one in (*self.own.values(), *self.made.values(), *self.left)]
        return replace(self.base, serial=max([self.base.serial, *serials]), resources=resources)

    def _kept(self, entry: Locked, store_files: StoreFilesById) -> Locked:
        """What the lock says of an object. What was written since is not known: its fields are
        compared anew.
        """
        one = self.own.get(entry.address)
        if one is None or is_file(entry.address):
            return entry
        held = self._held(entry.files, store_files.get(one.id, {}))
        if one.serial > self.base.serial:
            return replace(_plain(one, entry), fields=_with_files(entry.address, {}, held))
        return replace(entry, fields=_with_files(entry.address, entry.fields, held))

    def _new(self, one: _Found, store_files: StoreFilesById) -> Locked:
        """What the stamp of an object says. The one that it has replaced is still to be deleted."""
        before, old = self.base.resources.get(one.address), self.own.get(one.address)
        held = self._held({}, store_files.get(one.id, {}))
        fields = _with_files(one.address, one.fields, held)
        entry = replace(_plain(one, before), fields=fields)
        return entry.with_deposed(before) if old and (old.serial or is_file(one.address)) else entry

    def _held(
        self, before: Mapping[str, Fields], store_files: Mapping[str, StoreFile]
    ) -> dict[str, Fields]:
        """What a store holds: what the lock says, and what was attached or written since."""
        held = dict(before)
        files = {address: id for address, id in self.base.ids.items() if is_file(address)}
        files |= {address: one.id for address, one in self.made.items() if is_file(address)}
        for address, id in files.items():
            store_file = store_files.get(id)
            if store_file is None or store_file.sha256 is None or store_file.stamp is None:
                continue
            mark = store_file.stamp
            if self.base.owns(mark) and mark.serial > self.base.serial:
                attributes = {"attributes": store_file.attributes} if store_file.attributes else {}
                chunking = (
                    {} if store_file.chunking == "other" else {"chunking": store_file.chunking}
                )
                item = {
                    "file": str(address),
                    "id": store_file.id,
                    "sha256": store_file.sha256,
                    **attributes,
                    **chunking,
                }
                held[address.name] = item
        return held


def _plain(one: _Found, before: Locked | None) -> Locked:
    entry = Locked(
        one.address, one.id, {}, api=one.api, protected=bool(before and before.protected)
    )
    return entry.inheriting(before) if before else entry


def _with_files(at: Address, fields: Fields, held: Mapping[str, Fields]) -> Fields:
    if not holds_files(at):
        return fields
    return {**fields, "files": dict(held)} if held or "files" in fields else fields


async def _listed(context: Context, remote: Remote) -> tuple[Objects, list[str]]:
    """What there is, and a line on each kind that a restricted key may not list and that neither
    the specs nor the lock have.
    """
    lock = context.store.peek().state
    needed = {(file_kind().name, None), *map(_key, context.specs.desired.values())}
    needed |= set(map(_key, lock.resources.values())) if lock else set()
    unseen: list[str] = []

    async def one(key: Key) -> Mapping[str, Live]:
        try:
            return (await list_forms(remote, [key], Names()))[key] or {}
        except Refused as error:
            if error.status != FORBIDDEN or key in needed:
                raise
            name, api = key
            through = f" of the API `{api}`" if api else ""
            unseen.append(
                f"the key may not list `{kind(name).section}`{through}, which nothing here"
                " declares: what is there of ours is not found."
            )
            return {}

    found = await together(map(one, keys()))
    return dict(zip(keys(), found, strict=True)), sorted(unseen)


def _key(one: Desired | Locked) -> Key:
    return one.address.kind, one.api


async def _settled(
    context: Context, remote: Remote, found: tuple[Objects, list[str]]
) -> tuple[Objects, list[str]]:
    """The same once what was made just now is shown whole: without a lock nobody knows what there
    has to be.
    """
    listed, _ = found
    ours = (context.workspace.name, context.environment.name)
    stamped = [live for objects in listed.values() for live in objects.values() if live.stamp]
    made = [
        live.created_at
        for live in stamped
        if live.stamp and (live.stamp.workspace, live.stamp.environment) == ours
    ]
    # Times are cut to whole seconds.
    seconds = remote.settling.seconds and remote.settling.seconds + 1
    left = max(made, default=0) + seconds - remote.now()
    if left <= 0:
        return found
    await remote.settling.sleep(min(left, seconds))
    return await _listed(context, remote)


def _base(
    context: Context, lock: LockState | None, listed: Objects, wanted: str | None
) -> LockState:
    """The lock that there is, if it is of the right lineage; else an empty one."""
    counts = _lineages(context, listed)
    if not (counts or wanted):  # what carries no stamp may be there all the same
        return lock or context.fresh()
    chosen = _one_lineage(counts, wanted or (lock.lineage if lock else None))
    if lock is not None and lock.lineage.startswith(chosen):
        return lock
    return replace(context.fresh(), lineage=chosen + str(uuid.uuid4())[8:])


def _lineages(context: Context, listed: Objects) -> Counter[str]:
    """How many stamps of this workspace and environment there are, by their lineage."""
    ours = (context.workspace.name, context.environment.name)
    stamps = [live.stamp for objects in listed.values() for live in objects.values() if live.stamp]
    return Counter(mark.lineage for mark in stamps if (mark.workspace, mark.environment) == ours)


_NOTHING = Problem(
    "Nothing to rebuild",
    "No object at the service carries a stamp of this workspace and environment.",
    "look whether the key and the service are right; otherwise `provisioner plan` shows what an"
    " apply makes",
)


def _one_lineage(counts: Mapping[str, int], wanted: str | None) -> str:
    if wanted and wanted[:8] in counts:
        return wanted[:8]
    if len(counts) == 1 and not wanted:
        return next(iter(counts))
    if not counts:
        raise LockError(_NOTHING)
    names = ", ".join(f"`{lineage}` (on {count})" for lineage, count in sorted(counts.items()))
    summary = "Unknown lineage" if wanted else "Several lineages"
    detail = f"The objects at the service have stamps of the lineages {names}" + (
        f", not of `{wanted}`." if wanted else "."
    )
    raise LockError(Problem(summary, detail, "name the right one with `--lineage`"))


async def _named(remote: Remote, base: LockState, listed: Objects) -> dict[Address, Live]:
    """What the lock names and the service has. Absence from a list is only a reason to ask."""
    objects: dict[Address, Live | None] = {}
    for address, entry in base.resources.items():
        if entry.id and kind(address.kind).form(entry.api).remote:
            objects[address] = listed.get((address.kind, entry.api), {}).get(entry.id)
    missing = [address for address, live in objects.items() if live is None]
    entries = [base.resources[address] for address in missing]
    reads = [
        kind(one.address.kind).form(one.api).read(remote, one.id or "", Names()) for one in entries
    ]
    objects |= dict(zip(missing, await together(reads), strict=True))
    return {
        address: live
        for address, live in objects.items()
        if live is not None and (live.stamp is None or base.owns(live.stamp))
    }


def _others(base: LockState, listed: Objects) -> Iterator[_Found]:
    known = base.known_ids
    for (_, api), objects in listed.items():
        for live in objects.values():
            if live.stamp and base.owns(live.stamp) and live.id not in known:
                at = Address.parse(live.stamp.address)
                yield _Found(at, live.id, live.stamp.serial, api)


def _other_files(
    base: LockState, listed: Objects, latest: Mapping[str, _Found]
) -> Iterator[_Found]:
    known, files = base.known_ids, listed[file_kind().name, None]
    for one in latest.values():
        if one.id not in known:
            size = files[one.id].fields.get("bytes") if one.id in files else None
            yield replace(one, fields={**one.fields, "bytes": size, "purpose": "assistants"})


def _latest_files(base: LockState, store_files: StoreFilesById) -> dict[str, _Found]:
    """What the newest of our stamps says of each file, by the file's id."""
    latest: dict[str, _Found] = {}
    for held in store_files.values():
        for store_file in held.values():
            mark = store_file.stamp
            if mark is None or not base.owns(mark) or not store_file.sha256:
                continue
            before = latest.get(store_file.id)
            if before is None or mark.serial >= before.serial:
                at, fields = file_at(mark.address), {"sha256": store_file.sha256}
                latest[store_file.id] = _Found(at, store_file.id, mark.serial, fields=fields)
    return latest


async def _alike(
    context: Context, remote: Remote, state: LockState, listed: Objects
) -> tuple[LockState, list[str]]:
    """The lock with what carries no stamp and can only be what is declared: the only one that looks
    exactly so, for the only one that is declared so, where no other environment of ours may have
    made it. With a line on each, and on what may be meant. What is taken over may be named by what
    is looked for next.
    """
    lines: list[str] = []
    wanted = {
        address: want
        for address, want in sorted(context.specs.desired.items())
        if address not in state.resources and _is_unstamped(want)
    }
    # A template looks like one of ours once its skills are known.
    order = sorted({_key(want) for want in wanted.values()}, key=lambda key: _refers(key[0]))
    for key in [] if context.shared else order:
        wants = [want for want in wanted.values() if _key(want) == key]
        state, more = await _taken(remote, state, wants, listed.get(key) or {})
        lines += more
    left = {address: want for address, want in wanted.items() if address not in state.resources}
    return state, [*lines, *_called_the_same(left, state, listed)]


def _refers(name: str) -> tuple[int, str]:
    return len(kind(name).fields.refers_to), name


async def _taken(
    remote: Remote, state: LockState, wants: Sequence[Desired], objects: Mapping[str, Live]
) -> tuple[LockState, list[str]]:
    """The lock with those of one kind that nothing else can be meant by."""
    form, known = kind(wants[0].address.kind).form(wants[0].api), state.known_ids
    seen = Lookalikes(form, [one for one in objects.values() if one.id not in known], Names())
    names = Names(state.ids)
    looks = {
        want.address: (form.looks(want.address, want.fields, names), form.content(want.fields))
        for want in wants
    }
    rivals, entries, lines = Counter(looks.values()), dict(state.resources), []
    for want in wants:
        look, content = looks[want.address]
        alike = seen.of(want.address, look) if rivals[look, content] == 1 else []
        same = await with_content(remote, form, alike, content)
        if len(same) == 1:
            entries[want.address] = Locked(want.address, same[0].id, {}, api=want.api, made=False)
            lines.append(
                f"`{want.address}`: `{same[0].id}` is the only object that looks exactly so; it"
                " carries no stamp, and was taken for it."
            )
    return replace(state, resources=entries), lines


def _with_our_own(
    context: Context, state: LockState, lock: LockState | None, listed: Objects
) -> LockState:
    """What the service has nothing to do with is as the specs say, where no lock says anything
    else. So is what something was recognized by, and what the service says of it is held to.
    """
    known = lock.resources if lock else {}
    resources = dict(state.resources)
    for address, entry in state.resources.items():
        want = context.specs.desired.get(address)
        if want is None or want.api != entry.api or alike(known.get(address), entry):
            continue
        table = kind(address.kind).fields
        own = _some(want.fields, table.named("local"))
        if address not in known and _is_unstamped(want):
            own |= _some(want.fields, table.named("certain"))
            live = listed[address.kind, entry.api].get(entry.id or "")
            own |= _some(live.fields if live else {}, table.named("given"))
        resources[address] = replace(entry, fields={**own, **entry.fields})
    return replace(state, resources=resources)


def _some(fields: Fields, names: Iterable[str]) -> Fields:
    return {name: fields[name] for name in sorted(names) if name in fields}


def _called_the_same(
    wanted: Mapping[Address, Desired], state: LockState, listed: Objects
) -> Iterator[str]:
    for address, want in wanted.items():
        called = want.fields.get("name", address.name)
        objects = (listed.get((address.kind, want.api)) or {}).values()
        some = {one.id for one in objects if one.fields.get("name") == called} - state.known_ids
        if some:
            yield (
                f"`{address}`: {quoted(sorted(some), 'or')} may be it, and carries no stamp."
                " `imports` takes one over."
            )


def _is_unstamped(want: Desired) -> bool:
    form = kind(want.address.kind).form(want.api)
    return form.remote and not form.stamped and not is_file(want.address)


def _unproved(context: Context, state: LockState) -> Iterator[str]:
    for address, want in sorted(context.specs.desired.items()):
        if address in state.resources:
            continue
        if want.api and not kind(address.kind).form(want.api).remote:
            yield (
                f"`{address}`: the versions of a request profile are only in the lock; the next"
                " apply starts at 1."
            )
        elif is_file(address):
            yield (
                f"`{address}`: a file in no store carries no stamp; the next apply uploads it"
                " again."
            )
        elif _is_unstamped(want):
            yield f"`{address}`: nothing says which object it is; the next apply creates it."
        else:
            yield f"`{address}`: no object with our stamp was found; the next apply creates it."
