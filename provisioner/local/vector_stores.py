"""Owns vector stores: creating, reading, changing, expiring and deleting them."""

from __future__ import annotations

import json
from typing import Any

from . import checks, files, indexing, paging
from .attaching import Attachment, attach_files, known_files
from .db import DbRow
from .errors import bad, no_store
from .service import Call, EmbeddedService, Reply, new_id

EXPIRY = checks.nullable(
    checks.fields(
        {"anchor": checks.one_of("last_active_at"), "days": checks.integer(1, 365)},
        ("anchor", "days"),
    )
)
_CREATE = checks.fields(
    {
        "name": checks.nullable(checks.string()),
        "description": checks.nullable(checks.string()),
        "file_ids": checks.array(checks.string(), most=500),
        "chunking_strategy": checks.chunking,
        "expires_after": EXPIRY,
        "metadata": checks.metadata,
    }
)
_UPDATE = checks.fields(
    {"name": checks.nullable(checks.string()), "expires_after": EXPIRY, "metadata": checks.metadata}
)


def _wire(row: DbRow) -> Reply:
    days = row["expires_days"]
    counts = {key: row[key] for key in ("in_progress", "completed", "failed", "cancelled")}
    working = "in_progress" if counts["in_progress"] else "completed"
    return {
        "id": row["id"],
        "object": "vector_store",
        "created_at": row["created_at"],
        "name": row["name"],
        "description": row["description"],
        "usage_bytes": row["usage_bytes"],
        "file_counts": counts | {"total": sum(counts.values())},
        "status": "expired" if row["expired"] else working,
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": None if days is None else row["last_active_at"] + 86400 * days,
        "last_active_at": row["last_active_at"],
        "metadata": json.loads(row["metadata"]),
    }


def refresh(service: EmbeddedService) -> None:
    """Let happen what time has brought: files and stores expire, and what is due is indexed."""
    files.purge_expired(service)
    expire(service)
    indexing.catch_up(service)


def find(service: EmbeddedService, store_id: str) -> DbRow:
    refresh(service)
    row = service.database.one(
        f"SELECT * FROM {service.seen('vector_stores')} WHERE id = ?", [store_id]
    )
    if row is None:
        raise no_store(store_id)
    return row


def find_usable(service: EmbeddedService, store_id: str) -> DbRow:
    service.settling.check("attach", "vector_stores", [store_id])
    row = find(service, store_id)
    if row["expired"]:
        raise bad(f"Vector store '{store_id}' has expired.", "vector_store_id")
    return row


def touch(service: EmbeddedService, store: DbRow) -> None:
    """Use keeps a store alive."""
    if store["last_active_at"] < service.now():
        service.database.run(
            "UPDATE vector_stores SET last_active_at = ? WHERE seq = ?",
            [service.now(), store["seq"]],
        )


def create(service: EmbeddedService, call: Call) -> Reply:
    return make(service, _CREATE("", call.body))


def make(service: EmbeddedService, given: dict[str, Any], param: str = "file_ids") -> Reply:
    """A store and its first files, or neither."""
    file_ids = given.get("file_ids") or []
    store_id, now = new_id("vector_store"), service.now()
    expiry = given.get("expires_after")
    values = [
        store_id,
        now,
        given.get("name"),
        given.get("description"),
        expiry and expiry["days"],
        now,
    ]
    with service.database.transaction():
        names = known_files(service, file_ids, param)
        inserted = service.database.run(
            "INSERT INTO vector_stores (id, created_at, name, description, expires_days,"
            " last_active_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [*values, json.dumps(given.get("metadata") or {})],
        )
        sizes = checks.chunk_sizes(given.get("chunking_strategy"))
        attach_files(
            service,
            inserted.lastrowid or 0,
            [Attachment(file_id, {}, sizes) for file_id in file_ids],
            names,
        )
    return _wire(find(service, store_id))


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return _wire(find(service, call.params["store_id"]))


def list_(service: EmbeddedService, call: Call) -> Reply:
    page = paging.read_page(call.query)
    refresh(service)
    rows, more = paging.select(
        service.database, page, paging.PageSource(service.listed("vector_stores")), no_store
    )
    return paging.envelope([_wire(row) for row in rows], more)


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    with service.database.transaction():
        row = service.database.one(
            "SELECT * FROM vector_stores WHERE id = ?", [call.params["store_id"]]
        )
        if row is None:
            raise no_store(call.params["store_id"])
        name, days, metadata = row["name"], row["expires_days"], json.loads(row["metadata"])
        if "name" in given:
            name = given["name"]
        if "expires_after" in given:
            days = given["expires_after"] and given["expires_after"]["days"]
        if "metadata" in given:
            metadata = new_metadata(service, metadata, given["metadata"])
        service.database.run(
            "UPDATE vector_stores SET name = ?, expires_days = ?, metadata = ? WHERE seq = ?",
            [name, days, json.dumps(metadata), row["seq"]],
        )
    return _wire(find(service, row["id"]))


def new_metadata(
    service: EmbeddedService, old: dict[str, str], given: dict[str, str] | None
) -> dict[str, str]:
    """What an update makes of metadata; a service that merges cannot lose a key."""
    if service.metadata_update == "merge":
        return checks.metadata("metadata", old | (given or {})) or {}
    return given or {}


def delete(service: EmbeddedService, call: Call) -> Reply:
    """The files themselves survive."""
    row = service.database.one(
        "SELECT * FROM vector_stores WHERE id = ?", [call.params["store_id"]]
    )
    if row is None:
        raise no_store(call.params["store_id"])
    with service.database.transaction():
        service.database.run("DELETE FROM vector_stores WHERE seq = ?", [row["seq"]])
        service.database.run("DELETE FROM store_files WHERE store = ?", [row["seq"]])
        service.database.run(
            "DELETE FROM batch_files WHERE batch IN (SELECT seq FROM batches WHERE store = ?)",
            [row["seq"]],
        )
        service.database.run("DELETE FROM batches WHERE store = ?", [row["seq"]])
    return {"id": row["id"], "object": "vector_store.deleted", "deleted": True}


def expire(service: EmbeddedService) -> None:
    """Expiry is for good: the store stays to be seen, its files are detached."""
    over = service.database.all(
        "SELECT seq FROM vector_stores WHERE expires_days IS NOT NULL AND NOT expired "
        "AND last_active_at + 86400 * expires_days <= ?",
        [service.now()],
    )
    for row in over:
        with service.database.transaction():
            service.database.run("UPDATE vector_stores SET expired = 1 WHERE seq = ?", [row["seq"]])
            service.database.run("DELETE FROM store_files WHERE store = ?", [row["seq"]])
