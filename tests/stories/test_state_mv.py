"""`state mv`: the stamp of an object says its new address, or nothing is moved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.test_apis import gone
from tests.support.world import World

LOCK = ".provisioner/local/lock.json"
STORE: dict[str, Any] = {"files": ["docs/a.md"], "metadata": {"team": "hr"}}


def specs(assistant: str, store: str) -> dict[str, Any]:
    tools = [{"type": "file_search", "vector_stores": [store]}]
    return {
        "vector_stores": {store: {**STORE, "name": "K"}},
        "assistants": {assistant: {"model": "gpt-4o", "name": "A", "tools": tools}},
    }


@pytest.fixture
def applied(world: World) -> World:
    world.write({"specs/all.yaml": specs("a", "kb"), "docs/a.md": "# A\n"})
    world.write({"provisioner.yaml": {"workspace": "w"}})
    world.apply()
    return world


def stamp(world: World, path: str) -> str:
    return str(world.http("GET", path)["metadata"].get("provisioner"))


def test_the_object_is_stamped_anew(applied: World) -> None:
    """With the new address and the serial of the lock; what others have put beside it stays, and
    the files of a store carry their own paths.
    """
    lineage, serial = applied.lock()["lineage"][:8], applied.lock()["serial"]
    path, store = f"/assistants/{applied.id('assistant.a')}", applied.id("vector_store.kb")
    mark = stamp(applied, path)
    applied.http("POST", path, {"metadata": {"provisioner": mark, "theirs": "x"}})
    held = applied.listed(f"/vector_stores/{store}/files")

    applied.ok("state", "mv", "assistant.a", "assistant.b")
    applied.ok("state", "mv", "vector_store.kb", "vector_store.docs")

    assert applied.http("GET", path)["metadata"] == {
        "provisioner": f"w/local/assistant.b#{lineage}.{serial + 1}",
        "theirs": "x",
    }
    docs = f"w/local/vector_store.docs#{lineage}.{serial + 2}"
    assert stamp(applied, f"/vector_stores/{store}") == docs
    assert applied.listed(f"/vector_stores/{store}/files") == held
    assert applied.lock()["serial"] == serial + 2
    applied.write({"specs/all.yaml": specs("b", "docs")})
    applied.settled()


def test_a_lost_lock_is_rebuilt_with_the_new_address(applied: World) -> None:
    """Nothing but the stamps is left to know of the move."""
    id = applied.id("assistant.a")
    applied.ok("state", "mv", "assistant.a", "assistant.b")
    (applied.root / LOCK).unlink()

    applied.ok("state", "rebuild")

    assert applied.id("assistant.b") == id
    assert "assistant.a" not in applied.lock()["resources"]


def test_a_lock_of_before_is_behind(applied: World) -> None:
    """A colleague who does not have the new lock yet is told so, and can rebuild it."""
    old = (applied.root / LOCK).read_text()
    applied.ok("state", "mv", "assistant.a", "assistant.b")
    applied.write({LOCK: old})

    assert "Lock is behind" in applied.ok("apply", "-y", code=1).err
    applied.ok("state", "rebuild")
    assert "assistant.b" in applied.lock()["resources"]


@pytest.mark.parametrize(
    "action",
    [
        {"status": 400},
        pytest.param({"reset": "before"}, marks=pytest.mark.thorough),
        pytest.param({"reset": "after"}, marks=pytest.mark.thorough),
    ],
    ids=["refused", "out of reach", "lost"],
)
def test_nothing_is_moved_without_the_service(applied: World, action: dict[str, Any]) -> None:
    """Refused, out of reach, or with a lost reply: the lock has the old address, the plan is empty,
    and the same command finishes it.
    """
    rule = {"match": {"method": "POST", "path": "^/v1/assistants/"}, "action": action}
    with applied.failing(rule):
        refused = applied.ok("state", "mv", "assistant.a", "assistant.b", code=1)
    assert "error: " in refused.err and not refused.out
    assert "The lock still has assistant.a" in refused.err
    assert "assistant.a" in applied.lock()["resources"]
    applied.ok("plan", "--detailed-exitcode")

    applied.ok("state", "mv", "assistant.a", "assistant.b")

    assert "/assistant.b#" in stamp(applied, f"/assistants/{applied.id('assistant.b')}")
    applied.write({"specs/all.yaml": specs("b", "kb")})
    applied.settled()


def test_nothing_is_moved_without_a_key(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said plainly, before anything is written; no journal is left."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    origin = {"base_url": "https://x.example/v1", "organization": None, "project": None}
    text = (applied.root / LOCK).read_text().replace('"base_url": "local"', '"base_url": "U"')
    environment = {"service": origin["base_url"], "lock": "x.lock.json"}
    applied.write(
        {
            "x.lock.json": text.replace('"U"', f'"{origin["base_url"]}"'),
            "provisioner.yaml": {"workspace": "w", "environments": {"local": environment}},
        }
    )
    before = (applied.root / "x.lock.json").read_text()

    refused = applied.ok("state", "mv", "assistant.a", "assistant.b", code=1)

    assert "OPENAI_API_KEY" in refused.err
    assert (applied.root / "x.lock.json").read_text() == before
    assert not (applied.root / "x.lock.json.journal").exists()


def test_what_needs_no_stamp(applied: World) -> None:
    """An object that is gone, or that somebody else has stamped: only the lock is written."""
    id = applied.id("assistant.a")
    other = "w/local/assistant.z#12345678.9"
    applied.http("POST", f"/assistants/{id}", {"metadata": {"provisioner": other}})
    applied.ok("state", "mv", "assistant.a", "assistant.b")
    assert stamp(applied, f"/assistants/{id}") == other

    applied.http("DELETE", f"/assistants/{id}")
    applied.ok("state", "mv", "assistant.b", "assistant.c")
    assert "assistant.c" in applied.lock()["resources"]
    with applied.behind(gone):
        applied.ok("state", "mv", "assistant.c", "assistant.d")
    assert "assistant.d" in applied.lock()["resources"]


def test_a_request_profile_and_a_file_need_no_service(applied: World) -> None:
    """Neither has a stamp of its own: a file has one in the stores that hold it, which the next
    apply writes.
    """
    local = {"service": "local", "api": "responses"}
    applied.write({"provisioner.yaml": {"workspace": "w", "environments": {"local": local}}})
    applied.apply()
    applied.calls.clear()

    applied.ok("state", "mv", "assistant.a", "assistant.b")
    applied.ok("state", "mv", "file.docs/a.md", "file.docs/b.md")

    assert not applied.calls
    (applied.root / "docs/a.md").rename(applied.root / "docs/b.md")
    moved = specs("b", "kb")
    moved["vector_stores"]["kb"]["files"] = ["docs/b.md"]
    applied.write({"specs/all.yaml": moved})
    applied.apply()
    applied.settled()
