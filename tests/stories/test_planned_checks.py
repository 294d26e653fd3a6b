"""Checks of what a plan would make."""

from __future__ import annotations

import os
import signal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.crash.instants import stopped
from tests.stories.test_checks import hello, plain, records, spec, there
from tests.support.processes import said, start
from tests.support.world import World

BOTH = pytest.mark.parametrize("api", ["assistants", "responses"])
EACH = pytest.mark.parametrize("api", ["assistants", "responses", "agents"])
BEGUN = {"assistants": "/threads", "responses": "/conversations", "agents": "/agents/sessions"}
NOTHING = {"type": "object", "properties": {}}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "How the weather is",
    "parameters": NOTHING,
}
CALLED = [
    {
        "say": "What's the weather like?",
        "outputs": {"get_weather": {"sky": "clear"}},
        "expect": {"contains": "clear", "calls": {"get_weather": None}},
    }
]
ECHOED = [{"say": "What's the weather like?", "expect": {"contains": "you said"}}]
VACATION = [
    {"say": "How many vacation days?", "expect": {"contains": 27, "cites": "docs/leave.md"}}
]


def assistant(world: World, checks: dict[str, Any], **fields: Any) -> None:
    """Write the specs of one assistant."""
    files = plain(**checks)
    files["specs/all.yaml"]["assistants"]["a"] |= fields
    world.write(files)


def planned(world: World, *words: str, code: int = 0) -> dict[str, Any]:
    """What came of each check, by its name."""
    document = world.ok("check", "--planned", "--json", *words, code=code).json
    assert document["planned"]
    return {one["name"]: one for one in document["checks"]}


def everything(world: World) -> tuple[Any, ...]:
    objects = world.listed("/assistants"), world.listed("/agents")
    return there(world), objects, world.lock(), records(world)


@EACH
def test_old_beside_new(world: World, api: str) -> None:
    """What is planned is held beside what is applied; service, lock and plan are afterwards what they
    were before.
    """
    assistant(world, {}, api=api, instructions="Be kind.")
    world.apply()
    assistant(world, {"weather": CALLED, "greeting": hello()}, api=api, tools=[WEATHER])
    before, plan = everything(world), world.plan()
    found = planned(world)
    weather, greeting = found["weather"], found["greeting"]
    assert (weather["outcome"], weather["applied"]["outcome"]) == ("passed", "failed")
    assert weather["attempts"][0]["turns"][0]["calls"] == ["get_weather({})"]
    assert weather["applied"]["attempts"][0]["turns"][0]["calls"] == []
    assert (greeting["outcome"], greeting["applied"]["outcome"]) == ("passed", "passed")
    assert everything(world) == before and world.plan() == plan
    shown = world.ok("check", "--planned").out
    assert "ok      assistant.a#greeting  (planned, ok as applied, the same answer," in shown
    assert "applied   You said: What's the weather like?" in shown
    world.apply()
    assert "2 passed" in world.ok("check").out


@BOTH
def test_what_would_fail(world: World, api: str) -> None:
    """The code says so, whatever the applied one does; a check of an assistant that is not applied
    yet has no other side.
    """
    assistant(world, {"weather": ECHOED}, api=api, tools=[WEATHER])
    (one,) = planned(world, code=1).values()
    assert (one["outcome"], one["applied"], one["unchanged"]) == ("failed", None, False)
    assistant(world, {"weather": ECHOED}, api=api)
    world.ok("check", "--planned")
    world.apply()
    assistant(world, {"weather": ECHOED}, api=api, tools=[WEATHER])
    (one,) = planned(world, code=1).values()
    assert (one["outcome"], one["applied"]["outcome"]) == ("failed", "passed")


@EACH
def test_what_does_not_change(world: World, api: str) -> None:
    """It is held once, or not at all where the answer is kept; what was checked as planned need not
    be checked again as applied.
    """
    checks = {"kept": hello(cache=True), "asked": hello()}
    assistant(world, checks, api=api)
    planned(world)
    world.apply()
    route = ("POST", BEGUN[api])
    for code in (0, 0):
        world.calls.clear()
        found = planned(world, code=code)
        assert all(one["unchanged"] and one["applied"] is None for one in found.values())
        assert found["kept"]["cached"] and world.calls.count(route) == 1
    assert {("POST", "/assistants"), ("POST", "/agents")}.isdisjoint(world.calls)
    assistant(world, checks, api=api, lifecycle={"protect": True})
    assert planned(world)["kept"]["unchanged"]


