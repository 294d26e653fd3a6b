"""Models that come to an end: reported in time, refused afterwards, and asked for without costing a
plan anything.
"""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

import pytest

from provisioner.engine import announced
from provisioner.model import Address, Desired, Policies, Source, Waiver
from provisioner.plan.policy import breaches, expired
from tests.support.policies import AHEAD, PAST, SPEC, day, ending, reported, saying, under
from tests.support.refusals import refused
from tests.support.world import World

ASKED = ("GET", "/models")


def test_a_model_that_is_about_to_end(world: World) -> None:
    """A warning that names the model, its day, everybody who uses it and where; the same bytes
    every time.
    """
    world.write({"specs/all.yaml": SPEC + "  c: {model: old-1}\n"})
    ending(world, old_1=AHEAD, new_1=None)
    planned = world.plan()
    assert reported(planned) == ["specs/all.yaml:3:12 warning: Model shutdown ahead"]
    assert (
        planned["problems"][0]["detail"]
        == f"`assistant.a` uses `old-1`, which is shut down on {AHEAD}, as the service says. "
        "So does `assistant.c` (specs/all.yaml:6:14)."
    )
    assert world.ok("plan").out == world.ok("plan").out
    world.apply()


def test_a_model_that_has_ended(world: World) -> None:
    """After its day a plan cannot be applied, not even a saved one or by force; `action: warn`
    never stops one.
    """
    world.write({"specs/all.yaml": SPEC})
    ending(world, old_1=PAST)
    planned = world.ok("plan", "--out", "x.plan", "--json", code=1).json
    assert reported(planned) == ["specs/all.yaml:3:12 error: Model shut down"]
    for words in (("apply", "-y"), ("apply", "x.plan"), ("apply", "x.plan", "--force")):
        assert f"which was shut down on {PAST}" in refused(world, *words).err
    under(world, {"model_shutdown": {"action": "warn"}})
    assert reported(world.plan()) == ["specs/all.yaml:3:12 warning: Model shut down"]
    world.apply()


def test_only_what_a_plan_keeps_is_judged(world: World) -> None:
    """What goes, and what `--target` leaves out, stops nobody; a model in use that ends stops the
    next plan.
    """
    world.write({"specs/all.yaml": SPEC})
    under(world, {"model_shutdown": {"action": "warn"}})
    ending(world, old_1=PAST)
    world.apply()
    under(world, {})
    assert reported(world.ok("plan", "--json", code=1).json) == [
        "specs/all.yaml:3:12 error: Model shut down"
    ]
    world.ok("plan", "--target", "assistant.b")
    world.write({"specs/all.yaml": "assistants:\n  b:\n    model: new-1\n"})
    world.apply()
    world.write({"specs/all.yaml": SPEC})
    world.ok("destroy", "-y")


def test_the_service_is_asked_once_a_day(world: World) -> None:
    """One request beside the lists, and none in the plans after it; nobody asks who does not need
    to know.
    """
    world.write({"specs/all.yaml": SPEC})
    ending(world, old_1=AHEAD)
    world.ok("drift")
    world.ok("plan", "--no-refresh")
    world.ok("validate")
    assert ASKED not in world.calls
    world.ok("plan")
    assert world.calls.count(ASKED) == 1
    world.calls.clear()
    assert len(world.plan()["problems"]) == 1
    assert "Model shutdown ahead" in world.ok("plan", "--no-refresh").out
    assert "Model shutdown ahead" in world.ok("validate").err
    assert world.calls == [("GET", "/assistants")]
    (kept,) = (world.root / ".provisioner/cache").glob("models-*.json")
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "at": time.time() - 25 * 60 * 60}))
    world.ok("plan")
    assert world.calls.count(ASKED) == 1


