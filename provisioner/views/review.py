"""What a reviewer has to know of a plan, the dangerous first: a sentence a resource, in seven
groups.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.diff import same, top
from provisioner.kinds import holds_files, is_file
from provisioner.masking import SENSITIVE
from provisioner.model import Action, Address, Change, FieldChange, Plan, Remnant, StoreFileChange
from provisioner.text import listed
from provisioner.views.diffs import changed_lines, split
from provisioner.views.fields import ShownTool, by_key, tool_title
from provisioner.views.lines import Item, Section
from provisioner.views.remarks import Remark
from provisioner.views.store_files import FileGroups, FileRow, entry_path, loose_rows
from provisioner.views.values import (
    inline,
    many,
    reason_words,
    shortened,
    size,
    stays_words,
    store_files_words,
)

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
_DONE = (
    ("+", "added"),
    ("-/+", "changed"),
    (">", "moved"),
    ("~", "with other settings"),
    ("-", "removed"),
)


def review(plan: Plan) -> tuple[Section, ...]:
    """The groups that say something, each with a sentence a resource."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for remark in remarks(plan):
        groups[remark.section].append(Item(remark.symbol, remark.sentence, address=remark.address))
    return tuple(Section(name, _HEADINGS[name], tuple(items)) for name, items in groups.items())


def review_json(plan: Plan) -> list[dict[str, str]]:
    """The same for programs."""
    return [
        {"section": remark.section, "address": remark.address, "text": remark.text}
        for remark in remarks(plan)
    ]


def remarks(plan: Plan) -> list[Remark]:
    """Everything that is said of a plan, by group and address; the same said of many is
    said once.
    """
    gathered = [*losses(plan), *widenings(plan), *_knowledge(plan)]
    for change in plan.changes:
        if change.matters and not is_file(change.address):
            gathered += _own(change)
    groups: dict[tuple[str, str, str, str], list[Remark]] = defaultdict(list)
    for remark in gathered:
        groups[remark.section, remark.symbol, remark.kind, remark.text].append(remark)
    said: list[Remark] = []
    for (section, symbol, kind, text), alike in groups.items():
        if len(alike) <= _SAME or not kind:
            said += alike
            continue
        # What is said of more than five resources of a kind is said of all of them at once.
        names = listed(sorted(remark.address for remark in alike))
        whole = f"{many(len(alike), kind.replace('_', ' '))}: {text} ({names})"
        said.append(Remark(section, symbol, "", whole))
    return sorted(
        said, key=lambda remark: (_ORDER.index(remark.section), remark.address, remark.text)
    )


def _own(change: Change) -> Iterator[Remark]:
    """What changes in the fields of one resource."""
    address = inline(str(change.address))
    if change.importing:
        yield Remark("settings", "<-", address, f"import of {inline(change.importing)}")
    if change.previous is not None:
        yield Remark("settings", ">", address, f"moved from {inline(str(change.previous))}")
    if change.action is Action.CREATE:
        yield from _created(address, change)
    elif not change.action.goes:
        yield from _updated(address, change.fields, store=holds_files(change.address))


def _created(address: str, change: Change) -> Iterator[Remark]:
    after = change.after or {}
    if _APART.isdisjoint(after):
        yield Remark("settings", "+", address, "new")
    if isinstance(text := after.get("instructions"), str):
        yield Remark("prompt", "+", address, f"new, {many(len(split(text)), 'line')}")
    if "model" in after:
        yield Remark("model", "+", address, f"new, {inline(str(after['model']))}")
    if tools := after.get("tools"):
        yield Remark(
            "tools", "+", address, f"new, {listed([tool_title(tool) for tool in tools], 6)}"
        )


