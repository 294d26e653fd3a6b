"""What a reviewer has to know of a plan, the dangerous first: a sentence a resource, in seven groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from provisioner.model import Action, Change, FieldChange, Plan
from provisioner.text import listed
from provisioner.views.diffs import changed_lines, split
from provisioner.views.fields import root
from provisioner.views.files import FileGroups, Row, loose_rows
from provisioner.views.lines import Item, Section
from provisioner.views.losses import losses
from provisioner.views.remarks import Remark
from provisioner.views.tools import Tool, by_key, tool_title
from provisioner.views.values import SENSITIVE, inline, many, shortened, size
from provisioner.views.widenings import widenings

RISKY = ("deletes", "widens")
_HEADINGS = {
    "deletes": "Deleted or lost:",
    "widens": "Widens access:",
    "prompt": "Prompts:",
    "model": "Models:",
    "tools": "Tools:",
    "knowledge": "Knowledge:",
    "settings": "Settings:",
}
_ORDER = list(_HEADINGS)
_APART = frozenset({"instructions", "model", "tools"})  # have groups of their own
_SAME = 5  # resources of which the same is said one by one
_FIELDS = 5  # settings of one resource that are spelt out
_DONE = (("+", "added"), ("-/+", "changed"), (">", "moved"), ("~", "with other settings"), ("-", "removed"))


def review(plan: Plan) -> tuple[Section, ...]:
    """The groups that say something, each with a sentence a resource."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for remark in remarks(plan):
        groups[remark.section].append(Item(remark.symbol, remark.sentence, address=remark.address))
    return tuple(Section(name, _HEADINGS[name], tuple(items)) for name, items in groups.items())


def review_json(plan: Plan) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"section": remark.section, "address": remark.address, "text": remark.text} for remark in remarks(plan)]


def remarks(plan: Plan) -> list[Remark]:
    """Everything that is said of a plan, by group and address; the same said of many is said once."""
    found = [*losses(plan), *widenings(plan), *_knowledge(plan)]
    for change in plan.changes:
        if change.matters and change.address.kind != "file":
            found += _own(change)
    return sorted(_gathered(found), key=lambda remark: (_ORDER.index(remark.section), remark.address, remark.text))


def _gathered(found: Iterable[Remark]) -> Iterator[Remark]:
    """What is said of more than five resources of a kind is said of all of them at once."""
    groups: dict[tuple[str, str, str, str], list[Remark]] = defaultdict(list)
    for remark in found:
        groups[remark.section, remark.symbol, remark.kind, remark.text].append(remark)
    for (section, symbol, kind, text), same in groups.items():
        if len(same) <= _SAME or not kind:
            yield from same
        else:
            names = listed(sorted(remark.address for remark in same))
            yield Remark(section, symbol, "", f"{many(len(same), kind.replace('_', ' '))}: {text} ({names})")


def _own(change: Change) -> Iterator[Remark]:
    """What changes in the fields of one resource."""
    address = inline(str(change.address))
    if change.importing:
        yield Remark("settings", "<-", address, f"import of {inline(change.importing)}")
    if change.previous is not None:
        yield Remark("settings", ">", address, f"moved from {inline(str(change.previous))}")
    if change.action is Action.CREATE:
        yield from _created(address, change)
    elif change.action in (Action.UPDATE, Action.REPLACE, Action.KEEP):
        yield from _updated(address, change.fields)


def _created(address: str, change: Change) -> Iterator[Remark]:
    after = change.after or {}
    if change.address.kind != "assistant":
        yield Remark("settings", "+", address, "new")
        return
    if isinstance(text := after.get("instructions"), str):
        yield Remark("prompt", "+", address, f"new, {many(len(split(text)), 'line')}")
    yield Remark("model", "+", address, f"new, {inline(str(after.get('model')))}")
    if tools := after.get("tools"):
        yield Remark("tools", "+", address, f"new, {listed([tool_title(tool) for tool in tools], 6)}")


def _updated(address: str, fields: Iterable[FieldChange]) -> Iterator[Remark]:
    changed = {field.path: field for field in fields}
    if (field := changed.get("instructions")) is not None:
        yield Remark("prompt", "~", address, f"instructions {_lines(field.before, field.after)}")
    if (field := changed.get("model")) is not None:
        yield Remark("model", "~", address, f"{inline(str(field.before))} → {inline(str(field.after))}")
    if (field := changed.get("tools")) is not None:
        yield Remark("tools", "~", address, _tools(field.before or [], field.after or []))
    others = [field for path, field in changed.items() if not (path in _APART or _told_elsewhere(field))]
    if others:
        more = f" and {len(others) - _FIELDS} more" if len(others) > _FIELDS else ""
        yield Remark("settings", "~", address, ", ".join(map(_setting, others[:_FIELDS])) + more)


def _told_elsewhere(field: FieldChange) -> bool:
    """Documents are knowledge, and protection that is lifted is a loss."""
    return root(field.path) == "files" or (field.path == "lifecycle.protect" and not field.after)


def _lines(before: Any, after: Any) -> str:
    """`+12 −3 lines`."""
    added, removed = changed_lines(before, after)
    told = [f"{sign}{count:,}" for sign, count in (("+", added), ("−", removed)) if count]
    if not told:
        return "differ in the line feed at the end"
    return f"{' '.join(told)} {'line' if added + removed == 1 else 'lines'}"


def _tools(before: list[Tool], after: list[Tool]) -> str:
    old, new = by_key(before), by_key(after)
    done = {
        "added": [tool_title(tool) for key, tool in new.items() if key not in old],
        "changed": [tool_title(tool) for key, tool in new.items() if key in old and old[key] != tool],
        "removed": [tool_title(tool) for key, tool in old.items() if key not in new],
    }
    told = [f"{listed(names)} {word}" for word, names in done.items() if names]
    return ", ".join(told) or ("in another order" if before != after else "refer to new ids")


def _setting(field: FieldChange) -> str:
    name = f"`{inline(field.path)}`"
    if field.sensitive:
        return f"{name} {SENSITIVE}"
    if any(isinstance(side, dict | list) or (isinstance(side, str) and len(side) > 40) for side in _sides(field)):
        return name
    return f"{name} {shortened(field.before)} → {shortened(field.after)}"


def _sides(field: FieldChange) -> tuple[Any, Any]:
    return field.before, field.after


def _knowledge(plan: Plan) -> Iterator[Remark]:
    """Documents by store, then files that are in none."""
    groups = FileGroups(plan)
    for store, rows in groups.stores.items():
        if told := _documents(rows.values()):
            yield Remark("knowledge", "~", inline(str(store)), told)
    if told := _documents(loose_rows(plan, groups)):
        yield Remark("knowledge", "~", "", f"files: {told}")


def _documents(rows: Iterable[Row]) -> str:
    """`2 added (1.2 MB), 1 removed: docs/a.md, docs/b.md, docs/c.md`."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.symbol].append(row)
    told = [f"{len(found[symbol]):,} {word}{_size(found[symbol])}" for symbol, word in _DONE if found[symbol]]
    names = [inline(row.path) for symbol, _ in _DONE for row in sorted(found[symbol], key=lambda row: row.path)]
    return f"{', '.join(told)}: {listed(names)}" if told else ""


def _size(rows: list[Row]) -> str:
    total = sum(row.bytes for row in rows)
    return f" ({size(total)})" if total else ""
