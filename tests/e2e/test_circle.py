"""What people have goes once around: assistants, responses, agents and back, on one workspace."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner import load
from tests.e2e.defined import NAMES, environment, errors
from tests.support.world import World

AROUND = ("assistants", "responses", "agents", "assistants", "agents", "responses")
QUICK = ("order_desk", "patents")
DEFINED = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.thorough]) for name in NAMES
]
MADE = ("/assistants", "/agents")  # what a change of API makes and removes
KEPT = ("/vector_stores", "/files", "/vaults", "/skills", "/agents/environments/templates")
USED = ("last_active_at", "expires_at")  # what an answer changes


def held(world: World) -> dict[str, Any]:
    """Everything at the service that no API has of its own, whole."""
    found: dict[str, Any] = {path: _by_id(world, path) for path in KEPT}
    for store in found["/vector_stores"]:
        found[store] = _by_id(world, f"/vector_stores/{store}/files")
    return found


def _by_id(world: World, path: str) -> dict[str, Any]:
    return {
        item["id"]: {key: item[key] for key in item if key not in USED}
        for item in world.listed(path)
    }


def profiles(world: World, names: Any) -> dict[str, Any]:
    """The requests that applications load."""
    workspace = load("local", root=world.root)
    return {name: workspace[name].request for name in names}


def unstamped(request: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: one for key, one in request["metadata"].items() if key != "provisioner"}
    return {**request, "metadata": metadata}


@pytest.mark.parametrize("name", DEFINED)
def test_once_around(world: World, name: str) -> None:
    """Nothing but the assistants changes: what is held keeps its ids and its content, there is one
    object of each or none, and the first requests answer all the way and come back as they were.
    """
    through = {}
    for api in ("assistants", "responses", "agents"):
        through[api] = environment(world, name, api)
        if errors(world):  # a function that nobody describes
            del through[api]
    first: dict[str, Any] = {}
    before: dict[str, Any] = {}
    for api in filter(through.__contains__, AROUND):
        world.write(through[api])
        world.apply()
        plan = world.plan()
        assert plan["orphans"] == plan["deposed"] == plan["notes"] == []
        names = assistants(world)
        before = before or held(world)
        assert held(world) == before
        counts = {path: len(world.listed(path)) for path in MADE}
        assert counts == {path: len(names) if path == f"/{api}" else 0 for path in MADE}
        if api == "responses":
            now = profiles(world, names)
            first = first or now
            assert {one: unstamped(now[one]) for one in now} == {
                one: unstamped(first[one]) for one in first
            }
        for request in first.values():
            world.http("POST", "/responses", {**request, "input": "Good morning"})


def assistants(world: World) -> list[str]:
    found = [address.partition(".") for address in world.lock()["resources"]]
    return [name for kind, _, name in found if kind == "assistant"]
