"""The fields of one change as lines: short values side by side, texts and schemas as
unified diffs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provisioner import jsontext
from provisioner.diff import ABSENT, inside, join, same, top, units
from provisioner.kinds import holds_files, kind
from provisioner.masking import SENSITIVE
from provisioner.model import Action, Change, FieldChange
from provisioner.views.diffs import as_text, split, text_diff
from provisioner.views.lines import Line
from provisioner.views.values import (
    KNOWN_LATER,
    LONG,
    MOST,
    and_more,
    bounded,
    inline,
    many,
    shortened,
    spelt,
    value,
    visible,
)

_FOLDED = 20  # lines of a new text


def change_lines(change: Change, later: frozenset[str], verbose: bool) -> Iterator[Line]:
    """The fields of a change that a reader has to see; `later` is what is `pending` in the plan. A
    store's files are shown by `files`.
    """
    if change.action is Action.CREATE:
        yield from _created(change, later, verbose)
    elif not change.action.goes:
        for field in change.fields:
            if holds_files(change.address) and top(field.path) == "files":
                continue
            forces = field.path in change.replace_paths
            yield from field_lines(field, later, " (forces a replacement)" if forces else "")
        touched = {top(field.path) for field in change.fields} | {"files"}
        hidden = sum(name not in touched for name in change.after or {})
        if hidden and change.fields:
            yield Line("dim", f"({many(hidden, 'unchanged field')} hidden)")


def _created(change: Change, later: frozenset[str], verbose: bool) -> Iterator[Line]:
    one = kind(change.address.kind)
    secret = one.secrets(change.after or {})
    for name, given in change.defaults.items():
        yield Line("+", f"+ {name}: {value(given)} (default)")
    for name, given in (change.after or {}).items():
        if name == "files" and holds_files(change.address):
            continue
        if any(top(path) == name for path in secret):
            for path, item in units({name: given}, one.form(change.api).keyed).items():
                shown = SENSITIVE if path in secret else value(item)
                yield Line("+", f"+ {inline(path)}: {shown}")
        elif name == "tools" and isinstance(given, list):
            yield from tools_added(given, later)
        else:
            yield from _new_field(name, given, verbose)
    if change.api != "responses":  # a request profile is not an object and has no id
        yield Line("+", f"+ id: {KNOWN_LATER}")


def _new_field(name: str, given: Any, verbose: bool) -> Iterator[Line]:
    if name == "metadata" and isinstance(given, dict):
        for key, item in given.items():
            yield Line("+", f"+ {inline(join(name, key))}: {shortened(item)}")
    elif text_like(given):
        yield Line("+", f"+ {name}:")
        yield from (line.deeper() for line in whole_fields(given, "+", verbose))
    else:
        yield Line("+", f"+ {name}: {value(given)}")


def field_lines(field: FieldChange, later: frozenset[str], suffix: str = "") -> Iterator[Line]:
    """One changed field, from live to desired."""
    name = inline(field.path)
    if field.drift:
        suffix += " (edited outside)"
    if field.sensitive:
        yield Line("~", f"~ {name}: {SENSITIVE}{suffix}")
    elif field.unknown and same(field.before, field.after):
        yield Line("~", f"~ {name}: {KNOWN_LATER}{suffix}")
    elif (
        name == "tools"
        and isinstance(field.after or [], list)
        and isinstance(field.before or [], list)
    ):
        yield Line("~", f"~ tools:{suffix}")
        yield from (
            line.deeper() for line in tools_lines(field.before or [], field.after or [], later)
        )
    else:
        yield from difference(
            name,
            field.before,
            after=field.after,
            suffix=f"{suffix} {KNOWN_LATER}" if field.unknown else suffix,
        )


def drift_lines(fields: Iterable[FieldChange]) -> Iterator[Line]:
    """What somebody else changed: from what we last applied to what is live."""
    for field in fields:
        name = inline(field.path)
        wanted = (
            f" (the specs want {shortened(field.after)})"
            if field.drift == "both" and not text_like(field.after)
            else ""
        )
        if field.sensitive:
            yield Line("~", f"~ {name}: {SENSITIVE}")
        elif is_file_field(field):
            put = field.before is not None
            yield (
                Line("+", f"+ {name} (put in by somebody else)")
                if put
                else Line("-", f"- {name} (taken out)")
            )
        elif name == "tools" and isinstance(field.locked, list) and isinstance(field.before, list):
            yield Line("~", "~ tools:")
            yield from (
                line.deeper() for line in tools_lines(field.locked, field.before, frozenset())
            )
        else:
            yield from difference(name, field.locked, after=field.before, suffix=wanted)


def is_file_field(field: FieldChange) -> bool:
    """Whether it is a whole file of a store that comes or goes."""
    values = (field.locked, field.before, field.after)
    return (
        top(field.path) == "files"
        and any(isinstance(value, dict) for value in values)
        and None in values
    )


def whole_fields(given: Any, tone: str, verbose: bool) -> Iterator[Line]:
    """A whole text, each line with `tone` before it, folded after twenty lines."""
    lines = split(as_text(given))
    shown = lines if verbose else lines[:_FOLDED]
    most = MOST if verbose else LONG
    yield from (Line(tone, bounded(visible(f"{tone}{line}"), most)) for line in shown)
    if len(lines) > len(shown):
        yield Line("dim", and_more(len(lines) - len(shown), "line"))


_LONG = 80
_NOTHING: frozenset[str] = frozenset()


def text_like(given: Any) -> bool:
    """Whether a value needs lines of its own."""
    if isinstance(given, str):
        return "\n" in given or len(given) > _LONG
    return isinstance(given, dict | list) and len(spelt(given)) > _LONG


def _symbol(before: Any, after: Any) -> str:
    if before is None:
        return "+"
    return "-" if after is None else "~"


def difference(
    name: str, before: Any, *, after: Any, suffix: str = "", later: frozenset[str] = _NOTHING
) -> Iterator[Line]:
    """One named value that differs. `later` holds the addresses whose ids are not known yet."""
    symbol = _symbol(before, after)
    if not (text_like(before) or text_like(after)):
        if before is None:
            shown = reference_text(after, later)
        elif after is None:
            shown = shortened(before)
        else:
            shown = f"{value(before)} → {reference_text(after, later)}"
        yield Line(symbol, f"{symbol} {name}: {shown}{suffix}")
        return
    yield Line(symbol, f"{symbol} {name}:{suffix}")
    if any(isinstance(before, sort) and isinstance(after, sort) for sort in (dict, list)):
        lines = structural("", before, after)
    elif before is None or after is None:
        rows = split(as_text(after if before is None else before))
        lines = (Line(symbol, bounded(f"{symbol}{visible(row)}", MOST)) for row in rows)
    else:
        lines = text_diff(before, after)
    yield from (line.deeper() for line in lines)


def structural(path: str, old: Any, new: Any) -> Iterator[Line]:
    """The nodes that differ between two documents, each by its path."""
    for below, before, after in inside(old, new):
        joined = (
            f"{path}.{below}" if path and below and not below.startswith("[") else f"{path}{below}"
        )
        yield from _part(inline(joined), before, after)


def _part(name: str, before: Any, after: Any) -> Iterator[Line]:
    """A node of a document that differs, comes or goes; null is a value here."""
    if before is ABSENT:
        yield from difference(name, None, after=after)
    elif after is ABSENT and before is None:
        yield Line("-", f"- {name}: null")
    elif after is ABSENT:
        yield from difference(name, before, after=None)
    elif None in (before, after) and not (text_like(before) or text_like(after)):
        yield Line("~", f"~ {name}: {value(before)} → {value(after)}")
    else:
        yield from difference(name, before, after=after)


def refers(given: Any, later: frozenset[str]) -> bool:
    """Whether a value names something whose id is not known yet."""
    if isinstance(given, dict):
        return any(refers(item, later) for item in given.values())
    if isinstance(given, list):
        return any(refers(item, later) for item in given)
    return isinstance(given, str) and given in later


def reference_text(given: Any, later: frozenset[str]) -> str:
    """A value on one line; a list of references without quotes, each telling whether its id is
    known.
    """
    if not (isinstance(given, list) and refers(given, later)):
        return value(given)
    items = []
    for item in given:
        text = inline(item) if isinstance(item, str) else value(item)
        unknown = isinstance(item, str) and item in later
        items.append(f"{text} {KNOWN_LATER}" if unknown else text)
    return f"[{', '.join(items)}]"


ShownTool = dict[str, Any]
_IDENTITY = ("type", "name")


def tools_added(tools: list[ShownTool], later: frozenset[str]) -> Iterator[Line]:
    """The tools of a new assistant."""
    if tools:
        yield Line("+", "+ tools:")
    for tool in tools:
        yield from _added(tool_title(tool), tool, later, depth=1)


def tools_lines(
    before: list[ShownTool], after: list[ShownTool], later: frozenset[str]
) -> Iterator[Line]:
    """What became of each tool; a pure reordering says so."""
    old, new = by_key(before), by_key(after)
    changed: list[Line] = []
    for key, tool in new.items():
        changed += _one(key[0], old.get(key), tool, later)
    removed = [Line("-", f"- {tool_title(tool)}") for key, tool in old.items() if key not in new]
    yield from (*changed, *removed)
    if not changed and not removed:
        yield Line("dim", "(another order)")


def by_key(tools: list[ShownTool]) -> dict[tuple[str, int], ShownTool]:
    """Tools by title, counted where a title comes twice."""
    found: dict[tuple[str, int], ShownTool] = {}
    seen: dict[str, int] = {}
    for tool in tools:
        title = tool_title(tool)
        seen[title] = seen.get(title, 0) + 1
        found[title, seen[title]] = tool
    return found


def tool_title(tool: ShownTool) -> str:
    """`function get_weather`, `file_search`, `mcp crm`."""
    name = tool.get("name") or tool.get("server_label")
    return inline(f"{tool.get('type', 'tool')} {name}" if name else str(tool.get("type", "tool")))


def _one(
    title: str, old: ShownTool | None, new: ShownTool, later: frozenset[str]
) -> Iterator[Line]:
    if old is None:
        yield from _added(title, new, later)
    elif not same(old, new) or (later and refers(new, later)):
        lines: list[Line] = []
        for name in {**old, **new}:
            before, after = old.get(name), new.get(name)
            if name not in _IDENTITY and (later or not same(before, after)):
                lines += _setting(name, before, after, later)
        if lines:
            yield Line("~", f"~ {title}")
            for line in lines:
                yield line.deeper()


def _added(title: str, tool: ShownTool, later: frozenset[str], depth: int = 0) -> Iterator[Line]:
    yield Line("+", f"+ {title}", depth)
    for name, given in tool.items():
        if name in _IDENTITY:
            continue
        text = reference_text(given, later)
        if isinstance(given, dict) and len(text) > 80:
            yield Line("+", f"+ {name}:", depth + 1)
            shown = visible(jsontext.indented(given)).split("\n")
            yield from (Line("+", f"+{line}", depth + 2) for line in shown)
        else:
            yield Line("+", f"+ {name}: {text}", depth + 1)


def _setting(name: str, old: Any, new: Any, later: frozenset[str]) -> Iterator[Line]:
    if same(old, new):
        if refers(new, later):
            yield Line("~", f"~ {name}: {reference_text(new, later)}")
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from structural(name, old, new)
    else:
        yield from difference(inline(name), old, after=new, later=later)
