"""Connections of our own: every way to say how long a reply is, and when one is used again."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import threading
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.errors import ReplyLost, ServiceError
from provisioner.remote import Remote, Retries, direct
from provisioner.remote.wire import Target

BODY = b'{"id": "asst_1"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
OK = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\nb\r\n" + BODY[5:]
ONCE = Retries(unsent=1, unknown=1)
Answer = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


def told(answer: Answer, *, times: int = 1) -> tuple[list[int], list[Any]]:
    """Creates as many times with a server that answers each request; which connection each came by,
    and what came of it. `answer` is given the number of the request.
    """
    came: list[int] = []
    opened: list[asyncio.Task[Any] | None] = []
    said = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(asyncio.current_task())
        number = len(opened)
        while await reader.readline():
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
            came.append(number)
            await answer(len(came), writer)
            said.set()
        writer.close()
        await writer.wait_closed()

    async def run() -> list[Any]:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            found = []
            async with Remote.open(url, "sk-1", retries=ONCE) as remote:
                for _ in range(times):
                    found.append(await remote.post("/assistants", {"model": "m"}))
                    await said.wait()
                    said.clear()
                    for _ in range(9):  # what was said last arrives in one of the next rounds
                        await asyncio.sleep(0)
            await asyncio.gather(*(task for task in opened if task))
        return found

    return came, asyncio.run(run())


def packed(how: str, data: bytes) -> bytes:
    return HEAD + f"Content-Encoding: {how}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        CHUNKED + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        packed("gzip", gzip.compress(BODY)),
        packed("deflate", zlib.compress(BODY)),
        packed("DEFLATE", zlib.compress(BODY)[2:-4]),
    ],
)
def test_a_reply_that_says_where_it_ends(answer: bytes) -> None:
    """Its end is known however it is said, if it comes byte by byte, and the connection is kept."""

    async def slowly(_: int, writer: asyncio.StreamWriter) -> None:
        for at in range(len(answer)):
            writer.write(answer[at : at + 1])
            if at % 9 == 0:
                await asyncio.sleep(0)

    assert told(slowly, times=2) == ([1, 1], [{"id": "asst_1"}] * 2)


@pytest.mark.parametrize(
    "answer", [HEAD + b"\r\n" + BODY, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")]
)
def test_a_reply_that_ends_with_its_connection(answer: bytes) -> None:
    """The next request has a connection of its own."""

    async def last(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    assert told(last, times=2) == ([1, 2], [{"id": "asst_1"}] * 2)


@pytest.mark.parametrize(
    ("more", "apart"),
    [(b"", True), (b"HTTP/1.1 408 Timeout\r\n\r\n", True), (b"HTTP/1.1 200 OK\r\n\r\n", False)],
)
def test_what_is_said_unasked_ends_a_connection(more: bytes, apart: bool) -> None:
    """A kept connection that the service has closed meanwhile, or on which it has said more than a
    reply, is not used again: a create on it would seem lost, or be given another's reply.
    """

    async def talks(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + (b"" if apart else more))
        if apart:
            await asyncio.sleep(0.002)
            writer.write(more)
            writer.close()

    assert told(talks, times=2) == ([1, 2], [{"id": "asst_1"}] * 2)


def test_a_connection_that_ends_while_nobody_looks() -> None:
    """What has come on a kept connection is seen before the next create, also where something else
    has held the loop up since the last one.
    """

    def serve(listening: socket.socket, ended: threading.Event) -> None:
        for _ in range(2):
            connection = listening.accept()[0]
            with connection:
                while not connection.recv(65536).endswith(b"}"):
                    pass
                connection.sendall(OK)
            ended.set()

    async def run(port: int, ended: threading.Event) -> list[Any]:
        found = []
        async with Remote.open(f"http://127.0.0.1:{port}/v1", "sk-1", retries=ONCE) as remote:
            for _ in range(2):
                found.append(await remote.post("/assistants", {"model": "m"}))
                assert ended.wait(5)
        return found

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        ended = threading.Event()
        server = threading.Thread(target=serve, args=(listening, ended), daemon=True)
        server.start()
        assert asyncio.run(run(listening.getsockname()[1], ended)) == [{"id": "asst_1"}] * 2
        server.join(5)


def test_a_reply_that_comes_before_its_request_was_sent() -> None:
    """A refusal of what is too large is heard, and what is left of it does not hold up the next
    request.
    """
    came: list[int] = []

    async def run() -> list[str]:
        over = asyncio.Event()

        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            came.append(1)
            writer.write(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
            await over.wait()  # and reads no more
            writer.transport.abort()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        said = []
        async with server, asyncio.timeout(5), Remote.open(url, "sk-1", retries=ONCE) as remote:
            for _ in range(2):
                with pytest.raises(ServiceError) as refused:
                    await remote.post("/assistants", {"instructions": "x" * 2**24})
                said.append(str(refused.value.status))
            over.set()
        return said

    assert (asyncio.run(run()), len(came)) == (["413", "413"], 2)


@pytest.mark.filterwarnings("error")
def test_who_asked_is_cancelled_while_a_connection_is_made() -> None:
    """Whenever it is, no socket stays open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        before = len([*Path("/dev/fd").iterdir()])
        async with server:
            for rounds in range(12):
                async with Remote.open(url, "sk-1", retries=ONCE) as remote:
                    asked = asyncio.ensure_future(remote.post("/assistants", {"model": "m"}))
                    for _ in range(rounds):
                        await asyncio.sleep(0)
                    asked.cancel()
                    await asyncio.gather(asked, return_exceptions=True)
                async with asyncio.timeout(5):
                    while len([*Path("/dev/fd").iterdir()]) > before:
                        await asyncio.sleep(0.001)

    gc.disable()  # which would close them
    try:
        asyncio.run(run())
    finally:
        gc.enable()


