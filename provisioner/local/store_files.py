"""Owns the files of a vector store: attaching, listing, describing and detaching them."""

from __future__ import annotations

import json

from . import checks, indexing, paging, vector_stores
from .attaching import attach_files, attachment, known_files
from .db import DbRow
from .errors import ApiError, no_store_file
from .service import Call, EmbeddedService, Reply

STATUSES = ("in_progress", "completed", "failed", "cancelled")
CREATE = checks.fields(
    {
        "file_id": checks.string(),
        "attributes": checks.attributes,
        "chunking_strategy": checks.chunking,
    },
    ("file_id",),
)
_UPDATE = checks.fields({"attributes": checks.attributes}, ("attributes",))


def _wire(row: DbRow, store_id: str) -> Reply:
    failed = row["error_code"] is not None
    sizes = {
        "max_chunk_size_tokens": row["chunk_tokens"],
        "chunk_overlap_tokens": row["overlap_tokens"],
    }
    return {
        "id": row["file_id"],
        "object": "vector_store.file",
        "usage_bytes": row["usage_bytes"],
        "created_at": row["created_at"],
        "vector_store_id": store_id,
        "status": row["status"],
        "last_error": {"code": row["error_code"], "message": row["error_message"]}
        if failed
        else None,
        "chunking_strategy": {"type": "static", "static": sizes},
        "attributes": json.loads(row["attributes"]),
    }


def _find(service: EmbeddedService, store: DbRow, file_id: str) -> DbRow:
    row = service.database.one(
        f"SELECT * FROM {service.seen('store_files')} WHERE store = ? AND file_id = ?",
        [store["seq"], file_id],
    )
    if row is None:
        raise no_store_file(store["id"], file_id)
    return row


def _named(service: EmbeddedService, call: Call) -> tuple[DbRow, DbRow]:
    store = vector_stores.find(service, call.params["store_id"])
    return store, _find(service, store, call.params["file_id"])


def create(service: EmbeddedService, call: Call) -> Reply:
    given = CREATE("", call.body)
    store = vector_stores.find_usable(service, call.params["store_id"])
    with service.database.transaction():
        names = known_files(service, [given["file_id"]], "file_id")
        vector_stores.touch(service, store)
        attach_files(service, store["seq"], [attachment(given)], names)
    return _wire(_find(service, store, given["file_id"]), store["id"])


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    store, row = _named(service, call)
    return _wire(row, store["id"])


def page_of(service: EmbeddedService, call: Call, store: DbRow, source: paging.PageSource) -> Reply:
    """A page of a store's files; `filter` is a status."""
    page = paging.read_page(call.query)
    status = call.query.get("filter")
    if status:
        checks.one_of(*STATUSES)("filter", status)
        where, params = f"{source.where} AND {source.alias}status = ?", (*source.params, status)
        source = paging.PageSource(source.table, where, params, source.key, source.alias)

    def gone(file_id: str) -> ApiError:
        return no_store_file(store["id"], file_id)

    rows, more = paging.select(service.database, page, source, gone)
    return paging.envelope([_wire(row, store["id"]) for row in rows], more)


def list_(service: EmbeddedService, call: Call) -> Reply:
    store = vector_stores.find(service, call.params["store_id"])
    source = paging.PageSource(
        service.listed("store_files"), "store = ?", (store["seq"],), "file_id"
    )
    return page_of(service, call, store, source)


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    store, row = _named(service, call)
    text = json.dumps(given["attributes"] or {})
    service.database.run("UPDATE store_files SET attributes = ? WHERE seq = ?", [text, row["seq"]])
    return _wire(_find(service, store, row["file_id"]), store["id"])


def delete(service: EmbeddedService, call: Call) -> Reply:
    """Detaches only; the file itself survives."""
    _, row = _named(service, call)
    service.database.run("DELETE FROM store_files WHERE seq = ?", [row["seq"]])
    return {"id": row["file_id"], "object": "vector_store.file.deleted", "deleted": True}


def file_content(service: EmbeddedService, call: Call) -> Reply:
    _, row = _named(service, call)
    text = indexing.parsed_text(service, row) if row["status"] == "completed" else None
    data = [] if text is None else [{"type": "text", "text": text}]
    return {
        "object": "vector_store.file_content.page",
        "data": data,
        "has_more": False,
        "next_page": None,
    }
