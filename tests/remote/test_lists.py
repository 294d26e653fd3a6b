from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from provisioner.errors import ServiceError
from provisioner.model import Problem
from provisioner.remote import Remote, Retries
from provisioner.remote.client import Hints
from provisioner.remote.lists import collection, ends, spread


class Listing:
    """A service with one list, and the habits that a test gives it."""

    def __init__(
        self, count: int, *, has_more: bool = True, strict_cursor: int = 404, after: bool = True
    ) -> None:
        self.ids = [f"asst_{number:05}" for number in range(count)]
        self.requests = 0
        self._has_more, self._strict, self._after = has_more, strict_cursor, after
        self.shuffled = False
        self.most = 100
        self.late = 0.0  # seconds that the first page takes
        self.twice = False  # whether each page has its first object once more
        self.app = Starlette(routes=[Route("/v1/{path:path}", self._list)])

    async def _list(self, request: Request) -> JSONResponse:
        self.requests += 1
        limit, after = int(request.query_params.get("limit", 20)), request.query_params.get("after")
        if limit > self.most:
            return JSONResponse({"error": {"message": "limit is too large"}}, 400)
        start = 0
        if after and self._after:
            if after not in self.ids:
                return JSONResponse({"error": {"message": "no such cursor"}}, self._strict)
            start = self.ids.index(after) + 1
        page = self.ids[start : start + limit]
        if start == 0:
            await asyncio.sleep(self.late)
        if self.twice:
            page.insert(1, page[0])
        body: dict[str, Any] = {"object": "list", "data": [{"id": id} for id in page]}
        if self._has_more:
            body["has_more"] = start + limit < len(self.ids)
        if self.shuffled:
            random.Random(self.requests).shuffle(self.ids)
        return JSONResponse(body)

    def read(
        self, path: str = "/assistants", known: Sequence[str] = (), **options: Any
    ) -> tuple[list[str], set[str]]:
        async def run() -> tuple[list[str], set[str]]:
            retries = Retries(base=0)
            async with Remote.open(
                "http://odd/v1", "", app=self.app, retries=retries, **options
            ) as remote:
                items = await remote.list(path, known=known)
                return [item["id"] for item in items], remote.oddities

        return asyncio.run(run())


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1000, 1001])
def test_every_page_is_read_and_none_more(count: int) -> None:
    """⌈N/100⌉ requests, at least one, for everything in the order of the service."""
    service = Listing(count)

    ids, oddities = service.read()

    assert ids == service.ids
    assert service.requests == max(1, -(-count // 100))
    assert oddities == set()


def test_hints_make_the_second_reading_parallel_and_cost_nothing(tmp_path: Path) -> None:
    """Cursors remembered from the last time take exactly as many requests, also when there is more
    by now.
    """
    service = Listing(1000)
    service.read(hints=tmp_path)
    service.requests = 0

    assert service.read(hints=tmp_path)[0] == service.ids
    assert service.requests == 10

    service.ids = [f"asst_new{number}" for number in range(30)] + service.ids
    service.requests = 0
    assert service.read(hints=tmp_path)[0] == service.ids
    assert service.requests == 11


def test_a_list_that_was_begun_is_read_once() -> None:
    """Whoever asks first gets what was begun; after that the list is read anew. One that nobody
    asks for ends with the connection.
    """
    service = Listing(150)

    async def run() -> list[int]:
        async with Remote.open("http://odd/v1", "", app=service.app) as remote:
            remote.begin("/assistants")
            remote.begin("/threads")
            counts = []
            for _ in range(2):
                counts += [len(await remote.list("/assistants")), service.requests]
        return counts

    found = asyncio.run(run())
    assert found[::2] == [150, 150]
    assert found[3] - found[1] >= 2


def test_a_page_is_made_into_objects_while_others_are_on_their_way() -> None:
    """What becomes of an object does not wait for the end of its list, begun or not."""
    service = Listing(250)
    requests: list[int] = []

    def make(item: dict[str, Any]) -> str:
        requests.append(service.requests)
        return str(item["id"]).upper()

    async def run() -> list[dict[str, str]]:
        async with Remote.open("http://odd/v1", "", app=service.app) as remote:
            remote.begin_made("/assistants", make)
            found = [await remote.made("/assistants", make)]
            assert service.requests == 3
            return [*found, await remote.made("/assistants", make)]

    wanted = {id: id.upper() for id in service.ids}
    assert asyncio.run(run()) == [wanted, wanted]
    assert (requests[0], requests[100], requests[200], requests[250]) == (1, 2, 3, 4)


def test_of_what_nothing_can_be_made_the_first_in_the_list_is_reported(tmp_path: Path) -> None:
    """Which page came first makes no difference, and neither does a second object of the same id."""
    service = Listing(500)
    service.read(hints=tmp_path)
    faulty = {service.ids[50], service.ids[450]}
    seen: list[str] = []

    def make(item: dict[str, Any]) -> str:
        seen.append(str(item["id"]))
        if seen.count(seen[-1]) > 1 or seen[-1] in faulty:
            raise ServiceError(Problem("Reply not understood", seen[-1]))
        return seen[-1]

    async def run() -> list[str]:
        async with Remote.open("http://odd/v1", "", app=service.app, hints=tmp_path) as remote:
            return list(await remote.made("/assistants", make))

    service.late = 0.05  # the page from the top
    with pytest.raises(ServiceError, match=service.ids[50]):
        asyncio.run(run())
    assert seen.index(service.ids[450]) < seen.index(service.ids[50])
    faulty.clear()
    seen.clear()
    service.twice = True
    assert asyncio.run(run()) == service.ids


def test_hints_let_the_pages_be_read_side_by_side(tmp_path: Path) -> None:
    """With as many walkers as pages, nobody waits for another page."""
    service = Listing(1000)
    service.read(hints=tmp_path)
    most = 0
    now = 0

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        await service.app(scope, receive, send)
        now -= 1

    async def run() -> int:
        async with Remote.open("http://odd/v1", "", app=slow, hints=tmp_path) as remote:
            return len(await remote.list("/assistants"))

    assert asyncio.run(run()) == 1000
    assert most == 10


@pytest.mark.parametrize("damage", ["", "{}", "[1, null]", '["asst_00001", "nonsense"]'])
def test_damaged_hints_do_no_harm(tmp_path: Path, damage: str) -> None:
    """A hint is only a hint."""
    service = Listing(1000)
    service.read(hints=tmp_path)
    for file in tmp_path.iterdir():
        file.write_text(damage)

    assert sorted(service.read(hints=tmp_path)[0]) == service.ids


@pytest.mark.parametrize("strict", [404, 400])
def test_known_ids_in_any_order_find_everything(strict: int) -> None:
    """Random known ids, many of them gone by now, still give the whole list in its order."""
    service = Listing(1500, strict_cursor=strict)
    known = [*service.ids, *(f"asst_gone{number}" for number in range(700))]
    random.Random(1).shuffle(known)

    ids, oddities = service.read(known=known)

    assert ids == service.ids
    assert oddities == set()


def test_an_order_that_changes_is_noticed() -> None:
    """Where the walks do not join, the list is read again from its top, and the oddity is named."""
    service = Listing(2000)
    service.shuffled = True

    _, oddities = service.read(known=service.ids[::-1])

    assert any("order that changes" in oddity for oddity in oddities)


def test_a_list_without_has_more_ends_at_an_empty_page() -> None:
    """The client goes on until nothing comes."""
    service = Listing(250, has_more=False)

    ids, oddities = service.read()

    assert ids == service.ids
    assert oddities == {"`/assistants` is listed without `has_more`."}


def test_a_server_that_shows_everything_at_once_is_believed() -> None:
    """No `has_more` and no `after`: the second page is the first one, so that was all."""
    service = Listing(30, has_more=False, after=False)

    assert service.read()[0] == service.ids


def test_a_list_that_does_not_advance_is_a_problem() -> None:
    """More is promised, but `after` is ignored: half a list must not be taken for the whole."""
    with pytest.raises(ServiceError, match="List does not advance"):
        Listing(250, after=False).read()


def test_files_come_ten_thousand_at_a_time_where_the_service_can() -> None:
    """One request for 5,000 files; pages of 100 from a service that refuses more."""
    generous = Listing(5000)
    generous.most = 10_000
    assert len(generous.read("/files")[0]) == 5000
    assert generous.requests == 1

    strict = Listing(500)
    ids, oddities = strict.read("/files")
    assert ids == strict.ids
    assert oddities == {"`/files` refuses pages of 10000."}


@pytest.mark.parametrize("body", [{"data": None}, {}, {"data": "x"}])
def test_a_list_without_data_is_a_problem(scripted: Any, body: Any) -> None:
    """What is not a list is not an empty list."""
    with pytest.raises(ServiceError, match="has no `data`"):
        scripted((200, body)).tell(lambda remote: remote.list("/assistants"))


def test_a_bare_array_is_a_list(scripted: Any) -> None:
    """Some servers leave the envelope out."""
    assert scripted((200, [{"id": "a"}, "odd", {"no": "id"}])).tell(
        lambda remote: remote.list("/assistants")
    ) == [{"id": "a"}]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/assistants", "/assistants"),
        ("/assistants/asst_1", "/assistants"),
        ("/vector_stores/vs_1/files", "/vector_stores/…/files"),
        ("/vector_stores/vs_1/files/file-1", "/vector_stores/…/files"),
        ("/vector_stores/vs_1/file_batches/b/files", "/vector_stores/…/file_batches/…/files"),
    ],
)
def test_the_name_of_a_list(path: str, name: str) -> None:
    """What is odd about a list is told of all lists of its sort, whatever the store or the
    object.
    """
    assert collection(path) == name


