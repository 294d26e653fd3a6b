"""`--json`: one document on stdout that parses and fits its schema, and nothing else there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.e2e import shop
from tests.support.running import Result
from tests.support.world import World

SCHEMAS = Path(__file__).parents[2] / "schemas"
COUNTS = {"imported", "added", "changed", "replaced", "destroyed", "forgotten"}


def valid(document: Any, schema: str) -> Any:
    """The document, if its schema accepts it."""
    rules = json.loads((SCHEMAS / f"{schema}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(rules).validate(document)
    return document


@pytest.fixture(params=["assistants", "responses"])
def shown(world: World, request: pytest.FixtureRequest) -> World:
    """A workspace that is not applied yet."""
    local = {"service": "local", "api": request.param}
    world.write(
        {"provisioner.yaml": {"workspace": "shop", "environments": {"local": local}}, **shop.FILES}
    )
    return world


def events(result: Result) -> list[Any]:
    """The events of an apply: an object a line, the plan first and the summary last."""
    found = result.events
    assert all(isinstance(event, dict) and event["type"] for event in found)
    assert found[0]["type"] == "plan" and [event["type"] for event in found].count("summary") == 1
    assert found[-1]["type"] == "summary"
    plan = {key: value for key, value in found[0].items() if key != "type"}
    valid(plan, "plan")
    return found


def test_every_plan_and_apply(shown: World) -> None:
    """Plans, the events of every apply and the lock are valid at every stage of a
    workspace's life.
    """
    for files in (shop.FILES, shop.edited(), shop.bare()):
        shown.write(files)
        plan = valid(shown.ok("plan", "--json", "--force").json, "plan")
        done = events(shown.ok("apply", "-y", "--json", "--force"))
        assert done[0]["checksum"] == plan["checksum"]
        valid(shown.lock(), "lock")
        again = valid(shown.ok("plan", "--json", "--detailed-exitcode").json, "plan")
        assert not [
            row for row in again["resource_changes"] if row["change"]["actions"] != ["no-op"]
        ]
    destroyed = events(shown.ok("destroy", "-y", "--json"))
    assert destroyed[-1].keys() >= {"type"}
    valid(shown.lock(), "lock")


def test_saved_plans(shown: World) -> None:
    """A saved plan is the same document, and an apply of it tells the same events."""
    printed = shown.ok("plan", "--json", "--out", "plan.json").json
    saved = json.loads((shown.root / "plan.json").read_text(encoding="utf-8"))
    for plan in (printed, saved):
        valid(plan, "plan")
    assert saved["checksum"] == printed["checksum"]
    done = events(shown.ok("apply", str(shown.root / "plan.json"), "-y", "--json"))
    assert flat(done[-1]) >= COUNTS


def flat(value: Any) -> set[str]:
    """Every key in a document."""
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in flat(item)}
    return {key for item in value for key in flat(item)} if isinstance(value, list) else set()


COMMANDS = [
    ("validate",),
    ("show",),
    ("state", "list"),
    ("output",),
    ("output", "vector_store.kb"),
    ("version",),
    ("graph",),
    ("schema", "spec"),
    ("state", "show", "assistant.full"),
    ("fmt", "--check"),
    ("plan", "--no-refresh"),
    ("plan", "--destroy"),
]


def test_every_command_that_has_it(world: World) -> None:
    """One document and nothing else, whether there is something to tell or not."""
    world.write(shop.FILES)
    for _ in range(2):
        for words in COMMANDS:
            result = world.run(*words, "--json")
            assert "No such option" not in result.err, words
            if result.out or result.code == 0:
                assert isinstance(result.json, dict), words
        world.run("apply", "-y")


BAD = {
    "specs/bad.yaml": (
        "assistants:\n  a: {model: gpt-4o, temperature: 9, mode: x}\n  b: {model: 7}\n"
    )
}


@pytest.mark.parametrize(
    "words",
    [("validate",), ("plan",), ("apply", "-y"), ("destroy", "-y"), ("graph",)],
    ids=" ".join,
)
def test_problems(world: World, words: tuple[str, ...]) -> None:
    """Faults come as the problems document, on stdout, with every key."""
    world.write(BAD)
    result = world.run(*words, "--json")
    assert result.code == 1
    keys = {"severity", "summary", "detail", "file", "line", "column", "address", "hint"}
    problems = result.json["problems"]
    assert len(problems) >= 3 and all(problem.keys() == keys for problem in problems)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--target", "assistant.nobody"),
        ("plan", "-e", "nowhere"),
        ("apply", "-y", "--checksum", "sha256:0"),
    ],
)
def test_refusals(world: World, words: tuple[str, ...]) -> None:
    """What a command refuses is the problems document as well."""
    world.write(shop.FILES)
    result = world.run(*words, "--json")
    assert result.code == 1
    last = result.events[-1] if words[0] == "apply" else result.json
    assert last["problems"]


def test_a_failed_apply(world: World) -> None:
    """A document that cannot be indexed is an event with its problem, and the summary is still the
    last line.
    """
    world.write(shop.FILES)
    with world.failing({"match": {"filename": "b.md"}, "action": {"fails": "invalid_file"}}):
        found = events(world.ok("apply", "-y", "--json", code=1))
    failed = [event for event in found if event["type"] == "failed"]
    assert failed and failed[0]["problem"]["summary"] == "Indexing failed"
    valid(world.lock(), "lock")
