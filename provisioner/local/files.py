"""Owns files: uploading them, reading them, and what deleting one does to stores, assistants and
threads.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

from . import checks, paging
from .db import Database, DbRow
from .errors import ApiError, bad, no_file
from .multipart import MultipartForm, receive
from .service import Call, EmbeddedService, Reply, new_id

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
NOT_DOWNLOADABLE = ("assistants", "user_data")
_MOST_BYTES = 512 * 1024 * 1024
BATCH_EXPIRY_SECONDS = 30 * 86400


def wire(row: DbRow) -> Reply:
    return {
        "object": "file",
        "id": row["id"],
        "purpose": row["purpose"],
        "filename": row["filename"],
        "bytes": row["bytes"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "status": "processed",
        "status_details": None,
    }


def find_file(service: EmbeddedService, file_id: str) -> DbRow:
    purge_expired(service)
    row = service.database.one(f"SELECT * FROM {service.seen('files')} WHERE id = ?", [file_id])
    if row is None:
        raise no_file(file_id)
    return row


async def create(
    service: EmbeddedService, content_type: str, stream: AsyncIterator[bytes]
) -> Reply:
    file_id = new_id("file")
    # The bytes land under a name that nothing reads, so that a broken upload leaves no file behind.
    arriving = service.blob(f"{file_id}.part")
    try:
        form = await receive(content_type, stream, arriving, _MOST_BYTES + 1)
        purpose, seconds = _check_form(form)
        return wire(store(service, file_id, arriving, form.filename, purpose, seconds))
    finally:
        arriving.unlink(missing_ok=True)


def store(
    service: EmbeddedService,
    file_id: str,
    content: Path,
    filename: str,
    purpose: str,
    seconds: int | None,
) -> DbRow:
    """Make a file object of bytes on disk, which are moved."""
    now = service.now()
    if seconds is None and purpose == "batch":
        seconds = BATCH_EXPIRY_SECONDS
    size = content.stat().st_size
    content.rename(service.blob(file_id))
    try:
        service.database.run(
            "INSERT INTO files (id, created_at, bytes, filename, purpose, expires_at) VALUES (?, ?,"
            " ?, ?, ?, ?)",
            [file_id, now, size, filename, purpose, None if seconds is None else now + seconds],
        )
    except BaseException:
        service.blob(file_id).unlink(missing_ok=True)
        raise
    return find_file(service, file_id)


def _check_form(form: MultipartForm) -> tuple[str, int | None]:
    """The purpose, and after how many seconds the file expires."""
    anchor, seconds = (
        form.fields.get("expires_after[anchor]"),
        form.fields.get("expires_after[seconds]"),
    )
    for name in form.fields:
        if name not in ("purpose", "expires_after[anchor]", "expires_after[seconds]"):
            raise bad(f"Additional properties are not allowed ('{name}' was unexpected)", name)
    if form.file_field != "file":
        raise bad("'file' is a required property", "file")
    if "purpose" not in form.fields:
        raise bad("'purpose' is a required property", "purpose")
    purpose = check_purpose(form.fields["purpose"])
    if form.size == 0:
        raise bad("File is empty.", "file")
    if form.size > _MOST_BYTES:
        raise ApiError(413, f"File is too large: the limit is {_MOST_BYTES} bytes.", param="file")
    if anchor is None and seconds is None:
        return purpose, None
    return purpose, _check_expiry(anchor, seconds)


def check_purpose(purpose: str) -> str:
    if purpose not in PURPOSES:
        raise bad(f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'", "purpose")
    return purpose


def _check_expiry(anchor: str | None, seconds: str | None) -> int:
    if anchor != "created_at":
        raise bad(
            f"'{anchor}' is not one of ['created_at'] - 'expires_after.anchor'",
            "expires_after.anchor",
        )
    number = checks.whole_number(seconds or "")
    if seconds is None or number is None:
        raise bad(
            f"{seconds!r} is not of type 'integer' - 'expires_after.seconds'",
            "expires_after.seconds",
        )
    if number < 3600:
        raise bad(
            f"{seconds} is less than the minimum of 3600 - 'expires_after.seconds'",
            "expires_after.seconds",
        )
    if number > 2592000:
        raise bad(
            f"{seconds} is greater than the maximum of 2592000 - 'expires_after.seconds'",
            "expires_after.seconds",
        )
    return number


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return wire(find_file(service, call.params["file_id"]))


def list_(service: EmbeddedService, call: Call) -> Reply:
    purge_expired(service)
    page = paging.read_page(call.query, most=10_000, default=10_000)
    purpose = call.query.get("purpose")
    table = service.listed("files")
    source = (
        paging.PageSource(table, "purpose = ?", (purpose,)) if purpose else paging.PageSource(table)
    )
    rows, more = paging.select(service.database, page, source, no_file)
    return paging.envelope([wire(row) for row in rows], more)


def content_path(service: EmbeddedService, file_id: str) -> Path:
    row = find_file(service, file_id)
    if row["purpose"] in NOT_DOWNLOADABLE:
        raise bad(f"Not allowed to download files of purpose: {row['purpose']}")
    content = service.blob(file_id)
    # A deleted file may be seen for a while, but its bytes are gone.
    if not content.exists():
        raise no_file(file_id)
    return content


def delete(service: EmbeddedService, call: Call) -> Reply:
    file_id = find_file(service, call.params["file_id"])["id"]
    _remove(service, file_id)
    return {"object": "file", "id": file_id, "deleted": True}


def _remove(service: EmbeddedService, file_id: str) -> None:
    """Take a file out of everything that uses it, then the file itself."""
    database = service.database
    with database.transaction():
        database.run("DELETE FROM store_files WHERE file_id = ?", [file_id])
        users = database.all(
            "SELECT a.seq, a.body FROM assistant_files u JOIN assistants a ON a.seq = u.assistant"
            " WHERE u.file_id = ?",
            [file_id],
        )
        _take_out(database, "assistants", users, file_id)
        database.run("DELETE FROM assistant_files WHERE file_id = ?", [file_id])
        users = database.all(
            "SELECT t.seq, t.body FROM threads t, json_each(t.body,"
            " '$.tool_resources.code_interpreter.file_ids') f WHERE f.value = ?",
            [file_id],
        )
        _take_out(database, "threads", users, file_id)
        database.run("DELETE FROM files WHERE id = ?", [file_id])
    service.blob(file_id).unlink(missing_ok=True)


def _take_out(database: Database, table: str, users: list[DbRow], file_id: str) -> None:
    for user in users:
        body = json.loads(user["body"])
        resources = body["tool_resources"]["code_interpreter"]
        resources["file_ids"] = [one for one in resources["file_ids"] if one != file_id]
        database.run(f"UPDATE {table} SET body = ? WHERE seq = ?", [json.dumps(body), user["seq"]])


def purge_expired(service: EmbeddedService) -> None:
    rows = service.database.all("SELECT id FROM files WHERE expires_at <= ?", [service.now()])
    for row in rows:
        _remove(service, row["id"])
