"""The journal of an apply under way: what was about to be done and what came of it, one fsynced
line each.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from provisioner import jsontext, shapes
from provisioner.errors import LockError
from provisioner.kinds import is_file
from provisioner.lock.entry import (
    WrongShape,
    alike,
    approved_from_json,
    approved_to_json,
    entry_from_json,
    entry_to_json,
    row_digests,
)
from provisioner.lock.lockfile import shared_ids
from provisioner.model import Address, Approved, Locked, LockState, Problem
from provisioner.records import dataclass
from provisioner.shapes import Shape, misfit

_Record = dict[str, Any]
_T = TypeVar("_T")

LATEST = 253_402_300_800  # the year 10000, Unix seconds
_OWN_KEYS = frozenset({"type", "id", "at", "address", "action", "hint"})


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that was about to be done, and of which nobody knows yet whether it was."""

    id: int
    address: Address
    action: str
    data: Mapping[str, Any] = field(default_factory=dict)  # whatever the writer said beside
    # Records that came after it: `{"type": "created", "object": "file-…"}` from a journal that does
    # not fit the lock: to be checked at the service, not believed.
    partial: tuple[_Record, ...] = ()
    hint: bool = False
    at: float | None = (
        None  # when it was written, Unix seconds by that machine's clock; None: by release 0.1.0
    )

    @property
    def latest(self) -> float:
        """When something was last said of it, which is when its request left, but for a moment."""
        times = (self.at, *(record.get("at") for record in self.partial))
        return max(time or 0.0 for time in times)


class Folded(NamedTuple):
    """A lock with what a journal knows in it, and the intents that are still open."""

    state: LockState | None
    open_intents: list[Intent]


class Journal:
    """The writing end, for several threads. Intents and notes are durable on return, the rest with
    the next one at the latest.
    """

    def __init__(self, sink: Sink, carried: Iterable[Intent] = ()) -> None:
        self._sink = sink
        self._open = {intent.id: intent for intent in carried}
        self._last = max(self._open, default=0)
        self._mutex = threading.Lock()

    @property
    def open(self) -> tuple[Intent, ...]:
        """The intents without a result so far, those carried over from an earlier journal
        included.
        """
        return tuple(self._open.values())

    def intent(self, address: Address, action: str, **data: Any) -> int:
        """Say what is about to be done; returns the number that its result will name."""
        return self.intents([(address, action, data)])[0]

    def intents(self, planned: Iterable[tuple[Address, str, Mapping[str, Any]]]) -> list[int]:
        """Say many things at once, for the price of one fsync."""
        with self._mutex:
            numbered = enumerate(planned, self._last + 1)
            now = _now()
            added = [
                Intent(id, address, action, _free(data), at=now)
                for id, (address, action, data) in numbered
            ]
            if added:
                self._sink.append(_text(map(_intent_record, added)))
            self._last += len(added)
            self._open.update({intent.id: intent for intent in added})
        return [intent.id for intent in added]

    async def begin(self, address: Address, action: str, **data: Any) -> int:
        """`intent` for tasks that run side by side: those who begin at the same time wait
        together.
        """
        with self._mutex:
            self._last += 1
            intent = Intent(self._last, address, action, _free(data), at=_now())
            durable = self._sink.soon(_text([_intent_record(intent)]))
            self._open[intent.id] = intent
        try:
            await durable
        except BaseException:
            del self._open[intent.id]
            raise
        return intent.id

    async def note(self, id: int, type: str, **data: Any) -> None:
        """Say durably how far an intent has come, e.g. `note(3, "created", object="file-…")`; it
        stays open.
        """
        if type in ("intent", "result"):
            raise ValueError(f"`{type}` is not a note")
        with self._mutex:
            record = {**_free(data), "type": type, "id": id, "at": _now()}
            intent = self._open[id]
            durable = self._sink.soon(_text([record]))
            self._open[id] = replace(intent, partial=(*intent.partial, record))
        await durable

    async def leaving(self, id: int, after: float, **data: Any) -> None:
        """Note that what was announced only leaves now, where that was more than `after` seconds
        ago: whoever looks for it after a crash goes by its age.
        """
        intent = self._open.get(id)
        if intent is None:
            return
        # By the last line, not the latest one: a clock that goes back is told of once.
        said = intent.partial[-1].get("at") if intent.partial else intent.at
        if abs(_now() - (said or 0.0)) > after:
            await self.note(id, "leaving", **data)

    def result(
        self, id: int, entry: Locked | None, also: Mapping[Address, Locked | None] | None = None
    ) -> None:
        """Say what came of an intent: its address's new lock entry, None when it is gone from the
        lock. `also` holds further entries of the same moment (a move: the old address as None).
        """
        self._finish(id, _result_record(id, entry, also), self._sink.later)

    def ending(
        self, id: int, entry: Locked | None, also: Mapping[Address, Locked | None] | None = None
    ) -> Awaitable[None]:
        """`result` for tasks that run side by side: said when this returns, and awaited before
        anything is done that rests on it.
        """
        return self._finish(id, _result_record(id, entry, also), self._sink.after)

    def dismiss(self, id: int) -> None:
        """Close an intent that changed nothing in the lock."""
        self._finish(id, {"type": "result", "id": id}, self._sink.later)

    def left(self, rows: Iterable[str]) -> None:
        """Say which rows of the approved plan are still to do; without this line, all of them may
        be.
        """
        with self._mutex:
            self._sink.later(_text([{"type": "left", "rows": list(rows)}]))

    def close(self) -> None:
        """Let go of it, all durable. The journal stays until the store folds it."""
        self._sink.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # The first error is the one to tell.
        with contextlib.suppress(*[LockError] if kind else []):
            self.close()

    def _finish(self, id: int, record: _Record, add: Callable[[bytes], _T]) -> _T:
        with self._mutex:
            if id not in self._open:
                raise KeyError(f"intent {id} is not open")
            added = add(_text([{**record, "at": _now()}]))
            del self._open[id]
        return added


