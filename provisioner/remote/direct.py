"""The way of most requests: JSON and its reply over kept connections of our own, by h11."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode, urlsplit

import h11

from provisioner.remote.bodies import BadBody, Unpackable, check_size, unpacked
from provisioner.remote.wire import (
    CONNECT,
    READ,
    Received,
    Request,
    Target,
    Unreached,
    Unsendable,
    every_header,
    own_headers,
    path_of,
)

if TYPE_CHECKING:
    import ssl

_LARGEST_HEAD = 100 * 1024  # bytes of a reply before its body
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.I)
_PATH = re.compile(r"[a-z0-9/._~:@+=-]*", re.I)
_PORTS = {"http": 80, "https": 443}
_HAPPY_EYEBALLS = 0.25  # seconds that one address of a host has before the next is tried as well


class Direct:
    """Connections to one service, each for one request at a time; the one that was used last goes
    first.
    """

    def __init__(self, target: Target, verified: Callable[[], ssl.SSLContext]) -> None:
        at = urlsplit(target.base_url)
        self._host, self._port = at.hostname or "", at.port or _PORTS[at.scheme]
        self._base = at.path.rstrip("/")
        self._secured = at.scheme == "https"
        self._verified = verified
        named = self._host if self._port == _PORTS[at.scheme] else f"{self._host}:{self._port}"
        said = {"Host": named, "Connection": "keep-alive", **every_header(target)}
        self._headers = [(name.encode(), value.encode()) for name, value in said.items()]
        self._idle: list[_Connection] = []
        self._opened: set[_Connection] = set()
        self._opening: set[asyncio.Task[_Connection]] = set()

    async def send(self, request: Request) -> Received:
        """One request and its reply, whatever it says; an exception where there is none."""
        try:
            head, body = self._outgoing(request)
        # No head, or no JSON, in any encoding.
        except (h11.LocalProtocolError, ValueError) as error:
            raise Unsendable(str(error)) from error
        connection = await self._connection()
        received = await connection.ask(head, body)
        if connection.usable:
            self._idle.append(connection)
        return received

    async def close(self) -> None:
        if self._opening:  # and nobody waits for it any more
            late = (await asyncio.wait(self._opening, timeout=_HAPPY_EYEBALLS))[1]
            for opening in late:
                opening.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        opened, self._idle = [*self._opened], []
        for connection in opened:
            connection.drop()
        for connection in opened:
            await connection.lost

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                return connection
        # Apart from whoever asks for it: of several addresses that are tried, asyncio forgets to
        # close one that has just answered, where it is cancelled.
        opening = asyncio.ensure_future(self._open())
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        return await asyncio.shield(opening)

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop),
                    self._host,
                    self._port,
                    ssl=self._verified() if self._secured else None,
                    happy_eyeballs_delay=_HAPPY_EYEBALLS,
                )
        except TimeoutError as error:
            raise Unreached(str(error) or f"no connection within {CONNECT:.0f} seconds") from None
        except (OSError, UnicodeError) as error:
            raise Unreached(str(error)) from error
        self._opened.add(connection)
        connection.lost.add_done_callback(lambda _: self._opened.discard(connection))
        return connection

    def _outgoing(self, request: Request) -> tuple[h11.Request, bytes]:
        path, body = path_of(request), b""
        headers = [*self._headers]
        for name, value in own_headers(path, request.key).items():
            headers.append((name.encode(), value.encode()))
        if request.method == "POST":
            body = _json(request.body or {})
            headers.append((b"Content-Type", b"application/json"))
            headers.append((b"Content-Length", b"%d" % len(body)))
        query = f"?{_query(request.params)}" if request.params else ""
        target = f"{self._base}{path}{query}"
        return h11.Request(method=request.method, target=target, headers=headers), body


class _Connection(asyncio.Protocol):
    """One connection. What the service says while nobody has asked ends it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.usable = True
        self.lost: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._reply: asyncio.Future[Received] | None = None
        self._head: h11.Response | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None

    async def ask(self, head: h11.Request, body: bytes) -> Received:
        """Send a request and wait for its reply; without one the connection is gone as well."""
        self._reply = self._loop.create_future()
        self._head, self._body, self._size = None, [], 0
        try:
            said = self._h11.send(head) or b""
            if body:
                said += self._h11.send(h11.Data(body)) or b""
            self._h11.send(h11.EndOfMessage())
            self._transport.write(said)
            self._heard = self._loop.time()
            self._watch = self._loop.call_later(READ, self._listen)
            return await self._reply
        except BaseException:
            self.drop()
            raise
        finally:
            self._reply = None
            if self._watch is not None:
                self._watch.cancel()

    def is_quiet(self) -> bool:
        """Whether it is open and nothing has come on it, not even its end: the loop hears of that
        in its next round, which is late where something else took long.
        """
        if not self.usable or self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return not poll.poll(0)

    def drop(self) -> None:
        self.usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reply is None or self._reply.done():
            self.drop()
            return
        self._heard = self._loop.time()
        self._h11.receive_data(data)
        self._read(self._reply)

    def eof_received(self) -> None:
        self.usable = False
        if self._reply is None or self._reply.done():
            return
        if self._h11.their_state is h11.SEND_RESPONSE:
            error = ConnectionError("Server disconnected without sending a response.")
            self._reply.set_exception(error)
            return
        self._h11.receive_data(b"")
        self._read(self._reply)

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        if self._reply is not None and not self._reply.done():
            why = str(error) if error else "The connection ended before the reply did."
            self._reply.set_exception(ConnectionError(why))
        if not self.lost.done():
            self.lost.set_result(None)

    def _listen(self) -> None:
        """Give up once nothing has come for too long."""
        left = self._heard + READ - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._listen)
        elif self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionError(f"nothing came for {READ:.0f} seconds"))

    def _read(self, reply: asyncio.Future[Received]) -> None:
        try:
            while not reply.done():
                event = self._h11.next_event()
                if isinstance(event, h11.Response):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._size += len(event.data)
                    self._body.append(bytes(event.data))
                    check_size(self._size)
                elif isinstance(event, h11.EndOfMessage):
                    reply.set_result(self._ended())
                elif not isinstance(event, h11.InformationalResponse):
                    return  # more has to come
        except (h11.RemoteProtocolError, BadBody, Unpackable) as error:
            reply.set_exception(error)

    def _ended(self) -> Received:
        assert self._head is not None  # h11 sees to that
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._head.headers:
            name, value = raw_name.decode("latin-1"), _decoded(raw_value)
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        over = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        unsaid = self._transport.get_write_buffer_size()  # of a request that is answered early
        if over and not (unsaid or self._h11.trailing_data[0]):
            self._h11.start_next_cycle()
        else:
            self.drop()
        packed = headers.pop("content-encoding", "identity")
        content = unpacked(b"".join(self._body), packed)
        return Received(self._head.status_code, headers, content)


