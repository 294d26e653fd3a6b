"""What an API makes of an assistant, row by row, and that nothing is left out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.kinds.assistant import KIND, carried
from provisioner.model import Address, Fields, Mapped

ADDRESS = Address("assistant", "a")
APIS = ("assistants", "responses", "agents")
EVERYTHING: Fields = {
    "model": "gpt-5.6",
    "description": "Answers",
    "instructions": "Be kind.",
    "temperature": 0.2,
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "name": "t", "strict": True, "schema": {}},
    "metadata": {"team": "hr"},
    "responses": {"store": False},
    "agents": {"text": {"verbosity": "low"}},
    "session": {"environment": {"type": "none"}},
    "tools": [
        {
            "type": "file_search",
            "vector_stores": ["vector_store.kb"],
            "max_num_results": 8,
            "ranking_options": {"hybrid_search": {"text_weight": 1}, "ranker": "auto"},
        },
        {"type": "function", "name": "f", "description": "F", "strict": True, "async": False},
        {"type": "web_search", "search_context_size": "low", "mode": "disabled"},
        {"type": "mcp", "server_label": "m", "connector_id": "c"},
    ],
}


def rows(api: str, fields: Fields = EVERYTHING) -> dict[str, Mapped]:
    return {row.path: row for row in KIND.mapped(api, ADDRESS, fields)}


def said(fields: Fields) -> Iterator[str]:
    """Every field, every tool and every setting of one."""
    yield from (name for name in fields if name != "tools")
    for index, tool in enumerate(fields["tools"]):
        yield f"tools[{index}]"
        yield from (f"tools[{index}].{name}" for name in tool if name != "type")


@pytest.mark.parametrize("api", APIS)
def test_nothing_disappears(api: str) -> None:
    """Everything that is declared has a row, and every loss that `validate` finds is in one; a
    switched-off tool of Responses is no tool at all, its settings with it.
    """
    found = rows(api)
    off = {f"tools[2].{name}" for name in ("search_context_size", "mode")}
    assert set(said(EVERYTHING)) - found.keys() <= (off if api == "responses" else set())
    losses = {loss.name for loss in KIND.form(api).losses(ADDRESS, EVERYTHING)}
    assert losses == {row.loss for row in found.values() if row.how == "lost"}
    for row in found.values():
        assert row.to if row.how in ("carried", "renamed") else row.why


def test_each_way() -> None:
    """Carried, renamed, left to a default, unused and lost, as the forms send it."""
    responses, agents, assistants = rows("responses"), rows("agents"), rows("assistants")
    assert [responses[name].how for name in ("model", "temperature")] == ["carried"] * 2
    assert responses["reasoning_effort"].to == "reasoning.effort"
    assert responses["tools[2]"].to == "no tool at all"
    assert responses["session"].how == "unused" and "`agents`" in responses["session"].why
    assert responses["top_p"].how == "default" and "under `agents`" in responses["top_p"].why
    assert responses["tools[0].ranking_options"].how == "carried"

    assert agents["tools[2].search_context_size"].to == "context_size"
    assert agents["tools[1].strict"].loss == "tools.function.strict"
    assert agents["tools[0].max_num_results"].loss == "tools.file_search"
    assert agents["tools[3]"].loss == "tools.mcp.connector_id"  # the only home that it had
    assert agents["response_format"].to == "text.format"
    assert agents["response_format.name"].how == "lost"
    for remedy in ("an MCP server", "`vector_stores.search`", "environment template"):
        assert remedy in agents["tools[0]"].hint

    assert assistants["response_format"].to == "response_format.json_schema"
    assert assistants["tools[0].ranking_options.hybrid_search"].how == "lost"
    assert assistants["tools[1].async"].how == "default"
    assert assistants["responses"].how == "unused"


def test_what_travels_as_metadata() -> None:
    """A label whose key is taken is what is lost, and the key of the author what is carried."""
    fields: Fields = {"model": "m", "description": "D", "metadata": {"description": "mine"}}
    for api in ("responses", "agents"):
        found = rows(api, fields)
        assert found["description"].how == "lost" and found["metadata"].how == "carried"
        assert "metadata.description" not in found


def test_every_part_of_a_format() -> None:
    """An agent has its schema alone: all that goes by one name has a row of its own."""
    wanted = {"type": "json_schema", "name": "t", "description": "T", "strict": True, "schema": {}}
    found = rows("agents", {"model": "m", "response_format": wanted})
    parts = [f"response_format.{name}" for name in ("name", "description", "strict")]
    assert [found[name].loss for name in parts] == ["response_format.name"] * 3
    lax = {"type": "json_schema", "strict": False, "schema": {}}
    assert rows("agents", {"model": "m", "response_format": lax})[parts[2]].how == "default"


@pytest.mark.parametrize("names", [None, ["list"]])
def test_tools_by_what_they_do(names: list[str] | None) -> None:
    """An agent has the names of an MCP server's tools: where there are any, those are carried."""
    allowed = {"read_only": True} | ({"tool_names": names} if names else {})
    server = {"type": "mcp", "server_label": "m", "server_url": "https://m.example"}
    found = rows("agents", {"model": "m", "tools": [{**server, "allowed_tools": allowed}]})
    assert found["tools[0].allowed_tools"].how == ("carried" if names else "lost")
    inner = found.get("tools[0].allowed_tools.read_only")
    assert (inner.how if inner else None) == ("lost" if names else None)