def opening(
    state: LockState, carried: Iterable[Intent] = (), approved: Approved | None = None
) -> str:
    """The text that a new journal starts with: its head, and the intents that an earlier one left
    open.
    """
    carried = tuple(carried)
    head: _Record = {
        "lineage": state.lineage,
        "serial": state.serial,
        "workspace": state.workspace,
        "environment": state.environment,
        "origin": state.origin,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "carried": [intent.id for intent in carried],
        **({"applied": approved_to_json(approved)} if approved else {}),
    }
    records = [record for intent in carried for record in (_intent_record(intent), *intent.partial)]
    return "".join(map(_line, [head, *records]))


def fold(state: LockState | None, text: str | None, file: str | None = None) -> Folded:
    """Put a journal's results into the lock they belong to. Pure.

    When lineage and serial match, the results become entries and the open intents are real. The
    serial is one higher if anything was written (a stamp with that serial is at the service, even
    where the entry stayed the same), or may have been, because an intent of this very journal is
    open. A journal that the lock already contains (the process ended between writing the one and
    removing the other) only has its open intents left. Otherwise the state is returned untouched
    and every intent that is not known to have been without effect comes back as a hint. Raises
    LockError for damage that no crash explains.
    """
    head, records = _read(text or "", file)
    if head is None:
        return Folded(state, [])
    story = _Story(records, file)
    base = state or _unwritten(head)
    if base is None or base.lineage != head["lineage"]:
        return Folded(state, story.hints())
    if base.serial == head["serial"]:
        changed = bool(story.entries) or story.began(head.get("carried", ()))
        return Folded(_applied(base, head, story, file) if changed else state, story.unfinished())
    if base.serial == head["serial"] + 1 and story.is_in(base):
        return Folded(state, story.unfinished())
    return Folded(state, story.hints())


