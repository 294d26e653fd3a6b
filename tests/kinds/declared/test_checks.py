"""Checks as an author writes them, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from provisioner.kinds import kind
from provisioner.model import Check, CheckFile, CheckTurn, Expectation, Judge
from tests.kinds.declared.memory import MemoryScope

WEATHER = {"type": "function", "name": "get_weather"}
BASE = {"model": "gpt-4o", "tools": [WEATHER, "file_search"]}
FILES = {
    "data/a.csv": "1",
    "data/a.md": "1",
    "answers.py": "",
    "say.md": "From a file",
    "s.json": {"type": "object"},
}


def checks(written: Any) -> tuple[tuple[Check, ...], MemoryScope]:
    scope = MemoryScope(files=FILES)
    assistant = kind("assistant")
    spec = TypeAdapter(assistant.spec).validate_python({**BASE, "checks": written})
    fields = assistant.declare(spec, scope)
    assert "checks" not in fields
    return assistant.checks(spec, fields, scope), scope


def test_a_list_of_turns() -> None:
    """The short form: one attempt, which has to hold."""
    found, scope = checks({"hello": [{"say": "Hi", "expect": {"contains": "hello"}}]})
    turn = CheckTurn("Hi", expect=Expectation(contains=("hello",)))
    assert found == (Check("hello", (turn,)),)
    assert scope.findings == []


def test_everything_that_can_be_said() -> None:
    """Every key reaches the noun; numbers are text, one is a list of one, files are read."""
    turn = {
        "say": {"file": "say.md"},
        "attach": [{"file": "data/a.md"}],
        "outputs": {"get_weather": {"temp": 3}},
        "answer": "answers:weather",
        "expect": {
            "contains": [27, "b"],
            "not_contains": 1.5,
            "matches": "2[0-9]",
            "cites": "data/a.md",
            "calls": {"get_weather": {"location": "Oslo"}},
            "json_schema": {"file": "s.json"},
            "status": "incomplete",
            "max_tokens": 500,
            "max_seconds": 30,
        },
        "judge": {"rubric": "It is polite", "model": "gpt-5.6"},
    }
    found, scope = checks(
        {"all": {"turns": [turn], "attempts": 3, "passes": 2, "max_tokens": 9, "cache": False}}
    )
    assert [one for one in scope.findings if one.severity == "error"] == []
    expected = Expectation(
        contains=("27", "b"),
        not_contains=("1.5",),
        matches="2[0-9]",
        cites=("data/a.md",),
        calls={"get_weather": {"location": "Oslo"}},
        json_schema={"type": "object"},
        status="incomplete",
        max_tokens=500,
        max_seconds=30,
    )
    said = CheckTurn(
        "From a file",
        attach=(CheckFile("data/a.md", "file_search"),),
        outputs={"get_weather": {"temp": 3}},
        answer="answers:weather",
        expect=expected,
        judge=Judge("It is polite", "gpt-5.6"),
    )
    assert found == (Check("all", (said,), attempts=3, passes=2, max_tokens=9),)


def test_a_call_of_which_nothing_more_is_said() -> None:
    """What is expected to be called returns nothing, where nothing is said of that."""
    found, scope = checks({"c": turn(expect={"calls": {"get_weather": None}})})
    assert found[0].turns[0].outputs == {"get_weather": ""}
    assert scope.findings == []


def turn(**more: Any) -> list[dict[str, Any]]:
    return [{"say": "Hi", **more}]


@pytest.mark.parametrize(
    ("written", "path", "summary"),
    [
        (turn(outputs={"get_wether": 1}), (0, "outputs", "get_wether"), "Unknown function"),
        (turn(expect={"calls": {"x": None}}), (0, "expect", "calls", "x"), "Unknown function"),
        (turn(answer="nowhere:f"), (0, "answer"), "File not found"),
        (
            turn(attach=[{"file": "data/a.md", "tool": "code_interpreter"}]),
            (0, "attach", 0, "tool"),
            "Tool not there",
        ),
        (
            turn(attach=[{"file": "data/a.csv"}]),
            (0, "attach", 0, "file"),
            "Extension not accepted",
        ),
        (
            turn(expect={"json_schema": {"type": "objekt"}}),
            (0, "expect", "json_schema", "type"),
            "Not a JSON Schema",
        ),
        (
            turn(expect={"json_schema": {"items": {"$ref": "https://x.example/s.json"}}}),
            (0, "expect", "json_schema", "items", "$ref"),
            "Schema not usable",
        ),
        (
            turn(expect={"json_schema": {"items": {"pattern": "("}}}),
            (0, "expect", "json_schema", "items"),
            "Schema not usable",
        ),
        (
            turn(expect={"json_schema": {"patternProperties": {"[": {}}}}),
            (0, "expect", "json_schema"),
            "Schema not usable",
        ),
        ({"turns": turn(), "passes": 2}, ("passes",), "Too many passes"),
        (
            {"turns": turn(answer="answers:f"), "cache": True},
            ("cache",),
            "Not to be cached",
        ),
    ],
)
def test_what_is_reported(written: Any, path: tuple[Any, ...], summary: str) -> None:
    """What a model cannot see is a finding, at its place and with a remedy."""
    _, scope = checks({"c": written})
    (finding,) = scope.findings
    assert (finding.path, finding.summary) == (("checks", "c", *path), summary)
    assert finding.hint


@pytest.mark.parametrize(
    "written",
    [
        {"c": []},
        {"c": {"turns": []}},
        {"C": turn()},
        {"c": [{"expect": {}}]},
        {"c": {"say": "Hi"}},
        {"c": turn(expect={"matches": "("})},
        {"c": turn(expect={"contains": True})},
        {"c": turn(expect={"contains": []})},
        {"c": turn(expect={"status": "done"})},
        {"c": turn(expect={"max_tokens": 0})},
        {"c": turn(expect={"said": "x"})},
        {"c": turn(answer="no callable")},
        {"c": turn(judge={"model": "m"})},
        {"c": {"turns": turn(), "attempts": 21}},
    ],
)
def test_what_no_check_can_be(written: Any) -> None:
    """Wrong shapes, words and numbers are refused by the model."""
    with pytest.raises(ValidationError):
        checks(written)


def test_functions_of_tools_that_are_not_known() -> None:
    """A tool with a finding of its own is not missed a second time."""
    scope = MemoryScope()
    assistant = kind("assistant")
    written = {
        "model": "m",
        "tools": [{"use": "nowhere"}],
        "checks": {"c": turn(outputs={"f": 1})},
    }
    spec = TypeAdapter(assistant.spec).validate_python(written)
    fields = assistant.declare(spec, scope)
    assistant.checks(spec, fields, scope)
    assert scope.findings == []
