from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from provisioner import schemas
from provisioner.lock import lockfile
from provisioner.model import (
    Action,
    Address,
    Block,
    Change,
    Drifted,
    FieldChange,
    Locked,
    LockState,
    Plan,
    Position,
    Problem,
    Profile,
    Remnant,
    Service,
)
from provisioner.workspace.config import WorkspaceFile
from tests.support.plans import plan_json

ROOT = Path(__file__).parents[2]
MODEL = {"model": "gpt-4o"}


def complaints(schema: dict[str, Any], document: Any) -> list[str]:
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(document)
    ]


def test_the_schemas_in_the_repository_are_current() -> None:
    """`make generate` was run after the last change of a kind."""
    assert schemas.check(ROOT / "schemas") == []


def test_writing_and_checking(tmp_path: Path) -> None:
    """What was written is current; what is missing or altered is named."""
    assert schemas.check(tmp_path / "new") == list(schemas.FILES)
    assert [path.name for path in schemas.write(tmp_path / "new")] == list(schemas.FILES)
    assert schemas.check(tmp_path / "new") == []
    (tmp_path / "new" / "lock.schema.json").write_text("{}")
    assert schemas.check(tmp_path / "new") == ["lock.schema.json"]


@pytest.mark.parametrize("name", schemas.FILES)
def test_every_schema_is_one(name: str) -> None:
    """Draft 2020-12, with nothing that points nowhere."""
    schema = schemas.FILES[name]()
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    for definition in schema.get("$defs", {}):
        assert f'"#/$defs/{definition}"' in text, f"{definition} is used nowhere"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.yaml")), ids=lambda path: path.name)
def test_the_examples_fit(path: Path) -> None:
    """The specs of the repository are what the editor would accept."""
    assert complaints(schemas.spec_schema(), yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"x-anchors": {"a": 1}, "assistants": None},
        {"assistants": {"a-b_9": MODEL}},
        {
            "assistants": {"a": {"id": "asst_1"}},
            "vector_stores": {"kb": {"id": "${var.kb}", "only": ["prod"]}},
        },
        {
            "assistants": {
                "a": {
                    **MODEL,
                    "temperature": "${var.t}",
                    "top_p": "${ var.p }",
                    "api": "${var.api}",
                }
            }
        },
        {
            "assistants": {
                "a": {
                    **MODEL,
                    "tools": [
                        {"type": "function", "name": "${environment}_f", "strict": "${var.s}"}
                    ],
                }
            }
        },
        {"assistants": {"a": {**MODEL, "lifecycle": {"protect": "${var.protect}"}}}},
        {
            "vector_stores": {
                "kb": {"expires_after": {"anchor": "last_active_at", "days": "${var.days}"}}
            }
        },
        {"imports": [{"to": "assistant.a", "id": "asst_1", "environment": "prod"}]},
        {
            "moved": [{"from": "assistant.a", "to": "assistant.b"}],
            "removed": [{"from": "vector_store.kb", "destroy": False}],
        },
    ],
    ids=json.dumps,
)
def test_specs_that_the_editor_accepts(spec: dict[str, Any]) -> None:
    """Anchors, names, objects that are not managed here, and variables wherever a typed value may
    stand.
    """
    assert complaints(schemas.spec_schema(), spec) == []


@pytest.mark.parametrize(
    "spec",
    [
        [],
        {"assistant": {}},
        {"assistants": []},
        {"assistants": {"A": MODEL}},
        {"assistants": {"a" * 65: MODEL}},
        {"assistants": {"a": {**MODEL, "temperature": "warm"}}},
        {"assistants": {"a": {**MODEL, "temperature": "about ${var.t}"}}},
        {"assistants": {"a": {**MODEL, "api": "respones"}}},
        {"assistants": {"a": {"id": "asst_1", "name": "x"}}},
        {"tools": {"t": {"id": "asst_1"}}},
        {"imports": [{"to": "support", "id": "asst_1"}]},
        {"moved": [{"from": "assistant.a"}]},
        {"removed": [{"from": "assistant.a", "destroy": "no"}]},
    ],
    ids=json.dumps,
)
def test_specs_that_the_editor_refuses(spec: Any) -> None:
    """Misspelt sections and names, and values that no variable explains."""
    assert complaints(schemas.spec_schema(), spec) != []


