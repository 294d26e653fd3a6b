"""The structure of a plan for readers: sections, items, lines; text and Markdown only
decorate it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from provisioner.kinds import is_file, kind
from provisioner.model import (
    SYMBOLS,
    Action,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Position,
    Remnant,
    Service,
)
from provisioner.planfile.checksum import checksum
from provisioner.planfile.writing import PLANNED, plan_counts
from provisioner.views.fields import change_lines, drift_lines, is_file_field
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.review import review
from provisioner.views.store_files import SHOWN, FileGroups, file_size, folded_items, kept_words
from provisioner.views.values import (
    and_more,
    inline,
    reason_words,
    stays_words,
    store_files_words,
)

_OLD = {"keep": "", "delete": SYMBOLS[Action.DELETE], "forget": SYMBOLS[Action.FORGET]}


class _Placed(Protocol):
    """A result that says where it belongs: a plan, or a drift report."""

    @property
    def workspace(self) -> str: ...

    @property
    def environment(self) -> str: ...

    @property
    def service(self) -> Service: ...

    @property
    def serial(self) -> int: ...


def outline(plan: Plan, *, verbose: bool = False, facts: bool = True) -> Outline:
    """Everything that a reviewer has to see; `verbose` unfolds long groups and texts. `facts`: also
    what a document says at its head.
    """
    where = f"`{inline(plan.environment)}` ({service_words(plan.service)})"
    drifted = sorted(plan.drift, key=lambda one: one.address)
    blocked = [Item("!", f"{inline(block.rule)}: {inline(block.detail)}") for block in plan.blocked]
    sections = (
        Section(
            "drift",
            "Changed outside of provisioner since the last apply:",
            tuple(_drifted(one, verbose) for one in drifted),
        ),
        Section("changes", f"Planned for {where}:", tuple(_changes(plan, verbose))),
        Section(
            "orphans",
            "Ours by their stamp, but in no spec and not in the lock:",
            _remnants(plan.orphans),
        ),
        Section("deposed", "Old objects that still exist:", _remnants(plan.deposed)),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in plan.notes)),
        Section("blocked", "This plan cannot be applied:", tuple(blocked)),
    )
    # With errors nobody knows whether the service matches.
    failed = any(one.severity == "error" for one in plan.problems)
    matches = plan.empty and not plan.blocked and not failed
    # What an approval names; nothing can be approved that cannot be applied.
    approvable = facts and plan.refreshed and not plan.stopped
    sha = [("Checksum", checksum(plan))] if approvable else []
    return Outline(
        tuple(section for section in sections if section.items),
        plan.problems,
        _nothing(plan) if matches else summary_line(plan),
        title=f"Plan for {inline(plan.workspace)}/{inline(plan.environment)}",
        marker=f"plan {inline(plan.workspace)}/{inline(plan.environment)}",
        facts=(*place_facts(plan), *sha) if facts else (),
        review=review(plan),
    )


def place_facts(placed: _Placed) -> tuple[tuple[str, str], ...]:
    """Where it is about: the workspace, its environment and service, and the lock that was compared
    with.
    """
    return (
        ("Workspace", inline(placed.workspace)),
        ("Environment", inline(placed.environment)),
        ("Service", service_words(placed.service)),
        ("API", inline(placed.service.api)),
        ("Lock", f"serial {placed.serial}"),
    )


def service_words(service: Service) -> str:
    """`the embedded service`, or its URL."""
    return "the embedded service" if service.base_url == "local" else inline(service.base_url)


def _drifted(drifted: Drifted, verbose: bool) -> Item:
    title = inline(str(drifted.address))
    if drifted.drift == "missing":
        return Item("-", title, facts=("gone from the service",), address=title)
    shown = wanted_by_specs(drifted)
    files = [field.path for field in shown if is_file_field(field)]
    rest = set() if verbose else set(files[SHOWN:])
    lines = list(drift_lines(field for field in shown if field.path not in rest))
    if rest:
        lines.append(Line("dim", and_more(len(rest), "file")))
    return Item("~", title, facts=drift_facts(drifted), lines=tuple(lines), address=title)


def wanted_by_specs(drifted: Drifted) -> tuple[FieldChange, ...]:
    """The fields of an object as a reader has to see them: what the specs want of each is said
    once, where they no longer have it.
    """
    if drifted.reason != "not_in_specs":
        return drifted.fields
    return tuple(replace(field, drift="remote") for field in drifted.fields)


def drift_facts(drifted: Drifted) -> tuple[str, ...]:
    """What a reader has to know of an object that somebody else has changed."""
    if drifted.reason == "not_in_specs":
        return ("no longer in the specs",)
    if drifted.reason == "moved":
        return ("moved in the specs",)
    return ("changed in the specs as well",) if drifted.drift == "both" else ()


def _changes(plan: Plan, verbose: bool) -> Iterator[Item]:
    """Every change by address: files under the stores that they are in, the others by
    themselves.
    """
    groups, later = FileGroups(plan), plan.made
    changes = {change.address: change for change in plan.changes if change.matters}
    loose = [address for address in changes if is_file(address) and address not in groups.shown]
    others = {address for address in changes if not is_file(address)} | set(groups.stores)
    for address in sorted(others):
        change = changes.get(address)
        store_files = groups.lines(address, verbose)
        if change is None:
            yield Item("", inline(str(address)), lines=store_files, address=inline(str(address)))
        else:
            yield _item(change, (*change_lines(change, later, verbose), *store_files))
    files = []
    for address in sorted(loose):
        item = _item(changes[address], ())
        size, count = file_size(changes[address])
        if size:
            item = replace(item, facts=(size, *item.facts))
        files.append((item, count))
    yield from folded_items(files, verbose)


def _item(change: Change, lines: tuple[Line, ...]) -> Item:
    title = address = inline(str(change.address))
    if change.previous is not None:
        title = f"{inline(str(change.previous))} → {title}"
    position = inline(change.source.file) if change.source is not None else ""
    if change.position is not None:
        position = position_text(change.position)
    return Item(
        symbol_of(change),
        title,
        position=position,
        facts=tuple(_facts(change)),
        lines=lines,
        address=address,
    )


def symbol_of(change: Change) -> str:
    if change.importing:
        return "<-"
    if change.previous is not None and change.action.stays:
        return ">"
    return SYMBOLS[change.action]


def _facts(change: Change) -> Iterator[str]:
    if change.importing:
        yield f"import of {inline(change.importing)}"
    # Other bytes are another file.
    obvious = is_file(change.address) and change.reason == "fixed_field"
    if not obvious and (reason := reason_words(change.reason)):
        yield reason
    yield from filter(None, (store_files_words(change), stays_words(change)))
    if change.restores is not None:
        yield f"version {change.restores} again"
    if change.kept_for:
        yield kept_words(change)
    if change.gap:
        yield "gap: there is none for a moment"
    own = kind(change.address.kind)
    paths = [field.path for field in change.fields]
    edited = change.action is Action.UPDATE and not change.importing
    if edited and (left := own.leaves(change.before or {}, paths)):
        yield left
    if change.lost:
        yield (
            f"not carried by `{change.api}`, as accepted:"
            f" {', '.join(inline(path) for path in change.lost)}"
        )


def position_text(place: Position) -> str:
    """`specs/support.yaml:20`."""
    return f"{inline(place.file)}:{place.line}"


def _remnants(remnants: tuple[Remnant, ...]) -> tuple[Item, ...]:
    items = []
    for remnant in sorted(remnants, key=lambda remnant: (remnant.address, remnant.id)):
        title = inline(str(remnant.address))
        facts = [inline(remnant.id)]
        if remnant.detail:
            facts.append(inline(remnant.detail))
        items.append(Item(_OLD[remnant.action], title, facts=tuple(facts), address=title))
    return tuple(items)


def _nothing(plan: Plan) -> str:
    if plan.destroy:
        return "No changes. Nothing is left to destroy."
    return "No changes. The service matches the specs."


def summary_line(plan: Plan) -> str:
    """`Plan: 1 to add, 2 to change.`"""
    counts = plan_counts(plan)
    parts = [f"{counts[word]} to {word}" for word in PLANNED if counts[word]]
    return f"Plan: {', '.join(parts) or 'no resource changes'}."
