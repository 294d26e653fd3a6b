"""Policies: which models a team allows, what each environment says itself, and what is waived for a
while.
"""

from __future__ import annotations

from datetime import timedelta
from textwrap import dedent

import pytest

from tests.support.policies import PAST, SPEC, TODAY, day, ending, reported, under
from tests.support.refusals import refused
from tests.support.world import World


@pytest.mark.parametrize("api", ["assistants", "responses"])
def test_a_model_that_is_not_allowed(world: World, api: str) -> None:
    """It is reported at its place by validate and by every plan, under every API, and nothing is
    applied.
    """
    world.write({"specs/all.yaml": SPEC})
    under(world, {"models": {"allow": ["old-2", "new*"]}}, local={"service": "local", "api": api})
    found = world.ok("validate", "--json", code=1).json
    assert reported(found) == ["specs/all.yaml:3:12 error: Model not allowed"]
    assert found["problems"][0]["address"] == "assistant.a"
    assert found["problems"][0]["hint"] == "did you mean `old-2`?"
    planned = world.ok("plan", "--json", code=1).json
    assert planned["problems"] == found["problems"]
    assert world.ok("plan", "--no-refresh", "--json", code=1).json["problems"] == found["problems"]
    for words in (("apply", "-y"), ("apply", "-y", "--force")):
        assert "specs/all.yaml:3:12: error: Model not allowed" in refused(world, *words).err
    under(world, {"models": {"allow": ["old-1", "new-1"]}}, local={"service": "local", "api": api})
    world.apply()


def test_a_policy_that_only_warns(world: World) -> None:
    """`warn` says so and stops nothing; `ignore` says nothing; a list may be longer than a hint."""
    world.write({"specs/all.yaml": SPEC})
    under(world, {"models": {"allow": ["other", "new*"], "action": "warn"}})
    result = world.ok("validate")
    assert "specs/all.yaml:3:12: warning: Model not allowed" in result.err
    assert "hint: allowed are `other` and `new*`" in result.err
    assert reported(world.plan()) == ["specs/all.yaml:3:12 warning: Model not allowed"]
    world.apply()
    under(world, {"models": {"allow": ["other"], "action": "ignore"}})
    assert world.plan()["problems"] == [] and world.ok("validate").err == ""


WAIVER = {
    "policy": "models",
    "address": "assistant.a",
    "reason": "until the release",
    "expires": day(1),
}


def test_a_waiver(world: World) -> None:
    """It lets one assistant break one policy up to its last day, and every plan says so."""
    world.write({"specs/all.yaml": SPEC})
    under(world, {"models": {"allow": ["new*"]}, "waivers": [WAIVER]})
    assert world.ok("validate").err == ""
    planned = world.plan()
    assert planned["problems"] == []
    assert planned["notes"] == [
        f"`assistant.a` uses `old-1`, which is not allowed; waived until {day(1)}: until the"
        " release"
    ]
    world.apply()
    ending(world, old_1=PAST)
    (kept,) = (world.root / ".provisioner/cache").glob("models-*.json")
    kept.unlink()
    assert reported(world.ok("plan", "--json", code=1).json) == [
        "specs/all.yaml:3:12 error: Model shut down"
    ]


def test_a_waiver_that_ended(world: World) -> None:
    """It is reported and does not count any more."""
    world.write({"specs/all.yaml": SPEC})
    under(world, {"models": {"allow": ["new*"]}, "waivers": [{**WAIVER, "expires": day(-1)}]})
    expected = [
        "provisioner.yaml:9:5 warning: Waiver expired",
        "specs/all.yaml:3:12 error: Model not allowed",
    ]
    assert reported(world.ok("validate", "--json", code=1).json) == expected
    assert reported(world.ok("plan", "--json", code=1).json) == expected


