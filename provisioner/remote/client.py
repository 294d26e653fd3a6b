"""The verbs of a service: get, list, post, delete, upload, with everything odd about it taken note
of.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from provisioner import disk, jsontext
from provisioner.errors import NotFound, ProvisionerError, ServiceError
from provisioner.model import ID_RULE, Problem, is_id
from provisioner.remote import errors
from provisioner.remote.errors import Failure, Place
from provisioner.remote.exchange import Exchange, Failed, Reply, usable
from provisioner.remote.lists import Items, Lister, Make, collection, ends
from provisioner.remote.retries import Outcome, Retries
from provisioner.remote.settling import Settling, key_of, keys_of
from provisioner.remote.uploads import HashingReader
from provisioner.remote.wire import Request, Target
from provisioner.text import spelt

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

Object = dict[str, Any]
_T = TypeVar("_T")
CONFLICT = 409
_NOT_OURS = "look at that service: it is not what it seems to be"


class Remote:
    """A service. Opened without a connection; the first request connects.

    Every method may raise a ServiceError: NotFound, RouteMissing, Refused, QuotaExceeded, ReplyLost
    or itself. `oddities` collects, in full sentences, what this service does differently from
    OpenAI's.
    """

    def __init__(self, target: Target, retries: Retries, hints: Hints, settling: Settling) -> None:
        self.settling = settling
        self.oddities: set[str] = set()
        self._exchange = Exchange(target, retries, self.note)
        self._parallelism = target.parallelism
        self._hints = hints
        self._in_process = target.app is not None
        self._listed: dict[str, set[str]] = {}
        # Lists that nobody has asked for yet.
        self._begun: dict[tuple[str, Make | None], asyncio.Task[dict[str, Any]]] = {}

    @classmethod
    def open(
        cls,
        base_url: str,
        api_key: str | None,
        organization: str | None = None,
        project: str | None = None,
        *,
        app: Any = None,
        parallelism: int = 10,
        api_key_env: str = "OPENAI_API_KEY",
        retries: Retries | None = None,
        hints: Path | None = None,
        read_only: bool = False,
        settling: float = 0.0,
    ) -> Remote:
        """A service over HTTP(S), or `app` in this process. Refused, naming `api_key_env`, without
        a key. `hints` is a folder for what makes long lists quicker the next time; it may be
        deleted at any time. `read_only`: whatever is not a GET never leaves; asking for it is a
        programming error. `settling`: seconds in which the service may not show its own writes.
        """
        key = "local" if app is not None else usable(api_key, api_key_env)
        target = Target(base_url, key, organization, project, app, parallelism, read_only)
        named = f"{base_url} {organization} {project}"
        return cls(target, retries or Retries(), Hints(hints, named), Settling(settling))

    @property
    def seen(self) -> Mapping[str, str]:
        """`organization` and `project` that the service says the key belongs to, as far as it said
        so yet.
        """
        return self._exchange.seen

    def now(self) -> float:
        """Unix seconds by the service's own clock, as far as its replies say it."""
        return time.time() + self._exchange.ahead

    async def __aenter__(self) -> Remote:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        begun, self._begun = self._begun.values(), {}
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        await self._exchange.close()

    def note(self, oddity: str) -> None:
        """Take note of something odd about this service, in a full sentence."""
        self.oddities.add(oddity)

    def tell_waits(self, on_wait: Callable[[str], None]) -> None:
        """Have every wait reported, with its reason, in half a sentence."""
        self._exchange.on_wait = on_wait

    async def stream(
        self,
        path: str,
        ask: Callable[[AsyncOpenAI], Awaitable[AsyncStream[_T]]],
        body: Mapping[str, Any] | None = None,
        method: str = "POST",
    ) -> AsyncGenerator[_T]:
        """The events of one of the official SDK's typed streams, as they come. `ask` sends what
        `body` has to `path`; it is sent again only where nothing was carried out. ReplyLost where
        the stream breaks off.
        """
        place = self._exchange.place(method, path, body)
        named = [*keys_of(path), *self.settling.named(body)]
        stream = await self._settled(named, lambda: self._exchange.open_stream(place, ask))
        async for event in self._exchange.events(place, stream):
            yield event

    async def get(self, path: str, **params: Any) -> Object:
        """One object. That it is not there is believed at once only of one that was not written
        just now.
        """
        request = Request("GET", path, True, params)
        return self._plain(
            path, await self._settled(keys_of(path), lambda: self._exchange.send(request, _one))
        )

    async def poll(self, path: str) -> tuple[Object, float | None]:
        """One object that is waited for, and the seconds after which the service wants to be asked
        again.
        """
        request = Request("GET", path, True)
        found, after = await self._settled(
            keys_of(path), lambda: self._exchange.send(request, _one_with_pace)
        )
        return self._plain(path, found), after

    async def glance(self, path: str) -> Any:
        """Whatever a GET answers, never asked for again: for what is good to know and not
        needed.
        """
        return await self._exchange.send(Request("GET", path, True), _anything, once=True)

    async def find(self, path: str) -> Object | None:
        """One object by its id, or None when it is gone: 404, or 400 from a service that answers so
        for an id that its complete list does not hold.
        """
        try:
            return await self.get(path)
        except NotFound:
            return None
        except ServiceError as error:
            if error.status != 400:
                raise
            all_of_them, _, id = path.rpartition("/")
            if all_of_them not in self._listed:
                await self.list(all_of_them)
            if id in self._listed[all_of_them]:
                raise
        self.note(
            f"`{collection(path)}` answers 400 instead of 404 for an id that it does not know."
        )
        return None

    def begin(self, path: str, *, known: Sequence[str] = (), **params: Any) -> None:
        """Let a list be on its way: whoever asks for it next gets what is read from now on."""
        task = asyncio.create_task(self._read(path, known, params, None))
        self._begun[_name(path, params), None] = task

    def begin_made(self, path: str, make: Make, *, known: Sequence[str] = ()) -> None:
        """The same for who asks by `made`."""
        task = asyncio.create_task(self._read(path, known, {}, make))
        self._begun[_name(path, {}), make] = task

    async def list(self, path: str, *, known: Sequence[str] = (), **params: Any) -> Items:
        """Every object of a list, in the service's order. `known`: ids that may be in it, in any
        order; where `hints` are kept they are not needed.
        """
        begun = self._begun.pop((_name(path, params), None), None)
        return list((await (begun or self._read(path, known, params, None))).values())

    async def made(
        self, path: str, make: Callable[[Object], _T], *, known: Sequence[str] = ()
    ) -> dict[str, _T]:
        """What `make` makes of every object of a list, by its id: of those on one page while the
        others are on their way.
        """
        begun = self._begun.pop((_name(path, {}), make), None)
        return await (begun or self._read(path, known, {}, make))

    async def _read(
        self, path: str, known: Sequence[str], params: Mapping[str, Any], make: Make | None
    ) -> dict[str, Any]:
        async def fetch(path: str, params: Mapping[str, Any]) -> Any:
            request = Request("GET", path, True, params)
            return await self._settled(
                keys_of(path), lambda: self._exchange.send(request, _anything)
            )

        def made(item: Object) -> Any:
            item = self._in_numbers(path, item)
            if make is None:
                return item
            try:
                return make(item)
            except ServiceError as error:
                return error

        lister = Lister(fetch, self.note, path=path, params=params, make=made)
        name = _name(path, params)
        found = await lister.read(self._hints.cursors(name) or ends(known), self._parallelism)
        ids = list(found)
        self._hints.remember(name, ids, lister.page)
        if not params:
            self._listed[path] = set(ids)
        # The first in the list is the one that is reported, whatever came first.
        wrong = [one for one in found.values() if isinstance(one, ServiceError)]
        if wrong:
            raise wrong[0]
        return found

    async def post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> Object:
        """Write. Without `repeatable` it is a create: not sent again once it may have been carried
        out (ReplyLost instead), and its reply has to name an id.
        """
        request = Request("POST", path, repeatable, body=body)
        if not repeatable:
            self._listed.clear()  # what was listed before may lack what is about to be there
        read = _one if repeatable else self._created
        named = [*keys_of(path), *self.settling.named(body)]
        found = self._plain(
            path, await self._settled(named, lambda: self._exchange.send(request, read))
        )
        self.settling.wrote(key_of(path) or "/".join([*keys_of(path)[-1:], str(found["id"])]))
        return found

    def marked(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be created, with the mark of whoever records it."""
        return dict(body)

    async def submit(self, path: str, body: Mapping[str, Any], key: str) -> None:
        """Write what is answered with nothing. `key`: sent again, it is still the same."""
        request = Request("POST", path, True, body=body, key=key)
        named = [*keys_of(path), *self.settling.named(body)]
        await self._settled(named, lambda: self._exchange.send(request, _no_error_inside))

    async def delete(self, path: str) -> None:
        """Delete. What is not there any more counts as deleted."""
        try:
            request = Request("DELETE", path, True)
            await self._settled(
                keys_of(path), lambda: self._exchange.send(request, _deleted), busy=True
            )
        except NotFound:
            pass
        except ServiceError as error:  # some answer so when it is deleted a second time
            if error.status != 400 or not await self._goes(path):
                raise
        self.settling.gone(key_of(path) or path)
        for ids in self._listed.values():
            ids.discard(path.rpartition("/")[2])

    async def _goes(self, path: str) -> bool:
        """Whether an object is gone, at the latest when the service has had its time to
        show that.
        """
        self.settling.gone(key_of(path) or path)
        pauses = self.settling.pauses(time.time() + self.settling.seconds)
        while await self.find(path) is not None:
            if not await anext(pauses, False):
                return False
        return True

    async def _settled(
        self, keys: Sequence[str], ask: Callable[[], Awaitable[_T]], *, busy: bool = False
    ) -> _T:
        """Ask, and again for as long as the service may not show one of the objects that it is
        asked about. `busy`: also while something in one of them is being processed.
        """
        until = time.time() + self.settling.seconds if busy else self.settling.until(keys)
        pauses = self.settling.pauses(until)
        while True:
            begun = self.settling.now()
            try:
                return await ask()
            except ServiceError as error:
                conflict = busy and error.status == CONFLICT
                waits = conflict or self.settling.doubts(error, keys, begun)
                if not (waits and await anext(pauses, False)):
                    raise

    async def upload(
        self,
        stream: BinaryIO | HashingReader,
        filename: str,
        purpose: str,
        expires_after: Mapping[str, Any] | None = None,
    ) -> Object:
        """Upload an open file, streaming. Not sent again once it may have been carried out
        (ReplyLost). PlanError if a HashingReader finds other bytes than planned.
        """
        if self._in_process and isinstance(stream, HashingReader):
            # beforehand: a service in this process would report the broken upload as its own error
            stream.verify()
        body = {"purpose": purpose} | (
            {"expires_after": dict(expires_after)} if expires_after else {}
        )
        try:
            request = Request("POST", "/files", False, body=body, file=(filename, stream))
            found = self._plain("/files", await self._exchange.send(request, self._created))
            self.settling.wrote(str(found["id"]))
            return found
        except ProvisionerError:
            if isinstance(stream, HashingReader) and stream.problem:
                raise stream.problem from None
            raise

    async def upload_together(
        self, path: str, parts: Iterable[tuple[str, bytes]], body: Mapping[str, Any] | None = None
    ) -> Object:
        """Create something of several files, by their names. Not sent again once it may have been
        carried out (ReplyLost).
        """
        self._listed.clear()
        request = Request("POST", path, False, body=body, parts=tuple(parts))
        named = keys_of(path)
        found = await self._settled(named, lambda: self._exchange.send(request, self._created))
        self.settling.wrote(*named or [str(found["id"])])
        return found

    async def download(self, path: str) -> bytes:
        """What is no JSON, as it is."""
        request = Request("GET", path, True)
        return await self._settled(
            keys_of(path), lambda: self._exchange.send(request, lambda _, reply: reply.bytes)
        )

    def _created(self, place: Place, reply: Reply) -> Object:
        body = _created(place, reply)
        usual = (200, 201, 202) if place.path.startswith(("/agents", "/vaults")) else (200, 202)
        if reply.status not in usual:
            self.note(f"What creates is answered with {reply.status} instead of 200.")
        return body

    def _plain(self, path: str, item: Object) -> Object:
        """The object with numbers where the service shows them as text, and its id as it was asked
        for.
        """
        item = self._in_numbers(path, item)
        asked = (key_of(path) or "").rpartition("/")[2]
        if asked and item.get("id") != asked:
            if "id" in item:
                self.note(
                    f"`{collection(path)}` shows an object under another id than it was asked for."
                )
            item = {**item, "id": asked}
        return item

    def _in_numbers(self, path: str, item: Object) -> Object:
        if not numbers_as_text(item):
            return item
        self.note(f"`{collection(path)}` shows numbers as text; they are read as numbers.")
        return with_numbers(item)


def _anything(place: Place, reply: Reply) -> Any:
    if reply.body is None:
        raise Failed(errors.unreadable(place, reply.status, reply.type, reply.text, reply.why))
    return reply.body


def _deleted(place: Place, reply: Reply) -> None:
    """A deletion is believed whatever is said of it, unless that is that nothing was deleted."""
    _no_error_inside(place, reply)
    if isinstance(reply.body, dict) and reply.body.get("deleted") is False:
        detail = f"{place} answered {reply.status} with `deleted: false`: the object is still there"
        raise Failed(
            Failure(
                Outcome.FINAL, ServiceError(Problem("Not deleted", detail), status=reply.status)
            )
        )


def _one(place: Place, reply: Reply) -> Object:
    if not isinstance(reply.body, dict):
        raise Failed(errors.unreadable(place, reply.status, reply.type, reply.text, reply.why))
    _no_error_inside(place, reply)
    return reply.body


def _one_with_pace(place: Place, reply: Reply) -> tuple[Object, float | None]:
    text = reply.headers.get("openai-poll-after-ms", "")
    return _one(place, reply), int(text) / 1000 if text.isdecimal() and len(text) < 10 else None


def _created(place: Place, reply: Reply) -> Object:
    body = _one(place, reply)
    if not isinstance(body.get("id"), str):
        raise Failed(errors.unreadable(place, reply.status, reply.type, reply.text, reply.why))
    if not is_id(body["id"]):
        detail = (
            f"{place} answered {reply.status} with the id {spelt(body['id'])}, which no object can"
            " have; an id has"
        )
        problem = Problem(
            "Reply not understood", f"{detail} {ID_RULE}. What was made there stays.", _NOT_OURS
        )
        raise Failed(Failure(Outcome.FINAL, ServiceError(problem, status=reply.status)))
    return body


def _no_error_inside(place: Place, reply: Reply) -> None:
    """Some servers answer 200 and put the error into the body."""
    body = reply.body
    if isinstance(body, dict) and body.get("error") and "id" not in body:
        said = errors.answer(reply.status, reply.headers, reply.text)
        error = ServiceError(
            Problem("Request refused", f"{place} answered: {said.message}"), status=reply.status
        )
        raise Failed(Failure(Outcome.FINAL, error))


def _name(path: str, params: Mapping[str, Any]) -> str:
    """What a list is remembered by."""
    return f"{path} {sorted(params.items())}"


class Hints:
    """Cursors by list; without a folder it knows nothing and remembers nothing."""

    def __init__(self, folder: Path | None, service: str) -> None:
        self._folder, self._service = folder, service

    def cursors(self, name: str) -> list[str]:
        """The last id of each page but the last, in the order of the list."""
        if self._folder is None:
            return []
        try:
            kept = jsontext.read(disk.read(self._file(self._folder, name), disk.LARGEST))
        except (OSError, jsontext.Unreadable):
            return []
        return [id for id in kept if is_id(id)] if isinstance(kept, list) else []

    def remember(self, name: str, ids: Sequence[str], page: int) -> None:
        """Take note of a list that was just read in full; a folder that cannot be written does no
        harm.
        """
        if self._folder is None or len(ids) <= page:
            return
        last_ids = list(ids[page - 1 : len(ids) - 1 : page])
        disk.cache(self._file(self._folder, name), json.dumps(last_ids).encode())

    def _file(self, folder: Path, name: str) -> Path:
        return disk.cached(folder, f"{self._service} {name}")


_NUMBERS = frozenset(
    {
        "bytes",
        "created_at",
        "expires_at",
        "temperature",
        "top_p",
        "days",
        "seconds",
        "max_num_results",
        "score_threshold",
        "max_chunk_size_tokens",
        "chunk_overlap_tokens",
        "in_progress",
        "completed",
    }
)
# Below an object: what holds numbers of the service's own. Metadata, attributes and schemas are the
# author's.
_PARTS = frozenset(
    {
        "expires_after",
        "file_counts",
        "chunking_strategy",
        "static",
        "tools",
        "file_search",
        "ranking_options",
    }
)
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")


def numbers_as_text(item: Mapping[str, Any]) -> bool:
    """Whether an object shows a number as text."""
    for name, value in item.items():
        sort = type(value)
        if sort is str:
            if name in _NUMBERS and _is_number(value):
                return True
        elif (sort is dict or sort is list) and name in _PARTS:
            for part in value if sort is list else (value,):
                if isinstance(part, dict) and numbers_as_text(part):
                    return True
    return False


def with_numbers(item: Mapping[str, Any]) -> dict[str, Any]:
    """The same object with numbers for them."""
    found = dict(item)
    for name, value in item.items():
        if name in _NUMBERS and _is_number(value):
            found[name] = float(value) if set(value) & set(".eE") else int(value)
        elif name in _PARTS and isinstance(value, Mapping):
            found[name] = with_numbers(value)
        elif name in _PARTS and isinstance(value, list):
            found[name] = [
                with_numbers(part) if isinstance(part, Mapping) else part for part in value
            ]
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