@BOTH
def test_what_needs_an_apply(world: World, api: str) -> None:
    """A store, a file or a document that is not there yet, or would change: shown, and no failure.
    Nobody is asked.
    """
    files = spec({"vacation": VACATION}, api)
    world.write(files)
    (one,) = planned(world).values()
    assert one["outcome"] == "needs_apply"
    assert "`vector_store.kb` is not there yet" in one["problem"]["detail"]
    result = world.ok("check", "--planned", "--junit", "r.xml")
    assert (
        f"needs apply assistant.by_{api}#vacation" in result.out and "1 needs apply" in result.out
    )
    assert ET.parse(world.root / "r.xml").getroot()[0].get("skipped") == "1"
    world.apply()
    assert planned(world)["vacation"]["unchanged"]
    world.write({"docs/leave.md": "# Leave\n\n30 days.\n"})
    world.calls.clear()
    (one,) = planned(world).values()
    assert "what is in `vector_store.kb` would change" in one["problem"]["detail"]
    assert {path for method, path in world.calls if method == "POST"} == set()
    world.apply()
    files["docs/leave.md"] = "# Leave\n\n30 days.\n"
    made = files["specs/all.yaml"]["assistants"][f"by_{api}"]
    made["tools"] = [{"type": "code_interpreter", "files": ["data/sheep.md"]}]
    made["checks"] = {"greeting": hello()}
    world.write(files)
    (one,) = planned(world).values()
    assert "`file.data/sheep.md` is not uploaded yet" in one["problem"]["detail"]


@BOTH
def test_live_stores(world: World, api: str) -> None:
    """A planned assistant searches the stores that are there, and cites their documents."""
    files = spec({"vacation": VACATION}, api)
    made = files["specs/all.yaml"]["assistants"][f"by_{api}"]
    without = {"model": "m", "api": api, "checks": {}}
    files["specs/all.yaml"]["assistants"][f"by_{api}"] = without
    world.write(files)
    world.apply()
    files["specs/all.yaml"]["assistants"][f"by_{api}"] = made
    world.write(files)
    (one,) = planned(world).values()
    assert (one["outcome"], one["applied"]["outcome"]) == ("passed", "failed")


def test_another_api(world: World) -> None:
    """Each side is held through its own API; a store survives the change."""
    files = spec({"vacation": VACATION}, "assistants")
    world.write(files)
    world.apply()
    files["specs/all.yaml"]["assistants"]["by_assistants"]["api"] = "responses"
    world.write(files)
    world.calls.clear()
    (one,) = planned(world).values()
    assert (one["outcome"], one["applied"]["outcome"]) == ("passed", "passed")
    assert {("POST", "/threads"), ("POST", "/responses")} <= set(world.calls)


def test_a_temporary_assistant(world: World) -> None:
    """It has what no spec owns and what is to be left alone, as an update would leave it. One that
    could not be deleted is nobody's for every command, and the next run deletes it.
    """
    assistant(world, {}, temperature=0.5)
    world.apply()
    own = world.id("assistant.a")
    by_hand = {"instructions": "By hand.", "top_p": 0.3}
    world.http("POST", "/assistants/${assistant.a}", by_hand)
    more = {"top_p": 0.9, "lifecycle": {"ignore_changes": ["top_p"]}}
    assistant(world, {"weather": CALLED}, tools=[WEATHER], **more)
    before = world.plan()
    with world.failing({"match": {"method": "DELETE"}, "action": {"status": 403}}):
        result = world.ok("check", "--planned")
    assert "The assistant `asst_" in result.out and "the next run tries again" in result.out
    (left,) = [one for one in world.listed("/assistants") if one["id"] != own]
    assert (left["instructions"], left["top_p"], left["temperature"]) == ("By hand.", 0.3, 1.0)
    assert "/local/assistant.a~temporary~" in left["metadata"]["provisioner"]
    assert world.plan() == before and before["orphans"] == []
    lock = world.lock()
    (world.root / ".provisioner/local/lock.json").unlink()
    world.ok("state", "rebuild")
    assert world.lock()["resources"]["assistant.a"]["id"] == own
    assert set(world.lock()["resources"]) == set(lock["resources"])
    world.ok("check", code=1)  # as it is applied, it has no function to call
    assert [one["id"] for one in world.listed("/assistants")] == [own] and records(world) == []


