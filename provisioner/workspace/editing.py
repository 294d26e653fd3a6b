"""Where the specs say one field of a resource, and the edits that make them say another value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

import yaml

from provisioner.diff import parts, same
from provisioner.jsontext import canonical
from provisioner.kinds import kind
from provisioner.kinds.assistant.recognized import NAMED
from provisioner.kinds.base import Form, Path
from provisioner.kinds.common import applies
from provisioner.model import Desired, Fields
from provisioner.records import dataclass
from provisioner.workspace.tree import FileRefused, Tree, compiled, is_pattern
from provisioner.yamltext.editing import rewritten
from provisioner.yamltext.patches import (
    REMOVED,
    Patch,
    Rearranged,
    adding,
    patched,
    set_value,
)
from provisioner.yamltext.reading import read_yaml
from provisioner.yamltext.spelling import Unwritable

_BOM = b"\xef\xbb\xbf"
_PLACEHOLDER = re.compile(r"\$\$\{|\$\{")


class NoPlace(Exception):
    """A value that is written in no single place: the reason, and what to do instead."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to one file: a patch to what its YAML or JSON says, or a whole new text."""

    file: str
    patch: Patch | None = None
    text: str = ""
    document: bool = False  # a JSON Schema in a file of its own

    @property
    def apart(self) -> bool:
        """Whether it changes a file that a spec names, not a spec."""
        return self.patch is None or self.document

    @property
    def path(self) -> Path:
        """Where in the file."""
        return self.patch.path if self.patch else ()


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes of a file after its edits; Unwritable where they cannot be made."""
    for edit in edits:
        if edit.patch is None:
            data = _text_edited(data, edit.text)
    patches = [edit.patch for edit in edits if edit.patch]
    if not patches:
        return data
    mark = _BOM if data.startswith(_BOM) else b""
    text = data[len(mark) :].decode()
    file = next(iter(edits)).file
    if any(edit.document for edit in edits) and not file.lower().endswith((".yaml", ".yml")):
        return mark + _json_edited(text, patches).encode()
    old = read_yaml(text.encode()).value
    return mark + rewritten(text, old, patched(old, patches)).encode()


def _json_edited(text: str, patches: list[Patch]) -> str:
    old = json.loads(text)
    new = patched(old, patches)
    try:
        result = rewritten(text, old, new, json_only=True)
        if same(json.loads(result), new):
            return result
    except (Unwritable, ValueError, yaml.YAMLError):
        pass  # JSON that YAML reads differently is laid out anew
    indent = re.search(r"\n([ \t]+)", text)
    return json.dumps(
        new, ensure_ascii=False, indent=indent[1] if indent else None
    ) + "\n" * text.endswith("\n")


def _text_edited(data: bytes, text: str) -> bytes:
    """A text file that says `text`: its byte-order mark and line ends stay, and every line that
    stays keeps its own.
    """
    mark = _BOM if data.startswith(_BOM) else b""
    ending = b"\r" if b"\r\n" in data else b""
    old, new = data[len(mark) :].split(b"\n"), text.encode().split(b"\n")
    plain = [*(line.removesuffix(b"\r") for line in old[:-1]), old[-1]]
    # A last line has no line end and is like another last one only.
    head = _alike(plain[:-1], new[:-1])
    tail = _alike(plain[head:][::-1], new[head:][::-1])
    stop = len(new) - max(tail, 1)
    middle = [*(line + ending for line in new[head:stop]), *(new[-1:] if not tail else ())]
    return mark + b"\n".join([*old[:head], *middle, *old[len(old) - tail :]])


def _alike(left: list[bytes], right: list[bytes]) -> int:
    """How many lines are the same from the start."""
    pairs = zip(left, right, strict=False)
    return next(
        (count for count, (one, other) in enumerate(pairs) if one != other),
        min(len(left), len(right)),
    )


def literal(value: Any) -> Any:
    """A value as YAML has to say it, so that no `${` in it is taken for a placeholder."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: literal(inner) for key, inner in value.items()}
    return [literal(inner) for inner in value] if isinstance(value, list) else value


