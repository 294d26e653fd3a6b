"""The files of one vector store brought to what the plan says: a new version is in before the old
one goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any

from provisioner.apply.run import Run
from provisioner.apply.verifying import verify_upload
from provisioner.diff import join, same
from provisioner.errors import ProvisionerError, ServiceError
from provisioner.kinds.vector_store import store_files as service
from provisioner.kinds.vector_store.fields import chunks
from provisioner.model import (
    LEAVING,
    QUIET,
    Action,
    Address,
    Event,
    Fields,
    Locked,
    Problem,
    Stamp,
    StoreFile,
    StoreFileChange,
)
from provisioner.plan.store_files import attribute_keys, by_store_file, store_file_of
from provisioner.records import dataclass
from provisioner.remote import together

PUTTING = ("attach", "replace")
_UNSTAMPED = (
    "The service does not keep our stamp on the files of vector stores, so that the lock alone"
    " knows which of them are ours: without it `state rebuild` does not find them."
)


@dataclass
class Sync:
    """One store while its files change. `held` is what its lock entry will say."""

    run: Run
    store: Address
    items: tuple[StoreFileChange, ...]
    held: dict[str, Fields]
    unkept: dict[str, Any]
    unsure: dict[str, list[str]]  # path -> what is written for it and was not seen to be so yet
    ids: dict[str, str] = field(default_factory=dict)  # path -> the file id that is wanted now
    written: list[StoreFileChange] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.run.entries[self.store].id or ""

    @property
    def before(self) -> Locked | None:
        return self.run.state.resources.get(self.store)

    @cached_property
    def begun(self) -> dict[str, frozenset[str]]:
        """What an earlier apply was about to write, by path."""
        return by_store_file(self.before.resetting if self.before else ())

    def holds(self, item: StoreFileChange, id: str) -> None:
        """Take note that the service has done what it was asked for."""
        self.held[item.path] = _item(self, item, id)
        self.written.append(item)

    def problem(
        self, item: StoreFileChange, summary: str, detail: str, hint: str | None = None
    ) -> None:
        self.run.left_out.add((self.store, item.path))
        if item.file:
            self.run.broken.setdefault(item.file, set()).add(self.store)
        self.run.problem(item.file or self.store, None, Problem(summary, detail, hint))


async def sync(run: Run, store: Address, items: Iterable[StoreFileChange]) -> bool:
    """Attach, update and detach; False when the store holds none of the files that it should."""
    entry = run.entries[store]
    state = Sync(
        run,
        store,
        items=tuple(items),
        held=dict(entry.files),
        unkept=dict(entry.unkept),
        unsure={},
    )
    state.unsure = {item.path: units for item in state.items if (units := _units(state, item))}
    number = await run.intent(store, "files", wrote=_sorted(state.unsure))
    try:
        await _update(state)
        await _attach(state)
        leaving = [item for item in state.items if item.action in LEAVING]
        await together(_detach_one(state, item) for item in leaving)
        await _read_back(state)
    except ProvisionerError as error:
        run.fail(store, Action.UPDATE, error)
        await _record(state, number)
        # No old version may be deleted on the strength of a store that was not brought to its end.
        for item in state.items:
            held = state.held.get(item.path, {}).get("id") == state.ids.get(item.path, "")
            if item.file and item.action in PUTTING and not held:
                run.broken.setdefault(item.file, set()).add(store)
        return False
    await _record(state, number)
    wanted = [item for item in state.items if item.action in PUTTING]
    return not wanted or bool(state.held)


def _units(state: Sync, item: StoreFileChange) -> list[str]:
    """What is about to be written for a file: where it takes the place of another version, that
    place as well.
    """
    if item.action in QUIET or item.action in LEAVING:
        return []
    path = join("files", item.path)
    place = [path] if item.action == "replace" else []
    cut = [f"{path}.chunking"] if item.gap else []
    keys = sorted({*_declared(state, item), *_removed(state, item)})
    return [*place, *cut, *(join(f"{path}.attributes", key) for key in keys)]


def _sorted(units: Mapping[str, list[str]]) -> list[str]:
    return sorted(unit for some in units.values() for unit in some)


async def _record(state: Sync, number: int) -> None:
    """What became of the store. What was written and not seen is ours all the same: no hand has
    edited it, and it is reset where nobody wants it any more.
    """
    entry = state.run.entries[state.store]
    files = dict(sorted(state.held.items()))
    fields = {**entry.fields, "files": files} if files or "files" in entry.fields else entry.fields
    own = [path for path in entry.resetting if store_file_of(path) is None]
    reset = [
        path
        for path, record in state.unkept.items()
        if store_file_of(path) and record["sent"] is None
    ]
    resetting = tuple(dict.fromkeys([*own, *_sorted(state.unsure), *reset]))
    # Files of which the store holds one of its own: it goes when the store has a new version.
    also: dict[Address, Locked | None] = {}
    for item in state.items:
        one = state.run.entries.get(item.file) if item.taken and item.file else None
        if one and item.old_id and item.old_id not in (one.id, *one.deposed):
            also[one.address] = replace(one, deposed=(*one.deposed, item.old_id))
    await state.run.record(
        number,
        state.store,
        entry=replace(entry, fields=fields, unkept=state.unkept, resetting=resetting),
        also=also,
    )


def _unsent(state: Sync) -> tuple[str, ...]:
    """The actions that the lock alone learns of."""
    return ("adopt", "update") if state.store in state.run.unstamped else ("adopt",)


async def _update(state: Sync) -> None:
    quiet = _unsent(state)
    for item in state.items:
        if item.action in quiet and item.old_id:
            state.holds(item, item.old_id)
            state.unsure.pop(item.path, None)
    items = [
        (item, item.old_id)
        for item in state.items
        if item.action == "update" and item.old_id and item.action not in quiet
    ]
    await together(_update_one(state, item, id) for item, id in items)


async def _update_one(state: Sync, item: StoreFileChange, id: str) -> None:
    """Write the attributes of one file. What the service refuses for this one keeps no other from
    being written.
    """
    attributes, removed = _attributes(state, item), _removed(state, item)
    try:
        await service.update_attributes(
            state.run.remote, state.id, file_id=id, attributes=attributes, removed=removed
        )
    except ServiceError as error:
        if not service.is_refusal(error):
            raise
        state.unsure.pop(item.path, None)
        said = (
            f"The attributes of `{item.path}` in `{state.store}` stay as they were:"
            f" {error.problems[0].detail}"
        )
        state.problem(item, "Attributes refused", said, error.problems[0].hint)
    else:
        state.holds(item, id)


def _declared(state: Sync, item: StoreFileChange) -> dict[str, Any]:
    """The author's attributes of a file, without what others have written beside them."""
    change = state.run.change(state.store)
    wanted = ((change.after or {}).get("files") or {}).get(item.path) if change else None
    attributes = (wanted or state.held.get(item.path) or {}).get("attributes") or {}
    return {key: value for key, value in attributes.items() if value is not None}


