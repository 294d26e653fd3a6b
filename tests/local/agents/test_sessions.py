"""Sessions: conversations of several turns with an agent, its functions, and where they run."""

from __future__ import annotations

import time
from typing import Any

import openai
import pytest

from .test_saved import CRM, WEATHER

JSON = dict[str, Any]
NONE: Any = {"type": "none"}
HOSTED: Any = {"type": "openai_hosted"}


def said(text: str) -> Any:
    message = {"role": "user", "content": [{"type": "input_text", "text": text}]}
    return {"type": "agent.session.input.message", "input": [message]}


def result(action: Any, output: Any) -> Any:
    return {
        "type": "agent.session.input.tool_result",
        "call_id": action.call_id,
        "turn_id": action.turn_id,
        "success": True,
        "output": output,
    }


class Talk:
    """One session; the service answers at once, when somebody looks."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.sessions = client.beta.agents.sessions
        self.id = ""

    async def begin(self, asked: str, **agent: Any) -> Any:
        whole: Any = {"model": "gpt-6"} | agent
        made = await self.sessions.create(agent=whole, environment=NONE, input=asked)
        self.id = made.id
        return made

    async def now(self) -> Any:
        return await self.sessions.retrieve(self.id)

    async def send(self, *events: Any, **given: Any) -> Any:
        await self.sessions.events.create(self.id, events=list(events), **given)
        return await self.now()

    async def items(self) -> list[JSON]:
        return [one.to_dict() async for one in self.sessions.items.list(self.id, order="asc")]

    async def last(self) -> str:
        text: str = (await self.items())[-1]["content"][0]["text"]
        return text


async def _several_turns(client: openai.AsyncOpenAI) -> None:
    talk = Talk(client)
    made = await talk.begin("Hello.", tools=[WEATHER])
    assert (made.status, made.environment.type, made.required_actions) == ("idle", "none", [])
    assert await talk.last() == "You said: Hello."
    asked = await talk.send(said("What's the weather in Oslo?"))
    assert (asked.status, len(asked.required_actions)) == ("requires_action", 1)
    action = asked.required_actions[0]
    assert (action.name, action.arguments) == ("get_weather", {"location": "Oslo"})
    turn = (await talk.sessions.turns.list(talk.id)).data[0]
    assert (turn.id, turn.status, turn.completed_at) == (action.turn_id, "waiting", None)
    assert (await talk.items())[-1]["status"] == "in_progress"

    answered = await talk.send(result(action, "Rain"))
    assert (answered.status, answered.required_actions) == ("idle", [])
    assert await talk.last() == "get_weather returned Rain"
    kinds = [(one["type"], one["status"]) for one in await talk.items()]
    assert kinds == [
        ("message", "completed"),
        ("message", "completed"),
        ("message", "completed"),
        ("function_call", "completed"),
        ("function_call_output", "completed"),
        ("message", "completed"),
    ]
    turn = await talk.sessions.turns.retrieve(turn.id, session_id=talk.id)
    assert (turn.status, turn.session_id, turn.agent_id) == ("completed", talk.id, made.agent.id)
    own = await talk.sessions.turns.items.list(turn.id, session_id=talk.id, order="asc")
    assert [one.to_dict() for one in own.data] == (await talk.items())[2:]
    assert turn.usage and answered.usage.total_tokens > turn.usage.total_tokens > 0
    await talk.send(said("Thanks."))
    assert len((await talk.sessions.turns.list(talk.id)).data) == 3


def test_a_conversation_of_several_turns(tell: Any) -> None:
    """Each message has its turn, and a function's output leads to the answer."""
    tell(_several_turns, run_seconds=0)