def placeholders(value: Any) -> list[str]:
    """Every text in a value that holds `${…}`."""
    if isinstance(value, str):
        return [value] if any(text[0] == "${" for text in _PLACEHOLDER.finditer(value)) else []
    if isinstance(value, dict):
        return placeholders(list(value.values()))
    inner = value if isinstance(value, list) else ()
    return [text for one in inner for text in placeholders(one)]


_REFERENCES = {"vector_stores": "vector_store.", "files": "file."}
_SCHEMAS = ("parameters", "schema")


def written_tools(
    form: Form,
    want: Desired,
    *,
    raw: list[Any],
    live: list[Fields],
    documents: MutableMapping[str, Any],
) -> Rearranged:
    """The list of tools to write. `documents` is given the schemas that are in files of their own,
    by path.
    """
    declared = want.fields.get("tools") or []
    normal = [form.normal(want.address, {"tools": [tool]})["tools"] for tool in declared]
    carried = {index: tools[0] for index, tools in enumerate(normal) if tools}
    pairs = _matched(carried, live)
    items = Rearranged(raw)
    for index in reversed(carried):
        if index not in pairs:
            items.drop(index)
        elif not same(carried[index], live[pairs[index]]):
            at = items.origins.index(index)
            plain = form.normal(want.address, {"tools": [_bare(carried[index])]})["tools"][0]
            items[at] = _changed(
                raw[index],
                declared[index],
                before=carried[index],
                live=live[pairs[index]],
                plain=plain,
                documents=documents,
            )
    for at, tool in enumerate(live):
        if at not in pairs.values():
            # What it is worth without settings: nobody writes that down.
            plain = form.normal(want.address, {"tools": [_bare(tool)]})["tools"]
            new = as_written(
                {}, {}, live=tool, plain=plain[0] if plain else {}, documents=documents
            )
            items.add(new["type"] if new.keys() == {"type"} and new["type"] in NAMED else new)
    return items


def _bare(tool: Fields) -> Fields:
    return {key: tool[key] for key in ("type", "name", "server_label") if key in tool}


def _matched(carried: Mapping[int, Fields], live: list[Fields]) -> dict[int, int]:
    """Which live tool each declared one is: by type and name; else renamed, with the rest as it
    was, or as the only one of its type that is left over on both sides.
    """
    pairs: dict[int, int] = {}
    for key in (_name, _rest, _type):
        for index, tool in carried.items():
            left = [
                at
                for at, other in enumerate(live)
                if at not in pairs.values() and key(other) == key(tool)
            ]
            rivals = [
                other
                for other in carried
                if other not in pairs and key(carried[other]) == key(tool)
            ]
            if index not in pairs and len(left) == len(rivals) == 1:
                pairs[index] = left[0]
    return pairs


def _name(tool: Fields) -> tuple[Any, Any]:
    return tool.get("type"), tool.get("name") or tool.get("server_label")


def _rest(tool: Fields) -> str:
    return canonical({key: value for key, value in tool.items() if key != "name"})


def _type(tool: Fields) -> Any:
    return tool.get("type")


def _changed(
    raw: Any,
    declared: Fields,
    *,
    before: Fields,
    live: Fields,
    plain: Fields,
    documents: MutableMapping[str, Any],
) -> Any:
    if isinstance(raw, dict) and "use" in raw:
        detail = f"it is the shared tool `{raw['use']}`"
        raise NoPlace(detail, "change it below `tools:`, or write it out in the assistant")
    start: dict[str, Any] = {"type": raw} if isinstance(raw, str) else raw
    written = as_written(start, before, live=live, plain=plain, documents=documents)
    for key in _REFERENCES.keys() & start.keys() & live.keys():
        if not same(before.get(key), live[key]):
            written[key] = _references(start[key], declared.get(key) or [], live[key])
    return written


