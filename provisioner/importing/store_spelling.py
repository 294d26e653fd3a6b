"""Vector stores and files from any source, in the spelling of specs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.importing.nouns import Document, Findings, Found, Lost, Origin
from provisioner.importing.taking import ABSENT, Losses, Path, Taking, identity, unstamped
from provisioner.importing.tool_spelling import references

STORE = ("name", "description", "metadata", "expires_after")
_COUNTED = ("status", "usage_bytes", "bytes", "file_counts", "last_active_at", "expires_at")


def read_store(
    raw: Mapping[str, Any],
    origin: Origin,
    *,
    id: str | None = None,
    name: str | None = None,
    at: Path = (),
) -> Found:
    """A vector store out of a service's spelling."""
    losses = Losses(origin)
    some = Taking(raw, losses, at)
    some.respell((*STORE, *_COUNTED, "file_ids", "chunking_strategy", "id", "object", "created_at"))
    own, age = identity(some, ("vector_store",))
    fields: dict[str, Any] = {}
    for key in STORE:
        if (value := some.take(key)) is not ABSENT:
            fields[key] = value
    unstamped(fields, losses, at)
    _expiry(fields, losses, at)
    place, chunking = some.path("chunking_strategy"), some.take("chunking_strategy")
    if chunking is not ABSENT:
        _chunking(chunking, place, some, fields)
    place, ids = some.path("file_ids"), some.take("file_ids")
    if ids is not ABSENT:
        fields["files"] = references(ids, place, some)
    for key in _COUNTED:
        value = some.take(key)
        if value is not ABSENT:
            losses.lose(some.path(key), value, "is what the service counts", None, "note")
    some.end("is no field of a vector store", STORE)
    called = fields.get("name")
    return Found(
        kind="vector_store",
        name=called if isinstance(called, str) and called else name,
        fields=fields,
        origin=origin,
        id=own or id,
        age=age,
        losses=tuple(losses.all),
    )


def _expiry(fields: dict[str, Any], losses: Losses, at: Path) -> None:
    """Providers know one anchor, and let it be left out."""
    expiry = fields.get("expires_after")
    if isinstance(expiry, Mapping) and expiry.keys() == {"days"}:
        fields["expires_after"] = {"anchor": "last_active_at", **expiry}
        losses.say((*at, "expires_after"), "has the only anchor that there is", None, "note")


def read_document(raw: Mapping[str, Any], origin: Origin, store: str | None) -> Document:
    """A document as a service lists it in a store; `store` is the id of the one around it."""
    losses = Losses(origin)
    some = Taking(raw, losses)
    id, _ = identity(some, ("vector_store.file",))
    at, own = some.path("vector_store_id"), some.take("vector_store_id")
    if not isinstance(own, str):
        some.drop(at, own, "is not the id of a store")
        own = store
    entry: dict[str, Any] = {"id": id}
    at, attributes = some.path("attributes"), some.take("attributes")
    if isinstance(attributes, Mapping) and attributes:
        entry["attributes"] = dict(attributes)
    else:
        some.drop(at, attributes, "is not a mapping")
    at, chunking = some.path("chunking_strategy"), some.take("chunking_strategy")
    if isinstance(chunking, Mapping) and chunking.get("type") == "other":
        losses.lose(at, chunking, "is what the service says where it does not know", None, "note")
    elif chunking is not ABSENT:
        _chunking(chunking, at, some, entry)
    for key in (*_COUNTED, "last_error"):
        value = some.take(key)
        if value is not ABSENT:
            losses.lose(some.path(key), value, "is what the service counts", None, "note")
    some.end("is no setting of a document", ("attributes", "chunking_strategy"))
    return Document(origin, own, entry, tuple(losses.all))


def join_documents(findings: Findings) -> None:
    """Give the stores what was said of their documents elsewhere in the sources."""
    stores: dict[str | None, list[int]] = defaultdict(list)
    for index, one in enumerate(findings.found):
        if one.kind == "vector_store" and one.id:
            stores[one.id].append(index)
    for document in findings.documents:
        several = stores.get(document.store, [])  # the same one may be in two files
        if not several or not isinstance(document.entry["id"], str):
            findings.losses += _homeless(document)
            continue
        for index in several:
            findings.found[index] = _with_document(findings.found[index], document)
    findings.documents = []


def _with_document(store: Found, document: Document) -> Found:
    files = list(store.fields.get("files") or ())
    ids = [entry["id"] if isinstance(entry, dict) else entry for entry in files]
    at = ids.index(document.entry["id"]) if document.entry["id"] in ids else len(files)
    files[at : at + 1] = [document.entry]
    fields = {**store.fields, "files": files}
    return replace(store, fields=fields, losses=(*store.losses, *document.losses))


def _homeless(document: Document) -> list[Lost]:
    losses = Losses(document.origin)
    store = f"the store `{document.store}`" if document.store else "its store"
    what = str(document.entry["id"] or "document")
    why = f"is a document, and {store} is not in this source"
    hint = "write it into the `files` of the store"
    for key, value in document.entry.items():
        losses.lose((what,) if key == "id" else (what, key), value, why, hint)
    return [*losses.all, *document.losses]


def _chunking(value: Any, at: Path, some: Taking, fields: dict[str, Any]) -> None:
    if not isinstance(value, Mapping) or value.get("type") not in ("auto", "static"):
        some.drop(at, value, "is no way of cutting that specs have")
        return
    inner = Taking(value, some.losses, at)
    if inner.take("type") == "auto":
        fields["chunking"] = "auto"
    else:
        some.losses.say((*at, "type"), "is said by the sizes themselves", None, "note")
        static = inner.take("static")
        fields["chunking"] = dict(static) if isinstance(static, Mapping) else static
    inner.end("is no setting of chunking")


def read_file(raw: Mapping[str, Any], origin: Origin) -> Found:
    """A file as a service lists it; its bytes are not in any export."""
    losses = Losses(origin)
    some = Taking(raw, losses)
    some.respell(("filename", "purpose", "bytes", "id", "object", "created_at"))
    id, age = identity(some, ("file",))
    name, purpose = some.take("filename"), some.take("purpose")
    fields: dict[str, Any] = {}
    base = str(name).replace("\\", "/").rsplit("/", 1)[-1] if isinstance(name, str) else ""
    if base.strip(". "):
        fields["path"] = base
        if base != name:
            losses.lose(("filename",), name, "is a path; only its last part was taken")
    else:
        some.drop(("filename",), name, "is no name of a file")
    if purpose is not ABSENT:
        fields["purpose"] = purpose
    for key in ("bytes", "status", "status_details", "expires_at"):
        value = some.take(key)
        if value is not ABSENT:
            losses.lose(some.path(key), value, "is what the service counts", None, "note")
    some.end("is no field of a file", ("purpose", "filename"))
    hint = f"put the file at `{fields.get('path', 'its path')}`, or keep it as `{{id: {id}}}`"
    losses.say(("bytes",), "the file itself is not in this source", hint, "error")
    return Found(
        kind="file",
        name=base or None,
        fields=fields,
        origin=origin,
        id=id,
        age=age,
        losses=tuple(losses.all),
    )
