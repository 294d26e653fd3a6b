"""File batches: what they take, how they end, and how they are cancelled."""

from __future__ import annotations

from typing import Any

import openai
import pytest


async def upload(client: openai.AsyncOpenAI, *names: str, content: bytes = b"text") -> list[str]:
    return [
        (await client.files.create(file=(name, content), purpose="assistants")).id for name in names
    ]


def test_a_batch_of_ids_shares_attributes(tell: Any, clock: Any) -> None:
    """What is said once counts for every file; the batch is done when all of them are."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await client.vector_stores.create(name="kb")
        ids = await upload(client, "a.md", "b.md", "c.md")
        batch = await client.vector_stores.file_batches.create(
            store.id, file_ids=ids, attributes={"team": "hr"}
        )
        assert (batch.object, batch.status, batch.vector_store_id) == (
            "vector_store.file_batch",
            "in_progress",
            store.id,
        )
        assert (batch.file_counts.in_progress, batch.file_counts.total) == (3, 3)
        clock.tick(1)
        batch = await client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
        assert (batch.status, batch.file_counts.completed) == ("completed", 3)
        listed = client.vector_stores.file_batches.list_files(
            batch.id, vector_store_id=store.id, limit=2, order="asc"
        )
        assert [(file.id, file.attributes) async for file in listed] == [
            (one, {"team": "hr"}) for one in ids
        ]

    tell(story)


def test_a_batch_of_files_goes_by_each_file(tell: Any) -> None:
    """Every file has its own attributes and chunking; what is said for all is ignored."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await client.vector_stores.create(name="kb")
        one, other = await upload(client, "a.md", "b.md")
        static = {
            "type": "static",
            "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 0},
        }
        await client.vector_stores.file_batches.create(
            store.id,
            files=[
                {"file_id": one, "attributes": {"n": 1}},
                {"file_id": other, "chunking_strategy": static},
            ],  # type: ignore[typeddict-item]
            attributes={"ignored": True},
        )
        files = {file.id: file async for file in client.vector_stores.files.list(store.id)}
        assert (files[one].attributes, files[other].attributes) == ({"n": 1}, {})
        chunking = files[other].chunking_strategy
        assert chunking is not None and chunking.model_dump() == static

    tell(story)


def test_the_helpers_of_the_sdk_work(client: openai.OpenAI) -> None:
    """Uploading, attaching and waiting in one call end with everything indexed."""
    store = client.vector_stores.create(name="kb")
    uploads: list[Any] = [(f"{number}.md", b"text") for number in range(3)]
    batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=uploads)
    assert (batch.status, batch.file_counts.completed) == ("completed", 3)
    one = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("4.md", b"text")
    )
    assert one.status == "completed"


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({}, "file_ids", "missing_required_parameter"),
        ({"file_ids": []}, "file_ids", "array_below_min_length"),
        ({"file_ids": ["file-x"] * 2001}, "file_ids", "array_above_max_length"),
        ({"files": [{"file_id": "file-x"}] * 2001}, "files", "array_above_max_length"),
        (
            {"file_ids": ["file-x"], "files": [{"file_id": "file-x"}]},
            "file_ids",
            "mutually_exclusive_parameters",
        ),
        ({"files": [{"id": "file-x"}]}, "files[0].id", "unknown_parameter"),
    ],
)
def test_bad_batches_are_refused(client: openai.OpenAI, given: Any, param: str, code: str) -> None:
    """Exactly one of the two lists, with 1 to 2000 entries."""
    store = client.vector_stores.create(name="kb")
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(f"/vector_stores/{store.id}/file_batches", body=given, cast_to=object)
    assert (refusal.value.param, refusal.value.code) == (param, code)


def test_one_bad_file_refuses_the_whole_batch(tell: Any) -> None:
    """An unsupported extension or an unknown id, and none of the files is attached."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await client.vector_stores.create(name="kb")
        ids = await upload(client, "a.md", "b.csv", "c.xlsx")
        with pytest.raises(
            openai.BadRequestError, match=r"extensions \[.csv, .xlsx\] are not supported"
        ) as refusal:
            await client.vector_stores.file_batches.create(store.id, file_ids=ids)
        assert (refusal.value.param, refusal.value.code) == ("file_ids", "unsupported_file")
        with pytest.raises(openai.NotFoundError, match="file-missing"):
            await client.vector_stores.file_batches.create(
                store.id, file_ids=[ids[0], "file-missing"]
            )
        assert [file async for file in client.vector_stores.files.list(store.id)] == []

    tell(story)


def test_a_batch_of_the_largest_size(tell: Any, clock: Any) -> None:
    """Two thousand files by one request, counted and listed in full."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await client.vector_stores.create(name="kb")
        ids = [row["id"] for row in _many_files(app_database(client), 2000)]
        batch = await client.vector_stores.file_batches.create(store.id, file_ids=ids)
        assert batch.file_counts.total == 2000
        clock.tick(1)
        batch = await client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
        assert (batch.status, batch.file_counts.failed) == ("failed", 2000)
        listed = client.vector_stores.file_batches.list_files(
            batch.id, vector_store_id=store.id, limit=100
        )
        assert {file.id async for file in listed} == set(ids)

    tell(story)


def app_database(client: openai.AsyncOpenAI) -> Any:
    return client._client._transport.app.state.service.database  # type: ignore[attr-defined]


def _many_files(database: Any, count: int) -> Any:
    """Rows without bytes: uploading them is not what is tested, and indexing them fails."""
    database.connection.executemany(
        "INSERT INTO files (id, created_at, bytes, filename, purpose) VALUES (?, 1, 1, 'a.md',"
        " 'assistants')",
        ((f"file-{number}",) for number in range(count)),
    )
    return database.all("SELECT id FROM files")


def test_cancelling_stops_what_is_not_done(tell: Any, clock: Any) -> None:
    """Files still in progress are cancelled, and so is the batch; a finished batch answers with its
    real status.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await client.vector_stores.create(name="kb")
        batches = client.vector_stores.file_batches
        done = await batches.create(store.id, file_ids=await upload(client, "a.md"))
        clock.tick(1)
        going = await batches.create(store.id, file_ids=await upload(client, "b.md"))
        cancelled = await batches.cancel(going.id, vector_store_id=store.id)
        assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 1)
        assert (await batches.cancel(done.id, vector_store_id=store.id)).status == "completed"
        counts = (await client.vector_stores.retrieve(store.id)).file_counts
        assert (counts.completed, counts.cancelled, counts.total) == (1, 1, 2)
        shown = client.vector_stores.files.list(store.id, filter="cancelled")
        assert [file.status async for file in shown] == ["cancelled"]

    tell(story)


def test_a_batch_with_some_failures_is_completed(tell: Any, clock: Any) -> None:
    """Only the counts tell of a file that failed among others."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await client.vector_stores.create(name="kb")
        ids = await upload(client, "a.md") + await upload(client, "b.pdf", content=b"no pdf")
        batch = await client.vector_stores.file_batches.create(store.id, file_ids=ids)
        clock.tick(1)
        batch = await client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
        assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == (
            "completed",
            1,
            1,
        )

    tell(story)


def test_a_batch_belongs_to_its_store(client: openai.OpenAI) -> None:
    """An unknown batch, or one of another store, is not found."""
    store, other = client.vector_stores.create(name="a"), client.vector_stores.create(name="b")
    file = client.files.create(file=("a.md", b"x"), purpose="assistants")
    batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=other.id)
