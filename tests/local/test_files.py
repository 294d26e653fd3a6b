"""Files: what an upload answers, what is refused, and what deleting one does elsewhere."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from provisioner.local import files
from provisioner.local.multipart import receive

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_an_uploaded_file_reads_back(client: openai.OpenAI) -> None:
    """Every field of a file is the same in the reply, in a read and in a list, and it is processed
    at once.
    """
    made = client.files.create(file=("notes.md", b"hello"), purpose="assistants")
    assert (made.bytes, made.filename, made.purpose) == (5, "notes.md", "assistants")
    assert (made.status, made.status_details, made.expires_at) == ("processed", None, None)
    assert made.id.startswith("file-")
    assert client.files.retrieve(made.id) == made
    assert made in client.files.list().data


@pytest.mark.parametrize("name", ["Grüße.md", 'a "quoted" name.txt', "100%.md", "日本語.txt"])
def test_filenames_survive(client: openai.OpenAI, name: str) -> None:
    """A filename comes back letter by letter, however the client has to write it in a header."""
    assert client.files.create(file=(name, b"x"), purpose="assistants").filename == name


def test_a_path_is_reduced_to_its_base_name(client: openai.OpenAI) -> None:
    """Folders on the client's machine are not part of a filename."""
    assert client.files.create(file=("a/b/c.md", b"x"), purpose="assistants").filename == "c.md"


def test_content_is_returned_byte_for_byte(client: openai.OpenAI) -> None:
    """Bytes that look like a form's boundary, or are not text, arrive as they were sent."""
    content = bytes(range(256)) * 500 + b"\r\n--boundary\r\n"
    made = client.files.create(file=("x.bin", content), purpose="vision")
    assert client.files.content(made.id).read() == content


@pytest.mark.parametrize("purpose", ["assistants", "user_data"])
def test_some_content_cannot_be_downloaded(client: openai.OpenAI, purpose: Any) -> None:
    """What is uploaded for retrieval is not given out again."""
    made = client.files.create(file=("x.md", b"x"), purpose=purpose)
    with pytest.raises(
        openai.BadRequestError, match=f"Not allowed to download files of purpose: {purpose}"
    ):
        client.files.content(made.id)


def test_an_unknown_purpose_is_refused_in_the_recorded_words(client: openai.OpenAI) -> None:
    """The message, the param, and the detail that only /files sends, are those of the real
    service.
    """
    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.create(file=("x.md", b"x"), purpose="world_domination")  # type: ignore[arg-type]
    message = (
        "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data',"
        " 'vision', 'evals'] - 'purpose'"
    )
    assert refusal.value.response.json() == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": "purpose",
            "code": None,
        },
        "detail": {"message": message, "code": None},
    }


def test_an_empty_file_is_refused(client: openai.OpenAI) -> None:
    """Nothing to read is a mistake, and leaves no file behind."""
    before = client.files.list().data
    with pytest.raises(openai.BadRequestError, match="File is empty"):
        client.files.create(file=("x.md", b""), purpose="assistants")
    assert client.files.list().data == before


