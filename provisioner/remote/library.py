"""The way of what needs a library: files, proxies, redirects, a service in this process, and the
official SDK.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import httpx2

from provisioner.errors import ServiceError
from provisioner.model import Problem
from provisioner.remote.bodies import PACKED, Unpacker, check_size, how_packed
from provisioner.remote.in_process import InProcess
from provisioner.remote.wire import (
    CONNECT,
    READ,
    UPLOAD,
    Elsewhere,
    Received,
    Request,
    Target,
    Unreached,
    Unsendable,
    every_header,
    own_headers,
    path_of,
    without_password,
)


class Clients:
    """The connections to one service, a client for each: a client of many asks all of them for
    their health at every request.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: list[httpx2.AsyncClient] = []
        self._opened: list[httpx2.AsyncClient] = []

    async def send(self, request: Request) -> Received:
        """One request and its reply, whatever it says; an exception where there is none, Elsewhere
        for a redirect that is not followed or has turned a write into a read.
        """
        with self._one() as client:
            return await _sent(client, request)

    async def follow(self, request: Request, redirect: Received) -> Received:
        """What a request comes to that was answered with a redirect."""
        with _addressed(self._target):
            onward = httpx2.AsyncHTTPTransport(verify=self._verified)
            client = self._made(1, _Answered(redirect, onward))
        self._opened.append(client)
        return await _sent(client, request)

    @contextmanager
    def _one(self) -> Iterator[httpx2.AsyncClient]:
        """The client that was used last, as long as nobody else uses it."""
        client = self._idle.pop() if self._idle else self.open(connections=1)
        try:
            yield client
        finally:
            self._idle.append(client)

    async def close(self) -> None:
        opened, self._opened, self._idle = self._opened, [], []
        for client in opened:
            await client.aclose()

    def open(self, connections: int, *, piecewise: bool = False) -> httpx2.AsyncClient:
        """A new client; `piecewise`: a reply of a service in this process is read while it
        comes. ServiceError where the address, or what the environment says of proxies and
        certificates, cannot be used.
        """
        app = self._target.app
        transport: httpx2.AsyncBaseTransport | None = None
        if app is not None and piecewise:
            transport = InProcess(app)
        elif app is not None:
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        with _addressed(self._target):
            client = self._made(connections, transport)
        self._opened.append(client)
        return client

    def verified(self) -> ssl.SSLContext:
        """What certificates are held against; it takes long to make, so that all share one."""
        with _addressed(self._target):
            return self._verified

    @cached_property
    def _verified(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context()

    def _made(
        self, connections: int, transport: httpx2.AsyncBaseTransport | None
    ) -> httpx2.AsyncClient:
        # In bytes, because an organization beyond ASCII is for the service to refuse.
        said = every_header(self._target)
        headers = {name.encode(): value.encode() for name, value in said.items()}
        return httpx2.AsyncClient(
            base_url=self._target.base_url,
            headers=headers,
            verify=self._verified if transport is None else True,
            follow_redirects=True,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
            timeout=httpx2.Timeout(READ, connect=CONNECT, pool=None),
            event_hooks={"response": [bound, _stay]},
            transport=transport,
        )


class _Answered(httpx2.AsyncBaseTransport):
    """The way of a request whose first reply is there already."""

    def __init__(self, first: Received, onward: httpx2.AsyncHTTPTransport) -> None:
        self._first: Received | None = first
        self._onward = onward

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        first, self._first = self._first, None
        if first is None:
            return await self._onward.handle_async_request(request)
        stream = httpx2.ByteStream(first.content or b"")
        return httpx2.Response(first.status, headers=dict(first.headers), stream=stream)

    async def aclose(self) -> None:
        await self._onward.aclose()


async def _sent(client: httpx2.AsyncClient, request: Request) -> Received:
    try:
        response = await client.send(_outgoing(client, request))
    except httpx2.HTTPError as error:
        raise known(error) from error.__cause__
    except httpx2.InvalidURL as error:
        raise known(error) from None
    if response.is_success and response.request.method != request.method:
        raise Elsewhere(received(response.history[0]))
    return received(response)


@contextmanager
def _addressed(target: Target) -> Iterator[None]:
    """ServiceError where no connection can even be tried."""
    public = without_password(target.base_url)
    try:
        yield
    except (httpx2.InvalidURL, ValueError) as error:
        detail = f"`{public}` cannot be used as the address of a service: {error}"
        hint = "write it like `https://host/v1`"
        raise ServiceError(Problem("Bad service address", detail, hint)) from None
    except (OSError, ImportError) as error:
        detail = f"No connection to `{public}` can be made: {error}"
        hint = "check `SSL_CERT_FILE`, `SSL_CERT_DIR` and the proxy that the environment names"
        raise ServiceError(Problem("Service unreachable", detail, hint)) from None


async def _stay(response: httpx2.Response) -> None:
    """A redirect is followed on the same host alone, or whoever can write one has what was sent."""
    if not response.has_redirect_location:
        return
    before = response.request.url
    try:
        after = before.join(response.headers["location"])
        port = after.port or {"http": 80, "https": 443}.get(after.scheme)
    except Exception:  # noqa: BLE001  # what cannot even be read leads nowhere
        raise Elsewhere(received(response)) from None
    secured = before.scheme == "http" and after.scheme == "https"
    same = after.scheme == before.scheme and port == (
        before.port or {"http": 80, "https": 443}[before.scheme]
    )
    if after.host != before.host or not (same or secured):
        raise Elsewhere(received(response))


def _outgoing(client: httpx2.AsyncClient, request: Request) -> httpx2.Request:
    path = path_of(request)
    body = dict(request.body or {})
    more: dict[str, Any] = {"headers": own_headers(path, request.key)}
    if request.params:
        more["params"] = request.params
    if request.file or request.parts:
        more["files"] = (
            {"file": request.file}
            if request.file
            else [("files[]", part) for part in request.parts]
        )
        # The fields of a form, one for each field of what is nested: `expires_after[seconds]`.
        form: dict[str, Any] = {}
        for name, value in body.items():
            if isinstance(value, Mapping):
                form |= {f"{name}[{key}]": inner for key, inner in value.items()}
            else:
                form[name] = value
        more["data"] = form
        more["timeout"] = httpx2.Timeout(UPLOAD, connect=CONNECT, pool=None)
    elif request.method == "POST":
        more["json"] = body
    return client.build_request(request.method, path, **more)


async def bound(response: httpx2.Response) -> None:
    """See to it that a reply is read within the limit and as UTF-8, which JSON is. For every
    response, redirects and refusals included, before any of its body is read.
    """
    response.encoding = "utf-8"
    packed = response.headers.pop("content-encoding", "identity")
    stream: Any = response.stream
    response.stream = _Bounded(stream, packed)


class _Bounded(httpx2.AsyncByteStream):
    """A body as it comes, unpacked piece by piece."""

    def __init__(self, inner: httpx2.AsyncByteStream, packed: str) -> None:
        self._inner, self._packed = inner, packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in _unpacked(self._inner, how_packed(self._packed)):
            size += len(piece)
            check_size(size)
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _unpacked(stream: httpx2.AsyncByteStream, packed: str) -> AsyncIterator[bytes]:
    """A small body may unpack to a very large one: never more than a piece of it is held here."""
    if not packed:
        async for chunk in stream:
            yield chunk
        return
    unpack = Unpacker(PACKED[packed])
    async for chunk in stream:
        for piece in unpack.pieces(chunk):
            yield piece
    yield unpack.rest()


def received(response: httpx2.Response) -> Received:
    """A reply of the library's."""
    was_read = response.is_closed and response.is_stream_consumed
    content = response.content if was_read else None
    return Received(response.status_code, dict(response.headers), content)


def known(error: Exception) -> Exception:
    """An exception of the library's, where it says that nothing was sent."""
    if isinstance(
        error, (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError)
    ):
        return Unsendable(str(error))
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    return Unreached(str(error)) if isinstance(error, unsent) else error
