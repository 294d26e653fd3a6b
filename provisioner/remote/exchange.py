"""One request and its reply: the only user of `openai`, which it imports with the first request."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from provisioner import jsontext
from provisioner.errors import Refused, ServiceError
from provisioner.masking import scrub
from provisioner.model import Problem
from provisioner.remote import errors
from provisioner.remote.errors import Failure, Place
from provisioner.remote.retries import Outcome, Pace, Retries

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


T = TypeVar("T")

_CONNECT, _READ = 10.0, 120.0  # seconds
UPLOAD = 600.0  # seconds that sending one file, or waiting for its reply, may take
LONGEST, LONGEST_UPLOAD = (
    300.0,
    6000.0,
)  # seconds from a request to the end of its reply, however steadily it trickles
_SHORTEST_ID = 8
_BETA = ("/assistants", "/vector_stores")
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


@dataclass(frozen=True, slots=True)
class Reply:
    """A 2xx reply whose body is JSON, or nothing where nothing is needed; `why` it is nothing, in
    half a sentence.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str
    why: str = ""

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
        # Waiting here and not for a connection: the pool is no larger than the parallelism and
        # never times out.
        self._slots = asyncio.Semaphore(target.parallelism)
        self._client: AsyncOpenAI | None = None

    def place(self, method: str, path: str) -> Place:
        return Place(method, self._public, path)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def send(
        self, request: Request, read: Callable[[Place, Reply], T], *, once: bool = False
    ) -> T:
        """Send, read the reply with `read` (which may raise Failed), and, unless `once`, try again
        as the policy allows.
        """
        if (
            self._target.read_only and request.method != _READ_ONLY
        ):  # an `assert` could be switched off
            raise AssertionError(f"{request.method} while only reading")
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

    async def _once(self, place: Place, request: Request) -> Reply:
        if self._client is None:
            self._client = _connect(self._target)
        import httpx2
        import openai

        try:
            async with self._slots, asyncio.timeout(LONGEST_UPLOAD if request.file else LONGEST):
                response = await _call(self._client, request)
        except TimeoutError:
            raise Failed(errors.boundless(place, "its end did not come in time")) from None
        except openai.APIStatusError as error:
            named = replace(place, names=tuple(_ids(request.body)))
            raise Failed(self._refused(named, error.response)) from None
        except (Elsewhere, openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            elsewhere = (
                error if isinstance(error, Elsewhere) else error.__cause__
            )  # the SDK may have wrapped it
            if isinstance(elsewhere, Elsewhere):
                raise Failed(self._refused(place, elsewhere.response)) from None
            failure = _broken(place, error)
            if failure.outcome is Outcome.UNKNOWN:
                self._note("This service closes connections before its reply is complete.")
            raise Failed(failure) from None
        return self._reply(place, response)

    def _reply(self, place: Place, response: httpx2.Response) -> Reply:
        for name in ("organization", "project"):
            value = response.headers.get(f"openai-{name}")
            if value and value == self._clean(
                value
            ):  # what is seen is kept in the lock, which is not a place for a key
                self.seen[name] = value
        date = response.headers.get("date") or ""
        with suppress(ValueError, TypeError, OverflowError):
            self.ahead = parsedate_to_datetime(date).timestamp() - time.time()
        if response.request.method != place.method:  # a redirect turned a write into a read
            raise Failed(self._refused(place, response.history[0]))
        headers, text = self._headers(response), self._clean(response.text)
        try:
            return Reply(response.status_code, headers, jsontext.read(response.content), text)
        except jsontext.Unreadable as error:
            return Reply(response.status_code, headers, None, text, str(error))

    def _refused(self, place: Place, response: httpx2.Response) -> Failure:
        text = response.text if response.is_closed and response.is_stream_consumed else ""
        return errors.refusal(
            place, errors.answer(response.status_code, self._headers(response), self._clean(text))
        )

    def _headers(self, response: httpx2.Response) -> Mapping[str, str]:
        return {name: self._clean(value) for name, value in response.headers.items()}

    def _clean(self, text: str) -> str:
        """What the service says, without the key that it was sent."""
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


def _connect(target: Target) -> AsyncOpenAI:
    load_sdk()
    import httpx2
    import openai

    from provisioner.remote.bodies import bound

    limits = httpx2.Limits(
        max_connections=target.parallelism, max_keepalive_connections=target.parallelism
    )
    options: dict[str, Any] = {
        "limits": limits,
        "timeout": httpx2.Timeout(_READ, connect=_CONNECT, pool=None),
    }
    options["event_hooks"] = {"response": [bound, _stay]}
    if target.app is not None:
        options["transport"] = httpx2.ASGITransport(app=target.app, raise_app_exceptions=False)
    try:
        http = openai.DefaultAsyncHttpx2Client(**options)
        client = openai.AsyncOpenAI(
            api_key=target.key, base_url=target.base_url, http_client=http, max_retries=0
        )
    except (openai.OpenAIError, httpx2.InvalidURL, ValueError) as error:
        detail = (
            f"`{_without_password(target.base_url)}` cannot be used as the address of a service:"
            f" {error}"
        )
        raise ServiceError(
            Problem("Bad service address", detail, "write it like `https://host/v1`")
        ) from None
    # Set and not passed: left out, the SDK would take them from the surroundings, not from the
    # workspace.
    client.organization, client.project = target.organization, target.project
    return client


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


async def _call(client: AsyncOpenAI, request: Request) -> httpx2.Response:
    import httpx2

    path = quote(request.path, safe="/:=@+~")
    headers = {"OpenAI-Beta": "assistants=v2"} if path.startswith(_BETA) else {}
    options: Any = {"headers": headers}
    if request.params:
        options["params"] = request.params
    if request.method == _READ_ONLY:
        return await client.get(path, cast_to=httpx2.Response, options=options)
    if request.method == "DELETE":
        return await client.delete(path, cast_to=httpx2.Response, options=options)
    files: Any = None
    if request.file:
        files = [("file", request.file)]
        headers["Content-Type"] = "multipart/form-data"
        options["timeout"] = httpx2.Timeout(UPLOAD, connect=_CONNECT, pool=None)
    return await client.post(
        path, cast_to=httpx2.Response, body=dict(request.body or {}), files=files, options=options
    )


def _broken(place: Place, error: Exception) -> Failure:
    """The failure behind an exception without a reply."""
    import httpx2

    from provisioner.remote.bodies import BadBody

    cause = error.__cause__ or error
    if isinstance(cause, BadBody):
        return errors.boundless(place, str(cause))
    if isinstance(
        cause, (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError)
    ):
        failure = errors.unsent(place, cause)
        return Failure(Outcome.FINAL, failure.error)
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    return errors.unsent(place, cause) if isinstance(cause, unsent) else errors.lost(place, cause)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
    )


_LATE = ("openai.types", "openai.lib")


def load_sdk() -> None:
    """Import `openai`. Packages of types are filled when somebody first asks one for a name that is
    no module.
    """
    if "openai" in sys.modules:
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        import_module("openai")
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    """Finds the packages below `_LATE`, to be loaded late."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(_LATE):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found and found.loader and found.submodule_search_locations:
            found.loader = _Later(found.loader)
        return found


class _Later(Loader):
    """Leaves a package empty; its modules can be imported all the same."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Late


class _Late(ModuleType):
    """A package that may not have run yet."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if name.startswith("__") or spec is None or not isinstance(spec.loader, _Later):
            raise AttributeError(f"module `{self.__name__}` has no attribute `{name}`")
        try:
            return import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            spec.loader = spec.loader.loader
            spec.loader.exec_module(self)
            return getattr(self, name)
