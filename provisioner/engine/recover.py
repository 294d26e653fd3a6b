"""What a stopped apply left open: each intent without a result is looked up at the service. Reads
only.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from provisioner.apply.exactly_once import (
    looks_of,
    survey,
    suspect,
    undecided,
    with_content,
)
from provisioner.errors import RouteMissing
from provisioner.kinds import is_file, kind
from provisioner.kinds.base import PURPOSE, Form, Names, UploadForm
from provisioner.lock.journal import Intent, Journal
from provisioner.model import Address, Live, Locked, LockState, Overwritten, Problem
from provisioner.records import dataclass
from provisioner.remote import Remote
from provisioner.remote.wire import UPLOAD

CREATES = ("create", "replace")
# What was listed, with the names that it was read with.
Lists = dict[tuple[str, str | None], tuple[Names, Sequence[Live]]]
LENIENT = 60.0  # seconds by which two clocks may differ
SLOWEST = 100_000  # bytes a second: an upload that is slower is not recognized any more


@dataclass
class Recovered:
    """The lock with what was found, and what became of each intent."""

    state: LockState
    intents: tuple[Intent, ...] = ()
    shared: bool = False
    # By intent; those missing changed nothing.
    entries: dict[int, dict[Address, Locked | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    # What only a person can tell; nothing is decided before.
    questions: list[Problem] = field(default_factory=list)

    def take(self, intent: Intent, entry: Locked | None, address: Address | None = None) -> None:
        """Note the entry that an intent comes to: its address's own, or that of another
        `address`.
        """
        address = address or intent.address
        resources = {**self.state.resources}
        resources.pop(address, None)
        if entry is not None:
            resources[address] = entry
        self.state = replace(self.state, resources=resources)
        self.entries[intent.id] = {intent.address: None, address: entry}

    def unfound(self) -> Iterator[Address]:
        """Files of which an upload was begun and has left no trace yet."""
        for intent in self.intents:
            if (
                is_file(intent.address)
                and intent.action in CREATES
                and intent.id not in self.entries
            ):
                yield intent.address

    def twins(self, intent: Intent) -> bool:
        """Whether another upload that looks the same was under way, with other bytes."""
        return any(
            _looks(other) == _looks(intent)
            and other.data.get("sha256") != intent.data.get("sha256")
            for other in self.intents
            if other.action in CREATES and is_file(other.address)
        )


def _looks(intent: Intent) -> tuple[object, ...]:
    data = intent.data
    return data.get("filename"), data.get("bytes"), data.get("purpose", "assistants")


async def recover(
    remote: Remote, state: LockState, intents: Iterable[Intent], *, shared: bool
) -> Recovered:
    """Find what the open intents of a stopped apply have brought about. `shared` as in
    `apply.suspects`.
    """
    recovered = Recovered(state, tuple(intents), shared)
    await _look_for(
        remote, recovered, [intent for intent in recovered.intents if intent.action in CREATES]
    )
    for intent in recovered.intents:
        if intent.action in ("delete", "take_back") and intent.data.get("object"):
            await _deleted(remote, recovered, intent)
        elif intent.data.get("wrote") and not intent.hint:
            _written(recovered, intent)
    return recovered


def close_intents(journal: Journal, recovered: Recovered) -> None:
    """Close every carried intent in the journal, with what was found."""
    for intent in journal.open:
        if intent.id in recovered.entries:
            entries = dict(recovered.entries[intent.id])
            journal.result(intent.id, entries.pop(intent.address), entries)
        else:
            journal.dismiss(intent.id)


def _written(recovered: Recovered, intent: Intent) -> None:
    """A write to an object that is there. One that was about to move has its old address still."""
    for address in (
        intent.address,
        Address.parse(intent.data.get("previous") or str(intent.address)),
    ):
        entry = recovered.state.resources.get(address)
        if entry is not None:
            recovered.take(intent, _owning(entry, intent), address)
            return


async def _look_for(remote: Remote, recovered: Recovered, made: Sequence[Intent]) -> None:
    """Look for what was to be made. What was begun only just now may not be shown yet, and is
    looked for again.
    """
    lists: Lists = {}
    begun = time.time()
    for intent in made:
        await _created(remote, recovered, intent, lists)
    left = [intent for intent in made if _is_missing(recovered, intent)]
    until = (
        max((min(intent.latest, time.time()) for intent in left), default=0.0)
        + remote.settling.seconds
    )
    async for _ in remote.settling.pauses(until, begun):
        lists.clear()
        for intent in left:
            await _created(remote, recovered, intent, lists)
        left = [intent for intent in left if _is_missing(recovered, intent)]
        if not left:
            return


def _is_missing(recovered: Recovered, intent: Intent) -> bool:
    return not intent.hint and intent.id not in recovered.entries and not recovered.questions


async def _created(
    remote: Remote,
    recovered: Recovered,
    intent: Intent,
    lists: Lists,
) -> None:
    api = intent.data.get("api")
    key = (intent.address.kind, api)
    form = kind(intent.address.kind).form(api)
    if key not in lists:
        names = Names(recovered.state.ids)
        lists[key] = names, await _listed(remote, form, intent, names)
    names, objects = lists[key]
    if is_file(intent.address):
        await _uploaded(remote, recovered, intent, objects)
    elif not form.stamped:
        looks = [form.looks(intent.address, live.fields, names) for live in objects]
        same = [
            live
            for live, seen in zip(objects, looks, strict=True)
            if seen == intent.data.get("looks")
        ]
        await _unstamped(remote, recovered, intent, form, same)
    elif not intent.hint:
        _stamped(recovered, intent, objects)


async def _listed(remote: Remote, form: Form, intent: Intent, names: Names) -> Sequence[Live]:
    try:
        if isinstance(form, UploadForm):
            return await form.list(remote, names, str(intent.data.get("purpose", PURPOSE)))
        return await form.list(remote, names)
    except RouteMissing:
        return ()


def _stamped(recovered: Recovered, intent: Intent, objects: Sequence[Live]) -> None:
    stamp, api = intent.data.get("stamp"), intent.data.get("api")
    alike = [live.id for live in objects if live.stamp and str(live.stamp) == stamp]
    if len(alike) > 1:
        recovered.questions.append(undecided(intent.address, alike))
    elif alike:
        entry = _successor(recovered.state, intent, id=alike[0], fields={}, api=api)
        recovered.take(intent, _owning(entry, intent))


async def _unstamped(
    remote: Remote,
    recovered: Recovered,
    intent: Intent,
    form: Form,
    same: Sequence[Live],
) -> None:
    """What has no stamp is taken over where it can only be what was to be made; otherwise it is
    reported. Of several intents that look the same it does not matter which one gets which object:
    what they do not show is sent once more.
    """
    data, known = intent.data, recovered.state.known_ids
    alike = [live for live in same if live.id not in known and _in_time(live, intent)]
    alike = await with_content(remote, form, alike, str(data.get("content", "")))
    twins = [
        other
        for other in recovered.intents
        if other.action in CREATES
        and other.id not in recovered.entries
        and all(other.data.get(key) == data.get(key) for key in ("looks", "content"))
    ]
    if 0 < len(alike) <= len(twins) and not (intent.hint or recovered.shared):
        entry = _successor(recovered.state, intent, id=alike[0].id, fields={}, api=data.get("api"))
        recovered.take(intent, _owning(entry, intent))
    else:
        recovered.notes += [note for note in map(suspect, alike) if note not in recovered.notes]


async def _uploaded(
    remote: Remote, recovered: Recovered, intent: Intent, files: Sequence[Live]
) -> None:
    data = intent.data
    known = recovered.state.known_ids
    suspects = [live for live in files if _looks_like(live, intent) and live.id not in known]
    if not suspects:
        return
    seen = await survey(remote, suspects, recovered.state.lineage, shared=recovered.shared)
    only = None if intent.hint or recovered.twins(intent) else seen.only()
    if only is None:
        recovered.notes += [note for note in seen.notes() if note not in recovered.notes]
        return
    fields = {key: data[key] for key in ("sha256", "bytes", "purpose") if key in data}
    recovered.take(
        intent,
        replace(
            _successor(recovered.state, intent, id=only.id, fields=fields, api=None), verified=False
        ),
    )


def _looks_like(live: Live, intent: Intent) -> bool:
    """Whether a file can be what an intent was to upload: it looks the same, and came while that
    was under way.
    """
    return looks_of(live) == _looks(intent) and _in_time(live, intent)


def _in_time(live: Live, intent: Intent) -> bool:
    """Whether something came while an intent was under way, and was not there before."""
    data = intent.data
    # The last moment, by the service's clock, at which it can have ended; release 0.1.0 did not
    # write down when it was sent.
    sent = [data.get("sent") for data in (intent.data, *intent.partial)]
    times = [time for time in sent if isinstance(time, int | float)]
    latest = max(times) + UPLOAD + data.get("bytes", 0) / SLOWEST + LENIENT if times else math.inf
    return data.get("since", 0) <= live.created_at <= latest and live.id not in data.get("seen", ())


def _successor(
    state: LockState, intent: Intent, *, id: str, fields: dict[str, object], api: str | None
) -> Locked:
    """The entry that the intent would have recorded, as far as anybody knows."""
    before = state.resources.get(intent.address)
    made = Locked(intent.address, id, dict(fields), api=api)
    if before is None:
        return made
    old = before if intent.action == "replace" else None
    # How many of its versions are kept is the next apply's to say.
    made = replace(made, protected=before.protected, former=before.succeeded(sys.maxsize))
    return made.inheriting(before).with_deposed(old)


def _owning(entry: Locked, intent: Intent) -> Locked:
    """What the intent was to write is ours, whatever came of it: if it is not declared any more, it
    is reset.
    """
    over = intent.data.get("overwritten")
    return replace(
        entry,
        resetting=tuple(sorted({*entry.resetting, *intent.data.get("wrote", ())})),
        overwritten=Overwritten(**over) if over else entry.overwritten,
    )


async def _deleted(remote: Remote, recovered: Recovered, intent: Intent) -> None:
    """A delete that went through: the id is forgotten, whether it was the entry's own or a deposed
    one. What was begun only just now may still be shown, and is looked at again.
    """
    entry = recovered.state.resources.get(intent.address)
    id = str(intent.data["object"])
    if entry is None or id not in (entry.id, *entry.deposed):
        return
    form = kind(intent.address.kind).form(entry.api if id == entry.id else entry.deposed_api(id))
    remote.settling.gone(id)
    begun = time.time()
    there = await form.read(remote, id, Names()) is not None
    until = min(intent.latest, time.time()) + remote.settling.seconds
    async for _ in remote.settling.pauses(until if there else 0.0, begun):
        there = await form.read(remote, id, Names()) is not None
        if not there:
            break
    if there:
        return
    left = replace(entry.undeposed(id), id=None if entry.id == id else entry.id)
    recovered.take(intent, None if left.empty else left)
