"""Checks as a configuration of promptfoo."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from provisioner.conversation import Partner
from provisioner.engine.checking import Subject
from provisioner.masking import hide
from provisioner.model import (
    Address,
    Check,
    CheckFile,
    CheckTurn,
    Expectation,
    Judge,
    Problem,
)
from provisioner.views.promptfoo import CONVERSATION, ONE_MESSAGE, Exported, exported
from provisioner.workspace.setting import Environment

SCHEMA = json.loads(Path(__file__).with_name("promptfoo.schema.json").read_text())
SUPPORT = Address("assistant", "support")
REQUEST = {
    "model": "gpt-5.6",
    "instructions": "Help.\nSay {{ name }}.\n",
    "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}],
    "text": {"format": {"type": "json_object"}},
}
PROFILE = Partner(str(SUPPORT), "responses", request=REQUEST)
OBJECT = Partner(str(SUPPORT), "assistants", id="asst_1")
OPENAI = Environment("prod", service="openai", api="responses")


def turn(**expect: Any) -> CheckTurn:
    return CheckTurn("Hello?", expect=Expectation(**expect))


def subject(*turns: CheckTurn, partner: Partner = PROFILE, **more: Any) -> Subject:
    check = Check("greets", turns or (turn(),), **more)
    return Subject(SUPPORT, check, partner, "gpt-5.6", {"docs/a.md": {"file-2", "file-1"}})


def export(*subjects: Subject, environment: Environment = OPENAI) -> Exported:
    return exported(subjects, "shop", environment)


def read(found: Exported) -> Any:
    """What a reader of YAML finds, held with promptfoo's schema."""
    document = yaml.safe_load(found.text)
    Draft7Validator(SCHEMA).validate(document)
    return document


def asserts(*turns: CheckTurn, partner: Partner = PROFILE) -> list[Any]:
    """The assertions of the first turn, without that of how a response ends."""
    found = read(export(subject(*turns, partner=partner)))["tests"][0]["assert"]
    return [one for one in found if "raw.status" not in str(one.get("value"))]


def test_a_profile_is_a_provider_with_its_whole_request() -> None:
    """The model is in the id; everything else goes as it stands, beside none of promptfoo's own
    defaults.
    """
    document = read(export(subject()))
    rest = {name: value for name, value in REQUEST.items() if name != "model"}

    assert document["providers"] == [
        {
            "id": "openai:responses:gpt-5.6",
            "label": "assistant.support",
            "config": {"omitDefaults": True, "passthrough": rest},
        }
    ]
    assert document["description"] == "Checks of shop/prod"
    assert document["evaluateOptions"] == {"cache": False}  # or no second would be true


def test_an_assistant_is_a_provider_by_its_id() -> None:
    """What functions return is part of the provider, as a function of JavaScript."""
    asks = CheckTurn("Weather?", outputs={"get_weather": {"temp": 3}, "now": "noon"})
    (provider,) = read(export(subject(asks, partner=OBJECT)))["providers"]

    assert provider == {
        "id": "openai:assistant:asst_1",
        "label": "assistant.support",
        "config": {
            "functionToolCallbacks": {
                "get_weather": '() => "{\\"temp\\": 3}"',
                "now": '() => "noon"',
            }
        },
    }


def test_where_the_service_is_and_which_variable_has_the_key() -> None:
    """The key itself is never written."""
    hide("sk-of-the-gateway")
    gateway = Environment(
        "eu",
        service="https://gateway.example.com/v1",
        api_key_env="GATEWAY_KEY",
        organization="org-1",
        project="proj_1",
    )
    talk = CheckTurn("My key is sk-of-the-gateway")
    found = export(subject(talk, partner=OBJECT), environment=gateway)

    assert read(found)["providers"][0]["config"] == {
        "apiKeyEnvar": "GATEWAY_KEY",
        "apiBaseUrl": "https://gateway.example.com/v1",
        "organization": "org-1",
        "headers": {"OpenAI-Project": "proj_1"},
    }
    assert "sk-of-the-gateway" not in found.text


