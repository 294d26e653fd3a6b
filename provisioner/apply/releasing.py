"""Letting go of an object: it stays at the service as it is, but for our marks."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.kinds import kind
from provisioner.kinds.vector_store.store_files import release_file
from provisioner.model import Locked, LockState
from provisioner.remote import Remote, together


async def let_go(
    remote: Remote, lock: LockState, *, entry: Locked, id: str, locked: Iterable[Locked]
) -> None:
    """Take the marks of a lock off one of an entry's objects. A file has them in the stores that
    hold it; `locked` are the entries among which those are looked for.
    """
    form = kind(entry.address.kind).form(entry.deposed_api(id))
    if form.remote:
        await form.release(remote, id, lock)
    holders = [other.id for other in locked if other.id and id in other.file_ids]
    await together(release_file(remote, store, id, lock) for store in holders)