def as_written(
    raw: Mapping[str, Any],
    before: Fields,
    *,
    live: Fields,
    plain: Fields,
    documents: MutableMapping[str, Any],
) -> dict[str, Any]:
    """What is written, changed where `live` differs from `before`; what `plain` says anyhow is left
    out.
    """
    written = dict(raw)
    for key in dict.fromkeys([*before, *live]):
        value = live.get(key)
        if key in before and same(before[key], value):
            continue
        if key in _SCHEMAS and _by_file(raw.get(key)):
            documents[raw[key]["file"]] = value
        elif value is None or (
            key != "type" and same(plain.get(key), value) and key not in _bare(live)
        ):
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
    return (
        re.sub(r"^(vector_store|file)\.", "", value) if isinstance(value, str) else literal(value)
    )


def _references(raw: list[Any], declared: list[Any], live: list[Any]) -> Rearranged:
    """The names in one tool: those that went are taken out, new ones come last."""
    items = Rearranged(raw)
    spelt = [canonical(one) for one in live]
    gone = [one for one in declared if canonical(one) not in spelt]
    if len(raw) != len(declared):
        if gone:
            raise NoPlace(
                "a pattern matches the file that was taken out", "list the files one by one"
            )
        gone_at = []
    else:
        gone_at = [index for index, one in enumerate(declared) if one in gone]
    for index in reversed(gone_at):
        items.drop(index)
    for one in live:
        if one not in declared:
            items.add(_reference(one))
    return items


_BY_ID = "id:"


def store_file_patch(
    tree: Tree, environment: str, *, at: Path, raw: dict[str, Any], keys: list[str], live: Any
) -> Patch:
    """The change to the `files:` of a store; `keys` are a file's path, and below it `attributes`
    and one of them, or `chunking`.
    """
    name, below = keys[0], keys[1:]
    entries = raw.get("files") or []
    if not below and live is not None:
        return adding((*at, "files"), {"id": literal(name.removeprefix(_BY_ID))})
    if below == ["status"]:
        raise NoPlace("it is a state, not a setting", "`provisioner apply` indexes the file again")
    # The one entry that names a file, and no other; NoPlace where there is none or where it
    # is a pattern.
    candidates = [
        (index, _written(entry))
        for index, entry in enumerate(entries)
        if (isinstance(entry, str) or applies(entry.get("only") or [], environment))
        and _names(tree, entry, name)
    ]
    patterns = [one for one in candidates if not _is(tree, one[1], name)]
    if patterns:
        index, pattern = patterns[0]
        if below:
            hint = "add an entry of its own for the file below that one"
        elif isinstance(entries[index], str):
            hint = f"write the entry as `{{path: {pattern}, exclude: [{name}]}}`"
        else:
            hint = f"add `{name}` to `exclude:` of that entry"
        raise NoPlace(f"the pattern `{pattern}` names it, and other files as well", hint)
    if len(candidates) > 1:
        raise NoPlace(
            "several entries name it, and their settings merge", "join the entries into one"
        )
    if not candidates:
        raise NoPlace("no entry of `files:` spells it out", "change the entry that stands for it")
    index = candidates[0][0]
    place = (*at, "files", index)
    return (
        Patch(place, lambda entry: _entry(entry, below, live))
        if below
        else set_value(place, REMOVED)
    )


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
    return _matches(tree, written, name) and not any(
        _matches(tree, one, name, hidden=True) for one in exclude
    )


def _matches(tree: Tree, pattern: str, name: str, *, hidden: bool = False) -> bool:
    try:
        return compiled(tree.normal(pattern), hidden=hidden).fullmatch(name) is not None
    except FileRefused:
        return False


def _is(tree: Tree, written: str, name: str) -> bool:
    if written.startswith(_BY_ID) or name.startswith(_BY_ID):
        return written == name
    try:
        return tree.normal(written) == name
    except FileRefused:
        return False


_CRLF = "its lines end with CRLF, which text read from a file does not keep"
_VARIABLE = "`{}` holds `${{…}}`"


@dataclass(frozen=True, slots=True)
class Spot:
    """A resource as one environment sees it, with what is written for it."""

    want: Desired
    raw: Any
    form: Form
    tree: Tree
    environment: str

    @property
    def path(self) -> Path:
        return self.want.source.path


