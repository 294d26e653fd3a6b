"""What people have is taken by every API, whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.defined import NAMES, environment, errors, set_up
from tests.support.world import World

APIS = ("assistants", "responses", "agents")
SPELT = (".type", ".vector_stores[", ".files[")  # where another word is sent
QUICK = ("order_desk",)  # the others go the same way, at length
EVERYWHERE = [
    pytest.param(name, api, marks=[] if name in QUICK else [pytest.mark.thorough])
    for name in NAMES
    for api in APIS
]


def live(world: World, name: str, api: str) -> dict[str, Any]:
    """An assistant as its API has it: the object, or the request."""
    output: dict[str, Any] = world.ok("output", "--json", f"assistant.{name}").json
    found: dict[str, Any] = output[f"assistant.{name}"]
    if api == "responses":
        request: dict[str, Any] = found["request"]
        return request
    return next(one for one in world.listed(f"/{api}") if one["id"] == found["id"])


def prompt(world: World, given: str | dict[str, Any]) -> str:
    """What instructions say, files read and placeholders unescaped."""
    if isinstance(given, str):
        return given.replace("$${", "${")
    paths = given["files"] if "files" in given else [given["file"]]
    texts = [(world.root / path).read_text(encoding="utf-8") for path in paths]
    return "\n\n".join([*(text.rstrip("\n") for text in texts[:-1]), texts[-1]])


def schemas(tools: list[Any]) -> dict[str, str]:
    """The parameters of each function that has its own, in their order, whether `function` is
    around it or not.
    """
    functions = [tool.get("function", tool) for tool in tools if isinstance(tool, dict)]
    return {one["name"]: json.dumps(one["parameters"]) for one in functions if "parameters" in one}


def answer_schema(given: dict[str, Any]) -> Any:
    """The schema of the answers, wherever the API has it; none where nothing is demanded."""
    shape = given.get("text", {}).get("format") or given.get("response_format")
    if not isinstance(shape, dict):
        return None
    return shape.get("json_schema", shape).get("schema")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str | float]]:
    """The texts and numbers of a value with their paths, `tools[0].name`."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from leaves(one, f"{path}[{index}]")
    elif isinstance(value, str | float | int) and not isinstance(value, bool):
        yield path, value


def below(path: str, row: str) -> bool:
    return path == row or path.startswith((f"{row}.", f"{row}["))


@pytest.mark.parametrize("api", ["assistants", "responses"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.sampled(3)
def test_what_people_have_is_taken_whole(world: World, name: str, api: str) -> None:
    """It is valid, planned, applied and then in sync; prompts and schemas arrive to the letter."""
    spec = set_up(world, name, api)

    world.ok("validate")
    created = world.changes()
    assert {f"assistant.{one}" for one in spec["assistants"]} <= created.keys()
    assert set(created.values()) == {"create"}
    world.apply()

    for one, declared in spec["assistants"].items():
        found = live(world, one, api)
        assert prompt(world, declared["instructions"]) == found["instructions"]
        tools = declared.get("tools", [])
        arrived = found.get("tools", [])
        assert api == "assistants" or len(arrived) == len(tools)
        assert schemas(tools).items() <= schemas(arrived).items()
        if "file" not in (wanted := answer_schema(declared) or {}):
            assert json.dumps(wanted) == json.dumps(answer_schema(found) or {})


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_what_an_agent_cannot_have_is_named(world: World, name: str) -> None:
    """Everything that keeps it from being an agent is a loss with a name, or a function without a
    description; with these accepted it is applied, and in sync.
    """
    environment(world, name, "agents")
    left = errors(world)
    assert {one["summary"] for one in left} <= {"Description missing"}
    if not left:
        world.apply()
        world.settled()


@pytest.mark.parametrize(("name", "api"), EVERYWHERE)
def test_no_value_disappears(world: World, name: str, api: str) -> None:
    """Every value of a definition is in the object or the request, or `validate -v` says that it is
    not.
    """
    environment(world, name, api)
    if errors(world):  # a function that nobody describes
        return
    world.apply()
    document = world.ok("validate", "-e", "local", "-v", "--json").json
    for one in document["mapping"]:
        resource = one["address"].partition(".")[2]
        declared = world.lock()["resources"][one["address"]]["fields"]
        there = {value for _, value in leaves(live(world, resource, api))}
        rows = {row["path"]: row["how"] for row in one["fields"]}
        for path, value in leaves(declared):
            if value == "" or any(part in path for part in SPELT):
                continue
            how = rows[max((row for row in rows if below(path, row)), key=len)]
            assert value in there or how in ("lost", "default", "unused"), (path, value, how)


def test_there_are_twenty_one() -> None:
    """A file that is not read would prove nothing."""
    assert len(NAMES) == 21
