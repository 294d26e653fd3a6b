"""Owns the files of a vector store: attaching, listing, describing and detaching them."""

from __future__ import annotations

import json

from . import checks, indexing, paging, vector_stores
from .attaching import attach, attachment, known_files
from .db import Row
from .errors import ApiError, no_store_file
from .service import Call, Reply, Service

STATUSES = ("in_progress", "completed", "failed", "cancelled")
CREATE = checks.fields(
    {
        "file_id": checks.text(),
        "attributes": checks.attributes,
        "chunking_strategy": checks.chunking,
    },
    ("file_id",),
)
_UPDATE = checks.fields({"attributes": checks.attributes}, ("attributes",))


def wire(row: Row, store_id: str) -> Reply:
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


def find(service: Service, store: Row, file_id: str) -> Row:
    row = service.database.one(
        f"SELECT * FROM {service.seen('store_files')} WHERE store = ? AND file_id = ?",
        [store["seq"], file_id],
    )
    if row is None:
        raise no_store_file(store["id"], file_id)
    return row


def _named(service: Service, call: Call) -> tuple[Row, Row]:
    store = vector_stores.find(service, call.params["store_id"])
    return store, find(service, store, call.params["file_id"])


def create(service: Service, call: Call) -> Reply:
    given = CREATE("", call.body)
    store = vector_stores.find_usable(service, call.params["store_id"])
    with service.database.transaction():
        names = known_files(service, [given["file_id"]], "file_id")
        vector_stores.touch(service, store)
        attach(service, store["seq"], [attachment(given)], names)
    return wire(find(service, store, given["file_id"]), store["id"])


def retrieve(service: Service, call: Call) -> Reply:
    store, row = _named(service, call)
    return wire(row, store["id"])


def page_of(service: Service, call: Call, store: Row, source: paging.Source) -> Reply:
    """A page of a store's files; `filter` is a status."""
    page = paging.read_page(call.query)
    status = call.query.get("filter")
    if status:
        checks.one_of(*STATUSES)("filter", status)
        where, params = f"{source.where} AND {source.alias}status = ?", (*source.params, status)
        source = paging.Source(source.table, where, params, source.key, source.alias)

    def gone(file_id: str) -> ApiError:
        return no_store_file(store["id"], file_id)

    rows, more = paging.select(service.database, page, source, gone)
    return paging.envelope([wire(row, store["id"]) for row in rows], more)


def list_(service: Service, call: Call) -> Reply:
    store = vector_stores.find(service, call.params["store_id"])
    source = paging.Source(service.listed("store_files"), "store = ?", (store["seq"],), "file_id")
    return page_of(service, call, store, source)


def update(service: Service, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    store, row = _named(service, call)
    text = json.dumps(given["attributes"] or {})
    service.database.run("UPDATE store_files SET attributes = ? WHERE seq = ?", [text, row["seq"]])
    return wire(find(service, store, row["file_id"]), store["id"])


def delete(service: Service, call: Call) -> Reply:
    """Detaches only; the file itself survives."""
    _, row = _named(service, call)
    service.database.run("DELETE FROM store_files WHERE seq = ?", [row["seq"]])
    return {"id": row["file_id"], "object": "vector_store.file.deleted", "deleted": True}


def content(service: Service, call: Call) -> Reply:
    _, row = _named(service, call)
    text = indexing.parsed_text(service, row) if row["status"] == "completed" else None
    data = [] if text is None else [{"type": "text", "text": text}]
    return {
        "object": "vector_store.file_content.page",
        "data": data,
        "has_more": False,
        "next_page": None,
    }