class _Story:
    """The records of one journal, in order, by what they mean."""

    def __init__(self, records: Iterable[tuple[int, _Record]], file: str | None) -> None:
        self.intents: dict[int, Intent] = {}
        self.done: dict[int, bool] = {}  # id -> whether anything came of it
        self.entries: dict[Address, Locked | None] = {}
        self.left: tuple[str, ...] | None = None  # rows of the approved plan
        self.last: float | None = None  # when the last line was written; None: by release 0.1.0
        for line, record in records:
            try:
                self.last = _time(record) or self.last
                self._take(record)
            except (KeyError, TypeError, ValueError) as error:
                raise _damaged(file, line, str(error)) from None

    def unfinished(self) -> list[Intent]:
        return [intent for id, intent in self.intents.items() if id not in self.done]

    def hints(self) -> list[Intent]:
        return [
            replace(intent, hint=True)
            for id, intent in self.intents.items()
            if self.done.get(id, True)
        ]

    def began(self, carried: Sequence[int]) -> bool:
        return any(intent.id not in carried for intent in self.unfinished())

    def is_in(self, state: LockState) -> bool:
        resources = state.resources
        return all(alike(resources.get(address), entry) for address, entry in self.entries.items())

    def _take(self, record: _Record) -> None:
        if record["type"] == "left":
            self.left = row_digests(record["rows"])
            return
        if record["type"] == "intent":
            intent = _intent(record)
            self.intents[intent.id] = intent
            return
        intent = self.intents[record["id"]]
        odd = misfit(record, _NOTE)
        if odd is not None:
            raise WrongShape(f"`{odd}` is of another shape than it is written in")
        ended = record["type"] == "result"
        # A result that turns out to be a hint is carried over as a note: it must not be folded
        # later on.
        note = {**record, "type": "was"} if ended else record
        self.intents[intent.id] = replace(intent, partial=(*intent.partial, note))
        if ended:
            entries = {
                **record.get("also", {}),
                **({str(intent.address): record["entry"]} if "entry" in record else {}),
            }
            for name, raw in entries.items():
                address = Address.parse(name)
                self.entries[address] = None if raw is None else entry_from_json(address, raw)
            self.done[intent.id] = bool(entries)


def _applied(base: LockState, head: _Record, story: _Story, file: str | None) -> LockState:
    resources = {**base.resources, **story.entries}
    kept = {address: entry for address, entry in resources.items() if entry is not None}
    shared = next(shared_ids(kept), None)
    if shared is not None:
        raise _damaged(file, 1, f"with what follows it, {shared}")
    approved = base.approved
    if "applied" in head:
        approved = approved_from_json(head["applied"])
        approved = approved if story.left is None else replace(approved, left=story.left)
    now = {entry.id for entry in kept.values()}
    deleted = {
        entry.id
        for address, entry in base.resources.items()
        if entry.id and not entry.made and entry.id not in now and not is_file(address)
    }
    written = (
        base.written if story.last is None else datetime.fromtimestamp(story.last, UTC).isoformat()
    )
    return replace(
        base,
        serial=base.serial + 1,
        origin=head["origin"],
        resources=kept,
        approved=approved,
        deleted=tuple(sorted({*base.deleted, *deleted})),
        written=written,
    )


def _unwritten(head: _Record) -> LockState | None:
    """The state before a first apply that was stopped before its lock was written."""
    if head["serial"] != 0:
        return None
    return LockState(
        head["workspace"],
        head["environment"],
        lineage=head["lineage"],
        serial=0,
        origin=head["origin"],
    )


_TEXTS = ("action", "api", "filename", "looks", "purpose", "sha256", "stamp")
_INTENT: dict[str, Shape] = {
    **dict.fromkeys(_TEXTS, shapes.text),
    **dict.fromkeys(("at", "since", "sent", "bytes"), shapes.number),
    "address": shapes.address,
    "previous": shapes.address,
    "object": shapes.an_id,
    "seen": shapes.many(shapes.an_id),
    "wrote": shapes.many(shapes.path),
    "overwritten": shapes.mapping({"serial": shapes.whole, "values": shapes.each(shapes.text)}),
}
_NOTE: dict[str, Shape] = {
    "type": shapes.word,
    "sent": shapes.number,
    "at": shapes.number,
    "object": shapes.an_id,
    "also": shapes.mapping(need=()),
}
_HEAD = shapes.mapping({"origin": shapes.each(shapes.text), "carried": shapes.many(shapes.whole)})
_HEAD_KEYS: dict[str, type] = {
    "lineage": str,
    "serial": int,
    "workspace": str,
    "environment": str,
    "origin": dict,
}


