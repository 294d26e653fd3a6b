"""The files of one vector store brought to what the plan says: a new version is in before the old one goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.apply.run import Run
from provisioner.apply.verifying import settle_doubt
from provisioner.diff import join, same
from provisioner.errors import ProvisionerError
from provisioner.kinds.vector_store import members as service
from provisioner.kinds.vector_store.form import chunks
from provisioner.model import LEAVING, Action, Address, Attachment, Event, Fields, Locked, Member, Problem, Stamp
from provisioner.remote import together


@dataclass
class Sync:
    """One store while its files change. `held` is what its lock entry will say."""

    run: Run
    store: Address
    items: tuple[Attachment, ...]
    held: dict[str, Fields]
    ids: dict[str, str] = field(default_factory=dict)  # path -> the file id that is wanted now
    failed: set[str] = field(default_factory=set)  # paths

    @property
    def id(self) -> str:
        return self.run.entries[self.store].id or ""

    def problem(self, item: Attachment, summary: str, detail: str, hint: str | None = None) -> None:
        self.failed.add(item.path)
        if item.file:
            self.run.broken.setdefault(item.file, set()).add(self.store)
        self.run.problem(item.file or self.store, None, Problem(summary, detail, hint))


async def sync(run: Run, store: Address, items: Iterable[Attachment]) -> bool:
    """Attach, update and detach; False when the store holds none of the files that it should."""
    entry = run.entries[store]
    state = Sync(run, store, tuple(items), dict(entry.fields.get("files") or {}))
    number = await run.intent(store, "files")
    try:
        await _update(state)
        await _attach(state)
        await _detach(state)
        unkept = await _read_back(state)
    except ProvisionerError as error:
        run.fail(store, Action.UPDATE, error)
        _record(state, number, entry.unkept)
        _give_up(state)
        return False
    _record(state, number, unkept)
    wanted = [item for item in state.items if item.action in ("attach", "replace")]
    return not wanted or bool(state.held)


def _record(state: Sync, number: int, unkept: dict[str, Any]) -> None:
    entry = state.run.entries[state.store]
    files = dict(sorted(state.held.items()))
    fields = {**entry.fields, "files": files} if files or "files" in entry.fields else entry.fields
    state.run.record(number, state.store, replace(entry, fields=fields, unkept=unkept), _also(state))


def _also(state: Sync) -> dict[Address, Locked | None]:
    """Files of which the store holds a document of its own: it goes when the store has a new version."""
    found: dict[Address, Locked | None] = {}
    for item in state.items:
        entry = state.run.entries.get(item.file) if item.taken and item.file else None
        if entry and item.old_id and item.old_id not in (entry.id, *entry.deposed):
            found[entry.address] = replace(entry, deposed=(*entry.deposed, item.old_id))
    return found


def _give_up(state: Sync) -> None:
    """The store could not be brought to its end: no old version may be deleted on the strength of it."""
    for item in state.items:
        if item.file and item.action in ("attach", "replace") and not _holds(state, item):
            state.run.broken.setdefault(item.file, set()).add(state.store)


def _holds(state: Sync, item: Attachment) -> bool:
    return state.held.get(item.path, {}).get("id") == state.ids.get(item.path, "")


async def _update(state: Sync) -> None:
    items = [(item, item.old_id) for item in state.items if item.action == "update" and item.old_id]
    await together(
        service.update_attributes(state.run.remote, state.id, id, _attributes(state, item), _removed(state, item))
        for item, id in items
    )
    adopted = [(item, item.old_id) for item in state.items if item.action == "adopt" and item.old_id]
    for item, id in (*items, *adopted):
        state.held[item.path] = _item(state, item, id)


def _removed(state: Sync, item: Attachment) -> set[str]:
    """Keys that we wrote once and that nobody wants any more."""
    before = state.run.state.resources.get(state.store)
    files = (before.fields.get("files") or {}) if before else {}
    return set(files.get(item.path, {}).get("attributes") or {}) - set(item.attributes)


async def _attach(state: Sync) -> None:
    items = [item for item in state.items if item.action in ("attach", "replace") and _ready(state, item)]
    waited = [item for item in state.items if item.action == "wait" and _ready(state, item)]
    if not items and not waited:
        return
    for item in items:
        if item.gap and item.old_id:  # the same object can be in a store only once
            await service.detach(state.run.remote, state.id, item.old_id)
    doubtful = [item for item in (*items, *waited) if item.file and not state.run.entries[item.file].verified]
    entries = [service.Attach(state.ids[item.path], _attributes(state, item), item.chunking) for item in items]
    outcome: dict[str, str | None] = {**await service.attach(state.run.remote, state.id, entries)}
    accepted = [entry.file_id for entry in entries if entry.file_id not in outcome]
    accepted += [state.ids[item.path] for item in waited]
    outcome |= await service.wait(state.run.remote, state.id, accepted, state.run.deadline, _progress(state))
    outcome |= await _verify(state, [item for item in doubtful if outcome[state.ids[item.path]] is None])
    for item in (*items, *waited):
        await _indexed(state, item, outcome[state.ids[item.path]])


async def _verify(state: Sync, doubtful: list[Attachment]) -> dict[str, str | None]:
    """Compare what was found instead of made; ours is marked with its hash, and what is not ours is put in anew."""
    run = state.run
    anew: list[service.Attach] = []
    for item in doubtful:
        assert item.file
        id = await settle_doubt(run, state.id, item.file, state.ids[item.path])
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


def _ready(state: Sync, item: Attachment) -> bool:
    """Whether there is an object to attach; where there is none, its own upload has said why."""
    entry = state.run.entries.get(item.file) if item.file else None
    id = entry.id if entry else None if item.file else item.old_id
    planned = state.run.uploaded(item.file) if item.file else True
    if not id or not planned:
        state.failed.add(item.path)
        return False
    state.ids[item.path] = id
    return True


async def _indexed(state: Sync, item: Attachment, error: str | None) -> None:
    """Take note of one file: indexed, failed (and taken out again), or not finished in time."""
    id = state.ids[item.path]
    if error is None:
        if item.old_id and item.old_id != id:
            await service.detach(state.run.remote, state.id, item.old_id)
        state.held[item.path] = _item(state, item, id)
    elif error == service.IN_PROGRESS:
        state.held[item.path] = _item(state, item, id)
        if item.file:
            state.run.indexing.add(item.file)
        minutes = state.run.deadline / 60
        hint = "nothing is lost: the next apply goes on waiting and uploads nothing again"
        state.problem(item, "Still indexing", f"`{item.path}` is not indexed after {minutes:.0f} minutes.", hint)
    else:
        await service.detach(state.run.remote, state.id, id)
        kept = " The old version stays." if item.action == "replace" and not item.gap else ""
        state.problem(item, "Indexing failed", f"`{item.path}` could not be indexed in `{state.store}`: {error}.{kept}")


async def _detach(state: Sync) -> None:
    items = [(item, item.old_id) for item in state.items if item.action == "detach" and item.old_id]
    await together(service.detach(state.run.remote, state.id, id) for _, id in items)
    held = (item for item in state.run.plan.attachments if item.store == state.store)
    wanted = {item.path for item in held if item.action not in LEAVING}
    for item, _ in items:
        state.held.pop(item.path, None)
    change = state.run.change(state.store)
    declared = (change.after or {}).get("files") or {} if change else state.held
    for path in [path for path in state.held if path not in declared and path not in wanted]:
        del state.held[path]


async def _read_back(state: Sync) -> dict[str, Any]:
    """What the service made of attributes and chunking; the replies to batches do not say."""
    entry = state.run.entries[state.store]
    written = [item for item in state.items if item.action not in LEAVING and item.path not in state.failed]
    kept = {path: value for path, value in entry.unkept.items() if not path.startswith("files")}
    if not written:
        return {**kept, **{path: value for path, value in entry.unkept.items() if path.startswith("files")}}
    members = await service.list_members(state.run.remote, state.id, [item["id"] for item in state.held.values()])
    found = dict(entry.unkept)
    for item in written:
        member = members.get(state.held[item.path]["id"])
        if member is not None:
            found = {path: value for path, value in found.items() if not path.startswith(join("files", item.path))}
            found.update(_unkept(item, member))
    return found


def _unkept(item: Attachment, member: Member) -> dict[str, Any]:
    prefix = join("files", item.path)
    sent = {join(f"{prefix}.attributes", key): value for key, value in item.attributes.items()}
    got = {join(f"{prefix}.attributes", key): value for key, value in member.attributes.items()}
    if member.chunking != "other":
        sent[f"{prefix}.chunking"], got[f"{prefix}.chunking"] = item.chunking, chunks(member.chunking)
    return {
        path: {"sent": value, "got": got.get(path)} for path, value in sent.items() if not same(value, got.get(path))
    }


def _attributes(state: Sync, item: Attachment) -> dict[str, Any]:
    """The author's attributes with our two: the stamp, and the hash that no reply ever tells."""
    run = state.run
    entry = run.entries.get(item.file) if item.file else None
    ours: dict[str, Any] = {Stamp.KEY: str(run.stamp(item.path))}
    if entry and item.verified and (entry.verified or item.taken):
        ours["sha256"] = entry.fields["sha256"]
    return {**item.attributes, **ours}


def _item(state: Sync, item: Attachment, id: str) -> Fields:
    """The lock's record of one held file: as declared, with its id and hash."""
    change = state.run.change(state.store)
    declared = ((change.after or {}).get("files") or {}).get(item.path) if change else None
    before = {key: value for key, value in state.held.get(item.path, {}).items() if key not in ("sha256", "taken")}
    found = {**(declared if declared is not None else before), "id": id}
    entry = state.run.entries.get(item.file) if item.file else None
    if entry is None:
        return found
    return {**found, "sha256": entry.fields["sha256"], **({"taken": True} if item.taken else {})}


def _progress(state: Sync) -> Any:
    def report(done: int, total: int) -> None:
        state.run.on_event(Event("progress", state.store, detail="indexing", done=done, total=total))

    return report
