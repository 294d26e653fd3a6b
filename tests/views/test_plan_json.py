"""The plan document: nothing is lost on the way to a file and back, and nothing foreign is read."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace
from typing import Any

import jsonschema
import pytest

from provisioner.errors import PlanError
from provisioner.model import (
    Action,
    Address,
    Approved,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Position,
    Remnant,
    Row,
    Service,
    Source,
)
from provisioner.planfile.checksum import checksum, is_covered, unfinished
from provisioner.planfile.reading import read_plan
from provisioner.planfile.writing import digest
from provisioner.schemas import plan_schema
from tests.support.turned import turned

from .plans import (
    HANDBOOK,
    SUPPORT,
    attach,
    document,
    file_change,
    make_plan,
    plan_json,
    whole_plan,
)

FULL = Change(
    SUPPORT,
    Action.REPLACE,
    "fixed_field",
    id="asst_1",
    api="assistants",
    before={"a": 1},
    after={"a": None, "b": [1.5, {"c": "ü"}]},
    fields=(FieldChange("a", 1, None, 0, "both", unknown=True),),
    depends_on=(HANDBOOK,),
    protect=True,
    importing="asst_2",
    previous=Address("assistant", "old"),
    source=Source("specs/a.yaml", ("assistants", "support", 3)),
    position=Position("specs/a.yaml", 4, 5),
    lost=("temperature",),
    previous_api="responses",
    kept_for=("`assistant.support@1`",),
    replace_paths=("a",),
    made=False,
    verified=False,
    stays_with=HANDBOOK,
    documents=41,
    foreign_documents=1,
    old_digest="sha256:1",
)
LEFT = Remnant(
    Address("file", "docs/a.md"),
    "file-1",
    "forget",
    "stays with `vector_store.handbook`",
    "assistants",
    HANDBOOK,
    "x",
)
APPROVED = Approved("c" * 40, "sha256:12", ("1", "2"))


def resealed(found: dict[str, Any]) -> str:
    """A changed document under a digest that fits it."""
    found["digest"] = digest(found)
    return json.dumps(found)


def test_round_trip() -> None:
    """A saved plan is read back as it was made, and writes the same bytes again."""
    changes, deposed = (*whole_plan().changes, FULL), (*whole_plan().deposed, LEFT)
    drift = (
        *whole_plan().drift,
        Drifted(SUPPORT, "both", (FieldChange("name", "B", None, "A", "both"),), "not_in_specs"),
    )
    plan = replace(
        whole_plan(),
        changes=changes,
        drift=drift,
        deposed=deposed,
        keep_versions=7,
        refreshed=False,
        approved=APPROVED,
    )

    assert plan == read_plan(plan_json(plan))
    assert plan_json(plan) == plan_json(read_plan(plan_json(plan)))


@pytest.mark.parametrize(
    "noun, example",
    [
        (Change, FULL),
        (Remnant, LEFT),
        (Plan, replace(whole_plan(), keep_versions=7, refreshed=False, approved=APPROVED)),
    ],
)
def test_the_round_trip_covers_every_field(noun: Any, example: Any) -> None:
    """A field that is added to a noun has to be in the examples above, or it could be lost in
    silence.
    """
    for field in fields(noun):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        assert getattr(example, field.name) != default, field.name


def test_an_old_object_that_is_let_go_of_is_approved_as_well() -> None:
    """The checksum tells it from one that is deleted, and from one that stays."""
    plans = [
        make_plan(deposed=(replace(LEFT, action=action),))
        for action in ("keep", "delete", "forget")
    ]
    assert len({checksum(plan) for plan in plans}) == 3


def test_the_document_fits_its_schema() -> None:
    """What we write is what `schemas/plan.schema.json` says."""
    jsonschema.validate(document(whole_plan()), plan_schema())
    jsonschema.validate(document(make_plan(changes=(FULL,), deposed=(LEFT,))), plan_schema())
    jsonschema.validate(document(make_plan()), plan_schema())


def test_terraforms_names() -> None:
    """Policies written for Terraform's plans find what they look for."""
    rows = {row["address"]: row for row in document(whole_plan())["resource_changes"]}

    assert rows["assistant.support"]["change"]["actions"] == ["update"]
    assert rows["vector_store.fixed"]["change"]["actions"] == ["create", "delete"]
    assert rows["vector_store.fixed"]["change"]["replace_paths"] == ["description"]
    assert rows["vector_store.taken"]["change"]["importing"] == {"id": "vs_7"}
    assert rows["file.docs/to.md"]["change"]["actions"] == ["no-op"]
    assert rows["file.docs/to.md"]["previous_address"] == "file.docs/from.md"
    assert rows["assistant.weather"]["change"]["after_unknown"] == {"tools": True}
    assert None is rows["assistant.weather"]["change"]["before"]
    assert tuple(rows["assistant.support"][key] for key in ("file", "line", "column")) == (
        "specs/support.yaml",
        20,
        3,
    )


