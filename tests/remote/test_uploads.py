from __future__ import annotations

import asyncio
import hashlib
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from provisioner.errors import PlanError, ReplyLost
from provisioner.remote import HashingReader, Remote


def reader(path: Path, content: bytes, **options: Any) -> HashingReader:
    return HashingReader.open(
        path, "docs/a.md", hashlib.sha256(content).hexdigest(), len(content), **options
    )


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "a.md"
    path.write_bytes(b"# Leave\n\nThirty days.\n")
    return path


def test_a_file_arrives_with_its_name_and_its_end_of_life(embedded: Any, document: Path) -> None:
    """What was uploaded is listed with the same size, name and purpose."""

    async def story(remote: Remote) -> Any:
        with reader(document, document.read_bytes()) as stream:
            sent = await remote.upload(
                stream, "a.md", "assistants", {"anchor": "created_at", "seconds": 3600}
            )
        return sent, await remote.list("/files", purpose="assistants")

    sent, listed = embedded(story)

    assert listed == [sent]
    assert (sent["filename"], sent["bytes"]) == ("a.md", 22)
    assert sent["expires_at"] - sent["created_at"] == 3600


@pytest.mark.parametrize("now", [b"# Leave\n\nThirty-one day", b"# Leave\n\nThirty dayz.\n", b""])
def test_bytes_that_changed_since_the_plan_are_refused_by_name(
    embedded: Any, document: Path, now: bytes
) -> None:
    """Nothing else than what the reviewer saw is uploaded, whether the size changed or only the
    bytes.
    """
    planned = document.read_bytes()
    document.write_bytes(now)

    async def story(remote: Remote) -> Any:
        with (
            pytest.raises(PlanError, match=r"`docs/a.md` changed since the plan"),
            reader(document, planned) as stream,
        ):
            await remote.upload(stream, "a.md", "assistants")
        return await remote.list("/files")

    assert embedded(story) == []


def test_bytes_that_change_while_they_are_sent_are_refused() -> None:
    """Over HTTP the file is hashed as it is read; the end of the request is never sent."""
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await stream.read()
        writer.close()
        await arrived.put(received)

    class Changing:
        def read(self, amount: int = -1) -> bytes:
            content, self.left = self.left[:amount], self.left[amount:]
            return content

        def seek(self, offset: int, whence: int = 0) -> int:
            self.left = b"x" * 100
            return 0

        def close(self) -> None: ...

    async def run() -> bytes:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        stream = HashingReader(Changing(), "docs/a.md", hashlib.sha256(b"y" * 100).hexdigest(), 100)  # type: ignore[arg-type]
        async with server, Remote.open(f"http://127.0.0.1:{port}/v1", "sk-k") as remote:
            with pytest.raises(PlanError, match="its bytes are not the planned ones"):
                await remote.upload(stream, "a.md", "assistants")
            assert remote.oddities == set()  # it is not the service that broke off
            return await arrived.get()

    received = asyncio.run(asyncio.wait_for(run(), 10))

    assert b"xxx" in received
    assert not received.rstrip().endswith(b"--")


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    """A file deleted since the plan is a problem of the same kind."""
    with pytest.raises(PlanError, match="cannot be read"):
        reader(tmp_path / "missing.md", b"x")


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (b"# Leave\n\nThirty dayz.\n", "its bytes are not the planned ones"),
        (b"# Leave\n", "it has 8 bytes instead of 22"),
        (b"# Leave\n\nThirty days. And more.\n", "it has more than 22 bytes"),
    ],
)
@pytest.mark.parametrize("amount", [-1, 1, 7, 100])
def test_bytes_that_change_after_the_file_was_opened(
    document: Path, now: bytes, why: str, amount: int
) -> None:
    """However it is read, the end of other bytes is never handed out; the problem says why and
    stays.
    """
    with reader(document, document.read_bytes()) as stream:
        document.write_bytes(now)
        with pytest.raises(PlanError) as refused:
            while stream.read(amount):
                pass
        assert (
            str(refused.value.problems[0].detail)
            == f"`docs/a.md` changed since the plan: {why}. It was not uploaded."
        )
        assert refused.value.problems[0].address == "file.docs/a.md"
        assert stream.problem is refused.value
        with pytest.raises(PlanError):
            stream.read(amount)


@pytest.mark.parametrize("amount", [-1, 1, 7, 22, 100])
def test_the_planned_bytes_are_handed_out(document: Path, amount: int) -> None:
    """As often as they are wanted, each time from the start; a hash may be spelt with its name."""
    content = document.read_bytes()
    sha256 = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with HashingReader.open(document, "docs/a.md", sha256, len(content)) as stream:
        for _ in range(2):
            stream.verify()
            found = b""
            while chunk := stream.read(amount):
                found += chunk
            assert found == content
            stream.seek(0)
        for offset, whence in ((1, io.SEEK_SET), (0, io.SEEK_END)):
            with pytest.raises(io.UnsupportedOperation):
                stream.seek(offset, whence)
        assert stream.fileno() > 0
    with pytest.raises(ValueError):
        stream.fileno()


def test_an_upload_is_not_repeated_when_its_reply_is_lost(scripted: Any, document: Path) -> None:
    """Two attempts would be two files."""
    service = scripted((500, {"error": {"message": "oops"}}))

    async def story(remote: Remote) -> None:
        with reader(document, document.read_bytes()) as stream:
            await remote.upload(stream, "a.md", "assistants")

    with pytest.raises(ReplyLost):
        service.tell(story)
    assert len(service.requests) == 1


def test_a_throttled_upload_sends_the_whole_file_again(scripted: Any, document: Path) -> None:
    """The second attempt starts at the first byte, and is hashed from there."""
    service = scripted((429, {}), (200, {"id": "file-1"}))

    async def story(remote: Remote) -> Any:
        with reader(document, document.read_bytes()) as stream:
            return await remote.upload(stream, "a.md", "assistants")

    assert service.tell(story) == {"id": "file-1"}
    assert service.headers[0]["content-length"] == service.headers[1]["content-length"]


def test_a_large_file_is_streamed(tmp_path: Path) -> None:
    """64 MB go out without being held in memory."""
    path, block = tmp_path / "big.json", b"x" * (1 << 20)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(64):
            file.write(block)
            digest.update(block)

    async def swallow(request: Request) -> JSONResponse:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        return JSONResponse({"id": "file-1", "size": size})

    app = Starlette(routes=[Route("/v1/files", swallow, methods=["POST"])])

    async def run() -> Any:
        async with Remote.open("http://odd/v1", "", app=app) as remote:
            with HashingReader.open(path, "big.json", digest.hexdigest(), 64 << 20) as stream:
                tracemalloc.start()
                sent = await remote.upload(stream, "big.json", "assistants")
                return sent, tracemalloc.get_traced_memory()[1]

    sent, peak = asyncio.run(run())
    tracemalloc.stop()

    assert sent["size"] > 64 << 20
    assert peak < 60 << 20