def _removed(state: Sync, item: StoreFileChange) -> set[str]:
    """Keys that we wrote once and that nobody wants any more."""
    if state.before is None:
        return set()
    files = state.before.files
    ours = set(files.get(item.path, {}).get("attributes") or {})
    ours |= attribute_keys(state.begun.get(item.path, ()))
    return ours - set(item.attributes)


async def _attach(state: Sync) -> None:
    items = [item for item in state.items if item.action in PUTTING and _ready(state, item)]
    waited = [
        item for item in state.items if item.action in ("wait", "verify") and _ready(state, item)
    ]
    if not items and not waited:
        return
    for item in items:
        if item.gap and item.old_id:  # the same object can be in a store only once
            await service.detach(state.run.remote, state.id, item.old_id)
            state.held.pop(item.path, None)
    doubtful = [
        item
        for item in (*items, *waited)
        if item.file and not state.run.entries[item.file].verified
    ]
    entries = [
        service.Attach(state.ids[item.path], _attributes(state, item), item.chunking)
        for item in items
    ]
    outcome: dict[str, str | None] = {**await service.attach(state.run.remote, state.id, entries)}
    accepted = [entry.file_id for entry in entries if entry.file_id not in outcome]
    accepted += [state.ids[item.path] for item in waited]
    outcome |= await service.wait(
        state.run.remote,
        state.id,
        file_ids=accepted,
        deadline=state.run.deadline,
        on_progress=_progress(state),
    )
    outcome |= await _verify(
        state, [item for item in doubtful if outcome[state.ids[item.path]] is None]
    )
    outcomes = [(item, outcome[state.ids[item.path]]) for item in (*items, *waited)]
    for item, error in outcomes:
        _take_note(state, item, error)
    await together(_clear_up(state, item, error) for item, error in outcomes)


