"""What only forgotten objects use is forgotten with them: it stays at the service, and nothing of
ours is on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.world import World

FILES = {"docs/a.md": "# A\n", "docs/b.md": "# B\n", "shared.md": "# S\n", "data/x.csv": "a,b\n"}
KB: dict[str, Any] = {
    "kb": {"files": ["shared.md", {"path": "docs/*.md", "attributes": {"team": "hr"}}]}
}
OTHER: dict[str, Any] = {"other": {"files": ["shared.md"]}}
GONE = [{"from": "vector_store.kb", "destroy": False}]


def write(world: World, **sections: Any) -> None:
    """One spec with these sections, in place of the one before."""
    world.write({"specs/all.yaml": sections})


@pytest.fixture
def two(world: World) -> World:
    """Two stores that share a document, applied; `kb` has documents of its own as well."""
    world.write({"provisioner.yaml": {"workspace": "acme"}, **FILES})
    write(world, vector_stores=KB | OTHER)
    world.apply()
    return world


def documents(world: World, store: str) -> dict[str, dict[str, Any]]:
    """What a store holds at the service: file id → attributes."""
    return {
        item["id"]: item["attributes"] for item in world.listed(f"/vector_stores/{store}/files")
    }


@contextmanager
def refusing(world: World, method: str, path: str) -> Iterator[None]:
    """The service answers 400 to such requests."""
    with world.failing(
        {"match": {"method": method, "path": f"{path}$"}, "action": {"status": 400}}
    ):
        yield


def addresses(world: World) -> set[str]:
    return set(world.lock()["resources"])


def test_a_forgotten_store_keeps_its_documents(two: World) -> None:
    """They are forgotten with it, no mark of ours stays on any of them, what another store declares
    is managed on, and `destroy` afterwards touches none of them.
    """
    kb, other = two.id("vector_store.kb"), two.id("vector_store.other")
    a, shared = two.id("file.docs/a.md"), two.id("file.shared.md")
    two.http(
        "POST",
        f"/vector_stores/{kb}/files/{a}",
        {"attributes": documents(two, kb)[a] | {"theirs": "x"}},
    )
    write(two, vector_stores=OTHER, removed=GONE)
    assert two.changes() == {
        "vector_store.kb": "forget",
        "file.docs/a.md": "forget",
        "file.docs/b.md": "forget",
    }
    assert "Plan: 3 to forget." in two.ok("plan").out
    assert "Resources: 3 forgotten." in two.apply().out
    assert addresses(two) == {"vector_store.other", "file.shared.md"}
    held = documents(two, kb)
    assert held[a] == {"team": "hr", "theirs": "x"}
    assert len(held) == 3
    assert all(
        key not in attributes for attributes in held.values() for key in ("provisioner", "sha256")
    )
    assert "provisioner" not in two.http("GET", f"/vector_stores/{kb}")["metadata"]
    assert "provisioner" in documents(two, other)[shared]
    two.ok("destroy", "-y")
    assert set(documents(two, kb)) >= held.keys() - {shared}


def test_an_old_version_that_a_forgotten_store_holds(two: World) -> None:
    """A shared document is edited in the same plan: the other store gets the new version, the
    forgotten one keeps the one that it has, and nobody deletes that afterwards.
    """
    kb, old = two.id("vector_store.kb"), two.id("file.shared.md")
    two.write({"shared.md": "# S, edited\n"})
    write(two, vector_stores=OTHER, removed=GONE)
    assert "shared.md 4 → 12 B (the old one stays with vector_store.kb)" in two.ok("plan").out
    assert "Resources: 1 replaced, 3 forgotten." in two.apply().out
    assert documents(two, kb)[old] == {}
    assert old not in json.dumps(two.lock())
    two.ok("destroy", "-y")
    assert len(documents(two, kb)) == 3


def test_a_deposed_version_that_a_forgotten_store_holds(two: World) -> None:
    """The new version never got into the forgotten store, which still holds the one before: that is
    what stays.
    """
    kb, old = two.id("vector_store.kb"), two.id("file.shared.md")
    two.write({"shared.md": "# S, edited\n"})
    with refusing(two, "POST", f"/vector_stores/{kb}/files"):
        two.ok("apply", "-y", code=1)
    assert two.lock()["resources"]["file.shared.md"]["deposed"] == [{"id": old}]
    write(two, vector_stores=OTHER, removed=GONE)
    plan = two.ok("plan").out
    assert (
        f". file.shared.md  ({old}, stays with `vector_store.kb`)" in plan
        and "Plan: 4 to forget." in plan
    )
    assert "file.shared.md" in two.plan()["basis"]
    assert "Resources: 4 forgotten." in two.apply().out
    assert documents(two, kb)[old] == {}
    assert old not in json.dumps(two.lock())


def test_a_saved_plan_leaves_an_old_version_to_others_as_well(two: World) -> None:
    """A store of somebody else holds the old version too: it stays, so nobody has to be asked about
    it again.
    """
    theirs = two.http("POST", "/vector_stores", {"name": "Theirs"})["id"]
    two.http("POST", f"/vector_stores/{theirs}/files", {"file_id": "${file.shared.md}"})
    two.write({"shared.md": "# S, edited\n"})
    write(two, vector_stores=OTHER, removed=GONE)
    two.ok("plan", "--out", "a.plan")
    two.ok("apply", "a.plan")
    two.settled()
    assert len(documents(two, theirs)) == 1


def test_a_store_is_not_forgotten_before_an_old_version(two: World) -> None:
    """Where an assistant could not take the new version, the old one is kept for it: the store
    waits for that, too.
    """
    tools = [{"type": "code_interpreter", "files": ["shared.md"]}]
    assistants = {"a": {"model": "gpt-4o", "tools": tools}}
    write(two, vector_stores=KB | OTHER, assistants=assistants)
    two.apply()
    two.write({"shared.md": "# S, edited\n"})
    write(two, vector_stores=OTHER, assistants=assistants, removed=GONE)
    with refusing(two, "POST", f"/assistants/{two.id('assistant.a')}"):
        assert "Skipped: vector_store.kb." in two.ok("apply", "-y", code=1).out
    two.apply()
    assert addresses(two) == {"assistant.a", "vector_store.other", "file.shared.md"}


def test_a_store_that_could_not_be_replaced_whole_is_forgotten(two: World) -> None:
    """Its old object is still there and holds the same documents: that goes, the new one and the
    documents stay.
    """
    old = two.id("vector_store.kb")
    with refusing(two, "DELETE", f"/vector_stores/{old}"):
        two.ok("apply", "-y", "--replace", "vector_store.kb", code=1)
    kb = two.id("vector_store.kb")
    write(two, vector_stores=OTHER, removed=GONE)
    assert "1 destroyed, 3 forgotten" in two.apply().out
    assert [store["id"] for store in two.listed("/vector_stores") if store["id"] in (old, kb)] == [
        kb
    ]
    assert len(documents(two, kb)) == 3


def test_what_a_forgotten_assistant_uses(world: World) -> None:
    """Its files are forgotten with it, and so is its store with what that holds: all of it answers
    as before.
    """
    world.write({"provisioner.yaml": {"workspace": "acme"}, **FILES})
    tools = [
        {"type": "file_search", "vector_stores": ["kb"]},
        {"type": "code_interpreter", "files": ["data/x.csv"]},
    ]
    write(world, vector_stores=KB | OTHER, assistants={"a": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    a, kb = world.id("assistant.a"), world.id("vector_store.kb")
    before = world.http("GET", f"/assistants/{a}")["tool_resources"]
    write(world, vector_stores=OTHER, removed=[{"from": "assistant.a", "destroy": False}])
    world.apply()
    assert addresses(world) == {"vector_store.other", "file.shared.md"}
    assert world.http("GET", f"/assistants/{a}")["tool_resources"] == before
    assert len(documents(world, kb)) == 3
    assert "provisioner" not in json.dumps(
        [world.http("GET", f"/vector_stores/{kb}"), documents(world, kb)]
    )


def test_what_is_to_be_deleted_in_so_many_words(world: World) -> None:
    """`destroy: true` for a store that a forgotten assistant uses: it is not forgotten, and goes as
    soon as it can.
    """
    world.write({"provisioner.yaml": {"workspace": "acme"}, **FILES})
    tools = [{"type": "file_search", "vector_stores": ["kb"]}]
    write(world, vector_stores=KB, assistants={"a": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    write(
        world,
        removed=[
            {"from": "assistant.a", "destroy": False},
            {"from": "vector_store.kb", "destroy": True},
        ],
    )
    assert (
        "vector_store.kb  (with 3 documents, it stays, used by `assistant.a`)"
        in world.ok("plan").out
    )
    world.apply()
    (assistant,), (store,) = world.listed("/assistants"), world.listed("/vector_stores")
    assert len(documents(world, store["id"])) == 3
    world.http("DELETE", f"/assistants/{assistant['id']}")
    world.apply()
    assert (world.listed("/vector_stores"), world.listed("/files")) == ([], [])


def test_a_kept_profile_version_names_a_forgotten_file(world: World) -> None:
    """It is forgotten with the store that holds it, and stays when the last version that names it
    goes.
    """
    api = {"local": {"service": "local", "api": "responses", "keep_versions": 2}}
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": api}, **FILES})
    tools = [{"type": "code_interpreter", "files": ["docs/a.md"]}]
    write(world, vector_stores=KB, assistants={"p": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    kb, a = world.id("vector_store.kb"), world.id("file.docs/a.md")
    write(world, assistants={"p": {"model": "gpt-4o"}}, removed=GONE)
    assert world.changes()["file.docs/a.md"] == "forget"
    world.apply()
    for model in (
        "gpt-4o-mini",
        "gpt-5.6",
    ):  # the second of them is the last of the version that names the file
        write(world, assistants={"p": {"model": model}})
        world.apply()
    assert a in documents(world, kb)


def test_a_forgotten_profile_leaves_what_it_names(world: World) -> None:
    """Applications that were deployed with a profile go on sending the ids of every version
    of it.
    """
    api = {"local": {"service": "local", "api": "responses"}}
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": api}, **FILES})
    tools = [{"type": "file_search", "vector_stores": ["kb"]}]
    write(world, vector_stores=KB, assistants={"p": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    first = world.id("vector_store.kb")
    renewed = {"kb": KB["kb"] | {"description": "cannot be changed in place"}}
    write(world, vector_stores=renewed, assistants={"p": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    second = world.id("vector_store.kb")
    write(world, vector_stores=OTHER, removed=[{"from": "assistant.p", "destroy": False}])
    world.apply()
    assert addresses(world) == {"vector_store.other", "file.shared.md"}
    assert [len(documents(world, store)) for store in (first, second)] == [3, 3]


def test_forgetting_takes_its_files_along_under_a_target(two: World) -> None:
    """`--target` deletes nothing outside, and what a forgotten store uses is not to be deleted by
    the next plan.
    """
    kb = two.id("vector_store.kb")
    write(two, vector_stores={"other": {"name": "Renamed", "files": ["shared.md"]}}, removed=GONE)
    two.ok("apply", "-y", "--target", "vector_store.kb")
    assert two.changes() == {"vector_store.other": "update"}
    assert addresses(two) == {"vector_store.other", "file.shared.md"}
    assert len(documents(two, kb)) == 3


def test_what_is_excluded_takes_nothing_along(two: World) -> None:
    """Under `--exclude` neither the store is forgotten nor its files, and the old version of a
    shared one is kept.
    """
    kb, old = two.id("vector_store.kb"), two.id("file.shared.md")
    two.write({"shared.md": "# S, edited\n"})
    write(two, vector_stores=OTHER, removed=GONE)
    two.ok("apply", "-y", "--exclude", "vector_store.kb")
    assert "vector_store.kb" in addresses(two) and "file.docs/a.md" in addresses(two)
    assert "provisioner" in documents(two, kb)[old]
    assert two.lock()["resources"]["file.shared.md"]["deposed"] == [{"id": old}]
    assert "Resources: 4 forgotten." in two.apply().out
    assert addresses(two) == {"vector_store.other", "file.shared.md"}
    assert len(documents(two, kb)) == 3


def test_destroy_leaves_what_is_to_be_forgotten(two: World) -> None:
    """A store that `removed` lets go of is let go of by `destroy`, too, with all its documents."""
    kb = two.id("vector_store.kb")
    write(two, vector_stores=OTHER, removed=GONE)
    assert "Resources: 1 destroyed, 4 forgotten." in two.ok("destroy", "-y").out
    assert len(documents(two, kb)) == 3
    assert addresses(two) == set()


def test_many_documents_are_forgotten_without_a_safety_stop(world: World) -> None:
    """Nothing is deleted, so nothing has to be forced; what is said of all of them is said once."""
    world.write(
        {
            "provisioner.yaml": {"workspace": "acme"},
            **{f"docs/{n}.md": f"# {n}\n" for n in range(12)},
        }
    )
    write(world, vector_stores={"kb": {"files": ["docs/*.md"]}})
    world.apply()
    kb = world.id("vector_store.kb")
    write(world, vector_stores={"empty": {}}, removed=GONE)
    assert (
        "12 files: forgotten, stays with vector_store.kb (file.docs/0.md, " in world.ok("plan").out
    )
    world.apply()
    assert len(documents(world, kb)) == 12


def test_a_document_that_only_the_service_knows_to_be_in_the_store(two: World) -> None:
    """An apply that was stopped has attached it, and the lock of its store does not say so: it
    stays as well.
    """
    kb, a = two.id("vector_store.kb"), two.id("file.docs/a.md")
    lock = two.lock()
    del lock["resources"]["vector_store.kb"]["fields"]["files"]["docs/a.md"]
    two.write({".provisioner/local/lock.json": json.dumps(lock)})
    write(two, vector_stores=OTHER, removed=GONE)
    two.apply()
    assert "file.docs/a.md" not in addresses(two)
    assert documents(two, kb)[a] == {"team": "hr"}


def test_a_store_is_not_forgotten_before_its_documents(two: World) -> None:
    """Where one of them cannot be let go of, the store waits for it: the next plan would delete the
    document.
    """
    kb, a = two.id("vector_store.kb"), two.id("file.docs/a.md")
    write(two, vector_stores=OTHER, removed=GONE)
    with refusing(two, "POST", f"/vector_stores/{kb}/files/{a}"):
        failed = two.ok("apply", "-y", code=1)
    assert "Skipped: vector_store.kb." in failed.out
    assert addresses(two) >= {"vector_store.kb", "file.docs/a.md"}
    assert two.changes() == {"vector_store.kb": "forget", "file.docs/a.md": "forget"}
    two.apply()
    assert len(documents(two, kb)) == 3


def test_pruning_orphans_while_a_store_is_half_forgotten(two: World) -> None:
    """Its documents carry our stamp and are in the lock no more: they are not orphans, they go with
    their store.
    """
    kb = two.id("vector_store.kb")
    write(two, vector_stores=OTHER, removed=GONE)
    with refusing(two, "POST", f"/vector_stores/{kb}"):
        two.ok("apply", "-y", code=1)
    lock = two.lock()["resources"]
    assert "vector_store.kb" in lock and "file.docs/a.md" not in lock
    a = lock["vector_store.kb"]["fields"]["files"]["docs/a.md"]["id"]
    # as if the process had ended before this was off
    stamp = f"acme/local/docs/a.md#{two.lock()['lineage'][:8]}.1"
    two.http("POST", f"/vector_stores/{kb}/files/{a}", {"attributes": {"provisioner": stamp}})
    assert two.plan("--prune-orphans")["orphans"] == []
    two.ok("apply", "-y", "--prune-orphans")
    assert len(documents(two, kb)) == 3


def test_state_rm_of_a_store(two: World) -> None:
    """What no spec declares is taken along, and what another store declares is managed on. Nothing
    is deleted.
    """
    kb, other, shared = (
        two.id("vector_store.kb"),
        two.id("vector_store.other"),
        two.id("file.shared.md"),
    )
    write(two, vector_stores=OTHER)
    said = two.ok("state", "rm", "vector_store.kb").out
    assert said == (
        "Removed vector_store.kb from the lock.\n"
        "Removed file.docs/a.md from the lock: it stays with vector_store.kb.\n"
        "Removed file.docs/b.md from the lock: it stays with vector_store.kb.\n"
    )
    two.settled()
    assert addresses(two) == {"vector_store.other", "file.shared.md"}
    assert "provisioner" not in json.dumps(
        [two.http("GET", f"/vector_stores/{kb}"), documents(two, kb)]
    )
    assert sorted(map(len, documents(two, kb).values())) == [0, 1, 1]
    assert "provisioner" in documents(two, other)[shared]


def test_state_rm_of_a_store_that_holds_an_old_version(two: World) -> None:
    """What another store has as a newer version stays managed, and nobody remembers the old one."""
    kb, old = two.id("vector_store.kb"), two.id("file.shared.md")
    two.write({"shared.md": "# S, edited\n"})
    with refusing(two, "POST", f"/vector_stores/{kb}/files"):
        two.ok("apply", "-y", code=1)
    write(two, vector_stores=OTHER)
    two.ok("state", "rm", "vector_store.kb")
    two.settled()
    assert old not in json.dumps(two.lock()) and documents(two, kb)[old] == {}


def test_state_rm_of_a_store_that_is_still_declared(two: World) -> None:
    """Its files are declared with it, so they stay managed; the next apply makes another store of
    them.
    """
    kb, a = two.id("vector_store.kb"), two.id("file.docs/a.md")
    assert two.ok("state", "rm", "vector_store.kb", "--json").json == {
        "removed": ["vector_store.kb"],
        "ids": {"vector_store.kb": kb},
    }
    assert two.changes() == {"vector_store.kb": "create"}
    two.apply()
    assert two.id("file.docs/a.md") == a
    assert len(documents(two, kb)) == 3


def test_state_rm_of_a_file_that_a_store_holds(two: World) -> None:
    """Our marks are taken off it there, or the next plan would take it over again; a new upload
    takes its place, and the old one stays at the service.
    """
    kb, a = two.id("vector_store.kb"), two.id("file.docs/a.md")
    two.ok("state", "rm", "file.docs/a.md")
    assert documents(two, kb)[a] == {"team": "hr"}
    assert two.changes() == {"file.docs/a.md": "create"}
    two.apply()
    assert len(documents(two, kb)) == 3
    assert a in {file["id"] for file in two.listed("/files")}


def test_state_rm_of_several(two: World) -> None:
    """In whatever order they are named, and also what goes along anyway; in one write of
    the lock.
    """
    serial = two.lock()["serial"]
    write(two, vector_stores={"empty": {}})
    two.ok("state", "rm", "vector_store.kb", "file.docs/a.md", "vector_store.other")
    assert (addresses(two), two.lock()["serial"]) == (set(), serial + 1)
    assert len(two.listed("/files")) == 3


def test_state_rm_of_a_store_with_an_old_object(world: World) -> None:
    """A request profile still names the old store: it is let go of as well, with the documents that
    it holds.
    """
    api = {"local": {"service": "local", "api": "responses"}}
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": api}, **FILES})
    tools = [{"type": "file_search", "vector_stores": ["kb"]}]
    write(world, vector_stores=KB, assistants={"p": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    old = world.id("vector_store.kb")
    renewed = {"kb": KB["kb"] | {"description": "cannot be changed in place"}}
    write(world, vector_stores=renewed, assistants={"p": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    write(world, vector_stores={"empty": {}})
    world.ok("state", "rm", "vector_store.kb", "assistant.p")
    assert addresses(world) == set()
    assert len(documents(world, old)) == 3
    assert world.plan()["orphans"] == []


def test_state_rm_needs_the_specs_only_where_they_matter(two: World) -> None:
    """Whether its files are declared elsewhere is in the specs; a store that holds nothing has
    none.
    """
    write(two, vector_stores=OTHER | {"empty": {}})
    two.ok("apply", "-y", "--force")
    two.write({"specs/all.yaml": "vector_stores: {other: {files: [nowhere.md]}}\n"})
    refused = two.ok("state", "rm", "vector_store.other", code=1)
    assert "nowhere.md" in refused.err
    assert "vector_store.other" in addresses(two)
    two.ok("state", "rm", "vector_store.empty")


def test_a_store_that_could_not_be_deleted_keeps_its_documents(world: World) -> None:
    """Its user could not be changed, so the store stays; then what the store uses has to stay as
    well.
    """
    world.write({"provisioner.yaml": {"workspace": "acme"}, **FILES})
    tools = [{"type": "file_search", "vector_stores": ["kb"]}]
    write(world, vector_stores=KB, assistants={"a": {"model": "gpt-4o", "tools": tools}})
    world.apply()
    kb = world.id("vector_store.kb")
    write(world, assistants={"a": {"model": "gpt-4o"}})
    with refusing(world, "POST", f"/assistants/{world.id('assistant.a')}"):
        failed = world.ok("apply", "-y", "--force", code=1)
    assert "Skipped: file.docs/a.md, file.docs/b.md, file.shared.md, vector_store.kb." in failed.out
    assert len(documents(world, kb)) == 3
    world.ok("apply", "-y", "--force")
    assert world.listed("/files") == []
