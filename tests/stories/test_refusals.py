"""Refusals that hang on the key, the command line or somebody else: told, nothing sent, and the way
out works.
"""

from __future__ import annotations

import asyncio
from textwrap import dedent
from typing import Any

import pytest

from provisioner.lock.file_store import FileStore
from provisioner.lock.lockfile import fresh
from provisioner.model import Address
from tests.e2e.serving import point_at, served
from tests.support.refusals import masked, refused
from tests.support.world import World

LOCK = ".provisioner/local/lock.json"
SPEC = {"assistants": {"a": {"model": "gpt-4o"}, "b": {"model": "gpt-4o"}}}


@pytest.fixture
def applied(world: World) -> World:
    world.write({"specs/all.yaml": SPEC})
    world.ok("apply", "-y")
    return world


def edited(world: World) -> None:
    world.write(
        {"specs/all.yaml": {"assistants": {"a": {"model": "gpt-5"}, "b": {"model": "gpt-4o"}}}}
    )


def by_key(app: Any) -> Any:
    """A service that says of each key to whom it belongs."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        key = dict(scope["headers"])[b"authorization"].removeprefix(b"Bearer ")
        owner = key.replace(b"key-of-", b"org-")

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0] != b"openai-organization"]
                message = {**message, "headers": [*kept, (b"openai-organization", owner)]}
            await send(message)

        await app(scope, receive, marked)

    return wrapped


def left_open(world: World) -> FileStore:
    """What a killed apply leaves behind; it stays until somebody looks with the right key."""
    store = FileStore(world.root / LOCK)
    with store.lease(), store.journal(store.read() or fresh("", "", {})) as journal:
        asyncio.run(
            journal.begin(Address("assistant", "d"), "create", api="assistants", stamp="none")
        )
    return store


def test_a_key_of_somebody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first apply pins where the key belongs; with another one nothing is planned, applied or
    let go.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-ours")
    world.write({"specs/all.yaml": SPEC})
    with world.behind(by_key), served(world.app()) as url:
        point_at(world, url)
        world.ok("apply", "-y")
        assert world.lock()["origin"]["organization"] == "org-ours"
        world.write(
            {"specs/all.yaml": {"assistants": {**SPEC["assistants"], "c": {"model": "gpt-4o"}}}}
        )
        world.ok("plan", "--out", "c.plan")
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-theirs")
        for words in (
            "plan",
            "apply -y",
            "apply c.plan",
            "destroy -y",
            "state rm assistant.a",
            "state rebuild",
        ):
            result = refused(world, *words.split())
            assert result.err == dedent("""\
                error: Foreign key
                  The lock was written for the organization `org-ours`, and this key belongs to `org-theirs`.
                  hint: use a key of `org-ours`, or declare a new environment with a lock of its own
                """)
        store = left_open(world)
        assert "Foreign key" in world.ok("apply", "-y", code=1).err
        assert [intent.action for intent in store.peek().open_intents] == ["create"]
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-ours")
        world.ok("apply", "c.plan")
        assert not (world.root / f"{LOCK}.journal").exists()
        world.settled()


def test_a_lock_of_another_service(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids mean nothing elsewhere: nobody is even asked."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
    elsewhere = {"service": "http://127.0.0.1:9/v1", "lock": LOCK}
    names = {"workspace": applied.root.name, "environments": {"local": elsewhere}}
    applied.write({"provisioner.yaml": names})
    for words in ("plan", "apply -y", "destroy -y", "state rm assistant.a", "output"):
        result = refused(applied, *words.split())
        assert applied.calls == []
        assert result.err == dedent("""\
            error: Foreign origin
              The lock was written for the service `local`, and this environment is at `http://127.0.0.1:9/v1`; the ids in it mean nothing there.
              hint: set `service: local` again, or declare a new environment with a lock of its own
            """)  # as it is printed
    applied.write({"provisioner.yaml": {**names, "environments": {"local": {"service": "local"}}}})
    applied.settled()


def test_changes_need_an_approval(applied: World) -> None:
    """Without a terminal nobody is asked: the plan is printed, and the option named."""
    edited(applied)
    reported = """\
        error: Approval needed
          There are changes, and there is no terminal on which to ask for confirmation.
          hint: review the plan and add `--auto-approve`"""
    saved = ", or save it with `plan --out FILE` and apply the file"
    for words, more in ((("apply",), saved), (("destroy",), "")):
        result = refused(applied, *words)
        assert result.err == f"{dedent(reported)}{more}\n" and "\nPlan: " in result.out
    applied.ok("plan", "--out", "x.plan")
    applied.ok("apply", "x.plan")
    applied.ok("apply")


def test_an_environment_is_named(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal nobody sees which of several environments is meant."""
    both = {"local": {"service": "local"}, "prod": {"service": "local", "lock": "prod.lock.json"}}
    applied.write({"provisioner.yaml": {"workspace": applied.root.name, "environments": both}})
    for words in (("plan",), ("apply", "-y"), ("destroy", "-y"), ("state", "list")):
        result = refused(applied, *words)
        assert result.err == dedent("""\
            error: Environment not named
              This workspace has the environments `local`, `prod`. Without a terminal one of them must be named.
              hint: add `-e local`, or set PROVISIONER_ENV
            """)
    unknown = refused(applied, "apply", "-y", "-e", "porduction")
    assert (
        "There is no environment `porduction`" in unknown.err and "`local`, `prod`" in unknown.err
    )
    applied.ok("plan", "-e", "local", "--detailed-exitcode")
    monkeypatch.setenv("PROVISIONER_ENV", "local")
    applied.settled()


