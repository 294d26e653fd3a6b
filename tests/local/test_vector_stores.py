"""Vector stores: defaults, limits, what an update changes, expiry and deletion."""

from __future__ import annotations

from typing import Any

import openai
import pytest


def refused(call: Any, *args: Any, **given: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as refusal:
        call(*args, **given)
    return refusal.value


def test_an_empty_store_has_the_recorded_defaults(server: Any) -> None:
    """Nothing but what the service fills in: name and description null, metadata empty, completed
    at once.
    """
    with server.client(_strict_response_validation=False) as client:
        made = client.vector_stores.create()
        assert made.model_dump() == {
            "id": made.id,
            "object": "vector_store",
            "created_at": made.created_at,
            "name": None,
            "description": None,
            "usage_bytes": 0,
            "file_counts": {
                "in_progress": 0,
                "completed": 0,
                "failed": 0,
                "cancelled": 0,
                "total": 0,
            },
            "status": "completed",
            "expires_after": None,
            "expires_at": None,
            "last_active_at": made.created_at,
            "metadata": {},
        }
        assert client.vector_stores.retrieve(made.id) == made


def test_what_was_sent_comes_back(client: openai.OpenAI) -> None:
    """Name, description, expiry and metadata are echoed, and the end is worked out."""
    made = client.vector_stores.create(
        name="kb",
        description="d",
        metadata={"a": "b"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )
    assert (made.name, made.metadata, made.model_extra) == ("kb", {"a": "b"}, {"description": "d"})
    assert made.expires_after is not None and made.expires_after.days == 7
    assert made.expires_at == made.created_at + 7 * 86400


def test_an_update_leaves_alone_what_it_does_not_name(client: openai.OpenAI) -> None:
    """Omitted is unchanged; null clears a name and an expiry; metadata is replaced."""
    made = client.vector_stores.create(
        name="kb",
        metadata={"a": "1", "b": "2"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )
    renamed = client.vector_stores.update(made.id, name="new")
    assert renamed == made.model_copy(update={"name": "new"})
    assert client.vector_stores.update(made.id, metadata={"c": "3"}).metadata == {"c": "3"}
    assert client.vector_stores.update(made.id, metadata=None).metadata == {}
    assert client.vector_stores.update(made.id, expires_after=None).expires_at is None


def test_metadata_may_be_merged_instead(tell: Any) -> None:
    """A service that merges keeps a key which an update leaves out."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.vector_stores.create(name="kb", metadata={"a": "1", "b": "2"})
        changed = await client.vector_stores.update(made.id, metadata={"b": "3"})
        assert changed.metadata == {"a": "1", "b": "3"}

    tell(story, metadata_update="merge")


def test_a_description_cannot_be_changed(client: openai.OpenAI) -> None:
    """To an update `description` is an unknown parameter."""
    made = client.vector_stores.create(name="kb", description="d")
    error = refused(client.vector_stores.update, made.id, extra_body={"description": "e"})
    assert (error.code, error.param) == ("unknown_parameter", "description")
    assert error.body["message"] == "Unknown parameter: 'description'."  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"nmae": "x"}, "nmae", "unknown_parameter"),
        ({"name": 1}, "name", "invalid_type"),
        ({"metadata": {"modified": True}}, "metadata.modified", "invalid_type"),
        ({"metadata": {"k": "v" * 513}}, "metadata.k", "string_above_max_length"),
        ({"metadata": {"k" * 65: "v"}}, "metadata", "property_name_above_max_length"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"file_ids": ["file-x"] * 501}, "file_ids", "array_above_max_length"),
        ({"expires_after": {"days": 1}}, "expires_after.anchor", "missing_required_parameter"),
        (
            {"expires_after": {"anchor": "created_at", "days": 1}},
            "expires_after.anchor",
            "invalid_value",
        ),
        (
            {"expires_after": {"anchor": "last_active_at", "days": 0}},
            "expires_after.days",
            "integer_below_min_value",
        ),
        (
            {"expires_after": {"anchor": "last_active_at", "days": 366}},
            "expires_after.days",
            "integer_above_max_value",
        ),
        ({"chunking_strategy": {"type": "semantic"}}, "chunking_strategy.type", "invalid_value"),
    ],
)
def test_bad_parameters_are_refused(
    client: openai.OpenAI, given: Any, param: str, code: str
) -> None:
    """The param names the place and the code the reason."""
    error = refused(client.vector_stores.create, extra_body=given)
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")


def test_the_type_error_has_the_recorded_words(client: openai.OpenAI) -> None:
    """A boolean in metadata is told apart from a string in the words of the real service."""
    error = refused(client.vector_stores.create, extra_body={"metadata": {"modified": True}})
    words = "Invalid type for 'metadata.modified': expected a string, but got a boolean instead."
    assert error.body["message"] == words  # type: ignore[index]


def test_a_store_with_files_works_until_they_are_indexed(tell: Any, clock: Any) -> None:
    """Status and counts are those of the files, at every moment."""

    async def story(client: openai.AsyncOpenAI) -> None:
        ids = [
            (await client.files.create(file=(f"{n}.md", b"text"), purpose="assistants")).id
            for n in range(3)
        ]
        made = await client.vector_stores.create(name="kb", file_ids=ids)
        assert (made.status, made.file_counts.in_progress, made.file_counts.total) == (
            "in_progress",
            3,
            3,
        )
        clock.tick(1)
        done = await client.vector_stores.retrieve(made.id)
        assert (done.status, done.file_counts.completed, done.usage_bytes) == ("completed", 3, 12)

    tell(story)


def test_a_store_with_an_unknown_file_is_not_made(tell: Any) -> None:
    """A refused creation leaves nothing behind."""

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="file-missing"):
            await client.vector_stores.create(name="kb", file_ids=["file-missing"])
        assert [store async for store in client.vector_stores.list()] == []

    tell(story)


def test_a_store_expires_after_its_last_use(tell: Any, clock: Any) -> None:
    """Use moves the end; when it has come the store says so, has no files, and takes none."""

    async def story(client: openai.AsyncOpenAI) -> None:
        file = await client.files.create(file=("a.md", b"some text"), purpose="assistants")
        made = await client.vector_stores.create(
            name="kb", file_ids=[file.id], expires_after={"anchor": "last_active_at", "days": 1}
        )
        clock.tick(80_000)
        await client.vector_stores.search(made.id, query="text")
        clock.tick(80_000)
        assert (await client.vector_stores.retrieve(made.id)).status == "completed"
        clock.tick(10_000)
        over = await client.vector_stores.retrieve(made.id)
        assert (over.status, over.file_counts.total) == ("expired", 0)
        with pytest.raises(openai.BadRequestError, match="has expired"):
            await client.vector_stores.files.create(made.id, file_id=file.id)

    tell(story)


def test_deleting_a_store_leaves_its_files(client: openai.OpenAI) -> None:
    """The store is gone, with everything below it; the file is not."""
    file = client.files.create(file=("a.md", b"text"), purpose="assistants")
    made = client.vector_stores.create(name="kb", file_ids=[file.id])
    deleted = client.vector_stores.delete(made.id)
    assert deleted.model_dump() == {
        "id": made.id,
        "object": "vector_store.deleted",
        "deleted": True,
    }
    for ask in (
        client.vector_stores.retrieve,
        client.vector_stores.delete,
        client.vector_stores.files.list,
    ):
        with pytest.raises(
            openai.NotFoundError, match=f"No vector store found with id '{made.id}'"
        ):
            ask(made.id)
    assert client.files.retrieve(file.id) == file