def test_a_file_over_the_limit_is_refused(
    tell: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The limit itself is allowed; a byte more is not, and nothing of it stays on disk."""
    monkeypatch.setattr(files, "_MOST_BYTES", 1000)

    async def story(client: openai.AsyncOpenAI) -> None:
        kept = await client.files.create(file=("x.md", b"x" * 1000), purpose="assistants")
        with pytest.raises(openai.APIStatusError, match="too large"):
            await client.files.create(file=("x.md", b"x" * 1001), purpose="assistants")
        assert [path.name for path in (tmp_path / "data" / "files").iterdir()] == [kept.id]

    tell(story)


def test_a_large_file_never_lies_in_memory(tmp_path: Path) -> None:
    """What arrives goes to disk piece by piece."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'

    async def stream() -> AsyncIterator[bytes]:
        yield head
        for _ in range(640):
            yield bytes(65536)
        yield b"\r\n--x--\r\n"

    tracemalloc.start()
    form = asyncio.run(
        receive("multipart/form-data; boundary=x", stream(), tmp_path / "out", 1 << 30)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (form.size, (tmp_path / "out").stat().st_size) == (40 << 20, 40 << 20)
    assert peak < 4 << 20


def test_files_expire(tell: Any, clock: Any) -> None:
    """A file with an expiry is gone when its time has come; a batch file has thirty days by
    default.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        brief = await client.files.create(
            file=("x.md", b"x"),
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
        batch = await client.files.create(file=("x.jsonl", b"{}"), purpose="batch")
        assert brief.expires_at == brief.created_at + 3600
        assert batch.expires_at == batch.created_at + 30 * 86400
        store = await client.vector_stores.create(name="kb", file_ids=[brief.id])
        clock.tick(3600)
        assert (await client.vector_stores.retrieve(store.id)).file_counts.total == 0
        assert [file.id async for file in client.files.list()] == [batch.id]
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(brief.id)

    tell(story)


@pytest.mark.parametrize("seconds", [3599, 2592001])
def test_an_expiry_out_of_range_is_refused(client: openai.OpenAI, seconds: int) -> None:
    """An expiry is at least an hour and at most thirty days."""
    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.create(
            file=("x.md", b"x"),
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": seconds},
        )
    assert refusal.value.param == "expires_after.seconds"


def test_a_missing_file_is_not_found_in_the_recorded_words(client: openai.OpenAI) -> None:
    """Reading and deleting what is not there is 404 with param `id`."""
    for ask in (client.files.retrieve, client.files.delete, client.files.content):
        with pytest.raises(openai.NotFoundError) as refusal:
            ask("file-missing")
        assert (refusal.value.body["message"], refusal.value.param) == (
            "No such File object: file-missing",
            "id",
        )  # type: ignore[index]


def test_deleting_a_file_takes_it_out_of_everything(tell: Any, tmp_path: Any) -> None:
    """All stores lose it, with their counts, every assistant's code interpreter loses it, and so
    does the disk.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        gone = await client.files.create(file=("gone.md", b"gone"), purpose="assistants")
        kept = await client.files.create(file=("kept.md", b"kept"), purpose="assistants")
        both = [gone.id, kept.id]
        stores = [await client.vector_stores.create(name="s", file_ids=both) for _ in range(2)]
        user = await client.beta.assistants.create(
            model="m",
            tools=[{"type": "code_interpreter"}],
            tool_resources={"code_interpreter": {"file_ids": both}},
        )
        deleted = await client.files.delete(gone.id)
        assert deleted.model_dump() == {"id": gone.id, "object": "file", "deleted": True}
        for store in stores:
            assert (await client.vector_stores.retrieve(store.id)).file_counts.total == 1
            assert [file.id async for file in client.vector_stores.files.list(store.id)] == [
                kept.id
            ]
        user = await client.beta.assistants.retrieve(user.id)
        assert user.tool_resources and user.tool_resources.code_interpreter
        assert user.tool_resources.code_interpreter.file_ids == [kept.id]
        assert [path.name for path in (tmp_path / "data" / "files").iterdir()] == [kept.id]

    tell(story)


def test_lists_can_be_cut_by_purpose(tell: Any) -> None:
    """`purpose` filters before paging."""

    async def story(client: openai.AsyncOpenAI) -> None:
        for number in range(3):
            await client.files.create(file=(f"{number}.md", b"x"), purpose="assistants")
            await client.files.create(file=(f"{number}.png", b"x"), purpose="vision")
        page = await client.files.list(purpose="vision", limit=2, order="asc")
        assert [file.filename for file in page.data] == ["0.png", "1.png"]
        assert [file.filename async for file in page] == ["0.png", "1.png", "2.png"]

    tell(story)
