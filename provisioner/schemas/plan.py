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
        "service": described(_SERVICE, "The service that is planned for"),
        "lock": described(_LOCK, "The lock that was planned against"),
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
        "summary": described(_SUMMARY, "How many resources are changed, and how"),
        "review": described(
            {"type": "array", "items": _REMARK},
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


_APPROVAL = _object({"commit": _TEXT, "checksum": _TEXT, "left": _DIGESTS})
_APPLIED = described(
    {"anyOf": [_APPROVAL, {"type": "null"}]},
    "Which approval was used last, and what it has left to do",
)
_LOCK: dict[str, Any] = _object(
    {"lineage": _TEXT, "serial": _COUNT, "applied": _APPLIED}, ["lineage", "serial"]
)


_API = described({"enum": ["assistants", "responses", "agents"]}, "The API by default")
_SERVICE: dict[str, Any] = _object(
    {"base_url": _TEXT, "api": _API, "organization": _MAYBE_TEXT, "project": _MAYBE_TEXT},
)


_COUNTED = ("import", "add", "change", "replace", "move", "destroy", "forget", "unchanged")
_SUMMARY: dict[str, Any] = _object(dict.fromkeys(_COUNTED, _COUNT))


_GROUPS = ["deletes", "widens", "prompt", "model", "tools", "knowledge", "settings"]
_REMARK: dict[str, Any] = _object(
    {
        "section": described({"enum": _GROUPS}, "The group that it belongs to"),
        "address": described(
            _TEXT, "The resource; empty where it is about several", ["assistant.support"]
        ),
        "text": described(_TEXT, "What is said of it", ["instructions +12 −3 lines"]),
    }
)


def _definitions() -> dict[str, Any]:
    return {
        "ResourceChange": _RESOURCE_CHANGE,
        "Change": _CHANGE,
        "ChangedField": _CHANGED_FIELD,
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


_ROW_FIELDS = {
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
    "gap": described(
        {"type": "boolean"}, "Replace: the old one goes first, so that there is none for a moment"
    ),
    "defaults": described(
        {"type": "object"},
        "What of `after` nobody declares: the name of the resource, where it has no `name`",
        [{"name": "support"}],
    ),
}
_RESOURCE_CHANGE: dict[str, Any] = _object(
    _ROW_FIELDS, [name for name in _ROW_FIELDS if name not in ("old_digest", "gap", "defaults")]
)


_DECLARED = {"type": ["object", "null"]}
_MARKS = {"anyOf": [{"type": "object"}, {"type": "boolean"}]}
_IMPORTING = {"anyOf": [_object({"id": _TEXT}), {"type": "null"}]}
_DEED_FIELDS = {
    "actions": described({"enum": [list(actions) for actions in ACTIONS]}, "What is done"),
    "before": described(_DECLARED, "The declared fields as they are"),
    "after": described(_DECLARED, "The declared fields as they will be, and `defaults`"),
    "after_unknown": described(
        _MARKS, "Fields that hold an id which is known only after the apply"
    ),
    "before_sensitive": described(_MARKS, "Fields whose value is hidden"),
    "after_sensitive": described(_MARKS, "Fields whose value is hidden"),
    "replace_paths": described({"type": "array"}, "Fixed fields that force a replacement"),
    "importing": described(_IMPORTING, "The object that is taken over"),
}
_CHANGE: dict[str, Any] = _object(_DEED_FIELDS)


_CHANGED_FIELD = _object(
    {
        "path": described(_TEXT, "The field", ["metadata.team"]),
        "before": described({}, "What the service has"),
        "after": described({}, "What the spec wants"),
        "drift": described({"enum": ["remote", "both", None]}, "Whether somebody else changed it"),
    }
)


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