def _updated(address: str, fields: Iterable[FieldChange], *, store: bool) -> Iterator[Remark]:
    changed = {field.path: field for field in fields}
    if (field := changed.get("instructions")) is not None:
        yield Remark("prompt", "~", address, f"instructions {_lines(field.before, field.after)}")
    if (field := changed.get("model")) is not None:
        yield Remark(
            "model", "~", address, f"{inline(str(field.before))} → {inline(str(field.after))}"
        )
    if (field := changed.get("tools")) is not None:
        before, after = field.before or [], field.after or []
        old, new = by_key(before), by_key(after)
        done = {
            "added": [tool_title(tool) for key, tool in new.items() if key not in old],
            "changed": [
                tool_title(tool)
                for key, tool in new.items()
                if key in old and not same(old[key], tool)
            ],
            "removed": [tool_title(tool) for key, tool in old.items() if key not in new],
        }
        said = [f"{listed(names)} {word}" for word, names in done.items() if names]
        unsaid = "in another order" if not same(before, after) else "refer to new ids"
        yield Remark("tools", "~", address, ", ".join(said) or unsaid)
    others = []
    for path, field in changed.items():
        documents = store and top(path) == "files"  # are knowledge
        unprotects = path == "lifecycle.protect" and not field.after  # is a loss
        if not (path in _APART or documents or unprotects):
            others.append(_setting(field))
    if others:
        yield Remark("settings", "~", address, listed(others, _FIELDS))


def _lines(before: Any, after: Any) -> str:
    """`+12 −3 lines`."""
    added, removed = changed_lines(before, after)
    said = [f"{sign}{count:,}" for sign, count in (("+", added), ("−", removed)) if count]
    if not said:
        return "differ in the line feed at the end"
    return f"{' '.join(said)} {'line' if added + removed == 1 else 'lines'}"


def _setting(field: FieldChange) -> str:
    name = f"`{inline(field.path)}`"
    if field.sensitive:
        return f"{name} {SENSITIVE}"
    for side in (field.before, field.after):
        if isinstance(side, dict | list) or (isinstance(side, str) and len(side) > 40):
            return name
    return f"{name} {shortened(field.before)} → {shortened(field.after)}"


def _knowledge(plan: Plan) -> Iterator[Remark]:
    """Store files by store, then files that are in none."""
    groups = FileGroups(plan)
    for store, rows in groups.stores.items():
        if said := _store_files(rows.values()):
            yield Remark("knowledge", "~", inline(str(store)), said)
    if said := _store_files(loose_rows(plan, groups)):
        yield Remark("knowledge", "~", "", f"files: {said}")


def _store_files(rows: Iterable[FileRow]) -> str:
    """`2 added (1.2 MB), 1 removed: docs/a.md, docs/b.md, docs/c.md`."""
    rows_by_symbol: dict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        rows_by_symbol[row.symbol].append(row)
    said: list[str] = []
    names: list[str] = []
    for symbol, word in _DONE:
        done = sorted(rows_by_symbol[symbol], key=lambda row: row.path)
        total = sum(row.bytes for row in done)
        if done:
            said.append(f"{len(done):,} {word}" + (f" ({size(total)})" if total else ""))
            names += [inline(row.path) for row in done]
    return f"{', '.join(said)}: {listed(names)}" if said else ""


def losses(plan: Plan) -> Iterator[Remark]:
    """A remark for everything that is gone after an apply, somebody's edits included."""
    changes = {change.address: change for change in plan.changes}
    taken: dict[Address, list[StoreFileChange]] = defaultdict(list)
    for one in plan.store_file_changes:
        if one.action == "detach" and not plan.outdates(one):
            taken[one.store].append(one)
    said = {one.file for rows in taken.values() for one in rows}
    edited = {one.address: one.fields for one in plan.drift}
    telling = [one for one in plan.changes if one.matters or one.address in edited]
    for change in telling:
        if change.address not in said:
            yield from _gone(change)
        unprotects = [
            field
            for field in change.fields
            if field.path == "lifecycle.protect" and not field.after
        ]
        if any(field.before for field in unprotects):
            yield _loss(change.address, "no longer protected", "~")
        yield from _overwritten(change, edited.get(change.address, ()))
        # An object that somebody else has made, and that goes.
        outlives = change.deferred or change.stays_with
        if not change.made and change.id and change.action.ends and not outlives:
            yield _loss(change.address, f"`{inline(change.id)}`, which was taken over, is deleted")
    for store, rows in taken.items():
        yield _loss(store, _taken_out(rows, changes))
    yield from _leftover(plan.orphans, "orphan")
    yield from _leftover(plan.deposed, "old object")


def _loss(address: Address, text: str, symbol: str = "-") -> Remark:
    return Remark("deletes", symbol, inline(str(address)), text)


