"""Files under the vector stores that hold them: one line each, long groups folded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import field, replace

from provisioner.kinds import file_at, holds_files, is_file
from provisioner.model import (
    QUIET,
    SYMBOLS,
    Action,
    Address,
    Change,
    FieldChange,
    Plan,
    StoreFileChange,
)
from provisioner.records import dataclass
from provisioner.text import listed
from provisioner.views.fields import field_lines
from provisioner.views.lines import Item, Line
from provisioner.views.values import and_more, inline, reason_words, size, sizes, stays_words

SHOWN = 20
_ENTRY = re.compile(r'files\["((?:[^"\\]|\\.)*)"\](.*)|files\.([^.\[]+)(.*)', re.DOTALL)
_UNTOUCHED = {
    "attach": "uploaded before",
    "detach": "only taken out of the store",
    "adopt": "is there already",
}
_SAID_REASONS = ("gone", "failed", "chunking_changed")
_SYMBOLS = {"attach": "+", "replace": "-/+", "update": "~", "detach": "-", "adopt": " "}


@dataclass
class FileRow:
    """What happens to one file in one store."""

    path: str
    symbol: str = "~"
    size: str = ""
    facts: list[str] = field(default_factory=list)
    details: list[FieldChange] = field(default_factory=list)
    bytes: int = 0
    previous: str | None = None


class FileGroups:
    """The files of a plan by store. `shown` are the file resources that stand under a store."""

    def __init__(self, plan: Plan) -> None:
        self.stores: dict[Address, dict[str, FileRow]] = {}
        self.shown: set[Address] = set()
        self._files = {change.address: change for change in plan.changes if is_file(change.address)}
        for store_file_change in plan.store_file_changes:
            if store_file_change.action not in QUIET or (
                store_file_change.action == "adopt" and store_file_change.file
            ):
                self._attach(
                    store_file_change,
                    "an old version" if plan.outdates(store_file_change) else "not managed here",
                )
        for change in plan.changes:
            if holds_files(change.address):
                self._fields(change)

    def lines(self, store: Address, verbose: bool) -> tuple[Line, ...]:
        """The lines of one store's files, by path."""
        rows = self.stores.get(store, {})
        if not rows:
            return ()
        ordered = [rows[path] for path in sorted(rows)]
        shown = ordered if verbose or len(ordered) <= SHOWN else ordered[:SHOWN]
        below = [Line("", "files:")]
        for row in shown:
            name = inline(row.path)
            if row.previous is not None:
                name = f"{inline(row.previous)} → {name}"
            facts = f"({', '.join(row.facts)})" if row.facts else ""
            words = " ".join([name, *filter(None, (row.size, facts))])
            below.append(Line(row.symbol, f"{row.symbol} {words}", 1))
            for detail in row.details:
                below += [line.deeper(2) for line in field_lines(detail, frozenset())]
        rest = ordered[len(shown) :]
        if rest:
            below.append(Line("dim", folded(len(rest), sum(row.bytes for row in rest)), 1))
        return tuple(below)

    def _attach(self, store_file_change: StoreFileChange, foreign: str) -> None:
        row = self._row(store_file_change.store, store_file_change.path)
        row.symbol = _SYMBOLS.get(store_file_change.action, "~")
        change = self._files.get(store_file_change.file or file_at(store_file_change.path))
        if change is not None and change.matters:
            self.shown.add(change.address)
            _describe(row, change)
        elif store_file_change.file is None:
            row.facts.append(foreign)
        elif store_file_change.action in _UNTOUCHED:
            row.facts.append(_UNTOUCHED[store_file_change.action])
        if store_file_change.taken:
            row.facts.append(f"holds {inline(store_file_change.old_id or '')} for it")
        if store_file_change.gap:
            row.facts.append("gap: not found by searches for a moment")

    def _fields(self, change: Change) -> None:
        """What the store's own row says of its files: attributes, chunking, what somebody
        took out.
        """
        for change_field in change.fields:
            path, rest = entry_path(change_field.path)
            if path is None:
                continue
            fresh = path not in self.stores.get(change.address, {})
            row = self._row(change.address, path)
            if fresh and not rest:
                row.symbol = "-" if change_field.after is None else "+"
                row.facts.append("no longer in the store")
            elif not rest and change_field.drift:
                row.facts.append("edited outside")
            elif rest:
                row.details.append(replace(change_field, path=rest.removeprefix(".")))

    def _row(self, store: Address, path: str) -> FileRow:
        return self.stores.setdefault(store, {}).setdefault(path, FileRow(path))


def loose_rows(plan: Plan, groups: FileGroups) -> list[FileRow]:
    """The files of a plan that stand under no store."""
    loose = []
    for change in plan.changes:
        if is_file(change.address) and change.matters and change.address not in groups.shown:
            row = FileRow(change.address.name, SYMBOLS[change.action])
            _describe(row, change)
            loose.append(row)
    return loose


def _describe(row: FileRow, change: Change) -> None:
    row.size, row.bytes = file_size(change)
    if change.importing:
        row.symbol = "<-" if change.action is Action.KEEP else row.symbol
        row.facts.append(f"import of {inline(change.importing)}")
    if change.previous is not None:
        row.previous = change.previous.name
        row.symbol = ">" if change.action.stays else row.symbol
    if change.reason in _SAID_REASONS:
        row.facts.append(reason_words(change.reason))
    if stays := stays_words(change):
        row.facts.append(stays)
    if change.kept_for:
        row.facts.append(kept_words(change))


def kept_words(change: Change) -> str:
    """Why the old object outlives the plan."""
    old = "the old one" if change.action is Action.REPLACE else "it"
    return f"{old} stays, used by {listed(map(inline, change.kept_for))}"


def entry_path(path: str) -> tuple[str | None, str]:
    """`files["docs/a.md"].attributes.team` as (`docs/a.md`, `.attributes.team`); None for other
    fields.
    """
    match = _ENTRY.fullmatch(path)
    if match is None:
        return None, ""
    if match[3] is not None:
        return match[3], match[4]
    return json.loads(f'"{match[1]}"'), match[2]


def file_size(change: Change) -> tuple[str, int]:
    """The size of a file, before and after where it differs, in words; and the bytes that it stands
    for.
    """
    old = (change.before or {}).get("bytes") if change.action is not Action.CREATE else None
    new = (change.after or {}).get("bytes")
    if (
        change.action is Action.REPLACE
        and isinstance(old, int)
        and isinstance(new, int)
        and old != new
    ):
        return sizes(old, new), new
    known = new if isinstance(new, int) else old
    return (size(known), known) if isinstance(known, int) else ("", 0)


def folded(count: int, total: int) -> str:
    """`… and 480 more, 12.3 MB`."""
    return and_more(count) + (f", {size(total)}" if total else "")


def folded_items(items: Iterable[tuple[Item, int]], verbose: bool) -> Iterator[Item]:
    """Items with their bytes; the first twenty, and one that stands for the rest."""
    pairs = list(items)
    shown = pairs if verbose or len(pairs) <= SHOWN else pairs[:SHOWN]
    yield from (item for item, _ in shown)
    if rest := pairs[len(shown) :]:
        total = sum(count for _, count in rest)
        yield Item("", and_more(len(rest), "file") + (f", {size(total)}" if total else ""))
