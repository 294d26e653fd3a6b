"""In which order an apply writes, and what is left when any one of its writes is refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from tests.support.drifting import applied_once
from tests.support.injecting import Watching
from tests.support.world import World

SEARCH = {"type": "file_search", "vector_stores": ["kb"]}
BEFORE: dict[str, Any] = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}, "old": {"files": ["old.md"]}},
    "assistants": {
        "bot": {
            "model": "gpt-4o",
            "tools": [SEARCH, {"type": "code_interpreter", "files": ["n.csv"]}],
        },
        "going": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["old"]}]},
    },
}
AFTER: dict[str, Any] = {
    "vector_stores": {"kb": {"description": "Rules", "files": ["docs/*.md"]}},
    "assistants": {
        "bot": {
            "model": "gpt-5",
            "tools": [SEARCH, {"type": "code_interpreter", "files": ["n.csv"]}],
        },
        "new": {"model": "gpt-4o", "tools": [SEARCH]},
    },
}
FILES = {"docs/a.md": "alpha\n", "docs/c.md": "gamma\n", "old.md": "old\n", "n.csv": "1\n"}
EDITS = {"docs/a.md": "alpha two\n", "docs/b.md": "beta\n", "docs/c.md": None, "n.csv": "2\n"}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = World(tmp_path_factory.mktemp("before"))
    found.write({"provisioner.yaml": {"workspace": "acme"}, "specs/all.yaml": BEFORE, **FILES})
    return applied_once(found)


@pytest.fixture
def edited(world: World, before: Path) -> World:
    """A workspace in which everything happens at once: new, changed, replaced and going objects of
    every kind.
    """
    shutil.copytree(before, world.root, dirs_exist_ok=True)
    world.write({"specs/all.yaml": AFTER, **EDITS})
    return world


Names = dict[str, str]  # by id


def names(world: World, sort: str = "") -> Names:
    """What the lock calls each object; files by their path."""
    resources = world.lock()["resources"]
    return {
        entry["id"]: f"{sort}{address}" for address, entry in resources.items() if entry.get("id")
    }


class Watch:
    """Middleware that takes down each write with what it makes, in the order in which they end, and
    may refuse one.
    """

    def __init__(self, world: World, refused: int | None = None) -> None:
        self.world, self.refused, self.seen = world, refused, list[tuple[str, str]]()

    def around(self, app: Any) -> Any:
        async def watched(scope: Any, receive: Any, send: Any) -> None:
            path, made = scope["path"].removeprefix("/v1"), bytearray()
            if scope["method"] == "GET":
                await app(scope, receive, send)
                return
            self.seen.append((scope["method"], path))
            if len(self.seen) - 1 == self.refused:
                await JSONResponse({"error": {"message": "not now"}}, 400)(scope, receive, send)
                return

            async def heard(message: Any) -> None:
                made.extend(message.get("body", b""))
                await send(message)

            at = len(self.seen) - 1
            await app(scope, receive, heard)
            if path in ("/files", "/assistants", "/vector_stores"):
                self.seen[at] = (scope["method"], f"{path}/{json.loads(made)['id']}")

        return watched

    def reported(self, named: Names) -> list[str]:
        """`POST assistant.bot`: each write by the name of its object."""
        lines = []
        for method, path in self.seen:
            parts = path.strip("/").split("/")
            rest = f" {parts[2]}" if len(parts) > 2 else ""
            lines.append(f"{method} {named[parts[1]]}{rest}")
        return lines


# What has to be over before what.
ORDER = [
    (
        "POST vector_store.kb",
        "POST file.docs/a.md",
    ),  # a store tells others whose uploads there may be
    ("POST vector_store.kb", "POST file.n.csv"),
    ("POST file.docs/a.md", "POST vector_store.kb file_batches"),
    ("POST file.docs/b.md", "POST vector_store.kb file_batches"),
    ("POST vector_store.kb file_batches", "POST assistant.bot"),
    ("POST vector_store.kb file_batches", "POST assistant.new"),
    ("POST file.n.csv", "POST assistant.bot"),
    ("POST assistant.bot", "DELETE old vector_store.kb"),
    ("POST assistant.bot", "DELETE old file.n.csv"),
    ("DELETE old vector_store.kb", "DELETE old file.docs/a.md"),
    ("DELETE old vector_store.kb", "DELETE old file.docs/c.md"),
    ("DELETE old assistant.going", "DELETE old vector_store.old"),
    ("DELETE old vector_store.old", "DELETE old file.old.md"),
]


@pytest.mark.parametrize("parallelism", ["1", "10"])
def test_what_comes_before_what(edited: World, parallelism: str) -> None:
    """What is made comes before those who use it; what goes, goes after them. Each thing is written
    once.
    """
    before, watch = names(edited, "old "), Watch(edited)
    with edited.behind(Watching(watch.around)):
        edited.apply("--parallelism", parallelism)
    seen = watch.reported(
        {**before, **{id: name for id, name in names(edited).items() if id not in before}}
    )
    bot = "POST old assistant.bot"  # the same object as before
    seen = [line.replace(bot, "POST assistant.bot") for line in seen]
    assert sorted(seen) == sorted({line for pair in ORDER for line in pair})
    late = [(first, then) for first, then in ORDER if seen.index(first) > seen.index(then)]
    assert not late, seen


WRITES = 14
BATCH = 4  # which is sent again file by file
TRIED = range(WRITES) if os.environ.get("PROVISIONER_THOROUGH") else (0, 3, BATCH, 6, 7, 11)


def whole(world: World) -> None:
    """Nothing that is used is gone: whatever an assistant searches or runs with is there, with
    documents in it; and the lock names nothing that is not there.
    """
    files = {item["id"] for item in world.listed("/files")}
    stores = {store["id"] for store in world.listed("/vector_stores")}
    assistants = world.listed("/assistants")
    for assistant in assistants:
        resources = assistant["tool_resources"] or {}
        assert {*(resources.get("code_interpreter") or {}).get("file_ids", ())} <= files
        for store in (resources.get("file_search") or {}).get("vector_store_ids", ()):
            assert store in stores
            assert world.listed(f"/vector_stores/{store}/files")
    there = {*files, *stores, *(assistant["id"] for assistant in assistants)}
    assert {id for id in names(world) if id not in there} == set()


@pytest.mark.parametrize("at", TRIED)
def test_any_write_may_be_refused(edited: World, at: int) -> None:
    """Whichever write the service refuses, what is used stays whole; the next apply does the rest,
    and no more.
    """
    watch = Watch(edited, refused=at)
    with edited.behind(watch.around):
        refused = edited.ok("apply", "-y", "--parallelism", "1", code=int(at != BATCH))
    assert len(watch.seen) > at and ("not now" in refused.err) is (at != BATCH)
    whole(edited)
    edited.apply()
    whole(edited)
    assert sorted(item["filename"] for item in edited.listed("/files")) == ["a.md", "b.md", "n.csv"]
    assert sorted(item["name"] for item in edited.listed("/assistants")) == ["bot", "new"]
    assert [item["description"] for item in edited.listed("/vector_stores")] == ["Rules"]
