"""Which models are in use and when they end; another one in their place, wherever that is
written.
"""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.engine import announced
from tests.support.injecting import Meanwhile
from tests.support.policies import AHEAD, PAST, SPEC, ending, saying, under
from tests.support.refusals import refused
from tests.support.running import Result
from tests.support.world import World

PROD = {
    "environments": {"local": {"service": "local"}, "prod": {"service": "openai"}},
    "default_environment": "local",
    "policies": {"model_shutdown": {"action": "ignore"}},
}
PROVISIONER = "provisioner.yaml"
ALL = "specs/all.yaml"


def used(result: Result) -> dict[str, list[str]]:
    """The users of each model, in the order of the document."""
    return {
        model["model"]: [f"{user['address']} {user['used']}" for user in model["users"]]
        for model in result.json["models"]
    }


def test_models_with_their_ends_and_users(world: World) -> None:
    """What ends first comes first, with who uses it and where; the service is asked once a day; the
    same bytes every time.
    """
    world.write({ALL: SPEC + "  c: {model: old-1}\n  d: {model: older}\n"})
    ending(world, old_1=AHEAD, new_1=None, older=PAST)
    shown = world.ok("models")
    assert shown.out == (
        f"Models in {world.root.name}/local:\n\n"
        f"  older  (ended {PAST}, 20 days ago, replacement: none known)\n"
        "      assistant.d  specs/all.yaml:7\n\n"
        f"  old-1  (ends {AHEAD}, in 20 days, replacement: none known)\n"
        "      assistant.a  specs/all.yaml:3\n"
        "      assistant.c  specs/all.yaml:6\n\n"
        "  new-1  (no end known)\n"
        "      assistant.b  specs/all.yaml:5\n\n"
        "Models: 3 in use, 2 with an announced end.\n"
    )
    document = world.ok("models", "--json").json
    assert document["models"][1] == {
        "model": "old-1",
        "shutdown_date": str(AHEAD),
        "shutdown_source": "as the service says",
        "replacement": None,
        "listed": True,
        "users": [
            {
                "address": "assistant.a",
                "path": "model",
                "used": "specs",
                "version": None,
                "file": ALL,
                "line": 3,
                "column": 12,
            },
            {
                "address": "assistant.c",
                "path": "model",
                "used": "specs",
                "version": None,
                "file": ALL,
                "line": 6,
                "column": 14,
            },
        ],
    }
    assert world.ok("models").out == shown.out
    assert world.calls.count(("GET", "/models")) == 1


def test_what_was_applied_counts_where_it_differs(world: World) -> None:
    """An applied model stays in use until an apply changes it, also of what the specs no longer
    declare.
    """
    world.write({ALL: SPEC})
    world.apply()
    assert used(world.ok("models", "--json")) == {
        "new-1": ["assistant.b specs"],
        "old-1": ["assistant.a specs"],
    }
    world.write({ALL: "assistants:\n  a:\n    model: new-1\n"})
    assert used(world.ok("models", "--json")) == {
        "new-1": ["assistant.a specs", "assistant.b applied"],
        "old-1": ["assistant.a applied"],
    }
    assert "assistant.a  as it was applied; the specs say otherwise" in world.ok("models").out
    world.apply()
    assert used(world.ok("models", "--json")) == {"new-1": ["assistant.a specs"]}


def test_kept_versions_of_a_profile_use_their_models(world: World) -> None:
    """Deployed applications still send what is kept, so its model is in use as well."""
    world.write(
        {PROVISIONER: {"environments": {"local": {"service": "local", "api": "responses"}}}}
    )
    for model in ("one", "two", "three"):
        world.write({ALL: {"assistants": {"a": {"model": model}}}})
        world.apply()
    assert used(world.ok("models", "--json")) == {
        "one": ["assistant.a applied"],
        "three": ["assistant.a specs"],
        "two": ["assistant.a applied"],
    }
    assert "assistant.a  version 1, kept for applications" in world.ok("models").out


def test_no_models(world: World) -> None:
    """Nothing is asked where nothing has a model."""
    world.write({ALL: {"vector_stores": {"kb": {}}}})
    assert world.ok("models").out == "No model is in use.\n"
    assert world.ok("models", "--format", "markdown").out.endswith("**No model is in use.**\n")
    assert world.calls == []


