"""Owns conversations and their items; responses add to them."""

from __future__ import annotations

import json
from typing import Any

from .. import checks, paging
from ..db import DbRow
from ..errors import ApiError, missing
from ..service import Call, EmbeddedService, Reply, new_id
from . import ending, items

MOST_ITEMS = 20
_ITEMS = checks.array(checks.json_object, most=MOST_ITEMS, of="objects")
_CREATE = checks.fields({"metadata": checks.metadata, "items": checks.nullable(_ITEMS)})
_UPDATE = checks.fields({"metadata": checks.metadata}, ("metadata",))
_ADD = checks.fields({"items": _ITEMS}, ("items",))


def _wire(row: DbRow) -> Reply:
    return {
        "id": row["id"],
        "object": "conversation",
        "created_at": row["created_at"],
        "metadata": json.loads(row["metadata"]),
    }


def find(service: EmbeddedService, conversation_id: str) -> DbRow:
    """The conversation with all that responses have added to it by now."""
    ending.catch_up(service)
    row = service.database.one("SELECT * FROM conversations WHERE id = ?", [conversation_id])
    if row is None:
        raise no_conversation(conversation_id)
    return row


def no_conversation(conversation_id: str) -> ApiError:
    return missing(f"Conversation with id '{conversation_id}' not found.")


def create(service: EmbeddedService, call: Call) -> Reply:
    given = _CREATE("", call.body)
    added, conversation_id = items.taken(service, "items", given.get("items")), new_id("conv")
    items.check_unique(added)
    with service.database.transaction():
        service.database.run(
            "INSERT INTO conversations (id, created_at, metadata) VALUES (?, ?, ?)",
            [conversation_id, service.now(), json.dumps(given.get("metadata") or {})],
        )
        items.keep(service, conversation_id, "conversation", added)
    return _wire(find(service, conversation_id))


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return _wire(find(service, call.params["conversation_id"]))


def update(service: EmbeddedService, call: Call) -> Reply:
    row = find(service, call.params["conversation_id"])
    metadata = _UPDATE("", call.body)["metadata"] or {}
    service.database.run(
        "UPDATE conversations SET metadata = ? WHERE seq = ?", [json.dumps(metadata), row["seq"]]
    )
    return _wire(find(service, row["id"]))


def delete(service: EmbeddedService, call: Call) -> Reply:
    """Its items stay, and may still be referred to."""
    row = find(service, call.params["conversation_id"])
    service.database.run("DELETE FROM conversations WHERE seq = ?", [row["seq"]])
    return {"id": row["id"], "object": "conversation.deleted", "deleted": True}


def add_items(service: EmbeddedService, call: Call) -> Reply:
    row = find(service, call.params["conversation_id"])
    added = items.taken(service, "items", _ADD("", call.body)["items"])
    with service.database.transaction():
        items.check_unique([*items.kept(service, row["id"], "conversation"), *added])
        items.keep(service, row["id"], "conversation", added)
    return paging.envelope(added, more=False)


def list_items(service: EmbeddedService, call: Call) -> Reply:
    row = find(service, call.params["conversation_id"])
    return items.page(service, call, row["id"], "conversation")


def retrieve_item(service: EmbeddedService, call: Call) -> Reply:
    item: dict[str, Any] = json.loads(_find_item(service, call)["body"])
    return item


def delete_item(service: EmbeddedService, call: Call) -> Reply:
    """The service answers with the conversation."""
    row = _find_item(service, call)
    service.database.run("DELETE FROM items WHERE seq = ?", [row["seq"]])
    return _wire(find(service, row["owner"]))


def _find_item(service: EmbeddedService, call: Call) -> DbRow:
    conversation = find(service, call.params["conversation_id"])
    row = service.database.one(
        "SELECT * FROM items WHERE owner = ? AND part = 'conversation' AND id = ?",
        [conversation["id"], call.params["item_id"]],
    )
    if row is None:
        raise items.no_item(call.params["item_id"])
    return row
