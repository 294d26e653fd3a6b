"""Documents while they are replaced: a searcher always finds one version, and a broken one never wins."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.support.world import World

SPEC = {
    "vector_stores": {"kb": {"files": ["docs/*.*"]}},
    "assistants": {"a": {"model": "m", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}},
}


def found(world: World, query: str) -> list[str]:
    page = world.http("POST", "/vector_stores/${vector_store.kb}/search", {"query": query})
    return [part["text"] for hit in page["data"] for part in hit["content"]]


def test_a_searcher_never_finds_nothing(world: World) -> None:
    """Before and after every single request of an apply the document is there, in its old or its new version."""
    world.write({"specs/all.yaml": SPEC, "docs/a.md": "Vacation is 25 days.\n", "docs/b.md": "Laptops last 3 years.\n"})
    world.apply()
    store, seen = world.id("vector_store.kb"), []
    inner = world._create(world.root / ".provisioner/local", indexing_seconds=0.05)

    async def search() -> None:
        transport = httpx2.ASGITransport(inner)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://local/v1", headers={"Authorization": "Bearer x"}
        ) as client:
            reply = await client.post(f"/vector_stores/{store}/search", json={"query": "vacation days"})
            seen.append(json.dumps(reply.json()["data"]))

    def around(app: Any) -> Any:
        async def searched(scope: Any, receive: Any, send: Any) -> None:
            await search()
            await app(scope, receive, send)
            await search()

        return searched

    world.indexing_seconds, world.wrap = 0.05, around
    world.write({"docs/a.md": "Vacation is 27 days.\n"})
    world.ok("apply", "-y")
    assert len(seen) > 10
    assert all("25 days" in answer or "27 days" in answer for answer in seen)
    assert "27 days" in seen[-1] and "25 days" not in seen[-1]


def test_a_version_that_cannot_be_indexed_leaves_the_old_one(world: World) -> None:
    """Exit 1 with the reason and the name; the old version stays searchable, and nothing is left over."""
    world.write({"specs/all.yaml": SPEC, "docs/a.md": "Vacation is 25 days.\n"})
    world.apply()
    before = world.id("file.docs/a.md")
    world.write({"docs/a.md": b"\xff\xfe\x00\xd8bad"})
    failed = world.ok("apply", "-y", code=1)
    assert "Indexing failed" in failed.err and "docs/a.md" in failed.err and "old version stays" in failed.err
    assert any("25 days" in text for text in found(world, "vacation"))
    assert world.id("file.docs/a.md") == before
    assert len(world.listed("/files")) == 1
    world.write({"docs/a.md": "Vacation is 28 days.\n"})
    world.apply()


def test_a_document_that_fails_fails_alone(world: World) -> None:
    """The other documents and the store's users are made; the next apply goes on from there."""
    world.write({"specs/all.yaml": SPEC, "docs/good.md": "Good.\n", "docs/bad.pdf": "%PDF-1.4 not really"})
    failed = world.ok("apply", "-y", code=1)
    assert "docs/bad.pdf" in failed.err
    assert "assistant.a" in world.lock()["resources"]
    assert [item["filename"] for item in world.listed("/files")] == ["good.md"]
    assert world.changes() == {"file.docs/bad.pdf": "create", "vector_store.kb": "update"}
    world.write({"docs/bad.pdf": None})
    world.apply()


def test_only_the_changed_file_is_planned(world: World) -> None:
    """One changed byte among many documents is one row, and no old upload stays behind."""
    world.write({"specs/all.yaml": SPEC, **{f"docs/{number}.md": f"Document {number}.\n" for number in range(120)}})
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