async def _verify(state: Sync, doubtful: list[StoreFileChange]) -> dict[str, str | None]:
    """Compare what was found instead of made; ours is marked with its hash, and what is not ours is
    put in anew.
    """
    run = state.run
    anew: list[service.Attach] = []
    for item in doubtful:
        assert item.file
        id = await verify_upload(run, state.id, item.file, state.ids[item.path])
        if id != state.ids[item.path]:
            state.ids[item.path] = id
            anew.append(service.Attach(id, _attributes(state, item), item.chunking))
        elif run.entries[item.file].verified:
            await service.update_attributes(run.remote, state.id, id, _attributes(state, item))
    if not anew:
        return {}
    refused = await service.attach(run.remote, state.id, anew)
    accepted = [entry.file_id for entry in anew if entry.file_id not in refused]
    return {**refused, **await service.wait(run.remote, state.id, accepted, run.deadline)}


def _ready(state: Sync, item: StoreFileChange) -> bool:
    """Whether there is an object to attach; where there is none, its own upload has said why."""
    id = item.old_id
    if item.file:
        entry = state.run.entries.get(item.file)
        id = entry.id if entry and state.run.uploaded(item.file) else None
    if not id:
        state.run.left_out.add((state.store, item.path))
        state.unsure.pop(item.path, None)
        return False
    state.ids[item.path] = id
    return True


def _take_note(state: Sync, item: StoreFileChange, error: str | None) -> None:
    """Take note of one file: indexed, not finished in time, or failed."""
    if error is None:
        state.holds(item, state.ids[item.path])
    elif error == service.IN_PROGRESS:
        state.holds(item, state.ids[item.path])
        if item.file:
            state.run.indexing.add(item.file)
        minutes = state.run.deadline / 60
        hint = "nothing is lost: the next apply goes on waiting and uploads nothing again"
        state.problem(
            item,
            "Still indexing",
            f"`{item.path}` is not indexed after {minutes:.0f} minutes.",
            hint,
        )
    else:
        kept = " The old version stays." if item.action == "replace" and not item.gap else ""
        state.problem(
            item,
            "Indexing failed",
            f"`{item.path}` could not be indexed in `{state.store}`: {error}.{kept}",
        )


async def _clear_up(state: Sync, item: StoreFileChange, error: str | None) -> None:
    """Take out the version that is not the one to stay; a new one that is not indexed yet replaces
    none.
    """
    id = state.ids[item.path]
    if error not in (None, service.IN_PROGRESS):
        await service.detach(state.run.remote, state.id, id)
        state.unsure.pop(item.path, None)
    elif error is None and item.old_id and item.old_id != id:
        await service.detach(state.run.remote, state.id, item.old_id)


async def _detach_one(state: Sync, item: StoreFileChange) -> None:
    try:
        if item.action == "detach" and item.old_id:
            await service.detach(state.run.remote, state.id, item.old_id)
    except ServiceError as error:
        if not service.is_refusal(error):
            raise
        if item.old_id:
            state.run.stuck.add(item.old_id)
        said = f"`{item.path}` stays in `{state.store}`: {error.problems[0].detail}"
        state.problem(item, "Not taken out", said, error.problems[0].hint)
    else:
        state.held.pop(item.path, None)


