"""The structure of a plan for readers: sections, items, lines; text and Markdown only decorate it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.model import SYMBOLS, Action, Block, Change, Drifted, Plan, Position, Remnant
from provisioner.views.counts import summary_line
from provisioner.views.fields import change_lines, drift_lines, pending
from provisioner.views.files import FileGroups, file_size, folded_items
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.values import inline

# Reasons that the symbol says already, and the words for those that need some.
_OBVIOUS = frozenset({"", "spec_changed", "new", "in_sync", "destroy", "not_in_specs", "files_changed"})
_REASONS = {
    "gone": "gone from the service",
    "api_gone": "its API is gone from the service",
    "api_changed": "through another API",
    "drift": "only to undo what was changed outside",
    "expired": "the old one has expired",
    "asked": "asked for by --replace",
    "fixed_field": "cannot be changed in place",
    "removed_block": "stays at the service",
    "adopted": "found by our stamp",
    "reference_replaced": "what it refers to gets a new id",
    "request_changed": "its request comes out differently",
    "imported": "",  # the import itself says it
    "failed": "its indexing failed",
    "chunking_changed": "cut into other chunks",
}


def outline(plan: Plan, *, verbose: bool = False) -> Outline:
    """Everything that a reviewer has to see; `verbose` unfolds long groups and texts."""
    sections = (
        Section("drift", "Changed outside of provisioner since the last apply:", _drift(plan)),
        Section("changes", _changes_heading(plan), tuple(_changes(plan, verbose))),
        Section("orphans", "Ours by their stamp, but in no spec and not in the lock:", _remnants(plan.orphans)),
        Section("deposed", "Old objects that still exist:", _remnants(plan.deposed)),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in plan.notes)),
        Section("blocked", "This plan cannot be applied:", tuple(_block(block) for block in plan.blocked)),
    )
    return Outline(tuple(section for section in sections if section.items), plan.problems, _summary(plan))


def _summary(plan: Plan) -> str:
    # With errors nobody knows whether the service matches.
    if plan.empty and not plan.blocked and not any(found.severity == "error" for found in plan.problems):
        return "No changes. The service matches the specs."
    return summary_line(plan)


def _changes_heading(plan: Plan) -> str:
    where = "the embedded service" if plan.service.base_url == "local" else inline(plan.service.base_url)
    return f"Planned for `{inline(plan.environment)}` ({where}):"


def _drift(plan: Plan) -> tuple[Item, ...]:
    return tuple(_drifted(found) for found in sorted(plan.drift, key=lambda found: found.address))


def _drifted(found: Drifted) -> Item:
    if found.drift == "missing":
        return Item("-", inline(str(found.address)), facts=("gone from the service",))
    facts = ("changed in the specs as well",) if found.drift == "both" else ()
    return Item("~", inline(str(found.address)), facts=facts, lines=tuple(drift_lines(found.fields)))


def _changes(plan: Plan, verbose: bool) -> Iterator[Item]:
    """Every change by address: files under the stores that they are in, the others by themselves."""
    groups, later = FileGroups(plan), pending(plan)
    changes = {change.address: change for change in plan.changes if change.matters}
    loose = [address for address in changes if address.kind == "file" and address not in groups.shown]
    others = {address for address in changes if address.kind != "file"} | set(groups.stores)
    for address in sorted(others):
        change = changes.get(address)
        members = groups.lines(address, verbose)
        if change is None:
            yield Item("", inline(str(address)), lines=members)
        else:
            yield _item(change, (*change_lines(change, later, verbose), *members))
    yield from folded_items([_file_item(changes[address]) for address in sorted(loose)], verbose)


def _file_item(change: Change) -> tuple[Item, int]:
    size, count = file_size(change)
    item = _item(change, ())
    facts = (size, *item.facts) if size else item.facts
    return replace(item, facts=facts), count


def _item(change: Change, lines: tuple[Line, ...]) -> Item:
    title = inline(str(change.address))
    if change.previous is not None:
        title = f"{inline(str(change.previous))} → {title}"
    return Item(_symbol(change), title, _position(change), tuple(_facts(change)), lines)


def _symbol(change: Change) -> str:
    if change.importing:
        return "<-"
    if change.previous is not None and change.action in (Action.KEEP, Action.UPDATE):
        return ">"
    return SYMBOLS[change.action]


def _facts(change: Change) -> Iterator[str]:
    if change.importing:
        yield f"import of {inline(change.importing)}"
    obvious = change.address.kind == "file" and change.reason == "fixed_field"  # other bytes are another file
    if not obvious and (reason := reason_words(change.reason)):
        yield reason
    if change.deferred:
        yield "kept alive while request profiles name its id"
    if change.lost:
        yield f"not carried by `{change.api}`, as accepted: {', '.join(inline(path) for path in change.lost)}"


def reason_words(reason: str) -> str:
    """A reason in words; empty where the symbol says enough."""
    if reason in _OBVIOUS:
        return ""
    return _REASONS.get(reason, inline(reason if " " in reason else reason.replace("_", " ")))


def _position(change: Change) -> str:
    place = change.position
    if place is not None:
        return position_text(place)
    return inline(change.source.file) if change.source is not None else ""


def position_text(place: Position) -> str:
    """`specs/support.yaml:20`."""
    return f"{inline(place.file)}:{place.line}"


def _remnants(found: tuple[Remnant, ...]) -> tuple[Item, ...]:
    ordered = sorted(found, key=lambda remnant: (remnant.address, remnant.id))
    return tuple(_remnant(remnant) for remnant in ordered)


def _remnant(remnant: Remnant) -> Item:
    facts = (inline(remnant.id), *((inline(remnant.detail),) if remnant.detail else ()))
    return Item("-" if remnant.action == "delete" else "", inline(str(remnant.address)), facts=facts)


def _block(block: Block) -> Item:
    return Item("!", f"{inline(block.rule)}: {inline(block.detail)}")