def test_the_summary_counts() -> None:
    """Imports and moves that also update count in both; leftovers that are deleted count as
    destroyed.
    """
    assert document(whole_plan())["summary"] == {
        "import": 1,
        "add": 4,
        "change": 3,
        "replace": 2,
        "move": 1,
        "destroy": 3,
        "forget": 1,
        "unchanged": 5,
    }


def test_unremarkable_resources_are_no_rows() -> None:
    """What is kept is counted and not listed."""
    assert (
        document(make_plan(changes=(Change(SUPPORT, Action.KEEP, "in_sync"),)))["resource_changes"]
        == []
    )


def test_secrets_stay_out() -> None:
    """A sensitive value is in no part of the document; its place is marked."""
    change = replace(
        FULL,
        before={"auth": {"token": "hunter1", "url": "u"}},
        after={"auth": {"token": "hunter2", "url": "u"}},
        fields=(FieldChange("auth.token", "hunter1", "hunter2", "hunter0", sensitive=True),),
    )

    found = document(make_plan(changes=(change,)))

    assert "hunter" not in json.dumps(found)
    assert found["resource_changes"][0]["change"]["after"] == {
        "auth": {"token": "(sensitive)", "url": "u"}
    }
    assert found["resource_changes"][0]["change"]["after_sensitive"] == {"auth.token": True}


@pytest.mark.parametrize(
    "text, summary",
    [
        ("", "Not a plan"),
        ("specs: {}", "Not a plan"),
        ("[1]", "Not a plan"),
        ("{}", "Not a plan"),
        ('{"format_version": "x"}', "Not a plan"),
        ('{"format_version": "2.0"}', "Plan too new"),
        ('{"format_version": "1.0", "digest": "sha256:0"}', "Plan file altered"),
        (plan_json(whole_plan()).replace('"after": 0.5', '"after": 2.0'), "Plan file altered"),
        (plan_json(whole_plan())[:-20], "Not a plan"),
        (resealed({**document(whole_plan()), "environment": "staging"}), "Plan file altered"),
        (resealed({"format_version": "1.0"}), "Not a plan"),
        (resealed({**document(whole_plan()), "resource_changes": [{}]}), "Not a plan"),
        (b"\xff\xfe\x00", "Not a plan"),
    ],
)
def test_what_is_refused(text: str | bytes, summary: str) -> None:
    """Anything that is not exactly what was saved is one clear problem."""
    with pytest.raises(PlanError) as refused:
        read_plan(text, "prod.plan.json")

    (problem,) = refused.value.problems
    assert summary == problem.summary
    assert "`prod.plan.json`" in problem.detail
    assert problem.hint


def test_a_newer_minor_version_is_read() -> None:
    """Keys that a later release adds do not stop this one."""
    found = document(whole_plan())
    found["format_version"] = "1.9"
    found["more"] = found["attachments"][0]["more"] = found["resource_changes"][0]["more"] = 1

    assert whole_plan() == read_plan(resealed(found))


def test_white_space_is_no_alteration() -> None:
    """A plan file that went through a formatter is still the plan that was reviewed."""
    assert whole_plan() == read_plan(
        json.dumps(json.loads(plan_json(whole_plan())), indent=4, sort_keys=True)
    )


def other_ids(plan: Plan) -> Plan:
    """The same decision on another machine."""
    changes = tuple(
        replace(
            change,
            id=change.id and "other",
            position=None,
            source=None,
            before=turned(change.before),
            after=turned(change.after),
            fields=tuple(
                replace(field, before=turned(field.before), after=turned(field.after))
                for field in reversed(change.fields)
            ),
        )
        for change in reversed(plan.changes)
    )
    store_file_changes = tuple(
        replace(found, old_id=found.old_id and "other", attributes=turned(found.attributes))
        for found in reversed(plan.store_file_changes)
    )
    found = replace(
        plan,
        lineage="other",
        serial=99,
        changes=changes,
        store_file_changes=store_file_changes,
        basis={},
        notes=(),
    )
    return replace(found, deposed=plan.deposed[::-1], orphans=plan.orphans[::-1])


def test_the_checksum_is_the_same_on_two_machines() -> None:
    """Ids, lineage, serial, positions and order do not count."""
    leftovers = (Remnant(HANDBOOK, "vs_0", "delete"), Remnant(SUPPORT, "asst_0", "delete"))
    plan = replace(whole_plan(), deposed=leftovers)
    assert checksum(plan) == checksum(other_ids(plan))


