"""What came of checks, for every reader."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from provisioner.model import (
    Address,
    Attempt,
    Check,
    CheckReport,
    CheckResult,
    CheckTurn,
    Miss,
    Problem,
    TurnResult,
)
from provisioner.schemas import check_schema
from provisioner.views.checks import (
    checks_document,
    checks_json,
    checks_markdown,
    checks_text,
)
from provisioner.views.junit import checks_junit

SUPPORT, TRIAGE = Address("assistant", "support"), Address("assistant", "triage")
MISSED = TurnResult(
    said="Hi <b>\x1b[2J\x00",
    replied="One\n::set-output name=x::\n```\n]]>",
    misses=(Miss("to contain `27`", "it does not"), Miss("to cite `a.md`", "it cites nothing")),
    calls=('get_weather({"location": "Oslo"})',),
    tokens=1_234,
    seconds=1_500.5,
)
HELD = TurnResult("Hi", "Hello", warnings=("the judge `m` says no",), tokens=7, seconds=0.25)
GONE = Problem("Not applied", "`assistant.triage` was never applied.", "run `provisioner apply`")


def checked(address: Address, name: str, outcome: Any, **more: Any) -> CheckResult:
    return CheckResult(address, Check(name, (CheckTurn("Hi"),)), outcome, **more)


REPORT = CheckReport(
    "acme",
    "prod",
    (
        checked(SUPPORT, "held", "passed", attempts=(Attempt((HELD,)),)),
        checked(SUPPORT, "kept", "passed", attempts=(Attempt((HELD,)),), cached=True),
        checked(SUPPORT, "missed", "failed", attempts=(Attempt((HELD, MISSED)),)),
        checked(TRIAGE, "gone", "error", problem=GONE),
    ),
    notes=("`assistant.support` was checked as it was applied.",),
    seconds=2.0,
)

TEXT = """\
ok      assistant.support#held  (0.2 s, 7 tokens)
        warning: the judge `m` says no

ok      assistant.support#kept  (cached)
        warning: the judge `m` says no

FAILED  assistant.support#missed  (1500.8 s, 1,241 tokens)
        said      turn 2: Hi <b>\\x1b[2J\\x00
        replied   One
                  ::set-output name=x::
                  ```
                  ]]>
        called    get_weather({"location": "Oslo"})
        expected  to contain `27`; it does not
        expected  to cite `a.md`; it cites nothing
        warning: the judge `m` says no

ERROR   assistant.triage#gone
        Not applied: `assistant.triage` was never applied.
        hint: run `provisioner apply`

Note: `assistant.support` was checked as it was applied.
Checks: 2 passed (1 of them cached), 1 failed, 1 could not be run, 3 warnings. \
1,248 tokens in 2.0 s.
"""


def test_text() -> None:
    """Each with its facts; below it what was said and expected; nothing that a terminal obeys."""
    assert checks_text(REPORT) == TEXT


def test_brief() -> None:
    """What is still on the screen is left out."""
    held = CheckResult(SUPPORT, Check("held", ()), "passed", (Attempt(),))
    assert checks_text(CheckReport("a", "b", (held,)), brief=True).startswith("Checks: 1 passed.")


def test_json() -> None:
    """The document fits its schema, and counts what there is."""
    from jsonschema import Draft202012Validator

    document = json.loads(checks_json(REPORT))
    Draft202012Validator(check_schema()).validate(document)
    assert document["summary"] == {
        "passed": 2,
        "failed": 1,
        "error": 1,
        "needs_apply": 0,
        "cached": 1,
        "warnings": 3,
        "tokens": 1_248,
        "seconds": 2.0,
    }
    assert document["checks"][3]["problem"]["summary"] == "Not applied"
    assert checks_document(CheckReport("a", "b"))["checks"] == []


SIDES = CheckReport(
    "acme",
    "prod",
    (
        checked(
            SUPPORT,
            "better",
            "passed",
            attempts=(Attempt((HELD, HELD)),),
            side="planned",
            applied=checked(SUPPORT, "better", "failed", attempts=(Attempt((HELD, MISSED)),)),
        ),
        checked(
            SUPPORT,
            "worse",
            "failed",
            attempts=(Attempt((MISSED,)),),
            side="planned",
            applied=checked(SUPPORT, "worse", "passed", attempts=(Attempt((HELD,)),)),
        ),
        checked(
            SUPPORT,
            "same",
            "passed",
            attempts=(Attempt((HELD,)),),
            side="planned",
            applied=checked(SUPPORT, "same", "error", attempts=(Attempt((HELD,)),), problem=GONE),
        ),
        checked(SUPPORT, "kept", "passed", side="planned", unchanged=True),
        checked(
            SUPPORT,
            "later",
            "needs_apply",
            side="planned",
            problem=Problem("Needs apply", "`vector_store.kb` is not there yet."),
        ),
    ),
    seconds=2.0,
    planned=True,
)

SIDES_TEXT = """\
ok      assistant.support#better  (planned, FAILED as applied, 0.5 s, 14 tokens)
        said      Hi
        applied   One
                  ::set-output name=x::
                  ```
                  ]]>
                  → get_weather({"location": "Oslo"})
        planned   Hello
        warning: the judge `m` says no
        warning: the judge `m` says no

