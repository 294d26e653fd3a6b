"""Saved agents: the defaults that come back, what an update does to each field, and the limits."""

from __future__ import annotations

from typing import Any

import openai
import pytest

JSON = dict[str, Any]
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
}
CRM: Any = {
    "type": "mcp",
    "server_label": "crm",
    "transport": {"type": "http", "server_url": "https://crm.example"},
}


def create(client: openai.OpenAI, **given: Any) -> JSON:
    """The reply as it is on the wire."""
    made: JSON = client.post("/agents", body={"model": "gpt-6"} | given, cast_to=JSON)
    return made


def update(client: openai.OpenAI, made: JSON, **given: Any) -> JSON:
    path = f"/agents/{made['id']}"
    changed: JSON = client.post(path, body=given, cast_to=JSON)
    assert client.get(path, cast_to=JSON) == changed
    return changed


def refused(client: openai.OpenAI, **given: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as refusal:
        create(client, **given)
    return refusal.value


def test_an_agent_of_only_a_model_has_the_defaults(client: openai.OpenAI) -> None:
    """Every default is filled in on the wire."""
    made = create(client)
    assert made == {
        "id": made["id"],
        "object": "agent",
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "model": "gpt-6",
        "name": None,
        "instructions": None,
        "metadata": {},
        "tools": [],
        "reasoning": {"effort": None, "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "service_tier": "auto",
        "multi_agent": {"enabled": False, "max_concurrent_subagents": None},
        "compaction": {"async": False},
        "experimental": {"time_awareness": False},
    }


def test_the_sdk_accepts_everything(client: openai.OpenAI) -> None:
    """The SDK's strict types fit what is sent; create, read, list, update and delete work."""
    agents = client.beta.agents
    made = agents.create(
        model="gpt-6",
        name="n",
        instructions="i",
        metadata={"k": "v"},
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "schema": {"type": "object"}}, "verbosity": "low"},
        service_tier="flex",
        multi_agent={"enabled": True},
        compaction={"async_": True},
        experimental={"time_awareness": True},
        tools=[
            WEATHER,
            CRM,
            {"type": "tool_search"},
            {"type": "programmatic_tool_calling"},
            {"type": "web_search"},
            {"type": "computer_use"},
            {"type": "automations"},
        ],
    )
    assert made.multi_agent.max_concurrent_subagents == 6
    assert made.compaction and made.compaction.async_
    assert agents.retrieve(made.id) == made
    assert made in agents.list(limit=100).data
    assert agents.update(made.id, name="new").name == "new"
    deleted = agents.delete(made.id)
    assert deleted.model_dump() == {"id": made.id, "object": "agent.deleted", "deleted": True}
    with pytest.raises(openai.NotFoundError, match=f"No agent found with id '{made.id}'"):
        agents.retrieve(made.id)


def test_tools_come_back_with_their_defaults(client: openai.OpenAI) -> None:
    """Each field that nothing was said about, in the service of each type."""
    stdio = {"type": "stdio", "command": "run", "cwd": "/workspace"}
    tools: list[JSON] = [
        WEATHER,
        CRM,
        CRM | {"transport": stdio, "credential_id": "vcred_1"},
        {"type": "programmatic_tool_calling"},
        {"type": "web_search", "location": {"country": "NO"}},
        {"type": "computer_use"},
    ]
    server = {
        "allowed_tools": None,
        "connection_origin": "service",
        "credential_id": None,
        "request_metadata": {},
        "required": False,
    }
    assert create(client, tools=tools)["tools"] == [
        WEATHER | {"defer_loading": False},
        CRM | server | {"transport": CRM["transport"] | {"headers": {}}},
        CRM
        | server
        | {"transport": stdio | {"args": [], "env_vars": []}, "credential_id": "vcred_1"},
        {"type": "programmatic_tool_calling", "enabled": True},
        {
            "type": "web_search",
            "mode": "live",
            "context_size": "medium",
            "allowed_domains": None,
            "location": {"city": None, "country": "NO", "region": None, "timezone": None},
        },
        {"type": "computer_use", "include_screenshots": False},
    ]