def edited(number: int) -> Change:
    """A change whose old object somebody has edited since."""
    return replace(whole_plan().changes[number], old_digest="sha256:2")


@pytest.mark.parametrize(
    "changed",
    [
        replace(whole_plan(), workspace="other"),
        replace(whole_plan(), environment="other"),
        replace(whole_plan(), service=Service("https://other/v1", "assistants")),
        replace(whole_plan(), changes=whole_plan().changes[1:]),
        replace(whole_plan(), store_file_changes=whole_plan().store_file_changes[1:]),
        replace(whole_plan(), deposed=()),
        replace(
            whole_plan(), changes=(*whole_plan().changes[:2], edited(2), *whole_plan().changes[3:])
        ),
        replace(
            whole_plan(),
            changes=(
                file_change(Action.REPLACE, "docs/a.md", 3100, 3401),
                *whole_plan().changes[1:],
            ),
        ),
    ],
)
def test_the_checksum_sees_what_is_planned(changed: Plan) -> None:
    """Whatever a reviewer would want to see again has another checksum."""
    assert checksum(whole_plan()) != checksum(changed)


def test_a_value_that_looks_like_a_reference() -> None:
    """Only in what a store holds does a path come with an id of ours; metadata and schemas may say
    what they like.
    """
    values = [{"file": "x", "id": "1"}, {"file": "x", "id": "2"}]
    made = [
        Change(SUPPORT, Action.CREATE, "new", after={"metadata": value, "tools": [value]})
        for value in values
    ]
    changed = [
        Change(
            SUPPORT, Action.UPDATE, "", fields=(FieldChange("tools", None, [{"function": value}]),)
        )
        for value in values
    ]
    held = [
        Change(
            HANDBOOK,
            Action.CREATE,
            "new",
            after={"files": {"a.md": {**value, "file": "file.a.md"}}},
        )
        for value in values
    ]

    for plans, same in ((made, False), (changed, False), (held, True)):
        one, other = (checksum(make_plan(changes=(change,))) for change in plans)
        assert (one == other) == same


def test_what_a_failed_apply_leaves_to_do() -> None:
    """A row that was not done is one that the next plan has, too: the same update, the same
    document, and, where a replacement could not delete the old object, its deletion.
    """
    plan = whole_plan()
    row, document_row = Row("change", str(SUPPORT)), Row("file", str(HANDBOOK), "docs/new.md")
    old = Row("old", "vector_store.fixed", "vs_6")
    left = unfinished(plan, {row, document_row, old})
    support = next(change for change in plan.changes if change.address == SUPPORT)
    again = make_plan(
        changes=(
            support,
            Change(
                HANDBOOK,
                Action.UPDATE,
                "files_changed",
                fields=(FieldChange('files["docs/new.md"]', None, {}),),
            ),
        ),
        store_file_changes=(attach("attach", "docs/new.md"),),
        deposed=(Remnant(Address("vector_store", "fixed"), "vs_6", "delete"),),
    )

    assert len(left) == 3 and is_covered(again, left)
    assert not is_covered(plan, left) and not is_covered(again, left[1:])
    edit = replace(support, fields=(replace(support.fields[0], before=0.7), *support.fields[1:]))
    assert not is_covered(replace(again, changes=(edit,)), left)


def test_a_reference_to_an_old_object_of_ours() -> None:
    """Whoever was not repointed before an apply stopped is planned as before: as if it referred to
    the address.
    """
    tools = [{"type": "file_search", "vector_stores": ["vector_store.handbook"]}]
    old = [{"type": "file_search", "vector_stores": [{"id": "vs_0"}]}]
    first = make_plan(
        changes=(Change(SUPPORT, Action.UPDATE, "", fields=(FieldChange("tools", tools, tools),)),)
    )
    deposed = (Remnant(HANDBOOK, "vs_0", "keep"),)
    again = make_plan(
        changes=(Change(SUPPORT, Action.UPDATE, "", fields=(FieldChange("tools", old, tools),)),),
        deposed=deposed,
    )

    assert checksum(first) == checksum(again) != checksum(replace(again, deposed=()))


def test_the_checksum_knows_no_secret() -> None:
    """A secret counts as changed, whatever it is: the checksum gives nothing away about it."""
    plans = [
        make_plan(
            changes=(
                Change(
                    SUPPORT, Action.UPDATE, "", fields=(FieldChange("t", "x", new, sensitive=True),)
                ),
            )
        )
        for new in ("a", "b")
    ]

    assert checksum(plans[0]) == checksum(plans[1])
