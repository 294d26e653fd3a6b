"""What a compatible server may hold and no spec may say is named, and everything else is taken
over.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.middleware import Json, Odd
from tests.stories.test_importing import SPEC, assistant, spec, store_of, tree, writes
from tests.support.injecting import Change
from tests.support.world import World

FUNCTION = {"type": "function", "function": {"name": "x"}}


def shown_as(id: str, **fields: Any) -> Change:
    """The service as if one object had these fields."""

    def shown(item: Json) -> Json:
        return {**item, **fields} if item.get("id") == id else item

    def answer(_method: str, _path: str, status: int, body: Json) -> tuple[int, Json]:
        data = body.get("data")
        whole = {**body, "data": [shown(one) for one in data]} if isinstance(data, list) else body
        return status, shown(whole)

    return Change(lambda app: Odd(app, answer=answer))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"temperature": 5}, "between 0 and 2"),
        ({"name": "n" * 300}, "at most 256"),
        ({"metadata": {"a": 1}}, "metadata takes text"),
        ({"model": None}, "needs `model`"),
        ({"tools": [FUNCTION, FUNCTION]}, "two functions named `x`"),
        ({"response_format": {"type": "xml"}}, "must be one of"),
        ({"metadata": "text"}, "another shape"),
        ({"tools": {"type": "file_search"}}, "another shape"),
        ({"name": 7}, "another shape"),
    ],
)
def test_what_no_spec_may_say(world: World, fields: dict[str, Any], why: str) -> None:
    """It is named and stays as it is."""
    assistant(world, "Good")
    bad = assistant(world, "Bad", instructions="Be kind.\n" * 100)
    with world.behind(shown_as(bad, **fields)):
        said = world.ok("import", "--all", "-y")
        whole = said.out + said.err  # a plan has notes, too
        assert why in whole and bad in whole and whole.count("left out") == 1
        world.settled()
    assert spec(world) == {"assistants": {"good": {"name": "Good", "model": "gpt-4o"}}}
    assert list(tree(world.root)) == [SPEC]
    assert not any(bad in path for _, path in writes(world))


def test_what_names_something_gone(world: World) -> None:
    """An assistant is left out; a store goes without that document."""
    file = world.upload("a.md", b"# A\n")
    store_of(world, "Handbook", file)
    gone = store_of(world, "Old")
    search = {"file_search": {"vector_store_ids": [gone]}}
    bad = assistant(world, "Bad", tools=[{"type": "file_search"}], tool_resources=search)
    world.http("DELETE", f"/vector_stores/{gone}")
    said = world.ok("import", "--all", "-y").err
    assert f"`{bad}` names `{gone}`" in said
    world.settled()
    assert list(spec(world)) == ["vector_stores"]


def test_nothing_but_that(world: World) -> None:
    """Nothing is written where nothing is left."""
    bad = assistant(world, "Bad")
    with world.behind(shown_as(bad, temperature=5)):
        assert world.ok("import", "--all", "-y").out == "Nothing to import.\n"
    assert tree(world.root) == {}


def test_another_environment_may_not_like_it(world: World) -> None:
    """What is valid here and not there is said."""
    local = {"service": "local"}
    config = {
        "environments": {
            "local": local,
            "agents": {**local, "api": "agents", "lock": "agents.json"},
        }
    }
    world.write({"provisioner.yaml": config})
    assistant(world, "Warm", temperature=0.2)
    said = world.ok("import", "--all", "-y", "-e", "local").err
    assert "In `agents` this is not valid" in said and "`assistant.warm`" in said
