"""Where the specs say one field of a resource, and the edit that makes them say another value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.diff import parts
from provisioner.kinds.base import Form
from provisioner.model import Desired
from provisioner.spec.editing.edits import Edit, NoPlace, literal, placeholders
from provisioner.spec.editing.members import member_patch
from provisioner.spec.editing.patches import REMOVED, Items, Patch, Path, setting
from provisioner.spec.editing.tools import as_written, schema_file, written_tools
from provisioner.spec.tree import Tree

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
    found = list(_edits(spot, parts(path), live))
    for edit in found:
        if edit.patch and not edit.document:
            _check_placeholders(spot, edit.patch)
    return found


def _edits(spot: Spot, keys: list[str], live: Any) -> Iterator[Edit]:
    field, raw = keys[0], spot.raw.get(keys[0])
    if field == "files" and spot.want.address.kind == "vector_store":
        yield _edit(spot, member_patch(spot.tree, spot.environment, spot.path, spot.raw, keys[1:], live))
    elif field == "instructions" and isinstance(raw, dict):
        yield _prompt(spot, raw, live)
    elif field == "tools":
        yield from _tools(spot, raw, live)
    elif field == "response_format":
        yield from _response_format(spot, raw, live)
    elif len(keys) > 1:
        yield _edit(spot, setting((*spot.path, *keys), REMOVED if live is None else literal(live)))
    else:
        yield _edit(spot, setting((*spot.path, field), literal(live)))


def _edit(spot: Spot, patch: Patch) -> Edit:
    return Edit(spot.want.source.file, patch)


def _prompt(spot: Spot, raw: Mapping[str, Any], live: Any) -> Edit:
    files = [raw["file"]] if "file" in raw else raw["files"]
    if len(files) > 1:
        raise NoPlace("its text is put together from several files", "edit the one that it belongs into")
    if placeholders(files):
        raise NoPlace(_VARIABLE.format(files[0]), "edit the file that it stands for")
    if not str(live or "").strip():  # a prompt file says something
        return _edit(spot, setting((*spot.path, "instructions"), literal(live)))
    if "\r\n" in live:
        raise NoPlace(_CRLF, "write the text into the YAML, in double quotes")
    return Edit(spot.tree.normal(files[0]), text=live)


def _tools(spot: Spot, raw: Any, live: list[Any]) -> Iterator[Edit]:
    documents: dict[str, Any] = {}
    tools = written_tools(spot.form, spot.want, raw or [], live, documents)
    yield from _with_documents(spot, "tools", raw, tools, documents)


def _response_format(spot: Spot, raw: Any, live: Any) -> Iterator[Edit]:
    documents: dict[str, Any] = {}
    new = literal(live)
    if isinstance(live, dict):
        plain = {"type": "json_schema", "name": live.get("name"), "strict": False}
        before = spot.form.normal(spot.want.address, spot.want.fields).get("response_format")
        known = before if isinstance(before, dict) else {}
        new = as_written(raw if known else {}, known, live, plain, documents)
    yield from _with_documents(spot, "response_format", raw, new, documents)


def _with_documents(spot: Spot, field: str, raw: Any, new: Any, documents: Mapping[str, Any]) -> Iterator[Edit]:
    if new != raw or (isinstance(new, Items) and new.origins != list(range(len(raw)))):
        yield _edit(spot, setting((*spot.path, field), new))
    for file, schema in documents.items():
        yield Edit(spot.tree.normal(schema_file(file)), setting((), schema), document=True)


def _check_placeholders(spot: Spot, patch: Patch) -> None:
    """A value that comes from a variable is nobody's to replace here."""
    present = spot.raw
    for step in patch.path[len(spot.path) :]:
        present = _entered(present, step)
    after = patch.change(present)
    left = placeholders([] if after is REMOVED else after)
    for text in placeholders(present):
        if text not in left:
            raise NoPlace(_VARIABLE.format(text), "change the variable, or write the value out")
        left.remove(text)


def _entered(value: Any, step: str | int) -> Any:
    if isinstance(value, list) and isinstance(step, int):
        return value[step]
    return value.get(step) if isinstance(value, dict) else None