FAILED  assistant.support#worse  (planned, ok as applied, 1500.5 s, 1,234 tokens)
        said      Hi <b>\\x1b[2J\\x00
        applied   Hello
        replied   One
                  ::set-output name=x::
                  ```
                  ]]>
        called    get_weather({"location": "Oslo"})
        expected  to contain `27`; it does not
        expected  to cite `a.md`; it cites nothing

ok      assistant.support#same  (planned, ERROR as applied, the same answer, 0.2 s, 7 tokens)
        As applied: `assistant.triage` was never applied.
        warning: the judge `m` says no

ok      assistant.support#kept  (unchanged)
needs apply assistant.support#later  (planned)
        Needs apply: `vector_store.kb` is not there yet.

Planned checks: 3 passed, 1 failed, 1 needs apply, 3 warnings. 2,510 tokens in 2.0 s.
"""


def test_both_sides() -> None:
    """What is planned beside what is applied: who passed, and both answers where they differ."""
    from jsonschema import Draft202012Validator

    assert checks_text(SIDES) == SIDES_TEXT
    document = json.loads(checks_json(SIDES))
    Draft202012Validator(check_schema()).validate(document)
    assert document["checks"][0]["applied"]["outcome"] == "failed"
    assert document["summary"]["needs_apply"] == 1
    text = checks_markdown(SIDES)
    assert "| check | applied | planned | |\n| --- | --- | --- | --- |\n" in text
    assert "| `assistant.support#worse` | ok | FAILED | planned, ok as applied," in text
    assert "| `assistant.support#kept` | ok | ok | unchanged |" in text
    assert "| `assistant.support#later` |  | needs apply | planned |" in text
    root = ET.fromstring(checks_junit(SIDES))
    obeys(root)
    assert root[0].get("skipped") == "1" and not SIDES.passed
    assert "is not there yet" in str(root[0][4][0].get("message"))


def test_markdown() -> None:
    """A table, and a box that nothing in a reply can leave."""
    text = checks_markdown(REPORT)
    assert "| `assistant.support#missed` | FAILED | 1500.8 s, 1,241 tokens |" in text
    assert "````text\nsaid      turn 2: Hi <b>\\x1b[2J\\x00\n" in text


@pytest.mark.parametrize("count", [60, 2_000])
def test_markdown_is_never_too_long(count: int) -> None:
    """A comment takes 65,536 bytes."""
    results = tuple(
        checked(SUPPORT, f"c{number}", "failed", attempts=(Attempt((MISSED,) * 9),))
        for number in range(count)
    )
    text = checks_markdown(CheckReport("acme", "prod", results))
    assert len(text.encode()) <= 65_536 and "the log of the job" in text.lower()


# What the schemas of Jenkins' xUnit plugin and of Maven's Surefire both take: the attributes of each
# element, required ones first, and its children in order.
GRAMMAR: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests", "errors", "skipped", "failures"},
        {"time", "group"},
        ["testcase"],
    ),
    "testcase": (
        {"name", "time"},
        {"classname", "group"},
        ["failure", "skipped", "error", "system-out", "system-err"],
    ),
    "failure": ({"type"}, {"message"}, []),
    "skipped": (set(), {"message"}, []),
    "error": ({"type"}, {"message"}, []),
    "system-out": (set(), set(), []),
}


def obeys(element: ET.Element) -> None:
    required, allowed, children = GRAMMAR[element.tag]
    assert required <= set(element.keys()) <= required | allowed, element.tag
    places = [children.index(child.tag) for child in element]
    assert places == sorted(places), element.tag
    time = element.get("time")
    if time is not None:
        whole, _, part = time.partition(".")
        assert whole.isdecimal() and part.isdecimal() and len(part) <= 3
    for child in element:
        obeys(child)


def test_junit() -> None:
    """Valid, and nothing of it skipped: what failed is a failure, what could not be run an error."""
    root = ET.fromstring(checks_junit(REPORT).encode())
    obeys(root)
    assert root.tag == "testsuites"
    counts = [(one.get("tests"), one.get("failures"), one.get("errors")) for one in root.iter()]
    assert counts[0] == ("4", "1", "1")
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["assistant.support", "assistant.triage"]
    assert {suite.get("skipped") for suite in root} == {"0"}
    failure = suites["assistant.support"].find("testcase[@name='missed']/failure")
    assert failure is not None
    assert failure.get("message") == "expected to contain `27`; it does not"
    assert "replied   One\n" in str(failure.text) and "]]>" in str(failure.text)
    error = suites["assistant.triage"].find("testcase/error")
    assert error is not None and str(error.get("message")).startswith("Not applied: ")


def test_an_old_answer_stands_beside_the_new_one() -> None:
    """Whatever came of the check, and once; an answer that only has other white space is the same."""
    was = TurnResult("Hi", "Hello", tokens=7, was="Good\n day")
    same = TurnResult("Hi", "Hello there", tokens=7, was="Hello\nthere\n")
    missed = TurnResult("Hi", "Hello", misses=(Miss("to contain `27`", "it does not"),), was="27")
    shown = {
        one: checks_text(CheckReport("a", "b", (checked(SUPPORT, "x", outcome, attempts=tried),)))
        for one, outcome, tried in (
            ("held", "passed", (Attempt((was, same)),)),
            ("missed", "failed", (Attempt((missed,)),)),
        )
    }
    assert (
        shown["held"]
        .partition("\n")[2]
        .startswith(
            "        said      Hi\n        was       Good\n                   day\n        replied   Hello\n\n"
        )
    )
    assert "        was       27\n        replied   Hello\n        expected" in shown["missed"]
