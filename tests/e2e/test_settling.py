"""A service that shows its own writes late: a run ends as an undisturbed one would have ended."""

from __future__ import annotations

import copy
import os
import signal
import time
from typing import Any

import pytest

from provisioner.engine import open_context
from provisioner.engine.context import Context
from provisioner.remote.settling import Settling
from tests.crash.instants import stopped
from tests.support.injecting import Meanwhile
from tests.support.world import World

# The quick way round is told by tests/crash/test_settling.py and tests/remote/test_settling.py.
pytestmark = pytest.mark.thorough

LAG = 0.3
SPEC: dict[str, Any] = {
    "vector_stores": {"kb": {"files": [{"path": "docs/*.md", "attributes": {"team": "hr"}}]}},
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
MAKES = {"assistant": "^/v1/assistants$", "store": "^/v1/vector_stores$", "file": "^/v1/files$"}
ATTACHES = "^/v1/vector_stores/[^/]+/(files|file_batches)$"


@pytest.fixture
def late(world: World) -> World:
    """A workspace whose service may be late by a second and is never later than that."""
    config = {"workspace": "acme", "environments": {"local": {"service": "local", "settling": 1}}}
    world.write({"provisioner.yaml": config, "specs/all.yaml": SPEC, **FILES})
    return world


def settle(
    path: str, *of: str, method: str = "POST", seconds: float = LAG, **more: Any
) -> dict[str, Any]:
    """A rule: what such a request writes is late in some respect."""
    action = {
        "settle": {
            "seconds": seconds,
            "of": list(of),
            **({"status": more.pop("code")} if "code" in more else {}),
        }
    }
    match = {"method": method, "path": path, **({"nth": more.pop("nth")} if "nth" in more else {})}
    return {"match": match, "action": {**action, **more}}


def whole(world: World) -> None:
    """Exactly what is declared is there, attached and known; nothing drifted and nothing is left to
    do.
    """
    world.settled()
    world.ok("drift")
    lock = world.lock()["resources"]
    listed = {
        path: {item["id"] for item in world.listed(path)}
        for path in ("/files", "/vector_stores", "/assistants")
    }
    files = {entry["id"] for address, entry in lock.items() if address.startswith("file.")}
    assert listed == {
        "/files": files,
        "/vector_stores": {lock["vector_store.kb"]["id"]},
        "/assistants": {lock["assistant.a"]["id"]},
    }
    assert len(files) == 3 and not any(
        "unkept" in entry or "deposed" in entry for entry in lock.values()
    )
    held = world.listed(f"/vector_stores/{lock['vector_store.kb']['id']}/files")
    assert {item["id"] for item in held} == {lock[f"file.docs/{name}.md"]["id"] for name in "ab"}
    assert all(len(item["attributes"]["sha256"]) == 64 for item in held)


@pytest.mark.parametrize("kind", MAKES)
def test_a_lost_reply_and_a_late_list(late: World, kind: str) -> None:
    """What was made is found when the list shows it, and not made a second time."""
    with late.failing(settle(MAKES[kind], "list", nth=1, reset="after")):
        late.ok("apply", "-y")
    whole(late)


@pytest.mark.parametrize("kind", MAKES)
def test_a_kill_and_a_late_list(late: World, kind: str) -> None:
    """The next apply looks for what the killed one had begun, for as long as it may be late."""
    with late.failing(settle(MAKES[kind], "list", nth=1)):
        stopped(late, "POST", MAKES[kind].strip("^$"))
        late.ok("apply", "-y")
    whole(late)


def test_a_kill_and_a_store_that_answers_400(late: World) -> None:
    """A store that is listed and not found yet is asked who holds an upload, and stops nothing."""
    with late.failing(settle(MAKES["store"], "get", code=400)):
        stopped(late, "POST", "/v1/files")
        late.ok("plan")
        late.ok("apply", "-y")
    whole(late)


@pytest.mark.parametrize("of", [("list",), ("get", "list")])
def test_a_kill_and_a_late_attachment(late: World, of: tuple[str, ...]) -> None:
    """What the killed apply had attached carries its attributes; those that were edited since are
    written to it.
    """
    with late.failing(settle(ATTACHES, *of, nth=1)):
        stopped(late, "POST", "/file_batches")
        late.write({"specs/all.yaml": edited("attributes", "second")})
        done = late.ok("apply", "-y")
    assert "does not keep" not in done.out + done.err
    whole(late)


@pytest.mark.parametrize("of", [("get",), ("get", "list")])
@pytest.mark.parametrize("kind", MAKES)
def test_a_fresh_object_is_not_there_yet(late: World, kind: str, of: tuple[str, ...]) -> None:
    """A plan right after the apply asks again instead of making it anew."""
    with late.failing(settle(MAKES[kind], *of)):
        late.ok("apply", "-y")
        late.ok("apply", "-y")
    whole(late)


@pytest.mark.parametrize("of", [("get",), ("list",), ("get", "list")])
def test_a_fresh_store_file_is_not_there_yet(late: World, of: tuple[str, ...]) -> None:
    """It counts as in progress, in the first apply and for a new version."""
    with late.failing(settle(ATTACHES, *of)):
        late.ok("apply", "-y")
        late.write({"docs/a.md": "alpha two\n"})
        late.ok("apply", "-y")
    whole(late)


@pytest.mark.parametrize("code", [404, 400])
@pytest.mark.parametrize(
    ("kind", "of"), [("file", "attach"), ("file", "use"), ("store", "use"), ("store", "attach")]
)
def test_what_is_young_cannot_be_used_yet(late: World, kind: str, of: str, code: int) -> None:
    """The same request with the same ids is sent again."""
    with late.failing(settle(MAKES[kind], of, code=code)):
        late.ok("apply", "-y")
    whole(late)


def test_a_list_that_leaves_store_files_out_for_ever(late: World) -> None:
    """They are asked for by their ids, and nobody's edit is undone."""
    with late.failing(settle(ATTACHES, "list", seconds=1_000_000)):
        late.ok("apply", "-y")
        late.settled()
        late.ok("drift")
        put_back(late, "attributes", "it")
        (found,) = late.ok("drift", "--json", code=2).json["resource_drift"]
        assert found["drift"] == "remote"
        late.ok("apply", "-y")
    whole(late)


def test_a_deletion_that_has_to_wait(late: World) -> None:
    """409 while something is being processed is waited for."""
    late.ok("apply", "-y")
    with late.failing(
        settle("^/v1/(assistants|vector_stores|files)/[^/]+$", "delete", method="DELETE", code=409)
    ):
        late.ok("destroy", "-y")
    assert [late.listed(path) for path in ("/assistants", "/vector_stores", "/files")] == [
        [],
        [],
        [],
    ]


def test_a_deleted_store_that_is_still_shown(late: World) -> None:
    """What a list still shows is not taken over: it is made again, once."""
    late.ok("apply", "-y")
    with late.failing(
        settle("^/v1/(assistants|vector_stores)/[^/]+$", "delete", method="DELETE", seconds=0.6)
    ):
        late.ok("destroy", "-y")
        late.ok("apply", "-y")
        late.settled()
    whole(late)


def test_a_kill_and_a_deletion_that_is_shown_late(late: World) -> None:
    """What the killed destroy had deleted is made again, once."""
    late.ok("apply", "-y")
    with late.failing(settle("^/v1/vector_stores/[^/]+$", "delete", method="DELETE", seconds=0.6)):
        stopped(late, "DELETE", late.id("vector_store.kb"), words=("destroy", "-y"))
        late.ok("apply", "-y")
        late.settled()
    whole(late)


def test_a_lock_that_is_lost_right_after_an_apply(late: World) -> None:
    """It is made again from everything that carries our stamp, what lists do not show at once
    included.
    """
    with late.failing(settle(MAKES["assistant"], "list")):
        late.ok("apply", "-y")
        late.write({".provisioner/local/lock.json": None})
        rebuilt = late.ok("state", "rebuild")
    assert "assistant.a" not in rebuilt.out and "assistant.a" in late.lock()["resources"]


@pytest.mark.parametrize("doubtful", [False, True])
def test_nothing_is_slower_where_nothing_is_late(
    late: World, monkeypatch: pytest.MonkeyPatch, doubtful: bool
) -> None:
    """The same requests are sent as where the service is believed at once, and nothing waits."""
    monkeypatch.setattr(Context, "doubtful", doubtful)

    async def never(seconds: float) -> None:
        raise AssertionError(f"waited for {seconds} seconds")

    monkeypatch.setattr(Settling, "sleep", lambda _self, seconds: never(seconds))
    reported = []
    for seconds in (30, 0):
        environment = {"service": "local", "settling": seconds}
        late.write(
            {"provisioner.yaml": {"workspace": "acme", "environments": {"local": environment}}}
        )
        late.write({"specs/all.yaml": SPEC, **FILES})
        late.calls.clear()
        late.ok("apply", "-y")
        late.write({"specs/all.yaml": edited("store", "second"), "docs/a.md": "alpha two\n"})
        late.ok("apply", "-y")
        late.write({"specs/all.yaml": edited("attributes", "third"), "docs/b.md": None})
        late.ok("apply", "-y")
        late.ok("drift")
        late.ok("destroy", "-y")
        late.ok("plan")
        reported.append(requests(late))
    assert reported[0] == reported[1]


def requests(world: World) -> list[tuple[str, int]]:
    """What was sent, without ids; models are asked for once a day."""
    return sorted((method, path.count("/")) for method, path in world.calls if path != "/models")


def test_an_upload_that_turns_up_too_late(late: World) -> None:
    """What was sent again, because the first one was not listed in time, is named by every plan
    until it is deleted.
    """
    slow = settle("^/v1/files$", "list", nth=1, seconds=1.3, reset="after")
    with late.failing(slow):
        late.ok("apply", "-y")
        assert any(entry.get("resent") for entry in late.lock()["resources"].values())
    time.sleep(0.5)  # with the time in which the apply has looked for it, it is listed now
    ours = {
        entry["id"]
        for address, entry in late.lock()["resources"].items()
        if address.startswith("file.")
    }
    (extra,) = {item["id"] for item in late.listed("/files")} - ours
    for reported in (late.ok("plan"), late.ok("apply", "-y")):
        assert f"The file `{extra}`" in reported.out + reported.err
        assert "whose upload was sent again after its reply was lost" in reported.out + reported.err
    late.http("DELETE", f"/files/{extra}")
    assert extra not in late.ok("plan").out
    whole(late)


def test_an_upload_of_a_killed_apply_that_turns_up_too_late(late: World) -> None:
    """The next apply has looked for it and uploaded anew; the plan after that names it."""
    with late.failing(settle("^/v1/files$", "list", nth=1, seconds=2.0)):
        stopped(late, "POST", "/v1/files")
        late.ok("apply", "-y")
        time.sleep(1.0)
    ours = {
        entry["id"]
        for address, entry in late.lock()["resources"].items()
        if address.startswith("file.")
    }
    (extra,) = {item["id"] for item in late.listed("/files")} - ours
    assert f"The file `{extra}`" in late.ok("plan").out


def test_an_apply_whose_lease_was_taken_away(late: World) -> None:
    """It stops, and names what it has uploaded meanwhile: the other one could not see that yet."""
    store = open_context(late.root).store

    def taken(method: str, path: str) -> None:
        holder = store.holder()
        if (method, path) == ("POST", "/files") and holder:
            store.force_unlock(holder.id)
            store.fold_journal()

    with late.behind(Meanwhile(before=taken)):
        zombie = late.run("apply", "-y")
    assert zombie.code == 1
    assert "Lease was lost" in zombie.err and "Left at the service" in zombie.err
    made = {item["id"] for item in late.listed("/files")}
    assert made and all(f"`{id}` for `file." in zombie.err for id in made)


def test_what_an_interrupted_apply_counts(late: World) -> None:
    """A document that is uploaded is done, also where its store was not come to."""
    uploads = 0

    def interrupt(method: str, path: str) -> None:
        nonlocal uploads
        uploads += (method, path) == ("POST", "/files")
        if uploads == 1 and path == "/files":
            os.kill(os.getpid(), signal.SIGINT)

    with late.behind(Meanwhile(after=interrupt)):
        stopped_early = late.ok("apply", "-y", code=130)
    files = [address for address in late.lock()["resources"] if address.startswith("file.")]
    stores = len(late.listed("/vector_stores"))
    assert files and f"Resources: {len(files) + stores} added" in stopped_early.out
    late.ok("apply", "-y")
    whole(late)


UPDATES = {
    "assistant": "^/v1/assistants/[^/]+$",
    "store": "^/v1/vector_stores/[^/]+$",
    "attributes": "^/v1/vector_stores/[^/]+/files/[^/]+$",
}


@pytest.mark.parametrize("kind", UPDATES)
def test_an_update_that_is_shown_late(late: World, kind: str) -> None:
    """What a plan or another apply reads right after it is neither somebody's edit nor dropped by
    the service, and what somebody edits later on is seen.
    """
    late.write({"specs/all.yaml": edited(kind, "first")})
    late.ok("apply", "-y")
    late.write({"specs/all.yaml": edited(kind, "second")})
    with late.failing(settle(UPDATES[kind], "update")):
        late.ok("apply", "-y")
        assert late.plan()["notes"] == []
        late.settled()
    whole(late)
    late.write({"specs/all.yaml": edited(kind, "third")})
    with late.failing(settle(UPDATES[kind], "update")):
        late.ok("apply", "-y")
        late.ok("drift")
    whole(late)
    put_back(late, kind, "second")
    time.sleep(1.0)
    found = late.ok("drift", "--json", code=2).json["resource_drift"]
    assert [change["drift"] for change in found] == ["remote"]


def edited(kind: str, value: str) -> Any:
    """The sample with a value in one of its fields."""
    spec = copy.deepcopy(SPEC)
    if kind == "assistant":
        spec["assistants"]["a"]["description"] = value
    elif kind == "store":
        spec["vector_stores"]["kb"]["name"] = value
    else:
        spec["vector_stores"]["kb"]["files"][0]["attributes"]["team"] = value
    return spec


def put_back(world: World, kind: str, value: str) -> None:
    """Somebody gives the field a value that it had before."""
    if kind == "assistant":
        world.http("POST", f"/assistants/{world.id('assistant.a')}", {"description": value})
    elif kind == "store":
        world.http("POST", f"/vector_stores/{world.id('vector_store.kb')}", {"name": value})
    else:
        path = f"/vector_stores/{world.id('vector_store.kb')}/files/{world.id('file.docs/a.md')}"
        world.http(
            "POST", path, {"attributes": {**world.http("GET", path)["attributes"], "team": value}}
        )


def test_what_was_deleted_and_is_still_listed(late: World) -> None:
    """It is not an orphan, and keeps nothing that it used from being deleted."""
    late.ok("apply", "-y")
    late.write({"specs/all.yaml": {"vector_stores": SPEC["vector_stores"]}, "data/c.csv": None})
    with late.failing(settle("^/v1/assistants/[^/]+$", "delete", method="DELETE")):
        late.ok("apply", "-y")
        plan = late.plan()
        assert plan["orphans"] == [] and plan["deposed"] == []
    late.settled()


@pytest.mark.parametrize("kind", MAKES)
def test_a_create_that_is_refused(late: World, kind: str) -> None:
    """It leaves nothing that the next apply would look for."""
    with late.failing(
        {"match": {"method": "POST", "path": MAKES[kind], "nth": 1}, "action": {"status": 400}}
    ):
        late.ok("apply", "-y", code=1)
    assert not (late.root / ".provisioner/local/lock.json.journal").exists()
    late.ok("apply", "-y")
    whole(late)