def edits(spot: Spot, path: str, live: Any) -> list[Edit]:
    """The edits that make the field at `path` say `live`; NoPlace where no single place says it."""
    if not isinstance(spot.raw, dict):
        raise NoPlace("the resource is not written out", "declare its fields")
    changes = list(_edits(spot, parts(path), live))
    for edit in changes:
        if edit.patch and not edit.document:
            _check_placeholders(spot, edit.patch)
    return changes


def _edits(spot: Spot, keys: list[str], live: Any) -> Iterator[Edit]:
    field, raw = keys[0], spot.raw.get(keys[0])
    known = kind(spot.want.address.kind).fields.get(field)
    edited = known.sort.edited if known else ""
    if edited == "store_files":
        yield _edit(
            spot,
            store_file_patch(
                spot.tree, spot.environment, at=spot.path, raw=spot.raw, keys=keys[1:], live=live
            ),
        )
    elif edited == "text" and isinstance(raw, dict):
        yield _text(spot, field, raw=raw, live=live)
    elif edited == "tools":
        documents: dict[str, Any] = {}
        tools = written_tools(spot.form, spot.want, raw=raw or [], live=live, documents=documents)
        yield from _with_documents(spot, field, raw=raw, new=tools, documents=documents)
    elif edited == "format":
        documents = {}
        new = literal(live)
        if isinstance(live, dict):
            plain = {"type": "json_schema", "name": live.get("name"), "strict": False}
            normal = spot.form.normal(spot.want.address, spot.want.fields).get(field)
            before = normal if isinstance(normal, dict) else {}
            start = raw if before else {}
            new = as_written(start, before, live=live, plain=plain, documents=documents)
        yield from _with_documents(spot, field, raw=raw, new=new, documents=documents)
    elif known and known.sort.written is None:
        raise NoPlace("no spec says it: it follows from what was written", "let an apply set it")
    elif len(keys) > 1:
        yield _edit(
            spot, set_value((*spot.path, *keys), REMOVED if live is None else literal(live))
        )
    else:
        new = known.sort.spelt(live) if known and live is not None else live
        yield _edit(spot, set_value((*spot.path, field), literal(new)))


def _edit(spot: Spot, patch: Patch) -> Edit:
    return Edit(spot.want.source.file, patch)


def _text(spot: Spot, field: str, *, raw: Mapping[str, Any], live: Any) -> Edit:
    files = [raw["file"]] if "file" in raw else raw["files"]
    if len(files) > 1:
        raise NoPlace(
            "its text is put together from several files", "edit the one that it belongs in"
        )
    if placeholders(files):
        raise NoPlace(_VARIABLE.format(files[0]), "edit the file that it stands for")
    if not str(live or "").strip():  # a prompt file says something
        return _edit(spot, set_value((*spot.path, field), literal(live)))
    if "\r\n" in live:
        raise NoPlace(_CRLF, "write the text into the YAML, in double quotes")
    return Edit(spot.tree.normal(files[0]), text=live)


def _with_documents(
    spot: Spot, field: str, *, raw: Any, new: Any, documents: Mapping[str, Any]
) -> Iterator[Edit]:
    if not same(raw, new) or (isinstance(new, Rearranged) and new.origins != list(range(len(raw)))):
        yield _edit(spot, set_value((*spot.path, field), new))
    for file, schema in documents.items():
        yield Edit(spot.tree.normal(schema_file(file)), set_value((), schema), document=True)


def _check_placeholders(spot: Spot, patch: Patch) -> None:
    """A value that comes from a variable is nobody's to replace here."""
    present = spot.raw
    for step in patch.path[len(spot.path) :]:
        if isinstance(present, list) and isinstance(step, int):
            present = present[step]
        else:
            present = present.get(step) if isinstance(present, dict) else None
    after = patch.change(present)
    left = placeholders([] if after is REMOVED else after)
    for text in placeholders(present):
        if text not in left:
            raise NoPlace(_VARIABLE.format(text), "change the variable, or write the value out")
        left.remove(text)
