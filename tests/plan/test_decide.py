"""What a change says of itself; which one it is, the tables of `test_planning` and `test_fields`
say.
"""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import Action, Address, Problem, Source
from provisioner.plan import make_plan
from tests.plan.spelling import planned, situation, store_file, stray

BOT, KB = "assistant.bot", "vector_store.kb"
ADDRESS = Address.parse(BOT)
LONE: dict[str, Any] = {
    KB: None,
    "file.a.md": None,
    "file.b.md": None,
}  # only the assistant is left
NONE: dict[str, Any] = {**LONE, BOT: None}
PLAIN = {BOT: {"tools": ...}, **LONE}  # and it uses nothing


def bot(**fields: Any) -> dict[str, Any]:
    """The assistant with fields and attributes of its side."""
    return {BOT: fields}


LINES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one edit of each": (
        {"specs": bot(temperature=0.1), "live": bot(model="gpt-5")},
        [
            f"~ {BOT} (spec_changed), model gpt-5 → gpt-4o (remote, was gpt-4o), temperature 0.2"
            " → 0.1"
        ],
    ),
    "metadata are compared key by key, and those of others are left alone": (
        {
            "specs": bot(metadata={"team": "hr", "cost": "1"}),
            "lock": bot(metadata={"team": "hr", "old": "x"}),
            "live": bot(metadata={"team": "it", "old": "x", "theirs": "y"}),
        },
        [
            f"~ {BOT} (spec_changed), metadata.team it → hr (remote, was hr), metadata.cost null →"
            " 1, metadata.old x → null"
        ],
    ),
    "what the service did not keep is no edit, and no change": (
        {
            "lock": bot(unkept={"temperature": {"sent": 0.2, "got": 0.7}}),
            "live": bot(temperature=0.7),
        },
        [
            f"note: The service does not keep `{BOT}#temperature` as it was sent. What it has"
            " instead stays until the specs say something else; see `unkept` in the lock."
        ],
    ),
    "protection is put on": (
        {"specs": bot(protect=True)},
        [f"~ {BOT} (spec_changed), lifecycle.protect false → true"],
    ),
    "protection is lifted": (
        {"lock": bot(protected=True)},
        [f"~ {BOT} (spec_changed), lifecycle.protect true → false"],
    ),
    "only its old object is left": (
        {"lock": bot(id=None, deposed=("asst_old",))},
        [f"+ {BOT} (new)", f"deposed {BOT} asst_old: delete, no longer used by anything"],
    ),
    "another value of a fixed field": (
        {
            "specs": {KB: {"description": "Rules"}, BOT: {"tools": ...}},
            "lock": {BOT: {"tools": ...}},
        },
        [
            f"-/+ {KB} (fixed_field), description null → Rules",
            f"{KB}: attach a.md",
            f"{KB}: attach b.md",
        ],
    ),
    "another API": (
        {"specs": bot(api="responses")},
        [f"-/+ {BOT} (api_changed), through assistants before, api assistants → responses"],
    ),
}


@pytest.mark.parametrize("row", LINES)
def test_one_resource(row: str) -> None:
    """Every field that differs is named, and what follows from it for others."""
    sides, lines = LINES[row]
    assert planned(**sides) == lines


COPY = "a copy of `asst_9`, or left over: delete it by hand, or take the key `provisioner` off it"

# Objects that the lock does not know, for an assistant that the specs want.
FOUND: dict[str, tuple[dict[str, Any], list[str]]] = {
    "stamped by us, and different": (
        {"strays": (stray(BOT, "asst_1", model="gpt-4o", temperature=0.5),)},
        [f"~ {BOT} (adopted), imports asst_1, temperature 0.5 → 0.2"],
    ),
    "named by `imports`, and there is one of ours": (
        {
            "imports": {ADDRESS: "asst_9"},
            "live": {BOT: {"id": "asst_9", "model": "gpt-4o", "temperature": 0.2}},
            "strays": (stray(BOT, "asst_1", model="gpt-4o", temperature=0.2),),
        },
        [f"  {BOT} (imported), imports asst_9", f"orphan {BOT} asst_1: keep, {COPY}"],
    ),
    "of another address": (
        {"strays": (stray("assistant.other", "asst_1", model="gpt-4o", temperature=0.2),)},
        [f"+ {BOT} (new)", "orphan assistant.other asst_1: keep"],
    ),
}


@pytest.mark.parametrize("row", FOUND)
def test_what_is_found(row: str) -> None:
    """What carries our stamp, or is imported, is taken over; what the service has is not made a
    second time.
    """
    sides, lines = FOUND[row]
    assert planned(specs=PLAIN, lock=NONE, **sides) == lines


BOX, SECRET = "environment_template.box", '{"env": "BOX_TOKEN"}'


@pytest.mark.parametrize(
    ("now", "lines"),
    [
        ("hmac-sha256:key:1", []),
        ("hmac-sha256:other:2", []),
        ("hmac-sha256:key:2", [f"~ {BOX} (spec_changed), env.TOKEN {SECRET} → {SECRET}"]),
    ],
)
def test_a_secret_alone_has_changed(now: str, lines: list[str]) -> None:
    """Where every field is the same, also what the service never shows, another value in the same
    place is a change all the same.
    """
    env = {"env": {"TOKEN": {"env": "BOX_TOKEN"}}}
    lock = {BOX: {**env, "fingerprints": {"env.TOKEN": "hmac-sha256:key:1"}}}
    assert planned(specs={BOX: {**env, "fingerprints": {"env.TOKEN": now}}}, lock=lock) == lines