def test_a_waiver_that_nobody_needs(world: World) -> None:
    """It is a warning where that is certain: not while another environment may need it, and not for
    lack of an answer. A model whose end is known, however far, is a reason to have one.
    """
    world.write({"specs/all.yaml": SPEC})
    ends = {**WAIVER, "policy": "model_shutdown"}
    typo = {**WAIVER, "address": "assistant.aa"}
    under(world, {"waivers": [WAIVER, typo, ends, {**ends, "address": "assistant.b"}]})
    needless = "warning: Waiver not needed"
    found = world.ok("validate", "--json").json
    assert reported(found) == [
        f"provisioner.yaml:6:5 {needless}",
        f"provisioner.yaml:10:5 {needless}",
    ]
    assert [one["hint"] for one in found["problems"]] == [
        "remove it",
        "did you mean `assistant.a`?",
    ]
    ending(world, old_1=TODAY + timedelta(days=300), new_1=None)
    assert reported(world.plan())[2:] == [f"provisioner.yaml:18:5 {needless}"]
    assert world.ok("plan", "--target", "assistant.a", "--json").json["problems"] == []
    under(
        world,
        {"waivers": [WAIVER]},
        prod={"service": "openai", "policies": {"models": {"allow": ["new*"]}}},
    )
    assert world.ok("plan", "-e", "local", "--json").json["problems"] == []
    assert world.ok("validate").err == ""


def test_an_environment_has_policies_of_its_own(world: World) -> None:
    """What it says replaces what stands at the top, field by field; the rest holds, and waivers are
    added.
    """
    world.write({"specs/all.yaml": SPEC})
    own = {"models": {"action": "warn"}, "model_shutdown": {"warn_days": 400}, "waivers": [WAIVER]}
    prod = {"service": "local", "lock": "locks/p.json", "policies": own}
    under(world, {"models": {"allow": ["other"]}}, prod=prod)
    ending(world, new_1=TODAY + timedelta(days=300))
    denied = [
        "specs/all.yaml:3:12 error: Model not allowed",
        "specs/all.yaml:5:12 error: Model not allowed",
    ]
    assert reported(world.ok("plan", "-e", "local", "--json", code=1).json) == denied
    assert reported(world.ok("plan", "-e", "prod", "--json").json) == [
        "specs/all.yaml:5:12 warning: Model not allowed",
        "specs/all.yaml:5:12 warning: Model shutdown ahead",
    ]


def test_faults_of_policies(world: World) -> None:
    """They are reported like every other fault of the workspace: at their place, with a remedy, all at
    once.
    """
    world.write({"specs/all.yaml": SPEC})
    text = """\
        environments: {local: {service: local}}
        policies:
          models: {allow: [], action: off}
          model_shutdowns: {}
          model_shutdown: {warn_days: -1}
          waivers:
            - {policy: model, address: a, reason: "", expires: soon}
            - {policy: models, address: assistant.a, expires: 2027-01-31 10:00:00}
            - {policy: models, address: assistant.a, reason: x, expires: "2027-01-31"}
        """
    world.write({"provisioner.yaml": dedent(text)})
    found = world.ok("validate", "--json", code=1).json
    assert reported(found) == [
        "provisioner.yaml:3:19 error: Too few entries",
        "provisioner.yaml:3:31 error: Unknown value",
        "provisioner.yaml:4:3 error: Unknown key",
        "provisioner.yaml:5:31 error: Value out of range",
        "provisioner.yaml:7:16 error: Unknown value",
        "provisioner.yaml:7:32 error: Invalid value",
        "provisioner.yaml:7:43 error: Too few characters",
        "provisioner.yaml:7:56 error: Invalid value",
        "provisioner.yaml:8:7 error: Missing key",
        "provisioner.yaml:8:55 error: Invalid value",
    ]
    hints = [one["hint"] for one in found["problems"]]
    assert hints[2] == "did you mean `model_shutdown`?" and hints[7] == "write it like `2027-01-31`"
    assert "`off` was read as false." in found["problems"][1]["detail"]
