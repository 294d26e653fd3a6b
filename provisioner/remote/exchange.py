"""One request and its reply, over a client that is made with the first request."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from provisioner import __version__, jsontext
from provisioner.errors import ProvisionerError, Refused, ServiceError
from provisioner.masking import scrub, without_pieces
from provisioner.model import Problem
from provisioner.remote import errors
from provisioner.remote.errors import Failure, Place
from provisioner.remote.retries import Outcome, Pace, Retries
from provisioner.remote.sent import note_write

if TYPE_CHECKING:
    import ssl

    import httpx2
    from openai import AsyncOpenAI, AsyncStream


T = TypeVar("T")

_CONNECT, _READ = 10.0, 120.0  # seconds
SILENCE = 600.0  # seconds that a model may think between two events of a stream
UPLOAD = 600.0  # seconds that sending one file, or waiting for its reply, may take
LONGEST, LONGEST_UPLOAD = (
    300.0,
    6000.0,
)  # seconds from a request to the end of its reply, however steadily it trickles
_SHORTEST_ID = 8
# The header that some paths want, by what they begin with.
_BETA = {
    "/assistants": "assistants=v2",
    "/threads": "assistants=v2",
    "/vector_stores": "assistants=v2",
    "/agents": "agents=v1",
    "/vaults": "agents=v1",
}
_READ_ONLY = "GET"


@dataclass(frozen=True, slots=True)
class Target:
    """Which service, and with what right. An `app` is a service in this process and needs
    no key.
    """

    base_url: str
    key: str
    organization: str | None = None
    project: str | None = None
    app: Any = None
    parallelism: int = 10
    read_only: bool = False  # whatever is not a GET is a programming error


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `repeatable`: carrying it out twice does no harm."""

    method: str
    path: str
    repeatable: bool
    params: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    file: tuple[str, Any] | None = None  # name and open binary stream
    key: str | None = None  # by which the service knows that it was sent before
    parts: tuple[tuple[str, bytes], ...] = ()  # names and contents of several small ones


@dataclass(frozen=True, slots=True)
class Reply:
    """A 2xx reply whose body is JSON, or nothing where nothing is needed; `why` it is nothing, in
    half a sentence.
    """

    status: int
    body: Any
    why: str
    response: httpx2.Response
    clean: Callable[[str], str]

    @property
    def text(self) -> str:
        """The body as it came, to be shown."""
        return self.clean(self.response.text)

    @property
    def bytes(self) -> bytes:
        """The body as it came, where it is not text."""
        return self.response.content

    @property
    def headers(self) -> Mapping[str, str]:
        return {name: self.clean(value) for name, value in self.response.headers.items()}

    @property
    def type(self) -> str:
        return self.headers.get("content-type", "")


class Failed(Exception):
    """A reply that came and cannot be used; carries what it means for the next attempt."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


class Elsewhere(Exception):
    """A redirect that is not followed, because it leads to another host."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__("a redirect to another host")
        self.response = response


