"""Tools compared one by one: functions by name, other tools by type, parameters by structure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provisioner.views.differences import difference, reference_text, refers, structural
from provisioner.views.lines import Line
from provisioner.views.values import inline

Tool = dict[str, Any]
_IDENTITY = ("type", "name")


def tools_added(tools: list[Tool], later: frozenset[str]) -> Iterator[Line]:
    """The tools of a new assistant."""
    if tools:
        yield Line("+", "+ tools:")
    for tool in tools:
        yield from (line.deeper() for line in _added(tool_title(tool), tool, later))


def tools_lines(before: list[Tool], after: list[Tool], later: frozenset[str]) -> Iterator[Line]:
    """What became of each tool; a pure reordering says so."""
    old, new = by_key(before), by_key(after)
    changed = [line for key, tool in new.items() for line in _one(old.get(key), tool, later)]
    removed = [Line("-", f"- {tool_title(tool)}") for key, tool in old.items() if key not in new]
    yield from (*changed, *removed)
    if not changed and not removed:
        yield Line("dim", "(another order)")


def by_key(tools: list[Tool]) -> dict[tuple[str, int], Tool]:
    """Tools by title, counted where a title comes twice."""
    found: dict[tuple[str, int], Tool] = {}
    seen: dict[str, int] = {}
    for tool in tools:
        title = tool_title(tool)
        seen[title] = seen.get(title, 0) + 1
        found[title, seen[title]] = tool
    return found


def tool_title(tool: Tool) -> str:
    """`function get_weather`, `file_search`, `mcp crm`."""
    name = tool.get("name") or tool.get("server_label")
    return inline(f"{tool.get('type', 'tool')} {name}" if name else str(tool.get("type", "tool")))


def _one(old: Tool | None, new: Tool, later: frozenset[str]) -> Iterator[Line]:
    title = tool_title(new)
    if old is None:
        yield from _added(title, new, later)
    elif old != new or refers(new, later):
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
        if refers(new, later):
            yield Line("~", f"~ {name}: {reference_text(new, later)}")
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from structural(name, old, new)
    else:
        yield from difference(inline(name), old, new, later=later)
