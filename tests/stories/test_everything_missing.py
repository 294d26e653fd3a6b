"""Everything missing at once: as a rule the key is that of another project."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.stories.test_apis import gone
from tests.support.drifting import sql
from tests.support.owning import CONFIG, everything, ids
from tests.support.world import World


def elsewhere(world: World, name: str = "elsewhere") -> AbstractContextManager[None]:
    """The key is that of another project, where nothing of ours is; the service does not say so."""
    return world.behind(lambda _: world._create(world.root / name))


def test_with_the_key_of_another_project(owned: World) -> None:
    """Everything missing at once is a safety stop; forced, it is made there, and back home nothing
    is made again.
    """
    home, first = everything(owned), ids(owned)
    with elsewhere(owned):
        for words in ("plan", "apply -y", "apply -y --target assistant.a"):
            reported = owned.ok(*words.split(), code=1)
            assert (
                "None of the 4 objects that the lock names is at the service"
                in reported.out + reported.err
            )
        owned.ok("apply", "-y", "--force")
        owned.settled()
    assert everything(owned) == home
    owned.ok("apply", "-y", code=1)
    plan = owned.plan("--force")
    assert {row["address"]: row["change"]["importing"] for row in plan["resource_changes"]} == {
        address: {"id": id} for address, id in first.items()
    }
    assert plan["orphans"] == []
    assert {row["address"]: row["drift"] for row in plan["resource_drift"]} == dict.fromkeys(
        first, "missing"
    )
    owned.ok("plan", "--force", "--out", "x.plan")
    owned.ok("apply", "x.plan", "--force")
    owned.settled()
    assert ids(owned) == first
    assert {kind: len(found) for kind, found in everything(owned).items()} == {
        kind: len(found) for kind, found in home.items()
    }


@pytest.mark.parametrize("kind", ["expired", "profile", "one"])
def test_not_everything_is_missing(world: World, kind: str) -> None:
    """An expired store is there; a request profile is not an object; and one object alone may well have
    been deleted.
    """
    spec: dict[str, Any] = {
        "vector_stores": {"kb": {"expires_after": {"anchor": "last_active_at", "days": 1}}},
        "assistants": {
            "a": {"model": "m", "api": "responses" if kind == "profile" else "assistants"}
        },
    }
    world.write(
        {**CONFIG, "specs/all.yaml": spec if kind != "one" else {"assistants": spec["assistants"]}}
    )
    world.apply()
    if kind == "expired":
        sql(world, "UPDATE vector_stores SET last_active_at = 0 WHERE id = ?", "vector_store.kb")
    if kind == "profile":
        world.http("DELETE", "/vector_stores/${vector_store.kb}")
    else:
        world.http("DELETE", "/assistants/${assistant.a}")
    world.apply()


@pytest.mark.parametrize("api_is_gone", [False, True])
def test_two_are_enough(world: World, api_is_gone: bool) -> None:
    """Both of two objects missing is everything; what cannot be asked for, because its API is gone,
    does not count.
    """
    stores = {"one": {}, "two": {}}
    assistants = {"assistants": {"a": {"model": "m"}}} if api_is_gone else {}
    world.write({**CONFIG, "specs/all.yaml": {"vector_stores": stores, **assistants}})
    world.apply()
    for name in stores:
        world.http("DELETE", f"/vector_stores/{world.id(f'vector_store.{name}')}")
    if api_is_gone:
        world.from_now_on(gone)
        world.write(
            {
                "specs/all.yaml": {
                    "vector_stores": stores,
                    "assistants": {"a": {"model": "m", "api": "responses"}},
                }
            }
        )
    plan = world.ok("plan", "--json", code=1).json
    assert [(one["rule"], one["forced"]) for one in plan["blocked"]] == [("all_missing", True)]
    assert "None of the 2 objects" in world.ok("apply", "-y", code=1).err
    world.apply("--force")


def test_back_home_with_other_bytes(owned: World) -> None:
    """What is taken over by its stamp and has other bytes is replaced, and nothing is left over of
    either.
    """
    first = ids(owned)
    with elsewhere(owned):
        owned.ok("apply", "-y", "--force")
    owned.write({"docs/a.md": "# A, edited\n"})
    owned.apply("--force")
    assert {address for address, id in ids(owned).items() if id != first[address]} == {
        "file.docs/a.md"
    }
    assert [len(owned.listed(path)) for path in ("/files", "/vector_stores", "/assistants")] == [
        2,
        1,
        1,
    ]