@pytest.mark.parametrize(
    ("expect", "wanted"),
    [
        ({"contains": ("27",)}, {"type": "icontains", "value": "27"}),
        ({"contains": ("27", "days")}, {"type": "icontains-all", "value": ["27", "days"]}),
        ({"not_contains": ("no",)}, {"type": "not-icontains", "value": "no"}),
        ({"not_contains": ("no", "x")}, {"type": "not-icontains-any", "value": ["no", "x"]}),
        ({"matches": "2[0-9]"}, {"type": "regex", "value": "2[0-9]"}),
        ({"json_schema": {}}, {"type": "is-json"}),
        (
            {"json_schema": {"$schema": "x", "type": "object"}},
            {"type": "is-json", "value": {"type": "object"}},
        ),
        (
            {"json_schema": {"$ref": "#/$defs/a"}},
            {"type": "is-json", "value": '{"$ref": "#/$defs/a"}'},
        ),
        ({"max_seconds": 0.5}, {"type": "latency", "threshold": 500}),
        (
            {"max_tokens": 500},
            {
                "type": "javascript",
                "value": "context.providerResponse.tokenUsage.total <= 500",
            },
        ),
        ({"contains": ("{{ a }}",)}, {"type": "icontains", "value": "{{ '{{' }} a }}"}),
        ({"contains": ("file://a",)}, {"type": "icontains", "value": "{{ '' }}file://a"}),
    ],
)
def test_an_expectation_is_an_assertion(expect: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Each as promptfoo says it; what it would fill in or load is kept from it."""
    assert asserts(turn(**expect)) == [wanted]


def test_a_judge_cannot_fail() -> None:
    """The assistant's own model judges where no other is named, with no weight."""
    judged = CheckTurn("Hello", judge=Judge("Is polite."))

    assert asserts(judged) == [
        {
            "type": "llm-rubric",
            "value": "Is polite.",
            "provider": "openai:chat:gpt-5.6",
            "weight": 0,
        }
    ]


def test_turns_are_tests_of_one_conversation() -> None:
    """Each turn sees what was said before; a single message has a prompt of its own."""
    document = read(export(subject(turn(), turn()), subject(turn())))

    assert [one["label"] for one in document["prompts"]] == [CONVERSATION, ONE_MESSAGE]
    assert [
        (one["description"], one["prompts"], one.get("metadata")) for one in document["tests"]
    ] == [
        (
            f"assistant.support#greets, turn {number}",
            [CONVERSATION],
            {"conversationId": "assistant.support#greets"},
        )
        for number in (1, 2)
    ] + [("assistant.support#greets", [ONE_MESSAGE], None)]
    assert all(one["providers"] == ["assistant.support"] for one in document["tests"])


def answered(code: str, items: list[Any], said: str = "") -> bool:
    """What an assertion of JavaScript says of a reply."""
    body = code if "\n" in code else f"return {code}"
    context = json.dumps({"providerResponse": {"raw": {"output": items}}})
    script = (
        f"const test = new Function('output', 'context', {json.dumps(body)});"
        f"process.stdout.write(JSON.stringify(test({json.dumps(said)}, {context})));"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return bool(json.loads(done.stdout))


def script_of(expect: dict[str, Any], partner: Partner = PROFILE) -> str:
    (found,) = asserts(turn(**expect), partner=partner)
    assert found["type"] == "javascript"
    return str(found["value"])


with_node = pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")


@with_node
@pytest.mark.parametrize(
    ("location", "holds"), [("Oslo", True), ("Bergen", False), (["Oslo"], False)]
)
@pytest.mark.parametrize("partner", [PROFILE, OBJECT], ids=["responses", "assistants"])
def test_a_call_is_looked_for_with_its_arguments(
    partner: Partner, location: Any, holds: bool
) -> None:
    """Wanted arguments have to be among those of a call, whatever else it was given."""
    code = script_of({"calls": {"get_weather": {"location": "Oslo"}}}, partner)
    given = json.dumps({"location": location, "unit": "c"}, indent=1)
    call = {"type": "function_call", "name": "get_weather", "arguments": given}
    said = f"[Call function get_weather with arguments {given}]\n\n[Function output: 3]"

    assert answered(code, [{"type": "message"}, call], said) is holds
    assert not answered(code, [], "[Assistant] get_weather")


@with_node
def test_of_a_run_only_what_was_said_last_is_the_reply() -> None:
    """promptfoo's text of a run also has what functions were given and what they gave."""
    output = '[Function output: {"temp": 3}]\n\n[Assistant] Cold.\n\nVery.'
    found = asserts(turn(contains=("a",), not_contains=("b",), matches="c"), partner=OBJECT)

    assert [one["type"] for one in found] == ["icontains", "not-icontains", "regex"]
    for one in found:
        assert answered(f"{one['transform']} === 'Cold.\\n\\nVery.'", [], output)
    assert "transform" not in asserts(turn(contains=("a",)))[0]


@with_node
def test_a_citation_is_looked_for_by_its_ids() -> None:
    """A document that has ids is cited by one of them, another one by its name."""
    part = {"annotations": [{"type": "file_citation", "file_id": "file-2", "filename": "b.md"}]}
    items = [{"type": "file_search_call"}, {"type": "message", "content": [part]}]

    assert answered(script_of({"cites": ("docs/a.md",)}), items)
    assert not answered(script_of({"cites": ("docs/a.md",)}), [])
    assert answered(script_of({"cites": ("docs/b.md",)}), items)
    assert not answered(script_of({"cites": ("docs/c.md",)}), items)


def test_how_a_response_ends_is_held_always() -> None:
    """What ends half-way does not pass for whole; under `assistants` promptfoo sees to that."""
    for status in ("completed", "incomplete"):
        (one,) = read(export(subject(turn(status=status))))["tests"][0]["assert"]
        assert one["value"] == f'context.providerResponse.raw.status === "{status}"'

    assert not asserts(turn(), partner=OBJECT)


def test_after_a_call_nothing_is_held_under_responses() -> None:
    """promptfoo gives the model no output, so there is no reply to the call: what is expected of
    it, and the turns that follow, are left out and named.
    """
    calls = CheckTurn(
        "Weather?",
        outputs={"get_weather": "3"},
        expect=Expectation(contains=("3",), calls={"get_weather": None}),
    )
    found = export(subject(calls, turn()))
    (test,) = read(found)["tests"]

    assert ["raw.status" in one["value"] for one in test["assert"]] == [True, False]
    assert found.lost == (
        "`assistant.support#greets, turn 1`: `contains`, `outputs` left out: promptfoo gives the"
        " model no output of a function",
        "`assistant.support#greets, turn 1`: the turns after it are left out: promptfoo gives the"
        " model no output of a function",
    )


@pytest.mark.parametrize(
    ("one", "partner", "words"),
    [
        (turn(matches="(?i)hello"), PROFILE, "`matches: (?i)hello` is left out"),
        (turn(matches=r"\Ahello"), PROFILE, r"`matches: \Ahello` is left out"),
        (turn(cites=("docs/a.md",)), OBJECT, "`cites` is left out"),
        (turn(json_schema={"$schema": "x"}), PROFILE, "`$schema` is left out"),
        (CheckTurn("Hello", answer="a:b"), OBJECT, "`answer` is left out"),
        (CheckTurn("Hello", answer="a:b"), PROFILE, "`answer` left out"),
    ],
)
def test_what_does_not_translate_is_named(one: CheckTurn, partner: Partner, words: str) -> None:
    """Beside the file, and in it above the test that it is of."""
    found = export(subject(one, partner=partner))

    assert [words in lost for lost in found.lost] == [True]
    assert f"  # NOT TRANSLATED: {words}" in found.text
    assert found.tests == 1
    read(found)


def test_settings_of_a_check_are_named() -> None:
    """What promptfoo has for all tests alike or for none."""
    found = export(subject(attempts=3, passes=2, max_tokens=9, cache=True))

    assert [lost.partition(": ")[2][:12] for lost in found.lost] == [
        "2 of 3 attem",
        "`max_tokens:",
        "`cache` is l",
    ]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            subject(CheckTurn("Hi", attach=(CheckFile("a.csv", "file_search"),))),
            "promptfoo uploads no file with a message",
        ),
        (subject(CheckTurn("file://a")), "promptfoo reads what is said as the place of a text"),
        (subject(turn(status="failed")), "to promptfoo it is an error to end as `failed`"),
        (
            subject(turn(status="incomplete"), partner=OBJECT),
            "to promptfoo it is an error to end as `incomplete`",
        ),
        (
            Subject(SUPPORT, Check("greets", (turn(),)), problem=Problem("N", "Not there.", "do")),
            "Not there. do",
        ),
    ],
)
def test_a_check_that_cannot_be_held_is_left_out(one: Subject, words: str) -> None:
    """Rather than held as something else; it is named at the head of the file."""
    found = export(one)

    assert found.lost == (f"`assistant.support#greets` is left out: {words}",)
    assert f"\n# NOT TRANSLATED: {found.lost[0]}\n" in found.text
    assert (found.tests, read(found)["tests"], read(found)["providers"]) == (0, [], [])