def test_without_a_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For OpenAI's own service its announcements stand in, with what it recommends; a note says
    what was not asked. Another service's models are unknown.
    """
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    own = {"service": "https://models.example/v1"}
    environments: dict[str, Any] = {**PROD["environments"], "ours": own}  # type: ignore[dict-item]
    models = {
        "a": {"model": "gpt-4o"},
        "b": {"model": "ft:gpt-5-mini:acme::1"},
        "c": {"model": "x"},
    }
    world.write({PROVISIONER: {**PROD, "environments": environments}, ALL: {"assistants": models}})
    document = world.ok("models", "-e", "prod", "--json").json
    found = [(one["model"], one["shutdown_date"], one["replacement"]) for one in document["models"]]
    assert found == [
        ("ft:gpt-5-mini:acme::1", "2026-12-11", "gpt-5.6-terra"),
        ("gpt-4o", "2027-01-14", "gpt-6-luna"),
        ("x", None, None),
    ]
    assert "`OPENAI_API_KEY` is not set" in document["notes"][0]
    markdown = world.ok("models", "-e", "ours", "--format", "markdown").out
    assert markdown.startswith("<!-- provisioner:ending unknown -->\n")
    ours = world.ok("models", "-e", "ours")
    assert "gpt-4o  (no end known)" in ours.out and "`OPENAI_API_KEY` is not set" in ours.out
    assert ours.out.endswith("Models: 3 in use, none that is known to end.\n")


def test_replacements_are_models_that_go_on() -> None:
    """No replacement has an announced end itself; a model that goes on has none."""
    ends = announced.announced()
    replacements = {model: announced.replacement(model) for model in ends}
    assert replacements["gpt-4o"] == "gpt-6-luna" and replacements["o1-mini"] is None
    assert not set(replacements.values()) & set(ends)
    assert announced.replacement("gpt-5.6") is None


def test_a_service_that_does_not_say(world: World) -> None:
    """One that gives no dates, and one that fails: said in a note, and no error."""
    world.write({ALL: SPEC})
    saying(world, lambda: (500, {"error": {"message": "Oops"}}))
    assert world.ok("models", "--json").json["notes"] == [
        "The service gives no answer. What is said is what was known before."
    ]
    world.rest.close()
    saying(world, lambda: (200, {"data": [{"id": "old-1"}]}))
    assert world.ok("models", "--json").json["notes"] == [
        "The service does not say when its models end."
    ]


def test_the_embedded_service_has_a_model_that_ended(world: World) -> None:
    """So that it can be seen without a key what becomes of one."""
    world.write({ALL: {"assistants": {"a": {"model": "gpt-4.1-nano"}}}})
    assert "gpt-4.1-nano  (ended 2026-10-23, " in world.ok("models").out
    assert "which was shut down on 2026-10-23" in world.ok("plan", code=1).out


def test_a_table_for_a_pull_request(world: World) -> None:
    """Days and no countings of them, which would be others tomorrow; no name of a model breaks out
    of its cell.
    """
    world.write({ALL: {"assistants": {"a": {"model": "old-1"}, "b": {"model": "a|`b"}}}})
    ending(world, old_1=PAST, new_1=None)
    text = world.ok("models", "--format", "markdown").out
    assert text.startswith("<!-- provisioner:ending true -->\n### Models in ")
    assert f"| `old-1` | **{PAST}** | none known | `assistant.a` `specs/all.yaml:" in text
    assert "| ``a\\|`b`` | – | – | `assistant.b`" in text
    assert "The days are as the service says." in text and "days ago" not in text


WRITTEN = """\
x-defaults: &defaults
  model: &cheap old-1     # the cheap one
assistants:
  merged:
    <<: *defaults         # all of it
    name: Merged
  alias:
    model: *cheap
  quoted: {model: 'old-1', name: old-1}   # in a line
  variable:
    model: ${var.model}   # from the workspace
  other:
    model: other-1
"""
SETTINGS = """\
variables:
  model: old-1            # the default
environments:
  local: {service: local}
  far: {service: local, lock: far.json, variables: {model: "new-1"}}
