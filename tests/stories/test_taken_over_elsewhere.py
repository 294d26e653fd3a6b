"""Objects of our lock that carry the stamp of somebody else: they are his, until somebody has said
otherwise.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.workspace import undeletable
from tests.support.owning import DOCS, SPEC, everything, restamped
from tests.support.refusals import refused
from tests.support.world import World

STAMPS = {
    "another workspace": "other/local/assistant.x#{lineage}.1",
    "another environment": "acme/prod/assistant.x#{lineage}.1",
    "another lock": "acme/local/assistant.x#deadbeef.1",
}


@pytest.mark.parametrize("whose", STAMPS)
@pytest.mark.parametrize("address", ["assistant.a", "vector_store.kb"])
@pytest.mark.sampled(2)
def test_what_somebody_else_has_taken_over(owned: World, address: str, whose: str) -> None:
    """The lock does not win over a live stamp of somebody else: nothing is planned, applied or
    destroyed, and both ways out work.
    """
    place = f"/{address.partition('.')[0]}s/{owned.id(address)}"
    stamp = STAMPS[whose].format(lineage=owned.lock()["lineage"][:8])
    owned.write({"specs/all.yaml": {**SPEC, "assistants": {"b": {"model": "m"}}}})
    owned.ok("plan", "--out", "x.plan")
    restamped(owned, place, stamp)
    for words in (
        "plan",
        "apply -y",
        "apply -y --force",
        "apply x.plan",
        "destroy -y",
        "apply -y --target assistant.b",
    ):
        reported = refused(owned, *words.split()).err
        assert (
            f"`{owned.id(address)}`, which is `{address}`" in reported and f"`{stamp}`" in reported
        )
        assert (
            f"`provisioner state rm {address}`" in reported
            and "`provisioner state rm assistant.x`" in reported
        )
    drift = owned.ok("drift", "--json", code=2).json["resource_drift"]
    assert [(one["address"], one["changed_fields"][0]["live"]) for one in drift] == [
        (address, stamp)
    ]
    assert (
        stamp in owned.ok("drift", code=2).out
        and "metadata.provisioner" in owned.ok("drift", code=2).out
    )
    reported = owned.ok("accept", code=1)
    assert stamp in reported.out + reported.err and not (
        owned.root / "specs/all.yaml"
    ).read_text().count("provisioner")
    owned.ok("state", "rm", address)
    assert owned.http("GET", place)["metadata"] == {"provisioner": stamp}
    assert address not in owned.lock()["resources"]
    owned.ok("apply", "-y")
    assert owned.http("GET", place)["metadata"] == {"provisioner": stamp}


def test_let_go_there_it_is_ours_again(owned: World) -> None:
    """An object without a stamp is ours as the lock says: a person may have taken it off."""
    place = f"/assistants/{owned.id('assistant.a')}"
    restamped(owned, place, "other/prod/assistant.x#deadbeef.1")
    refused(owned, "apply", "-y")
    owned.http("POST", place, {"metadata": {}})
    owned.apply()
    owned.ok("destroy", "-y")
    assert owned.listed("/assistants") == []


def test_a_document_that_somebody_else_has_stamped(owned: World) -> None:
    """The same of what a store of ours holds."""
    place = f"/vector_stores/{owned.id('vector_store.kb')}/files/{owned.id('file.docs/a.md')}"
    stamp = "other/prod/theirs.md#deadbeef.3"
    owned.http("POST", place, {"attributes": {"provisioner": stamp}})
    for words in ("plan", "apply -y", "destroy -y"):
        reported = refused(owned, *words.split()).err
        assert (
            f"`{owned.id('file.docs/a.md')}` (`docs/a.md`) in `vector_store.kb`" in reported
            and stamp in reported
        )
    drift = owned.ok("drift", "--json", code=2).json["resource_drift"]
    assert [
        (one["address"], [field["path"] for field in one["changed_fields"]]) for one in drift
    ] == [("vector_store.kb", ['files["docs/a.md"].attributes.provisioner'])]
    restamped(
        owned, "/vector_stores/${vector_store.kb}", "other/prod/vector_store.theirs#deadbeef.3"
    )
    assert (
        refused(owned, "plan").err.count("error: Foreign object") == 1
    )  # the store says it for all that is in it
    owned.http("POST", "/vector_stores/${vector_store.kb}", {"metadata": {}})
    owned.http("POST", place, {"attributes": {}})
    owned.apply()


def test_an_object_that_has_moved_to_another_workspace(world: World, tmp_path: Path) -> None:
    """Let go in one checkout and imported by another workspace: a checkout with the old lock
    changes nothing of it.
    """
    environment = {"local": {"service": "local", "lock": "lock.json"}}
    world.write(
        {
            "provisioner.yaml": {"workspace": "acme", "environments": environment},
            **DOCS,
            "specs/all.yaml": SPEC,
        }
    )
    world.apply()
    id = world.lock("lock.json")["resources"]["assistant.a"]["id"]
    behind = (world.root / "lock.json").read_text()
    world.ok("state", "rm", "assistant.a")
    theirs = World(tmp_path / "theirs")
    theirs.write(
        {
            "provisioner.yaml": {"workspace": "theirs", "environments": environment},
            "specs/all.yaml": {
                "assistants": {"bot": {"model": "m", "instructions": "Theirs."}},
                "imports": [{"to": "assistant.bot", "id": id}],
            },
        }
    )
    (theirs.root / ".provisioner").symlink_to(world.root / ".provisioner")
    theirs.apply()
    before = everything(world)
    world.write({"lock.json": behind})
    for words in ("plan", "apply -y", "destroy -y"):
        reported = refused(world, *words.split()).err
        assert (
            f"`{id}`, which is `assistant.a`" in reported
            and "theirs/local/assistant.bot#" in reported
        )
    assert everything(world) == before
    world.ok("state", "rm", "assistant.a")
    assert everything(world) == before
    theirs.settled()


def test_an_old_object_that_somebody_else_has_taken_over(owned: World) -> None:
    """What is still to be deleted is asked as well: it is not ours any more."""
    old = owned.id("vector_store.kb")
    owned.write(
        {
            "specs/all.yaml": {
                **SPEC,
                "vector_stores": {"kb": {**SPEC["vector_stores"]["kb"], "description": "new"}},
            }
        }
    )
    with owned.behind(undeletable):
        owned.ok("apply", "-y", code=1)
    restamped(owned, f"/vector_stores/{old}", "other/prod/vector_store.kb#deadbeef.7")
    reported = refused(owned, "apply", "-y").err
    assert (
        f"`{old}`, which is an old object of `vector_store.kb`" in reported
        and "other/prod/vector_store.kb#deadbeef.7" in reported
    )
    restamped(owned, f"/vector_stores/{old}", "")
    owned.apply()
    assert old not in {item["id"] for item in owned.listed("/vector_stores")}


@pytest.mark.parametrize("whose", STAMPS)
def test_an_import_of_what_is_somebody_elses(owned: World, whose: str) -> None:
    """It is let go there first; that goes for another environment with a copy of our lock
    as well.
    """
    stamp = STAMPS[whose].format(lineage=owned.lock()["lineage"][:8])
    id = owned.http("POST", "/assistants", {"model": "m", "metadata": {"provisioner": stamp}})["id"]
    imports = {
        "assistants": {**SPEC["assistants"], "c": {"model": "m"}},
        "imports": [{"to": "assistant.c", "id": id}],
    }
    owned.write({"specs/all.yaml": {**SPEC, **imports}})
    assert f"`{id}` carries the stamp `{stamp}`" in refused(owned, "apply", "-y").err
    restamped(owned, f"/assistants/{id}", "")
    owned.apply()
    assert owned.id("assistant.c") == id
