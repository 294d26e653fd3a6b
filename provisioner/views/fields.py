"""The fields of one change as lines: short values side by side, texts and schemas as unified diffs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from provisioner.diff import join
from provisioner.model import Action, Change, FieldChange, Plan
from provisioner.views.differences import difference, text_like
from provisioner.views.diffs import as_text, split
from provisioner.views.lines import Line
from provisioner.views.long_lines import LONG, MOST, bounded
from provisioner.views.tools import tools_added, tools_lines
from provisioner.views.values import KNOWN_LATER, SENSITIVE, inline, many, shortened, value, visible

_FOLDED = 20  # lines of a new text
_ROOT = re.compile(r"[^.\[]*")


def change_lines(change: Change, later: frozenset[str], verbose: bool) -> Iterator[Line]:
    """The fields of a change that a reader has to see; `later` is what is `pending` in the plan. A store's files
    are shown by `files`."""
    if change.action is Action.CREATE:
        yield from _created(change, later, verbose)
    elif change.action in (Action.UPDATE, Action.REPLACE, Action.KEEP):
        own = [field for field in change.fields if not _of_files(change, field)]
        for field in own:
            forces = field.path in change.replace_paths
            yield from field_lines(field, later, " (forces a replacement)" if forces else "")
        yield from _hidden(change)


def pending(plan: Plan) -> frozenset[str]:
    """The addresses whose ids are known only after the apply."""
    made = (Action.CREATE, Action.REPLACE)
    return frozenset(str(change.address) for change in plan.changes if change.action in made)


def root(path: str) -> str:
    """The field that a path begins with: `metadata` of `metadata.team`."""
    found = _ROOT.match(path)
    return found[0] if found else path


def _of_files(change: Change, field: FieldChange) -> bool:
    return change.address.kind == "vector_store" and root(field.path) == "files"


def _hidden(change: Change) -> Iterator[Line]:
    touched = {root(field.path) for field in change.fields} | {"files"}
    count = sum(name not in touched for name in change.after or {})
    if count and change.fields:
        yield Line("dim", f"({many(count, 'unchanged field')} hidden)")


def _created(change: Change, later: frozenset[str], verbose: bool) -> Iterator[Line]:
    secret = {field.path for field in change.fields if field.sensitive}
    for name, given in (change.after or {}).items():
        if name == "files" and change.address.kind == "vector_store":
            continue
        if name in secret:
            yield Line("+", f"+ {name}: {SENSITIVE}")
        elif name == "tools" and isinstance(given, list):
            yield from tools_added(given, later)
        else:
            yield from _new_field(name, given, verbose)
    if change.api != "responses":  # a request profile is no object and has no id
        yield Line("+", f"+ id: {KNOWN_LATER}")


def _new_field(name: str, given: Any, verbose: bool) -> Iterator[Line]:
    if name == "metadata" and isinstance(given, dict):
        for key, item in given.items():
            yield Line("+", f"+ {inline(join(name, key))}: {shortened(item)}")
    elif text_like(given):
        yield Line("+", f"+ {name}:")
        yield from (line.deeper() for line in whole(given, "+", verbose))
    else:
        yield Line("+", f"+ {name}: {value(given)}")


def field_lines(field: FieldChange, later: frozenset[str], suffix: str = "") -> Iterator[Line]:
    """One changed field, from live to desired."""
    name = inline(field.path)
    if field.drift:
        suffix += " (edited outside)"
    if field.sensitive:
        yield Line("~", f"~ {name}: {SENSITIVE}{suffix}")
    elif field.unknown and field.before == field.after:
        yield Line("~", f"~ {name}: {KNOWN_LATER}{suffix}")
    elif name == "tools" and isinstance(field.after or [], list) and isinstance(field.before or [], list):
        yield Line("~", f"~ tools:{suffix}")
        yield from (line.deeper() for line in tools_lines(field.before or [], field.after or [], later))
    else:
        yield from difference(name, field.before, field.after, f"{suffix} {KNOWN_LATER}" if field.unknown else suffix)


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
        elif is_file(field):
            put = field.before is not None
            yield Line("+", f"+ {name} (put in by somebody else)") if put else Line("-", f"- {name} (taken out)")
        elif name == "tools" and isinstance(field.locked, list) and isinstance(field.before, list):
            yield Line("~", "~ tools:")
            yield from (line.deeper() for line in tools_lines(field.locked, field.before, frozenset()))
        else:
            yield from difference(name, field.locked, field.before, wanted)


def is_file(field: FieldChange) -> bool:
    """Whether it is a whole file of a store that comes or goes."""
    values = (field.locked, field.before, field.after)
    return root(field.path) == "files" and any(isinstance(value, dict) for value in values) and None in values


def whole(given: Any, tone: str, verbose: bool) -> Iterator[Line]:
    """A whole text, each line with `tone` before it, folded after twenty lines."""
    lines = split(as_text(given))
    shown = lines if verbose else lines[:_FOLDED]
    most = MOST if verbose else LONG
    yield from (Line(tone, bounded(visible(f"{tone}{line}"), most)) for line in shown)
    if len(lines) > len(shown):
        yield Line("dim", f"… and {many(len(lines) - len(shown), 'more line')}")
