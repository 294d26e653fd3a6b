"""Automations: schedules that are kept, what an update may change, pauses, and invocations."""

from __future__ import annotations

import time
from typing import Any

import openai
import pytest

JSON = dict[str, Any]
PATH = "/agents/automations"


def says(text: str) -> JSON:
    return {"role": "user", "content": [{"type": "input_text", "text": text}]}


def target(**given: Any) -> Any:
    inline = {} if "agent_id" in given else {"agent": {"model": "gpt-6"}}
    whole = {"type": "new_session", "environment": {"type": "none"}, "input": [says("Go.")]}
    return whole | inline | given


WEEKDAYS: Any = {
    "type": "periodic",
    "name": "weekdays",
    "expression": "0 8 * * 1-5",
    "timezone": "Europe/Berlin",
}


def refused(client: openai.OpenAI, **given: Any) -> str:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(PATH, body=WEEKDAYS | {"target": target()} | given, cast_to=JSON)
    return refusal.value.message


def test_a_schedule_is_kept(client: openai.OpenAI) -> None:
    """Active at once, with its target filled in, and nothing is invoked."""
    agent = client.beta.agents.create(model="gpt-6")
    automations = client.beta.agents.automations
    made = automations.create(**WEEKDAYS, target=target(agent_id=agent.id), metadata={"a": "1"})
    assert made.to_dict() == WEEKDAYS | {
        "id": made.id,
        "object": "agent.automation",
        "created_at": made.created_at,
        "created_by": {"type": "developer"},
        "metadata": {"a": "1"},
        "status": "active",
        "pause_reason": None,
        "target": {
            "type": "new_session",
            "agent": None,
            "agent_id": agent.id,
            "environment": {"type": "none"},
            "input": [says("Go.") | {"type": "message"}],
            "metadata": {},
            "vault_ids": [],
        },
    }
    assert automations.retrieve(made.id) == made
    assert made in automations.list(limit=100).data
    assert automations.invocations.list(made.id).data == []
    assert automations.delete(made.id).object == "agent.automation.deleted"
    with pytest.raises(openai.NotFoundError, match=f"No automation found with id '{made.id}'"):
        automations.pause(made.id)


