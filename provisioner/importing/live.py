"""Live objects as things that were found: what an author would declare of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.diff import same
from provisioner.importing.beyond import beyond
from provisioner.importing.nouns import Found, Lost, Origin
from provisioner.kinds import kind
from provisioner.kinds.base import Form
from provisioner.kinds.common import MAX_ATTRIBUTES
from provisioner.kinds.table import UNNAMED
from provisioner.kinds.vector_store.fields import chunks
from provisioner.kinds.wire import MAX_PAIRS
from provisioner.model import Address, Fields, Live, StoreFile
from provisioner.plan.store_files import RUINED
from provisioner.text import quoted

_AUTO = chunks("auto")
NO_FIELD = "no field of a spec"


def found_object(name: str, api: str | None, live: Live, origin: Origin) -> Found:
    """An assistant or a vector store: every field that is not what a new object has anyway. The
    name is always said, because a resource that says none is called by its address.
    """
    form = kind(name).form(api)
    fields: Fields = {"name": live.fields.get("name") or None}
    losses = [Lost(origin, path, NO_FIELD) for path in beyond(name, api, live)]
    # What travels as metadata is a field of its own.
    paths = [one.path(api) for one in form.table.carried(api)]
    travelling = {path[1] for path in paths if path[0] == "metadata" and len(path) > 1}
    left: list[str] = []  # of its metadata, where there are more than a spec may say
    for one in form.table.carried(api):
        value = live.fields.get(one.name)
        if one.name == "metadata":
            own = {key: item for key, item in (value or {}).items() if key not in travelling}
            value, left = _fitting(own)
        if one.unread or one.name == "name" or value in (None, [], {}):
            continue
        inline = list(_inline(value, live, one.name, origin))
        losses += inline
        if not inline and (
            one.required or not same(one.sort.normal(value), one.sort.normal(one.default))
        ):
            if one.sort.edited == "tools":
                value, unknown = _tools(form, value)
                losses += [
                    Lost(origin, "tools", f"`{live.id}` has the tool `{sort}`, which nobody knows")
                    for sort in unknown
                ]
            fields[one.name] = value
    if no_room(live):
        why = f"`{live.id}` has {MAX_PAIRS} pairs, which leaves no room for our stamp"
        if left:
            why += f" (not in the spec: {quoted(left, 'and')})"
        losses.append(Lost(origin, "metadata", why))
    return Found(
        name,
        fields["name"],
        fields,
        origin,
        id=live.id,
        age=live.created_at,
        losses=tuple(losses),
    )


def _fitting(metadata: Mapping[str, Any]) -> tuple[Fields, list[str]]:
    """The pairs that a spec may say, and what it leaves out where there are more."""
    if len(metadata) < MAX_PAIRS:
        return dict(metadata), []
    kept = sorted(metadata)[: MAX_PAIRS - 1]
    left = [f"metadata.{key}" for key in metadata if key not in kept]
    return {key: metadata[key] for key in kept}, left


def _inline(value: Any, live: Live, name: str, origin: Origin) -> Iterator[Lost]:
    """What no spec can name, because it has no id: then the whole list is left as it is."""
    for part in value if isinstance(value, list) else ():
        if isinstance(part, dict) and UNNAMED in part:
            why = f"`{live.id}` has `{part[UNNAMED]}`, which came along inline"
            yield Lost(origin, name, why)


def _tools(form: Form, tools: Iterable[Fields]) -> tuple[list[Fields], list[str]]:
    """Tools as they are compared, in the order that they have, and the types of those that their
    API does not know: nobody compares them either.
    """
    at = Address("assistant", "found")
    found: list[Fields] = []
    unknown: list[str] = []
    for tool in tools:
        normal = form.normal(at, {"tools": [tool]})["tools"]
        found += normal
        unknown += [] if normal else [str(tool.get("type"))]
    return found, unknown


def no_room(live: Live) -> bool:
    """Whether its metadata leave none for our stamp."""
    return len(live.fields.get("metadata") or {}) >= MAX_PAIRS


def with_store_files(store: Found, held: Mapping[str, StoreFile]) -> Found:
    """A vector store with the files that it holds. One that could not be indexed is of no use to
    anybody, and would be put in again: it is left where it is.
    """
    good = {id: one for id, one in held.items() if one.status not in RUINED}
    fields = dict(store.fields)
    common = _common_chunking(good.values())
    if common is not None:
        fields["chunking"] = common
    if good:
        fields["files"] = [_entry(one, common) for _, one in sorted(good.items())]
    losses = [
        Lost(store.origin, f"files[{id}]", f"`{id}` is `{one.status}` in `{store.id}`")
        for id, one in sorted(held.items())
        if one.status in RUINED
    ]
    return Found(
        store.kind,
        store.name,
        fields,
        store.origin,
        id=store.id,
        age=store.age,
        losses=(*store.losses, *losses),
    )


def _common_chunking(held: Iterable[StoreFile]) -> Any:
    """The chunking of every file of a store, where that is one and not the usual one."""
    found: list[Any] = []
    for one in held:
        if one.chunking not in found:
            found.append(one.chunking)
    if len(found) != 1 or found[0] == "other" or same(chunks(found[0]), _AUTO):
        return None
    return found[0]


def _entry(one: StoreFile, common: Any) -> Fields:
    entry: Fields = {"id": one.id}
    if one.attributes:
        entry["attributes"] = dict(sorted(one.attributes.items())[:MAX_ATTRIBUTES])
    usual = _AUTO if common is None else chunks(common)
    if one.chunking != "other" and not same(chunks(one.chunking), usual):
        entry["chunking"] = chunks(one.chunking)
    return entry
