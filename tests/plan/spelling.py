"""Situations written down as three sides, and plans written out as lines, for tables of the pure
heart.

A side maps an address to what is different there from `BASE`: fields, of which `...` takes one out,
and attributes of the side (`ATTRIBUTES`). An address with None is not there. What the specs have,
the lock has with its ids unless it says otherwise, and what the lock has, the service has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.kinds import kind
from provisioner.kinds.base import Names, ProfileForm
from provisioner.kinds.vector_store.form import chunks
from provisioner.model import (
    LEAVING,
    SYMBOLS,
    Address,
    Change,
    Desired,
    FieldChange,
    Fields,
    Live,
    Locked,
    LockState,
    Plan,
    Profile,
    Service,
    Source,
    Stamp,
    StoreFile,
    StoreFileChange,
)
from provisioner.plan import Observed, PlanOptions, Situation, Stray, make_plan

LINEAGE, SERIAL = "0f1e2d3c-0000-4000-8000-000000000000", 3
PREFIXES = {
    "assistant": "asst_",
    "vector_store": "vs_",
    "file": "file-",
    "environment_template": "envtmpl_",
}
Side = Mapping[str, Mapping[str, Any] | None]


def document(version: str) -> Fields:
    """The fields of a file."""
    return {"sha256": version, "bytes": 10, "purpose": "assistants"}


def holding(*paths: str, **more: Any) -> Fields:
    """The files of a store, each with the same settings."""
    return {path: {"file": f"file.{path}", **more} for path in paths}


# An assistant that searches a store with two documents.
BASE: dict[str, Fields] = {
    "assistant.bot": {
        "model": "gpt-4o",
        "temperature": 0.2,
        "tools": [{"type": "file_search", "vector_stores": ["vector_store.kb"]}],
    },
    "file.a.md": document("a"),
    "file.b.md": document("b"),
    "vector_store.kb": {"name": "Handbook", "files": holding("a.md", "b.md")},
}


def situation(
    specs: Side | None = None, lock: Side | None = None, live: Side | None = None, **more: Any
) -> Situation:
    """The three sides. `more` is whatever else a situation has, what was observed and what was
    asked of the plan.
    """
    locked = _entries(_merged(BASE, lock or {}))
    objects = {address: _object(entry) for address, entry in locked.items() if entry.id}
    for name, change in (live or {}).items():
        address = Address.parse(name)
        if change is None:
            objects.pop(address, None)
        else:
            objects[address] = _changed(
                objects.get(address) or Live(_id(address), {}, stamp(name)), change
            )
    observed = {name: more.pop(name) for name in ("strays", "api_gone", "notes") if name in more}
    asked = {name: more.pop(name) for name in PlanOptions.__slots__ if name in more}
    return Situation(
        "acme",
        "prod",
        Service("https://api.example/v1", "assistants"),
        LockState("acme", "prod", LINEAGE, SERIAL, {}, locked),
        {
            address: _desired(address, fields)
            for address, fields in _merged(BASE, specs or {}).items()
        },
        Observed(objects, **observed),
        PlanOptions(**asked),
        **more,
    )


def stamp(address: str, lineage: str = LINEAGE, serial: int = SERIAL) -> Stamp:
    return Stamp("acme", "prod", address, lineage[:8], serial)


def store_file(id: str, path: str | None = None, **more: Any) -> StoreFile:
    """A file in a store; with our stamp and a hash if it has a path."""
    given = {
        "status": "completed",
        "attributes": {},
        "chunking": "auto",
        "stamp": stamp(path) if path else None,
        "sha256": "a" if path else None,
    }
    return StoreFile(id, **{**given, **more})


def stray(
    address: str, id: str, store: str | None = None, created_at: int = 0, **fields: Any
) -> Stray:
    """An object with our stamp that the lock does not name."""
    live = Live(id, fields, stamp(address), created_at=created_at)
    where, api = Address.parse(store) if store else None, _api(Address.parse(address))
    return Stray(Address.parse(address), live, where, api)


def request(address: str, fields: Fields, ids: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a profile of an assistant sends, where these addresses have these ids."""
    named = {Address.parse(name): id for name, id in (ids or {}).items()}
    return _profiles().render(Address.parse(address), fields, Names(named))


