"""What the environment says of proxies and certificates, which is heeded, and what is said to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from provisioner import __version__
from provisioner.errors import ReplyLost, ServiceError
from provisioner.remote import Remote, Retries
from provisioner.remote.trust import system_trust

BODY = b'{"id": "asst_1"}'
OK = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
    + BODY
)
ORGANIZATION = "örg"  # beyond ASCII: a service may say that it knows none of that name
ONCE = Retries(unsent=1, unknown=1)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without what this machine says."""
    for name in (*PROXIES, *map(str.upper, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


async def read(remote: Remote) -> Any:
    return await remote.get("/assistants/asst_1")


async def create(remote: Remote) -> Any:
    return await remote.post("/assistants", {"model": "m"})


def heads(
    answer: bytes, address: str, monkeypatch: pytest.MonkeyPatch, **said: str
) -> tuple[list[str], str]:
    """Reads an object at an address, with a server that gives one answer to whatever comes. Gives
    what the server was sent, and what became of it. `PORT` is the server's.
    """
    received: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = str(server.sockets[0].getsockname()[1])
        for name, value in said.items():
            monkeypatch.setenv(name, value.replace("PORT", port))
        url = address.replace("PORT", port)
        async with (
            server,
            Remote.open(url, "sk-1", retries=ONCE, organization=ORGANIZATION) as remote,
        ):
            await read(remote)

    try:
        asyncio.run(run())
    except ServiceError as error:
        return received, error.problems[0].summary
    return received, ""


def test_what_a_request_says_of_itself(surroundings: pytest.MonkeyPatch) -> None:
    """Who asks, in which form it wants the reply, and on whose account; nothing of the library."""
    (head,), problem = heads(OK, "http://127.0.0.1:PORT/v1", surroundings)

    lines = [line.partition(": ") for line in head.splitlines()[1:-1]]
    found = {name.lower(): value for name, _, value in lines}
    assert found.pop("host").startswith("127.0.0.1:")
    assert (head.splitlines()[0], problem) == ("GET /v1/assistants/asst_1 HTTP/1.1", "")
    assert found == {
        "authorization": "Bearer sk-1",
        "openai-organization": ORGANIZATION,
        "openai-beta": "assistants=v2",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": f"provisioner/{__version__}",
        "connection": "keep-alive",
    }


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_asked_for_a_tunnel(surroundings: pytest.MonkeyPatch, name: str) -> None:
    """A proxy that refuses is a service that was not reached: nothing was sent, the key least."""
    no = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"
    said = {name: "http://127.0.0.1:PORT"}

    (head,), problem = heads(no, "https://service.example/v1", surroundings, **said)

    assert head.splitlines()[0] == "CONNECT service.example:443 HTTP/1.1"
    assert "sk-1" not in head and problem == "Service unreachable"


def test_a_proxy_for_http(surroundings: pytest.MonkeyPatch) -> None:
    """Such a proxy is sent the request itself."""
    said = {"HTTP_PROXY": "http://127.0.0.1:PORT"}

    (head,), problem = heads(OK, "http://service.example/v1", surroundings, **said)

    assert head.splitlines()[0] == "GET http://service.example/v1/assistants/asst_1 HTTP/1.1"
    assert problem == ""


@pytest.mark.parametrize("spared", ["127.0.0.1", "other.example, 127.0.0.1", "*"])
def test_a_host_that_needs_no_proxy(surroundings: pytest.MonkeyPatch, spared: str) -> None:
    """It is asked itself."""
    said = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": spared}

    (head,), problem = heads(OK, "http://127.0.0.1:PORT/v1", surroundings, **said)

    assert (head.splitlines()[0], problem) == ("GET /v1/assistants/asst_1 HTTP/1.1", "")


@pytest.mark.parametrize(
    "said",
    [
        {"SSL_CERT_FILE": "/nowhere/ca.pem"},
        {"SSL_CERT_FILE": __file__},
        {"HTTPS_PROXY": "socks5://127.0.0.1:1"},
    ],
)
def test_surroundings_that_cannot_be_used(
    surroundings: pytest.MonkeyPatch, said: dict[str, str]
) -> None:
    """A file that is not there or holds no certificate, a proxy of a kind that needs more than is
    installed: each is a problem, not a crash.
    """
    for name, value in said.items():
        surroundings.setenv(name, value)

    async def run() -> None:
        async with Remote.open("https://me:secret@service.example/v1", "sk-1") as remote:
            await read(remote)

    with pytest.raises(ServiceError, match=r"No connection to `https://service.example/v1`") as no:
        asyncio.run(run())

    assert "SSL_CERT_FILE" in (no.value.problems[0].hint or "")


@pytest.mark.parametrize(("at_once", "connections"), [(1, 1), (4, 2)])
def test_connections_are_kept(at_once: int, connections: int) -> None:
    """One request after another takes one connection; however many at once, no more than asked for."""
    opened: list[Any] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(asyncio.current_task())
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.01)
            writer.write(OK)
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            async with Remote.open(url, "sk-1", retries=ONCE, parallelism=2) as remote:
                for _ in range(3):
                    await asyncio.gather(*(read(remote) for _ in range(at_once)))
            await asyncio.gather(*opened)

    asyncio.run(run())
    assert len(opened) == connections


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody has signed, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    path = tmp_path_factory.mktemp("certificate") / "own.pem"
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    names = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt")
    subprocess.run(["openssl", *made.split(), *names], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(Path(f"{path}.crt").read_bytes())
    return path


def secured(certificate: Path, handle: Handler, story: Any) -> Any:
    """Runs a story against a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def run() -> Any:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        url = f"https://127.0.0.1:{port}/v1"
        async with server, Remote.open(url, "sk-1", retries=ONCE) as remote:
            return await story(remote)

    return asyncio.run(run())


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)
    await writer.drain()
    writer.close()


def test_a_certificate_of_ones_own(surroundings: pytest.MonkeyPatch, certificate: Path) -> None:
    """It is trusted where `SSL_CERT_FILE` names it, and nowhere else."""
    with pytest.raises(ServiceError, match="CERTIFICATE_VERIFY_FAILED") as refused:
        secured(certificate, answer, create)
    assert refused.value.problems[0].summary == "Service unreachable"
    assert "`SSL_CERT_FILE`" in str(refused.value.problems[0].hint)

    surroundings.setenv("SSL_CERT_FILE", str(certificate))
    assert secured(certificate, answer, read) == {"id": "asst_1"}


def looks_at(file: Path | str, folder: Path | str) -> Callable[[], Any]:
    """An OpenSSL that was built to look there."""
    found = ssl.get_default_verify_paths()
    return lambda: found._replace(openssl_cafile=str(file), openssl_capath=str(folder))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the library decides")
@pytest.mark.parametrize("way", ["file", "folder", "both"])
def test_the_systems_certificates(
    surroundings: pytest.MonkeyPatch, certificate: Path, tmp_path: Path, way: str
) -> None:
    """They are trusted without the library, as the library trusts them."""
    digest = ["openssl", "x509", "-hash", "-noout", "-in", certificate]
    name = subprocess.run(digest, check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / f"{name}.0").write_bytes(Path(f"{certificate}.crt").read_bytes())
    file = "/nowhere/cert.pem" if way == "folder" else f"{certificate}.crt"
    folder = "/nowhere" if way == "file" else tmp_path
    surroundings.setattr(ssl, "get_default_verify_paths", looks_at(file, folder))

    assert secured(certificate, answer, read) == {"id": "asst_1"}
    ours, theirs = system_trust(), httpx2.create_ssl_context()
    assert ours is not None
    for said in ("check_hostname", "options", "verify_flags", "verify_mode", "minimum_version"):
        assert getattr(ours, said) == getattr(theirs, said)
    assert ours.get_ca_certs() == theirs.get_ca_certs()


@pytest.mark.parametrize(
    ("file", "folder", "name", "value"),
    [
        ("/nowhere/cert.pem", "/nowhere", "OTHER", "x"),
        ("/nowhere/cert.pem", os.fspath(Path(__file__).parent), "OTHER", "x"),
        (__file__, "/nowhere", "OTHER", "x"),
        (__file__, "/nowhere", "SSL_CERT_FILE", "/nowhere/own.pem"),
        (__file__, "/nowhere", "SSL_CERT_DIR", "/nowhere"),
    ],
)
def test_where_only_the_library_knows(
    surroundings: pytest.MonkeyPatch, file: str, folder: str, name: str, value: str
) -> None:
    """No certificates where OpenSSL looks, none that can be read, or other ones named by the
    surroundings.
    """
    surroundings.setattr(ssl, "get_default_verify_paths", looks_at(file, folder))
    surroundings.setenv(name, value)
    assert system_trust() is None


def test_the_library_stays_away(surroundings: pytest.MonkeyPatch, certificate: Path) -> None:
    """A plan over TLS imports nothing that it does not need."""
    code = """
import asyncio, ssl, sys
from provisioner.errors import ServiceError
from provisioner.remote import Remote
found = ssl.get_default_verify_paths()._replace(openssl_cafile=sys.argv[1], openssl_capath="/")
ssl.get_default_verify_paths = lambda: found
async def run():
    async with Remote.open("https://127.0.0.1:9/v1", "sk-1") as remote:
        await remote.get("/assistants/asst_1")
try:
    asyncio.run(run())
except ServiceError:
    pass
print(sorted(name for name in sys.modules if name in ("httpx2", "httpcore2", "truststore")))
"""
    command = [sys.executable, "-c", code, f"{certificate}.crt"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("SSL_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_secure_connection_that_breaks(
    surroundings: pytest.MonkeyPatch, certificate: Path
) -> None:
    """What comes after the request and is not of that connection leaves open what became of it."""
    surroundings.setenv("SSL_CERT_FILE", str(certificate))

    async def spoil(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        socket = writer.get_extra_info("socket").dup()
        socket.setblocking(True)
        socket.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        socket.close()
        await reader.read()
        writer.close()

    with pytest.raises(ReplyLost):
        secured(certificate, spoil, create)
