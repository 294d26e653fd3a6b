"""The files in a vector store: listing, attaching in batches, waiting until they are indexed,
detaching.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner import shapes
from provisioner.errors import ReplyLost, RouteMissing, ServiceError
from provisioner.kinds.wire import Raw, check_reply, counts, number, route, stamp
from provisioner.model import LockState, Stamp, StoreFile
from provisioner.records import dataclass
from provisioner.remote.lists import together

if TYPE_CHECKING:
    from provisioner.remote import Remote

BATCH = 2000  # files that one request may attach
IN_PROGRESS = "in_progress"
SHA256 = "sha256"

_BY_ID = 10  # files up to which each is asked for by itself
_BY_READ = 100  # files up to which reading each is cheaper than reading a long list
_RECOUNT = 10  # rounds after which the counts of the store are not believed any more
_REFUSED = (400, 404, 413, 422)
_SHAPES = {
    "status": shapes.text,
    "attributes": shapes.mapping(),
    "chunking_strategy": shapes.mapping({"type": shapes.text, "static": shapes.mapping()}),
    "last_error": shapes.mapping(),
}


@dataclass(frozen=True, slots=True)
class Attach:
    """A file to put into a store. `attributes` is all that it is to carry, our own two pairs
    included.
    """

    file_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    chunking: Any = "auto"


def begin_store_files(remote: Remote, store_id: str, wanted: Sequence[str]) -> None:
    """Let what `read_store_files` asks for first be on its way."""
    remote.begin_made(_files(store_id), store_file, known=wanted)


async def list_store_files(
    remote: Remote, store_id: str, known: Sequence[str] = ()
) -> dict[str, StoreFile]:
    """Every file of a store, by file id. RouteMissing if the store is gone."""
    try:
        return await remote.made(_files(store_id), store_file, known=known)
    except ServiceError as error:
        if error.status == 400 and await remote.find(route("/vector_stores", store_id)) is None:
            raise RouteMissing(error.problems[0], status=400) from None
        raise


async def read_store_file(remote: Remote, store_id: str, file_id: str) -> StoreFile | None:
    """One file of a store; None if it is not in it."""
    raw = await remote.find(_file(store_id, file_id))
    return None if raw is None else store_file(raw)


async def read_store_files(
    remote: Remote, store_id: str, wanted: Sequence[str]
) -> dict[str, StoreFile]:
    """Every file of a store, by file id. One that is wanted and not listed is asked for by its id:
    a list may be late, or leave things out.
    """
    listed = await list_store_files(remote, store_id, wanted)
    missing = [id for id in wanted if id not in listed]
    found = await together(read_store_file(remote, store_id, id) for id in missing)
    return listed | {id: one for id, one in zip(missing, found, strict=True) if one is not None}


async def settled(
    remote: Remote,
    store_id: str,
    store_files: dict[str, StoreFile],
    is_old: Callable[[StoreFile], bool],
    until: float | None,
) -> dict[str, StoreFile]:
    """The same files once they show what was written to them, or once the service has had its time
    to show it: `until`, as it was before they were read.
    """
    old = [id for id, one in store_files.items() if is_old(one)] if until else []
    found = dict(store_files)
    async for _ in remote.settling.rounds(until):
        if not old:
            break
        if len(old) > _BY_READ:
            found.update(await list_store_files(remote, store_id, old))
        else:
            again = await together(read_store_file(remote, store_id, id) for id in old)
            found.update({one.id: one for one in again if one is not None})
        old = [id for id in old if is_old(found[id])]
    return found


def store_file(raw: Raw) -> StoreFile:
    """A file as the store shows it; what a server leaves out is empty, chunking that it does not
    tell is `other`.
    """
    attributes = _attributes(raw)
    mark, sha256 = stamp(attributes), attributes.get(SHA256)
    error = raw.get("last_error") or {}
    strategy = raw.get("chunking_strategy") or {}
    chunking: Any = "auto" if strategy.get("type") == "auto" else "other"
    if strategy.get("type") == "static":
        chunking = dict(strategy.get("static") or {})
    return StoreFile(
        str(raw["id"]),
        str(raw.get("status") or "completed"),
        {key: value for key, value in attributes.items() if key not in (Stamp.KEY, SHA256)},
        chunking,
        mark,
        sha256 if isinstance(sha256, str) else None,
        f"{error.get('code')}: {error.get('message')}" if error else None,
    )


def _attributes(raw: Raw) -> dict[str, Any]:
    """All that a file carries, our own marks included; a reply of another shape is an error."""
    check_reply("/vector_stores/…/files", raw, _SHAPES)
    return dict(raw.get("attributes") or {})


async def content(remote: Remote, store_id: str, file_id: str) -> str | None:
    """The text that a store has read out of a file; None where it shows none, or not all of it."""
    raw = await remote.get(_file(store_id, file_id, "content"))
    parts = raw.get("data")
    if not isinstance(parts, list) or raw.get("has_more"):
        return None
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    return "".join(texts) if texts and len(texts) == len(parts) else None


async def attach(remote: Remote, store_id: str, entries: Sequence[Attach]) -> dict[str, str]:
    """Put files into a store, up to 2000 a request. Returns why the service refused a file, by file
    id: one that it refuses keeps no other out.
    """
    groups = [entries[at : at + BATCH] for at in range(0, len(entries), BATCH)]
    refused = await together(_attach(remote, store_id, group) for group in groups)
    return {id: why for group in refused for id, why in group.items()}


async def update_attributes(
    remote: Remote,
    store_id: str,
    file_id: str,
    attributes: dict[str, Any],
    removed: Iterable[str] = (),
) -> StoreFile:
    """Write attributes, ours included; `removed` go, keys that somebody else wrote stay."""
    path = _file(store_id, file_id)
    live = _attributes(await remote.get(path))
    gone = set(removed)
    kept = {key: value for key, value in live.items() if key not in gone}
    raw = await remote.post(path, {"attributes": {**kept, **attributes}}, repeatable=True)
    return store_file({"id": file_id, **(raw if "attributes" in raw else await remote.get(path))})


def is_refusal(error: ServiceError) -> bool:
    """Whether the service has refused this one file, and may take the next one."""
    return error.status in (*_REFUSED, 404, 409) and not isinstance(error, RouteMissing)


async def release(remote: Remote, store_id: str, lock: LockState) -> None:
    """Take the marks of a lock off the files of a store that is not managed by it any more, unless
    that is gone.
    """
    try:
        held = await list_store_files(remote, store_id)
    except RouteMissing:
        return
    marked = [id for id, found in held.items() if found.stamp and lock.owns(found.stamp)]
    await together(release_file(remote, store_id, id, lock) for id in marked)


async def release_file(remote: Remote, store_id: str, file_id: str, lock: LockState) -> None:
    """Take our stamp and hash off a file in a store; attributes of others stay, and the stamp of
    another lock.
    """
    found = await read_store_file(remote, store_id, file_id)
    if found and found.stamp and lock.owns(found.stamp):
        await remote.post(
            _file(store_id, file_id), {"attributes": found.attributes}, repeatable=True
        )


async def detach(remote: Remote, store_id: str, file_id: str, patience: float = 30.0) -> None:
    """Take a file out of a store and wait until it is out; no error where it is not in it."""
    path = _file(store_id, file_id)
    await remote.delete(path)
    end, pause = time.monotonic() + patience, _Pause()
    while await remote.find(path) is not None:
        if time.monotonic() > end:
            remote.note(
                "Files that were taken out of a vector store are shown in it for a long time."
            )
            return
        await pause.sleep(None)


async def wait(
    remote: Remote,
    store_id: str,
    file_ids: Sequence[str],
    deadline: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, str | None]:
    """Wait until files are indexed, for at most `deadline` seconds. By file id: None for success,
    `in_progress`, or why it failed.
    """
    watch = _Watch(remote, store_id, list(dict.fromkeys(file_ids)))
    end, pause = time.monotonic() + deadline, _Pause()
    while True:
        after = await watch.look()
        if on_progress:
            on_progress(watch.done, len(watch.file_ids))
        if not watch.pending or time.monotonic() >= end:
            break
        await pause.sleep(after, end)
    return {id: watch.results.get(id, IN_PROGRESS) for id in watch.file_ids}


class _Pause:
    """Waits that grow, unless the service says when to ask again."""

    def __init__(self) -> None:
        self._next = 0.05

    async def sleep(self, after: float | None, end: float | None = None) -> None:
        seconds = min(max(after, 0.05), 10.0) if after is not None else self._next
        self._next = min(self._next * 1.5, 2.0)
        left = seconds if end is None else max(end - time.monotonic(), 0)
        await asyncio.sleep(min(seconds, left))


class _Watch:
    """Files on their way into a store. Few are asked for one by one; for many the counts of the
    store say when it is worth to look at each.
    """

    def __init__(self, remote: Remote, store_id: str, file_ids: list[str]) -> None:
        self.file_ids, self.results, self.done = file_ids, dict[str, str | None](), 0
        self._remote, self._store_id = remote, store_id
        self._rounds = 0

    @property
    def pending(self) -> list[str]:
        return [id for id in self.file_ids if id not in self.results]

    async def look(self) -> float | None:
        """Ask once more; returns the seconds that the service wants to be left alone, if it says
        so.
        """
        self._rounds += 1
        after = None
        if len(self.pending) > _BY_ID:
            store, after = await self._remote.poll(route("/vector_stores", self._store_id))
            busy = number(counts(store), IN_PROGRESS)
            self.done = max(self.done, len(self.file_ids) - busy)
            if busy and self._rounds % _RECOUNT:
                return after
        pending = self.pending
        if len(pending) <= _BY_READ:
            store_files = await together(
                read_store_file(self._remote, self._store_id, id) for id in pending
            )
            found = {
                id: one for id, one in zip(pending, store_files, strict=True) if one is not None
            }
        else:
            found = await read_store_files(self._remote, self._store_id, pending)
        for id in pending:
            one = found.get(id)
            if one is None:
                self.results[id] = "the file is not in the store"
            elif one.status == "completed":
                self.results[id] = None
            elif one.status != IN_PROGRESS:
                self.results[id] = one.error or one.status
        self.done = len(self.results)
        return after


async def _attach(remote: Remote, store_id: str, entries: Sequence[Attach]) -> dict[str, str]:
    try:
        if not await _send(remote, store_id, entries):
            return await _one_by_one(remote, store_id, await _left(remote, store_id, entries))
    except ReplyLost:
        # Nobody knows whether the request was carried out: what the store does not show is
        # attached once more, and one by one where nobody knows it then either.
        left = await _left(remote, store_id, entries)
        try:
            if not left or await _send(remote, store_id, left):
                return {}
        except ReplyLost:
            if len(left) == 1:
                raise
        return await _one_by_one(remote, store_id, await _left(remote, store_id, left))
    except ServiceError as error:
        if not isinstance(error, RouteMissing) and error.status not in _REFUSED:
            raise
        return await _apart(remote, store_id, entries, error)
    return {}


async def _left(remote: Remote, store_id: str, entries: Sequence[Attach]) -> list[Attach]:
    """What the store does not show."""
    held = await list_store_files(remote, store_id, [entry.file_id for entry in entries])
    return [entry for entry in entries if entry.file_id not in held]


async def _one_by_one(remote: Remote, store_id: str, entries: Sequence[Attach]) -> dict[str, str]:
    """Attach each by itself, at a service that takes no batches."""
    parts = await together(_attach(remote, store_id, [entry]) for entry in entries)
    refused = {id: why for part in parts for id, why in part.items()}
    if len(refused) < len(entries):
        remote.note(
            "Files cannot be attached in batches here (`file_batches`); they are attached one by"
            " one."
        )
    return refused


async def _apart(
    remote: Remote, store_id: str, entries: Sequence[Attach], error: ServiceError
) -> dict[str, str]:
    """Attach in smaller parts what was refused as a whole."""
    if await remote.find(route("/vector_stores", store_id)) is None:
        raise error
    if len(entries) == 1:
        return {entries[0].file_id: error.problems[0].detail}
    if not isinstance(error, RouteMissing) and error.code != "missing_required_parameter":
        half = len(entries) // 2
        parts = await together(
            _attach(remote, store_id, part) for part in (entries[:half], entries[half:])
        )
        return parts[0] | parts[1]
    refused = await _one_by_one(remote, store_id, entries)
    if len(refused) == len(entries):
        raise error
    return refused


async def _send(remote: Remote, store_id: str, entries: Sequence[Attach]) -> bool:
    """Send one request for all of them; False where the service says that it has put none into its
    batch.
    """
    if len(entries) == 1:
        taken = True
        await remote.post(_files(store_id), _wire(entries[0]))
    else:
        body = {"files": [_wire(entry) for entry in entries]}
        batch = await remote.post(route("/vector_stores", store_id, "file_batches"), body)
        taken = counts(batch).get("total") != 0
    if taken:
        remote.settling.wrote(*(f"{store_id}/{entry.file_id}" for entry in entries))
    return taken


def _wire(entry: Attach) -> dict[str, Any]:
    auto = entry.chunking in (None, "auto", "other")
    chunking = {"type": "auto"} if auto else {"type": "static", "static": entry.chunking}
    return {"file_id": entry.file_id, "attributes": entry.attributes, "chunking_strategy": chunking}


def _files(store_id: str) -> str:
    return route("/vector_stores", store_id, "files")


def _file(store_id: str, file_id: str, *more: str) -> str:
    return route("/vector_stores", store_id, "files", file_id, *more)
