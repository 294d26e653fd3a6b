"""Owns indexing: whatever is due when somebody looks is parsed, cut and made searchable; nothing
runs in between.
"""

from __future__ import annotations

import logging

from .db import DbRow
from .parsing import Unparsable, parse_text, text_chunks
from .service import EmbeddedService

_log = logging.getLogger(__name__)

# A transaction keeps other processes from writing, so a long queue is worked off in pieces.
FILES_AT_ONCE = 250
STALE_AT_ONCE = 200


def catch_up(service: EmbeddedService) -> None:
    """Index every file whose time has come, in all stores."""
    while _index_some(service):
        pass
    _purge(service)


def _index_some(service: EmbeddedService) -> bool:
    database, now = service.database, service.clock()
    due = "status = 'in_progress' AND due_at <= ? LIMIT ?"
    if database.one(f"SELECT 1 FROM store_files WHERE {due}", [now, 1]) is None:
        return False
    with database.transaction():
        # Read again under the lock: another process may have indexed them meanwhile.
        rows = database.all(
            "SELECT s.*, f.filename FROM store_files s JOIN files f ON f.id = s.file_id WHERE"
            f" {due}",
            [now, FILES_AT_ONCE],
        )
        for row in rows:
            _index(service, row)
    return len(rows) == FILES_AT_ONCE


def _index(service: EmbeddedService, row: DbRow) -> None:
    try:
        text = _text(service, row["file_id"], row["filename"])
    except Unparsable as failure:
        service.database.run(
            "UPDATE store_files SET status = 'failed', error_code = ?, error_message = ? WHERE"
            " seq = ?",
            [failure.code, failure.message, row["seq"]],
        )
        return
    pieces = text_chunks(text, row["chunk_tokens"], row["overlap_tokens"]) or [text]
    token = store_token(row["store"])
    first = last = 0
    for piece in pieces:
        inserted = service.database.run(
            "INSERT INTO passages (store, text, store_file) VALUES (?, ?, ?)",
            [token, piece, row["seq"]],
        )
        last = inserted.lastrowid or 0
        first = first or last
    service.database.run(
        "UPDATE store_files SET status = 'completed', usage_bytes = ?, first_passage = ?,"
        " last_passage = ? WHERE seq = ?",
        [sum(len(piece.encode("utf-8", "replace")) for piece in pieces), first, last, row["seq"]],
    )


def store_token(store: int) -> str:
    """The word by which a store's passages are found in the index."""
    return f"store{store}x"


def _text(service: EmbeddedService, file_id: str, filename: str) -> str:
    wanted = service.indexing_faults.failure(filename)
    if wanted is not None:
        raise Unparsable(*wanted)
    try:
        return parse_text(service.blob(file_id), filename)
    except Unparsable:
        raise
    except Exception as error:
        # A parser that trips over a strange file must not keep all others from being indexed.
        _log.exception("%s (%s) could not be indexed", filename, file_id)
        raise Unparsable("server_error", "An internal error occurred.") from error


def parsed_text(service: EmbeddedService, row: DbRow) -> str | None:
    """What was read from an indexed file."""
    file = service.database.one("SELECT filename FROM files WHERE id = ?", [row["file_id"]])
    return None if file is None else parse_text(service.blob(row["file_id"]), file["filename"])


def _purge(service: EmbeddedService) -> None:
    """Passages of detached files are found no more; their removal can wait, and is done bit
    by bit.
    """
    database = service.database
    if database.one("SELECT 1 FROM stale_passages LIMIT 1") is None:
        return
    with database.transaction():
        for stale in database.all(
            "SELECT first, last FROM stale_passages LIMIT ?", [STALE_AT_ONCE]
        ):
            database.run(
                "DELETE FROM passages WHERE rowid BETWEEN ? AND ?", [stale["first"], stale["last"]]
            )
            database.run("DELETE FROM stale_passages WHERE first = ?", [stale["first"]])
