"""Automations: from their first plan to what they do when they are over."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.support.world import World

AGENT: dict[str, Any] = {"model": "gpt-5.6", "api": "agents"}
WEEKDAY: dict[str, Any] = {
    "type": "periodic",
    "expression": "0 8 * * 1-5",
    "timezone": "Europe/Berlin",
    "target": {"assistant": "triage", "input": ["Sort.", {"file": "prompts/night.md"}]},
}
LAUNCH: dict[str, Any] = {
    "type": "once",
    "run_at": "2100-01-31T12:00:00Z",
    "target": {"assistant": "triage", "input": ["We are open."]},
}
AUTOMATIONS = "/agents/automations"


def write(world: World, **automations: Any) -> None:
    specs = {"assistants": {"triage": AGENT}, "automations": automations}
    world.write({"specs/all.yaml": specs, "prompts/night.md": "Look at the night.\n"})


def writes(world: World) -> list[str]:
    """What was asked of automations, but for reading them."""
    asked = [f"{method} {path}" for method, path in world.calls if path.startswith(AUTOMATIONS)]
    return [
        one.replace("/".join(one.split("/")[3:4]), "ID", 1) if one.count("/") > 2 else one
        for one in asked
        if not one.startswith("GET")
    ]


def has_become(world: World, **fields: Any) -> None:
    """Let the only automation be what time or an agent has made of it."""
    with world.database() as database:
        [[id, body]] = database.execute("SELECT id, body FROM automations").fetchall()
        kept = json.dumps({**json.loads(body), **fields})
        database.execute("UPDATE automations SET body = ? WHERE id = ?", [kept, id])


def test_what_is_made(world: World) -> None:
    """Texts become messages, a time of its own zone is a time; the second plan is empty."""
    write(world, weekday=WEEKDAY, launch=LAUNCH)
    world.apply()
    world.settled()
    found = {one["name"]: one for one in world.listed(AUTOMATIONS)}
    target = found["weekday"]["target"]
    assert target["agent_id"] == world.id("assistant.triage")
    assert target["environment"] == {"type": "none"}
    said = [message["content"][0]["text"] for message in target["input"]]
    assert said == ["Sort.", "Look at the night.\n"]
    assert found["launch"]["run_at"] == 4105080000
    assert {one["status"] for one in found.values()} == {"active"}


def test_null_is_the_name_of_the_resource(world: World) -> None:
    """No automation is without a name, whether it is made or changed."""
    write(world, weekday={**WEEKDAY, "name": None})
    world.apply()
    world.settled()
    write(world, weekday={**WEEKDAY, "name": "Weekday"})
    world.apply()
    write(world, weekday={**WEEKDAY, "name": None})
    world.apply()
    world.settled()
    assert [one["name"] for one in world.listed(AUTOMATIONS)] == ["weekday"]


def test_paused_before_it_can_run(world: World) -> None:
    """It begins far away, is paused, and gets its own time then; back, it runs when it is as the
    specs say.
    """
    paused = {**WEEKDAY, "status": "paused"}
    write(world, weekday=paused, launch={**LAUNCH, "status": "paused"})
    world.calls.clear()
    world.ok("apply", "-y", "--parallelism", "1")
    assert writes(world)[:3] == [
        f"POST {AUTOMATIONS}",
        *[f"POST {AUTOMATIONS}/ID{x}" for x in ("/pause", "")],
    ]
    world.settled()
    found = {one["name"]: one for one in world.listed(AUTOMATIONS)}
    assert {one["status"] for one in found.values()} == {"paused"}
    assert found["weekday"]["expression"] == "0 8 * * 1-5"
    assert found["launch"]["run_at"] == 4105080000
    write(world, weekday={**WEEKDAY, "expression": "0 9 * * *"}, launch=LAUNCH)
    world.calls.clear()
    world.ok("apply", "-y", "--target", "automation.weekday")
    assert writes(world) == [f"POST {AUTOMATIONS}/ID", f"POST {AUTOMATIONS}/ID/resume"]
    world.apply()
    world.settled()


def test_what_could_not_be_finished(world: World) -> None:
    """One that could not be paused is far away, and the next apply goes on from there."""
    write(world, weekday={**WEEKDAY, "status": "paused"})
    refusal = {"match": {"method": "POST", "path": "/pause$"}, "action": {"status": 400}}
    with world.failing(refusal):
        world.ok("apply", "-y", code=1)
    [made] = world.listed(AUTOMATIONS)
    assert (made["status"], made["expression"]) == ("active", "0 0 29 2 *")
    assert world.changes()["automation.weekday"] == "update"
    world.apply()
    world.settled()
    [found] = world.listed(AUTOMATIONS)
    assert (found["id"], found["status"]) == (made["id"], "paused")
    assert found["expression"] == "0 8 * * 1-5"


def test_the_old_one_rests_first(world: World) -> None:
    """What cannot be changed makes a new one, before which the old one is paused."""
    write(world, weekday=WEEKDAY)
    world.apply()
    old = world.id("automation.weekday")
    write(world, weekday=LAUNCH)
    assert world.changes()["automation.weekday"] == "create/delete"
    world.calls.clear()
    world.apply()
    assert writes(world) == [
        f"POST {AUTOMATIONS}/ID/pause",
        f"POST {AUTOMATIONS}",
        f"DELETE {AUTOMATIONS}/ID",
    ]
    world.settled()
    [found] = world.listed(AUTOMATIONS)
    assert found["id"] != old and found["type"] == "once"
    session = {"environment": {"type": "openai_hosted"}, "agent": {"model": "m"}}
    id = world.http("POST", "/agents/sessions", session)["id"]
    target = {"type": "existing_session", "session_id": id, "instructions": "Go on."}
    write(world, weekday={**LAUNCH, "target": target})
    assert world.changes()["automation.weekday"] == "create/delete"
    world.apply()
    world.settled()


def test_what_it_names(world: World) -> None:
    """A template and vaults by their names; where the agent is replaced, it follows."""
    target = {**WEEKDAY["target"], "environment": {"template": "box"}, "vaults": ["keys"]}
    specs = {
        "assistants": {"triage": AGENT},
        "environment_templates": {"box": {"network": {"access": "disabled"}}},
        "vaults": {"keys": {}},
        "automations": {"weekday": {**WEEKDAY, "target": target}},
    }
    world.write({"specs/all.yaml": specs, "prompts/night.md": "Night."})
    world.apply()
    world.settled()
    world.ok("apply", "-y", "--replace", "assistant.triage")
    world.settled()
    [made] = world.listed(AUTOMATIONS)
    assert made["target"]["agent_id"] == world.id("assistant.triage")
    named = made["target"]["environment"]["environment_template_id"]
    assert named == world.id("environment_template.box")
    assert made["target"]["vault_ids"] == [world.id("vault.keys")]


@pytest.mark.parametrize("null", [False, True])
def test_what_is_taken_out_of_a_target(world: World, null: bool) -> None:
    """Vaults, labels and a place that the specs no longer name are gone from the service at once."""
    target = {**WEEKDAY["target"], "input": ["Sort."]}
    more = {"vaults": ["keys"], "metadata": {"team": "hr"}, "environment": {"template": "box"}}
    specs = {
        "assistants": {"triage": AGENT},
        "environment_templates": {"box": {"network": {"access": "disabled"}}},
        "vaults": {"keys": {}},
        "automations": {"weekday": {**WEEKDAY, "target": {**target, **more}}},
    }
    world.write({"specs/all.yaml": specs})
    world.apply()
    specs["automations"]["weekday"]["target"] = {**target, **(dict.fromkeys(more) if null else {})}
    world.write({"specs/all.yaml": specs})
    world.apply()
    world.settled()
    [found] = world.listed(AUTOMATIONS)
    assert found["target"]["vault_ids"] == [] and found["target"]["metadata"] == {}
    assert found["target"]["environment"] == {"type": "none"}
    assert not world.lock()["resources"]["automation.weekday"].get("unkept")


def test_an_edit_by_hand(world: World) -> None:
    """A pause and another text are drift; what others have put into the target stays."""
    write(world, weekday={**WEEKDAY, "status": "active"})
    world.apply()
    [made] = world.listed(AUTOMATIONS)
    world.http("POST", f"{AUTOMATIONS}/{made['id']}/pause", {})
    target = {
        "type": "new_session",
        "agent_id": made["target"]["agent_id"],
        "environment": {"type": "openai_hosted", "container_size": "small"},
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "By hand."}]}],
        "metadata": {"theirs": "yes"},
    }
    world.http("POST", f"{AUTOMATIONS}/{made['id']}", {"target": target})
    [drift] = world.ok("drift", "--json", code=2).json["resource_drift"]
    assert {one["path"] for one in drift["changed_fields"]} == {"status", "target.input"}
    world.apply()
    world.settled()
    [found] = world.listed(AUTOMATIONS)
    assert found["target"]["metadata"] == {"theirs": "yes"} and found["status"] == "active"
    world.http("POST", f"{AUTOMATIONS}/{made['id']}/pause", {})
    world.http("POST", f"{AUTOMATIONS}/{made['id']}", {"target": target})
    world.ok("accept")
    spec = yaml.safe_load((world.root / "specs/all.yaml").read_text())["automations"]["weekday"]
    assert spec["status"] == "paused" and spec["target"]["input"] == ["By hand."]
    assert spec["target"]["assistant"] == "triage"
    world.settled()


def test_every_field_by_hand(world: World) -> None:
    """It is drift, and can be accepted."""
    own = {"name": "Weekday", "metadata": {"team": "hr"}}
    write(world, weekday={**WEEKDAY, **own}, launch=LAUNCH)
    world.apply()
    ids = {one: world.id(f"automation.{one}") for one in ("weekday", "launch")}
    before = world.http("GET", f"{AUTOMATIONS}/{ids['weekday']}")["metadata"]
    edit = {"name": "By hand", "expression": "1 1 * * *", "timezone": "UTC"}
    edit["metadata"] = {**before, "team": "it"}
    world.http("POST", f"{AUTOMATIONS}/{ids['weekday']}", edit)
    world.http("POST", f"{AUTOMATIONS}/{ids['launch']}", {"run_at": 4105080060})
    rows = world.ok("drift", "--json", code=2).json["resource_drift"]
    found = {row["address"]: {one["path"] for one in row["changed_fields"]} for row in rows}
    assert found == {
        "automation.weekday": {"name", "expression", "timezone", "metadata.team"},
        "automation.launch": {"run_at"},
    }
    world.ok("accept")
    world.settled()


def test_destroyed_and_found_again(world: World) -> None:
    """Without its lock it is known by its stamp; in the end nothing is left."""
    write(world, weekday=WEEKDAY, launch={**LAUNCH, "status": "paused"})
    world.apply()
    lock = world.lock()["resources"]
    (world.root / ".provisioner/local/lock.json").unlink()
    world.ok("state", "rebuild")
    found = world.lock()["resources"]
    assert {one: found[one]["id"] for one in found} == {one: lock[one]["id"] for one in lock}
    world.settled()
    world.ok("destroy", "-y")
    assert world.listed(AUTOMATIONS) == []


def test_one_that_has_run(world: World) -> None:
    """It is in sync, paused or not; another time makes a new one, and one that is over cannot be
    made.
    """
    write(world, launch=LAUNCH)
    world.apply()
    has_become(world, status="completed")
    world.settled()
    write(world, launch={**LAUNCH, "status": "paused"})
    world.settled()
    write(world, launch={**LAUNCH, "run_at": "2100-02-28T12:00:00Z"})
    assert world.changes()["automation.launch"] == "create/delete"
    world.apply()
    world.settled()
    write(world, late={**LAUNCH, "run_at": 1})
    assert "Time is over" in world.ok("apply", "-y", code=1).err


def test_a_time_that_is_over_is_refused_by_the_plan(world: World) -> None:
    """With its place and before anything is written; `validate`, which asks nobody what has run,
    warns. Other changes of one whose time is over are none of its business.
    """
    write(world, launch={**LAUNCH, "run_at": "2020-01-31T12:00:00Z"}, weekday=WEEKDAY)
    said = world.ok("validate").err
    assert "warning: Time is over" in said and "where it has run, all is well" in said
    for words in (("plan",), ("plan", "--no-refresh"), ("apply", "-y")):
        said = world.ok(*words, code=1).err
        assert "specs/all.yaml:" in said and "error: Time is over" in said
        assert "set a later time, or take it out of the specs" in said
    assert writes(world) == []

    write(world, launch=LAUNCH)
    world.apply()
    has_become(world, status="completed", run_at=1000)
    write(world, launch={**LAUNCH, "run_at": 1000})
    world.settled()
    write(world, launch={**LAUNCH, "run_at": 1000, "name": "Start"})
    world.apply()
    world.settled()
    write(world, launch={**LAUNCH, "run_at": 2000, "name": "Start"})
    assert "Time is over" in world.ok("plan", code=1).err


def test_an_agent_that_is_not_managed_here_is_asked_for(world: World) -> None:
    """Through the API of agents, whatever the environment's is; also where it has a name."""
    write(world)
    world.apply()
    id = world.id("assistant.triage")
    target = {"assistant": {"id": id}, "input": ["Sort."]}
    named = {"assistants": {"other": {"id": id}}}
    world.ok("state", "rm", "assistant.triage")
    for agent, more in (({"id": id}, {}), ("other", named)):
        specs = {"automations": {"weekday": {**WEEKDAY, "target": {**target, "assistant": agent}}}}
        world.write({"specs/all.yaml": {**specs, **more}})
        world.apply()
        world.settled()

    for agent, more in (
        ({"id": "agent_none"}, {}),
        ("other", {"assistants": {"other": {"id": "agent_none"}}}),
    ):
        specs = {"automations": {"weekday": {**WEEKDAY, "target": {**target, "assistant": agent}}}}
        world.write({"specs/all.yaml": {**specs, **more}})
        said = world.ok("plan", code=1).err
        assert "The service has no assistant `agent_none` through `agents`." in said
        assert "specs/all.yaml:" in said
    specs = {
        "automations": {"weekday": {**WEEKDAY, "target": {**target, "assistant": {"id": "/"}}}}
    }
    world.write({"specs/all.yaml": specs})
    assert "Invalid id" in world.ok("validate", code=1).err