"""


def replaced(result: Result) -> list[str]:
    return [f"{one['address']} {one['file']}:{one['line']}" for one in result.json["replaced"]]


def test_a_model_is_replaced_where_it_is_written(world: World) -> None:
    """At an anchor, below `<<`, in quotes, in a variable: the word alone changes, comments stay.
    Without `--write` nothing is written.
    """
    world.write({ALL: WRITTEN, PROVISIONER: SETTINGS})
    words = ("models", "-e", "local", "--replace", "old-1=new-2")
    shown = world.ok(*words)
    assert (
        "Would be written:" in shown.out and "      +  model: &cheap new-2     # the" in shown.out
    )
    assert shown.out.endswith(
        "To replace: the model of 4 resources in 2 files. `--write` writes it.\n"
    )
    assert (world.root / ALL).read_text() == WRITTEN
    done = world.ok(*words, "--write", "--json")
    assert replaced(done) == [
        "assistant.alias specs/all.yaml:2",
        "assistant.merged specs/all.yaml:2",
        "assistant.quoted specs/all.yaml:9",
        "assistant.variable provisioner.yaml:2",
    ]
    far = ["assistant.alias", "assistant.merged", "assistant.quoted"]
    assert done.json["also_changes"] == {"far": far} and done.json["written"]
    text = WRITTEN.replace("&cheap old-1", "&cheap new-2").replace("'old-1'", "'new-2'")
    assert (world.root / ALL).read_text() == text
    assert (world.root / PROVISIONER).read_text() == SETTINGS.replace("old-1", "new-2")
    again = world.ok(*words, "--write")
    assert again.out == "Nothing to replace: no spec says `old-1`.\n"


def test_the_value_of_an_environment_is_changed_there(world: World) -> None:
    """A variable that the environment sets is changed in the environment, and nowhere else."""
    settings = SETTINGS.replace('"new-1"', '"old-1"')
    world.write({ALL: WRITTEN.replace("old-1", "other-1"), PROVISIONER: settings})
    done = world.ok("models", "-e", "far", "--replace", "old-1=new-2", "--write", "--json")
    assert replaced(done) == ["assistant.variable provisioner.yaml:5"]
    assert (world.root / PROVISIONER).read_text() == settings.replace('"old-1"', '"new-2"')
    assert done.json["also_changes"] == {}


def test_what_cannot_be_replaced_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value from outside, part of a text, an anchor that is more than a model, a text of several
    lines: with the reason; what can be replaced is, and the exit code is 1.
    """
    text = (
        "x-name: &name old-1\nassistants:\n  both: {name: *name, model: *name}\n"
        "  part: {model: 'old-${var.number}'}\n  plain: {model: old-1}\n"
        "  outside: {model: '${var.model}'}\n  block:\n    model: >-\n      old-1\n"
    )
    world.write({ALL: text, PROVISIONER: {"variables": {"number": 1, "model": "x"}}})
    monkeypatch.setenv("PROVISIONER_VAR_model", "old-1")
    done = world.ok("models", "--replace", "old-1=new-2", "--write", "--json", code=1)
    assert replaced(done) == ["assistant.plain specs/all.yaml:5"]
    assert {one["address"]: one["reason"] for one in done.json["not_replaced"]} == {
        "assistant.block": "it is not written as a word on one line",
        "assistant.both": "it would change `assistant.both#name` as well",
        "assistant.outside": "the variable `model` has its value from `PROVISIONER_VAR_model`",
        "assistant.part": "`old-${var.number}` holds `${…}`",
    }
    assert (world.root / ALL).read_text() == text.replace("{model: old-1}", "{model: new-2}")
    given = ("--var", "model=old-1")
    monkeypatch.delenv("PROVISIONER_VAR_model")
    left = world.ok("models", "--replace", "old-1=new-2", *given, "--json", code=1).json
    assert left["not_replaced"][2]["reason"] == (
        "the variable `model` has its value from `--var model`"
    )


def test_a_model_that_the_policies_refuse(world: World) -> None:
    """Nothing is written that the next plan would refuse."""
    world.write({ALL: SPEC})
    under(world, {"models": {"allow": ["old-1", "new-1"]}})
    left = world.ok("models", "--replace", "old-1=new-2", "--write", "--json", code=1).json
    assert "the policy `models` does not allow" in left["not_replaced"][0]["reason"]
    assert (world.root / ALL).read_text() == SPEC and left["files"] == []


