"""Every files, vector stores and assistants call of the guide, ported from TypeScript, against
`local serve` over HTTP.

Where the guide and the recorded API disagree the API is right: `vector_stores` is no longer under
`beta`, `del` is `delete`, and a store has no status `failed`. Threads and runs are in
`test_runtime_guide.py`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.guide import FIND_WEATHER, Chapter, Guide, told_async, told_sync

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def assistants(guide: Guide) -> None:
    """Quick start and "Assistants": create, retrieve, update, delete, list."""
    api = guide.client.beta.assistants
    instructions = "You are a personal math tutor. Write and run code to answer math questions."
    tutor = await guide(
        api.create,
        name="Math Tutor",
        instructions=instructions,
        tools=[{"type": "code_interpreter"}],
        model="gpt-4o",
    )
    assert (tutor.name, tutor.instructions, tutor.model) == ("Math Tutor", instructions, "gpt-4o")
    assert (tutor.temperature, tutor.top_p, tutor.metadata, tutor.description) == (
        1.0,
        1.0,
        {},
        None,
    )
    store = await guide(guide.client.vector_stores.create, name="Analytics")
    analyst = await guide(
        api.create,
        name="Data Analyst",
        instructions=(
            "You are a data analyst. Use code interpreter to analyze data and create"
            " visualizations."
        ),
        model="gpt-4o",
        tools=[{"type": "code_interpreter"}, {"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
        metadata={"department": "analytics", "version": "1.0"},
    )
    assert analyst.tool_resources.file_search.vector_store_ids == [store.id]
    assert await guide(api.retrieve, analyst.id) == analyst
    tools = [{"type": "code_interpreter"}, {"type": "file_search"}]
    updated = await guide(api.update, tutor.id, instructions="Updated instructions", tools=tools)
    assert (updated.instructions, updated.name) == ("Updated instructions", "Math Tutor")
    assert [tool.type for tool in updated.tools] == ["code_interpreter", "file_search"]
    found = await guide.listed(api.list, limit=20, order="desc")
    assert {one.id for one in found} >= {tutor.id, analyst.id}
    gone = await guide(api.delete, tutor.id)
    assert (gone.id, gone.object, gone.deleted) == (tutor.id, "assistant.deleted", True)
    with pytest.raises(openai.NotFoundError):
        await guide(api.retrieve, tutor.id)
    assert await guide.listed(api.list, limit=100, after=analyst.id, order="asc") == []


async def tools(guide: Guide) -> None:
    """ "Tools": code interpreter with a file, file search over a store, a function, as the guide
    builds them.
    """
    client = guide.client
    file = await guide.upload("sales_data.csv", "month,total\nJan,3\n")
    analyst = await guide(
        client.beta.assistants.create,
        model="gpt-4o",
        tools=[{"type": "code_interpreter"}],
        tool_resources={"code_interpreter": {"file_ids": [file.id]}},
    )
    assert analyst.tool_resources.code_interpreter.file_ids == [file.id]
    store = await guide(
        client.vector_stores.create, name="Product Documentation", metadata={"category": "docs"}
    )
    document = await guide.upload("product_guide.md")
    await guide(client.vector_stores.files.create, store.id, file_id=document.id)
    support = await guide(
        client.beta.assistants.create,
        name="Product Support",
        instructions="Use file search to answer questions about our products.",
        model="gpt-4o",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    assert support.tools[0].file_search.ranking_options.score_threshold == 0.0
    weather = await guide(
        client.beta.assistants.create,
        name="Weather Assistant",
        instructions="You help users get weather information.",
        model="gpt-4o",
        tools=[FIND_WEATHER],
    )
    function = weather.tools[0].function
    assert (function.name, function.strict) == ("get_weather", False)
    assert function.parameters == FIND_WEATHER["function"]["parameters"]


async def vector_stores(guide: Guide) -> None:
    """ "Vector Stores": create, add one file and a batch, wait, list, update, search, delete."""
    store_id, file_id = await filled(guide)
    api = guide.client.vector_stores
    store = await waited(guide, store_id)
    assert (store.file_counts.completed, store.file_counts.failed, store.file_counts.total) == (
        4,
        0,
        4,
    )
    assert store_id in {one.id for one in await guide.listed(api.list, limit=20, order="desc")}
    updated = await guide(api.update, store_id, name="Updated Name", metadata={"updated": "true"})
    assert (updated.name, updated.metadata) == ("Updated Name", {"updated": "true"})
    hits = await guide.listed(api.search, store_id, query="install the product")
    assert hits and "installer" in hits[0].content[0].text
    await files_of_a_store(guide, store_id, file_id)
    gone = await guide(api.delete, store_id)
    assert (gone.id, gone.object, gone.deleted) == (store_id, "vector_store.deleted", True)
    assert (await guide(guide.client.files.retrieve, file_id)).id == file_id


async def filled(guide: Guide) -> tuple[str, str]:
    """A store with one file and a batch of three: its id, and that of the one."""
    api = guide.client.vector_stores
    store = await guide(
        api.create,
        name="Legal Documents",
        metadata={"department": "legal", "category": "contracts"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )
    assert (store.status, store.expires_after.days) == ("completed", 7)
    assert store.expires_at == store.last_active_at + 7 * 86400
    contract = await guide.upload("contract.md")
    added = await guide(api.files.create, store.id, file_id=contract.id)
    assert (added.id, added.vector_store_id) == (contract.id, store.id)
    files = [await guide.upload(f"{name}.txt") for name in ("abc", "def", "ghi")]
    batch = await guide(api.file_batches.create, store.id, file_ids=[file.id for file in files])
    while batch.status == "in_progress":
        time.sleep(0.05)
        batch = await guide(api.file_batches.retrieve, batch.id, vector_store_id=store.id)
    assert (batch.status, batch.file_counts.completed, batch.file_counts.total) == (
        "completed",
        3,
        3,
    )
    assert (
        len(await guide.listed(api.file_batches.list_files, batch.id, vector_store_id=store.id))
        == 3
    )
    cancelled = await guide(api.file_batches.cancel, batch.id, vector_store_id=store.id)
    assert cancelled.status == "completed"
    return store.id, contract.id


async def waited(guide: Guide, id: str) -> Any:
    """The guide's `waitForVectorStore`."""
    store = await guide(guide.client.vector_stores.retrieve, id)
    while store.status == "in_progress":
        time.sleep(0.05)
        store = await guide(guide.client.vector_stores.retrieve, id)
    return store