def way(target: Target, verified: Callable[[], ssl.SSLContext]) -> Direct | None:
    """Such connections, where nothing stands between; None where only the library knows the way:
    through a proxy, with a password in the address.
    """
    try:
        at = urlsplit(target.base_url)
        named = at.scheme in _PORTS and _HOST.fullmatch(at.hostname or "") and at.port != 0
        odd = "@" in at.netloc or at.query or at.fragment or not _PATH.fullmatch(at.path)
        if not named or odd or "/." in at.path or _proxied(at.scheme, at.hostname or ""):
            return None
        return Direct(target, verified)
    except ValueError:  # what cannot be read, or not be said
        return None


def _proxied(scheme: str, host: str) -> bool:
    """Whether the surroundings may name a proxy for a host, or for where a redirect leads to: a
    service that is asked by `http` may want `https`. Only what spares a host by any reading of
    `NO_PROXY` is passed over here; the rest of it is the library's to read.
    """
    said = any(value and name.lower().endswith("_proxy") for name, value in os.environ.items())
    if not said and sys.platform not in ("darwin", "win32"):  # whose settings may name one as well
        return False
    from urllib.request import getproxies

    proxies = getproxies()
    spared = [each.strip().lower() for each in proxies.get("no", "").split(",")]
    if "*" in spared or host in spared:
        return False
    if any(each.startswith(".") and host.endswith(each) for each in spared):
        return False
    return not proxies.keys().isdisjoint({scheme, "https", "all"})


def _json(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _query(params: Mapping[str, Any]) -> str:
    said = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in params.items()
    }
    return urlencode(said, doseq=True, quote_via=quote)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