class Exchange:
    """Sends requests to one service, as many at once as the target allows, and again where that is
    safe.
    """

    def __init__(self, target: Target, retries: Retries, note: Callable[[str], None]) -> None:
        self.seen: dict[str, str] = {}
        self.ahead = 0.0  # seconds that the clock of the service is ahead of ours
        self.on_wait: Callable[[str], None] = lambda _: None
        self._note = note
        self._pace = Pace.of(target.base_url)
        self._target, self._retries = target, retries
        self._public = _without_password(target.base_url)
        self._slots = asyncio.Semaphore(target.parallelism)
        self._clients = _Clients(target)

    def place(self, method: str, path: str, body: Any = None) -> Place:
        """A request as errors name it; `body`, so that they can say what it names is gone."""
        return Place(method, self._public, path, names=tuple(_ids(body)))

    async def close(self) -> None:
        await self._clients.close()

    async def open_stream(
        self, place: Place, ask: Callable[[AsyncOpenAI], Awaitable[AsyncStream[T]]]
    ) -> AsyncStream[T]:
        """A stream of the official SDK; asked for again only where nothing was carried out."""
        self._check_writing(place.method)
        attempt = 1
        while True:
            try:
                with warnings.catch_warnings():  # the SDK advises against all that is assistants'
                    warnings.simplefilter("ignore", DeprecationWarning)
                    opening = ask(self._sdk)
                return await opening
            except Exception as error:  # noqa: BLE001  # what TLS raises comes through as it is
                failure = self._failure(place, error)
            if not self._retries.again(failure.outcome, attempt, False, failure.retry_after):
                raise failure.error from None
            self.on_wait(f"to send {place} again: {failure.error.problems[0].detail}")
            await self._retries.wait(attempt, failure.retry_after)
            attempt += 1

    async def events(self, place: Place, stream: AsyncStream[T]) -> AsyncGenerator[T]:
        """What comes on a stream; a ServiceError where it breaks off."""
        try:
            async with stream:
                async for event in stream:
                    yield event
        except Exception as error:  # noqa: BLE001  # see above
            raise self._failure(place, error).error from None

    @cached_property
    def _sdk(self) -> AsyncOpenAI:
        """The official SDK by the rules of every request: proxies, redirects, limits, and no
        attempt that nobody asked for. It takes half a second to import.
        """
        import httpx2
        from openai import AsyncOpenAI

        client = AsyncOpenAI(
            api_key=self._target.key,
            base_url=self._target.base_url,
            http_client=self._clients.open(self._target.parallelism, piecewise=True),
            timeout=httpx2.Timeout(SILENCE, connect=_CONNECT, pool=None),
            max_retries=0,
        )
        # Set and not passed: left out, it would take them from the surroundings, not from the
        # workspace.
        client.organization, client.project = self._target.organization, self._target.project
        return client

    def _failure(self, place: Place, error: Exception) -> Failure:
        """What an exception of the SDK means; what is our own goes on as it is."""
        from openai import APIConnectionError, APIError, APIStatusError

        if isinstance(error, ProvisionerError):
            raise error
        if isinstance(error, APIStatusError):
            return self._refused(place, error.response)
        if isinstance(error, APIConnectionError) or not isinstance(error, APIError):
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            if isinstance(cause, Elsewhere):
                return self._refused(place, cause.response)
            return _broken(place, cause)
        # What the service says in the middle of a stream.
        said = json.dumps(error.body if isinstance(error.body, dict) else {"message": str(error)})
        return errors.broken_off(place, self._clean(said))

    async def send(
        self, request: Request, read: Callable[[Place, Reply], T], *, once: bool = False
    ) -> T:
        """Send, read the reply with `read` (which may raise Failed), and, unless `once`, try again
        as the policy allows.
        """
        self._check_writing(request.method)
        place, attempt = self.place(request.method, request.path), 1
        while True:
            await self._pace.turn(request.method, request.path, self.on_wait)
            try:
                return read(place, await self._once(place, request))
            except Failed as failed:
                failure = failed.failure
            if once or not self._retries.again(
                failure.outcome, attempt, request.repeatable, failure.retry_after
            ):
                raise failure.error from None
            self.on_wait(
                f"to send {request.method} {request.path} again: {failure.error.problems[0].detail}"
            )
            await self._retries.wait(attempt, failure.retry_after)
            attempt += 1

    def _check_writing(self, method: str) -> None:
        if method == _READ_ONLY:
            return
        if self._target.read_only:  # an `assert` could be switched off
            raise AssertionError(f"{method} while only reading")
        note_write()

    async def _once(self, place: Place, request: Request) -> Reply:
        async with self._slots:
            with self._clients.one() as client:
                response = await self._answered(place, request, client)
        for name in ("organization", "project"):
            value = response.headers.get(f"openai-{name}")
            # It is kept in the lock, which is not a place for a key.
            if value and value == self._clean(value):
                self.seen[name] = value
        date = response.headers.get("date") or ""
        with suppress(ValueError, TypeError, OverflowError):
            self.ahead = parsedate_to_datetime(date).timestamp() - time.time()
        if response.request.method != place.method:  # a redirect turned a write into a read
            raise Failed(self._refused(place, response.history[0]))
        body, why = None, ""
        try:
            body = jsontext.read(response.content)
        except jsontext.Unreadable as error:
            why = str(error)
        return Reply(response.status_code, body, why, response, self._clean)

    async def _answered(
        self, place: Place, request: Request, client: httpx2.AsyncClient
    ) -> httpx2.Response:
        outgoing = _outgoing(client, request)
        try:
            async with asyncio.timeout(
                LONGEST_UPLOAD if request.file or request.parts else LONGEST
            ):
                response = await client.send(outgoing)
        except TimeoutError:
            raise Failed(errors.boundless(place, "its end did not come in time")) from None
        except Elsewhere as error:
            raise Failed(self._refused(place, error.response)) from None
        except ProvisionerError:  # the file that is being sent is not the planned one
            raise
        except Exception as error:  # noqa: BLE001  # what TLS raises comes through as it is
            failure = _broken(place, error)
            if failure.outcome is Outcome.UNKNOWN:
                self._note("This service closes connections before its reply is complete.")
            raise Failed(failure) from None
        if not response.is_success:
            named = replace(place, names=tuple(_ids(request.body)))
            raise Failed(self._refused(named, response))
        return response

    def _refused(self, place: Place, response: httpx2.Response) -> Failure:
        reply = Reply(response.status_code, None, "", response, self._clean)
        was_read = response.is_closed and response.is_stream_consumed
        text = reply.text if was_read else ""
        return errors.refusal(place, errors.answer(reply.status, reply.headers, text))

    def _clean(self, text: str) -> str:
        """What the service says, without the key and the secrets that it was sent. Once it is cut,
        half of one would not be known any more.
        """
        text = without_pieces(text)
        return text if self._target.app is not None else scrub(text, self._target.key)


