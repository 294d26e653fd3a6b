"""Owns prompts, for the embedded service."""

from __future__ import annotations

import json
from typing import Any

from . import checks, paging
from .errors import ApiError, no_store
from .service import Call, EmbeddedService, Reply, new_id

_FIELDS: dict[str, checks.Check] = {
    "name": checks.nullable(checks.string(longest=256)),
    "text": checks.string(shortest=1),
    "temperature": checks.nullable(checks.decimal(0, 2)),
    "store": checks.nullable(checks.string()),
    "metadata": checks.metadata,
}
_CREATE = checks.fields(
    {**_FIELDS, "language": checks.nullable(checks.one_of("en", "no"))}, ["text"]
)
_UPDATE = checks.fields(_FIELDS)
_DEFAULTS: dict[str, Any] = {
    "name": None,
    "temperature": 1.0,
    "language": "en",
    "store": None,
    "metadata": {},
}
_TABLE = """CREATE TABLE IF NOT EXISTS prompts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL)"""


def _gone(id: str) -> ApiError:
    return ApiError(404, f"No prompt found with id '{id}'.")


def _find(service: EmbeddedService, call: Call) -> Any:
    service.database.run(_TABLE)
    row = service.database.one("SELECT * FROM prompts WHERE id = ?", [call.params["id"]])
    if row is None:
        raise _gone(call.params["id"])
    return row


def _checked(service: EmbeddedService, given: Reply) -> Reply:
    store = given.get("store")
    known = "SELECT 1 FROM vector_stores WHERE id = ?"
    if store and service.database.one(known, [store]) is None:
        raise no_store(store)
    return {name: _DEFAULTS.get(name) if value is None else value for name, value in given.items()}


def create(service: EmbeddedService, call: Call) -> Reply:
    service.database.run(_TABLE)
    given = _checked(service, _CREATE("", call.body))
    head = {"id": new_id("pmpt"), "object": "prompt", "created_at": service.now()}
    body = {**head, **_DEFAULTS, **given}
    service.database.run(
        "INSERT INTO prompts (id, created_at, body) VALUES (?, ?, ?)",
        [body["id"], body["created_at"], json.dumps(body)],
    )
    return body


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    body: Reply = json.loads(_find(service, call)["body"])
    return body


def update(service: EmbeddedService, call: Call) -> Reply:
    row = _find(service, call)
    body = {**json.loads(row["body"]), **_checked(service, _UPDATE("", call.body))}
    service.database.run(
        "UPDATE prompts SET body = ? WHERE seq = ?", [json.dumps(body), row["seq"]]
    )
    return body


def list_(service: EmbeddedService, call: Call) -> Reply:
    service.database.run(_TABLE)
    page = paging.read_page(call.query)
    rows, more = paging.select(service.database, page, paging.PageSource("prompts"), _gone)
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def delete(service: EmbeddedService, call: Call) -> Reply:
    row = _find(service, call)
    service.database.run("DELETE FROM prompts WHERE seq = ?", [row["seq"]])
    return {"id": row["id"], "object": "prompt.deleted", "deleted": True}


HANDLERS = [
    ("POST", "/v1/prompts", create),
    ("GET", "/v1/prompts", list_),
    ("GET", "/v1/prompts/{id}", retrieve),
    ("POST", "/v1/prompts/{id}", update),
    ("DELETE", "/v1/prompts/{id}", delete),
]
