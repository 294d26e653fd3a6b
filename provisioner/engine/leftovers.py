"""What checks make at the service for a while: recorded before it is there, deleted afterwards, and
if the process was killed, by the next run.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

from provisioner import disk, jsontext
from provisioner.conversation.sessions import SESSIONS, delete_session
from provisioner.errors import ReplyLost, ServiceError
from provisioner.model import Stamp
from provisioner.records import dataclass
from provisioner.remote import Remote, together
from provisioner.remote.client import Object
from provisioner.text import listed

_T = TypeVar("_T")

FOLDER = f"{disk.OURS}/checks"
PATIENCE = 20.0  # seconds for the reply to what was on its way when the run was stopped
_THREADS, _RESPONSES, _FILES, _STORES = "/threads", "/responses", "/files", "/vector_stores"
_ASSISTANTS, _AGENTS = "/assistants", "/agents"
# What is made with metadata, and what can be found again without an id.
_MARKED = (_THREADS, "/conversations", _STORES, _ASSISTANTS, _AGENTS, SESSIONS)
_LISTED = (_FILES, _STORES, SESSIONS, _ASSISTANTS, _AGENTS)


@dataclass(slots=True)
class Leftover:
    """One object, from before it is made until it is gone. Without an id nobody knows whether it
    was made.
    """

    number: int
    collection: str  # `/threads`
    about: str  # whom it is for: `assistant.support#vacation`
    traces: Mapping[str, Any] = field(default_factory=dict)  # what it can be found by
    id: str | None = None

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.id}"

    @property
    def noun(self) -> str:
        return self.collection.rpartition("/")[2].removesuffix("s").replace("_", " ")


class Leftovers:
    """What one run has made and not deleted yet, in a file that belongs to it while it lives."""

    def __init__(self, path: Path, fd: int, service: str) -> None:
        self.run = path.stem
        self._path, self._fd = path, fd
        self._open: dict[int, Leftover] = {}
        self._count = 0
        self._write({"service": service, "at": round(time.time())})

    def intend(self, collection: str, about: str, **traces: Any) -> Leftover:
        """Take note, durably, that something is about to be made."""
        self._count += 1
        one = self._open[self._count] = Leftover(self._count, collection, about, traces)
        record = {"make": one.number, "in": collection, "about": about, "traces": traces}
        self._write(record)
        return one

    def made(self, one: Leftover, id: str) -> None:
        """Take note, durably, that it is there."""
        one.id = id
        self._write({"made": one.number, "id": id})

    def gone(self, one: Leftover) -> None:
        """Take note that it is not there, or not any more."""
        if self._open.pop(one.number, None):
            self._write({"gone": one.number}, durable=False)

    def gone_path(self, path: str) -> None:
        """The same, of what is at a path."""
        for one in [one for one in self._open.values() if one.id and one.path == path]:
            self.gone(one)

    async def make(self, one: Leftover, create: Callable[[], Awaitable[Object]]) -> Object:
        """Send what makes it; its id is durable before anything else is done. If the run is stopped
        meanwhile, the reply is waited for.
        """
        return await self._noted(one, create(), lambda made: self.made(one, str(made["id"])))

    async def begun(self, one: Leftover, events: AsyncGenerator[Any]) -> Any:
        """The same of what a stream makes: its first event."""
        return await self._noted(one, anext(events, None), lambda event: self.seen(one, event))

    def seen(self, one: Leftover, event: Any) -> None:
        """Take note of the response or session that an event tells of, if it is kept."""
        made = getattr(event, "response", None) or getattr(event, "session", None)
        if made is None or one.id is not None:
            return
        if getattr(made, "store", None) is False:
            self.gone(one)
        else:
            self.made(one, str(made.id))

    async def _noted(self, one: Leftover, reply: Awaitable[_T], note: Callable[[_T], None]) -> _T:
        async def noted() -> _T:
            made = await reply
            note(made)
            return made

        task = asyncio.create_task(noted())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            with contextlib.suppress(ServiceError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await task
            raise
        except ReplyLost:
            raise
        except ServiceError:
            self.gone(one)
            raise

    async def clear(self, remote: Remote) -> list[str]:
        """Delete what is left; what there is to say of it."""
        notes: list[str] = []
        for one in await clear(remote, list(self._open.values()), notes):
            self.gone(one)
        return notes

    def close(self) -> None:
        """Give the file back; it stays for the next run where something is left."""
        if not self._open:
            disk.remove(self._path)
        os.close(self._fd)

    def _write(self, record: Mapping[str, Any], *, durable: bool = True) -> None:
        disk.write(self._fd, json.dumps(record, ensure_ascii=False).encode() + b"\n")
        if durable:
            os.fsync(self._fd)


class Recorded(Remote):
    """The same service, where whatever is made for a check is marked and recorded."""

    def __init__(self, inner: Remote, left: Leftovers, about: str, mark: str) -> None:
        self.__dict__.update(inner.__dict__)
        self._left, self._about, self._mark = left, about, mark

    async def post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> Object:
        kept = body.get("store") is not False
        if repeatable or path not in (*_MARKED, _RESPONSES) or (path == _RESPONSES and not kept):
            return await super().post(path, body, repeatable=repeatable)
        sent = self.marked(body) if path in _MARKED else body
        one = self._left.intend(path, self._about, mark=self._mark)
        return await self._left.make(one, lambda: Remote.post(self, path, sent))

    async def stream(
        self,
        path: str,
        ask: Callable[[Any], Awaitable[Any]],
        body: Mapping[str, Any] | None = None,
        method: str = "POST",
    ) -> AsyncGenerator[Any]:
        """Of a response that the service keeps, and of a session, the id is taken down with its
        first event.
        """
        async with aclosing(super().stream(path, ask, body, method)) as events:
            if path not in (_RESPONSES, SESSIONS):
                async for event in events:
                    yield event
                return
            one = self._left.intend(path, self._about, mark=self._mark)
            event = await self._left.begun(one, events)
            while event is not None:
                yield event
                event = await anext(events, None)
                self._left.seen(one, event)

    def marked(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "metadata": {**(body.get("metadata") or {}), Stamp.KEY: self._mark}}

    async def find(self, path: str) -> Object | None:
        """A thread tells which stores the service has made for what was attached to it."""
        found = await super().find(path)
        for store in _stores_of(found or {}) if path.startswith(_THREADS) else ():
            self._left.made(self._left.intend(_STORES, self._about), store)
        return found

    async def delete(self, path: str) -> None:
        await super().delete(path)
        self._left.gone_path(path)


@contextlib.contextmanager
def recording(root: Path, environment: str, service: str) -> Iterator[Leftovers]:
    """The record of a new run."""
    folder = root / FOLDER / environment
    disk.make_folder(folder)
    path = folder / f"{secrets.token_hex(4)}.jsonl"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    disk.sync_folder(folder)
    left = Leftovers(path, fd, service)
    try:
        yield left
    finally:
        left.close()


async def sweep(root: Path, environment: str, service: str, remote: Remote) -> list[str]:
    """Delete what runs have left that are not alive any more; what there is to say of it."""
    notes: list[str] = []
    for path in sorted((root / FOLDER / environment).glob("*.jsonl")):
        with _owned(path) as owned:
            found = _read(path) if owned else None
            if found is None or (found[0] or service) != service:
                continue
            over = await clear(remote, found[1], notes)
            if len(over) == len(found[1]):
                disk.remove(path)
    return notes


@contextlib.contextmanager
def _owned(path: Path) -> Iterator[bool]:
    """Whether the run that a record belongs to is over; nobody else takes it meanwhile."""
    try:
        fd = disk.open_file(path)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        yield False
        return
    try:
        yield True
    finally:
        os.close(fd)


def _read(path: Path) -> tuple[str | None, list[Leftover]] | None:
    """The service of a record, and what is open in it. A line that was not written to its end says
    nothing: what it was about had not begun.
    """
    try:
        lines = disk.read(path, disk.LARGEST).splitlines()
    except OSError:
        return None
    service: str | None = None
    left: dict[int, Leftover] = {}
    for line in lines:
        with contextlib.suppress(jsontext.Unreadable, KeyError, TypeError, AttributeError):
            record = jsontext.read(line)
            service = record.get("service", service)
            if "make" in record:
                about, traces = str(record["about"]), dict(record["traces"])
                left[record["make"]] = Leftover(
                    record["make"], str(record["in"]), about, traces=traces
                )
            elif "made" in record:
                left[record["made"]].id = str(record["id"])
            elif "gone" in record:
                left.pop(record["gone"])
    return service, list(left.values())


async def clear(remote: Remote, left: Iterable[Leftover], notes: list[str]) -> list[Leftover]:
    """Delete these; those that nothing more has to be done about."""
    left = list(left)
    known = [one for one in left if one.id is not None]
    unknown = [one for one in left if one.id is None]
    deleted = await together(_delete(remote, one, notes) for one in known)
    over = [one for one, gone in zip(known, deleted, strict=True) if gone]
    for collection in _LISTED:
        lost = [one for one in unknown if one.collection == collection]
        if lost and await _delete_lost(remote, collection, lost, notes):
            over += lost
    lost = [one for one in unknown if one.collection not in _LISTED]
    notes += _said_of_lost(lost)
    return over + lost


def _said_of_lost(lost: Iterable[Leftover]) -> Iterator[str]:
    """What may be there still, and cannot be found."""
    by_noun: dict[str, list[str]] = {}
    for one in lost:
        by_noun.setdefault(one.noun, []).append(f"`{one.about}`")
    for noun, about in by_noun.items():
        it = "it" if noun == "response" else "it is empty, and"
        yield (
            f"A {noun} for {listed(about)} was being made when the run was stopped. If it was made,"
            f" {it} stays: the service has no list to find it in."
        )


async def _delete(remote: Remote, one: Leftover, notes: list[str]) -> bool:
    stores: list[str] = []
    try:
        if one.collection == _THREADS:
            stores = _stores_of(await remote.find(one.path) or {})
        for store in stores:
            await remote.delete(f"{_STORES}/{store}")
        await _delete_one(remote, one.collection, one.path)
    except ServiceError as error:
        notes.append(
            f"The {one.noun} `{one.id}` of `{one.about}` could not be deleted; the next run tries"
            f" again. {error.problems[0].detail}"
        )
        return False
    return True


async def _delete_one(remote: Remote, collection: str, path: str) -> None:
    await (delete_session(remote, path) if collection == SESSIONS else remote.delete(path))


def _stores_of(thread: Object) -> list[str]:
    """The stores of a thread of ours. The service has made them for what was attached: we name
    none.
    """
    held = (thread.get("tool_resources") or {}).get("file_search") or {}
    return list(held.get("vector_store_ids") or ())


async def _delete_lost(
    remote: Remote, collection: str, lost: Iterable[Leftover], notes: list[str]
) -> bool:
    """Delete what nobody knows the ids of, and what can be told from everything else."""
    looks, marks = (
        (_looks_of_file, {_mark_of_file(one.traces) for one in lost})
        if collection == _FILES
        else (_mark_of, {one.traces.get("mark") for one in lost})
    )
    queries: list[dict[str, Any]] = [{}]
    if collection == SESSIONS:  # of which a service has far too many to look at each
        queries = [{f"metadata[{Stamp.KEY}]": mark} for mark in marks]
    try:
        for query in queries:
            for raw in await remote.list(collection, **query):
                if looks(raw) in marks:
                    await _delete_one(remote, collection, f"{collection}/{raw['id']}")
    except ServiceError as error:
        what = collection.strip("/").replace("_", " ")
        notes.append(f"The {what} of a run could not be looked for. {error.problems[0].detail}")
        return False
    return True


def _mark_of(raw: Object) -> Any:
    return (raw.get("metadata") or {}).get(Stamp.KEY)


def _looks_of_file(raw: Object) -> Any:
    """Name, size, and the odd number of seconds after which it expires."""
    seconds = (raw.get("expires_at") or 0) - (raw.get("created_at") or 0)
    return raw.get("filename"), raw.get("bytes"), seconds


def _mark_of_file(traces: Mapping[str, Any]) -> Any:
    return traces.get("filename"), traces.get("bytes"), traces.get("seconds")


def odd_seconds() -> int:
    """How long an upload of a check lives at most: between one hour and a day, no two alike."""
    return 3600 + secrets.randbelow(82_800)
