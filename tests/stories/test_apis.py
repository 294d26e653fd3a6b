"""One spec, several APIs: an assistant moves from one to another, and its stores and files stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner import load
from tests.support.injecting import gone
from tests.support.world import World

SPEC: dict[str, Any] = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {
        "a": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}
    },
}


def environment(api: str, **more: Any) -> dict[str, Any]:
    return {
        "provisioner.yaml": {
            "workspace": "w",
            "environments": {"local": {"service": "local", "api": api, **more}},
        }
    }


def test_there_and_back(world: World) -> None:
    """A change of API makes the new form, removes the old object last, and keeps every other id."""
    world.write({**environment("assistants"), "specs/all.yaml": SPEC, "docs/a.md": "# A\n"})
    world.apply()
    kept = {address: world.id(address) for address in ("vector_store.kb", "file.docs/a.md")}
    world.write(environment("responses"))
    assert world.changes() == {"assistant.a": "create/delete"}
    world.calls.clear()
    world.apply()
    assert [
        method for method, path in world.calls if path.startswith("/assistants") and method != "GET"
    ] == ["DELETE"]
    assert world.listed("/assistants") == []
    profile = load("local", root=world.root)["a"]
    assert profile.request["tools"][0]["vector_store_ids"] == [kept["vector_store.kb"]]
    world.write(environment("assistants"))
    world.apply()
    assert len(world.listed("/assistants")) == 1
    assert {address: world.id(address) for address in kept} == kept


def test_the_old_api_is_switched_off(world: World) -> None:
    """Where the old API answers 404 for everything, its object is forgotten instead of deleted."""
    world.write({**environment("assistants"), "specs/all.yaml": SPEC, "docs/a.md": "# A\n"})
    world.apply()
    with world.behind(gone):
        refused = world.ok("plan", code=1)
        assert (
            "2026-08-26" in refused.err and "responses" in refused.err and "agents" in refused.err
        )
        world.write(environment("responses"))
        row = world.plan()["resource_changes"][0]
        assert (row["address"], row["action_reason"]) == ("assistant.a", "api_gone")
        world.apply()
        world.write({"specs/all.yaml": {"vector_stores": SPEC["vector_stores"]}})
        world.apply()


@pytest.mark.parametrize("api", ["responses", "agents"])
def test_a_protected_object_of_an_api_that_is_gone(world: World, api: str) -> None:
    """Protection keeps an object from being deleted, which nobody can do any more: the assistant
    goes on, protected. Where the old API is there, its protection is lifted first.
    """
    spec = {"assistants": {"a": {"model": "gpt-4o", "lifecycle": {"protect": True}}}}
    world.write({**environment("assistants"), "specs/all.yaml": spec})
    world.apply()
    world.write(environment(api))
    assert "is protected" in world.ok("apply", "-y", code=1).err
    released = {"assistants": {"a": {"model": "gpt-4o", "lifecycle": {"protect": False}}}}
    world.write({"specs/all.yaml": released})
    refused = world.ok("apply", "-y", code=1).err
    assert "`lifecycle: {protect: false}` first, still with `api: assistants`" in refused
    world.write({"specs/all.yaml": spec})
    with world.behind(gone):
        world.apply()
    assert world.lock()["resources"]["assistant.a"]["protected"]
    assert "is protected" in world.ok("destroy", "-y", code=1).err


def test_what_an_api_cannot_carry(world: World) -> None:
    """It is a problem with its place and its remedy, unless the environment accepts the loss."""
    spec = json.loads(json.dumps(SPEC))
    spec["assistants"]["a"]["tools"].append("web_search")
    world.write({**environment("assistants"), "specs/all.yaml": spec, "docs/a.md": "# A\n"})
    refused = world.ok("validate", code=1)
    assert (
        "web_search" in refused.err
        and "accept_loss" in refused.err
        and "specs/all.yaml:" in refused.err
    )
    world.write(environment("assistants", accept_loss=["tools.web_search"]))
    world.apply()
    world.write(environment("responses"))
    world.apply()


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_profiles_keep_their_ids_alive(world: World, keep: int) -> None:
    """Deployed applications still send the last versions: their files live as long as they are
    kept.
    """
    tools = [{"type": "code_interpreter", "files": ["x.csv"]}]
    world.write(environment("responses", keep_versions=keep))
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "gpt-4o", "tools": tools}}}})
    for version in range(1, 6):
        world.write({"x.csv": f"n\n{version}\n"})
        world.apply()
        assert load("local", root=world.root)["a"].version == version
        assert len(world.listed("/files")) == min(version, keep)
    named = load("local", root=world.root)["a"].request["tools"][0]["container"]["file_ids"]
    assert set(named) <= {item["id"] for item in world.listed("/files")}
