"""The texts that vector stores have read out of documents which nobody has a local file of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path, PurePosixPath

from provisioner import disk
from provisioner.engine.context import Context
from provisioner.engine.importing import inside
from provisioner.errors import ServiceError
from provisioner.kinds import file_kind, holds_files
from provisioner.kinds.base import Names
from provisioner.kinds.vector_store.store_files import content
from provisioner.model import LockState
from provisioner.records import dataclass
from provisioner.remote import Remote, together

FOLDER = "extracted"
_SUFFIX = ".extracted.txt"
_LONGEST = 200  # bytes of a name, which most disks take


@dataclass
class Extracted:
    """What became of the texts."""

    written: list[str] = field(default_factory=list)  # paths from the root
    there: int = 0  # that an earlier run has written
    without: list[str] = field(
        default_factory=list
    )  # ids of documents that the service shows none of


@dataclass(frozen=True, slots=True)
class _Document:
    """One document of a store, and the path that its text goes to."""

    store: str  # ids
    id: str
    path: str


async def extract(context: Context, on_progress: Callable[[int, int], None]) -> Extracted:
    """Write the text of every document that is known by its id alone, below `extracted/`, as each
    arrives; one that is there already is not asked for again. They are no documents of anything.
    """
    state = context.checked(context.store.peek().state)
    found = Extracted()
    if state is None or not any(_unpaired(state)):
        return found
    async with context.remote(read_only=True) as remote:
        lives = await file_kind().form(None).list(remote, Names(), None)  # type: ignore[call-arg]  # of every purpose
        names = {live.id: str(live.fields.get("filename") or "") for live in lives}
        left = []
        for one in _documents(state, names):
            if (context.root / one.path).exists():
                found.there += 1
            else:
                left.append(one)
        done = 0

        async def fetch(one: _Document) -> None:
            nonlocal done
            if await _written(remote, context.root, one):
                found.written.append(one.path)
            else:
                found.without.append(one.id)
            done += 1
            on_progress(done, len(left))

        await together(map(fetch, left))
    found.written.sort()
    found.without.sort()
    return found


async def _written(remote: Remote, root: Path, one: _Document) -> bool:
    try:
        text = await content(remote, one.store, one.id)
    except ServiceError as error:
        if error.status in (400, 403, 404):  # the service does not show this one
            return False
        raise
    if text is None:
        return False
    place = inside(root, one.path)
    place.parent.mkdir(parents=True, exist_ok=True)
    disk.replace(place, text.encode(errors="backslashreplace"))
    return True


def _unpaired(state: LockState) -> Iterator[tuple[str, str, str]]:
    """Name and id of each store, with the id of each of its documents that has no path."""
    for address, entry in sorted(state.resources.items()):
        if holds_files(address) and entry.id:
            for item in entry.files.values():
                if "file" not in item:
                    yield address.name, entry.id, item["id"]


def _documents(state: LockState, names: dict[str, str]) -> Iterator[_Document]:
    found = sorted(_unpaired(state))
    count = Counter((store, _plain(names.get(id, ""), id)) for store, _, id in found)
    for store, store_id, id in found:
        name = _plain(names.get(id, ""), id)
        if count[store, name] > 1:
            name = f"{name}.{id[-8:]}"
        yield _Document(store_id, id, f"{FOLDER}/{store}/{name}{_SUFFIX}")


def _plain(name: str, id: str) -> str:
    """A document's name as that of a file, wherever it would lead otherwise."""
    base = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(letter if letter.isprintable() else "_" for letter in base).lstrip(".")
    return kept.encode(errors="ignore")[:_LONGEST].decode(errors="ignore").strip() or id
