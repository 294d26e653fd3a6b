"""What happens during an apply: plain lines, a bar, and JSON events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.errors import problem_json
from provisioner.kinds import is_file
from provisioner.model import SYMBOLS, Action, Address, Applied, Change, Event
from provisioner.planfile.checksum import checksum
from provisioner.views.lines import Item, Outline, Section
from provisioner.views.outline import place_facts, position_text, service_words, symbol_of
from provisioner.views.problems import problem_text
from provisioner.views.values import inline, reason_words, stays_words

_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.DELETE: "deleting",
    Action.FORGET: "forgetting",
    Action.KEEP: "recording",
}
_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
    Action.KEEP: "recorded",
}
_INTERRUPTED = "What was done is recorded; the next apply goes on from there."
_COUNTED = ("imported", "added", "changed", "replaced", "moved", "destroyed", "forgotten")
_COUNTING = {"indexing": "files indexed", "uploading": "files uploaded"}
_CELLS = 24


def event_line(event: Event) -> str:
    """One event as a line; empty for one that a reader need not see."""
    who = f"{inline(str(event.address))}: " if event.address else ""
    detail = inline(event.detail)
    match event.type:
        case "started":
            return f"{who}{_DOING[event.action] if event.action else detail or 'started'}…"
        case "progress":
            return progress_text(event)
        case "done":
            id = f" ({inline(event.id)})" if event.id else ""
            return f"{who}{done_words(event)}{id}"
        case "failed":
            return problem_text(event.problem) if event.problem else f"{who}failed: {detail}"
        case "found":
            return f"{who}found and taken over ({inline(event.id or '')}), {detail}"
        case "skipped" | "waiting":
            return f"{who}{event.type}{f', {detail}' if detail else ''}"
    return ""


def done_words(event: Event) -> str:
    """`created`; what is still used is not said to be deleted."""
    if event.detail == "deferred":
        return (
            "replaced, the old one stays"
            if event.action is Action.REPLACE
            else "stays, still in use"
        )
    return _DONE[event.action] if event.action else inline(event.detail) or "done"


def progress_text(event: Event) -> str:
    """`handbook: 120/312 files indexed`."""
    name = f"{inline(event.address.name)}: " if event.address else ""
    done = _COUNTING.get(event.detail, inline(event.detail)) or "files done"
    return f"{name}{event.done}/{event.total} {done}"


def bar_text(event: Event, seconds: float) -> str:
    """A bar with rate and time left, `seconds` after the first of its events."""
    share = event.done / event.total if event.total else 1.0
    filled = int(share * _CELLS)
    rate = event.done / seconds if seconds > 0 else 0.0
    speed = f"  {rate:.1f}/s" if rate else ""
    if rate and event.done < event.total:
        speed += f", {_left((event.total - event.done) / rate)} left"
    return f"[{'█' * filled}{'░' * (_CELLS - filled)}] {progress_text(event)}{speed}"


def _left(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def event_json(event: Event) -> str:
    """One event as one line of JSON; what it does not say is left out."""
    said: dict[str, Any] = {
        "type": event.type,
        "address": str(event.address) if event.address else None,
        "action": event.action.value if event.action else None,
        "id": event.id,
        "detail": event.detail or None,
        "done": event.done if event.total else None,
        "total": event.total or None,
        "problem": problem_json(event.problem) if event.problem else None,
    }
    return _line({**{key: value for key, value in said.items() if value is not None}, **event.data})


def summary_json(applied: Applied, checks: Mapping[str, Any] | None = None) -> str:
    """The last event of an apply, with what came of the checks where they were held."""
    return _line(
        {
            "type": "summary",
            **{word: applied.counts.get(word, 0) for word in _COUNTED},
            "checksum": checksum(applied.plan),
            "serial": applied.serial,
            "interrupted": applied.interrupted,
            "skipped": [str(address) for address in applied.skipped],
            "notes": list(applied.notes),
            "problems": [problem_json(problem) for problem in applied.failed],
            **({"checks": checks} if checks is not None else {}),
        }
    )


def summary_text(applied: Applied) -> str:
    """The summary line of an apply, and what it did not do."""
    lines = [applied_line(applied)]
    if applied.skipped:
        lines.append(f"Skipped: {', '.join(inline(str(address)) for address in applied.skipped)}.")
    if applied.interrupted:
        lines.append(f"Interrupted. {_INTERRUPTED}")
    return "".join(f"{line}\n" for line in lines)


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


_LEFTOVERS = {"deposed": "an old object", "orphan": "an orphan"}


def applied_outline(applied: Applied, events: Iterable[Event]) -> Outline:
    """What was done, with ids, and what was not. `events` are those that the apply reported."""
    plan = applied.plan
    changes = {change.address: change for change in plan.changes}
    reported = list(events)
    why = {event.address: event.detail for event in reported if event.type == "skipped"}
    done = sorted(
        (event for event in reported if event.type == "done" and event.address), key=_order
    )
    where = f"`{inline(plan.environment)}` ({service_words(plan.service)})"
    skipped = []
    for address in sorted(applied.skipped):
        name, reason = inline(str(address)), inline(why.get(address, ""))
        skipped.append(Item("!", name, facts=(reason,) if reason else (), address=name))
    sections = (
        Section(
            "interrupted", "Interrupted:", (Item("!", _INTERRUPTED),) if applied.interrupted else ()
        ),
        Section("skipped", "Skipped:", tuple(skipped)),
        Section("changes", f"Done in {where}:", tuple(_done(event, changes) for event in done)),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in applied.notes)),
    )
    whole = not (applied.failed or applied.skipped or applied.interrupted)
    return Outline(
        tuple(section for section in sections if section.items),
        applied.failed,
        applied_line(applied),
        title=(
            f"{'Applied' if whole else 'Not all applied'} to"
            f" {inline(plan.workspace)}/{inline(plan.environment)}"
        ),
        marker=f"apply {inline(plan.workspace)}/{inline(plan.environment)}",
        facts=(*place_facts(replace(plan, serial=applied.serial)), ("Plan", checksum(plan))),
    )


def _order(event: Event) -> tuple[bool, str, str]:
    """Files last: there are many of them."""
    address = event.address
    return bool(address and is_file(address)), str(address), event.id or ""


def _done(event: Event, changes: dict[Address, Change]) -> Item:
    assert event.address is not None
    name, change = inline(str(event.address)), changes.get(event.address)
    leftover = _LEFTOVERS.get(event.detail)
    if leftover or change is None:
        symbol = SYMBOLS[event.action or Action.DELETE]
        return Item(symbol, name, facts=tuple(_facts(event, leftover or "")), address=name)
    place = position_text(change.position) if change.position else ""
    return Item(
        symbol_of(change),
        name,
        place,
        tuple(_facts(event, stays_words(change) or reason_words(change.reason))),
        address=name,
    )


def _facts(event: Event, why: str) -> Iterator[str]:
    yield done_words(event)
    yield from (inline(part) for part in (event.id, why) if part)


def applied_line(applied: Applied) -> str:
    """`Apply complete! Resources: 1 added, 2 changed.`, or what an apply did before it failed or
    was interrupted.
    """
    verb = "Destroy" if applied.plan.destroy else "Apply"
    if applied.plan.rolls_back:
        verb = "Rollback"
    whole = not (applied.failed or applied.skipped or applied.interrupted)
    parts = [f"{applied.counts[word]} {word}" for word in _COUNTED if applied.counts.get(word)]
    done = f"Resources: {', '.join(parts)}." if parts else "Nothing was changed."
    return f"{verb} {'complete!' if whole else 'incomplete.'} {done}"