async def _read_back(state: Sync) -> None:
    """What the service made of attributes and chunking; the replies to batches do not say."""
    if not state.written:
        return
    written = [state.held[item.path]["id"] for item in state.written]
    until = state.run.remote.settling.doubted(f"{state.id}/{id}" for id in written)
    store_files = await service.read_store_files(state.run.remote, state.id, written)
    store_files |= await _rewritten(state, store_files)
    store_files = await service.settled(
        state.run.remote, state.id, store_files=store_files, is_old=_shown_old(state), until=until
    )
    shown = [
        (item, store_files[id])
        for item in state.written
        if (id := state.held[item.path]["id"]) in store_files
    ]
    again = {item.path for item, _ in shown}
    state.unkept = {
        path: record for path, record in state.unkept.items() if store_file_of(path) not in again
    }
    for item, store_file in shown:
        state.unsure.pop(item.path, None)
        state.unkept |= _unkept(state, item, store_file)
        sent = item.action not in (*QUIET, *_unsent(state))
        if sent and store_file.stamp != state.run.stamp(item.path):
            state.run.remote.note(_UNSTAMPED)


async def _rewritten(state: Sync, store_files: Mapping[str, StoreFile]) -> dict[str, StoreFile]:
    """What was attached though the store had it already, from an apply that was stopped: that
    changes nothing, so its attributes are written by themselves.
    """
    is_old = _shown_old(state)
    candidates = [
        (item, store_files.get(state.held[item.path]["id"]))
        for item in state.written
        if item.action in PUTTING
    ]
    written = await together(
        service.update_attributes(
            state.run.remote,
            state.id,
            file_id=store_file.id,
            attributes=_attributes(state, item),
            removed=_removed(state, item),
        )
        for item, store_file in candidates
        if store_file and is_old(store_file)
    )
    return {store_file.id: store_file for store_file in written}


def _shown_old(state: Sync) -> Callable[[StoreFile], bool]:
    """Whether the service shows a file as it was before this apply has written its attributes."""
    lock, written = state.run.state, {state.held[item.path]["id"] for item in state.written}

    def is_old(store_file: StoreFile) -> bool:
        mark = store_file.stamp
        return (
            store_file.id in written
            and mark is not None
            and lock.owns(mark)
            and mark.serial <= lock.serial
        )

    return is_old


def _unkept(state: Sync, item: StoreFileChange, store_file: StoreFile) -> dict[str, Any]:
    prefix = join("files", item.path)
    wanted = {**_declared(state, item), **dict.fromkeys(_removed(state, item))}
    sent = {join(f"{prefix}.attributes", key): value for key, value in wanted.items()}
    got = {join(f"{prefix}.attributes", key): value for key, value in store_file.attributes.items()}
    if store_file.chunking != "other":
        sent[f"{prefix}.chunking"] = chunks(item.chunking)
        got[f"{prefix}.chunking"] = chunks(store_file.chunking)
    # Else a move would be written again and again.
    if store_file.stamp and store_file.stamp.address != item.path:
        mark = join(f"{prefix}.attributes", Stamp.KEY)
        sent[mark], got[mark] = item.path, store_file.stamp.address
    return {
        path: {"sent": value, "got": got.get(path)}
        for path, value in sent.items()
        if not same(value, got.get(path))
    }


def _attributes(state: Sync, item: StoreFileChange) -> dict[str, Any]:
    """The author's attributes with our two: the stamp, and the hash that no reply ever tells."""
    run = state.run
    entry = run.entries.get(item.file) if item.file else None
    ours: dict[str, Any] = {Stamp.KEY: str(run.stamp(item.path))}
    if entry and item.verified and (entry.verified or item.taken):
        ours["sha256"] = entry.fields["sha256"]
    return {**item.attributes, **ours}


def _item(state: Sync, item: StoreFileChange, id: str) -> Fields:
    """The lock's record of one held file: as declared, with its id and hash."""
    change = state.run.change(state.store)
    declared = ((change.after or {}).get("files") or {}).get(item.path) if change else None
    before = {
        key: value
        for key, value in state.held.get(item.path, {}).items()
        if key not in ("sha256", "taken")
    }
    record = {**(declared if declared is not None else before), "id": id}
    entry = state.run.entries.get(item.file) if item.file else None
    if entry is None:
        return record
    return {**record, "sha256": entry.fields["sha256"], **({"taken": True} if item.taken else {})}


def _progress(state: Sync) -> Any:
    def report(done: int, total: int) -> None:
        state.run.on_event(
            Event("progress", state.store, detail="indexing", done=done, total=total)
        )

    return report
