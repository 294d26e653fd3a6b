"""One request and its reply, over connections that are made with the first request."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from provisioner import jsontext
from provisioner.errors import ProvisionerError, Refused
from provisioner.masking import scrub, without_pieces
from provisioner.model import Problem
from provisioner.records import dataclass
from provisioner.remote import errors
from provisioner.remote.bodies import BadBody
from provisioner.remote.errors import Failure, Place
from provisioner.remote.retries import Outcome, Pace, Retries
from provisioner.remote.sent import note_write
from provisioner.remote.wire import (
    CONNECT,
    LONGEST,
    LONGEST_UPLOAD,
    SILENCE,
    Elsewhere,
    Received,
    Request,
    Target,
    Unreached,
    Unsendable,
    without_password,
)

if TYPE_CHECKING:
    import ssl

    from openai import AsyncOpenAI, AsyncStream

    from provisioner.remote.direct import Direct
    from provisioner.remote.library import Clients


T = TypeVar("T")

_SHORTEST_ID = 8
_READ_ONLY = "GET"


@dataclass(frozen=True, slots=True)
class Reply:
    """A 2xx reply whose body is JSON, or nothing where nothing is needed; `why` it is nothing, in
    half a sentence.
    """

    status: int
    body: Any
    why: str
    received: Received
    clean: Callable[[str], str]

    @property
    def text(self) -> str:
        """The body as it came, to be shown."""
        return self.clean(self.received.text)

    @property
    def bytes(self) -> bytes:
        """The body as it came, where it is not text."""
        return self.received.content or b""

    @property
    def headers(self) -> Mapping[str, str]:
        return {name: self.clean(value) for name, value in self.received.headers.items()}

    @property
    def type(self) -> str:
        return self.headers.get("content-type", "")


class Failed(Exception):
    """A reply that came and cannot be used; carries what it means for the next attempt."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


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
        self._public = without_password(target.base_url)
        self._slots = asyncio.Semaphore(target.parallelism)
        self._redirected = False

    def place(self, method: str, path: str, body: Any = None) -> Place:
        """A request as errors name it; `body`, so that they can say what it names is gone."""
        return Place(method, self._public, path, names=tuple(_ids(body)))

    async def close(self) -> None:
        for made in ("_clients", "_direct"):
            if way := self.__dict__.pop(made, None):
                await way.close()

    @cached_property
    def _clients(self) -> Clients:
        from provisioner.remote.library import Clients

        return Clients(self._target)

    @cached_property
    def _direct(self) -> Direct | None:
        """The quicker way of what is no file; None where there is none."""
        if self._target.app is not None:
            return None
        from provisioner.remote.direct import way

        return way(self._target, lambda: self._trust)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """What every connection holds certificates against: it takes long to make."""
        from provisioner.remote.trust import system_trust

        return system_trust() or self._clients.verified()

    async def open_stream(
        self, place: Place, ask: Callable[[AsyncOpenAI], Awaitable[AsyncStream[T]]]
    ) -> AsyncStream[T]:
        """A stream of the official SDK; asked for again only where nothing was carried out."""
        self._check_writing(place.method)
        if place.method != _READ_ONLY:
            await note_write()
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
            timeout=httpx2.Timeout(SILENCE, connect=CONNECT, pool=None),
            max_retries=0,
        )
        # Set and not passed: left out, it would take them from the surroundings, not from the
        # workspace.
        client.organization, client.project = self._target.organization, self._target.project
        return client

    def _failure(self, place: Place, error: Exception) -> Failure:
        """What an exception of the SDK means; what is our own goes on as it is."""
        from openai import APIConnectionError, APIError, APIStatusError

        from provisioner.remote.library import known, received

        if isinstance(error, ProvisionerError):
            raise error
        if isinstance(error, APIStatusError):
            return self._refused(place, received(error.response))
        if isinstance(error, APIConnectionError) or not isinstance(error, APIError):
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            if isinstance(cause, Elsewhere):
                return self._refused(place, cause.received)
            return _broken(place, known(cause))
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

    async def _once(self, place: Place, request: Request) -> Reply:
        async with self._slots:
            if request.method != _READ_ONLY:
                await note_write()
            received = await self._answered(place, request)
        for name in ("organization", "project"):
            value = received.headers.get(f"openai-{name}")
            # It is kept in the lock, which is not a place for a key.
            if value and value == self._clean(value):
                self.seen[name] = value
        date = received.headers.get("date") or ""
        with suppress(ValueError, TypeError, OverflowError):
            self.ahead = parsedate_to_datetime(date).timestamp() - time.time()
        body, why = None, ""
        try:
            body = jsontext.read(received.content or b"")
        except jsontext.Unreadable as error:
            why = str(error)
        return Reply(received.status, body, why, received, self._clean)

    async def _answered(self, place: Place, request: Request) -> Received:
        try:
            async with asyncio.timeout(
                LONGEST_UPLOAD if request.file or request.parts else LONGEST
            ):
                received = await self._sent(request)
        except TimeoutError:
            raise Failed(errors.boundless(place, "its end did not come in time")) from None
        except Elsewhere as error:
            raise Failed(self._refused(place, error.received)) from None
        except ProvisionerError:  # the file that is being sent is not the planned one
            raise
        except Exception as error:  # noqa: BLE001  # what TLS raises comes through as it is
            failure = _broken(place, error)
            if failure.outcome is Outcome.UNKNOWN:
                self._note("This service closes connections before its reply is complete.")
            raise Failed(failure) from None
        if not 200 <= received.status < 300:
            named = replace(place, names=tuple(_ids(request.body)))
            raise Failed(self._refused(named, received))
        return received

    async def _sent(self, request: Request) -> Received:
        """A request and its reply, by the quicker way if there is one. A library knows how a
        redirect is followed, and is asked at once from then on.
        """
        direct = self._direct
        if request.file or request.parts or self._redirected or direct is None:
            return await self._clients.send(request)
        received = await direct.send(request)
        if not (300 <= received.status < 400 and "location" in received.headers):
            return received
        self._redirected = True
        return await self._clients.follow(request, received)

    def _refused(self, place: Place, received: Received) -> Failure:
        reply = Reply(received.status, None, "", received, self._clean)
        return errors.refusal(place, errors.answer(reply.status, reply.headers, reply.text))

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


def _broken(place: Place, error: Exception) -> Failure:
    """The failure behind an exception without a reply."""
    if isinstance(error, BadBody):
        return errors.boundless(place, str(error))
    if isinstance(error, Unsendable):
        return Failure(Outcome.FINAL, errors.unsent(place, error).error)
    return (
        errors.unsent(place, error) if isinstance(error, Unreached) else errors.lost(place, error)
    )
