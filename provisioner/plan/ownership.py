"""Whose the objects at the service are: what the lock says, beside what their stamps say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioner.kinds import file_at
from provisioner.model import Address, Desired, Live, LockState, Problem, Stamp
from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class Stray:
    """An object that carries our stamp, but that the lock does not name."""

    address: Address
    live: Live
    store: Address | None = None  # files: the vector store in which it was found
    api: str | None = None  # assistants: the API through which it was found


@dataclass(frozen=True, slots=True)
class Claim:
    """What carries our stamp for a declared address that has no object: one that is taken over, or
    a question.
    """

    address: Address
    strays: tuple[Stray, ...]
    original: str | None = (
        None  # an object of the lock that carries the same stamp, because it has moved
    )

    @property
    def ids(self) -> tuple[str, ...]:
        return (*filter(None, [self.original]), *(stray.live.id for stray in self.strays))

    @property
    def only(self) -> Stray | None:
        """The one that can be taken over."""
        return self.strays[0] if len(self.ids) == 1 else None


@dataclass(frozen=True, slots=True)
class Foreign:
    """An object of our lock that carries the stamp of another workspace, environment or lock."""

    address: Address  # in our lock; for a store file that of its store
    id: str
    stamp: Stamp
    path: str = ""  # of a store file
    old: bool = False  # whether it is deposed


def claims(
    desired: Mapping[Address, Desired],
    lock: LockState,
    live: Mapping[Address, Live],
    strays: Iterable[Stray],
) -> dict[Address, Claim]:
    """By address. `live` has the objects of locked and imported addresses; those are not claimed by
    anything else.
    """
    claimants: dict[Address, dict[str, Stray]] = {}
    for stray in strays:
        if stray.address not in live and _fits(stray, desired.get(stray.address), lock):
            claimants.setdefault(stray.address, {}).setdefault(stray.live.id, stray)
    known = originals(lock, live) if claimants else {}
    return {
        address: Claim(address, tuple(by_id[id] for id in sorted(by_id)), known.get(address))
        for address, by_id in claimants.items()
    }


def _fits(stray: Stray, want: Desired | None, lock: LockState) -> bool:
    """Whether it could be the object of what is declared."""
    if want is None or stray.api != want.api:
        return False
    entry = lock.resources.get(stray.address)
    # Where the API changes, what was made through the old one is replaced.
    return entry is None or entry.api == want.api or not (entry.id or entry.profile)


def originals(lock: LockState, live: Mapping[Address, Live]) -> dict[Address, str]:
    """The ids of the lock's objects by the address that their stamp says. After a move that is the
    old one, until the next write.
    """
    ids_by_address: dict[Address, str] = {}
    ids = set(lock.ids.values())
    for address, held in live.items():
        if address in lock.resources and held.stamp and lock.owns(held.stamp):
            ids_by_address[Address.parse(held.stamp.address)] = held.id
        for store_file in (held.store_files or {}).values():
            if store_file.id in ids and store_file.stamp and lock.owns(store_file.stamp):
                ids_by_address[file_at(store_file.stamp.address)] = store_file.id
    return ids_by_address


def foreign(
    lock: LockState, live: Mapping[Address, Live], old: Mapping[str, Live]
) -> Iterator[Foreign]:
    """Every object of the lock that somebody else has stamped. `old` has the deposed ones by id. An
    object without a stamp is ours: a person may have taken the metadata off, which is drift.
    """
    for address, entry in lock.resources.items():
        held = live.get(address)
        bare = held is None or not (held.stamp or held.store_files)
        if bare and not entry.deposed:
            continue
        objects = [one for one in (held, *(old.get(id) for id in entry.deposed)) if one is not None]
        stamped = [
            Foreign(address, one.id, one.stamp, old=one is not held)
            for one in objects
            if one.stamp and not lock.owns(one.stamp)
        ]
        yield from stamped
        if held is not None and held.store_files and not stamped:
            items = lock.resources[address].files.items()
            paths = {item["id"]: path for path, item in items if item.get("id")}
            for store_file in held.store_files.values():
                if store_file.id in paths and store_file.stamp and not lock.owns(store_file.stamp):
                    yield Foreign(address, store_file.id, store_file.stamp, paths[store_file.id])


def foreign_problem(one: Foreign) -> Problem:
    """What stops a plan, with the ways out."""
    carries = f"carries the stamp `{one.stamp}`: it is managed with another lock"
    here = f"`provisioner state rm {one.address}`"
    if one.path:
        detail = f"The document `{one.id}` (`{one.path}`) in `{one.address}` {carries} as well."
        hint = (
            f"if the store is theirs now, let it go here, with {here}; if it is ours, take the key"
            f" `{Stamp.KEY}` out of the attributes of the document"
        )
        return Problem("Foreign object", detail, hint, address=str(one.address))
    what = "an old object of " if one.old else ""
    detail = f"`{one.id}`, which is {what}`{one.address}` in this lock, {carries} as well."
    hint = (
        f"if it is theirs now, let it go here, with {here}; if it is ours, let it go there, with"
        f" `provisioner state rm {one.stamp.address}`; then the one whose it is imports it"
    )
    return Problem("Foreign object", detail, hint, address=str(one.address))


def several(address: Address, ids: Iterable[str], first: str = "") -> Problem:
    """The question which of several objects is the one of an address. `first`: what has to be done
    before naming it.
    """
    names = ", ".join(f"`{id}`" for id in sorted(ids))
    hint = (
        f"{first}name the right one (`imports: [{{to: {address}, id: …}}]`); or delete what nobody"
        f" needs, or take the key `{Stamp.KEY}` off the copy"
    )
    detail = f"{names} carry our stamp for `{address}`, and nothing says which of them is the copy."
    return Problem("Several objects", detail, hint, address=str(address))


def claim_problem(claim: Claim, *, locked: bool) -> Problem:
    """The same of what claims to be a declared resource. `locked`: the lock has an id that
    is gone.
    """
    return several(
        claim.address,
        claim.ids,
        f"after `provisioner state rm {claim.address}`, " if locked else "",
    )