PROD = {"service": "openai"}
WAIVER = {"policy": "models", "address": "assistant.a", "reason": "later", "expires": "2027-01-31"}
WORKSPACES_GOOD: list[dict[str, Any]] = [
    {},
    {"workspace": "acme", "default_environment": "prod", "environments": {"prod": PROD}},
    {"variables": {"a": "x", "b": 1, "c": 1.5, "d": True, "e": None}},
    {
        "environments": {
            "prod": {
                **PROD,
                "api": "responses",
                "api_key": {"env": "KEY"},
                "organization": "org-1",
                "openai_project": "proj_1",
                "lock": "locks/p.json",
                "variables": {"a": "b"},
                "accept_loss": ["temperature"],
                "keep_versions": 1,
                "on_drift": "fail",
            }
        }
    },
    {"environments": {"prod": {**PROD, "lock": {"git": {"branch": "locks", "path": "p.json"}}}}},
    {"environments": {"gateway": {"service": "https://gateway.example/v1"}}},
    {
        "policies": {
            "models": {"allow": ["gpt-5*"], "action": "warn"},
            "model_shutdown": {"action": "ignore"},
            "waivers": [WAIVER],
        }
    },
    {
        "environments": {
            "prod": {**PROD, "policies": {"model_shutdown": {"warn_days": 90}, "waivers": [WAIVER]}}
        }
    },
]
WORKSPACES_BAD: list[Any] = [
    [],
    {"workspace": "a/b"},
    {"workspace": 3},
    {"workspaces": "a"},
    {"variables": {"a": []}},
    {"variables": {"a b": "x"}},
    {"environments": {"prod": {}}},
    {"environments": {"prod": {"service": "ftp://x"}}},
    {"environments": {"prod": {**PROD, "api_key": "sk-1"}}},
    {"environments": {"prod": {**PROD, "keep_versions": 0}}},
    {"environments": {"prod": {**PROD, "on_drift": "ignore"}}},
    {"environments": {"prod": {**PROD, "lock": {"git": {"branch": "locks"}}}}},
    {"environments": {"a/b": PROD}},
    {"environments": {"prod": {**PROD, "project": "proj_1"}}},
    {"policies": {"models": {"allow": []}}},
    {"policies": {"model_shutdown": {"action": "off"}}},
    {"policies": {"waivers": [{**WAIVER, "address": "support"}]}},
    {"policies": {"waivers": [{key: value for key, value in WAIVER.items() if key != "reason"}]}},
]


@pytest.mark.parametrize("document", WORKSPACES_GOOD, ids=json.dumps)
def test_good_workspaces(document: Any) -> None:
    """`provisioner.yaml` that the model takes, the schema takes."""
    WorkspaceFile.model_validate(document)
    assert complaints(schemas.workspace_schema(), document) == []


@pytest.mark.parametrize("document", WORKSPACES_BAD, ids=json.dumps)
def test_bad_workspaces(document: Any) -> None:
    """`provisioner.yaml` that the model refuses, the schema refuses."""
    with pytest.raises(ValidationError):
        WorkspaceFile.model_validate(document)
    assert complaints(schemas.workspace_schema(), document) != []


def state() -> LockState:
    support, kb, file = (
        Address.parse(text) for text in ("assistant.support", "vector_store.kb", "file.docs/a.md")
    )
    profile = Profile(
        2, "sha256:1", {"model": "m"}, ({"version": 1, "digest": "sha256:0", "ids": ["vs_0"]},)
    )
    entries = [
        Locked(support, None, {"model": "m"}, (kb,), "responses", True, profile=profile),
        Locked(
            kb,
            "vs_1",
            {"files": {}},
            (file,),
            unkept={"name": {"sent": "a", "got": None}},
            resetting=("description",),
            deposed=("vs_0",),
        ),
        Locked(file, "file-1", {"sha256": "0", "bytes": 1, "purpose": "assistants"}),
    ]
    origin = {"base_url": "https://api.openai.com/v1", "organization": None, "project": "proj_1"}
    return LockState(
        "acme",
        "prod",
        "0" * 36,
        3,
        origin,
        {entry.address: entry for entry in entries},
        deleted=("asst_0",),
    )


def test_a_lockfile_fits() -> None:
    """What the lock writes, with everything that an entry can hold."""
    document = json.loads(lockfile.dump(state()))
    assert complaints(schemas.lock_schema(), document) == []
    for broken in (
        {"version": 3},
        {"serial": -1},
        {"serial": "3"},
        {"origin": {}},
        {"deleted": [1]},
        {"resources": {"support": {}}},
    ):
        assert complaints(schemas.lock_schema(), {**document, **broken}) != []


def plan(**fields: Any) -> Plan:
    support = Address.parse("assistant.support")
    field = FieldChange("temperature", 1, 2, 1, "remote")
    change = Change(
        support,
        Action.UPDATE,
        "spec_changed",
        "asst_1",
        "assistants",
        {"temperature": 1},
        {"temperature": 2},
        (field,),
        position=Position("specs/a.yaml", 3, 5),
    )
    return Plan(
        "acme",
        "local",
        Service("http://localhost/v1", "assistants"),
        "0" * 36,
        3,
        (change,),
        drift=(Drifted(support, "remote", (field,)),),
        orphans=(Remnant(Address.parse("assistant.old"), "asst_0", "keep", "why"),),
        deposed=(Remnant(Address.parse("vector_store.kb"), "vs_0", "delete"),),
        notes=("a note",),
        unchanged=5,
        blocked=(Block("too_many_deletes", "Everything goes."),),
        problems=(Problem("Odd thing", "It is odd."),),
        **fields,
    )


def test_a_plan_fits() -> None:
    """What `plan --json` prints, with everything that a plan can hold."""
    document = json.loads(plan_json(plan()))
    assert complaints(schemas.plan_schema(), document) == []
    for broken in (
        {"format_version": "2.0"},
        {"checksum": "abc"},
        {"summary": {}},
        {"resource_changes": [{}]},
    ):
        assert complaints(schemas.plan_schema(), {**document, **broken}) != []


@pytest.mark.parametrize("action", list(Action))
def test_every_action_fits(action: Action) -> None:
    """Each action has its word in Terraform's list."""
    change = Change(
        Address.parse("file.docs/a.md"),
        action,
        "why",
        importing="file-1",
        previous=Address.parse("file.b.md"),
    )
    document = json.loads(
        plan_json(Plan("a", "b", Service("http://x", "responses"), "0" * 36, 0, (change,)))
    )
    assert complaints(schemas.plan_schema(), document) == []
