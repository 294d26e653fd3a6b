"""Tools and schemas as their author spells them: what did not change keeps its words, its comments and its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from provisioner.diff import same
from provisioner.kinds.assistant.tools import NAMED
from provisioner.kinds.base import Form
from provisioner.model import Desired, Fields
from provisioner.spec.editing.edits import NoPlace, literal, placeholders
from provisioner.spec.editing.patches import Items

_REFERENCES = {"vector_stores": "vector_store.", "files": "file."}
_SCHEMAS = ("parameters", "schema")


def written_tools(
    form: Form, want: Desired, raw: list[Any], live: list[Fields], documents: MutableMapping[str, Any]
) -> Items:
    """The list of tools to write. `documents` is given the schemas that are in files of their own, by path."""
    declared = want.fields.get("tools") or []
    normal = [form.normal(want.address, {"tools": [tool]})["tools"] for tool in declared]
    carried = {index: tools[0] for index, tools in enumerate(normal) if tools}
    pairs = _matched(carried, live)
    items = Items(raw)
    for index in reversed(carried):
        if index not in pairs:
            items.drop(index)
        elif not same(carried[index], live[pairs[index]]):
            at = items.origins.index(index)
            plain = form.normal(want.address, {"tools": [_bare(carried[index])]})["tools"][0]
            items[at] = _changed(raw[index], declared[index], carried[index], live[pairs[index]], plain, documents)
    for at, tool in enumerate(live):
        if at not in pairs.values():
            new = as_written({}, {}, tool, _plain_new(form, want, tool), documents)
            items.add(new["type"] if new.keys() == {"type"} and new["type"] in NAMED else new)
    return items


def _bare(tool: Fields) -> Fields:
    return {key: tool[key] for key in ("type", "name", "server_label") if key in tool}


def _plain_new(form: Form, want: Desired, tool: Fields) -> Fields:
    """What a tool is worth without settings: nobody writes that down."""
    found: list[Fields] = form.normal(want.address, {"tools": [_bare(tool)]})["tools"]
    return found[0] if found else {}


def _matched(carried: Mapping[int, Fields], live: list[Fields]) -> dict[int, int]:
    """Which live tool each declared one is: by type and name; else renamed, with the rest as it was, or as the only
    one of its type that is left over on both sides."""
    pairs: dict[int, int] = {}
    for key in (_name, _rest, _type):
        for index, tool in carried.items():
            left = [at for at, other in enumerate(live) if at not in pairs.values() and key(other) == key(tool)]
            rivals = [other for other in carried if other not in pairs and key(carried[other]) == key(tool)]
            if index not in pairs and len(left) == len(rivals) == 1:
                pairs[index] = left[0]
    return pairs


def _name(tool: Fields) -> tuple[Any, Any]:
    return tool.get("type"), tool.get("name") or tool.get("server_label")


def _rest(tool: Fields) -> str:
    return json.dumps({key: value for key, value in tool.items() if key != "name"}, sort_keys=True)


def _type(tool: Fields) -> Any:
    return tool.get("type")


def _changed(
    raw: Any, declared: Fields, before: Fields, live: Fields, plain: Fields, documents: MutableMapping[str, Any]
) -> Any:
    if isinstance(raw, dict) and "use" in raw:
        detail = f"it is the shared tool `{raw['use']}`"
        raise NoPlace(detail, "change it below `tools:`, or write it out in the assistant")
    start: dict[str, Any] = {"type": raw} if isinstance(raw, str) else raw
    written = as_written(start, before, live, plain, documents)
    for key in _REFERENCES.keys() & start.keys() & live.keys():
        if not same(before.get(key), live[key]):
            written[key] = _references(start[key], declared.get(key) or [], live[key])
    return written


def as_written(
    raw: Mapping[str, Any], before: Fields, live: Fields, plain: Fields, documents: MutableMapping[str, Any]
) -> dict[str, Any]:
    """What is written, changed where `live` differs from `before`; what `plain` says anyhow is left out."""
    written = dict(raw)
    for key in dict.fromkeys([*before, *live]):
        value = live.get(key)
        if key in before and same(before[key], value):
            continue
        if key in _SCHEMAS and _by_file(raw.get(key)):
            documents[raw[key]["file"]] = value
        elif value is None or (key != "type" and same(plain.get(key), value) and key not in _bare(live)):
            written.pop(key, None)
        else:
            written[key] = _spelt(key, raw.get(key), value)
    return written


def _by_file(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"file"} and isinstance(value["file"], str)


def schema_file(path: str) -> str:
    """The path of a schema's file; NoPlace where a variable is in it."""
    if placeholders(path):
        raise NoPlace(f"`{path}` holds `${{…}}`", "edit the file that it stands for")
    return path


def _spelt(key: str, raw: Any, value: Any) -> Any:
    if key in _REFERENCES:
        return [_reference(one) for one in value]
    if key == "ranking_options" and isinstance(raw, dict):
        return {**raw, **literal(value)}
    return literal(value)


def _reference(value: Any) -> Any:
    """An object as an author names it."""
    return re.sub(r"^(vector_store|file)\.", "", value) if isinstance(value, str) else literal(value)


def _references(raw: list[Any], declared: list[Any], live: list[Any]) -> Items:
    """The names in one tool: those that went are taken out, new ones come last."""
    items = Items(raw)
    spelt = [json.dumps(one, sort_keys=True) for one in live]
    gone = [one for one in declared if json.dumps(one, sort_keys=True) not in spelt]
    if len(raw) != len(declared):
        if gone:
            raise NoPlace("a pattern matches the file that was taken out", "list the files one by one")
        gone_at = []
    else:
        gone_at = [index for index, one in enumerate(declared) if one in gone]
    for index in reversed(gone_at):
        items.drop(index)
    for one in live:
        if one not in declared:
            items.add(_reference(one))
    return items
