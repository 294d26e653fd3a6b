"""Documents while they are replaced: a searcher always finds one version, and a broken one never
wins.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.e2e.middleware import Odd, each
from tests.support.injecting import Injection
from tests.support.world import World

SPEC = {
    "vector_stores": {"kb": {"files": ["docs/*.*"]}},
    "assistants": {
        "a": {"model": "m", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}
    },
}


def found(world: World, query: str) -> list[str]:
    page = world.http("POST", "/vector_stores/${vector_store.kb}/search", {"query": query})
    return [part["text"] for hit in page["data"] for part in hit["content"]]


class Searcher(Injection):
    """Searches a store before and after every single request of an apply, while indexing takes its
    time.
    """

    def __init__(self, world: World, query: str) -> None:
        self.found: list[str] = []
        self._world, self._query, self._store = world, query, world.id("vector_store.kb")
        self._inner = world._create(world.root / ".provisioner/local", indexing_seconds=0.05)
        world.indexing_seconds = 0.05

    def happened(self) -> bool:
        return len(self.found) > 10

    def around(self, app: Any) -> Any:
        async def searched(scope: Any, receive: Any, send: Any) -> None:
            await self._search()
            await app(scope, receive, send)
            await self._search()

        return searched

    async def _search(self) -> None:
        transport = httpx2.ASGITransport(self._inner)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://local/v1", headers={"Authorization": "Bearer x"}
        ) as client:
            reply = await client.post(
                f"/vector_stores/{self._store}/search", json={"query": self._query}
            )
            self.found.append(json.dumps(reply.json()["data"]))


CHUNKS = {
    "path": "docs/a.md",
    "chunking": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0},
}


@pytest.mark.parametrize(
    ("edit", "code", "last"),
    [
        pytest.param({"docs/a.md": "Vacation is 27 days.\n"}, 0, "27 days", id="changed"),
        pytest.param(
            {"specs/all.yaml": {"vector_stores": {"kb": {"files": [CHUNKS]}}}},
            0,
            "25 days",
            id="re-chunked",
        ),
        pytest.param({"docs/a.md": b"\xff\xfe\x00\xd8bad"}, 1, "25 days", id="broken"),
    ],
)
def test_a_searcher_never_finds_nothing(
    world: World, edit: dict[str, Any], code: int, last: str
) -> None:
    """Before and after every single request of an apply the document is there, in its old or its
    new version.
    """
    world.write(
        {
            "specs/all.yaml": SPEC,
            "docs/a.md": "Vacation is 25 days.\n",
            "docs/b.md": "Laptops last 3 years.\n",
        }
    )
    world.apply()
    searcher = Searcher(world, "vacation days")
    world.write(edit)
    with world.behind(searcher):
        world.ok("apply", "-y", code=code)
    assert all("25 days" in answer or "27 days" in answer for answer in searcher.found)
    other = {"25 days": "27 days", "27 days": "25 days"}[last]
    assert last in searcher.found[-1] and other not in searcher.found[-1]


def test_a_version_that_cannot_be_indexed_leaves_the_old_one(world: World) -> None:
    """Exit 1 with the reason and the name; the old version stays searchable, and nothing is left
    over.
    """
    world.write({"specs/all.yaml": SPEC, "docs/a.md": "Vacation is 25 days.\n"})
    world.apply()
    before = world.id("file.docs/a.md")
    world.write({"docs/a.md": b"\xff\xfe\x00\xd8bad"})
    failed = world.ok("apply", "-y", code=1)
    assert (
        "Indexing failed" in failed.err
        and "docs/a.md" in failed.err
        and "old version stays" in failed.err
    )
    assert any("25 days" in text for text in found(world, "vacation"))
    assert world.id("file.docs/a.md") == before
    assert len(world.listed("/files")) == 1
    world.write({"docs/a.md": "Vacation is 28 days.\n"})
    world.apply()


def test_a_document_that_fails_fails_alone(world: World) -> None:
    """The other documents and the store's users are made; the next apply goes on from there."""
    world.write(
        {"specs/all.yaml": SPEC, "docs/good.md": "Good.\n", "docs/bad.pdf": "%PDF-1.4 not really"}
    )
    failed = world.ok("apply", "-y", code=1)
    assert "docs/bad.pdf" in failed.err
    assert "assistant.a" in world.lock()["resources"]
    assert [item["filename"] for item in world.listed("/files")] == ["good.md"]
    assert world.changes() == {"file.docs/bad.pdf": "create", "vector_store.kb": "update"}
    world.write({"docs/bad.pdf": None})
    world.apply()


def test_only_the_changed_file_is_planned(world: World) -> None:
    """One changed byte among many documents is one row, and no old upload stays behind."""
    world.write(
        {
            "specs/all.yaml": SPEC,
            **{f"docs/{number}.md": f"Document {number}.\n" for number in range(120)},
        }
    )
    world.apply()
    world.write({"docs/77.md": "Document 7x.\n"})
    assert world.changes() == {"file.docs/77.md": "create/delete"}
    world.apply()
    assert len(world.listed("/files")) == 120
    held = world.listed(f"/vector_stores/{world.id('vector_store.kb')}/files")
    assert [item["status"] for item in held] == ["completed"] * 120


def test_still_indexing_is_waited_for_next_time(world: World) -> None:
    """At the deadline the apply ends with 1; the next one waits on and uploads nothing again."""
    world.write({"specs/all.yaml": SPEC, "docs/a.md": "Slow.\n"})
    world.indexing_seconds = 30
    failed = world.ok("apply", "-y", "--index-timeout", "0.2", code=1)
    assert "Still indexing" in failed.err
    assert world.calls.count(("POST", "/files")) == 1
    world.calls.clear()
    waiting = world.ok("apply", "-y", "--index-timeout", "0.2", code=1)
    assert "Still indexing" in waiting.err
    assert ("POST", "/files") not in world.calls


def test_a_store_that_is_gone_holds_nothing(world: World) -> None:
    """Somebody has deleted it, and the specs have dropped it with its documents: they go with the
    same apply.
    """
    world.write(
        {
            "specs/a.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}, "two": {}}},
            "docs/a.md": "# A\n",
        }
    )
    world.apply()
    world.http("DELETE", "/vector_stores/${vector_store.kb}")
    world.write({"specs/a.yaml": {"vector_stores": {"two": {}}}, "docs/a.md": None})
    world.apply()
    assert world.listed("/files") == []


@pytest.mark.parametrize("whole", [False, True])
def test_cut_in_another_way_where_the_service_does_not_say_how(world: World, whole: bool) -> None:
    """An edit of the author's own is seen against the lock, and carried out once."""

    def untold(_: str, item: Any) -> None:
        item["chunking_strategy"] = {"type": "other"}

    cut = {"chunking": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}}
    one = {"files": ["docs/*.md"], **cut} if whole else {"files": [{"path": "docs/*.md", **cut}]}
    world.from_now_on(lambda app: Odd(app, answer=each(untold, kind="store_file")))
    world.write({"specs/all.yaml": SPEC, "docs/a.md": "# A\n"})
    world.apply()
    world.write({"specs/all.yaml": {**SPEC, "vector_stores": {"kb": one}}})
    assert world.changes()["file.docs/a.md"] == "create/delete"
    world.apply()
    (held,) = world.listed("/vector_stores/${vector_store.kb}/files")
    assert held["chunking_strategy"]["static"] == cut["chunking"]