async def _several_calls(client: openai.AsyncOpenAI) -> None:
    talk = Talk(client)
    tools = [WEATHER, WEATHER | {"name": "get_time"}]
    asked = await talk.begin("Call get_weather and get_time.", tools=tools)
    first, second = asked.required_actions
    with pytest.raises(openai.BadRequestError, match="Unknown pending tool call"):
        await talk.send(result(first, "x") | {"turn_id": "turn_other"})
    half = await talk.send(result(second, [{"type": "input_text", "text": "Noon"}]))
    assert (half.status, half.required_actions) == ("requires_action", [first])
    failed: Any = result(first, None) | {"success": False, "error": "No sky."}
    assert (await talk.send(failed)).status == "idle"
    assert await talk.last() == "get_time returned Noon\nget_weather returned No sky."
    calls = [one["status"] for one in await talk.items() if one["type"] == "function_call"]
    assert calls == ["failed", "completed"]
    for again in (second, first):
        with pytest.raises(openai.BadRequestError) as refusal:
            await talk.send(result(again, "x"))
        body: Any = refusal.value.body
        assert body["message"] == f"Unknown pending tool call: {again.call_id}"
        assert body["code"] == "invalid_request_error"


def test_calls_are_answered_one_by_one(tell: Any) -> None:
    """In any order; one may have failed, and none is answered twice."""
    tell(_several_calls, run_seconds=0)


async def _steered(client: openai.AsyncOpenAI, clock: Any) -> None:
    talk = Talk(client)
    begun = await talk.begin("One.")
    assert begun.status == "in_progress"
    assert (await talk.send(said("Two."))).status == "in_progress"
    with pytest.raises(openai.ConflictError, match="has work under way"):
        await talk.sessions.delete(talk.id)
    clock.tick(0.05)
    assert (await talk.now()).status == "idle"
    assert await talk.last() == "You said: Two."
    assert len((await talk.sessions.turns.list(talk.id)).data) == 1
    assert (await talk.sessions.delete(talk.id)).object == "agent.session.deleted"
    with pytest.raises(openai.NotFoundError, match=f"No session found with id '{talk.id}'"):
        await talk.now()


def test_a_message_during_a_turn_is_heard_within_it(tell: Any, clock: Any) -> None:
    """And while it goes on, the session cannot be deleted."""
    tell(lambda client: _steered(client, clock))


async def _cancelled(client: openai.AsyncOpenAI) -> None:
    talk = Talk(client)
    asked = await talk.begin("What's the weather?", tools=[WEATHER])
    with pytest.raises(openai.ConflictError):
        await talk.sessions.delete(talk.id)
    cancel: Any = {"type": "agent.session.input.cancel"}
    for _ in range(2):
        assert (await talk.send(cancel)).status == "idle"
    turn = await talk.sessions.turns.retrieve(asked.required_actions[0].turn_id, session_id=talk.id)
    assert turn.status == "cancelled"
    assert (await talk.items())[-1]["status"] == "incomplete"
    with pytest.raises(openai.BadRequestError, match="Unknown pending tool call"):
        await talk.send(result(asked.required_actions[0], "x"))
    await talk.send(said("Hello."))
    assert await talk.last() == "You said: Hello."


def test_a_turn_can_be_cancelled(tell: Any) -> None:
    """What it waited for is not taken any more, and the conversation goes on."""
    tell(_cancelled, run_seconds=0)


async def _sent_twice(client: openai.AsyncOpenAI) -> None:
    talk = Talk(client)
    await talk.begin("Hello.")
    for _ in range(2):
        await talk.send(said("Again."), idempotency_key="k")
    assert len((await talk.sessions.turns.list(talk.id)).data) == 2
    raw = await talk.sessions.events.with_raw_response.create(talk.id, events=[said("More.")])
    assert (raw.status_code, raw.content) == (202, b"")
    approval: Any = {
        "type": "agent.session.input.mcp_approval_request_result",
        "request_id": "r",
        "response": {"type": "mcp_tool_call", "decision": "approve"},
    }
    with pytest.raises(openai.BadRequestError, match="Unknown pending approval request: r"):
        await talk.send(said("Not heard."), approval)
    assert await talk.last() == "You said: More."


def test_what_was_sent_before_is_not_taken_again(tell: Any) -> None:
    """By its key; events that come together are taken whole or not at all."""
    tell(_sent_twice, run_seconds=0)


