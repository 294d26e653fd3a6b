"""Tools compared one by one: functions by name, other tools by type, parameters by structure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provisioner.diff import inside
from provisioner.views.lines import Line
from provisioner.views.values import KNOWN_LATER, inline, shortened, value

Tool = dict[str, Any]
_IDENTITY = ("type", "name")


def tools_added(tools: list[Tool], later: frozenset[str]) -> Iterator[Line]:
    """The tools of a new assistant."""
    if tools:
        yield Line("+", "+ tools:")
    for tool in tools:
        yield from (line.deeper() for line in _added(_title(tool), tool, later))


def tools_lines(before: list[Tool], after: list[Tool], later: frozenset[str]) -> Iterator[Line]:
    """What became of each tool; a pure reordering says so."""
    old, new = _by_key(before), _by_key(after)
    changed = [line for key, tool in new.items() for line in _one(old.get(key), tool, later)]
    removed = [Line("-", f"- {_title(tool)}") for key, tool in old.items() if key not in new]
    yield from (*changed, *removed)
    if not changed and not removed:
        yield Line("dim", "(another order)")


def _by_key(tools: list[Tool]) -> dict[tuple[str, int], Tool]:
    """Tools by title, counted where a title comes twice."""
    found: dict[tuple[str, int], Tool] = {}
    seen: dict[str, int] = {}
    for tool in tools:
        title = _title(tool)
        seen[title] = seen.get(title, 0) + 1
        found[title, seen[title]] = tool
    return found


def _title(tool: Tool) -> str:
    """`function get_weather`, `file_search`, `mcp crm`."""
    name = tool.get("name") or tool.get("server_label")
    return inline(f"{tool.get('type', 'tool')} {name}" if name else str(tool.get("type", "tool")))


def _one(old: Tool | None, new: Tool, later: frozenset[str]) -> Iterator[Line]:
    title = _title(new)
    if old is None:
        yield from _added(title, new, later)
    elif old != new or _refers(new, later):
        found = [line for name in _names(old, new) for line in _setting(name, old.get(name), new.get(name), later)]
        if found:
            yield Line("~", f"~ {title}")
            yield from (line.deeper() for line in found)


def _names(old: Tool, new: Tool) -> list[str]:
    return [name for name in {**old, **new} if name not in _IDENTITY]


def _added(title: str, tool: Tool, later: frozenset[str]) -> Iterator[Line]:
    yield Line("+", f"+ {title}")
    for name, given in tool.items():
        if name in _IDENTITY:
            continue
        text = reference_text(given, later)
        if isinstance(given, dict) and len(text) > 80:
            yield Line("+", f"+ {name}:", 1)
            shown = json.dumps(given, ensure_ascii=False, indent=2).split("\n")
            yield from (Line("+", f"+{inline(line)}", 2) for line in shown)
        else:
            yield Line("+", f"+ {name}: {text}", 1)


def _setting(name: str, old: Any, new: Any, later: frozenset[str]) -> Iterator[Line]:
    if old == new:
        if _refers(new, later):
            yield Line("~", f"~ {name}: {reference_text(new, later)}")
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from structural(name, old, new)
    else:
        yield _pair(name, old, new, later)


def _pair(path: str, old: Any, new: Any, later: frozenset[str] = frozenset()) -> Line:
    name = inline(path)
    if old is None:
        return Line("+", f"+ {name}: {reference_text(new, later)}")
    if new is None:
        return Line("-", f"- {name}: {shortened(old)}")
    return Line("~", f"~ {name}: {value(old)} → {reference_text(new, later)}")


def structural(path: str, old: Any, new: Any) -> Iterator[Line]:
    """The nodes that differ between two documents, each by its path."""
    for below, before, after in inside(old, new):
        joined = f"{path}{below}" if below.startswith("[") else f"{path}.{below}"
        yield _pair(joined if below else path, before, after)


def _refers(given: Any, later: frozenset[str]) -> bool:
    """Whether a value names something whose id is not known yet."""
    if isinstance(given, dict):
        return any(_refers(item, later) for item in given.values())
    if isinstance(given, list):
        return any(_refers(item, later) for item in given)
    return isinstance(given, str) and given in later


def reference_text(given: Any, later: frozenset[str]) -> str:
    """A value on one line; a list of references without quotes, each telling whether its id is known."""
    if not (isinstance(given, list) and _refers(given, later)):
        return value(given)
    return f"[{', '.join(_reference(item, later) for item in given)}]"


def _reference(item: Any, later: frozenset[str]) -> str:
    if not isinstance(item, str):
        return value(item)
    return f"{inline(item)} {KNOWN_LATER}" if item in later else inline(item)
