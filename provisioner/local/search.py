"""Owns the search in a vector store: full text, ranked, filtered by attributes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from . import checks, vector_stores
from .db import DbRow
from .indexing import store_token
from .service import Call, EmbeddedService, Reply

ORDERED = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
LEAVES = ("eq", "ne", *ORDERED, "in", "nin")
# Words that stand in nearly every passage say nothing about any of them.
COMMON_TEXT = (
    "a an and are as at be by do does for from has have how i in is it of on or that the to what"
    " when where which who why will with you"
)
COMMON = frozenset(COMMON_TEXT.split())


@dataclass(frozen=True)
class Hit:
    """A passage that was found; `score` is between 0 and 1."""

    passage: int
    file_id: str
    filename: str
    text: str
    attributes: dict[str, Any]
    score: float


def _scalar(path: str, value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise checks.wrong_type(path, "one of a string, a number, or a boolean", value)
    return value


def _leaf(value: checks.Check) -> checks.Check:
    return checks.fields(
        {"type": checks.any_value, "key": checks.string(), "value": value}, ("type", "key", "value")
    )


def checked_filter(path: str, value: Any) -> Any:
    """A comparison, or several joined by `and` or `or`, to any depth."""
    several = checks.fields(
        {"type": checks.any_value, "filters": checks.array(checked_filter, of="objects")},
        ("type", "filters"),
    )
    among = _leaf(checks.array(_scalar))
    kinds = {kind: among if kind in ("in", "nin") else _leaf(_scalar) for kind in LEAVES}
    return checks.variants(kinds | {"and": several, "or": several})(path, value)


def _query(path: str, value: Any) -> list[str]:
    if isinstance(value, str):
        value = [value]
    queries: list[str] = checks.array(checks.string(shortest=1), least=1)(path, value)
    return queries


REQUEST = checks.fields(
    {
        "query": _query,
        "filters": checks.nullable(checked_filter),
        "max_num_results": checks.integer(1, 50),
        "rewrite_query": checks.boolean,
        "ranking_options": checks.fields(
            {
                "ranker": checks.one_of("none", "auto", "default-2024-11-15"),
                "score_threshold": checks.decimal(0, 1),
            }
        ),
    },
    ("query",),
)


def _equal(left: Any, right: Any) -> bool:
    """True is not 1 here."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _comparable(left: Any, right: Any) -> bool:
    numbers = all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right)
    )
    return numbers or (isinstance(left, str) and isinstance(right, str))


def matches(condition: dict[str, Any], attributes: dict[str, Any]) -> bool:
    """Whether attributes meet a filter; a missing attribute differs from every value."""
    kind = condition["type"]
    if kind in ("and", "or"):
        results = (matches(one, attributes) for one in condition["filters"])
        return all(results) if kind == "and" else any(results)
    value, wanted = attributes.get(condition["key"]), condition["value"]
    if kind in ORDERED:
        return _comparable(value, wanted) and bool(ORDERED[kind](value, wanted))
    among = any(_equal(value, one) for one in (wanted if kind in ("in", "nin") else [wanted]))
    return among if kind in ("eq", "in") else not among


def _words(text: str) -> list[str]:
    words = list(dict.fromkeys(re.findall(r"\w+", text.lower())))
    return [word for word in words if word not in COMMON] or words


def _score(words: list[str], text: str, rank: float) -> float:
    """Between 0 and 1: mostly how many of the words are there, the rest how much they weigh."""
    lowered = text.lower()
    # Comparing beginnings stands in for the stemming that the index did.
    found = sum(word[: max(4, len(word) - 3)] in lowered for word in words)
    weight = max(-rank, 0.0)
    return round(0.8 * found / len(words) + 0.2 * weight / (weight + 1), 4)


def _hits(service: EmbeddedService, store: DbRow, query: str) -> Iterator[Hit]:
    words = _words(query)
    if not words:
        return
    any_word = " OR ".join(f'"{word}"' for word in words)
    cursor = service.database.run(
        "SELECT p.rowid AS passage, p.text, bm25(passages, 0.0, 1.0) AS rank, s.file_id,"
        " s.attributes, f.filename FROM passages p JOIN store_files s ON s.seq = p.store_file JOIN"
        " files f ON f.id = s.file_id WHERE passages MATCH ? AND p.rowid BETWEEN s.first_passage"
        " AND s.last_passage ORDER BY rank LIMIT 1000",
        [f"store:{store_token(store['seq'])} AND text:({any_word})"],
    )
    for row in cursor:
        yield Hit(
            passage=row["passage"],
            file_id=row["file_id"],
            filename=row["filename"],
            text=row["text"],
            attributes=json.loads(row["attributes"]),
            score=_score(words, row["text"], row["rank"]),
        )


def search(service: EmbeddedService, call: Call) -> Reply:
    given = REQUEST("", call.body)
    store = vector_stores.find_usable(service, call.params["store_id"])
    hits = best(
        service,
        [store],
        given["query"],
        condition=given.get("filters"),
        threshold=given.get("ranking_options", {}).get("score_threshold", 0.0),
    )
    return {
        "object": "vector_store.search_results.page",
        "search_query": given["query"],
        "data": [_wire(hit) for hit in hits[: given.get("max_num_results", 10)]],
        "has_more": False,
        "next_page": None,
    }


def best(
    service: EmbeddedService,
    stores: Iterable[DbRow],
    queries: Iterable[str],
    *,
    condition: dict[str, Any] | None = None,
    threshold: float = 0.0,
) -> list[Hit]:
    """The passages of all these stores that answer any of the queries, best first; being searched
    keeps a store alive.
    """
    found: dict[int, Hit] = {}
    for store in stores:
        vector_stores.touch(service, store)
        for query in queries:
            for hit in _hits(service, store, query):
                if condition is not None and not matches(condition, hit.attributes):
                    continue
                known = found.get(hit.passage)
                if hit.score >= threshold and (known is None or hit.score > known.score):
                    found[hit.passage] = hit
    return sorted(found.values(), key=lambda hit: (-hit.score, hit.passage))


def _wire(hit: Hit) -> Reply:
    return {
        "file_id": hit.file_id,
        "filename": hit.filename,
        "score": hit.score,
        "attributes": hit.attributes,
        "content": [{"type": "text", "text": hit.text}],
    }