def test_a_planned_assistant_that_is_refused(world: World) -> None:
    """Its checks are red with what the service says; what is applied is checked all the same."""
    assistant(world, {"a": hello(), "b": hello()})
    world.apply()
    assistant(world, {"a": hello(), "b": hello()}, instructions="Be brief.")
    refusal = {"match": {"method": "POST", "path": "/assistants$"}, "action": {"status": 400}}
    with world.failing(refusal):
        found = planned(world, code=1)
    assert {one["outcome"] for one in found.values()} == {"error"}
    assert {one["applied"]["outcome"] for one in found.values()} == {"passed"}
    assert len(world.listed("/assistants")) == 1 and records(world) == []


@pytest.mark.parametrize(
    ("api", "method"),
    [("assistants", "POST"), ("assistants", "DELETE"), ("agents", "POST"), ("agents", "DELETE")],
)
def test_a_run_that_ends_in_the_middle(world: World, api: str, method: str) -> None:
    """The next run deletes the temporary assistant, also one that nobody was told of."""
    assistant(world, {"a": hello()}, api=api)
    world.apply()
    before = everything(world)
    assistant(world, {"a": hello()}, api=api, instructions="Be brief.")
    path = f"/{api}" if method == "POST" else ""
    stopped(world, method, path, words=("check", "--planned"))
    assert len(world.listed(f"/{api}")) == 2 and records(world) != []
    assert world.changes()["assistant.a"] == "update"
    world.ok("check")
    assert everything(world) == before


def test_a_plan_that_is_stopped(world: World) -> None:
    """What it would make is checked all the same, and it is said that it cannot be applied."""
    stays = plain(a=hello())["specs/all.yaml"]["assistants"]
    world.write({"specs/all.yaml": {"assistants": stays}})
    world.write({f"docs/{number}.md": f"# {number}\n" for number in range(10)})
    world.write({"specs/files.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}}})
    world.apply()
    world.write({f"docs/{number}.md": None for number in range(5)})
    assert world.run("plan").code == 1
    assert "The plan as it is cannot be applied: " in world.ok("check", "--planned").out


@BOTH
@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_from_outside(world: World, api: str, number: int) -> None:
    """After an interrupt nothing is left; after a kill the next run deletes it."""
    checks = {f"c{count}": hello() for count in range(40)}
    assistant(world, checks, api=api)
    world.apply()
    before = world.listed("/assistants")
    assistant(world, checks, api=api, instructions="Be brief.")
    victim = start(world, "check", "--planned", "--parallelism", "4")
    said(victim, "ok      assistant.a#c")
    os.kill(victim.pid, number)
    victim.communicate(timeout=30)
    if number == signal.SIGKILL:
        world.ok("check", "assistant.a#c0")
    assert world.listed("/assistants") == before and records(world) == []


def test_what_was_moved_taken_over_or_lost(world: World) -> None:
    """Under its new name it is the same; what is taken over is checked as it is; of what is gone from
    the service there is nothing to hold beside.
    """
    assistant(world, {"c": hello()}, name="Desk")
    world.apply()
    theirs = world.http("POST", "/assistants", {"model": "m", "instructions": "By hand."})["id"]
    specs = plain(c=hello())["specs/all.yaml"]["assistants"]["a"] | {"name": "Desk"}
    moved = [{"from": "assistant.a", "to": "assistant.b"}]
    imports = [{"to": "assistant.c", "id": theirs}]
    brief = {**specs, "instructions": "Be brief."}
    everybody = {"b": specs, "c": brief}
    files = {"assistants": everybody, "moved": moved, "imports": imports}
    world.write({"specs/all.yaml": files})
    found = world.ok("check", "--planned", "--json").json["checks"]
    sides = {one["address"]: (one["unchanged"], bool(one["applied"])) for one in found}
    assert sides == {"assistant.b": (True, False), "assistant.c": (False, True)}
    world.ok("apply", "-y")
    world.http("DELETE", f"/assistants/{theirs}")
    found = world.ok("check", "--planned", "--json").json["checks"]
    sides = {one["address"]: (one["unchanged"], bool(one["applied"])) for one in found}
    assert sides == {"assistant.b": (True, False), "assistant.c": (False, False)}
