"""Owns how a response ends: when somebody looks at it or at its conversation, and not before."""

from __future__ import annotations

import json

from ..db import DbRow
from ..service import EmbeddedService, Reply
from . import items


def catch_up(service: EmbeddedService) -> None:
    """End every response whose time has come."""
    database, due = service.database, "NOT settled AND due_at <= ?"
    if database.one(f"SELECT 1 FROM responses WHERE {due}", [service.clock()]) is None:
        return
    with database.transaction():
        rows = database.all(f"SELECT * FROM responses WHERE {due} ORDER BY seq", [service.clock()])
        for row in rows:
            _settle(service, row)


def _settle(service: EmbeddedService, row: DbRow) -> None:
    body: Reply = json.loads(row["body"])
    if body["status"] == "completed":
        body["completed_at"] = int(row["due_at"])
    service.database.run(
        "UPDATE responses SET settled = 1, body = ? WHERE seq = ?", [json.dumps(body), row["seq"]]
    )
    items.keep(service, body["id"], "output", body["output"])
    if row["conversation"] is not None:
        own = items.kept(service, body["id"], "input")
        items.keep(service, row["conversation"], "conversation", [*own, *body["output"]])
