"""Files in a store: attaching, describing, detaching, and what is refused."""

from __future__ import annotations

from typing import Any

import openai
import pytest

STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}}


@pytest.fixture(scope="module")
def store_id(client: openai.OpenAI) -> str:
    return client.vector_stores.create(name="kb").id


@pytest.fixture
def file_id(client: openai.OpenAI) -> str:
    return client.files.create(file=("a.md", b"some text"), purpose="assistants").id


def test_an_attached_file_has_the_recorded_defaults(
    client: openai.OpenAI, store_id: str, file_id: str
) -> None:
    """The id is the file's own, attributes are empty, and auto chunking shows as 800 and 400 from
    the start.
    """
    made = client.vector_stores.files.create(store_id, file_id=file_id)
    assert made.model_dump() == {
        "id": file_id,
        "object": "vector_store.file",
        "created_at": made.created_at,
        "vector_store_id": store_id,
        "status": "in_progress",
        "usage_bytes": 0,
        "last_error": None,
        "attributes": {},
        "chunking_strategy": {
            "type": "static",
            "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
        },
    }
    done = client.vector_stores.files.poll(file_id, vector_store_id=store_id)
    assert (done.status, done.usage_bytes) == ("completed", 9)


def test_work_in_progress_says_when_to_ask_again(
    client: openai.OpenAI, store_id: str, file_id: str
) -> None:
    """The SDK waits for exactly as long as the header says."""
    raw = client.vector_stores.files.with_raw_response.create(store_id, file_id=file_id)
    assert 0 < int(raw.headers["openai-poll-after-ms"]) <= 1000


def test_attributes_and_chunking_come_back(
    client: openai.OpenAI, store_id: str, file_id: str
) -> None:
    """Strings, numbers and booleans keep their types."""
    attributes: dict[str, str | float | bool] = {
        "team": "legal",
        "year": 2026,
        "weight": 0.5,
        "final": True,
    }
    made = client.vector_stores.files.create(
        store_id,
        file_id=file_id,
        attributes=attributes,
        chunking_strategy=STATIC,  # type: ignore[arg-type]
    )
    assert made.attributes == attributes
    assert made.attributes["final"] is True
    assert made.chunking_strategy is not None and made.chunking_strategy.model_dump() == STATIC


def test_updating_replaces_the_attributes(
    client: openai.OpenAI, store_id: str, file_id: str
) -> None:
    """The whole set is replaced, null clears it, and leaving it out is an error."""
    client.vector_stores.files.create(store_id, file_id=file_id, attributes={"a": 1, "b": 2})
    update = client.vector_stores.files.update
    assert update(file_id, vector_store_id=store_id, attributes={"c": 3}).attributes == {"c": 3}
    assert update(file_id, vector_store_id=store_id, attributes=None).attributes == {}
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(f"/vector_stores/{store_id}/files/{file_id}", body={}, cast_to=object)
    assert (refusal.value.param, refusal.value.code) == ("attributes", "missing_required_parameter")


def test_attaching_twice_changes_nothing(
    client: openai.OpenAI, store_id: str, file_id: str
) -> None:
    """The second attach answers with what is there; nothing is counted twice."""
    first = client.vector_stores.files.create_and_poll(
        file_id, vector_store_id=store_id, attributes={"a": 1}
    )
    total = client.vector_stores.retrieve(store_id).file_counts.total
    assert (
        client.vector_stores.files.create(store_id, file_id=file_id, attributes={"a": 2}) == first
    )
    assert client.vector_stores.retrieve(store_id).file_counts.total == total


def test_detaching_keeps_the_file(client: openai.OpenAI, store_id: str, file_id: str) -> None:
    """Only the attachment goes; it can be made anew, with other chunking."""
    client.vector_stores.files.create(store_id, file_id=file_id)
    deleted = client.vector_stores.files.delete(file_id, vector_store_id=store_id)
    assert deleted.model_dump() == {
        "id": file_id,
        "object": "vector_store.file.deleted",
        "deleted": True,
    }
    with pytest.raises(openai.NotFoundError) as refusal:
        client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
    words = f"No file found with id '{file_id}' in vector store '{store_id}'."
    assert refusal.value.body["message"] == words  # type: ignore[index]
    assert client.files.retrieve(file_id).id == file_id
    again = client.vector_stores.files.create(store_id, file_id=file_id, chunking_strategy=STATIC)  # type: ignore[arg-type]
    assert again.chunking_strategy is not None and again.chunking_strategy.model_dump() == STATIC


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({}, "file_id", "missing_required_parameter"),
        ({"attributes": {"a": [1]}}, "attributes.a", "invalid_type"),
        ({"attributes": {"a": "x" * 513}}, "attributes.a", "string_above_max_length"),
        (
            {"attributes": {str(n): n for n in range(17)}},
            "attributes",
            "object_above_max_properties",
        ),
        (
            {"chunking_strategy": {"type": "static"}},
            "chunking_strategy.static",
            "missing_required_parameter",
        ),
        (
            {
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 1},
                }
            },
            "chunking_strategy.static.max_chunk_size_tokens",
            "integer_below_min_value",
        ),
        (
            {
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51},
                }
            },
            "chunking_strategy.static.chunk_overlap_tokens",
            "invalid_value",
        ),
    ],
)
def test_bad_parameters_are_refused(
    client: openai.OpenAI, store_id: str, file_id: str, given: Any, param: str, code: str
) -> None:
    """The param names the place and the code the reason; nothing is attached."""
    body = given if param == "file_id" else given | {"file_id": file_id}
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(f"/vector_stores/{store_id}/files", body=body, cast_to=object)
    assert (refusal.value.param, refusal.value.code) == (param, code)
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)


@pytest.mark.parametrize(
    ("name", "shown"), [("prices.csv", ".csv"), ("DATA.XLSX", ".xlsx"), ("Makefile", "none")]
)
def test_other_extensions_are_refused(
    client: openai.OpenAI, store_id: str, name: str, shown: str
) -> None:
    """The recorded message, with the code by which clients know it."""
    file = client.files.create(file=(name, b"1,2"), purpose="assistants")
    with pytest.raises(openai.BadRequestError) as refusal:
        client.vector_stores.files.create(store_id, file_id=file.id)
    assert refusal.value.body == {
        "message": (
            f"Files with extensions [{shown}] are not supported for retrieval. "
            "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
        ),
        "type": "invalid_request_error",
        "param": "file_ids",
        "code": "unsupported_file",
    }


def test_an_unknown_file_is_not_found(client: openai.OpenAI, store_id: str) -> None:
    """A file that was never uploaded cannot be attached."""
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.files.create(store_id, file_id="file-missing")


def test_content_is_the_parsed_text(client: openai.OpenAI, store_id: str) -> None:
    """What was understood of a page is returned, not its markup."""
    page = (
        b"<html><head><title>t</title><script>no()</script></head><body><h1>Leave</h1><p>27"
        b" days</p></body></html>"
    )
    file = client.files.create(file=("a.html", page), purpose="assistants")
    client.vector_stores.files.create_and_poll(file.id, vector_store_id=store_id)
    content = client.vector_stores.files.content(file.id, vector_store_id=store_id)
    assert [(part.type, part.text) for part in content.data] == [("text", "Leave\n27 days")]
