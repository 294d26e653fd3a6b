"""The files of a vector store as they are written: which entry names one, and what is written instead."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.common import applies
from provisioner.spec.editing.edits import NoPlace, literal
from provisioner.spec.editing.patches import REMOVED, Patch, Path, adding, setting
from provisioner.spec.tree import Refused, Tree, compiled, is_pattern

_BY_ID = "id:"


def member_patch(tree: Tree, environment: str, at: Path, raw: dict[str, Any], keys: list[str], live: Any) -> Patch:
    """The change to the `files:` of a store; `keys` are a file's path, and below it `attributes` and one of them, or
    `chunking`."""
    name, below = keys[0], keys[1:]
    entries = raw.get("files") or []
    if not below and live is not None:
        return adding((*at, "files"), {"id": literal(name.removeprefix(_BY_ID))})
    if below == ["status"]:
        raise NoPlace("it is a state, not a setting", "`provisioner apply` indexes the file again")
    index = _only_entry(tree, environment, entries, name)
    place = (*at, "files", index)
    return Patch(place, lambda entry: _entry(entry, below, live)) if below else setting(place, REMOVED)


def _entry(entry: Any, below: list[str], live: Any) -> dict[str, Any]:
    """An entry with one of its settings changed; a bare path becomes one with settings."""
    changed: dict[str, Any] = {"path": entry} if isinstance(entry, str) else dict(entry)
    if below == ["chunking"]:
        return {**changed, "chunking": live}
    attributes = dict(changed.get("attributes") or {})
    if live is None:
        attributes.pop(below[1], None)
    else:
        attributes[below[1]] = literal(live)
    return {**changed, "attributes": attributes}


def _only_entry(tree: Tree, environment: str, entries: list[Any], name: str) -> int:
    """The one entry that names a file, and no other; NoPlace where there is none or where it is a pattern."""
    found = [
        (index, _written(entry))
        for index, entry in enumerate(entries)
        if (isinstance(entry, str) or applies(entry.get("only") or [], environment)) and _names(tree, entry, name)
    ]
    patterns = [written for _, written in found if not _is(tree, written, name)]
    if patterns:
        hint = f"write `exclude: [{name}]` into that entry, or an entry of its own for the file"
        raise NoPlace(f"the pattern `{patterns[0]}` names it, and other files as well", hint)
    if len(found) > 1:
        raise NoPlace("several entries name it, and their settings merge", "join the entries into one")
    if not found:
        raise NoPlace("no entry of `files:` spells it out", "change the entry that stands for it")
    return found[0][0]


def _written(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    return f"{_BY_ID}{entry['id']}" if "id" in entry else str(entry["path"])


def _names(tree: Tree, entry: Any, name: str) -> bool:
    """Whether an entry stands for a file."""
    written = _written(entry)
    if _is(tree, written, name):
        return True
    if name.startswith(_BY_ID) or not is_pattern(written):
        return False
    exclude = entry.get("exclude") or [] if isinstance(entry, dict) else []
    return _matches(tree, written, name) and not any(_matches(tree, one, name, hidden=True) for one in exclude)


def _matches(tree: Tree, pattern: str, name: str, *, hidden: bool = False) -> bool:
    try:
        return compiled(tree.normal(pattern), hidden=hidden).fullmatch(name) is not None
    except Refused:
        return False


def _is(tree: Tree, written: str, name: str) -> bool:
    if written.startswith(_BY_ID) or name.startswith(_BY_ID):
        return written == name
    try:
        return tree.normal(written) == name
    except Refused:
        return False