async def _servers(client: openai.AsyncOpenAI) -> None:
    talk = Talk(client)
    tools = [CRM | {"allowed_tools": ["find_customer"]}, {"type": "web_search"}]
    await talk.begin("Find nobody.", tools=tools)
    assert await talk.last() == "You said: Find nobody."
    await talk.begin("Which customer wrote?", tools=tools)
    call = (await talk.items())[1]
    assert call | {"id": "", "turn_id": ""} == {
        "id": "",
        "turn_id": "",
        "type": "mcp_call",
        "status": "completed",
        "server_label": "crm",
        "name": "find_customer",
        "arguments": {},
        "output": None,
        "error": "No MCP server is asked here.",
    }
    assert "crm was asked, but no MCP server is asked here." in await talk.last()
    await talk.send(said("Look it up on the web."))
    search = (await talk.items())[-2]
    assert (search["type"], search["status"]) == ("web_search_call", "completed")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    formatted = {"format": {"type": "json_schema", "schema": schema}}
    await talk.begin("Give me 7.", text=formatted, tools=[CRM])
    assert await talk.last() == '{"n": 7}'


def test_what_is_not_reached_says_so(tell: Any) -> None:
    """Servers and searches have an item each; a schema is obeyed."""
    tell(_servers, run_seconds=0)