def test_who_does_not_ask(world: World) -> None:
    """Nobody without an assistant, or with the policy off, or while everything is deleted."""
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {}}}})
    world.ok("plan")
    world.write({"specs/all.yaml": SPEC})
    under(world, {"model_shutdown": {"action": "ignore"}})
    world.ok("plan")
    under(world, {})
    world.ok("plan", "--destroy")
    assert ASKED not in world.calls


SILENT: dict[str, tuple[int, Any, bool]] = {
    "no such route": (
        404,
        {"error": {"message": "Not found", "type": "invalid_request_error"}},
        True,
    ),
    "no right": (403, {"error": {"message": "Missing scopes: api.model.read"}}, True),
    "an older service": (
        200,
        {"object": "list", "data": [{"id": "old-1"}, "?", {"shutdown_date": day(-9)}]},
        True,
    ),
    "no list": (200, {"models": {"old-1": day(-9)}}, True),
    "no day": (
        200,
        {"data": [{"id": "old-1", "shutdown_date": "soon"}, {"id": "b", "shutdown_date": 1}]},
        True,
    ),
    "a list itself": (200, ["old-1"], True),
    "an error": (500, {"error": {"message": "Oops"}}, False),
    "too much": (429, {"error": {"message": "Slow down"}}, False),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_service_that_does_not_say(world: World, name: str) -> None:
    """Nothing is made of it: no problem, no note, no second attempt; what may be different later is
    asked again.
    """
    status, body, final = SILENT[name]
    world.write({"specs/all.yaml": SPEC})
    saying(world, lambda: (status, body))
    planned = world.plan()
    assert (planned["problems"], planned["notes"]) == ([], [])
    assert world.calls.count(ASKED) == 1
    world.calls.clear()
    world.ok("plan")
    assert (ASKED in world.calls) is not final


def test_openai_has_announced_more(world: World) -> None:
    """Without a connection OpenAI's own service is held against its announcements, and no other
    service is.
    """
    spec = "assistants:\n  a:\n    model: gpt-4o-2024-05-13\n  b:\n    model: ft:o1-mini:acme::1\n"
    world.write({"specs/all.yaml": spec})
    any_model = {"models": {"allow": ["*"]}}
    under(
        world, any_model, prod={"service": "openai"}, ours={"service": "https://models.example/v1"}
    )
    found = world.ok("validate", "--json", code=1).json
    assert reported(found) == [
        "specs/all.yaml:3:12 error: Model shut down",
        "specs/all.yaml:5:12 error: Model shut down",
    ]
    assert (
        found["problems"][0]["detail"]
        == "`assistant.a` uses `gpt-4o-2024-05-13`, which was shut down on 2026-10-23, by OpenAI's"
        f" announcements as of {announced.AS_OF}. (In the environment `prod`.)"
    )
    assert world.ok("plan", "-e", "ours", "--no-refresh", "--json").json["problems"] == []
    assert (
        len(world.ok("plan", "-e", "prod", "--no-refresh", "--json", code=1).json["problems"]) == 2
    )


@pytest.mark.parametrize(
    ("today", "severity"),
    [
        ("2026-11-14", None),
        ("2026-11-15", "warning"),
        ("2027-01-14", "warning"),
        ("2027-01-15", "error"),
    ],
)
def test_the_days_that_matter(today: str, severity: str | None) -> None:
    """Sixty days before the last day it is reported, and the day after it is an error."""
    want = Desired(Address("assistant", "a"), {"model": "gpt-4o"}, Source("specs/all.yaml"))
    found = breaches(Policies(), [want], announced.shutdown, date.fromisoformat(today))
    assert [one.severity for one in found] == [severity]


def test_the_last_day_of_a_waiver() -> None:
    """It still counts on the day that it names, and not on the next."""
    source = Source("provisioner.yaml")
    waiver = Waiver("model_shutdown", "assistant.a", "later", date(2027, 1, 31), source)
    assert [expired(waiver, date(2027, 1, 31)), expired(waiver, date(2027, 2, 1))] == [False, True]
