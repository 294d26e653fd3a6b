"""Several objects with one stamp: nothing is taken over, made again or deleted because somebody has
copied metadata.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from provisioner.lock.file_store import FileStore
from provisioner.model import Address
from tests.e2e.middleware import Odd
from tests.support.drifting import sql
from tests.support.owning import CONFIG, LOCK, SPEC, copied, everything, ids
from tests.support.refusals import refused
from tests.support.world import World


@pytest.mark.parametrize("address", ["assistant.a", "vector_store.kb"])
def test_a_copy_beside_a_healthy_lock(owned: World, address: str) -> None:
    """A plan says what it is and goes on; nothing deletes it, not even with `--prune-orphans`."""
    copy = copied(owned, address)
    there = everything(owned)
    for words in ((), ("--prune-orphans",)):
        plan = owned.plan(*words)
        (remnant,) = plan["orphans"]
        assert (remnant["id"], remnant["action"]) == (copy, "keep")
        assert owned.id(address) in remnant["detail"]
        owned.ok("apply", "-y", *words)
        assert everything(owned) == there
    assert copy in owned.ok("drift").out
    owned.ok("destroy", "-y", "--prune-orphans")
    left = everything(owned)
    assert [item["id"] for item in (*left["stores"], *left["assistants"])] == [copy]


def test_two_strays_of_one_address(owned: World) -> None:
    """Nothing is taken over and nothing is made while two objects claim to be what is declared."""
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {}}})
    stamp = f"acme/local/assistant.z#{owned.lock()['lineage'][:8]}.1"
    strays = [
        owned.http("POST", "/assistants", {"model": "m", "metadata": {"provisioner": stamp}})["id"]
        for _ in "ab"
    ]
    owned.write(
        {"specs/all.yaml": {**SPEC, "assistants": {**SPEC["assistants"], "z": {"model": "m"}}}}
    )
    for words in (
        ("plan",),
        ("apply", "-y"),
        ("apply", "-y", "--force"),
        ("apply", "-y", "--prune-orphans"),
    ):
        reported = refused(owned, *words).err
        assert (
            all(f"`{id}`" in reported for id in strays)
            and "assistant.z" in reported
            and "imports" in reported
        )
    owned.write({"specs/imports.yaml": {"imports": [{"to": "assistant.z", "id": strays[1]}]}})
    owned.apply("--prune-orphans")
    assert owned.id("assistant.z") == strays[1]
    assert strays[0] in {item["id"] for item in owned.listed("/assistants")}


def test_what_is_gone_and_is_there_under_another_id(owned: World) -> None:
    """Where the id in the lock is gone and one object has our stamp for it, that one is taken over;
    of two, neither.
    """
    copy = copied(owned, "assistant.a")
    owned.http("DELETE", "/assistants/${assistant.a}")
    assert [one["drift"] for one in owned.plan()["resource_drift"]] == ["missing"]
    assert [one["drift"] for one in owned.ok("drift", "--json", code=2).json["resource_drift"]] == [
        "missing"
    ]
    owned.apply()
    assert owned.id("assistant.a") == copy and len(owned.listed("/assistants")) == 1
    copies = [copied(owned, "assistant.a"), copied(owned, "assistant.a")]
    owned.http("DELETE", "/assistants/${assistant.a}")
    reported = refused(owned, "apply", "-y").err
    assert (
        all(f"`{id}`" in reported for id in copies)
        and "provisioner state rm assistant.a" in reported
    )
    owned.ok("state", "rm", "assistant.a")
    owned.write({"specs/imports.yaml": {"imports": [{"to": "assistant.a", "id": copies[1]}]}})
    owned.apply("--prune-orphans")
    assert owned.id("assistant.a") == copies[1] and len(owned.listed("/assistants")) == 2


def test_a_store_that_is_gone_and_is_there_under_another_id(owned: World) -> None:
    """Its documents are taken over with it, by their stamps; nothing is uploaded that is there."""
    other = copied(owned, "vector_store.kb")
    for name in ("a", "b"):
        place = f"/vector_stores/${{vector_store.kb}}/files/${{file.docs/{name}.md}}"
        body = {
            "file_id": owned.id(f"file.docs/{name}.md"),
            "attributes": owned.http("GET", place)["attributes"],
        }
        owned.http("POST", f"/vector_stores/{other}/files", body)
    owned.http("DELETE", "/vector_stores/${vector_store.kb}")
    before = ids(owned)
    for drift in (owned.plan(), owned.ok("drift", "--json", code=2).json):
        assert [(row["address"], row["drift"]) for row in drift["resource_drift"]] == [
            ("vector_store.kb", "missing")
        ]
    owned.calls.clear()
    owned.apply()
    assert ids(owned) == {**before, "vector_store.kb": other}
    assert ("POST", "/files") not in owned.calls
    assert len(owned.listed(f"/vector_stores/{other}/files")) == 2


def twice(app: Any) -> Any:
    """A service that loses the reply to the first assistant that is made, of which somebody makes a
    copy at once.
    """
    left = [1]

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if (scope["method"], scope["path"]) != ("POST", "/v1/assistants") or not left:
            await app(scope, receive, send)
            return
        left.clear()
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        for _ in range(2):
            left_to_say = iter(messages)

            async def again(rest: Any = left_to_say) -> Any:
                return next(rest)

            await app(scope, again, silent)
        raise ConnectionResetError

    return wrapped


async def silent(_: Any) -> None:
    """A reply that nobody hears."""


def test_a_lost_reply_and_a_copy(world: World) -> None:
    """Two objects with the stamp of one intent are a question: neither is taken, and nothing is
    made or deleted, until somebody has answered it at the service.
    """
    world.write(
        {**CONFIG, "specs/all.yaml": {"assistants": {"a": {"model": "m"}, "b": {"model": "m"}}}}
    )
    with world.behind(twice):
        reported = world.ok("apply", "-y", code=1)
    both = [
        item["id"]
        for item in world.listed("/assistants")
        if "assistant.a#" in item["metadata"]["provisioner"]
    ]
    assert (
        len(both) == 2
        and all(f"`{id}`" in reported.err for id in both)
        and "Several objects" in reported.err
    )
    there = world.listed("/assistants")
    for words in ("plan", "apply -y", "apply -y --force", "destroy -y"):
        reported = world.ok(*words.split(), code=1)
        assert all(f"`{id}`" in reported.err for id in both) and "Several objects" in reported.err
    assert world.listed("/assistants") == there
    assert both[0] in world.ok("drift").out
    world.http("POST", f"/assistants/{both[1]}", {"metadata": {}})
    world.apply()
    assert world.id("assistant.a") == both[0] and len(world.listed("/assistants")) == 3


def test_a_replacement_and_a_copy_of_it(world: World) -> None:
    """The same where the apply was killed, and the old object is still there."""
    world.write({**CONFIG, "specs/all.yaml": {"vector_stores": {"kb": {"description": "one"}}}})
    world.apply()
    old = world.id("vector_store.kb")
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {"description": "two"}}}})
    stamp = f"acme/local/vector_store.kb#{world.lock()['lineage'][:8]}.2"
    store = FileStore(world.root / LOCK)
    state = store.read()
    assert state
    with store.lease(), store.journal(state) as journal:
        asyncio.run(journal.begin(Address("vector_store", "kb"), "replace", stamp=stamp))
    new = [
        world.http(
            "POST", "/vector_stores", {"description": "two", "metadata": {"provisioner": stamp}}
        )["id"]
        for _ in "ab"
    ]
    for words in ("plan", "apply -y"):
        reported = world.ok(*words.split(), code=1).err
        assert all(f"`{id}`" in reported for id in new) and "Several objects" in reported
    assert {item["id"] for item in world.listed("/vector_stores")} == {old, *new}
    world.http("DELETE", f"/vector_stores/{new[1]}")
    world.apply()
    assert (
        [item["id"] for item in world.listed("/vector_stores")]
        == [new[0]]
        == [world.id("vector_store.kb")]
    )


def test_a_saved_plan_and_what_has_come_since(owned: World) -> None:
    """A plan that creates what has an object by now is stale, and so is one that deletes what is
    not ours any more.
    """
    stamp = f"acme/local/assistant.{{}}#{owned.lock()['lineage'][:8]}.1"

    def made(name: str) -> str:
        body = {"model": "m", "metadata": {"provisioner": stamp.format(name)}}
        return str(owned.http("POST", "/assistants", body)["id"])

    orphan = made("orphan")
    owned.write(
        {"specs/all.yaml": {**SPEC, "assistants": {**SPEC["assistants"], "z": {"model": "m"}}}}
    )
    owned.ok("plan", "--out", "z.plan")
    owned.ok("plan", "--prune-orphans", "--target", "assistant.a", "--out", "orphan.plan")
    new = made("z")
    assert f"`{new}` has our stamp for `assistant.z`" in refused(owned, "apply", "z.plan").err
    owned.http("DELETE", f"/assistants/{new}")
    owned.http(
        "POST",
        f"/assistants/{orphan}",
        {"metadata": {"provisioner": "other/prod/assistant.x#deadbeef.1"}},
    )
    assert (
        f"`{orphan}`, an orphan that would be deleted" in refused(owned, "apply", "orphan.plan").err
    )
    owned.http("DELETE", f"/assistants/{orphan}")
    owned.ok("apply", "orphan.plan")
    owned.ok("apply", "z.plan")
    owned.settled()


def test_orphans_of_another_api(world: World) -> None:
    """An assistant is taken over, and deleted, through the API that it is found through, whatever
    others go by.
    """
    other = {"a": {"model": "m", "api": "assistants"}, "b": {"model": "m"}}
    config = {
        "workspace": "acme",
        "environments": {"local": {"service": "local", "api": "responses"}},
    }
    world.write({"provisioner.yaml": config, "specs/all.yaml": {"assistants": other}})
    world.apply()
    mark = f"acme/local/assistant.{{}}#{world.lock()['lineage'][:8]}.1"
    for name in ("b", "c", "x"):
        world.http(
            "POST", "/assistants", {"model": "m", "metadata": {"provisioner": mark.format(name)}}
        )
    world.write({"specs/all.yaml": {"assistants": {**other, "c": {"model": "m"}}}})
    assert world.changes() == {"assistant.c": "create"}
    world.ok("plan", "--prune-orphans", "--out", "x.plan")
    world.ok("apply", "x.plan")
    world.settled()
    assert [item["id"] for item in world.listed("/assistants")] == [world.id("assistant.a")]
    orphan = world.http(
        "POST", "/assistants", {"model": "m", "metadata": {"provisioner": mark.format("b")}}
    )["id"]
    world.write(
        {
            "specs/all.yaml": {
                "assistants": {"a": other["a"], "b": {"model": "m", "api": "assistants"}}
            }
        }
    )
    assert world.changes() == {"assistant.b": "create/delete", "assistant.c": "delete"}
    world.apply()
    assert world.id("assistant.b") != orphan and len(world.listed("/assistants")) == 3


def test_a_copy_of_a_document_that_has_moved(owned: World) -> None:
    """Its stamp says the old path until the next write: the copy is one of it, and not the document
    of that path.
    """
    original = owned.id("file.docs/a.md")
    attributes = owned.http("GET", f"/vector_stores/${{vector_store.kb}}/files/{original}")[
        "attributes"
    ]
    copy = owned.upload("a.md", b"# A\n")
    owned.http(
        "POST",
        "/vector_stores/${vector_store.kb}/files",
        {"file_id": copy, "attributes": attributes},
    )
    owned.ok("state", "mv", "file.docs/a.md", "file.docs/c.md")
    owned.write({"docs/a.md": None, "docs/c.md": "# A\n"})
    (remnant,) = owned.plan("--prune-orphans")["orphans"]
    assert (remnant["id"], remnant["action"]) == (copy, "keep") and original in remnant["detail"]
    owned.write({"docs/a.md": "# A\n"})
    reported = refused(owned, "apply", "-y").err
    assert f"`{copy}`" in reported and f"`{original}`" in reported


def test_an_orphan_in_two_stores(owned: World) -> None:
    """A document that two stores hold is one orphan."""
    owned.write(
        {
            "specs/all.yaml": {
                **SPEC,
                "vector_stores": {**SPEC["vector_stores"], "two": {"files": ["docs/b.md"]}},
            }
        }
    )
    owned.apply()
    lost = owned.upload("lost.md", b"# Lost\n")
    mark = f"acme/local/lost.md#{owned.lock()['lineage'][:8]}.1"
    for store in ("kb", "two"):
        body = {"file_id": lost, "attributes": {"provisioner": mark, "sha256": "0" * 64}}
        owned.http("POST", f"/vector_stores/{owned.id(f'vector_store.{store}')}/files", body)
    assert [one["id"] for one in owned.plan()["orphans"]] == [lost]
    owned.apply("--prune-orphans")
    assert lost not in {item["id"] for item in owned.listed("/files")}


def test_a_document_of_another_purpose(owned: World) -> None:
    """A file with our stamp that the list of ours does not show is taken over, and replaced for its
    purpose.
    """
    id = owned.id("file.docs/a.md")
    sql(owned, "UPDATE files SET purpose = 'user_data' WHERE id = ?", "file.docs/a.md")
    lock = owned.lock()
    del lock["resources"]["file.docs/a.md"]
    owned.write({LOCK: json.dumps(lock)})
    owned.apply()
    assert (
        id not in {item["id"] for item in owned.listed("/files")}
        and len(owned.listed("/files")) == 2
    )


def test_what_a_list_still_shows(owned: World) -> None:
    """A list may show what has been deleted a little longer: it is asked for by its id before it is
    taken over, and makes no question.
    """
    there = owned.http("GET", "/assistants/${assistant.a}")
    ghost = {
        **there,
        "metadata": {"provisioner": f"acme/local/assistant.z#{owned.lock()['lineage'][:8]}.1"},
    }

    def answer(method: str, path: str, status: int, body: Any) -> Any:
        if (method, path) == ("GET", "/assistants"):
            body["data"] += [{**ghost, "id": "asst_gone1"}, {**ghost, "id": "asst_gone2"}]
        return status, body

    owned.from_now_on(lambda app: Odd(app, answer=answer))
    owned.write(
        {"specs/all.yaml": {**SPEC, "assistants": {**SPEC["assistants"], "z": {"model": "m"}}}}
    )
    assert owned.changes() == {"assistant.z": "create"}
    real = owned.http("POST", "/assistants", {"model": "m", "metadata": ghost["metadata"]})["id"]
    owned.apply()
    assert owned.id("assistant.z") == real