def _read(text: str, file: str | None) -> tuple[_Record | None, list[tuple[int, _Record]]]:
    """The head and the numbered records; a torn tail is what a crash leaves, and is dropped."""
    *lines, tail = text.split("\n")
    records: list[tuple[int, _Record]] = []
    for number, line in enumerate(lines, 1):
        record = _parsed(line)
        if record is None:
            raise _damaged(file, number, "the line is not a JSON mapping")
        records.append((number, record))
    whole_tail = _parsed(tail)
    if whole_tail is not None:  # only its newline is missing
        records.append((len(records) + 1, whole_tail))
    if not records:
        return None, []
    head = records[0][1]
    if any(type(head.get(key)) is not kind for key, kind in _HEAD_KEYS.items()) or not _HEAD(head):
        raise _damaged(file, 1, "its first line does not say which lock it belongs to")
    return head, records[1:]


def _parsed(line: str) -> _Record | None:
    try:
        record = jsontext.read(line, deepest=jsontext.DEEPEST_OURS, unique=True)
    except jsontext.Unreadable:
        return None
    return record if isinstance(record, dict) else None


def _damaged(file: str | None, line: int, why: str) -> LockError:
    return LockError(
        Problem(
            "Broken journal",
            f"Line {line} of {f'`{file}`' if file else 'the journal'} cannot be read: {why}.",
            "a crash leaves only the last line torn, so that something else has changed the file:"
            " restore it, or move it away, and look in the next plan for objects that are not in"
            " the lock",
            file=file,
            line=line,
        )
    )


def _intent(record: _Record) -> Intent:
    if type(record["id"]) is not int:
        raise WrongShape("`id` must be a whole number")
    data = {key: value for key, value in record.items() if key not in _OWN_KEYS}
    odd = misfit(record, _INTENT)
    if odd is not None:
        raise WrongShape(f"`{odd}` is of another shape than it is written in")
    hint, at = bool(record.get("hint", False)), _time(record)
    return Intent(
        record["id"], Address.parse(record["address"]), record["action"], data, hint=hint, at=at
    )


def _time(record: _Record) -> float | None:
    at = record.get("at")
    if not (at is None or (type(at) in (int, float) and 0 <= at < LATEST)):
        raise WrongShape("`at` must be a time in seconds")
    return at


def _intent_record(intent: Intent) -> _Record:
    record: _Record = {
        "type": "intent",
        "id": intent.id,
        "address": str(intent.address),
        "action": intent.action,
    }
    if intent.hint:
        record["hint"] = True
    if intent.at is not None:
        record["at"] = intent.at
    return {**intent.data, **record}


def _now() -> float:
    return round(time.time(), 3)


def _result_record(
    id: int, entry: Locked | None, also: Mapping[Address, Locked | None] | None
) -> _Record:
    record: _Record = {"type": "result", "id": id, "entry": entry and entry_to_json(entry)}
    if also:
        record["also"] = {
            str(address): other and entry_to_json(other) for address, other in also.items()
        }
    return record


def _free(data: Mapping[str, Any]) -> dict[str, Any]:
    taken = _OWN_KEYS & data.keys()
    if taken:
        raise ValueError(f"{sorted(taken)} are the journal's own keys")
    return dict(data)


def _text(records: Iterable[_Record]) -> bytes:
    return "".join(map(_line, records)).encode()


def _line(record: _Record) -> str:
    return json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n"


class Sink(ABC):
    """Where a journal's lines go. Durable when `append` returns; all or nothing when it raises."""

    @abstractmethod
    def append(self, data: bytes) -> None:
        """Add whole lines."""

    def soon(self, data: bytes) -> Awaitable[None]:
        """Add whole lines in the order of the calls; they are durable once the result has been
        awaited. Here at once; a sink whose appending takes long lets those who wait share it.
        """
        self.append(data)
        return _nothing()

    def later(self, data: bytes) -> None:
        """Add whole lines that nobody waits for: durable at once, or with the next ones, or after a
        few seconds.
        """
        self.append(data)

    def after(self, data: bytes) -> Awaitable[None]:
        """Add whole lines about what is over, to be awaited. Like `later`; a sink for which it is
        quick makes them durable by then.
        """
        self.later(data)
        return _nothing()

    @abstractmethod
    def close(self) -> None:
        """Let go of them; all are durable then."""


async def _nothing() -> None:
    """What is durable already need not be waited for."""
