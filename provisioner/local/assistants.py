"""Owns assistants: the defaults that the service fills in, and what an update leaves alone."""

from __future__ import annotations

import json
from typing import Any

from . import checks, paging, tools, vector_stores
from .db import DbRow
from .errors import missing, no_assistant, no_store
from .service import Call, EmbeddedService, Reply, new_id

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
SETTINGS: dict[str, checks.Check] = {
    "model": checks.string(shortest=1),
    "name": checks.nullable(checks.string(longest=256)),
    "description": checks.nullable(checks.string(longest=512)),
    "instructions": checks.nullable(checks.string(longest=256_000)),
    "tools": checks.array(tools.TOOL_RULES, most=128, of="objects"),
    "metadata": checks.metadata,
    "temperature": checks.nullable(checks.decimal(0, 2)),
    "top_p": checks.nullable(checks.decimal(0, 1)),
    "response_format": checks.nullable(tools.checked_response_format),
    "reasoning_effort": checks.nullable(checks.one_of(*EFFORTS)),
}
CODE_INTERPRETER = checks.fields({"file_ids": checks.array(checks.string(), most=20)})
STORE_IDS = {"vector_store_ids": checks.array(checks.string(), most=1)}
NEW_STORE = checks.fields(
    {
        "file_ids": checks.array(checks.string()),
        "chunking_strategy": checks.chunking,
        "metadata": checks.metadata,
    }
)
NEW_STORES = {"vector_stores": checks.array(NEW_STORE, most=1, of="objects")}


def resources(file_search: dict[str, checks.Check]) -> checks.Check:
    by_tool = {"code_interpreter": CODE_INTERPRETER, "file_search": checks.fields(file_search)}
    return checks.nullable(checks.fields(by_tool))


_CREATE = checks.fields(
    SETTINGS | {"tool_resources": resources(STORE_IDS | NEW_STORES)}, ("model",)
)
_UPDATE = checks.fields(SETTINGS | {"tool_resources": resources(STORE_IDS)})


def _defaults() -> dict[str, Any]:
    """What null, and never having been set, comes back as."""
    return {
        "name": None,
        "description": None,
        "instructions": None,
        "tools": [],
        "top_p": 1.0,
        "temperature": 1.0,
        "reasoning_effort": None,
        "tool_resources": {},
        "metadata": {},
        "response_format": "auto",
    }


def find(service: EmbeddedService, assistant_id: str) -> DbRow:
    row = service.database.one(
        f"SELECT * FROM {service.seen('assistants')} WHERE id = ?", [assistant_id]
    )
    if row is None:
        raise no_assistant(assistant_id)
    return row


def known_resources(
    service: EmbeddedService, given: dict[str, Any], expiry: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What tools work on must exist; a store that is described instead of named is made, and
    expires as `expiry` says.
    """
    search, interpreter = given.get("file_search", {}), given.get("code_interpreter", {})
    path = "tool_resources.file_search"
    if "vector_stores" in search and "vector_store_ids" in search:
        raise checks.exclusive(path, "vector_store_ids", "vector_stores")
    service.settling.check("use", "files", interpreter.get("file_ids", []))
    service.settling.check("use", "vector_stores", search.get("vector_store_ids", []))
    for file_id in interpreter.get("file_ids", []):
        if service.database.one("SELECT 1 FROM files WHERE id = ?", [file_id]) is None:
            raise missing(
                f"Files [{file_id}] were not found", "tool_resources.code_interpreter.file_ids"
            )
    for store_id in search.get("vector_store_ids", []):
        if service.database.one("SELECT 1 FROM vector_stores WHERE id = ?", [store_id]) is None:
            raise no_store(store_id)
    if "vector_stores" in search:
        made = [
            vector_stores.make(
                service, one | {"expires_after": expiry}, f"{path}.vector_stores[0].file_ids"
            )
            for one in search["vector_stores"]
        ]
        search = {"vector_store_ids": [store["id"] for store in made]}
    known = {
        "code_interpreter": {"file_ids": interpreter.get("file_ids", [])},
        "file_search": search,
    }
    return {tool: known[tool] for tool in given}


def _shown_resources(resources: dict[str, Any], of: list[dict[str, Any]]) -> dict[str, Any]:
    """A code interpreter always has a list of files, and without one an empty list is not
    mentioned.
    """
    files = resources.get("code_interpreter", {}).get("file_ids", [])
    kept = {tool: one for tool, one in resources.items() if tool != "code_interpreter"}
    used = any(tool["type"] == "code_interpreter" for tool in of)
    return {"code_interpreter": {"file_ids": files}} | kept if files or used else kept


def _apply(service: EmbeddedService, body: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The assistant after an update: omitted is unchanged, null is the default, lists of ids are
    replaced.
    """
    defaults = _defaults()
    changes = {
        name: defaults.get(name) if value is None else value for name, value in given.items()
    }
    if "metadata" in given:
        changes["metadata"] = vector_stores.new_metadata(
            service, body["metadata"], given["metadata"]
        )
    if given.get("tool_resources"):
        changes["tool_resources"] = body["tool_resources"] | known_resources(
            service, given["tool_resources"]
        )
    changed = body | changes
    return changed | {
        "tool_resources": _shown_resources(changed["tool_resources"], changed["tools"])
    }


def _note_files(service: EmbeddedService, seq: int, body: dict[str, Any]) -> None:
    """Deleting a file has to find the assistants that use it."""
    file_ids = body["tool_resources"].get("code_interpreter", {}).get("file_ids", [])
    service.database.run("DELETE FROM assistant_files WHERE assistant = ?", [seq])
    service.database.connection.executemany(
        "INSERT OR IGNORE INTO assistant_files (file_id, assistant) VALUES (?, ?)",
        [(file_id, seq) for file_id in file_ids],
    )


def create(service: EmbeddedService, call: Call) -> Reply:
    given = _CREATE("", call.body)
    assistant_id, now = new_id("assistant"), service.now()
    empty = {
        "id": assistant_id,
        "object": "assistant",
        "created_at": now,
        "model": given["model"],
    } | _defaults()
    body = _apply(service, empty, given)
    with service.database.transaction():
        inserted = service.database.run(
            "INSERT INTO assistants (id, created_at, body) VALUES (?, ?, ?)",
            [assistant_id, now, json.dumps(body)],
        )
        _note_files(service, inserted.lastrowid or 0, body)
    return body


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    body: Reply = json.loads(find(service, call.params["assistant_id"])["body"])
    return body


def list_(service: EmbeddedService, call: Call) -> Reply:
    page = paging.read_page(call.query)
    rows, more = paging.select(
        service.database, page, paging.PageSource(service.listed("assistants")), no_assistant
    )
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    with service.database.transaction():
        row = find(service, call.params["assistant_id"])
        body = _apply(service, json.loads(row["body"]), given)
        service.database.run(
            "UPDATE assistants SET body = ? WHERE seq = ?", [json.dumps(body), row["seq"]]
        )
        _note_files(service, row["seq"], body)
    return body


def delete(service: EmbeddedService, call: Call) -> Reply:
    """Stores and files that it used stay."""
    with service.database.transaction():
        row = find(service, call.params["assistant_id"])
        service.database.run("DELETE FROM assistants WHERE seq = ?", [row["seq"]])
        service.database.run("DELETE FROM assistant_files WHERE assistant = ?", [row["seq"]])
    return {"id": row["id"], "object": "assistant.deleted", "deleted": True}
