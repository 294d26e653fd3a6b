"""Owns the messages of a thread: what is accepted as one, in which form it is kept, and reading
them.
"""

from __future__ import annotations

import json
from typing import Any

from .. import checks, vector_stores
from ..db import DbRow
from ..errors import no_message
from ..service import EmbeddedService, Reply, letters

LONGEST = 256_000
_DETAIL = checks.one_of("auto", "low", "high")
_PART = checks.variants(
    {
        "text": checks.fields(
            {"type": checks.any_value, "text": checks.string(longest=LONGEST)}, ("text",)
        ),
        "image_file": checks.fields(
            {
                "type": checks.any_value,
                "image_file": checks.fields(
                    {"file_id": checks.string(), "detail": _DETAIL}, ("file_id",)
                ),
            },
            ("image_file",),
        ),
        "image_url": checks.fields(
            {
                "type": checks.any_value,
                "image_url": checks.fields({"url": checks.string(), "detail": _DETAIL}, ("url",)),
            },
            ("image_url",),
        ),
    }
)
_PARTS = checks.array(_PART, least=1, of="objects")
_TOOL = checks.fields({"type": checks.one_of("code_interpreter", "file_search")}, ("type",))
_ATTACHMENT = checks.fields(
    {"file_id": checks.string(), "tools": checks.array(_TOOL, of="objects")}, ("file_id",)
)


def _content(path: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        text = checks.string(shortest=1, longest=LONGEST)(path, value)
        return [{"type": "text", "text": text}]
    parts: list[Any] = _PARTS(path, value)
    return parts


MESSAGE = checks.fields(
    {
        "role": checks.one_of("user", "assistant"),
        "content": _content,
        "attachments": checks.nullable(checks.array(_ATTACHMENT, of="objects")),
        "metadata": checks.metadata,
    },
    ("role", "content"),
)
UPDATE = checks.fields({"metadata": checks.metadata})


def blank(thread_id: str, role: str, when: float) -> Reply:
    """A message in which nothing is said yet."""
    return {
        "id": f"msg_{letters(24)}",
        "object": "thread.message",
        "created_at": int(when),
        "assistant_id": None,
        "thread_id": thread_id,
        "run_id": None,
        "status": "in_progress",
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": None,
        "role": role,
        "content": [],
        "attachments": [],
        "metadata": {},
    }


def add(service: EmbeddedService, thread: DbRow, given: dict[str, Any]) -> Reply:
    body = blank(thread["id"], given["role"], service.clock()) | {
        "status": "completed",
        "completed_at": service.now(),
        "content": [_shown(part) for part in given["content"]],
        "attachments": given.get("attachments") or [],
        "metadata": given.get("metadata") or {},
    }
    insert(service, thread["seq"], body)
    return body


def _shown(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "text": {"value": part["text"], "annotations": []}}
    return {"type": part["type"], part["type"]: {"detail": "auto"} | part[part["type"]]}


def insert(service: EmbeddedService, thread: int, body: Reply) -> None:
    service.database.run(
        "INSERT INTO thread_messages (id, created_at, thread, run_id, body) VALUES (?, ?, ?, ?, ?)",
        [body["id"], body["created_at"], thread, body["run_id"], json.dumps(body)],
    )


def write(service: EmbeddedService, body: Reply) -> None:
    service.database.run(
        "UPDATE thread_messages SET body = ? WHERE id = ?", [json.dumps(body), body["id"]]
    )


def said(body: Reply) -> str:
    """The text of a message; an image says nothing to the built-in model."""
    texts = (part["text"]["value"] for part in body["content"] if part["type"] == "text")
    return "\n".join(texts)


def of_thread(service: EmbeddedService, thread: DbRow) -> list[Reply]:
    """Oldest first."""
    rows = service.database.all(
        "SELECT body FROM thread_messages WHERE thread = ? ORDER BY created_at, seq",
        [thread["seq"]],
    )
    return [json.loads(row["body"]) for row in rows]


def find(service: EmbeddedService, thread: DbRow, message_id: str) -> Reply:
    row = service.database.one(
        "SELECT body FROM thread_messages WHERE thread = ? AND id = ?", [thread["seq"], message_id]
    )
    if row is None:
        raise no_message(message_id)
    body: Reply = json.loads(row["body"])
    return body


def change(service: EmbeddedService, body: Reply, given: dict[str, Any]) -> Reply:
    if "metadata" in given:
        body["metadata"] = vector_stores.new_metadata(service, body["metadata"], given["metadata"])
        write(service, body)
    return body