def test_an_update_leaves_alone_what_it_omits(client: openai.OpenAI) -> None:
    """Objects replace whole, `experimental` is merged, metadata is replaced, null resets."""
    made = create(
        client,
        name="n",
        instructions="i",
        metadata={"a": "1", "b": "2"},
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "high"},
        multi_agent={"enabled": True, "max_concurrent_subagents": 2},
        experimental={"time_awareness": True},
        tools=[WEATHER],
    )
    whenever = {"updated_at": 0}
    assert update(client, made) | whenever == made | whenever
    assert update(client, made, reasoning={"effort": "high"})["reasoning"]["summary"] is None
    assert update(client, made, metadata={"c": "3"})["metadata"] == {"c": "3"}
    assert update(client, made, experimental={})["experimental"] == {"time_awareness": True}
    assert update(client, made, tools=[])["tools"] == []
    nothing = dict.fromkeys(
        ("name", "instructions", "metadata", "reasoning", "text", "multi_agent", "service_tier")
    )
    reset, fresh = update(client, made, **nothing), create(client)
    assert {name: reset[name] for name in nothing} == {name: fresh[name] for name in nothing}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "n" * 129}, "maximum length 128"),
        ({"instructions": "i" * 1_048_577}, "maximum length 1048576"),
        ({"temperature": 1}, "Unknown parameter: 'temperature'."),
        ({"description": "d"}, "Unknown parameter: 'description'."),
        ({"metadata": {"a": True}}, "Invalid type for 'metadata.a'"),
        ({"tools": [{"type": "file_search"}]}, "Invalid value: 'file_search'."),
        ({"tools": [WEATHER | {"strict": True}]}, "Unknown parameter: 'tools[0].strict'."),
        ({"tools": [WEATHER | {"parameters": {}}]}, "Invalid schema for function 'get_weather'"),
        ({"tools": [{"type": "function", "name": "f"}]}, "'tools[0].description'"),
        ({"text": {"format": {"type": "json_object"}}}, "Invalid value: 'json_object'."),
        ({"text": {"format": {"type": "json_schema", "schema": {"type": 1}}}}, "Invalid schema"),
        ({"multi_agent": {}}, "Missing required parameter: 'multi_agent.enabled'."),
        ({"multi_agent": {"enabled": True, "max_concurrent_subagents": 0}}, ">= 1"),
        ({"experimental": None}, "Invalid type for 'experimental'"),
        ({"service_tier": "scale"}, "Invalid value: 'scale'."),
        ({"model": ""}, "minimum length 1"),
    ],
)
def test_what_does_not_fit_is_refused(client: openai.OpenAI, given: JSON, message: str) -> None:
    """With 400, in the words of the service."""
    assert message in refused(client, **given).message


def test_a_saved_agent_has_no_secrets(client: openai.OpenAI) -> None:
    """What only a session may say is no parameter of its transport."""
    transport = CRM["transport"] | {"authorization": "Bearer s3cret"}
    error = refused(client, tools=[CRM | {"transport": transport}])
    assert "'tools[0].transport.authorization'" in error.message
    assert "s3cret" not in error.message


def test_all_tools_together_have_a_limit(client: openai.OpenAI) -> None:
    """Three MiB of compact JSON."""
    large = WEATHER | {"description": "d" * 1_600_000}
    assert create(client, tools=[large])
    assert "at most 3145728 bytes" in refused(client, tools=[large, large]).message


@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("part", ["automations", "environments", "sessions"])
def test_a_part_of_the_api_is_no_agent(client: openai.OpenAI, part: str, method: str) -> None:
    """What is not here says so, instead of looking for an agent of that name."""
    if (part, method) in {("automations", "get"), ("sessions", "get")}:
        assert client.get(f"/agents/{part}", cast_to=JSON)["object"] == "list"
        return
    with pytest.raises(openai.APIStatusError) as refusal:
        getattr(client, method)(f"/agents/{part}", cast_to=JSON)
    assert "No agent found" not in refusal.value.message


async def _all_of_it(client: openai.AsyncOpenAI) -> None:
    """There is no way backwards through these lists, and no parameter for it."""
    agents = client.beta.agents
    made = [(await agents.create(model="gpt-6", name=str(number))).id for number in range(3)]
    assert [one.id async for one in agents.list(limit=2)] == made[::-1]
    assert [one.id async for one in agents.list(limit=2, order="asc")] == made
    assert len((await client.get(f"/agents?before={made[1]}", cast_to=JSON))["data"]) == 3
    assert (await agents.update(made[0], instructions="i")).instructions == "i"
    assert (await agents.delete(made[0])).deleted
    with pytest.raises(openai.NotFoundError):
        await agents.list(after=made[0])


def test_the_async_client_works_as_well(tell: Any) -> None:
    """Made, listed page by page in both directions, changed and deleted."""
    tell(_all_of_it)
