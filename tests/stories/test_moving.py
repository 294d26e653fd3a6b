"""Once around: assistants, responses, agents and back, on one workspace."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner import load
from tests.support.world import World

A, KB = "assistant.support", "vector_store.kb"
LOSSES = ["temperature", "tools.file_search", "tools.code_interpreter"]


def environment(api: str, keep: int = 3) -> dict[str, Any]:
    local = {"service": "local", "api": api, "keep_versions": keep}
    if api == "agents":
        local["accept_loss"] = LOSSES
    return {"provisioner.yaml": {"workspace": "acme", "environments": {"local": local}}}


SUPPORT = {
    "model": "gpt-4o",
    "instructions": "Answer from the handbook.",
    "temperature": 0.2,
    "tools": [
        {"type": "file_search", "vector_stores": ["kb"]},
        {"type": "code_interpreter", "files": ["x.csv"]},
    ],
}
SPECS = {"vector_stores": {"kb": {"files": ["docs/*.md"]}}, "assistants": {"support": SUPPORT}}
FILES = {"specs/all.yaml": SPECS, "docs/a.md": "# A\n", "x.csv": "n\n1\n"}
WHERE = {"assistants": "/assistants", "agents": "/agents"}


def there(world: World) -> dict[str, list[str]]:
    """The ids of everything at the service."""
    lists = ("/assistants", "/agents", "/vector_stores", "/files")
    return {path: sorted(one["id"] for one in world.listed(path)) for path in lists}


def answers(world: World, request: dict[str, Any]) -> None:
    """A deployed application sends a request that it has loaded some time ago."""
    world.http("POST", "/responses", {**request, "input": "How many days?"})


def test_once_around(world: World) -> None:
    """Store and file keep their ids, there is one object or none and nothing that nobody knows,
    each second plan is empty, and the first profile answers all the way.
    """
    world.write({**environment("assistants"), **FILES})
    world.apply()
    kept = {path: ids for path, ids in there(world).items() if path not in WHERE.values()}
    assert {path: len(ids) for path, ids in kept.items()} == {"/vector_stores": 1, "/files": 2}
    first: dict[str, Any] = {}
    for api in ("responses", "agents", "assistants", "responses"):
        world.write(environment(api))
        assert world.changes() == {A: "create/delete"}
        world.apply()  # and its second plan is empty
        now = there(world)
        assert {path: now[path] for path in kept} == kept
        assert {path for path in WHERE.values() if now[path]} == (
            {WHERE[api]} if api in WHERE else set()
        )
        assert all(len(now[path]) <= 1 for path in WHERE.values())
        assert world.plan()["orphans"] == []
        first = (
            first or load("local", root=world.root)["support"].request
            if api not in WHERE
            else first
        )
        answers(world, first)
    assert load("local", root=world.root)["support"].version == 2


@pytest.mark.parametrize("keep", [1, 2])
def test_what_a_profile_names(world: World, keep: int) -> None:
    """A file that a profile names outlives its next version also where the assistant has gone to
    another API since, until `keep_versions` ends that.
    """
    world.write({**environment("responses", keep), **FILES})
    world.apply()
    old, first = world.id("file.x.csv"), load("local", root=world.root)["support"].request
    world.write(environment("agents", keep))
    world.apply()
    world.write({"x.csv": "n\n2\n"})
    world.apply()
    assert (old in there(world)["/files"]) == (keep > 1)
    if keep > 1:
        support = load("local", root=world.root)["support"]
        assert (support.version, support.versions, support.id) == (None, [1], world.id(A))
        assert support.at(1).request == first
        answers(world, first)
        assert "1 version is kept of the request profile" in world.ok("versions", A).out
        world.write(environment("responses", keep))
        world.apply()
        support = load("local", root=world.root)["support"]
        assert (support.version, support.versions) == (2, [2, 1])
        answers(world, support.at(1).request)
        world.write(environment("agents", 1))
        world.apply()
        assert old not in there(world)["/files"]


def test_blue_beside_green(world: World) -> None:
    """A second environment at the same service makes its own of everything; what the first one has
    is nothing that was left over, and is so once its lock is gone.
    """
    environments = {
        name: {"service": "local", "api": api, "lock": f"locks/{name}.lock.json"}
        for name, api in (("blue", "assistants"), ("green", "responses"))
    }
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": environments}, **FILES})
    world.ok("apply", "-y", "-e", "blue")
    theirs = there(world)

    assert "left over" not in world.ok("plan", "-e", "green").out
    locks = world.root / "locks"
    (locks / "blue.lock.json").rename(locks / "elsewhere")
    assert "it may be left over" in world.ok("plan", "-e", "green").out
    (locks / "elsewhere").rename(locks / "blue.lock.json")

    world.ok("apply", "-y", "-e", "green")
    now = there(world)
    assert all(set(ids) <= set(now[path]) for path, ids in theirs.items())
    world.ok("destroy", "-y", "-e", "blue")
    assert there(world)["/files"] == sorted(set(now["/files"]) - set(theirs["/files"]))
