"""Owns lists: limit, order and cursors, and the envelope around a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import checks
from .db import Database, DbRow
from .errors import ApiError
from .service import Reply


@dataclass(frozen=True)
class Page:
    limit: int
    newest_first: bool
    after: str | None
    before: str | None


@dataclass(frozen=True)
class PageSource:
    """What a list is read from; `key` is the column that holds the id which clients see."""

    table: str
    where: str = "1"
    params: tuple[Any, ...] = ()
    key: str = "id"
    alias: str = ""


def read_page(
    query: Mapping[str, str],
    *,
    least: int = 1,
    most: int = 100,
    default: int = 20,
    clamped: bool = False,
) -> Page:
    """With `clamped`, a limit that is out of range becomes the nearest one within."""
    order = checks.one_of("asc", "desc")("order", query.get("order", "desc"))
    written = query.get("limit", str(default))
    number = checks.whole_number(written)
    if clamped and number is not None:
        number = min(max(number, least), most)
    limit: int = checks.integer(least, most)("limit", written if number is None else number)
    return Page(limit, order == "desc", query.get("after") or None, query.get("before") or None)


def select(
    database: Database, page: Page, source: PageSource, gone: Callable[[str], ApiError]
) -> tuple[list[DbRow], bool]:
    """The rows of a page and whether there are more; every step is an index lookup."""
    # Going back from a cursor means reading the other way and turning the page round.
    backwards = page.before is not None and page.after is None
    descending = page.newest_first != backwards
    position = f"({source.alias}created_at, {source.alias}seq)"
    where, params = [source.where], [*source.params]
    for cursor, follows in ((page.after, page.newest_first), (page.before, not page.newest_first)):
        if cursor is not None:
            where.append(f"{position} {'<' if follows else '>'} (?, ?)")
            params += _position(database, source, cursor, gone)
    direction = "DESC" if descending else "ASC"
    rows = database.all(
        f"SELECT {source.alias or source.table + '.'}* FROM {source.table} WHERE"
        f" {' AND '.join(where)} ORDER BY {source.alias}created_at {direction}, {source.alias}seq"
        f" {direction} LIMIT ?",
        [*params, page.limit + 1],
    )
    shown = rows[: page.limit]
    return (shown[::-1] if backwards else shown), len(rows) > page.limit


def _position(
    database: Database, source: PageSource, cursor: str, gone: Callable[[str], ApiError]
) -> list[int]:
    columns = f"{source.alias}created_at, {source.alias}seq"
    where = f"{source.where} AND {source.alias}{source.key} = ?"
    sql = f"SELECT {columns} FROM {source.table} WHERE {where}"
    row = database.one(sql, [*source.params, cursor])
    if row is None:
        raise gone(cursor)
    return list(row)


def envelope(items: list[Reply], more: bool) -> Reply:
    ids = [item["id"] for item in items]
    first, last = (ids[0], ids[-1]) if ids else (None, None)
    return {"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": more}
