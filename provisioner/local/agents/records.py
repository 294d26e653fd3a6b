"""Owns how the objects of this API are kept: whole, as the JSON that is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from .. import paging
from ..db import DbRow
from ..edge import encode
from ..errors import ApiError
from ..service import Call, EmbeddedService, Reply


@dataclass(frozen=True)
class Records:
    """Objects of one sort; `kept_back` are the keys that no reply has. What a write did may show
    `late`.
    """

    table: str
    absent: Callable[[str], ApiError]
    kept_back: tuple[str, ...] = ()
    late: bool = True

    def shown(self, body: Reply) -> Reply:
        return {name: one for name, one in body.items() if name not in self.kept_back}

    def row(self, service: EmbeddedService, record_id: str) -> DbRow:
        table = service.seen(self.table) if self.late else self.table
        found = service.database.one(f"SELECT * FROM {table} WHERE id = ?", [record_id])
        if found is None:
            raise self.absent(record_id)
        return found

    def find(self, service: EmbeddedService, record_id: str) -> Reply:
        body: Reply = json.loads(self.row(service, record_id)["body"])
        return body

    def add(self, service: EmbeddedService, body: Reply, **columns: Any) -> None:
        values = {"id": body["id"], "created_at": body["created_at"], "body": json.dumps(body)}
        values |= columns
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        service.database.run(
            f"INSERT INTO {self.table} ({names}) VALUES ({marks})", list(values.values())
        )

    def write(self, service: EmbeddedService, body: Reply) -> None:
        service.database.run(
            f"UPDATE {self.table} SET body = ? WHERE id = ?", [json.dumps(body), body["id"]]
        )

    def remove(self, service: EmbeddedService, record_id: str) -> None:
        self.row(service, record_id)
        service.database.run(f"DELETE FROM {self.table} WHERE id = ?", [record_id])

    def page(
        self,
        service: EmbeddedService,
        call: Call,
        where: str = "1",
        params: tuple[Any, ...] = (),
        *,
        clamped: bool = False,
    ) -> Reply:
        """The page that a request asks for. These lists are read onwards alone."""
        page = paging.read_page(
            {name: one for name, one in call.query.items() if name != "before"}, clamped=clamped
        )
        table = service.listed(self.table) if self.late else self.table
        source = paging.PageSource(table, where, params)
        rows, more = paging.select(service.database, page, source, self.absent)
        return paging.envelope([self.shown(json.loads(row["body"])) for row in rows], more)


def created(body: Reply) -> Response:
    """201, with which some of these routes answer."""
    return Response(encode(body), 201, media_type="application/json")


def with_metadata(call: Call) -> tuple[str, tuple[str, ...]]:
    """SQL for the pairs of `metadata[key]=value` that a list asks for."""
    pairs = []
    for name, value in call.query.items():
        if name.startswith("metadata[") and name.endswith("]"):
            pairs.append((name.removeprefix("metadata[")[:-1], value))
    holds = (
        "EXISTS (SELECT 1 FROM json_each(body, '$.metadata') pair"
        " WHERE pair.key = ? AND pair.value = ?)"
    )
    given = tuple(part for pair in pairs for part in pair)
    return " AND ".join(["1", *[holds] * len(pairs)]), given