def test_an_environment_is_shown_with_what_it_inherits(client: openai.OpenAI) -> None:
    """As null; variables and commands are not shown, and an agent of its own is filled in."""
    template = client.beta.agents.environments.templates.create(network={"access": "disabled"})
    environment = {
        "type": "openai_hosted",
        "environment_template_id": template.id,
        "packages": {"python": ["numpy"]},
        "env": {"A": "s3cret"},
        "setup_commands": [{"command": "echo s3cret"}],
    }
    made = client.post(
        PATH, body=WEEKDAYS | {"target": target(environment=environment)}, cast_to=JSON
    )
    assert made["target"]["environment"] == {
        "type": "openai_hosted",
        "environment_template_id": template.id,
        "environment_id": None,
        "container_size": None,
        "capability_directories": None,
        "desktop": None,
        "files": None,
        "network": None,
        "packages": {"npm": [], "python": ["numpy"], "system": []},
        "plugins": None,
        "skills": None,
    }
    assert "env" not in made
    assert made["target"]["agent"]["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert client.beta.agents.automations.retrieve(made["id"]).to_dict() == made


def test_an_update_replaces_the_target_whole(client: openai.OpenAI) -> None:
    """Its type stays; what is omitted stays; each type of schedule has its own fields."""
    automations = client.beta.agents.automations
    made = automations.create(**WEEKDAYS, target=target(metadata={"a": "1"}))
    changed = automations.update(made.id, target=target(input=[says("Stop.")]), name="new")
    assert changed.to_dict()["target"]["metadata"] == {}
    assert (changed.name, changed.to_dict()["expression"]) == ("new", WEEKDAYS["expression"])
    assert automations.update(made.id, expression="*/5 * * * *").to_dict()["expression"] == (
        "*/5 * * * *"
    )
    assert automations.update(made.id, metadata={"b": "2"}).metadata == {"b": "2"}
    session = client.beta.agents.sessions.create(
        agent={"model": "gpt-6"}, environment={"type": "openai_hosted"}
    )
    existing: Any = {
        "type": "existing_session",
        "session_id": session.id,
        "instructions": "Go on.",
    }
    with pytest.raises(openai.BadRequestError, match="it is 'new_session'"):
        automations.update(made.id, target=existing)
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'run_at'"):
        automations.update(made.id, run_at=2_000_000_000)
    other = automations.create(**WEEKDAYS, target=existing)
    assert automations.list(session_id=session.id).data == [other]


def test_it_is_paused_and_resumed(client: openai.OpenAI) -> None:
    """As often as somebody likes; the status is no parameter."""
    automations = client.beta.agents.automations
    made = automations.create(**WEEKDAYS, target=target())
    for _ in range(2):
        assert automations.pause(made.id).status == "paused"
    assert automations.retrieve(made.id).status == "paused"
    for _ in range(2):
        assert automations.resume(made.id).status == "active"
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'status'"):
        client.post(f"{PATH}/{made.id}", body={"status": "paused"}, cast_to=JSON)


async def _once(client: openai.AsyncOpenAI, clock: Any) -> None:
    automations = client.beta.agents.automations
    when = int(clock()) + 60
    made = await automations.create(type="once", name="n", run_at=when, target=target())
    later = await automations.update(made.id, run_at=when + 60)
    paused = await automations.create(type="once", name="p", run_at=when, target=target())
    await automations.pause(paused.id)
    clock.tick(119)
    assert (await automations.retrieve(made.id)).status == later.status == "active"
    clock.tick(1)
    assert (await automations.retrieve(made.id)).status == "completed"
    listed = {one.id: one.status async for one in automations.list()}
    assert listed == {made.id: "completed", paused.id: "paused"}
    assert not (await automations.invocations.list(made.id)).data
    for refusal in (
        automations.update(made.id, run_at=when + 1000),
        automations.pause(made.id),
        automations.resume(made.id),
    ):
        with pytest.raises(openai.ConflictError):
            await refusal
    assert (await automations.update(made.id, name="new")).name == "new"
    with pytest.raises(openai.BadRequestError, match="a time in the future"):
        await automations.create(type="once", name="n", run_at=int(clock()), target=target())


def test_once_is_completed_when_its_time_is_over(tell: Any, clock: Any) -> None:
    """Nothing was invoked, and its time and pauses cannot be changed any more."""
    tell(lambda client: _once(client, clock))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "minimum length 1"),
        ({"run_at": 2_000_000_000}, "Unknown parameter: 'run_at'."),
        ({"metadata": None}, "Invalid type for 'metadata'"),
        ({"timezone": "Europe/Atlantis"}, "not an IANA time zone"),
        ({"timezone": "../etc/passwd"}, "not an IANA time zone"),
        ({"target": {"type": "new_session", "input": [says("a")]}}, "'target.environment'"),
        ({"target": target() | {"input": "Go."}}, "expected an array"),
        ({"target": target() | {"input": []}}, "minimum length 1"),
        ({"target": target() | {"agent": {}}}, "'target.agent.model'"),
        ({"target": target() | {"agent_id": "agt_1"}}, "Mutually exclusive"),
        ({"target": target(vault_ids=["v"] * 11)}, "maximum length 10"),
    ],
)
def test_what_does_not_fit_is_refused(client: openai.OpenAI, given: JSON, message: str) -> None:
    """With 400, in the words of the service."""
    assert message in refused(client, **given)


@pytest.mark.parametrize("given", [{}, {"type": "sometimes"}])
def test_a_schedule_of_no_type_is_refused(client: openai.OpenAI, given: JSON) -> None:
    """The error names the field as a request spells it."""
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post("/agents/automations", body=given, cast_to=object)
    assert refusal.value.param == "type" and "'.type'" not in refusal.value.message


@pytest.mark.parametrize("good", ["* * * * *", "0,30 8-18/2 1 jan-mar MON,fri", "59 23 31 12 7"])
def test_a_cron_expression(client: openai.OpenAI, good: str) -> None:
    """Lists, ranges, steps and names."""
    assert client.beta.agents.automations.create(
        **WEEKDAYS | {"expression": good, "target": target()}
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "1, * * * *",
        "@daily",
    ],
)
def test_no_cron_expression(client: openai.OpenAI, wrong: str) -> None:
    """Five fields within their bounds, and nothing else."""
    assert "cron expression" in refused(client, expression=wrong)


def test_what_a_target_names_must_exist(client: openai.OpenAI) -> None:
    """The agent, the template, the vaults and the session."""
    hosted = {"type": "openai_hosted", "environment_template_id": "envtmpl_no"}
    session = {"type": "existing_session", "session_id": "session_no", "instructions": "a"}
    wrong: dict[str, Any] = {
        "No agent found with id 'agt_no'": target(agent_id="agt_no"),
        "No environment template found with id 'envtmpl_no'": target(environment=hosted),
        "No vault found with id 'vault_no'": target(vault_ids=["vault_no"]),
        "No session found with id 'session_no'": session,
    }
    for message, one in wrong.items():
        with pytest.raises(openai.NotFoundError, match=message):
            client.beta.agents.automations.create(**WEEKDAYS, target=one)


