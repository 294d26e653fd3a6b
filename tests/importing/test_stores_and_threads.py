"""What an export says of documents, of threads, and of what is so anyway."""

from __future__ import annotations

import json
from typing import Any

from provisioner.importing.nouns import Findings
from provisioner.importing.sources import read_sources


def read(value: Any) -> Findings:
    return read_sources(json.dumps(value).encode())


def test_documents_in_their_store() -> None:
    """What a list of a store's documents says of each is in the store; where the source has no such
    store, that is a warning.
    """
    static = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
    document = {"object": "vector_store.file", "status": "completed", "last_error": None}
    first = {
        **document,
        "id": "file-1",
        "vector_store_id": "vs_1",
        "attributes": {"team": "hr"},
        "chunking_strategy": {"type": "static", "static": static},
    }
    inside = {**document, "id": "file-2", "chunking_strategy": {"type": "other"}}
    store = {"id": "vs_1", "object": "vector_store", "name": "KB", "file_ids": ["file-1"]}
    lost = {**document, "id": "file-3", "vector_store_id": "vs_9", "attributes": {"team": "it"}}
    findings = read({"files": {"vs_1": [inside]}, "more": [lost, first], "stores": [store]})
    (found,) = findings.found
    assert found.fields["files"] == [
        {"id": "file-1", "attributes": {"team": "hr"}, "chunking": static},
        {"id": "file-2"},
    ]
    assert {one.severity for one in found.losses} == {"note"}
    warned = [one for one in findings.losses if one.severity == "warning"]
    assert all("file-3" in one.what and "`vs_9`" in one.why for one in warned)
    assert warned[1].what.endswith("attributes.team")


def test_documents_inside_of_their_store() -> None:
    """Some write them into the store itself, and some have a store in two places."""
    document = {"id": "file-1", "object": "vector_store.file", "attributes": {"a": 1}}
    store = {"id": "vs_1", "object": "vector_store", "name": "KB"}
    (found,) = read([{**store, "files": [document]}, store]).found
    assert found.fields["files"] == [{"id": "file-1", "attributes": {"a": 1}}]


def test_what_a_thread_has_of_its_own() -> None:
    """The stores and files of one conversation, and its metadata, are warnings that name them."""
    resources = {"file_search": {"vector_store_ids": ["vs_1"]}, "code_interpreter": {}}
    thread = {
        "id": "thread_1",
        "object": "thread",
        "metadata": {"customer": "7"},
        "tool_resources": resources,
    }
    findings = read([thread, {"id": "asst_1", "model": "gpt-4o"}])
    warned = {one.what: one.why for one in findings.losses if one.severity == "warning"}
    assert warned == {
        "[0].metadata.customer": "belongs to one conversation",
        "[0].tool_resources.file_search.vector_store_ids[0]": "names `vs_1` for one conversation",
    }


def test_defaults_of_a_format_are_noted() -> None:
    """What nobody writes down has a note, in a format and in a function."""
    schema = {"name": "n", "strict": None, "description": None, "schema": {"type": "object"}}
    format = {"type": "json_schema", "json_schema": schema}
    tool = {"type": "function", "function": {"name": "f", "strict": False}}
    value = {"id": "asst_1", "model": "gpt-4o", "response_format": format, "tools": [tool]}
    assert [(one.severity, one.what) for one in read(value).found[0].losses] == [
        ("note", "response_format.json_schema.description"),
        ("note", "response_format.json_schema.strict"),
        ("note", "tools[0].function.strict"),
    ]