def test_what_agents_have_made(world: World) -> None:
    """It is nobody else's: neither listed nor taken over."""
    write(world, weekday=WEEKDAY)
    world.apply()
    id = world.id("automation.weekday")
    world.ok("state", "rm", "automation.weekday")
    write(world)
    own = {"type": "agent", "session_id": "session_1", "tool_call_id": "call_1"}
    has_become(world, created_by=own)
    assert world.ok("drift", "--unmanaged", "--json").json["unmanaged"] == []
    assert world.plan()["orphans"] == []
    assert "made by an agent" in world.ok("import", "automation.own", id, "-y", code=1).err.lower()


def test_import(world: World) -> None:
    """What is there is written as an author would write it."""
    write(
        world, weekday={**WEEKDAY, "target": {**WEEKDAY["target"], "environment": "openai_hosted"}}
    )
    world.apply()
    id = world.id("automation.weekday")
    world.ok("state", "rm", "automation.weekday")
    write(world)
    world.ok("import", "automation.weekday", id, "-y")
    found = [yaml.safe_load(one.read_text()) or {} for one in (world.root / "specs").glob("*.yaml")]
    [spec] = [one["automations"]["weekday"] for one in found if one.get("automations")]
    assert spec["target"]["assistant"] == "triage"
    assert spec["target"]["environment"] == "openai_hosted"
    assert "status" not in spec and "metadata" not in spec
    world.settled()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"expression": "0 8 * *"}, "not five fields"),
        ({"expression": "60 8 * * 1-5"}, "not five fields"),
        ({"expression": "0 0 31 2 *"}, "never comes: none of its months has a day 31"),
        ({"expression": "0 0 31 4,jun,SEP-SEP *"}, "none of its months has a day 31"),
        ({"expression": "0 0 30,31 2 */2"}, "none of its months has a day 30"),
        ({"expression": "*/0 * * * *"}, "`*/0` stands for no minute"),
        ({"timezone": "Europe/Berln"}, "Europe/Berlin"),
        ({"type": "once"}, "needs `run_at`"),
        ({"type": "once", "run_at": "2100-01-31"}, "with its zone"),
        ({"status": "off"}, "status"),
        ({"name": ""}, "nothing in `name`"),
        (
            {
                "target": {
                    **WEEKDAY["target"],
                    "environment": {"type": "self_hosted", "workspace_directory": "work"},
                }
            },
            "target.environment.workspace_directory: work",
        ),
        ({"target": {"assistant": "triage", "input": []}}, "input"),
        ({"target": {"assistant": "triag", "input": ["x"]}}, "triag"),
    ],
)
def test_what_cannot_be(world: World, fields: dict[str, Any], said: str) -> None:
    """It is a problem with its place."""
    write(world, weekday={**WEEKDAY, **fields})
    assert said in world.ok("validate", code=1).err


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 29 2 *",
        "0 0 31 2 1",  # on Mondays
        "0 0 31 2,3 *",
        "0 0 29-31 feb *",
        "0 0 31/2 1-12/2 *",
        "0 0 L 2 *",  # which the service may know
        "0 22-4 * * fri-mon",
        "*/40 0 * * 7",
    ],
)
def test_what_comes_now_and_then(world: World, expression: str) -> None:
    """Nothing that some month or service has is refused."""
    write(world, weekday={**WEEKDAY, "expression": expression})
    world.ok("validate")