def test_an_invocation_by_hand_makes_a_session(client: openai.OpenAI) -> None:
    """Queued at first; then it names a session, which is answered, and the schedule is as it was."""
    agents = client.beta.agents
    agent = agents.create(model="gpt-6")
    made = agents.automations.create(
        **WEEKDAYS, target=target(agent_id=agent.id, metadata={"a": "1"})
    )
    agents.automations.pause(made.id)
    queued = agents.automations.invocations.create(made.id)
    assert queued.to_dict() == {
        "id": queued.id,
        "object": "agent.automation.invocation",
        "automation_id": made.id,
        "created_at": queued.created_at,
        "scheduled_at": None,
        "session_id": None,
        "skip_reason": None,
        "source": {"type": "manual"},
        "status": "queued",
        "error": None,
    }
    time.sleep(0.1)
    done = agents.automations.invocations.retrieve(queued.id, automation_id=made.id)
    assert (done.status, agents.automations.retrieve(made.id).status) == ("completed", "paused")
    assert agents.automations.invocations.list(made.id).data == [done]
    session = agents.sessions.retrieve(done.session_id or "")
    assert (session.agent.id, session.metadata, session.status) == (agent.id, {"a": "1"}, "idle")
    said = [one.to_dict() for one in agents.sessions.items.list(session.id, order="asc")]
    assert [one["content"][0]["text"] for one in said] == ["Go.", "You said: Go."]
    with pytest.raises(openai.NotFoundError, match="No invocation found with id 'inv_no'"):
        agents.automations.invocations.retrieve("inv_no", automation_id=made.id)


async def _failing(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    agent = await agents.create(model="gpt-6")
    made = await agents.automations.create(**WEEKDAYS, target=target(agent_id=agent.id))
    await agents.delete(agent.id)
    invocation = await agents.automations.invocations.create(made.id)
    failed = await agents.automations.invocations.retrieve(invocation.id, automation_id=made.id)
    assert failed.status == "failed" and failed.error and failed.session_id is None
    assert failed.error.code == "resource_not_found"
    assert failed.error.message == f"No agent found with id '{agent.id}'."
    assert not (await agents.sessions.list()).data


def test_an_invocation_without_its_agent_fails(tell: Any) -> None:
    """An automation outlives its agent, and says what it lacks; no session is made."""
    tell(_failing, run_seconds=0)


async def _conflicting(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    vault = (await agents.vaults.create()).id
    environment = {"type": "openai_hosted", "env": {"KEY": "x"}}
    made = await agents.automations.create(
        **WEEKDAYS, target=target(environment=environment, vault_ids=[vault])
    )
    variable: Any = {
        "type": "environment_variable",
        "secret_name": "KEY",
        "secret_value": "v",
        "networking": {"type": "limited", "allowed_hosts": ["a.example"]},
    }
    await agents.vaults.credentials.create(vault, name="k", auth=variable)
    invocation = await agents.automations.invocations.create(made.id)
    failed = await agents.automations.invocations.retrieve(invocation.id, automation_id=made.id)
    assert failed.error and failed.error.code == "invalid_request"
    assert "'KEY' is set more than once" in failed.error.message


def test_an_invocation_whose_variables_clash_fails(tell: Any) -> None:
    """What the environment sets, no credential of the vaults may set as well."""
    tell(_conflicting, run_seconds=0)


async def _existing(client: openai.AsyncOpenAI) -> None:
    agents = client.beta.agents
    session = await agents.sessions.create(
        agent={"model": "gpt-6"}, environment={"type": "none"}, input="Hello."
    )
    instructed: Any = {
        "type": "existing_session",
        "session_id": session.id,
        "instructions": "Go on.",
    }
    made = await agents.automations.create(**WEEKDAYS, target=instructed)
    invocation = await agents.automations.invocations.create(made.id)
    done = await agents.automations.invocations.retrieve(invocation.id, automation_id=made.id)
    assert (done.status, done.session_id) == ("completed", session.id)
    said = [one.to_dict() async for one in agents.sessions.items.list(session.id)]
    assert said[0]["content"][0]["text"] == "You said: Go on."
    await agents.sessions.delete(session.id)
    invocation = await agents.automations.invocations.create(made.id)
    gone = await agents.automations.invocations.retrieve(invocation.id, automation_id=made.id)
    assert (gone.status, gone.error and gone.error.code) == ("failed", "resource_not_found")


def test_an_invocation_goes_on_with_a_session(tell: Any) -> None:
    """Which hears the instructions, as long as it is there."""
    tell(_existing, run_seconds=0)
