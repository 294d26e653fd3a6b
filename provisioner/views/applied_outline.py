"""The structure of what an apply did, for readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.model import SYMBOLS, Action, Address, Applied, Change, Event
from provisioner.planfile.checksum import checksum
from provisioner.views.counts import applied_line, incomplete_line
from provisioner.views.lines import Item, Outline, Section
from provisioner.views.outline import place_facts, position_text, service_words, symbol_of
from provisioner.views.progress import INTERRUPTED, done_words
from provisioner.views.reasons import reason_words, stays_words
from provisioner.views.values import inline

_LEFTOVERS = {"deposed": "an old object", "orphan": "an orphan"}


def applied_outline(applied: Applied, events: Iterable[Event]) -> Outline:
    """What was done, with ids, and what was not. `events` are those that the apply told."""
    plan = applied.plan
    changes = {change.address: change for change in plan.changes}
    told = list(events)
    why = {event.address: event.detail for event in told if event.type == "skipped"}
    done = sorted((event for event in told if event.type == "done" and event.address), key=_order)
    where = f"`{inline(plan.environment)}` ({service_words(plan.service)})"
    sections = (
        Section("interrupted", "Interrupted:", (Item("!", INTERRUPTED),) if applied.interrupted else ()),
        Section("skipped", "Skipped:", tuple(_skipped(address, why) for address in sorted(applied.skipped))),
        Section("changes", f"Done in {where}:", tuple(_done(event, changes) for event in done)),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in applied.notes)),
    )
    whole = not (applied.failed or applied.skipped or applied.interrupted)
    return Outline(
        tuple(section for section in sections if section.items),
        applied.failed,
        applied_line(applied.counts) if whole else incomplete_line(applied.counts),
        title=f"{'Applied' if whole else 'Not all applied'} to {inline(plan.workspace)}/{inline(plan.environment)}",
        marker=f"apply {inline(plan.workspace)}/{inline(plan.environment)}",
        facts=(*place_facts(replace(plan, serial=applied.serial)), ("Plan", checksum(plan))),
    )


def _order(event: Event) -> tuple[bool, str, str]:
    """Files last: there are many of them."""
    address = event.address
    return bool(address and address.kind == "file"), str(address), event.id or ""


def _skipped(address: Address, why: dict[Address | None, str]) -> Item:
    name, reason = inline(str(address)), inline(why.get(address, ""))
    return Item("!", name, facts=(reason,) if reason else (), address=name)


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