def _ids(value: Any) -> Iterator[str]:
    """What may be an id in a body: the texts in its lists, and under keys that say so."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from [item] if _is_id(item) and key.endswith("id") else _ids(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from [item] if _is_id(item) else _ids(item)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _SHORTEST_ID


def usable(key: str | None, variable: str) -> str:
    """The key as it can be sent; Refused, naming the environment variable, if there is none."""
    found = (key or "").strip()
    if not found:
        detail = (
            f"The environment variable `{variable}` is not set or empty, and this service needs an"
            " API key."
        )
        raise Refused(Problem("API key missing", detail, f"set it: `export {variable}=…`"))
    if not found.isascii() or not found.isprintable() or " " in found:
        detail = (
            f"The API key in `{variable}` holds what no key has: a space, a line break or a letter"
            " beyond ASCII."
        )
        raise Refused(
            Problem("API key malformed", detail, f"set `{variable}` again, to the key alone")
        )
    return found


class _Clients:
    """The connections to one service, a client for each: a client of many asks all of them for
    their health at every request.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: list[httpx2.AsyncClient] = []
        self._opened: list[httpx2.AsyncClient] = []
        self._verified: ssl.SSLContext | bool = True

    @contextmanager
    def one(self) -> Iterator[httpx2.AsyncClient]:
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
        import httpx2

        public = _without_password(self._target.base_url)
        try:
            client = self._made(connections, piecewise)
        except (httpx2.InvalidURL, ValueError) as error:
            detail = f"`{public}` cannot be used as the address of a service: {error}"
            hint = "write it like `https://host/v1`"
            raise ServiceError(Problem("Bad service address", detail, hint)) from None
        except (OSError, ImportError) as error:
            detail = f"No connection to `{public}` can be made: {error}"
            hint = "check `SSL_CERT_FILE`, `SSL_CERT_DIR` and the proxy that the environment names"
            raise ServiceError(Problem("Service unreachable", detail, hint)) from None
        self._opened.append(client)
        return client

    def _made(self, connections: int, piecewise: bool) -> httpx2.AsyncClient:
        import httpx2

        from provisioner.remote.bodies import ACCEPTED, bound
        from provisioner.remote.in_process import InProcess

        app = self._target.app
        transport: httpx2.AsyncBaseTransport | None = None
        if app is not None and piecewise:
            transport = InProcess(app)
        elif app is not None:
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        elif self._verified is True:
            self._verified = httpx2.create_ssl_context()  # it takes long, so that all share one
        # What every request carries: in bytes, because an organization beyond ASCII is for the
        # service to refuse.
        said = {
            "Authorization": f"Bearer {self._target.key}",
            "OpenAI-Organization": self._target.organization,
            "OpenAI-Project": self._target.project,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED,
            "User-Agent": f"provisioner/{__version__}",
        }
        headers = {
            name.encode(): value.encode() for name, value in said.items() if value is not None
        }
        return httpx2.AsyncClient(
            base_url=self._target.base_url,
            headers=headers,
            verify=self._verified,
            follow_redirects=True,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
            timeout=httpx2.Timeout(_READ, connect=_CONNECT, pool=None),
            event_hooks={"response": [bound, _stay]},
            transport=transport,
        )


async def _stay(response: httpx2.Response) -> None:
    """A redirect is followed on the same host alone, or whoever can write one has what was sent."""
    if not response.has_redirect_location:
        return
    before = response.request.url
    try:
        after = before.join(response.headers["location"])
        port = after.port or {"http": 80, "https": 443}.get(after.scheme)
    except Exception:  # noqa: BLE001  # what cannot even be read leads nowhere
        raise Elsewhere(response) from None
    secured = before.scheme == "http" and after.scheme == "https"
    same = after.scheme == before.scheme and port == (
        before.port or {"http": 80, "https": 443}[before.scheme]
    )
    if after.host != before.host or not (same or secured):
        raise Elsewhere(response)


def _outgoing(client: httpx2.AsyncClient, request: Request) -> httpx2.Request:
    import httpx2

    path = quote(request.path, safe="/:=@+~")
    body = dict(request.body or {})
    more: dict[str, Any] = {"headers": _own_headers(path, request.key)}
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
        more["timeout"] = httpx2.Timeout(UPLOAD, connect=_CONNECT, pool=None)
    elif request.method == "POST":
        more["json"] = body
    return client.build_request(request.method, path, **more)


def _own_headers(path: str, key: str | None) -> dict[str, str]:
    """What this request carries and not every one does."""
    headers = {} if key is None else {"Idempotency-Key": key}
    for begins, version in _BETA.items():
        if path.startswith(begins):
            headers["OpenAI-Beta"] = version
    return headers


def _broken(place: Place, error: Exception) -> Failure:
    """The failure behind an exception without a reply."""
    import httpx2

    from provisioner.remote.bodies import BadBody

    if isinstance(error, BadBody):
        return errors.boundless(place, str(error))
    unusable = (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError)
    if isinstance(error, unusable):
        return Failure(Outcome.FINAL, errors.unsent(place, error).error)
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    return errors.unsent(place, error) if isinstance(error, unsent) else errors.lost(place, error)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
    )