@pytest.mark.parametrize(
    ("cursors", "walkers", "starts"),
    [
        ("", 10, ""),
        ("abcd", 1, ""),
        ("abcd", 10, "abcd"),
        ("abcd", 2, "c"),
        ("abcdefgh", 3, "cf"),
        ("aabb", 10, "ab"),
    ],
)
def test_walkers_share_the_pages(cursors: str, walkers: int, starts: str) -> None:
    """Each of the walkers begins as many pages after the other, none of them twice."""
    assert "".join(spread(cursors, walkers)) == starts


@pytest.mark.parametrize(
    ("known", "places"), [(0, []), (300, []), (301, [99, 199, 299]), (400, [99, 199, 299])]
)
def test_known_ids_as_cursors(known: int, places: list[int]) -> None:
    """Every hundredth of many known ids but the last; few are not worth it."""
    assert list(ends([str(at) for at in range(known)])) == [str(at) for at in places]


def test_what_is_remembered(tmp_path: Path) -> None:
    """The last id of each page but the last, for this list of this service; a short list needs
    none.
    """
    hints = Hints(tmp_path / "new/folder", "service")
    hints.remember("/assistants", [str(at) for at in range(250)], 100)
    assert hints.cursors("/assistants") == ["99", "199"]
    hints.remember("/assistants", [str(at) for at in range(200)], 100)
    assert hints.cursors("/assistants") == ["99"]
    hints.remember("/short", [str(at) for at in range(100)], 100)
    assert hints.cursors("/short") == hints.cursors("/files") == []
    assert Hints(tmp_path / "new/folder", "another").cursors("/assistants") == []
    assert Hints(None, "service").cursors("/assistants") == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing can be remembered, nothing is."""
    (tmp_path / "file").touch()
    hints = Hints(tmp_path / "file", "service")
    hints.remember("/assistants", [str(at) for at in range(250)], 100)
    assert hints.cursors("/assistants") == []
