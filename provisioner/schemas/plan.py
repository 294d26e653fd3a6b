"""The schema of the plan document; field names are Terraform's where Terraform has the thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.schemas.shape import described, document

ACTIONS = (["no-op"], ["create"], ["update"], ["create", "delete"], ["delete"], ["forget"])
DRIFT = ("remote", "both", "missing")
_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_NATURAL = {"type": ["integer", "null"], "minimum": 1}
_DIGESTS = {"type": "array", "items": _TEXT}
_SHA = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def _listed(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def plan_schema() -> dict[str, Any]:
    """The whole decision. Keys beside these are ours or a later release's, and allowed
    everywhere.
    """
    top = {
        "format_version": described(
            {"type": "string", "pattern": "^1\\.\\d+$"}, "Version of this format", ["1.0"]
        ),
        "provisioner_version": described(_TEXT, "The release that wrote it"),
        "workspace": described(_TEXT, "Name of the workspace", ["acme-support"]),
        "environment": described(_TEXT, "Name of the environment", ["prod"]),
        "service": described(_service(), "The service that is planned for"),
        "lock": described(_lock(), "The lock that was planned against"),
        "checksum": described(_SHA, "Of what is planned: the same on two machines"),
        "rows": described(
            _DIGESTS, "A digest of each thing that is planned, all of which the checksum covers"
        ),
        "digest": described(_SHA, "Of the whole document but this key"),
        "resource_changes": described(_listed("ResourceChange"), "Every planned change"),
        "resource_drift": described(_listed("ResourceDrift"), "What somebody else changed"),
        "orphans": described(_listed("Remnant"), "Objects with our stamp that nothing declares"),
        "deposed": described(_listed("Remnant"), "Older objects that still exist"),
        "notes": described({"type": "array", "items": _TEXT}, "What is worth knowing"),
        "summary": described(_summary(), "How many resources are changed, and how"),
        "review": described(
            {"type": "array", "items": _remark()},
            "What a reviewer has to know, the dangerous first",
        ),
        "blocked": described(_listed("Block"), "Rules that stop the plan from being applied"),
        "problems": described(_listed("Problem"), "Problems that were found"),
    }
    return {
        **document(
            "plan.schema.json", "Plan", "What an apply would do: `plan --json`, `plan --out`"
        ),
        **_object(top),
        "$defs": _definitions(),
    }


def _lock() -> dict[str, Any]:
    applied = _object({"commit": _TEXT, "checksum": _TEXT, "left": _DIGESTS})
    applied = described(
        {"anyOf": [applied, {"type": "null"}]},
        "Which approval was used last, and what it has left to do",
    )
    return _object({"lineage": _TEXT, "serial": _COUNT, "applied": applied}, ["lineage", "serial"])


def _service() -> dict[str, Any]:
    api = described({"enum": ["assistants", "responses", "agents"]}, "The API by default")
    return _object(
        {"base_url": _TEXT, "api": api, "organization": _MAYBE_TEXT, "project": _MAYBE_TEXT},
    )


def _summary() -> dict[str, Any]:
    words = ("import", "add", "change", "replace", "move", "destroy", "forget", "unchanged")
    return _object(dict.fromkeys(words, _COUNT))


def _remark() -> dict[str, Any]:
    groups = ["deletes", "widens", "prompt", "model", "tools", "knowledge", "settings"]
    return _object(
        {
            "section": described({"enum": groups}, "The group that it belongs to"),
            "address": described(
                _TEXT, "The resource; empty where it is about several", ["assistant.support"]
            ),
            "text": described(_TEXT, "What is said of it", ["instructions +12 −3 lines"]),
        }
    )


def _definitions() -> dict[str, Any]:
    return {
        "ResourceChange": _resource_change(),
        "Change": _change(),
        "ChangedField": _changed_field(),
        "ResourceDrift": resource_drift(DRIFT),
        "Remnant": _object(
            {
                "address": described(_TEXT, "Address in its stamp, or of the resource that it was"),
                "id": described(_TEXT, "Its id"),
                "action": described({"enum": ["keep", "delete", "forget"]}, "What is done with it"),
                "detail": described(_TEXT, "Why"),
                "api": described(
                    _MAYBE_TEXT, "Orphans that are assistants: the API through which it exists"
                ),
                "old_digest": described(
                    _MAYBE_TEXT, "Orphans: of the object as it is at the service"
                ),
            },
            ["address", "id"],
        ),
        "Block": _object(
            {
                "rule": described(_TEXT, "The rule", ["too_many_deletes"]),
                "detail": described(_TEXT, "What it found"),
                "forced": described({"type": "boolean"}, "Whether `--force` overrides it"),
            },
            ["rule", "detail"],
        ),
        "Problem": problem(),
    }


def _resource_change() -> dict[str, Any]:
    properties = {
        "address": described(_TEXT, "What the resource is called", ["assistant.support"]),
        "type": described(_TEXT, "Its kind", ["assistant"]),
        "name": described(_TEXT, "Its name", ["support"]),
        "previous_address": described(_MAYBE_TEXT, "Its address before a move"),
        "file": described(_MAYBE_TEXT, "The spec that declares it", ["specs/support.yaml"]),
        "line": described(_NATURAL, "The line in it"),
        "column": described(_NATURAL, "The column in it"),
        "change": described({"$ref": "#/$defs/Change"}, "What happens to it, in Terraform's shape"),
        "changed_fields": described(_listed("ChangedField"), "The fields that differ"),
        "action_reason": described(_MAYBE_TEXT, "Why", ["spec_changed"]),
        "depends_on": described({"type": "array", "items": _TEXT}, "Addresses that it refers to"),
        "old_digest": described(_MAYBE_TEXT, "Of the object that goes, as it is at the service"),
    }
    return _object(properties, [name for name in properties if name != "old_digest"])


def _change() -> dict[str, Any]:
    fields = {"type": ["object", "null"]}
    marks = {"anyOf": [{"type": "object"}, {"type": "boolean"}]}
    importing = {"anyOf": [_object({"id": _TEXT}), {"type": "null"}]}
    properties = {
        "actions": described({"enum": [list(actions) for actions in ACTIONS]}, "What is done"),
        "before": described(fields, "The declared fields as they are"),
        "after": described(fields, "The declared fields as they will be"),
        "after_unknown": described(
            marks, "Fields that hold an id which is known only after the apply"
        ),
        "before_sensitive": described(marks, "Fields whose value is hidden"),
        "after_sensitive": described(marks, "Fields whose value is hidden"),
        "replace_paths": described({"type": "array"}, "Fixed fields that force a replacement"),
        "importing": described(importing, "The object that is taken over"),
    }
    return _object(properties)


def _changed_field() -> dict[str, Any]:
    properties = {
        "path": described(_TEXT, "The field", ["metadata.team"]),
        "before": described({}, "What the service has"),
        "after": described({}, "What the spec wants"),
        "drift": described({"enum": ["remote", "both", None]}, "Whether somebody else changed it"),
    }
    return _object(properties)


def resource_drift(words: Sequence[str]) -> dict[str, Any]:
    """One object that is not as it was left; `words` are those that its drift may have."""
    of_fields = [word for word in words if word != "missing"]
    field = _object(
        {
            "path": described(_TEXT, "The field"),
            "locked": described({}, "What was last applied"),
            "live": described({}, "What the service has"),
            "desired": described({}, "What the spec wants"),
            "drift": described({"enum": [*of_fields, None]}, "Who changed it"),
        }
    )
    properties = {
        "address": described(_TEXT, "What the resource is called"),
        "type": described(_TEXT, "Its kind"),
        "drift": described({"enum": list(words)}, "Its worst field's"),
        "reason": described(_MAYBE_TEXT, "What else there is to it", ["gone", "not_in_specs"]),
        "changed_fields": described({"type": "array", "items": field}, "The fields that differ"),
    }
    return _object(properties)


def problem() -> dict[str, Any]:
    """One problem, as every `--json` output shows it."""
    return _object(
        {
            "severity": described({"enum": ["error", "warning"]}, "How bad it is"),
            "summary": described(_TEXT, "Two to four words", ["Value out of range"]),
            "detail": described(_TEXT, "Full sentences"),
            "file": described(_MAYBE_TEXT, "The file", ["specs/support.yaml"]),
            "line": described(_NATURAL, "The line, from 1"),
            "column": described(_NATURAL, "The column, from 1"),
            "address": described(_MAYBE_TEXT, "The resource", ["assistant.support"]),
            "hint": described(_MAYBE_TEXT, "The remedy"),
        }
    )
