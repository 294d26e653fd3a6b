"""Owns uploads: a large file that arrives in parts within an hour."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from . import checks, files
from .db import DbRow
from .errors import ApiError, bad, missing
from .multipart import receive
from .service import Call, EmbeddedService, Reply, new_id

_MOST_BYTES = 8 * 1024**3
MOST_PART_BYTES = 64 * 1024**2
LIFETIME_SECONDS = 3600
_CREATE = checks.fields(
    {
        "filename": checks.string(shortest=1),
        "purpose": checks.string(),
        "bytes": checks.integer(1, _MOST_BYTES),
        "mime_type": checks.string(),
        "expires_after": checks.fields(
            {"anchor": checks.one_of("created_at"), "seconds": checks.integer(3600, 2592000)},
            ("anchor", "seconds"),
        ),
    },
    ("filename", "purpose", "bytes", "mime_type"),
)
COMPLETE = checks.fields(
    {"part_ids": checks.array(checks.string(), least=1), "md5": checks.string()}, ("part_ids",)
)


def _find(service: EmbeddedService, upload_id: str) -> DbRow:
    service.database.run(
        "UPDATE uploads SET status = 'expired' WHERE id = ? AND status = 'pending' AND expires_at"
        " <= ?",
        [upload_id, service.now()],
    )
    row = service.database.one("SELECT * FROM uploads WHERE id = ?", [upload_id])
    if row is None:
        raise missing(f"No upload found with id '{upload_id}'.", "upload_id")
    return row


def _pending(service: EmbeddedService, upload_id: str) -> DbRow:
    row = _find(service, upload_id)
    if row["status"] != "pending":
        raise bad(f"Upload '{upload_id}' is {row['status']}, not pending.", "upload_id")
    return row


def _wire(service: EmbeddedService, row: DbRow) -> Reply:
    names = ("id", "created_at", "filename", "bytes", "purpose", "status", "expires_at")
    file = None if row["file_id"] is None else files.wire(files.find_file(service, row["file_id"]))
    return {"object": "upload", **{name: row[name] for name in names}, "file": file}


def create(service: EmbeddedService, call: Call) -> Reply:
    given = _CREATE("", call.body)
    upload_id, now = new_id("upload"), service.now()
    seconds = given.get("expires_after", {}).get("seconds")
    values = [
        given["bytes"],
        given["filename"],
        files.check_purpose(given["purpose"]),
        given["mime_type"],
    ]
    service.database.run(
        "INSERT INTO uploads (id, created_at, bytes, filename, purpose, mime_type, expires_at,"
        " expires_seconds, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
        [upload_id, now, *values, now + LIFETIME_SECONDS, seconds],
    )
    return _wire(service, _find(service, upload_id))


async def add_part(
    service: EmbeddedService, upload_id: str, content_type: str, stream: AsyncIterator[bytes]
) -> Reply:
    upload = _pending(service, upload_id)
    part_id = new_id("part")
    form = await receive(content_type, stream, service.blob(part_id), MOST_PART_BYTES + 1)
    wrong = None
    if form.file_field != "data":
        wrong = checks.required("data")
    elif form.size > MOST_PART_BYTES:
        wrong = ApiError(
            413, f"Part is too large: the limit is {MOST_PART_BYTES} bytes.", param="data"
        )
    if wrong is not None:
        service.blob(part_id).unlink()
        raise wrong
    service.database.run(
        "INSERT INTO upload_parts VALUES (?, ?, ?)", [part_id, upload["seq"], form.size]
    )
    return {
        "id": part_id,
        "object": "upload.part",
        "created_at": service.now(),
        "upload_id": upload_id,
    }


def complete(service: EmbeddedService, call: Call) -> Reply:
    """Join the parts in the order given; the file object is what later requests name."""
    given = COMPLETE("", call.body)
    upload = _pending(service, call.params["upload_id"])
    sizes = {row["id"]: row["bytes"] for row in _parts(service, upload)}
    for part_id in given["part_ids"]:
        if part_id not in sizes:
            raise missing(f"No part found with id '{part_id}'.", "part_ids")
    total = sum(sizes[part_id] for part_id in given["part_ids"])
    if total != upload["bytes"]:
        raise bad(
            f"The parts have {total} bytes, but the upload was created for {upload['bytes']}.",
            "part_ids",
        )
    file_id = new_id("file")
    joined = service.blob(f"{file_id}.part")
    try:
        _join(service, given, joined)
        files.store(
            service,
            file_id,
            joined,
            upload["filename"],
            upload["purpose"],
            upload["expires_seconds"],
        )
    finally:
        joined.unlink(missing_ok=True)
    return _end(service, upload, "completed", file_id)


def _join(service: EmbeddedService, given: dict[str, Any], joined: Path) -> None:
    with joined.open("wb") as out:
        for part_id in given["part_ids"]:
            with service.blob(part_id).open("rb") as part:
                shutil.copyfileobj(part, out, 1 << 20)
    if "md5" in given:
        with joined.open("rb") as whole:
            found = hashlib.file_digest(whole, "md5").hexdigest()
        if found != given["md5"]:
            raise bad(f"The MD5 of the parts is {found}, not {given['md5']}.", "md5")


def cancel(service: EmbeddedService, call: Call) -> Reply:
    return _end(service, _pending(service, call.params["upload_id"]), "cancelled", None)


def _parts(service: EmbeddedService, upload: DbRow) -> list[DbRow]:
    return service.database.all("SELECT * FROM upload_parts WHERE upload = ?", [upload["seq"]])


def _end(service: EmbeddedService, upload: DbRow, status: str, file_id: str | None) -> Reply:
    parts = _parts(service, upload)
    with service.database.transaction():
        changes = [status, file_id, upload["seq"]]
        service.database.run("UPDATE uploads SET status = ?, file_id = ? WHERE seq = ?", changes)
        service.database.run("DELETE FROM upload_parts WHERE upload = ?", [upload["seq"]])
    for part in parts:
        service.blob(part["id"]).unlink(missing_ok=True)
    return _wire(service, _find(service, upload["id"]))