async def files_of_a_store(guide: Guide, store_id: str, file_id: str) -> None:
    api = guide.client.vector_stores.files
    assert len(await guide.listed(api.list, store_id, filter="completed")) == 4
    changed = await guide(
        api.update, file_id, vector_store_id=store_id, attributes={"team": "legal", "year": 2026}
    )
    assert changed.attributes == {"team": "legal", "year": 2026}
    assert (await guide(api.retrieve, file_id, vector_store_id=store_id)).status == "completed"
    parts = await guide.listed(api.content, file_id, vector_store_id=store_id)
    assert "installer" in parts[0].text
    gone = await guide(api.delete, file_id, vector_store_id=store_id)
    assert (gone.object, gone.deleted) == ("vector_store.file.deleted", True)
    with pytest.raises(openai.NotFoundError):
        await guide(api.retrieve, file_id, vector_store_id=store_id)


async def helpers(guide: Guide) -> None:
    """The SDK's own helpers, which poll, upload and wait."""
    api = guide.client.vector_stores
    store = await guide(api.create, name="Helped")
    paths = [guide.folder / f"{name}.md" for name in "xyz"]
    for path in paths:
        path.write_text(f"# {path.name}\n", encoding="utf-8")
    one = await guide(api.files.upload_and_poll, vector_store_id=store.id, file=paths[0])
    assert one.status == "completed"
    batch = await guide(api.file_batches.upload_and_poll, store.id, files=paths[1:])
    assert batch.file_counts.completed == 2
    whole = await guide(
        api.file_batches.create_and_poll, store.id, file_ids=[(await guide.upload("again.md")).id]
    )
    assert whole.status == "completed"
    assert (await waited(guide, store.id)).file_counts.total == 4


async def files(guide: Guide) -> None:
    """ "File Uploads": upload, info, content, delete, list."""
    api = guide.client.files
    file = await guide.upload("document.md")
    assert (file.filename, file.purpose, file.status) == ("document.md", "assistants", "processed")
    assert await guide(api.retrieve, file.id) == file
    assert (await guide(api.wait_for_processing, file.id)).id == file.id
    with pytest.raises(
        openai.BadRequestError, match="Not allowed to download files of purpose: assistants"
    ):
        await guide(api.content, file.id)  # the guide is wrong about this
    image = await guide(api.create, file=("plot.png", b"\x89PNG"), purpose="vision")
    assert (await guide(api.content, image.id)).content == b"\x89PNG"
    found = await guide.listed(api.list, purpose="assistants")
    assert file.id in {one.id for one in found} and image.id not in {one.id for one in found}
    gone = await guide(api.delete, file.id)
    assert (gone.id, gone.object, gone.deleted) == (file.id, "file", True)
    with pytest.raises(openai.NotFoundError):
        await guide(api.retrieve, file.id)


async def errors(guide: Guide) -> None:
    """ "Error Handling": what the guide tells apart arrives as the SDK's own exceptions with their
    fields.
    """
    client = guide.client
    with pytest.raises(openai.NotFoundError, match="No assistant found with id 'asst_none'"):
        await guide(client.beta.assistants.retrieve, "asst_none")
    with pytest.raises(openai.BadRequestError) as refused:
        await guide(client.beta.assistants.create, model="gpt-4o", temperature=3)
    assert (refused.value.param, refused.value.type) == ("temperature", "invalid_request_error")
    table = await guide.upload("table.csv", "a\n1\n")
    store = await guide(client.vector_stores.create, name="Tables")
    with pytest.raises(
        openai.BadRequestError, match=r"Files with extensions \[\.csv\] are not supported"
    ):
        await guide(client.vector_stores.files.create, store.id, file_id=table.id)


async def clean_up(guide: Guide) -> None:
    """ "Clean Up Resources": page through all stores and delete the old ones."""
    api = guide.client.vector_stores
    made = {(await guide(api.create, name=f"old {number}")).id for number in range(25)}
    for store in await guide.listed(api.list, limit=10):
        if store.id in made:
            await guide(api.delete, store.id)
    assert not made & {store.id for store in await guide.listed(api.list, limit=100)}


CHAPTERS: list[Chapter] = [assistants, tools, vector_stores, helpers, files, errors, clean_up]


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.sampled(2)
def test_the_guide_with_the_sync_client(url: str, tmp_path: Path, chapter: Chapter) -> None:
    """The chapter runs with `OpenAI`, every reply validated strictly."""
    told_sync(chapter, url, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_guide_with_the_async_client(url: str, tmp_path: Path, chapter: Chapter) -> None:
    """The chapter runs with `AsyncOpenAI`, every reply validated strictly."""
    told_async(chapter, url, tmp_path)