def _gone(change: Change) -> Iterator[Remark]:
    # What somebody else made is reported by `losses` itself.
    if change.action is Action.DELETE and (change.made or change.deferred):
        later = (
            f"once it is no longer used by {listed(map(inline, change.kept_for))}"
            if change.kept_for
            else ""
        )
        yield _loss(
            change.address, " ".join(filter(None, ("deleted", store_files_words(change), later)))
        )
    elif change.action is Action.FORGET:
        why = stays_words(change) or reason_words(change.reason) or "not in the specs"
        yield _loss(change.address, f"forgotten, {why}", ".")
    # A file is always a new version.
    elif change.action is Action.REPLACE and not is_file(change.address):
        paths = ", ".join(f"`{inline(path)}`" for path in change.replace_paths)
        why = f"{paths} cannot be changed in place" if paths else reason_words(change.reason)
        how = "deleted before a new one is made" if change.gap else "replaced by a new one"
        without = ""
        if change.foreign_documents:  # which the new store does not hold
            lost = many(change.foreign_documents, "document")
            without = f"without {lost} of the {change.documents:,} in the old one, not ours"
        yield _loss(change.address, ", ".join(filter(None, (how, why, without))), "-/+")


def _overwritten(change: Change, edited: Iterable[FieldChange]) -> Iterator[Remark]:
    """Edits of others that the plan undoes, or that go with what it deletes."""
    # A store file that somebody has taken out is not lost with the store.
    if change.action is Action.DELETE:
        ends = {"is lost with it": [field.path for field in edited if field.before is not None]}
    elif change.action.alters:
        ends = {
            "is undone": [field.path for field in edited if field.drift == "remote"],
            "gives way to what the specs say": [
                field.path for field in edited if field.drift == "both"
            ],
        }
    else:
        return
    for end, paths in ends.items():
        # `` `temperature`, `tools` and 2 documents ``.
        entries = {
            path: entry_path(path)[0] if holds_files(change.address) else None for path in paths
        }
        fields = [f"`{inline(path)}`" for path, entry in entries.items() if entry is None]
        documents = {
            entry for entry in entries.values() if entry is not None and not entry.startswith("id:")
        }
        said = [*fields[:3], *([many(len(fields) - 3, "more field")] if len(fields) > 3 else [])]
        said += [many(len(documents), "document")] if documents else []
        if said:
            listing = " and ".join(filter(None, (", ".join(said[:-1]), said[-1])))
            yield _loss(change.address, f"somebody's edit of {listing} {end}", "~")


def _taken_out(rows: list[StoreFileChange], changes: dict[Address, Change]) -> str:
    """`3 documents taken out, 2 of them deleted: …`."""
    files = [changes[row.file] for row in rows if row.file in changes]
    going = [file for file in files if file.action is Action.DELETE and not file.deferred]
    deleted = f", {len(going):,} of them deleted" if going else ""
    if going and len(going) == len(rows):
        deleted = " and deleted"
    names = listed(sorted(inline(row.path) for row in rows))
    return f"{many(len(rows), 'document')} taken out{deleted}: {names}"


def _leftover(remnants: tuple[Remnant, ...], what: str) -> Iterator[Remark]:
    for one in remnants:
        if one.action == "delete":
            yield _loss(one.address, f"{what} {inline(one.id)} deleted")
        elif one.action == "forget":
            yield _loss(
                one.address, f"{what} {inline(one.id)} forgotten, {inline(one.detail)}", "."
            )


# The second one is the first as a request spells it.
_REACHES = (
    ("vector_stores", "searches"),
    ("vector_store_ids", "searches"),
    ("files", "its code reads"),
)
# What a new assistant may have that is not of this plan's own making.
_OUTSIDE = ("computer_use", "mcp", "shell", "web_search")
_SERVER = ("server_url", "connector_id", "tunnel_id")


def widenings(plan: Plan) -> Iterator[Remark]:
    """A remark for each new reach; what is made by the same plan is in nobody's reach yet."""
    fresh = plan.made
    for change in plan.changes:
        if change.action is Action.CREATE or change.action.alters or change.importing:
            for text in _reaches(change, fresh):
                yield Remark("widens", "+", inline(str(change.address)), text)


def _reaches(change: Change, fresh: frozenset[str]) -> Iterator[str]:
    sides = {field.path: (field.before, field.after) for field in change.fields}
    made = change.before is None
    if made or change.action is Action.REPLACE:
        sides.setdefault(
            "tools", ((change.before or {}).get("tools"), (change.after or {}).get("tools"))
        )
    yield from _tools_of(*sides.get("tools", ((), ())), made=made, fresh=fresh)
    if "expires_after" in sides and sides["expires_after"][0] and not sides["expires_after"][1]:
        yield "no longer expires"
    if "network" in sides:
        yield from _network(*(side or {} for side in sides["network"]))


