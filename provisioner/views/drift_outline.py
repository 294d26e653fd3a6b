"""The structure of a drift report for readers: what somebody else changed first, then what nobody
can say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from provisioner.model import Address, Drift, Drifted, FieldChange, Unmanaged, Unverifiable
from provisioner.text import brief
from provisioner.views.fields import drift_lines, is_file_field, text_like
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.outline import drift_facts, place_facts, position_text, wanted_by_specs
from provisioner.views.values import and_more, inline, many
from provisioner.yamltext.spelling import flow_spelt

CLEAN = "No drift. The service is as it was last applied."
NOTHING_APPLIED = "No drift. Nothing was ever applied."
_FOLDED = 5  # fields of one resource that nobody can verify
_OWN = {
    "new": ("+", "not applied yet"),
    "imported": ("<-", "not imported yet"),
    "adopted": ("<-", "found by our stamp, taken over by the next apply"),
    "not_in_specs": ("-", "no longer in the specs"),
    "moved": (">", "moved in the specs"),
}


def drift_outline(drift: Drift, *, verbose: bool = False) -> Outline:
    """Everything that comparing found; `verbose` unfolds long groups."""
    outside = [_drifted(one) for one in drift.found if one.drift != "local"]
    pending = [_drifted(one) for one in drift.found if one.drift == "local"]
    profiles = []
    if drift.profiles or drift.service.api == "responses":
        said = many(drift.profiles, "request profile") if drift.profiles else "Request profiles"
        lives = f"{said} {'lives' if drift.profiles == 1 else 'live'} in the lock alone."
        named = "The vector stores and files that they name can drift."
        profiles.append(Item("", f"{lives} {named}"))
    sections = (
        Section("profiles", "What cannot drift:", tuple(profiles)),
        Section("drift", "Changed outside of provisioner since the last apply:", tuple(outside)),
        Section("pending", "Edits of your own that are not applied yet:", tuple(pending)),
        Section(
            "unverifiable",
            "Never shown by the service, so that nobody can say whether they changed:",
            tuple(_unverifiable(drift.unverifiable, verbose)),
        ),
        Section(
            "unmanaged",
            "At the service, but not managed here:",
            tuple(_unmanaged(drift.unmanaged, drift.environment if drift.several else None)),
        ),
        Section("notes", "Notes:", tuple(Item("", inline(note)) for note in drift.notes)),
    )
    return Outline(
        tuple(section for section in sections if section.items),
        (),
        summary(drift),
        title=f"Drift in {inline(drift.workspace)}/{inline(drift.environment)}",
        marker=f"drift {inline(drift.workspace)}/{inline(drift.environment)}",
        facts=place_facts(drift),
    )


def _unmanaged(found: Iterable[Unmanaged], environment: str | None) -> Iterator[Item]:
    """The inventory that somebody starts from, in groups: each line can be pasted into `imports`,
    or, of what a store holds, into its `files`.
    """

    def group(one: Unmanaged) -> tuple[str, str]:
        return one.kind, str(one.store or "")

    for (kind, store), some in groupby(sorted(found, key=group), group):
        members = list(some)
        title = many(len(members), kind.replace("_", " "))
        facts = (f"in {inline(store)}",) if store else ()
        lines = tuple(_to_paste(one, environment) for one in members)
        yield Item("", title, facts=facts, lines=lines)


def _to_paste(one: Unmanaged, environment: str | None) -> Line:
    to = {"to": str(one.to)} if one.to else {}
    only = {"environment": environment} if one.to and environment else {}
    day = datetime.fromtimestamp(one.created_at, UTC).date().isoformat() if one.created_at else ""
    said = [inline(brief(one.name)), inline(brief(one.model or "")), f"made {day}" if day else ""]
    about = ", ".join(word for word in said if word)
    return Line(
        "", f"- {flow_spelt({**to, 'id': one.id, **only})}" + (f"  # {about}" if about else "")
    )


def summary(drift: Drift) -> str:
    """`Drift: 2 changed outside, 0 changed on both sides, 1 missing.`"""
    if not drift.drifted:
        return CLEAN if drift.checked or drift.profiles or drift.serial else NOTHING_APPLIED
    count = Counter(item.drift for item in drift.found)
    return (
        f"Drift: {count['remote']} changed outside, {count['both']} changed on both sides,"
        f" {count['missing']} missing."
    )


def _drifted(drifted: Drifted) -> Item:
    title, place = (
        inline(str(drifted.address)),
        position_text(drifted.position) if drifted.position else "",
    )
    if drifted.drift == "local":
        symbol, fact = _OWN.get(drifted.reason, ("~", ""))
        return Item(
            symbol,
            title,
            position=place,
            facts=(fact,) if fact else (),
            lines=tuple(_own(drifted.fields)),
            address=title,
        )
    if drifted.drift == "missing":
        gone = "expired" if drifted.reason == "expired" else "gone from the service"
        return Item("-", title, position=place, facts=(gone,), lines=(), address=title)
    return Item(
        "~",
        title,
        position=place,
        facts=drift_facts(drifted),
        lines=tuple(_lines(wanted_by_specs(drifted))),
        address=title,
    )


def _lines(fields: Iterable[FieldChange]) -> Iterator[Line]:
    own = [field for field in fields if field.drift == "local"]
    for field in fields:
        if field.drift == "local":
            continue
        yield from drift_lines([field])
        if field.drift == "both" and text_like(field.after) and not field.sensitive:
            yield Line("dim", "the specs changed it as well:", 1)
            yield from (line.deeper(2) for line in _own([field]))
    if own:
        yield Line("dim", "edits of your own that are not applied yet:")
        yield from (line.deeper() for line in _own(own))


def _own(fields: Iterable[FieldChange]) -> Iterator[Line]:
    """From what was last applied to what the specs want."""
    for field in fields:
        if is_file_field(field):
            symbol, what = ("+", "put in") if field.after is not None else ("-", "taken out")
            yield Line(symbol, f"{symbol} {inline(field.path)} ({what} by the next apply)")
        else:
            yield from drift_lines([replace(field, before=field.after)])


def _unverifiable(hidden: Iterable[Unverifiable], verbose: bool) -> Iterator[Item]:
    def by(one: Unverifiable) -> tuple[Address, str]:
        return one.address, one.why

    for (address, why), group in groupby(sorted(hidden, key=by), by):
        paths = [one.path for one in group]
        shown = paths if verbose else paths[:_FOLDED]
        lines = [Line("", inline(path)) for path in shown]
        if len(paths) > len(shown):
            lines.append(Line("dim", and_more(len(paths) - len(shown))))
        yield Item(
            "?",
            inline(str(address)),
            facts=(why,),
            lines=tuple(lines),
            address=inline(str(address)),
        )
