"""Objects that nobody stamped and nothing here names, and files that others put into our stores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from provisioner.engine.context import Context
from provisioner.engine.refresh import Key, Listed
from provisioner.engine.session import Session
from provisioner.errors import RouteMissing
from provisioner.kinds import kind, kinds
from provisioner.kinds.base import Names, ProfileForm
from provisioner.model import Live, Unmanaged
from provisioner.plan import Situation
from provisioner.plan.drifting import Examined
from provisioner.plan.users import unmanaged
from provisioner.remote import Remote, together


async def find_unmanaged(session: Session, case: Situation, examined: Iterable[Examined]) -> list[Unmanaged]:
    """What others put into our stores, then what nobody stamped and nothing here names."""
    listed = await _listed(session)
    named = _named(session.context, case)
    names = {id: _name(live) for objects in listed.values() for id, live in (objects or {}).items()}
    found: list[Unmanaged] = []
    for one in examined:
        named.update(one.files.foreign)
        if one.files.kept:  # otherwise they are drift
            found += [Unmanaged("file", id, names.get(id, ""), one.address) for id in one.files.foreign]
    for key, objects in sorted(listed.items(), key=lambda pair: pair[0][0]):
        loose = [id for id, live in (objects or {}).items() if live.stamp is None and id not in named]
        found += [Unmanaged(key[0], id, names[id]) for id in sorted(loose)]
    return found


async def _listed(session: Session) -> Listed:
    """What planning has listed, and the kinds beside: nobody has to declare a store for one to be unmanaged."""
    seen = session.seen.listed
    left = [key for key in _keys(session.context.environment.api) if key not in seen]
    found = await together([_list(session.remote, key) for key in left])
    return {**seen, **dict(zip(left, found, strict=True))}


def _keys(api: str) -> Iterator[Key]:
    """Each kind with objects of its own, through the API of the environment."""
    for name, one in kinds().items():
        with contextlib.suppress(KeyError):  # tools have no objects
            if one.form(api).remote:
                yield name, api if name == "assistant" else None


async def _list(remote: Remote, key: Key) -> dict[str, Live] | None:
    try:
        return {live.id: live for live in await kind(key[0]).form(key[1]).list(remote, Names())}
    except RouteMissing:
        return None


def _named(context: Context, case: Situation) -> set[str]:
    """Every id that the lock or the specs name, managed or not."""
    found = {*case.lock.known_ids, *case.imports.values(), *(item.id for item in context.specs.externals)}
    found |= {live.id for live in case.observed.live.values()} | {stray.live.id for stray in case.observed.strays}
    for entry in case.lock.resources.values():
        found.update(unmanaged(entry.fields))
        found.update(id for files in entry.deposed_files.values() for id in files)
        form = kind(entry.address.kind).form(entry.api)
        if entry.profile and isinstance(form, ProfileForm):
            found.update(id for version in entry.profile.older for id in form.kept_ids(version))
    return found


def _name(live: Live) -> str:
    return str(live.fields.get("name") or live.fields.get("filename") or "")