def test_a_time_is_shown_as_people_read_it(world: World) -> None:
    """A plan says both as dates, in UTC, though the service has seconds."""
    write(world, launch=LAUNCH)
    world.apply()
    write(world, launch={**LAUNCH, "run_at": "2100-03-01T01:00:00+02:00"})

    said = world.ok("plan").out

    assert '"2100-01-31T12:00:00Z" → "2100-02-28T23:00:00Z"' in said


def test_one_that_rests_and_is_over_is_not_made(world: World) -> None:
    """Nothing is left far away that can never be given its own time."""
    write(world, launch={**LAUNCH, "run_at": 1000, "status": "paused"})

    assert "is over" in world.run("apply", "--yes").err
    assert not [one for one in writes(world) if "automations" in one]


def test_a_time_that_is_none_is_one_problem(world: World) -> None:
    """Nobody is told that `run_at` is missing where it is there, and wrong."""
    write(world, launch={**LAUNCH, "run_at": "2100-13-31T12:00:00Z"})

    said = world.run("validate").err

    assert "is not a time with its zone" in said
    assert "needs `run_at`" not in said


def test_an_agent_of_another_api(world: World) -> None:
    """Only a saved agent can be told something."""
    write(world, weekday=WEEKDAY)
    specs = {"assistants": {"triage": {**AGENT, "api": "responses"}}}
    world.write({"specs/all.yaml": {**specs, "automations": {"weekday": WEEKDAY}}})
    result = world.ok("validate", code=1)
    assert "Not through API" in result.err and "specs/all.yaml:" in result.err
