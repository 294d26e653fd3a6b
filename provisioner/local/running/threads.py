"""Owns threads: making, reading, changing and deleting them, and the files they give to tools."""

from __future__ import annotations

import json
from typing import Any

from .. import assistants, checks, vector_stores
from ..attaching import Attachment, attach_files, known_files
from ..db import DbRow
from ..errors import missing, no_thread
from ..service import Call, EmbeddedService, Reply, letters
from . import messages

# What a store lives that was made on the way, counted from its last use.
HELPER_EXPIRY = {"anchor": "last_active_at", "days": 7}
MOST_FILES = 20
_RESOURCES = assistants.resources(assistants.STORE_IDS | assistants.NEW_STORES)
THREAD = checks.fields(
    {
        "messages": checks.nullable(checks.array(messages.MESSAGE, of="objects")),
        "tool_resources": _RESOURCES,
        "metadata": checks.metadata,
    }
)
_UPDATE = checks.fields(
    {
        "tool_resources": assistants.resources(assistants.STORE_IDS),
        "metadata": checks.metadata,
    }
)


def find(service: EmbeddedService, thread_id: str) -> DbRow:
    row = service.database.one("SELECT * FROM threads WHERE id = ?", [thread_id])
    if row is None:
        raise no_thread(thread_id)
    return row


def create(service: EmbeddedService, call: Call) -> Reply:
    body: Reply = json.loads(make(service, THREAD("", call.body))["body"])
    return body


def make(service: EmbeddedService, given: dict[str, Any]) -> DbRow:
    """A thread with its first messages."""
    said = given.get("messages") or []
    check_files(service, said)
    body: Reply = {
        "id": f"thread_{letters(24)}",
        "object": "thread",
        "created_at": service.now(),
        "metadata": given.get("metadata") or {},
        "tool_resources": known(service, given.get("tool_resources")),
    }
    service.database.run(
        "INSERT INTO threads (id, created_at, body) VALUES (?, ?, ?)",
        [body["id"], body["created_at"], json.dumps(body)],
    )
    say(service, body["id"], said)
    return find(service, body["id"])


def known(service: EmbeddedService, given: dict[str, Any] | None) -> dict[str, Any]:
    return assistants.known_resources(service, given or {}, HELPER_EXPIRY)


def say(service: EmbeddedService, thread_id: str, said: list[dict[str, Any]]) -> list[Reply]:
    """Add messages to a thread; `check_files` has found what is attached to them."""
    for message in said:
        for file_id, tool in _attached(message):
            _lend(service, find(service, thread_id), file_id, tool)
    with service.database.transaction():
        thread = find(service, thread_id)
        return [messages.add(service, thread, message) for message in said]


def _attached(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Each file with the type of a tool that it is for."""
    return [
        (attachment["file_id"], tool["type"])
        for attachment in message.get("attachments") or []
        for tool in attachment.get("tools", [])
    ]


def check_files(service: EmbeddedService, said: list[dict[str, Any]]) -> None:
    """Raises for what is attached and is not there, or cannot be searched."""
    attached = [one for message in said for one in _attached(message)]
    searched = [file_id for file_id, tool in attached if tool == "file_search"]
    known_files(service, searched, "attachments")
    named = [one["file_id"] for message in said for one in message.get("attachments") or []]
    for file_id in named:
        if service.database.one("SELECT 1 FROM files WHERE id = ?", [file_id]) is None:
            raise missing(f"Files [{file_id}] were not found", "attachments")


def _lend(service: EmbeddedService, thread: DbRow, file_id: str, tool: str) -> None:
    """Put a file where the tool looks: into the thread's store, which is made if need be, or before
    the code interpreter.
    """
    body = json.loads(thread["body"])
    resources = body["tool_resources"]
    if tool == "code_interpreter":
        files = resources.get(tool, {}).get("file_ids", [])
        if file_id not in files:
            files = checks.array(checks.string(), most=MOST_FILES)(
                "tool_resources.code_interpreter.file_ids", [*files, file_id]
            )
        resources[tool] = {"file_ids": files}
    else:
        store_ids = resources.get(tool, {}).get("vector_store_ids")
        resources[tool] = {"vector_store_ids": store_ids or [_store_of(service, file_id)]}
        for store_id in store_ids or []:
            _join(service, store_id, file_id)
    _write(service, thread, body)


def _store_of(service: EmbeddedService, file_id: str) -> str:
    given = {"file_ids": [file_id], "expires_after": HELPER_EXPIRY}
    store_id: str = vector_stores.make(service, given, "attachments")["id"]
    return store_id


def _join(service: EmbeddedService, store_id: str, file_id: str) -> None:
    store = vector_stores.find_usable(service, store_id)
    with service.database.transaction():
        names = known_files(service, [file_id], "attachments")
        vector_stores.touch(service, store)
        sizes = checks.chunk_sizes(None)
        attach_files(service, store["seq"], [Attachment(file_id, {}, sizes)], names)


def _write(service: EmbeddedService, thread: DbRow, body: Reply) -> None:
    service.database.run(
        "UPDATE threads SET body = ? WHERE seq = ?", [json.dumps(body), thread["seq"]]
    )


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    body: Reply = json.loads(find(service, call.params["thread_id"])["body"])
    return body


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    with service.database.transaction():
        thread = find(service, call.params["thread_id"])
        body: Reply = json.loads(thread["body"])
        if "metadata" in given:
            body["metadata"] = vector_stores.new_metadata(
                service, body["metadata"], given["metadata"]
            )
        if given.get("tool_resources"):
            body["tool_resources"] |= known(service, given["tool_resources"])
        _write(service, thread, body)
    return body


def delete(service: EmbeddedService, call: Call) -> Reply:
    """Its messages, runs and steps go with it; files and stores stay."""
    thread = find(service, call.params["thread_id"])
    of_run = "run IN (SELECT seq FROM runs WHERE thread = ?)"
    with service.database.transaction():
        for table in ("run_events", "run_steps"):
            service.database.run(f"DELETE FROM {table} WHERE {of_run}", [thread["seq"]])
        for table in ("runs", "thread_messages"):
            service.database.run(f"DELETE FROM {table} WHERE thread = ?", [thread["seq"]])
        service.database.run("DELETE FROM threads WHERE seq = ?", [thread["seq"]])
    return {"id": thread["id"], "object": "thread.deleted", "deleted": True}