def test_what_a_request_leaves_out() -> None:
    """What is said and is the default of Responses anyway is in no request, and is not carried."""
    fields: Fields = {
        "model": "m",
        "description": "",
        "temperature": 1,
        "response_format": "auto",
        "metadata": {},
    }
    found = rows("responses", fields)
    assert {found[name].how for name in fields if name != "model"} == {"default"}
    assert rows("assistants", fields)["temperature"].how == "carried"


def test_what_is_lost_with_its_tool() -> None:
    """A setting that has to be accepted by a name of its own says so."""
    server = {"type": "mcp", "server_label": "m", "require_approval": "never", "connector_id": "c"}
    found = rows("agents", {"model": "m", "tools": [server]})
    assert found["tools[0].server_label"].loss == "tools.mcp.connector_id"
    assert found["tools[0].require_approval"].loss == "tools.mcp.require_approval"


def test_what_is_switched_on() -> None:
    """A request of Responses says it by the tool alone, an agent in so many words."""
    fields: Fields = {
        "model": "m",
        "tools": [{"type": "programmatic_tool_calling", "enabled": True}],
    }
    found = [rows(api, fields)["tools[0].enabled"].how for api in ("responses", "agents")]
    assert found == ["default", "carried"]


def _losses() -> Iterator[Any]:
    for kind, settings in carried.TOOLS.items():
        for api in APIS:
            for name in settings:
                if api not in settings[name] and (not name or api in settings[carried.TOOL]):
                    yield pytest.param(api, kind, name, id=f"{api}-{kind}-{name}")


@pytest.mark.parametrize(("api", "kind", "name"), list(_losses()))
def test_every_loss_has_a_remedy(api: str, kind: str, name: str) -> None:
    """More than to take it out: what to write in its place, or the API that has it."""
    tool = {"type": kind, "server_url": "https://x.example"} if kind == "mcp" else {"type": kind}
    value = "disabled" if name == "mode" else {"type": "stdio"} if name == "transport" else "x"
    [*_, loss] = carried.lost(api, ADDRESS, {**tool, name: value} if name else tool, 0)
    assert loss.name == ".".join(filter(None, ("tools", kind, name)))
    assert f"accept_loss: [{loss.name}]" in loss.hint
    assert not loss.hint.startswith("take it out, or accept"), loss.hint
