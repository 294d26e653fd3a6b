"""What people have is taken by every API, whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.defined import NAMES, set_up
from tests.support.world import World


def live(world: World, name: str, api: str) -> dict[str, Any]:
    """An assistant as its API has it: the object, or the request."""
    output: dict[str, Any] = world.ok("output", "--json", f"assistant.{name}").json
    found: dict[str, Any] = output[f"assistant.{name}"]
    if api == "responses":
        request: dict[str, Any] = found["request"]
        return request
    return next(one for one in world.listed("/assistants") if one["id"] == found["id"])


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


@pytest.mark.parametrize("api", ["assistants", "responses"])
@pytest.mark.parametrize("name", NAMES)
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
    set_up(world, name, "agents")
    errors = [one for one in found(world) if one["summary"] != "Description missing"]
    assert {one["summary"] for one in errors} <= {"Not carried by API"}
    lost = sorted({one["hint"].rpartition("accept_loss: [")[2][:-2] for one in errors})
    local = {"service": "local", "api": "agents", "accept_loss": lost}
    world.write({"provisioner.yaml": {"workspace": "w", "environments": {"local": local}}})
    left = found(world)
    assert {one["summary"] for one in left} <= {"Description missing"}
    if not left:
        world.apply()
        world.settled()


def found(world: World) -> list[dict[str, Any]]:
    """The errors of a workspace."""
    problems = json.loads(world.run("validate", "--json").out)["problems"]
    return [one for one in problems if one["severity"] == "error"]


def test_there_are_twenty() -> None:
    """A file that is not read would prove nothing."""
    assert len(NAMES) == 20
