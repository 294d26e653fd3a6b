"""An apply of which a part is refused: nothing is deleted that somebody still uses, and the lock
says what is so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.support.world import World

SPEC: dict[str, Any] = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {
        "a": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}
    },
}
FILES = {"docs/a.md": "alpha\n", "docs/b.md": "beta\n"}
STORES, ASSISTANTS, UPLOADS = (
    "^/v1/vector_stores/[^/]+$",
    "^/v1/assistants/[^/]+$",
    "^/v1/files/[^/]+$",
)


@contextmanager
def failing(world: World, rule: dict[str, Any]) -> Iterator[None]:
    """The service with a fault."""
    world.calls.clear()
    with world.failing(rule):
        yield


def refusing(world: World, method: str, path: str) -> AbstractContextManager[None]:
    """The service refuses such requests."""
    return failing(world, {"match": {"method": method, "path": path}, "action": {"status": 400}})


def deleted(world: World) -> list[str]:
    """What was deleted, by the first part of its path; what was taken out of a store is another
    thing.
    """
    return [
        path.split("/")[1]
        for method, path in world.calls
        if method == "DELETE" and path.count("/") == 2
    ]


def closed(world: World) -> None:
    """Nothing is left of the apply but the lock."""
    assert [path.name for path in (world.root / ".provisioner/local").glob("lock.json*")] == [
        "lock.json"
    ]


def held(world: World) -> list[str]:
    """The files at the service, by name."""
    return sorted(item["filename"] for item in world.listed("/files"))


@pytest.fixture
def applied(world: World) -> World:
    world.write({"provisioner.yaml": {"workspace": "acme"}, "specs/all.yaml": SPEC, **FILES})
    world.apply()
    return world


def test_a_store_stays_while_its_user_could_not_be_changed(applied: World) -> None:
    """The assistant was to stop searching the store, which was to go with its documents. The
    service refuses the change: so the assistant goes on searching the store, and neither that nor a
    document in it is deleted.
    """
    applied.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o"}}}})
    with refusing(applied, "POST", ASSISTANTS):
        result = applied.ok("apply", "-y", code=1)
    assert deleted(applied) == []
    assert "vector_store.kb: skipped, still used by `assistant.a`" in result.out + result.err
    assert "file.docs/a.md: skipped, still used by `vector_store.kb`" in result.out + result.err
    assert "destroyed" not in result.out
    assert "Skipped: file.docs/a.md, file.docs/b.md, vector_store.kb." in result.out
    assert held(applied) == ["a.md", "b.md"]
    applied.calls.clear()
    applied.apply()
    assert sorted(deleted(applied)) == ["files", "files", "vector_stores"]


def test_an_old_store_stays_whole_while_its_user_could_not_be_changed(applied: World) -> None:
    """The store is replaced by one without `b.md`, and the assistant cannot be pointed to it. It
    goes on searching the old store, which so keeps all that it holds.
    """
    applied.write(
        {
            "specs/all.yaml": {
                **SPEC,
                "vector_stores": {"kb": {"description": "x", "files": ["docs/a.md"]}},
            }
        }
    )
    old = applied.id("vector_store.kb")
    with refusing(applied, "POST", ASSISTANTS):
        result = applied.ok("apply", "-y", code=1)
    assert deleted(applied) == []
    assert "vector_store.kb: skipped, still used by `assistant.a`" in result.err
    assert len(applied.listed(f"/vector_stores/{old}/files")) == 2
    applied.calls.clear()
    applied.apply()
    assert sorted(deleted(applied)) == ["files", "vector_stores"]
    assert held(applied) == ["a.md"]


def test_a_deposed_store_keeps_its_documents(applied: World) -> None:
    """An assistant still searches an old store that holds an old version of a document. As long as
    it cannot be changed, neither of the two is deleted.
    """
    applied.write(
        {
            "specs/all.yaml": {
                **SPEC,
                "vector_stores": {"kb": {"description": "x", "files": ["docs/*.md"]}},
            }
        }
    )
    old = applied.id("vector_store.kb")
    with refusing(applied, "POST", ASSISTANTS):
        applied.ok("apply", "-y", code=1)
    applied.write({"docs/a.md": "alpha two\n"})
    for _ in range(2):  # the second time the old version is deposed as well
        with refusing(applied, "POST", ASSISTANTS):
            applied.ok("apply", "-y", code=1)
        assert deleted(applied) == []
    assert len(applied.listed(f"/vector_stores/{old}/files")) == 2
    applied.calls.clear()
    applied.apply()
    assert sorted(deleted(applied)) == ["files", "vector_stores"]
    assert held(applied) == ["a.md", "b.md"]


@pytest.mark.parametrize(
    ("path", "specs", "options", "left"),
    [
        pytest.param(
            ASSISTANTS, {"vector_stores": SPEC["vector_stores"]}, (), "assistant.a", id="an object"
        ),
        pytest.param(
            STORES, SPEC, ("--replace", "vector_store.kb"), "vector_store.kb", id="an old object"
        ),
        pytest.param(
            UPLOADS, SPEC, ("--replace", "file.docs/a.md"), "file.docs/a.md", id="an old document"
        ),
    ],
)
def test_a_refused_delete(
    applied: World, path: str, specs: Any, options: tuple[str, ...], left: str
) -> None:
    """What the service will not delete is not counted as destroyed, stays in the lock, and is
    deleted the next time. Nothing is open: the service has said that it is there.
    """
    applied.write({"specs/all.yaml": specs})
    with refusing(applied, "DELETE", path):
        result = applied.ok("apply", "-y", *options, code=1)
    assert "destroyed" not in result.out and "Request refused" in result.err
    assert left in applied.lock()["resources"]
    closed(applied)
    attempts = len(deleted(applied))
    applied.calls.clear()
    applied.apply()
    assert len(deleted(applied)) == attempts == 1


def test_a_deposed_object_that_is_not_deleted(applied: World) -> None:
    """An old object whose deletion is refused again is tried again, and counted when it has
    gone.
    """
    with refusing(applied, "DELETE", STORES):
        applied.ok("apply", "-y", "--replace", "vector_store.kb", code=1)
    (old,) = applied.lock()["resources"]["vector_store.kb"]["deposed"]
    with refusing(applied, "DELETE", STORES):
        again = applied.ok("apply", "-y", code=1)
    assert "destroyed" not in again.out and "deposed" not in again.out
    assert applied.lock()["resources"]["vector_store.kb"]["deposed"] == [old]
    closed(applied)
    assert "1 destroyed" in applied.ok("apply", "-y").out
    assert "deposed" not in applied.lock()["resources"]["vector_store.kb"]


def test_an_orphan_that_is_not_deleted(applied: World) -> None:
    """An orphan whose deletion is refused is not counted, and nothing is left open."""
    stamp = f"acme/local/assistant.x#{applied.lock()['lineage'][:8]}.1"
    applied.http("POST", "/assistants", {"model": "gpt-4o", "metadata": {"provisioner": stamp}})
    with refusing(applied, "DELETE", ASSISTANTS):
        result = applied.ok("apply", "-y", "--prune-orphans", code=1)
    assert "destroyed" not in result.out
    closed(applied)
    assert "1 destroyed" in applied.ok("apply", "-y", "--prune-orphans").out
    assert len(applied.listed("/assistants")) == 1


def test_an_upload_that_cannot_be_taken_back(applied: World) -> None:
    """A document that cannot be indexed is taken back. Where the service will not delete it, that
    is said as well, nothing is open, and the next apply goes on from there.
    """
    applied.write(
        {
            "specs/all.yaml": {"vector_stores": {"kb": {"files": ["docs/*"]}}},
            "docs/bad.pdf": "%PDF-1.4 not really",
        }
    )
    with refusing(applied, "DELETE", UPLOADS):
        result = applied.ok("apply", "-y", code=1)
    assert "Indexing failed" in result.err and "Request refused" in result.err
    assert "1 added" not in result.out
    assert held(applied) == ["a.md", "b.md", "bad.pdf"]
    closed(applied)
    applied.write({"docs/bad.pdf": None})
    applied.apply()
    assert held(applied) == ["a.md", "b.md"]


BOTH = {"kb": {"files": ["docs/*"]}, "two": {"files": ["docs/data.json"]}}
RUNNER = {
    "a": {"model": "gpt-4o", "tools": [{"type": "code_interpreter", "files": ["docs/data.json"]}]}
}


def test_an_upload_that_an_assistant_can_use_is_not_taken_back(applied: World) -> None:
    """A document that the store cannot index stays where a code interpreter uses it."""
    stores = {"kb": {"files": ["docs/*"]}}
    applied.write(
        {"specs/all.yaml": {"vector_stores": stores, "assistants": RUNNER}, "docs/data.json": "{}"}
    )
    with failing(
        applied, {"match": {"filename": "data.json"}, "action": {"fails": "invalid_file"}}
    ):
        result = applied.ok("apply", "-y", code=1)
    assert "Indexing failed" in result.err
    assert deleted(applied) == []
    used = applied.http("GET", "/assistants/${assistant.a}")["tool_resources"]["code_interpreter"][
        "file_ids"
    ]
    assert used == [applied.id("file.docs/data.json")]
    applied.apply()
    assert held(applied) == ["a.md", "b.md", "data.json"]


def test_an_upload_that_another_store_holds_is_not_taken_back(applied: World) -> None:
    """A document that one store would not take stays where another one has it."""
    applied.write({"specs/all.yaml": {"vector_stores": BOTH}, "docs/data.json": "{}"})
    with refusing(applied, "POST", f"^/v1/vector_stores/{applied.id('vector_store.kb')}/file"):
        result = applied.ok("apply", "-y", code=1)
    assert "answered 400" in result.err
    assert deleted(applied) == ["assistants"]
    assert len(applied.listed(f"/vector_stores/{applied.id('vector_store.two')}/files")) == 1
    before = applied.id("file.docs/data.json")
    applied.apply()
    assert applied.id("file.docs/data.json") == before
    assert held(applied) == ["a.md", "b.md", "data.json"]
