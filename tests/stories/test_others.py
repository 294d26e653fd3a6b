"""What somebody else uses is never deleted: their stores and assistants are looked at before
anything goes.
"""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.engine import others
from provisioner.model import Live
from tests.support.world import World

SPEC: dict[str, Any] = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {
        "a": {
            "model": "gpt-4o",
            "tools": [
                {"type": "file_search", "vector_stores": ["kb"]},
                {"type": "code_interpreter", "files": ["data/c.csv"]},
            ],
        }
    },
}
FILES = {"docs/a.md": "alpha\n", "docs/b.md": "beta\n", "data/c.csv": "x\n1\n"}


@pytest.fixture
def shared(world: World) -> World:
    """A store of theirs that holds our `a.md`, and an assistant of theirs that names our `c.csv`
    and our store.
    """
    world.write({"specs/all.yaml": SPEC, **FILES})
    world.apply()
    theirs = world.http("POST", "/vector_stores", {"name": "Theirs"})["id"]
    world.http("POST", f"/vector_stores/{theirs}/files", {"file_id": "${file.docs/a.md}"})
    resources = {
        "file_search": {"vector_store_ids": ["${vector_store.kb}"]},
        "code_interpreter": {"file_ids": ["${file.data/c.csv}"]},
    }
    tools = [{"type": "file_search"}, {"type": "code_interpreter"}]
    world.http(
        "POST",
        "/assistants",
        {"model": "m", "name": "Bot", "tools": tools, "tool_resources": resources},
    )
    world.calls.clear()
    return world


def deletes(world: World) -> list[str]:
    """What was deleted; that a file is taken out of a store is another thing."""
    return [path for method, path in world.calls if method == "DELETE" and path.count("/") == 2]


def theirs_is_whole(world: World, ids: dict[str, str]) -> None:
    """What they refer to is there, and their store still holds and finds our first `a.md`."""
    theirs = next(store for store in world.listed("/vector_stores") if store["name"] == "Theirs")
    assert [item["id"] for item in world.listed(f"/vector_stores/{theirs['id']}/files")] == [
        ids["file.docs/a.md"]
    ]
    assert {item["id"] for item in world.listed("/files")} >= {
        ids["file.docs/a.md"],
        ids["file.data/c.csv"],
    }
    assert ids["vector_store.kb"] in {store["id"] for store in world.listed("/vector_stores")}


def ids(world: World) -> dict[str, str]:
    return {
        address: entry["id"]
        for address, entry in world.lock()["resources"].items()
        if "id" in entry
    }


def test_new_versions_leave_what_they_use(shared: World) -> None:
    """New bytes are uploaded and used here; the old files stay as deposed, and the plan says for
    whom.
    """
    before = ids(shared)
    shared.write({"docs/a.md": "alpha two\n", "docs/b.md": "beta two\n", "data/c.csv": "x\n2\n"})
    shown = shared.ok("plan").out
    assert "docs/a.md 6 → 10 B (the old one stays, used by the vector store `vs_" in shown
    assert (
        "the old one stays, used by the assistant `asst_" in shown
        and "(`Bot`)" in shown
        and "(`Theirs`)" in shown
    )
    shared.calls.clear()
    shared.ok("apply", "-y")
    assert deletes(shared) == [f"/files/{before['file.docs/b.md']}"]
    theirs_is_whole(shared, before)
    lock = shared.lock()["resources"]
    assert lock["file.docs/a.md"]["deposed"] == [{"id": before["file.docs/a.md"]}]
    assert lock["file.data/c.csv"]["deposed"] == [{"id": before["file.data/c.csv"]}]
    shared.settled()
    assert f"{before['file.docs/a.md']}, still used by the vector store" in shared.ok("plan").out


def test_what_stays_is_not_said_to_be_deleted(shared: World) -> None:
    """A document that they hold leaves our store and is not a loss; the one that nobody holds is
    deleted.
    """
    shared.write({"specs/all.yaml": {**SPEC, "vector_stores": {"kb": {"files": []}}}})
    shown = shared.ok("plan", "--format", "markdown", "--force").out
    assert "2 documents taken out, 1 of them deleted: docs/a.md, docs/b.md" in shown.replace(
        "\\", ""
    )


