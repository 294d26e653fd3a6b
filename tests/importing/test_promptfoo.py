"""Tests of promptfoo as checks, and the way there and back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from provisioner.importing.nouns import Findings
from tests.support.world import World

from .reading import read

HEAD = {
    "prompts": ["Answer {{question}}"],
    "providers": [{"id": "openai:chat:gpt-4o", "label": "Desk"}],
}


def filled(*some: Any, **more: Any) -> Findings:
    findings = read(yaml.safe_dump({**HEAD, "tests": list(some), **more}))
    assert not findings.problems
    return findings


def expected(*asserts: Any) -> dict[str, Any]:
    """What one test with some assertions expects."""
    findings = filled({"vars": {"question": "x"}, "assert": list(asserts)})
    (turn,) = findings.found[0].fields["checks"]["test_1"]
    assert turn["say"] == "Answer x"
    return {key: value for key, value in turn.items() if key != "say"}


def lost(findings: Findings) -> set[str]:
    return {one.what for one in findings.losses}


@pytest.mark.parametrize(
    ("type", "value", "expect"),
    [
        ("icontains", "a", {"contains": "a"}),
        ("contains", 27, {"contains": "27"}),
        ("contains", 27.0, {"contains": "27"}),
        ("contains-all", ["a", "b"], {"contains": ["a", "b"]}),
        ("not-icontains", "a", {"not_contains": "a"}),
        ("not-contains-any", ["a", "b"], {"not_contains": ["a", "b"]}),
        ("regex", "2[0-9]", {"matches": "2[0-9]"}),
        ("equals", "a.b", {"matches": r"\Aa\.b\Z"}),
        ("starts-with", "a", {"matches": r"\Aa"}),
        ("icontains-any", ["a", "b+"], {"matches": r"(?i)a|b\+"}),
        ("is-json", {"type": "object"}, {"json_schema": {"type": "object"}}),
        ("is-json", '{"type": "object"}', {"json_schema": {"type": "object"}}),
    ],
)
def test_what_a_check_can_say(type: str, value: Any, expect: dict[str, Any]) -> None:
    """Each assertion is what holds of the same replies."""
    assert expected({"type": type, "value": value}) == {"expect": expect}


def test_a_number_in_a_prompt() -> None:
    """It is said as JavaScript says it: 2.0 is 2."""
    findings = filled({"vars": {"question": 2.0}}, {"vars": {"question": 0.5}})
    checks = findings.found[0].fields["checks"]
    assert [turn["say"] for (turn,) in checks.values()] == ["Answer 2", "Answer 0.5"]


def test_judges_and_seconds() -> None:
    """A rubric is a judge, which has the model of the assistant unless another one is named."""
    rubric = {"type": "llm-rubric", "value": "Kind.", "weight": 0}
    assert expected(rubric) == {"judge": {"rubric": "Kind."}}
    same = {**rubric, "provider": "openai:chat:gpt-4o"}
    assert expected(same) == {"judge": {"rubric": "Kind."}}
    other = {**rubric, "provider": "openai:chat:gpt-5"}
    assert expected(other) == {"judge": {"rubric": "Kind.", "model": "gpt-5"}}
    assert expected({"type": "latency", "threshold": 1500}) == {"expect": {"max_seconds": 1.5}}


@pytest.mark.parametrize(
    "one",
    [
        {"type": "similar", "value": "a"},
        {"type": "javascript", "value": "process.exit()"},
        {"type": "python", "value": "import os"},
        {"type": "regex", "value": "("},
        {"type": "contains", "value": "{{ name }}"},
        {"type": "is-json", "value": "file://schema.json"},
        {"type": "equals", "value": {"a": 1}},
        {"type": "latency", "threshold": True},
    ],
)
def test_what_no_check_can_say(one: dict[str, Any]) -> None:
    """It has a line with its place, and nothing of it is in the check."""
    findings = filled({"vars": {"question": "x"}, "assert": [one]})
    assert findings.found[0].fields["checks"] == {"test_1": [{"say": "Answer x"}]}
    assert any(what.startswith("tests[0].assert[0]") for what in lost(findings))


def test_what_every_test_has() -> None:
    """`defaultTest` is part of each; what is filled in elsewhere, or is no text, is named."""
    findings = filled(
        {"vars": {"question": "a", "tone": "kind"}, "description": "Asks for A", "options": {}},
        {"vars": {"question": ["a", "b"]}},
        {"vars": {"question": "file://q.txt"}, "threshold": 0.5},
        "file://more.yaml",
        defaultTest={"assert": [{"type": "icontains", "value": "z"}], "metadata": {"x": 1}},
    )
    checks = findings.found[0].fields["checks"]
    assert checks == {"asks_for_a": [{"say": "Answer a", "expect": {"contains": "z"}}]}
    wanted = {"tests[0].vars.tone", "tests[0].options", "tests[1].vars.question[0]", "tests[3]"}
    assert wanted | {"tests[2].vars.question", "defaultTest.metadata.x"} <= lost(findings)


def test_whom_a_test_is_for() -> None:
    """A test is for the providers that it names, or for all."""
    providers = [{"id": "openai:chat:m", "label": one} for one in ("A", "B")]
    ask = {"vars": {"question": "x"}}
    findings = filled({**ask, "providers": ["A"]}, ask, providers=providers)
    first, second = findings.found
    assert list(first.fields["checks"]) == ["test_1", "test_2"]
    assert list(second.fields["checks"]) == ["test_2"]


SPEC = """
assistants:
  support:
    model: gpt-4o
    instructions: Help people.
    tools:
      - {type: function, name: find, parameters: {type: object, properties: {q: {type: string}}}}
    checks:
      vacation:
        - say: How many {{days}} are there?
          expect:
            contains: ["27", "{% x %}"]
            not_contains: sorry
            matches: 2[0-9]
            max_tokens: 500
            max_seconds: 1.5
          judge: {rubric: It is kind., model: gpt-4o-mini}
      talk:
        - say: Hello
        - {say: And now, expect: {status: incomplete, json_schema: {type: object}}}
      call: [{say: Find it, expect: {calls: {find: {q: it}}}}]
"""


def test_there_and_back(world: World) -> None:
    """What the export writes and the import reads again are the same checks, and the same export."""
    settings = "environments:\n  local: {service: local, api: responses}\n"
    world.write({"provisioner.yaml": settings, "specs/a.yaml": SPEC})
    world.ok("apply", "--auto-approve")
    world.ok("check", "--export", "promptfoo", "--out", "first.yaml")
    (world.root / "specs" / "a.yaml").unlink()
    world.ok("import", "--from", "first.yaml")
    world.ok("check", "--export", "promptfoo", "--out", "second.yaml")
    first, second = ((world.root / name).read_text() for name in ("first.yaml", "second.yaml"))
    assert first == second
    written = yaml.safe_load((world.root / "specs" / "imported.yaml").read_text())
    assert written["assistants"] == yaml.safe_load(SPEC)["assistants"]