@pytest.mark.parametrize("value", ["\ud800", float("nan")])
def test_what_no_json_can_say(value: Any) -> None:
    """It was not sent, so that nothing is lost, and is not tried again."""

    async def run() -> None:
        async with Remote.open("http://127.0.0.1:1/v1", "sk-1") as remote:
            await remote.post("/assistants", {"model": value})

    with pytest.raises(ServiceError, match="could not be sent") as refused:
        asyncio.run(run())
    assert not isinstance(refused.value, ReplyLost)


def test_a_service_that_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting ends once nothing has come for too long, and what became of the request is open."""
    monkeypatch.setattr(direct, "READ", 0.05)

    async def half(_: int, writer: asyncio.StreamWriter) -> None:
        for at in range(3):  # each piece begins the waiting anew
            writer.write(CHUNKED[at * 40 : at * 40 + 40])
            await asyncio.sleep(0.03)

    with pytest.raises(ReplyLost, match="nothing came for"):
        told(half)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://service.example/v1", {"HTTPS_PROXY": "http://127.0.0.1:1"}),
        ("http://service.example/v1", {"all_proxy": "http://127.0.0.1:1"}),
        # A redirect to https is followed through its proxy.
        ("http://service.example/v1", {"https_proxy": "http://127.0.0.1:1"}),
        # Read by the library, these two spare names below it alone, and its name alone.
        (
            "https://service.example/v1",
            {"ALL_PROXY": "127.0.0.1:1", "NO_PROXY": ".service.example"},
        ),
        ("https://a.localhost/v1", {"ALL_PROXY": "127.0.0.1:1", "no_proxy": "localhost"}),
        ("https://service.example/v1/../v2", {}),
        ("https://me:secret@service.example/v1", {}),
        ("https://sérvice.example/v1", {}),
        ("https://service.example:x/v1", {}),
        ("https://service.example/v 1", {}),
        ("ftp://service.example/v1", {}),
    ],
)
def test_what_the_library_has_to_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, url: str, said: dict[str, str]
) -> None:
    """Proxies, passwords, and addresses that need a closer look."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert direct.way(Target(url, "sk-1"), lambda: pytest.fail("not yet")) is None


def test_a_proxy_that_is_not_for_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not go through it needs no library."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.example")
    monkeypatch.delenv("http_proxy", raising=False)
    for url in ("https://service.example/v1", "http://127.0.0.1:1/v1"):
        assert direct.way(Target(url, "sk-1"), lambda: pytest.fail("not yet")) is not None
