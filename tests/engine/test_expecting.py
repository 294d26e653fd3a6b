"""What of an expectation a reply does not meet."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.conversation import Call, Citation, Reply, Usage
from provisioner.engine.expecting import includes, misses
from provisioner.model import Expectation

DOCUMENTS = {"docs/leave.md": {"file-1", "file-2"}}
OSLO = Call("c1", "get_weather", '{"location": "Oslo", "unit": "c", "days": 2}')
REPLY = Reply(
    "completed",
    "An employee has 27\u202fvacation days.",
    calls=(OSLO,),
    citations=(Citation("file-2", "leave.md"),),
    usage=Usage(10, 5),
    seconds=2.0,
)


@pytest.mark.parametrize(
    ("expected", "missed"),
    [
        ({}, []),
        ({"contains": ("27 VACATION", "employee")}, []),
        ({"contains": ("27", "28", "29")}, ["to contain `28`", "to contain `29`"]),
        ({"not_contains": ("sorry",)}, []),
        ({"not_contains": ("sorry", "days")}, ["not to contain `days`"]),
        ({"matches": "2[0-9]"}, []),
        ({"matches": "^27"}, ["to match `^27`"]),
        ({"cites": ("docs/leave.md",)}, []),
        ({"cites": ("docs/other.md",)}, ["to cite `docs/other.md`"]),
        ({"calls": {"get_weather": None}}, []),
        ({"calls": {"get_weather": {"location": "Oslo", "days": 2.0}}}, []),
        (
            {"calls": {"get_weather": {"location": "Bergen"}}},
            ['a call of `get_weather` with `{"location": "Bergen"}`'],
        ),
        ({"calls": {"find_user": None}}, ["a call of `find_user`"]),
        ({"max_tokens": 15, "max_seconds": 2}, []),
        ({"max_tokens": 14, "max_seconds": 1.5}, ["at most 14 tokens", "at most 1.5 seconds"]),
        ({"json_schema": {"type": "object"}}, ["JSON that fits the schema"]),
        ({"status": "incomplete"}, ["to end as `incomplete`"]),
    ],
)
def test_misses(expected: dict[str, Any], missed: list[str]) -> None:
    """Each is found, and nothing else."""
    found = misses(Expectation(**expected), REPLY, DOCUMENTS)
    assert [miss.expected for miss in found] == missed
    assert all(miss.got for miss in found)


def test_a_turn_that_ended_otherwise() -> None:
    """Only that is said, in the service's words: there is no text to look at."""
    reply = Reply("failed", reason="rate_limit_exceeded: try later")
    (miss,) = misses(Expectation(contains=("27",)), reply, {})
    assert miss.got == "`failed`: rate_limit_exceeded: try later"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ('{"subject": 3}', "`$.subject`: `3 is not of type 'string'`"),
        ("{}", "`$`: `'subject' is a required property`"),
        ("Hello", "the reply is not valid JSON: Expecting value"),
    ],
)
def test_json(text: str, got: str) -> None:
    """What does not fit is named by its path."""
    schema = {"properties": {"subject": {"type": "string"}}, "required": ["subject"]}
    (miss,) = misses(Expectation(json_schema=schema), Reply("completed", text), {})
    assert miss.got == got


def test_a_document_that_is_not_managed() -> None:
    """It is told by its base name."""
    expected = Expectation(cites=("docs/leave.md",))
    assert misses(expected, REPLY, {}) == ()
    (miss,) = misses(expected, Reply("completed", citations=(Citation("f", "b.md"),)), {})
    assert miss.got == "it cites `b.md`"
    (miss,) = misses(expected, Reply("completed"), {})
    assert miss.got == "it cites nothing"


@pytest.mark.parametrize(
    ("given", "wanted", "held"),
    [
        ({"a": 1, "b": {"c": [1, 2]}}, {"b": {"c": [1, 2]}}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": True}, {"a": True}, True),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ("no JSON", {"a": 1}, False),
    ],
)
def test_includes(given: Any, wanted: Any, held: bool) -> None:
    """Of mappings some keys, of anything else all of it; `true` is not 1."""
    assert includes(given, wanted) is held


@pytest.mark.parametrize(
    "expected",
    [
        {"matches": "(a+)+$"},
        {"json_schema": {"items": {"pattern": "(a+)+$"}}},
    ],
)
def test_what_takes_for_ever(expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that never comes to an end does not hold the run up: it is a miss that says
    so.
    """
    monkeypatch.setattr("provisioner.engine.expecting._LONGEST", 0.05)
    reply = Reply("completed", f'["{"a" * 60}!"]')
    (miss,) = misses(Expectation(**expected), reply, {})
    assert "could not be told in 0.05 seconds" in miss.got


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "https://example.com/x.json"}, "`Unresolvable: https://example.com/x.json`"),
        ({"$ref": "#"}, "it leads back to itself"),
        ({"items": {"pattern": "("}}, "`missing ), unterminated subpattern at position 0`"),
    ],
)
def test_a_schema_that_cannot_be_used(schema: Any, why: str) -> None:
    """It is a miss with the reason, never green and never a crash."""
    (miss,) = misses(Expectation(json_schema=schema), Reply("completed", '["a"]'), {})
    assert miss.got == f"the schema cannot be used: {why}"


def test_one_letter_has_two_spellings() -> None:
    """An accent beside its letter and a letter with an accent are the same text."""
    reply = Reply("completed", "Cafe\u0301")
    assert not misses(Expectation(contains=("CAF\u00c9",)), reply, {})
    assert misses(Expectation(not_contains=("caf\u00e9",)), reply, {})
