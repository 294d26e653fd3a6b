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
    Source,
)
from provisioner.planfile.reading import read_plan
from provisioner.planfile.writing import digest
from provisioner.schemas import plan_schema
from tests.support.plans import (
    HANDBOOK,
    SUPPORT,
    document,
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
    gap=True,
    defaults={"name": "support"},
    restores=3,
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
        if not field.compare:  # nothing is decided by it, so the document does without
            continue
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        assert getattr(example, field.name) != default, field.name


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
        defaults={},
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
        (
            resealed(json.loads(plan_json(whole_plan()).replace('"assistants"', '"none"'))),
            "Not a plan",
        ),
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
