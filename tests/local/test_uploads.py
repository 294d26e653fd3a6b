"""Uploads: a file in parts, in the order that the client says."""

from __future__ import annotations

import hashlib
from typing import Any

import openai
import pytest


def test_parts_become_a_file(client: openai.OpenAI) -> None:
    """The order is that of `complete`, not of arrival; the file is one like any other."""
    upload = client.uploads.create(
        filename="a.bin", purpose="vision", bytes=6, mime_type="image/png"
    )
    assert (upload.status, upload.file, upload.expires_at) == (
        "pending",
        None,
        upload.created_at + 3600,
    )
    second, first = (
        client.uploads.parts.create(upload.id, data=data).id for data in (b"def", b"abc")
    )
    done = client.uploads.complete(
        upload.id, part_ids=[first, second], md5=hashlib.md5(b"abcdef").hexdigest()
    )
    assert done.status == "completed" and done.file is not None
    assert client.files.retrieve(done.file.id) == done.file
    assert client.files.content(done.file.id).read() == b"abcdef"


def test_incomplete_uploads_are_refused(tell: Any, tmp_path: Any) -> None:
    """Too few bytes, an unknown part or a wrong checksum leave the upload pending and no file
    behind.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        upload = await client.uploads.create(
            filename="a.md", purpose="assistants", bytes=4, mime_type="text/plain"
        )
        part = (await client.uploads.parts.create(upload.id, data=b"abc")).id
        with pytest.raises(openai.BadRequestError, match="3 bytes"):
            await client.uploads.complete(upload.id, part_ids=[part])
        with pytest.raises(openai.NotFoundError, match="part_missing"):
            await client.uploads.complete(upload.id, part_ids=["part_missing"])
        other = (await client.uploads.parts.create(upload.id, data=b"d")).id
        with pytest.raises(openai.BadRequestError, match="MD5"):
            await client.uploads.complete(upload.id, part_ids=[part, other], md5="0")
        assert [file async for file in client.files.list()] == []
        cancelled = await client.uploads.cancel(upload.id)
        assert cancelled.status == "cancelled"
        with pytest.raises(openai.BadRequestError, match="cancelled"):
            await client.uploads.parts.create(upload.id, data=b"x")

    tell(story)
    assert list((tmp_path / "data" / "files").iterdir()) == []


def test_an_upload_expires_after_an_hour(tell: Any, clock: Any) -> None:
    """Later parts are refused."""

    async def story(client: openai.AsyncOpenAI) -> None:
        upload = await client.uploads.create(
            filename="a.md", purpose="assistants", bytes=4, mime_type="text/plain"
        )
        clock.tick(3600)
        with pytest.raises(openai.BadRequestError, match="expired"):
            await client.uploads.parts.create(upload.id, data=b"x")

    tell(story)