async def _saved(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    headers: Any = {"type": "http", "server_url": "https://crm.example", "headers": {"x": "1"}}
    agent = await agents.create(
        model="gpt-6",
        name="n",
        instructions="i",
        tools=[CRM | {"transport": headers}],
        reasoning={"effort": "low", "summary": "auto"},
        experimental={"time_awareness": True},
    )
    override: Any = {"reasoning": {"effort": "high"}, "experimental": {}, "instructions": None}
    made = await agents.sessions.create(
        agent_id=agent.id, agent=override, environment=HOSTED, metadata={"k": "v"}
    )
    await agents.update(agent.id, name="new", model="gpt-5")
    own = (await agents.sessions.retrieve(made.id)).agent.to_dict()
    assert (own["id"], own["name"], own["model"]) == (agent.id, "n", "gpt-6")
    assert own["instructions"] is None
    assert own["reasoning"] == {"effort": "high", "summary": None}
    assert own["experimental"] == {"time_awareness": True}
    shown: Any = own["tools"]
    assert shown[0]["transport"] == {"type": "http", "server_url": "https://crm.example"}

    changed = await agents.sessions.update(
        made.id,
        agent={"model": "gpt-6.1", "reasoning": {"effort": "low"}, "tools": None},
        metadata={},
        review="auto_review",
        prompt_cache_options={"ttl": "12h"},
    )
    assert (changed.agent.model, changed.agent.tools, changed.metadata) == ("gpt-6.1", [], {})
    assert changed.review == "auto_review"
    assert changed.prompt_cache_options and changed.prompt_cache_options.ttl == "12h"
    back = await agents.sessions.update(made.id, review="none", prompt_cache_options=None)
    assert (back.review, back.prompt_cache_options) == (None, None)
    other = await agents.sessions.create(agent={"model": "m"}, environment=HOSTED)

    async def found(**given: Any) -> list[str]:
        return [one.id async for one in agents.sessions.list(**given)]

    assert await found() == [other.id, made.id]
    assert await found(agent_id=agent.id) == [made.id]
    assert await found(metadata={"k": "v"}) == []
    for nothing in (agents.sessions.artifacts, agents.sessions.traces, agents.sessions.subagents):
        assert not (await nothing.list(made.id)).data


def test_a_session_keeps_its_agent(tell: Any) -> None:
    """As it was saved when the session began, with what was said otherwise; the session can be
    changed itself.
    """
    tell(_saved, run_seconds=0)


async def _hosted(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    file = await client.files.create(file=("a.csv", b"1,2"), purpose="user_data")
    main = ("a/SKILL.md", b"---\nname: a\ndescription: d\n---\n")
    skill = await client.skills.create(files=[main])
    await client.skills.versions.create(skill.id, files=[main])
    template = await agents.environments.templates.create(
        files=[{"type": "file_id", "file_id": file.id, "path": "/workspace/a.csv"}],
        skills=[{"type": "skill_reference", "skill_id": skill.id, "version": "latest"}],
        packages={"python": ["numpy"]},
        network={"access": "restricted", "allowed_domains": ["a.example"]},
    )
    given: Any = HOSTED | {"environment_template_id": template.id}
    own: Any = given | {"packages": {"npm": ["a"]}, "container_size": "small"}
    made = await agents.sessions.create(agent={"model": "m"}, environment=own)
    shown = made.environment.to_dict()
    files: Any = shown["files"]
    assert files == [
        {
            "id": files[0]["id"],
            "type": "file_id",
            "file_id": file.id,
            "path": "/workspace/a.csv",
            "size_bytes": 3,
        }
    ]
    assert shown["skills"] == [
        {
            "type": "skill_reference",
            "skill_id": skill.id,
            "name": "a",
            "description": "d",
            "version": "2",
        }
    ]
    assert shown["packages"] == {"npm": ["a"], "python": [], "system": []}
    assert shown["container_size"] == "small"
    again: Any = {"type": "openai_hosted", "environment_id": shown["id"]}
    same = await agents.sessions.create(agent={"model": "m"}, environment=again)
    assert same.environment == made.environment
    wide: Any = given | {"network": {"access": "enabled"}}
    with pytest.raises(openai.BadRequestError, match="cannot broaden"):
        await agents.sessions.create(agent={"model": "m"}, environment=wide)
    with pytest.raises(openai.BadRequestError, match="Mutually exclusive"):
        await agents.sessions.create(agent={"model": "m"}, environment=again | given)
    await client.files.delete(file.id)
    with pytest.raises(openai.NotFoundError, match=f"No such File object: {file.id}"):
        await agents.sessions.create(agent={"model": "m"}, environment=given)
    placed: Any = {"type": "self_hosted", "workspace_directory": "/w"}
    hosted = (await agents.sessions.create(agent={"model": "m"}, environment=placed)).environment
    assert hosted.type == "self_hosted" and hosted.workspace_directory == "/w"


def test_an_environment_is_set_up_from_its_template(tell: Any) -> None:
    """With what is said otherwise; files and versions of skills are looked up when it begins."""
    tell(_hosted, run_seconds=0)


async def _vaults(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    vault, other = [(await agents.vaults.create()).id for _ in range(2)]
    bearer: Any = {"type": "static_bearer", "mcp_server_url": "https://crm.example", "token": "t"}
    one = await agents.vaults.credentials.create(vault, name="a", auth=bearer)

    async def begin(vaults: list[str], environment: Any = NONE, **tool: Any) -> Any:
        return await agents.sessions.create(
            agent={"model": "m", "tools": [CRM | tool]},
            environment=environment,
            input="Hello.",
            vault_ids=vaults,
        )

    assert (await begin([vault])).vault_ids == [vault]
    assert await begin([vault], credential_id=one.id)
    with pytest.raises(openai.BadRequestError, match="is not attached"):
        await begin([other], credential_id=one.id)
    await agents.vaults.credentials.create(other, name="b", auth=bearer)
    with pytest.raises(openai.BadRequestError, match="More than one attached credential"):
        await begin([vault, other])
    with pytest.raises(openai.NotFoundError, match="No vault found with id 'vault_no'"):
        await begin(["vault_no"])

    variable: Any = {
        "type": "environment_variable",
        "secret_name": "KEY",
        "secret_value": "v",
        "networking": {"type": "limited", "allowed_hosts": ["api.a.example"]},
    }
    keys = (await agents.vaults.create()).id
    await agents.vaults.credentials.create(keys, name="k", auth=variable)

    def network(access: str, *domains: str, **more: Any) -> Any:
        return HOSTED | {"network": {"access": access, "allowed_domains": list(domains)}} | more

    for fits in ("api.a.example", "*.a.example"):
        assert await begin([keys], network("restricted", fits))
    assert await begin([keys], network("enabled"))
    wrong = {
        "'disabled'": network("disabled"),
        "which is not in 'allowed_domains'": network("restricted", "b.example"),
        "'KEY' is set more than once": network("enabled", env={"KEY": "x"}),
    }
    for message, environment in wrong.items():
        with pytest.raises(openai.BadRequestError, match=message):
            await begin([keys], environment)
    free = variable | {"secret_name": "FREE", "networking": {"type": "unrestricted"}}
    frees = (await agents.vaults.create()).id
    await agents.vaults.credentials.create(frees, name="f", auth=free)
    assert await begin([frees], network("restricted", "b.example"))
    for environment in (network("enabled"), network("restricted")):
        with pytest.raises(openai.BadRequestError, match="requires network access 'restricted'"):
            await begin([frees], environment)


def test_credentials_must_go_with_the_session(tell: Any) -> None:
    """Those of servers are attached and clear; those for variables have one name each, and the
    network lets them.
    """
    tell(_vaults, run_seconds=0)


async def _refusals(client: openai.AsyncOpenAI) -> None:
    sessions = client.beta.agents.sessions
    wrong: list[tuple[JSON, str]] = [
        ({"environment": NONE, "agent": {"model": "m"}}, "'input'"),
        ({"environment": HOSTED}, "'agent'"),
        ({"environment": HOSTED, "agent": {"instructions": "i"}}, "'agent.model'"),
        ({"environment": HOSTED, "agent": {"model": "m", "name": "n"}}, "'agent.name'"),
        ({"agent": {"model": "m"}}, "'environment'"),
        (
            {"environment": HOSTED, "agent": {"model": "m"}, "stream_options": {}},
            "only allowed when 'stream' is true",
        ),
        (
            {"environment": HOSTED, "agent": {"model": "m"}, "input": [{"role": "assistant"}]},
            "Invalid value: 'assistant'.|'input\\[0\\].content'",
        ),
        ({"environment": HOSTED, "agent": {"model": "m"}, "spend_control": {}}, "Unknown"),
        ({"environment": HOSTED, "agent": {"model": "m"}, "stream": True}, "'input'"),
    ]
    for given, message in wrong:
        with pytest.raises(openai.BadRequestError, match=message):
            await client.post("/agents/sessions", body=given, cast_to=JSON)
    with pytest.raises(openai.NotFoundError, match="No agent found with id 'agt_no'"):
        await sessions.create(agent_id="agt_no", environment=HOSTED)
    assert not (await sessions.list()).data


def test_what_does_not_fit_is_refused(tell: Any) -> None:
    """And no session is made."""
    tell(_refusals)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("run: failed", "server_error"),
        ("run: failed, code: rate_limit_exceeded", "rate_limit_exceeded"),
        ("run: expired", "request_timeout"),
        ("run: incomplete", "max_output_tokens"),
    ],
)
def test_a_rule_makes_a_turn_fail(tell: Any, rules: Any, action: str, code: str) -> None:
    """The session is idle then, and the next turn is answered."""

    async def story(client: openai.AsyncOpenAI) -> None:
        talk = Talk(client)
        assert (await talk.begin("Hello.")).status == "idle"
        turn = (await talk.sessions.turns.list(talk.id)).data[0]
        assert (turn.status, turn.error and turn.error.code) == ("failed", code)
        await talk.send(said("Again."))
        assert await talk.last() == "You said: Again."

    line = f"{{match: {{path: sessions$, nth: 1, method: POST}}, action: {{{action}}}}}"
    tell(story, faults=rules(line), run_seconds=0)


def test_a_rule_makes_a_turn_stay(tell: Any, rules: Any, clock: Any) -> None:
    """For so many seconds, or until it is cancelled."""

    async def story(client: openai.AsyncOpenAI) -> None:
        talk = Talk(client)
        await talk.begin("Hello.")
        clock.tick(1.9)
        assert (await talk.now()).status == "in_progress"
        clock.tick(0.1)
        assert (await talk.now()).status == "idle"
        await talk.send(said("Stay."))
        clock.tick(1e6)
        assert (await talk.now()).status == "in_progress"
        assert (await talk.send({"type": "agent.session.input.cancel"})).status == "idle"

    path = rules(
        "{match: {path: sessions$, method: POST}, action: {run: stays, seconds: 2}}",
        "{match: {path: events$, nth: 1}, action: {run: stays}}",
    )
    tell(story, faults=path)


def test_what_is_young_cannot_be_used(tell: Any, clock: Any, rules: Any) -> None:
    """An agent, a template, a vault and a file that were just made are not found by a session, in
    the words for what does not exist.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        agents = client.beta.agents
        agent = await agents.create(model="m")
        vault = await agents.vaults.create()
        template = await agents.environments.templates.create()
        file = await client.files.create(file=("a.csv", b"1"), purpose="user_data")
        given: list[JSON] = [
            {"agent_id": agent.id, "environment": HOSTED},
            {"vault_ids": [vault.id], "environment": HOSTED, "agent": {"model": "m"}},
            {
                "environment": HOSTED | {"environment_template_id": template.id},
                "agent": {"model": "m"},
            },
            {
                "environment": HOSTED
                | {"files": [{"type": "file_id", "file_id": file.id, "path": "/workspace/a"}]},
                "agent": {"model": "m"},
            },
        ]
        for one in given:
            with pytest.raises(openai.NotFoundError):
                await client.post("/agents/sessions", body=one, cast_to=JSON)
        clock.tick(1)
        for one in given:
            assert await client.post("/agents/sessions", body=one, cast_to=JSON)

    tell(story, faults=rules("{action: {settle: {seconds: 0.5, of: [use]}}}"))


async def _all_deleted(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    talk = Talk(client)
    await talk.begin("Hello.")
    await talk.send(said("Again."), idempotency_key="k")
    vault = (await agents.vaults.create()).id
    bearer: Any = {"type": "static_bearer", "mcp_server_url": "https://a.example", "token": "t"}
    await agents.vaults.credentials.create(vault, name="a", auth=bearer)
    automation = await agents.automations.create(
        type="periodic",
        name="n",
        expression="* * * * *",
        timezone="UTC",
        target={"type": "existing_session", "session_id": talk.id, "instructions": "Go."},
    )
    await agents.automations.invocations.create(automation.id)
    await agents.automations.delete(automation.id)
    await agents.vaults.delete(vault)
    await talk.sessions.delete(talk.id)


def test_nothing_is_left_of_what_is_deleted(tell: Any) -> None:
    """Credentials go with their vault, invocations with their automation, and all that was said
    with its session.
    """
    database = tell(_all_deleted, run_seconds=0).state.service.database
    tables = ["credentials", "invocations", "items", "agent_turns", "agent_events", "agent_inputs"]
    assert [table for table in tables if database.one(f"SELECT 1 FROM {table}")] == []


def test_a_session_outlives_a_restart(tell: Any, clock: Any) -> None:
    """A turn that was begun before is answered after it."""
    found: list[str] = []

    async def begun(client: openai.AsyncOpenAI) -> None:
        talk = Talk(client)
        assert (await talk.begin("Hello.")).status == "in_progress"
        found.append(talk.id)

    async def resumed(client: openai.AsyncOpenAI) -> None:
        talk = Talk(client)
        talk.id = found[0]
        clock.tick(1)
        assert await talk.last() == "You said: Hello."

    tell(begun)
    tell(resumed)


def test_the_sync_client_polls(client: openai.OpenAI) -> None:
    """Until the session is idle; then its items have the answer."""
    sessions = client.beta.agents.sessions
    made = sessions.create(agent={"model": "m"}, environment=NONE, input="Hello.")
    assert made.status == "in_progress"
    while sessions.retrieve(made.id).status == "in_progress":
        time.sleep(0.02)
    answer, question = sessions.items.list(made.id).data
    assert answer.to_dict()["content"] == [{"type": "output_text", "text": "You said: Hello."}]
    assert question.to_dict()["role"] == "user"
    assert sessions.delete(made.id).deleted