def test_it_goes_once_nobody_uses_it(shared: World) -> None:
    """When they let go of it, the next plan deletes the old file."""
    before = ids(shared)
    shared.write({"docs/a.md": "alpha two\n"})
    shared.ok("apply", "-y")
    theirs = next(store for store in shared.listed("/vector_stores") if store["name"] == "Theirs")
    shared.http("DELETE", f"/vector_stores/{theirs['id']}/files/{before['file.docs/a.md']}")
    assert (
        f"- file.docs/a.md  ({before['file.docs/a.md']}, no longer used by anything)"
        in shared.ok("plan").out
    )
    shared.apply()
    assert before["file.docs/a.md"] not in {item["id"] for item in shared.listed("/files")}


def test_a_replaced_store_keeps_its_documents_for_them(shared: World) -> None:
    """`--replace` makes a new store; the one that their assistant searches stays, and so does all
    that is in it.
    """
    before = ids(shared)
    shared.ok("apply", "-y", "--replace", "vector_store.kb")
    theirs_is_whole(shared, before)
    held = {
        item["id"] for item in shared.listed(f"/vector_stores/{before['vector_store.kb']}/files")
    }
    assert held == {before["file.docs/a.md"], before["file.docs/b.md"]}
    shared.settled()
    shared.write({"docs/b.md": "beta two\n"})
    shared.apply()
    held = {
        item["id"] for item in shared.listed(f"/vector_stores/{before['vector_store.kb']}/files")
    }
    assert before["file.docs/b.md"] in held


def test_destroy_leaves_what_they_use(shared: World) -> None:
    """Everything of ours goes but what they still refer to, which the lock goes on naming."""
    before = ids(shared)
    result = shared.ok("destroy", "-y")
    assert "stays, used by the assistant" in result.out
    theirs_is_whole(shared, before)
    assert {item["id"] for item in shared.listed("/files")} == {
        before["file.docs/a.md"],
        before["file.docs/b.md"],
        before["file.data/c.csv"],
    }
    assert [bot["name"] for bot in shared.listed("/assistants")] == ["Bot"]
    assert "id" not in shared.lock()["resources"]["vector_store.kb"]


def test_a_saved_plan_asks_again(shared: World) -> None:
    """Somebody who begins to use a file between the plan and its apply stops the apply."""
    shared.write({"docs/b.md": "beta two\n"})
    shared.ok("plan", "--out", "b.plan")
    theirs = next(store for store in shared.listed("/vector_stores") if store["name"] == "Theirs")
    shared.http("POST", f"/vector_stores/{theirs['id']}/files", {"file_id": "${file.docs/b.md}"})
    shared.calls.clear()
    result = shared.ok("apply", "b.plan", code=1)
    assert "error: Stale plan" in result.err and "is used by the vector store" in result.err
    assert not [call for call in shared.calls if call[0] != "GET"]


def test_nothing_is_asked_where_nothing_goes(shared: World) -> None:
    """A plan that deletes nothing reads what it would read without others, whatever they have."""
    shared.write({"docs/d.md": "delta\n"})
    shared.ok("plan")
    reads = [path for _, path in shared.calls if "/files" in path and path != "/files"]
    assert reads == [f"/vector_stores/{shared.id('vector_store.kb')}/files"]


def test_every_list_is_read_once(shared: World) -> None:
    """However many files go, assistants and stores are listed once, and the files of each store of
    others once.
    """
    shared.write({"docs/a.md": "1\n", "docs/b.md": "2\n", "data/c.csv": "y\n"})
    shared.calls.clear()
    shared.ok("plan")
    paths = [path for _, path in shared.calls]
    assert len(paths) == len(set(paths))
    assert sum(path.endswith("/files") and path != "/files" for path in paths) == 2


def test_too_many_to_ask(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asking would take more than a thousand requests, every file stays, and the plan says
    why.
    """
    monkeypatch.setattr(others, "_MOST", 0)
    before = ids(shared)
    shared.write({"docs/b.md": "beta two\n"})
    shown = shared.ok("plan").out
    assert (
        "used by possibly others: asking the 1 other vector stores would take 1 requests" in shown
    )
    shared.apply()
    assert before["file.docs/b.md"] in {item["id"] for item in shared.listed("/files")}


def test_their_count_of_files_is_the_price(shared: World) -> None:
    """A store of theirs with thousands of files costs a request a page."""
    stores = [Live(f"vs_{count}", {}, file_count=count) for count in (0, 100, 101)]
    assert others.requests(stores) == 1 + 1 + 2