def pinned(now: dict[str, Any], older: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """The attributes of a lock entry with a profile; `older` are its versions, the newest first."""
    kept = [
        {"version": 9 - at, "digest": f"sha256:{at}", "request": one}
        for at, one in enumerate(older, 1)
    ]
    profile = Profile(9, _profiles().digest(now), now, tuple(kept))
    return {"id": None, "api": "responses", "profile": profile}


def _profiles() -> ProfileForm:
    form = kind("assistant").form("responses")
    assert isinstance(form, ProfileForm)
    return form


def _id(address: Address) -> str:
    return PREFIXES[address.kind] + address.name


def _merged(base: Mapping[str, Fields], side: Side) -> dict[Address, Fields]:
    found = {
        Address.parse(name): fields
        for name, fields in base.items()
        if side.get(name, {}) is not None
    }
    for name, change in side.items():
        if change is not None:
            both = {**found.get(Address.parse(name), {}), **change}
            found[Address.parse(name)] = {
                key: value for key, value in both.items() if value is not ...
            }
    return found


def _split(fields: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[Fields, Fields]:
    """Fields and attributes apart."""
    mine = {key: value for key, value in fields.items() if key in attributes}
    return {key: value for key, value in fields.items() if key not in attributes}, mine


def _api(address: Address) -> str | None:
    return "assistants" if address.kind == "assistant" else None


def _desired(address: Address, given: Fields) -> Desired:
    fields, more = _split(given, Desired.__slots__)
    needs = tuple(kind(address.kind).references(fields))
    return Desired(
        **{
            "address": address,
            "fields": fields,
            "source": Source(""),
            "depends_on": needs,
            "api": _api(address),
            **more,
        }
    )


def _entries(locked: Mapping[Address, Fields]) -> dict[Address, Locked]:
    found = {}
    for address, given in locked.items():
        fields, more = _split(given, Locked.__slots__)
        needs = tuple(kind(address.kind).references(fields))
        if "files" in fields:
            fields = {
                **fields,
                "files": {path: _held(locked, item) for path, item in fields["files"].items()},
            }
        found[address] = Locked(
            **{
                "address": address,
                "id": _id(address),
                "fields": fields,
                "depends_on": needs,
                "api": _api(address),
                **more,
            }
        )
    return found


def _held(locked: Mapping[Address, Fields], item: Fields) -> Fields:
    """A file of a store as the lock has it, with its id and hash."""
    if "file" not in item:
        return item
    file = Address.parse(item["file"])
    return {"id": _id(file), "sha256": locked.get(file, {}).get("sha256"), **item}


def _object(entry: Locked) -> Live:
    """An object as the lock says it is."""
    hidden = kind(entry.address.kind).form(entry.api).unread
    shown = {name: value for name, value in entry.fields.items() if name not in hidden}
    found = Live(
        entry.id or "", shown, stamp(str(entry.address)) if entry.address.kind != "file" else None
    )
    if entry.address.kind != "vector_store":
        return found
    whole = entry.fields.get("chunking", "auto")
    held = {
        item["id"]: store_file(
            item["id"],
            path,
            attributes=item.get("attributes", {}),
            chunking=item.get("chunking", whole),
            sha256=item.get("sha256"),
        )
        for path, item in entry.fields.get("files", {}).items()
    }
    return replace(found, store_files=held)


def _changed(live: Live, change: Mapping[str, Any]) -> Live:
    fields, more = _split(change, Live.__slots__)
    both = {**live.fields, **fields}
    if "store_files" in more:
        store_files = {**(live.store_files or {}), **more["store_files"]}
        more["store_files"] = {id: item for id, item in store_files.items() if item is not None}
    return replace(
        live, fields={key: value for key, value in both.items() if value is not ...}, **more
    )


def planned(**sides: Any) -> list[str]:
    """The plan of a situation, line by line; what is kept as it is has no line."""
    return list(_lines(make_plan(situation(**sides))))


def _lines(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        if change.matters:
            yield ", ".join(
                [f"{SYMBOLS[change.action]} {change.address} ({change.reason})", *_about(change)]
            )
    for item in plan.store_file_changes:
        yield ", ".join([f"{item.store}: {item.action} {item.path}", *_of_file(item)])
    yield from (f"missing: {found.address}" for found in plan.drift if found.drift == "missing")
    for sort, remnants in (("orphan", plan.orphans), ("deposed", plan.deposed)):
        for remnant in remnants:
            yield (
                f"{sort} {remnant.address} {remnant.id}: {remnant.action}, {remnant.detail}".removesuffix(
                    ", "
                )
            )
    for block in plan.blocked:
        yield f"stop: {block.rule}" + ("" if block.forced else ", whatever is forced")
    yield from (f"note: {note}" for note in plan.notes)


def _about(change: Change) -> Iterator[str]:
    if change.importing:
        yield f"imports {change.importing}"
    if change.previous:
        yield f"was {change.previous}"
    if change.previous_api:
        yield f"through {change.previous_api} before"
    if change.kept_for:
        yield f"kept for {' and '.join(change.kept_for)}"
    yield from (field_line(field) for field in change.fields)


def field_line(field: FieldChange) -> str:
    """`temperature 0.2 → 0.1`, and whose edit it is."""
    if field.path == "request":
        return "request differs"
    if field.unknown:
        return f"{field.path} with a new id"
    after = _short(field.after)
    drift = f" ({field.drift}, was {_short(field.locked)})" if field.drift else ""
    return f"{field.path} {_short(field.before)} → {after}{drift}"


def _short(value: Any) -> str:
    if isinstance(value, dict) and "max_chunk_size_tokens" in value:
        return f"{value['max_chunk_size_tokens']}/{value['chunk_overlap_tokens']}"
    return value if isinstance(value, str) else json.dumps(value)


def _of_file(item: StoreFileChange) -> Iterator[str]:
    if item.old_id:
        yield item.old_id
    if item.attributes:
        yield _short(item.attributes)
    if item.action not in LEAVING and item.chunking != chunks("auto"):
        yield f"cut {_short(item.chunking)}"
    if item.gap:
        yield "gap"