def test_a_model_that_is_gone_and_cannot_be_replaced_everywhere(world: World) -> None:
    """Those that can be replaced are: what stays was faulty before, here and elsewhere."""
    block = "  block:\n    model: >-\n      old-1\n"
    text = "assistants:\n  a: {model: old-1}\n  b: {model: old-1}\n  c: {model: '${var.m}'}\n"
    far = {"service": "local", "lock": "far.json", "variables": {"m": "old-1"}}
    settings = {
        "environments": {"local": {"service": "local"}, "far": far},
        "default_environment": "local",
        "variables": {"m": "new-1"},
    }
    world.write({ALL: text + block, PROVISIONER: settings})
    ending(world, old_1=PAST, new_1=None)
    for name in ("local", "far"):
        world.ok("models", "-e", name)
    words = ("-e", "local", "--replace", "old-1=new-1", "--write", "--json")
    done = world.ok("models", *words, code=1)
    assert replaced(done) == [f"assistant.a {ALL}:2", f"assistant.b {ALL}:3"]
    assert [one["address"] for one in done.json["not_replaced"]] == ["assistant.block"]


def test_several_models_at_once(world: World) -> None:
    """Each by its own; a byte-order mark and the line ends of a file stay."""
    text = "\ufeff" + SPEC.replace("\n", "\r\n")
    world.write({ALL: text.encode()})
    words = ("--replace", "old-1=new-1", "--replace", "new-1=new-2")
    world.ok("models", *words, "--write")
    after = text.replace("new-1", "new-2").replace("old-1", "new-1")
    assert (world.root / ALL).read_bytes().decode() == after


JUDGED = """\
x-rubric: &polite {rubric: Polite, model: old-1}   # by all
assistants:
  a:
    model: new-1
    checks:
      short: [{say: Hello, judge: {rubric: Short, model: old-1}}]   # a list
      whole:
        attempts: 2
        turns:
          - say: Hello
          - {say: Bye, judge: *polite}
      own: [{say: Hello, judge: {rubric: Its own}}]
      named: [{say: Hello, judge: {rubric: Kind, model: '${var.judge}'}}]
  b:
    model: old-1
    checks: {c: [{say: &word old-1, judge: {rubric: Kind, model: *word}}]}
"""


def test_a_model_that_judges(world: World) -> None:
    """It is in use and is replaced wherever a check names it, by its field; what a check says stays
    what it is.
    """
    world.write({ALL: JUDGED, PROVISIONER: {"variables": {"judge": "old-1"}}})
    ending(world, old_1=AHEAD, new_1=None)
    named = ["checks.short[0]", "checks.whole.turns[1]", "checks.named[0]"]
    shown = world.ok("models").out
    for path, line in zip(named, (6, 1, 13), strict=True):
        assert f"      assistant.a#{path}.judge.model  specs/all.yaml:{line}\n" in shown
    users = world.ok("models", "--json").json["models"][0]["users"]
    assert len(users) == 5 and users[0]["path"] == "checks.short[0].judge.model"
    assert (
        "`assistant.a#checks.short[0].judge.model`" in world.ok("models", "--format=markdown").out
    )

    done = world.ok("models", "--replace", "old-1=new-2", "--write", "--json", code=1)
    assert {f"{one['address']}#{one['path']}" for one in done.json["replaced"]} == {
        *(f"assistant.a#{path}.judge.model" for path in named),
        "assistant.b#model",
    }
    (left,) = done.json["not_replaced"]
    assert left["path"] == "checks.c[0].judge.model"
    assert left["reason"] == "it would change `assistant.b#checks` as well"
    text = JUDGED.replace("Short, model: old-1", "Short, model: new-2")
    text = text.replace("Polite, model: old-1", "Polite, model: new-2")
    assert (world.root / ALL).read_text() == text.replace("    model: old-1", "    model: new-2")
    assert "judge: new-2" in (world.root / PROVISIONER).read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("--write",),
        ("--check",),
        ("--replace", "old-1"),
        ("--replace", "=new-1"),
        ("--replace", "old-1="),
        ("--replace", "old-1=new 1"),
        ("--replace", "old-1=${var.x}"),
        ("--replace", "old-1=a", "--replace", "old-1=b"),
    ],
)
def test_wrong_usage(world: World, words: tuple[str, ...]) -> None:
    """Refused before anything is read or asked."""
    world.write({ALL: SPEC})
    assert "Wrong usage" in refused(world, "models", *words).err
    assert world.calls == []


