"""Lists read in full, page by page or from several known places at once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeVar

from provisioner.errors import ServiceError
from provisioner.model import Problem, is_id
from provisioner.records import dataclass

_Item = dict[str, Any]
Items = list[_Item]
Fetch = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
Make = Callable[[_Item], Any]
"""What becomes of an object of a list as soon as its page is there."""

PAGE = 100
FILES_PAGE = 10_000  # `/files` alone has larger pages
_MOST = 250_000  # objects of one list, and a fiftieth of that in pages: a list that goes on is none
_WORTHWHILE = 300  # known ids: below that, one page after the other is as fast


@dataclass(frozen=True, slots=True)
class _Page:
    items: list[tuple[str, Any]]  # each with its id
    more: bool | None  # None: the service does not say
    last: str | None


@dataclass(slots=True)
class _Walk:
    """One way through the list, from a cursor to where another walk began, or to the end."""

    start: str | None
    items: dict[str, Any] = field(default_factory=dict)
    met: str | None = None  # the cursor of the walk that goes on from here
    beyond: list[str] = field(default_factory=list)  # ids on the last page behind `met`
    dropped: bool = False  # the service does not know the cursor any more


class Lister:
    """Reads one list in full, from several cursors at once where some are known.

    Cursors that were the ends of pages the last time take as many requests as one page after the
    other, but all at once; any other ids take a few more. The result is the same: a cursor that is
    gone is dropped.
    """

    def __init__(
        self,
        fetch: Fetch,
        note: Callable[[str], None],
        *,
        path: str,
        params: Mapping[str, Any],
        make: Make,
    ) -> None:
        self._fetch, self._note, self._path, self._params = fetch, note, path, params
        self._make = make
        self._limit = FILES_PAGE if path.strip("/") == "files" else PAGE

    @property
    def page(self) -> int:
        """Objects on a page."""
        return self._limit

    async def read(self, cursors: Sequence[str], walkers: int) -> dict[str, Any]:
        """What was made of each object, by its id, in the order of the list."""
        starts = spread(cursors, walkers)
        if not starts:
            return (await self._walk(_Walk(None), frozenset())).items
        stops = frozenset(starts)
        walks = await together(
            self._walk(_Walk(start), stops - {start}) for start in (None, *starts)
        )
        # Everything found, in the order of the list: the walk from the top, then each that goes
        # on from it.
        by_start = {walk.start: walk for walk in walks}
        by_id: dict[str, Any] = {}
        walk = by_start.pop(None, None)
        while walk:
            _extend(by_id, walk.items)
            walk = by_start.pop(walk.met, None)
        for rest in by_start.values():
            _extend(by_id, rest.items)
        # Whether the walks join: what one saw behind the start of the next, that one (or
        # another) saw too, and nobody relied on a walk that never began.
        dropped = {walk.start for walk in walks if walk.dropped}
        relied_on = {walk.met for walk in walks}
        beyond = {id for walk in walks for id in walk.beyond}
        if not (dropped.isdisjoint(relied_on) and beyond <= by_id.keys()):
            self._note(
                f"`{collection(self._path)}` is listed in an order that changes from one request to"
                " the next."
            )
            _extend(by_id, (await self._walk(_Walk(None), frozenset())).items)
        return by_id

    async def _walk(self, walk: _Walk, stops: frozenset[str]) -> _Walk:
        cursor, pages = walk.start, 0
        while not walk.met:
            page = await self._page(cursor, walk)
            pages += 1
            if len(walk.items) + len(page.items) > _MOST or pages > _MOST / 50:
                most = f"at most {_MOST:,} are read, in {_MOST // 50:,} pages"
                detail = (
                    f"The list `{self._path}` goes on after {len(walk.items):,} objects; {most}."
                )
                raise ServiceError(
                    Problem("List without end", detail, "look at that service; nothing was changed")
                )
            before = len(walk.items)
            self._take(page, walk, stops)
            if page.more is False or not page.items or walk.dropped or walk.met:
                break
            if len(walk.items) == before or page.last is None:
                if page.more:
                    raise self._stuck(cursor)
                break
            cursor = page.last
        return walk

    def _take(self, page: _Page, walk: _Walk, stops: frozenset[str]) -> None:
        for id, item in page.items:
            if walk.met:
                walk.beyond.append(id)
            elif id != walk.start:
                walk.items.setdefault(id, item)
                walk.met = id if id in stops else None

    async def _page(self, cursor: str | None, walk: _Walk) -> _Page:
        query = {**self._params, "limit": self._limit}
        if cursor is not None:
            query["after"] = cursor
        try:
            reply = await self._fetch(self._path, query)
            envelope = reply if isinstance(reply, dict) else {}
            data = reply if isinstance(reply, list) else envelope.get("data")
            if not isinstance(data, list):
                raise ServiceError(
                    Problem("Reply not understood", f"The list `{self._path}` has no `data`.")
                )
            more = envelope.get("has_more")
            if not isinstance(more, bool):
                self._note(f"`{collection(self._path)}` is listed without `has_more`.")
                more = None
            items = [
                (item["id"], self._make(item))
                for item in data
                if isinstance(item, dict) and is_id(item.get("id"))
            ]
            if len(items) < len(data):
                what = (
                    "lists what has no id, or one that no object can have; that is left out, and"
                    " nobody knows what it is"
                )
                self._note(f"`{collection(self._path)}` {what}.")
            last = items[-1][0] if items else envelope.get("last_id")
            return _Page(items, more, last if is_id(last) else None)
        except ServiceError as error:
            if error.status in (400, 404, 422) and cursor is not None and cursor == walk.start:
                walk.dropped = True
                return _Page([], False, None)
            if error.status not in (400, 422) or self._limit == PAGE:
                raise
        self._note(f"`{collection(self._path)}` refuses pages of {self._limit}.")
        self._limit = PAGE
        return await self._page(cursor, walk)

    def _stuck(self, cursor: str | None) -> ServiceError:
        detail = (
            f"The list `{self._path}` says that there is more, but shows nothing new after"
            f" `{cursor}`."
        )
        return ServiceError(
            Problem(
                "List does not advance", detail, "the service ignores `after`; nothing was changed"
            )
        )


def collection(path: str) -> str:
    """The collection that a path is of or in, the same for every store:
    `/vector_stores/…/files`.
    """
    parts = path.strip("/").split("/")
    return "/" + "/".join(
        "…" if at % 2 else part for at, part in enumerate(parts[: 1 + len(parts[1:]) // 2 * 2])
    )


def ends(known: Sequence[str]) -> Sequence[str]:
    """Cursors out of ids that were in the list, in any order: too few are not worth it."""
    return known[PAGE - 1 : len(known) - 1 : PAGE] if len(known) > _WORTHWHILE else ()


def spread(cursors: Sequence[str], walkers: int) -> tuple[str, ...]:
    """Where further walks begin, so that `walkers` of them share the pages evenly."""
    stride = math.ceil((len(cursors) + 1) / walkers)
    return tuple(dict.fromkeys(cursors[stride - 1 :: stride]))


def _extend(by_id: dict[str, Any], more: Mapping[str, Any]) -> None:
    for id, item in more.items():
        by_id.setdefault(id, item)


_T = TypeVar("_T")


async def together(coroutines: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Run all at once and return their results in the same order."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


A = TypeVar("A")
B = TypeVar("B")


async def both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Two of different types at once."""
    done: list[Any] = await together([first, second])
    return done[0], done[1]
