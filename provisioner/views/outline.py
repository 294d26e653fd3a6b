"""The structure of a plan for readers: sections, items, lines; text and Markdown only decorate it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from provisioner.model import SYMBOLS, Action, Block, Change, Drifted, FieldChange, Plan, Position, Remnant, Service
from provisioner.planfile.checksum import checksum
from provisioner.views.fields import change_lines, drift_lines, is_file
from provisioner.views.files import SHOWN, FileGroups, file_size, folded_items, kept_words
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.plan_json import summary_line
from provisioner.views.review import review
from provisioner.views.values import documents_words, inline, many, reason_words, stays_words

_OLD = {"keep": "", "delete": SYMBOLS[Action.DELETE], "forget": SYMBOLS[Action.FORGET]}


class Placed(Protocol):
    """A result that says where it belongs: a plan, or a drift report."""

    @property
    def workspace(self) -> str: ...

    @property
    def environment(self) -> str: ...

    @property
    def service(self) -> Service: ...

    @property
    def serial(self) -> int: ...


def outline(plan: Plan, *, verbose: bool = False) -> Outline:
    """Everything that a reviewer has to see; `verbose` unfolds long groups and texts."""
    sections = (
        Section("drift", "Changed outside of provisioner since the last apply:", _drift(plan, verbose)),
        Section("changes", _changes_heading(plan), tuple(_changes(plan, verbose))),
        Section("orphans", "Ours by their stamp, but in no spec and not in the lock:", _remnants(plan.orphans)),
        Section("deposed", "Old objects that still exist:", _remnants(plan.deposed)),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in plan.notes)),
        Section("blocked", "This plan cannot be applied:", tuple(_block(block) for block in plan.blocked)),
    )
    return Outline(
        tuple(section for section in sections if section.items),
        plan.problems,
        _summary(plan),
        title=f"Plan for {inline(plan.workspace)}/{inline(plan.environment)}",
        marker=f"plan {inline(plan.workspace)}/{inline(plan.environment)}",
        facts=(*place_facts(plan), *_checksum(plan)),
        review=review(plan),
    )


def place_facts(found: Placed) -> tuple[tuple[str, str], ...]:
    """Where it is about: the workspace, its environment and service, and the lock that was compared with."""
    return (
        ("Workspace", inline(found.workspace)),
        ("Environment", inline(found.environment)),
        ("Service", service_words(found.service)),
        ("API", inline(found.service.api)),
        ("Lock", f"serial {found.serial}"),
    )


def service_words(service: Service) -> str:
    """`the embedded service`, or its URL."""
    return "the embedded service" if service.base_url == "local" else inline(service.base_url)


def _checksum(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What an approval names; nothing can be approved that cannot be applied."""
    return () if plan.stopped or not plan.refreshed else (("Checksum", checksum(plan)),)


def _summary(plan: Plan) -> str:
    # With errors nobody knows whether the service matches.
    if plan.empty and not plan.blocked and not any(found.severity == "error" for found in plan.problems):
        return "No changes. The service matches the specs."
    return summary_line(plan)


def _changes_heading(plan: Plan) -> str:
    return f"Planned for `{inline(plan.environment)}` ({service_words(plan.service)}):"


def _drift(plan: Plan, verbose: bool) -> tuple[Item, ...]:
    return tuple(_drifted(found, verbose) for found in sorted(plan.drift, key=lambda found: found.address))


def _drifted(found: Drifted, verbose: bool) -> Item:
    title = inline(str(found.address))
    if found.drift == "missing":
        return Item("-", title, facts=("gone from the service",), address=title)
    shown = wanted_by_specs(found)
    files = [field.path for field in shown if is_file(field)]
    rest = set() if verbose else set(files[SHOWN:])
    lines = list(drift_lines(field for field in shown if field.path not in rest))
    if rest:
        lines.append(Line("dim", f"… and {many(len(rest), 'more file')}"))
    return Item("~", title, facts=drift_facts(found), lines=tuple(lines), address=title)


def wanted_by_specs(found: Drifted) -> tuple[FieldChange, ...]:
    """The fields of an object as a reader has to see them: what the specs want of each is said once, where they no
    longer have it."""
    if found.reason != "not_in_specs":
        return found.fields
    return tuple(replace(field, drift="remote") for field in found.fields)


def drift_facts(found: Drifted) -> tuple[str, ...]:
    """What a reader has to know of an object that somebody else has changed."""
    if found.reason == "not_in_specs":
        return ("no longer in the specs",)
    if found.reason == "moved":
        return ("moved in the specs",)
    return ("changed in the specs as well",) if found.drift == "both" else ()


def _changes(plan: Plan, verbose: bool) -> Iterator[Item]:
    """Every change by address: files under the stores that they are in, the others by themselves."""
    groups, later = FileGroups(plan), plan.made
    changes = {change.address: change for change in plan.changes if change.matters}
    loose = [address for address in changes if address.kind == "file" and address not in groups.shown]
    others = {address for address in changes if address.kind != "file"} | set(groups.stores)
    for address in sorted(others):
        change = changes.get(address)
        members = groups.lines(address, verbose)
        if change is None:
            yield Item("", inline(str(address)), lines=members, address=inline(str(address)))
        else:
            yield _item(change, (*change_lines(change, later, verbose), *members))
    yield from folded_items([_file_item(changes[address]) for address in sorted(loose)], verbose)


def _file_item(change: Change) -> tuple[Item, int]:
    size, count = file_size(change)
    item = _item(change, ())
    facts = (size, *item.facts) if size else item.facts
    return replace(item, facts=facts), count


def _item(change: Change, lines: tuple[Line, ...]) -> Item:
    title = address = inline(str(change.address))
    if change.previous is not None:
        title = f"{inline(str(change.previous))} → {title}"
    return Item(symbol_of(change), title, _position(change), tuple(_facts(change)), lines, address)


def symbol_of(change: Change) -> str:
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
    yield from filter(None, (documents_words(change), stays_words(change)))
    if change.kept_for:
        yield kept_words(change)
    if change.lost:
        yield f"not carried by `{change.api}`, as accepted: {', '.join(inline(path) for path in change.lost)}"


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
    title = inline(str(remnant.address))
    return Item(_OLD[remnant.action], title, facts=facts, address=title)


def _block(block: Block) -> Item:
    return Item("!", f"{inline(block.rule)}: {inline(block.detail)}")
