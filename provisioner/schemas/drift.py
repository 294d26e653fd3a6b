"""The schema of the drift document."""

from __future__ import annotations

from typing import Any

from provisioner.schemas.plan import resource_drift
from provisioner.schemas.shape import described, document

WORDS = ("remote", "both", "missing", "local")
_COUNTED = (*WORDS, "unverifiable", "unmanaged", "in_sync")
_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _listed(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def drift_schema() -> dict[str, Any]:
    """Only what drifted is listed. Keys beside these are ours or a later release's, and allowed
    everywhere.
    """
    count = {"type": "integer", "minimum": 0}
    top = {
        "format_version": described(
            {"type": "string", "pattern": "^1\\.\\d+$"}, "Version of this format", ["1.0"]
        ),
        "workspace": described(_TEXT, "Name of the workspace", ["acme-support"]),
        "environment": described(_TEXT, "Name of the environment", ["prod"]),
        "resource_drift": described(_listed("ResourceDrift"), "What is not as it was last applied"),
        "unverifiable": described(
            _listed("Unverifiable"), "Declared fields that the service never shows"
        ),
        "unmanaged": described(
            _listed("Unmanaged"), "With `--unmanaged`: objects that nobody stamped"
        ),
        "summary": described(_object(dict.fromkeys(_COUNTED, count)), "How many there are of each"),
    }
    return {
        **document("drift.schema.json", "Drift", "What somebody else changed: `drift --json`"),
        **_object(top),
        "$defs": {
            "ResourceDrift": resource_drift(WORDS),
            "Unverifiable": _object(
                {
                    "address": described(
                        _TEXT, "What the resource is called", ["vector_store.handbook"]
                    ),
                    "path": described(_TEXT, "The field", ["chunking"]),
                    "why": described(_TEXT, "Why nobody can say whether it changed"),
                }
            ),
            "Unmanaged": _object(
                {
                    "kind": described(_TEXT, "Its kind", ["assistant"]),
                    "id": described(_TEXT, "Its id"),
                    "name": described(_TEXT, "Its name at the service; empty for none"),
                    "store": described(_MAYBE_TEXT, "The managed vector store that holds it"),
                    "to": described(
                        _MAYBE_TEXT, "An address that it could have", ["assistant.support"]
                    ),
                    "model": described(_MAYBE_TEXT, "The model of an assistant", ["gpt-4o"]),
                    "created_at": described(
                        count, "When it was made, in Unix seconds; 0 where that is not known"
                    ),
                }
            ),
        },
    }
