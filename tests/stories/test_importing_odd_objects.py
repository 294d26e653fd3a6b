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


def test_fields_that_no_spec_has(world: World) -> None:
    """Those of a later release, wherever they stand, are named once for all that have the same;
    what the service notes by itself, or what says nothing, is not.
    """
    store = store_of(world, "Handbook")
    search = {"type": "file_search", "file_search": {"max_num_results": 5, "depth": 3}}
    tools = [search, {**FUNCTION, "cache": True}, {"type": "code_interpreter"}]
    later = {
        "tools": tools,
        "tool_resources": {"file_search": {"vector_store_ids": [store], "boost": [1]}},
        "voice": {"speed": 2, "tone": None, "\x1b[2J": "x"},
        "memory": False,
        "seed": None,
    }
    plain, first, second = (assistant(world, name) for name in ("Plain", "First", "Second"))
    with (
        world.behind(shown_as(first, **later)),
        world.behind(shown_as(second, **later)),
        world.behind(shown_as(store, region="eu", usage_bytes=7)),
    ):
        said = world.ok("import", "--all", "-y").err
        assert said.count("of a spec, and not written") == 2 and "\x1b" not in said
        for path in ("tools[0].file_search.depth", "tools[1].cache", "voice.speed"):
            assert path in said or "more of" in said
        assert f"`{first}`, `{second}`" in said or f"`{second}`, `{first}`" in said
        assert f"`region` of `{store}` is no field" in said
        assert said.count(plain) == 1 and "seed" not in said and "tone" not in said
        world.settled()


def test_names_without_an_end(world: World) -> None:
    """Nobody has to read them: neither the inventory nor an import prints them whole."""
    first, second = assistant(world, "First"), assistant(world, "Second")
    name = "n" * 100_000
    with world.behind(shown_as(first, name=name)), world.behind(shown_as(second, name=name)):
        for words in (("drift", "--unmanaged"), ("import", "--all", "-y")):
            said = world.ok(*words)
            assert first in said.out + said.err and len(said.out + said.err) < 5_000


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


def test_documents_without_a_route(world: World) -> None:
    """A store goes without documents that cannot be read, and one whose documents are not shown
    stays where it is; everything else is taken over.
    """
    store = store_of(world, "Handbook", world.upload("a.md", b"# A\n"))
    hidden = store_of(world, "Hidden")
    assistant(world, "Good")
    gone = {"error": {"message": "Unknown request URL"}}

    def answer(_method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        no_route = path.startswith(("/files", f"/vector_stores/{hidden}/files"))
        return (404, gone) if no_route else (status, body)

    with world.behind(Change(lambda app: Odd(app, answer=answer))):
        said = world.ok("import", "--all", "-y").err
        assert f"`{store}` names" in said and f"`{hidden}` is left out" in said
        world.settled()
    assert spec(world)["vector_stores"].keys() == {"handbook"}
    assert spec(world)["assistants"].keys() == {"good"}


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