@pytest.mark.parametrize(
    ("one", "other", "said"), [("1", "2", "1"), (True, 1, "true"), ([0], [False], "[0]")]
)
def test_two_outputs_of_one_function(one: Any, other: Any, said: str) -> None:
    """promptfoo has one for all tests: the first counts, and the other is named."""
    first, second = (CheckTurn("W?", outputs={"f": value}) for value in (one, other))
    found = export(subject(first, partner=OBJECT), subject(second, partner=OBJECT))

    assert read(found)["providers"][0]["config"] == {
        "functionToolCallbacks": {"f": f'() => "{said}"'}
    }
    assert [lost.partition(": ")[2] for lost in found.lost] == [
        "another check has another output of `f`, and promptfoo uses that one"
    ]


def test_what_promptfoo_does_to_a_request_is_noted() -> None:
    """Its own templates and its own resolving of references are not ours to switch off."""
    request = {
        "model": "m",
        "instructions": "Say {{ env.HOME }}",
        "tools": [{"parameters": {"$ref": "#/$defs/a"}}],
    }
    found = export(subject(partner=Partner("a", "responses", request=request)))

    assert [note.partition(": ")[2][:16] for note in found.notes] == [
        "promptfoo fills ",
        "its schemas have",
    ]
    template = export(subject(CheckTurn("{{ a }}"), turn()))
    assert "promptfoo reads `say` as a template" in template.lost[0]
    assert not export(subject(CheckTurn("{{ a }}"))).lost


def test_odd_texts_come_back_whole() -> None:
    """Whatever is said is what a reader finds, and no remark breaks out of its line."""
    odd = "a: b\n# c\t'\"\\ \u2028 é {{\n\n"
    found = export(subject(CheckTurn(odd, expect=Expectation(matches="(?i)a\nb: c"))))

    assert read(found)["tests"][0]["vars"] == {"say": odd}
    assert r"`matches: (?i)a\nb: c` is left out" in found.text


def test_the_same_checks_give_the_same_bytes() -> None:
    """Sets have no order; the file has."""
    one = subject(turn(cites=("docs/a.md",)))

    assert '["file-1", "file-2"]' in export(one).text
