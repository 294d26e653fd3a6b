"""Assistants through the Agents API: a saved agent, from its first plan to another API."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from provisioner import load
from tests.support.world import World

FUNCTION = {"type": "function", "name": "find_user", "description": "Finds a user"}
SPEC: dict[str, Any] = {
    "vaults": {"keys": {}},
    "assistants": {
        "a": {
            "model": "gpt-5.6",
            "description": "Sorts tickets",
            "instructions": "Be brief.",
            "tools": [FUNCTION, "web_search"],
            "reasoning_effort": "low",
            "agents": {"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}},
            "session": {"environment": "openai_hosted", "vaults": ["keys"]},
        }
    },
}


def environment(api: str, **more: Any) -> dict[str, Any]:
    local = {"service": "local", "api": api, **more}
    return {"provisioner.yaml": {"workspace": "w", "environments": {"local": local}}}


def changed(**fields: Any) -> dict[str, Any]:
    assistants = {"a": {**SPEC["assistants"]["a"], **fields}}
    return {"specs/all.yaml": {**SPEC, "assistants": assistants}}


@pytest.fixture
def applied(world: World) -> World:
    world.write({**environment("agents"), "specs/all.yaml": SPEC})
    world.apply()
    world.settled()
    return world


def written(world: World, name: str) -> Any:
    return yaml.safe_load((world.root / name).read_text(encoding="utf-8"))


def agent(world: World) -> Any:
    return world.http("GET", f"/agents/{world.id('assistant.a')}")


def test_what_an_application_needs(applied: World) -> None:
    """`output` has the id and the arguments of `sessions.create`; `load` has the id."""
    id = applied.id("assistant.a")
    assert applied.ok("output", "--json").json["assistant.a"] == {
        "id": id,
        "session": {
            "agent_id": id,
            "environment": {"type": "openai_hosted"},
            "vault_ids": [applied.id("vault.keys")],
        },
    }
    deployed = load("local", root=applied.root)["a"]
    assert (deployed.id, deployed.api) == (id, "agents")


def test_an_update_says_whom_it_reaches(applied: World) -> None:
    """One line in the end, and only where an agent was updated."""
    said = "reaches new sessions"
    assert said not in applied.ok("apply", "-y").err
    applied.write(changed(instructions="Be kind.", reasoning_effort="high"))
    result = applied.ok("apply", "-y")
    assert (result.out + result.err).count(said) == 1
    applied.settled()
    found = agent(applied)
    assert found["reasoning"] == {"effort": "high", "summary": "auto"}
    assert found["text"]["verbosity"] == "low"


def test_an_edit_by_hand_is_drift_and_can_be_accepted(applied: World) -> None:
    """A search that was switched off and a verbosity come back into the spec as it says them."""
    tools = [
        tool | ({"mode": "disabled"} if tool["type"] == "web_search" else {})
        for tool in agent(applied)["tools"]
    ]
    edit = {"tools": tools, "text": {"verbosity": "high"}, "description": None}
    edit.pop("description")
    applied.http("POST", f"/agents/{applied.id('assistant.a')}", edit)
    drift = applied.ok("drift", "--json", code=2).json["resource_drift"]
    assert {field["path"] for field in drift[0]["changed_fields"]} == {"tools", "agents"}
    applied.ok("accept")
    spec = written(applied, "specs/all.yaml")["assistants"]["a"]
    assert {"type": "web_search", "mode": "disabled"} in spec["tools"]
    assert spec["agents"]["text"]["verbosity"] == "high"
    applied.settled()


def test_an_agent_is_imported(world: World) -> None:
    """What somebody made is written as they would have written it, without any default."""
    made = world.http(
        "POST",
        "/agents",
        {
            "model": "gpt-5.6",
            "name": "Triage",
            "metadata": {"description": "Sorts", "team": "hr"},
            "text": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
            "tools": [
                {
                    "type": "mcp",
                    "server_label": "crm",
                    "transport": {"type": "http", "server_url": "https://crm.example/mcp"},
                }
            ],
        },
    )
    world.write(environment("agents"))
    world.ok("import", "assistant.triage", made["id"], "-y")
    [path] = list((world.root / "specs").glob("*.yaml"))
    spec = written(world, f"specs/{path.name}")["assistants"]["triage"]
    spec.pop("name")
    assert spec == {
        "model": "gpt-5.6",
        "description": "Sorts",
        "metadata": {"team": "hr"},
        "response_format": {"type": "json_schema", "schema": {"type": "object"}},
        "tools": [{"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"}],
    }
    world.settled()


def test_a_lost_lock_is_rebuilt(applied: World) -> None:
    """By the stamps; the same agent is ours again, and nothing is made twice."""
    id = applied.id("assistant.a")
    (applied.root / ".provisioner/local/lock.json").unlink()
    applied.ok("state", "rebuild")
    assert applied.id("assistant.a") == id
    applied.apply()
    applied.settled()
    assert [one["id"] for one in applied.listed("/agents")] == [id]


def test_from_api_to_api_and_back(world: World) -> None:
    """Every change of API makes one object, removes the old one, and leaves nothing to do."""
    world.write({"specs/all.yaml": SPEC})
    losses = ["tools.web_search"]
    for api in ("assistants", "responses", "agents", "responses", "agents", "assistants"):
        world.write(environment(api, accept_loss=losses))
        world.apply()
        world.settled()
        made = {path: len(world.listed(path)) for path in ("/assistants", "/agents")}
        assert made == {"/assistants": api == "assistants", "/agents": api == "agents"}


def test_what_an_agent_does_not_have_is_not_written_anew(world: World) -> None:
    """A store that is replaced has a new id, which is nothing to an agent that lost the tool."""
    tools = [{"type": "file_search", "vector_stores": ["kb"]}]
    stores = {"kb": {"description": "first"}}
    assistants = {"a": {"model": "gpt-4o", "tools": tools}}
    world.write(environment("agents", accept_loss=["tools.file_search"]))
    world.write({"specs/all.yaml": {"vector_stores": stores, "assistants": assistants}})
    world.apply()
    stores["kb"]["description"] = "second"
    world.write({"specs/all.yaml": {"vector_stores": stores, "assistants": assistants}})
    assert world.changes() == {"vector_store.kb": "create/delete"}
    world.apply()
    world.settled()


def test_a_description_needs_room_among_the_pairs_of_others(world: World) -> None:
    """It travels as metadata, of which there are sixteen pairs; the plan says so, not the service."""
    world.write({**environment("agents"), "specs/all.yaml": {"assistants": {"a": {"model": "m"}}}})
    world.apply()
    theirs = {f"key{number}": "x" for number in range(15)}
    metadata = {**theirs, **agent(world)["metadata"]}
    world.http("POST", f"/agents/{world.id('assistant.a')}", {"metadata": metadata})
    world.settled()
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m", "description": "Sorts"}}}})
    assert "17 metadata pairs" in world.ok("plan", code=1).out


def test_losses_are_named_for_each_environment(world: World) -> None:
    """`validate` asks the API of each; what one accepts, another may still lose."""
    tools = [{"type": "file_search", "vector_stores": [{"id": "vs_1"}]}]
    spec = {"temperature": 0.3, "tools": tools}
    accepted = ["temperature", "tools.file_search"]
    environments = {
        "one": {"service": "local", "api": "responses", "lock": "one.json"},
        "two": {"service": "local", "api": "agents", "lock": "two.json"},
        "three": {
            "service": "local",
            "api": "agents",
            "lock": "three.json",
            "accept_loss": accepted,
        },
    }
    world.write({"provisioner.yaml": {"workspace": "w", "environments": environments}})
    world.write({"specs/all.yaml": {"assistants": {"a": {**spec, "model": "gpt-4o"}}}})
    assert world.ok("validate", "-e", "one").err == ""
    assert world.ok("validate", "-e", "three").err == ""
    problems = world.ok("validate", "--json", code=1).json["problems"]
    assert [(one["summary"], one["line"] > 0) for one in problems] == [
        ("Not carried by API", True),
        ("Not carried by API", True),
    ]
    assert any("vector_stores.search" in one["hint"] for one in problems)