def test_the_edit_for_a_pull_request(world: World) -> None:
    """Who changes to what, and the diff folded."""
    world.write({ALL: WRITTEN, PROVISIONER: SETTINGS})
    words = ("-e", "local", "--replace", "old-1=new-2", "--format", "markdown", "--write")
    text = world.ok("models", *words).out
    assert text.startswith("**Replaced: the model of 4 resources in 2 files.**\n")
    assert "- `assistant.alias` `old-1` → `new-2`\n" in text
    assert "In other environments as well: far: assistant.alias" in text
    assert "+  model: &cheap new-2" in text


def checked(world: World, contains: str, api: str) -> str:
    """Write the specs of an assistant with a check; their text."""
    text = (
        f"assistants:\n  a:\n    model: old-1   # the cheap one\n    api: {api}\n"
        f"    checks: {{c: [{{say: Hello, expect: {{contains: {contains}}}}}]}}\n"
        "  b: {model: old-1}\n"
    )
    world.write({ALL: text})
    return text


@pytest.mark.parametrize("api", ["assistants", "responses"])
def test_old_beside_new(world: World, api: str) -> None:
    """The checks are held with the drafted specs, beside what is applied, before anything is
    written; the service is afterwards what it was before.
    """
    text = checked(world, "hello", api)
    world.apply()
    before = world.listed("/assistants")
    words = ("models", "--replace", "old-1=new-2", "--check")
    path = "/responses" if api == "responses" else "/assistants"
    refusal = {"match": {"method": "POST", "path": f"{path}$"}, "action": {"status": 400}}
    with world.failing(refusal):
        failed = world.ok(*words, "--write", code=1)
    assert "Nothing was written: not every check holds with the new models." in failed.err
    assert (world.root / ALL).read_text() == text

    shown = world.ok(*words)
    assert "ok      assistant.a#c  (planned, ok as applied, the same answer," in shown.out
    assert "To replace: the model of 2 resources" in shown.out
    assert (world.root / ALL).read_text() == text and world.listed("/assistants") == before
    done = world.ok(*words, "--write", "--json").json
    (one,) = done["checks"]["checks"]
    assert (one["outcome"], one["applied"]["outcome"]) == ("passed", "passed")
    assert done["written"] and "model: new-2   # the" in (world.root / ALL).read_text()
    assert world.listed("/assistants") == before


def test_a_new_model_that_fails_its_checks(world: World) -> None:
    """Nothing is written, whatever the old one does; where nothing has checks, that is said."""
    text = checked(world, "goodbye", "responses")
    words = ("models", "--replace", "old-1=new-2", "--check", "--write", "--format", "markdown")
    failed = world.ok(*words, code=1)
    assert "| `assistant.a#c` |  | FAILED |" in failed.out and "`--write` writes it" in failed.out
    assert "Nothing was written" in failed.err and (world.root / ALL).read_text() == text
    world.write({ALL: SPEC})
    done = world.ok(*words)
    assert "No checks: nothing that would have another model has any." in done.err
    assert "Checks" not in done.out and "Planned checks" not in done.out
    assert (world.root / ALL).read_text() == SPEC.replace("old-1", "new-2")


def test_what_is_written_is_what_was_checked(world: World) -> None:
    """An edit that somebody makes while checks are held stays, and nothing else is written."""
    checked(world, "hello", "responses")
    mine = "assistants: {}\n"

    def save(method: str, path: str) -> None:
        if path == "/responses":
            world.write({ALL: mine})

    with world.behind(Meanwhile(before=save)):
        result = world.ok("models", "--replace", "old-1=new-2", "--check", "--write", code=1)
    assert "File changed meanwhile" in result.err and "nothing was written" in result.err
    assert (world.root / ALL).read_text() == mine