def test_an_object_has_one_owner(applied: World) -> None:
    """What another address, environment or workspace has is taken over only after it was let go
    there.
    """

    def importing(id: str) -> None:
        assistants = {**SPEC["assistants"], "c": {"model": "gpt-4o"}}
        applied.write(
            {
                "specs/all.yaml": {
                    "assistants": assistants,
                    "imports": [{"to": "assistant.c", "id": id}],
                }
            }
        )

    importing(applied.id("assistant.a"))
    result = refused(applied, "apply", "-y")
    assert masked(result.err) == dedent("""\
        specs/all.yaml:9:3: error: Already in the lock
          `<asst>` belongs to `assistant.a`, so it cannot become `assistant.c` as well.
          hint: if it was renamed, write `moved: [{from: assistant.a, to: assistant.c}]`
        """)
    theirs = applied.http(
        "POST",
        "/assistants",
        {"model": "gpt-4o", "metadata": {"provisioner": "w/e/assistant.x#deadbeef.2"}},
    )
    importing(theirs["id"])
    result = refused(applied, "apply", "-y")
    assert masked(result.err) == dedent("""\
        specs/all.yaml:9:3: error: Foreign object
          `<asst>` carries the stamp `w/e/assistant.x#deadbeef.2`: it is managed with another lock.
          hint: let it go there first, with `provisioner state rm assistant.x`; it stays at the service
        """)
    applied.http(
        "POST", f"/assistants/{theirs['id']}", {"metadata": {}}
    )  # what `state rm` does there
    applied.apply()
    assert applied.id("assistant.c") == theirs["id"]
    applied.ok("destroy", "-y")
    over = applied.ok("plan").out
    assert f"`imports` names `{theirs['id']}`, which was `assistant.c` and has been deleted" in over
    applied.apply()
    assert applied.id("assistant.c") != theirs["id"]
    importing("asst_never")
    applied.ok("state", "rm", "assistant.c")
    gone = refused(applied, "apply", "-y")
    assert "Object not found" in gone.err
    assert "`asst_never`, which is to become `assistant.c`" in gone.err
    applied.ok("destroy", "-y")
    applied.write({"specs/all.yaml": SPEC})
    applied.apply()


def test_an_import_without_room_for_our_stamp(world: World) -> None:
    """Metadata of somebody else stays, so a full object is refused before anything is done, with
    its place; with one pair less it is taken over, and keeps the rest.
    """
    theirs = {f"key{at}": "x" for at in range(16)}
    created = world.http("POST", "/assistants", {"model": "m", "metadata": theirs})
    id = created["id"]
    spec = {
        "imports": [{"to": "assistant.a", "id": id}],
        "assistants": {"a": {"model": "m", "metadata": {"key0": "y"}}},
    }
    world.write({"specs/all.yaml": spec})
    for words in (("plan",), ("apply", "-y")):
        said = refused(world, *words).err
        assert "specs/all.yaml:2:3: error: No room for stamp" in said
        assert f"`{id}` has 16 pairs of metadata" in said
        assert "take 1 off it first" in said
    del theirs["key15"]
    world.http("POST", f"/assistants/{id}", {"metadata": theirs})
    world.ok("apply", "-y")
    kept = world.http("GET", f"/assistants/{id}")["metadata"]
    assert len(kept) == 16 and kept["key0"] == "y" and "key15" not in kept
