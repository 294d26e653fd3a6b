"""What the lock says will be listed is asked for while the specs are read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.engine.refresh import RefreshRequest
from provisioner.model import Address, LockState
from provisioner.remote import Remote
from provisioner.remote.settling import LOCK
from provisioner.workspace import Workspace
from tests.e2e.serving import point_at, served
from tests.support.world import World

DOCUMENTS = {"docs/a.md": "Leave is 30 days.\n", "docs/b.md": "Trains are second class.\n"}
SPEC = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {"a": {"model": "gpt-4o"}},
}


@pytest.fixture
def applied(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Assistants, a store and its files, applied to a service over HTTP."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    world.write({"specs/all.yaml": SPEC, **DOCUMENTS})
    with served(world.app()) as url:
        point_at(world, url, settling=0)
        world.ok("apply", "-y")
        world.calls.clear()
        yield world


def slow(monkeypatch: pytest.MonkeyPatch, reached: threading.Event) -> list[bool]:
    """Let specs be read only once the service was asked for something, for three seconds at
    most; whether it was.
    """
    found: list[bool] = []
    compiled = Workspace.compile

    def later(self: Workspace, *arguments: Any) -> Any:
        found.append(reached.wait(3))
        return compiled(self, *arguments)

    monkeypatch.setattr(Workspace, "compile", later)
    return found


def noting(app: Any, reached: threading.Event) -> Any:
    """The same service, which says that it was asked for something."""

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        reached.set()
        await app(scope, receive, send)

    return noted


def test_lists_are_read_beside_the_specs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request does not wait for the specs, and nothing is asked for twice."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    reached = threading.Event()
    world.write({"specs/all.yaml": SPEC, **DOCUMENTS})
    with served(noting(world.app(), reached)) as url:
        point_at(world, url, settling=0)
        world.ok("apply", "-y")
        world.calls.clear()
        reached.clear()
        asked = slow(monkeypatch, reached)
        world.settled()
    assert asked == [True]
    store = world.id("vector_store.kb")
    wanted = ["/assistants", "/files", "/vector_stores", f"/vector_stores/{store}/files"]
    lists = [(method, path) for method, path in world.calls if path != "/models"]
    assert sorted(lists) == [("GET", path) for path in wanted]


def test_what_is_declared_since_is_listed_as_well(applied: World) -> None:
    """A kind that the lock knows nothing of is asked for once the specs are read."""
    applied.write({"specs/all.yaml": {"assistants": SPEC["assistants"]}})
    applied.ok("apply", "-y")
    applied.write({"specs/all.yaml": SPEC})
    assert applied.changes()["vector_store.kb"] == "create"


def test_faulty_specs_are_all_that_is_said(applied: World) -> None:
    """The lists that nobody needs any more go without a word."""
    applied.write({"specs/all.yaml": {"assistants": {"a": {"modell": "gpt-4o"}}}})
    result = applied.ok("plan", code=1)
    assert result.out == ""
    assert "Unknown field" in result.err or "modell" in result.err
    assert "Task" not in result.err and "Traceback" not in result.err


def test_faulty_specs_come_before_a_missing_key(
    applied: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to look for a key to learn that a spec is wrong."""
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "API key missing" in applied.ok("plan", code=1).err
    applied.write({"specs/all.yaml": {"assistants": {"a": {"modell": "gpt-4o"}}}})
    result = applied.ok("plan", code=1)
    assert "modell" in result.err
    assert "API key missing" not in result.err


def test_a_service_that_fails_is_reported_once(applied: World) -> None:
    """A list that fails fails the plan, as it would if it had been asked for later."""
    rule = {"match": {"path": "/v1/assistants"}, "action": {"status": 401}}
    with applied.perhaps_failing(rule), served(applied.app()) as url:
        point_at(applied, url, settling=0)
        lock = applied.root / ".provisioner/local/lock.json"
        origin = applied.lock()["origin"]["base_url"]
        lock.write_text(lock.read_text().replace(origin, url))
        result = applied.ok("plan", code=1)
    assert result.err.count("error:") == 1
    assert "Task" not in result.err and "Traceback" not in result.err


def test_what_was_begun_in_doubt_stays_in_doubt() -> None:
    """Lists that were begun while the service might not show our last write are read again, also
    where the specs took so long that it would be believed by now.
    """
    lock = LockState("w", "e", lineage="l", serial=1, origin={})
    remote = Remote.open("http://nowhere.invalid", "sk-test", settling=30)
    request = RefreshRequest(remote, lock, desired={}, imports={}, ours=("w", "e"), doubted=5.0)
    assert request.until() == 5.0
    remote.settling.wrote(LOCK)
    assert (request.until() or 0) > time.time()


def test_specs_are_read_again_where_they_were_let_go(world: World) -> None:
    """What is given back is nothing that cannot be had again."""
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o"}}}})
    workspace = Workspace.open(world.root)
    before = workspace.compile("local")
    workspace.let_go()
    assert workspace.written == {Address("assistant", "a")}
    assert workspace.compile("local").desired == before.desired
