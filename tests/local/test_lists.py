"""Lists: order, cursors, limits and the envelope, for every kind; and that a page is never
a scan.
"""

from __future__ import annotations

from typing import Any

import openai
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def some(client: openai.AsyncOpenAI, count: int = 5) -> list[str]:
    return [(await client.beta.assistants.create(model="m", name=str(n))).id for n in range(count)]


async def page(client: openai.AsyncOpenAI, **query: Any) -> dict[str, Any]:
    reply: dict[str, Any] = await client.get(
        "/assistants", options={"params": query}, cast_to=dict[str, Any]
    )
    return reply


def test_an_empty_list_has_null_ids(client: openai.OpenAI) -> None:
    """The recorded envelope of a page without entries."""
    store = client.vector_stores.create(name="kb")
    empty = client.get(f"/vector_stores/{store.id}/files", cast_to=dict[str, Any])
    assert empty == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_the_newest_come_first(tell: Any, clock: Any) -> None:
    """By creation, and within one second by the order of creation; `asc` turns it round."""

    async def story(client: openai.AsyncOpenAI) -> None:
        ids = await some(client, 3)
        clock.tick(1)
        ids += await some(client, 2)
        assert [one.id async for one in client.beta.assistants.list()] == ids[::-1]
        assert [one.id async for one in client.beta.assistants.list(order="asc")] == ids

    tell(story)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_join_without_gap_or_overlap(tell: Any, order: Any) -> None:
    """Following `after` shows every entry once, and a deleted entry does not move the others."""

    async def story(client: openai.AsyncOpenAI) -> None:
        ids = await some(client, 7)
        if order == "desc":
            ids.reverse()
        first = await page(client, limit=3, order=order)
        assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[0], ids[2], True)
        await client.beta.assistants.delete(ids[0])
        second = await page(client, limit=3, order=order, after=first["last_id"])
        third = await page(client, limit=3, order=order, after=second["last_id"])
        assert [one["id"] for one in second["data"] + third["data"]] == ids[3:]
        assert not third["has_more"]
        assert not (await page(client, limit=6, order=order))["has_more"]

    tell(story)


def test_before_goes_back_one_page(tell: Any) -> None:
    """The entries nearest to the cursor, in the list's own order."""

    async def story(client: openai.AsyncOpenAI) -> None:
        ids = await some(client, 5)
        back = await page(client, limit=2, order="asc", before=ids[3])
        assert ([one["id"] for one in back["data"]], back["has_more"]) == (ids[1:3], True)
        between = await page(client, order="desc", after=ids[4], before=ids[1])
        assert [one["id"] for one in between["data"]] == [ids[3], ids[2]]

    tell(story)


@pytest.mark.parametrize("path", ["/assistants", "/vector_stores", "/vector_stores/{store}/files"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": 101}, "integer_above_max_value"),
        ({"limit": 0}, "integer_below_min_value"),
        ({"limit": "many"}, "invalid_type"),
        ({"order": "random"}, "invalid_value"),
    ],
)
def test_bad_pages_are_refused(
    client: openai.OpenAI, path: str, query: dict[str, Any], code: str
) -> None:
    """A limit is 1 to 100, an order asc or desc."""
    store = client.vector_stores.create(name="kb")
    with pytest.raises(openai.BadRequestError) as refusal:
        client.get(path.format(store=store.id), options={"params": query}, cast_to=object)
    assert (refusal.value.param, refusal.value.code) == (next(iter(query)), code)


def test_files_have_a_limit_of_their_own(client: openai.OpenAI) -> None:
    """Up to ten thousand on a page."""
    client.files.list(limit=10_000)
    with pytest.raises(openai.BadRequestError):
        client.files.list(limit=10_001)


def test_an_unknown_cursor_is_refused(client: openai.OpenAI) -> None:
    """A list cannot be continued from what is not in it."""
    with pytest.raises(openai.NotFoundError):
        client.get("/assistants", options={"params": {"after": "asst_missing"}}, cast_to=object)


def test_a_filter_must_be_a_status(client: openai.OpenAI) -> None:
    """Anything else is refused, naming the statuses."""
    store = client.vector_stores.create(name="kb")
    with pytest.raises(
        openai.BadRequestError, match="'in_progress', 'completed', 'failed', and 'cancelled'"
    ):
        client.vector_stores.files.list(store.id, filter="done")  # type: ignore[arg-type]


def test_no_page_is_a_scan(tell: Any) -> None:
    """Every list is read off an index, in its order, so that a page costs the same in a store of
    10,000 files.
    """
    asked: list[str] = []

    async def story(client: openai.AsyncOpenAI) -> None:
        database = client._client._transport.app.state.service.database  # type: ignore[attr-defined]
        file = await client.files.create(file=("a.md", b"x"), purpose="assistants")
        store = await client.vector_stores.create(name="kb", file_ids=[file.id])
        last = (await some(client, 1))[0]
        database.connection.set_trace_callback(asked.append)
        await client.files.list(order="asc", after=file.id)
        await client.files.list(purpose="assistants")
        await client.vector_stores.list(after=store.id)
        await client.vector_stores.files.list(store.id, after=file.id)
        await client.vector_stores.files.list(store.id, filter="completed", order="asc")
        await client.beta.assistants.list(after=last)
        await client.beta.assistants.list(before=last)
        database.connection.set_trace_callback(None)
        reads = [sql for sql in asked if sql.startswith("SELECT")]
        assert len(reads) > 20
        for sql in reads:
            plan = " / ".join(row["detail"] for row in database.all(f"EXPLAIN QUERY PLAN {sql}"))
            scans = "SCAN" in plan and "USING INDEX" not in plan and "stale_passages" not in sql
            scans |= "status =" in sql and "status=?" not in plan and "due_at" not in sql
            assert not scans and "TEMP B-TREE" not in plan, f"{sql}\n{plan}"

    tell(story)