def _tools_of(before: Any, after: Any, *, made: bool, fresh: frozenset[str]) -> Iterator[str]:
    old, new = by_key(list(before or ())), by_key(list(after or ()))
    for key, tool in new.items():
        if key in old:
            yield from _wider(old[key], tool)
            continue
        known = _searched({}, tool, fresh if made else frozenset())
        if not made or tool.get("type") in _OUTSIDE:
            # Which server it calls, and with how little asking.
            where = _places(tool)
            if tool.get("type") == "mcp":
                allowed = _allowed(tool)
                where.append(
                    "all of its tools"
                    if allowed is None
                    else f"its tools {listed(sorted(allowed))}"
                )
                if _approval(tool) != "always":
                    where.append(f"approval {shortened(_approval(tool), 60)}")
            yield f"new tool {', '.join([tool_title(tool), *where, *known])}"
        else:
            yield from known


def _places(tool: ShownTool) -> list[str]:
    """Where an MCP server is: its address, or the command that starts it."""
    transport = tool.get("transport") or {}
    found = [*(tool.get(name) for name in _SERVER), transport.get("server_url")]
    if transport.get("type") == "stdio":
        found.append(" ".join([transport.get("command") or "", *(transport.get("args") or ())]))
    return [inline(str(place)) for place in found if place]


def _wider(old: ShownTool, new: ShownTool) -> Iterator[str]:
    name = tool_title(new)
    yield from _searched(old, new, frozenset())
    if old.get("filters") and not new.get("filters"):
        yield f"{name} is no longer limited by `filters`"
    elif new.get("type") == "web_search" and (more := _more(_domains(old), _domains(new))):
        yield f"{name} may look at {more}"
    if old.get("mode") == "disabled" and new.get("mode") != "disabled":
        yield f"{name} is switched on"
    if old.get("external_web_access") is False and new.get("external_web_access") is not False:
        yield f"{name} may read the live web"
    yield from _server(name, old, new)


def _server(name: str, old: ShownTool, new: ShownTool) -> Iterator[str]:
    if new.get("type") != "mcp":
        return
    where = [place for place in _places(new) if place not in _places(old)]
    if where:
        yield f"{name} calls another server, {', '.join(where)}"
    if more := _more(_allowed(old), _allowed(new)):
        yield f"{name} may call {more}"
    if _approval(old) != _approval(new) != "always":
        yield (
            f"{name} needs less approval, {shortened(_approval(old), 60)} →"
            f" {shortened(_approval(new), 60)}"
        )


def _searched(
    old: Mapping[str, Any], new: Mapping[str, Any], fresh: frozenset[str]
) -> Iterator[str]:
    """Stores and store files that a tool reaches anew."""
    for key, verb in _REACHES:
        had = old.get(key) or ()
        searched = []
        for item in new.get(key) or ():
            made = isinstance(item, str) and item in fresh
            if item not in had and not made:
                name = item.get("id", item) if isinstance(item, dict) else item
                searched.append(inline(str(name)))
        if searched:
            yield f"{verb} {listed(searched)}"


def _allowed(tool: ShownTool) -> list[str] | None:
    """The tools of a server that may be called; None for all of them."""
    given = tool.get("allowed_tools")
    if not isinstance(given, dict):
        return given
    read_only = ["the read-only ones"] if given.get("read_only") else None
    return given.get("tool_names", read_only)


def _approval(tool: ShownTool) -> Any:
    return tool.get("require_approval") or "always"


def _domains(holder: Mapping[str, Any]) -> list[str] | None:
    return (holder.get("filters") or holder).get("allowed_domains")


def _more(old: list[str] | None, new: list[str] | None) -> str:
    """What is allowed anew, where None allows everything."""
    if new is None:
        return (
            ""
            if old is None
            else "everything, and not only " + listed([inline(item) for item in old])
        )
    return "" if old is None else listed([inline(item) for item in new if item not in old])


def _network(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The network of an environment template."""
    if before.get("access") != after.get("access") and after.get("access") not in (
        "none",
        "disabled",
    ):
        yield f"network access {shortened(before.get('access'))} → {shortened(after.get('access'))}"
    if more := _more(_domains(before), _domains(after)):
        yield f"its network reaches {more}"
