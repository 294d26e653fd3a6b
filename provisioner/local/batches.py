"""Owns file batches: many files put into a store by one request."""

from __future__ import annotations

from typing import Any

from . import checks, paging, store_files, vector_stores
from .attaching import Attachment, attach_files, attachment, known_files
from .db import DbRow
from .errors import no_batch
from .service import Call, EmbeddedService, Reply, new_id

MOST_FILES = 2000
_CREATE = checks.fields(
    {
        "file_ids": checks.array(checks.string(), least=1, most=MOST_FILES),
        "files": checks.array(store_files.CREATE, least=1, most=MOST_FILES, of="objects"),
        "attributes": checks.attributes,
        "chunking_strategy": checks.chunking,
    }
)


def _wanted(given: dict[str, Any]) -> list[Attachment]:
    """What is said for all files at once counts only where files are named by id alone."""
    if "file_ids" in given and "files" in given:
        raise checks.exclusive("file_ids", "file_ids", "files")
    if "files" in given:
        return [attachment(one) for one in given["files"]]
    if "file_ids" not in given:
        raise checks.required("file_ids")
    return [attachment(given | {"file_id": file_id}) for file_id in given["file_ids"]]


def _counts(service: EmbeddedService, batch: DbRow) -> dict[str, int]:
    counts = dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0)
    rows = service.database.all(
        "SELECT s.status, count(*) AS number "
        f"FROM batch_files b JOIN {service.seen('store_files')} s ON s.seq = b.store_file "
        "WHERE b.batch = ? GROUP BY s.status",
        [batch["seq"]],
    )
    return counts | {row["status"]: row["number"] for row in rows}


def _status(batch: DbRow, counts: dict[str, int]) -> str:
    if batch["cancelled"]:
        return "cancelled"
    if counts["in_progress"]:
        return "in_progress"
    return "failed" if counts["failed"] and not counts["completed"] else "completed"


def _wire(service: EmbeddedService, batch: DbRow, store_id: str) -> Reply:
    counts = _counts(service, batch)
    return {
        "id": batch["id"],
        # The recorded traffic says so, whatever the official document says.
        "object": "vector_store.file_batch",
        "created_at": batch["created_at"],
        "vector_store_id": store_id,
        "status": _status(batch, counts),
        "file_counts": counts | {"total": sum(counts.values())},
    }


def _find(service: EmbeddedService, store: DbRow, batch_id: str) -> DbRow:
    row = service.database.one(
        f"SELECT * FROM {service.seen('batches')} WHERE store = ? AND id = ?",
        [store["seq"], batch_id],
    )
    if row is None:
        raise no_batch(store["id"], batch_id)
    return row


def _named(service: EmbeddedService, call: Call) -> tuple[DbRow, DbRow]:
    store = vector_stores.find(service, call.params["store_id"])
    return store, _find(service, store, call.params["batch_id"])


def create(service: EmbeddedService, call: Call) -> Reply:
    wanted = _wanted(_CREATE("", call.body))
    store = vector_stores.find_usable(service, call.params["store_id"])
    batch_id = new_id("batch")
    with service.database.transaction():
        names = known_files(service, [one.file_id for one in wanted], "file_ids")
        vector_stores.touch(service, store)
        attach_files(service, store["seq"], wanted, names)
        inserted = service.database.run(
            "INSERT INTO batches (id, created_at, store) VALUES (?, ?, ?)",
            [batch_id, service.now(), store["seq"]],
        )
        service.database.connection.executemany(
            "INSERT OR IGNORE INTO batch_files SELECT ?, seq FROM store_files WHERE store = ? AND"
            " file_id = ?",
            ((inserted.lastrowid, store["seq"], one.file_id) for one in wanted),
        )
    return _wire(service, _find(service, store, batch_id), store["id"])


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    store, batch = _named(service, call)
    return _wire(service, batch, store["id"])


def cancel(service: EmbeddedService, call: Call) -> Reply:
    """What is indexed already stays; a batch that is done answers with its real status."""
    store, batch = _named(service, call)
    with service.database.transaction():
        stopped = service.database.run(
            "UPDATE store_files SET status = 'cancelled' WHERE status = 'in_progress' AND seq IN "
            "(SELECT store_file FROM batch_files WHERE batch = ?)",
            [batch["seq"]],
        )
        if stopped.rowcount:
            service.database.run("UPDATE batches SET cancelled = 1 WHERE seq = ?", [batch["seq"]])
    return _wire(service, _find(service, store, batch["id"]), store["id"])


def list_files(service: EmbeddedService, call: Call) -> Reply:
    store, batch = _named(service, call)
    joined = f"batch_files b CROSS JOIN {service.listed('store_files')} s ON s.seq = b.store_file"
    source = paging.PageSource(joined, "b.batch = ?", (batch["seq"],), "file_id", "s.")
    return store_files.page_of(service, call, store, source)