def test_what_an_import_was_before() -> None:
    """An import shows what the object was before, which is what the plan compared."""
    live = {BOT: {"id": "asst_9", "model": "gpt-5", "temperature": 0.2}}
    case = situation(specs=PLAIN, lock=NONE, live=live, imports={ADDRESS: "asst_9"})
    (change,) = make_plan(case).changes
    assert change.before == {"model": "gpt-5", "temperature": 0.2}
    assert change.id == change.importing == "asst_9"


def test_an_import_that_differs_in_a_fixed_field_is_replaced() -> None:
    """What cannot be changed in place is made anew; the plan names the fields that force it."""
    specs = {**NONE, KB: {"files": ..., "description": "Rules"}}
    live = {KB: {"id": "vs_9", "name": "Handbook", "description": "Old"}}
    case = situation(specs=specs, lock=NONE, live=live, imports={Address.parse(KB): "vs_9"})
    (change,) = make_plan(case).changes
    assert (change.action, change.replace_paths, change.id) == (
        Action.REPLACE,
        ("description",),
        "vs_9",
    )


def test_a_change_has_all_that_an_apply_needs() -> None:
    """Everything is in the plan, so that nothing has to be decided later."""
    specs = bot(temperature=0.1, protect=True, lost=("top_p",))
    case = situation(specs=specs, moves={ADDRESS: Address.parse("assistant.old")})
    (change,) = (one for one in make_plan(case).changes if one.address == ADDRESS)
    assert change.id == "asst_bot"
    assert change.api == "assistants"
    assert change.depends_on == (Address.parse(KB),)
    assert change.before and change.before["temperature"] == 0.2
    assert change.after and change.after["temperature"] == 0.1
    assert change.protect
    assert change.lost == ("top_p",)
    assert change.previous == Address.parse("assistant.old")


def test_what_goes_says_what_it_was() -> None:
    """A deletion names its object, its API, its fields, what it used, and that it is protected."""
    case = situation(specs={BOT: None}, lock=bot(protected=True))
    (change,) = (one for one in make_plan(case).changes if one.address == ADDRESS)
    assert (change.action, change.id, change.api) == (Action.DELETE, "asst_bot", "assistants")
    assert change.before == case.lock.resources[ADDRESS].fields
    assert change.depends_on == (Address.parse(KB),)
    assert change.protect


@pytest.mark.parametrize(
    ("sides", "action", "drifted"),
    [
        ({"specs": {BOT: {"tools": ...}, KB: None}}, Action.DELETE, ["name", "file-y"]),
        ({"replaces": {Address.parse(KB)}}, Action.REPLACE, ["name", "file-y"]),
        (
            {
                "specs": {BOT: {"tools": ...}, KB: None},
                "forgets": {Address.parse(KB): Source("")},
            },
            Action.FORGET,
            ["name"],
        ),
        ({}, Action.UPDATE, ["name"]),
    ],
    ids=["deleted", "replaced", "let go", "kept"],
)
def test_a_store_that_goes_says_what_is_in_it(
    sides: dict[str, Any], action: Action, drifted: list[str]
) -> None:
    """Whoever put it there, and what somebody else did to it; what stays where it is loses
    nothing.
    """
    held = {"name": "Edited", "store_files": {"file-y": store_file("file-y")}}
    plan = make_plan(situation(live={KB: held}, **sides))
    (change,) = (one for one in plan.changes if one.address == Address.parse(KB))
    assert change.action is action
    goes = action is not Action.UPDATE
    assert (change.documents, change.foreign_documents) == ((3, 1) if goes else (0, 0))
    fields = [field.path for one in plan.drift for field in one.fields]
    assert [name for name in ("name", "file-y") if any(name in path for path in fields)] == drifted


def test_what_vanished_says_what_it_was() -> None:
    """An object that is gone is made anew, beside what it was when it was last applied."""
    case = situation(live={BOT: None})
    (change,) = (one for one in make_plan(case).changes if one.address == ADDRESS)
    assert (change.action, change.reason, change.id) == (Action.CREATE, "gone", None)
    assert change.before == case.lock.resources[ADDRESS].fields


def test_our_own_replacement_is_no_hand_edit() -> None:
    """An object that still names one that we have replaced is behind, and nobody has edited it."""
    tools = [{"type": "file_search", "vector_stores": [{"id": "vs_old"}]}]
    case = {"lock": {KB: {"deposed": ("vs_old",)}}, "live": bot(tools=tools)}
    line, _ = planned(**case)
    assert line.startswith(f"~ {BOT} (spec_changed), tools ") and "remote" not in line


def test_destroy_deletes_all_that_is_locked_and_nothing_else() -> None:
    """What is locked goes, users first; what is only declared is not made."""
    specs = {"assistant.new": {"model": "gpt-4o"}}
    assert planned(specs=specs, destroy=True) == [
        f"- {BOT} (destroy)",
        f"- {KB} (destroy)",
        "- file.b.md (destroy)",
        "- file.a.md (destroy)",
    ]


def test_a_plan_says_for_what_it_is() -> None:
    """Workspace, environment, service, lock, and whatever was found wrong or odd on the way."""
    problem = Problem("Odd", "It is odd.")
    case = situation(notes=("A note.",), keep_versions=7)
    plan = make_plan(case, [problem])
    assert (plan.workspace, plan.environment, plan.service) == ("acme", "prod", case.service)
    assert (plan.lineage, plan.serial) == (case.lock.lineage, case.lock.serial)
    assert (plan.problems, plan.notes, plan.keep_versions, plan.refreshed) == (
        (problem,),
        ("A note.",),
        7,
        True,
    )
    assert (plan.unchanged, plan.empty) == (4, True)
    assert not make_plan(situation(refresh=False)).refreshed
    assert make_plan(situation(specs=bot(temperature=1))).unchanged == 3
