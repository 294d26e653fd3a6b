"""The schema of the document about checks."""

from __future__ import annotations

from typing import Any

from provisioner.schemas.shape import described, document

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_FLAG = {"type": "boolean"}
_COUNTED = ("passed", "failed", "error", "needs_apply", "cached", "warnings", "tokens")


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _listed(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def check_schema() -> dict[str, Any]:
    """What came of each check. Keys beside these are a later release's, and allowed everywhere."""
    summary = {**dict.fromkeys(_COUNTED, _COUNT), "seconds": _SECONDS}
    top = {
        "format_version": described(
            {"type": "string", "pattern": "^1\\.\\d+$"}, "Version of this format", ["1.0"]
        ),
        "workspace": described(_TEXT, "Name of the workspace", ["acme-support"]),
        "environment": described(_TEXT, "Name of the environment", ["prod"]),
        "planned": described(_FLAG, "Whether they were held with what an apply would make"),
        "checks": described(_listed("CheckResult"), "What came of each check"),
        "notes": described(_TEXTS, "What there is to say beside, in full sentences"),
        "interrupted": described(_FLAG, "Whether the run was stopped before it was over"),
        "summary": described(_object(summary), "How many there are of each"),
    }
    return {
        **document("check.schema.json", "Checks", "What came of checks: `check --json`"),
        **_object(top),
        "$defs": {
            "CheckResult": _object(_result()),
            "Attempt": _object(
                {
                    "passed": described(_FLAG, "Whether everything held"),
                    "turns": described(_listed("Turn"), "The turns, up to the first that failed"),
                }
            ),
            "Turn": _object(_turn()),
            "Miss": _object(
                {
                    "expected": described(_TEXT, "What was expected", ["to contain `27`"]),
                    "got": described(_TEXT, "What there was instead", ["it does not"]),
                }
            ),
        },
    }


def _result() -> dict[str, Any]:
    return {
        "address": described(_TEXT, "The assistant", ["assistant.support"]),
        "name": described(_TEXT, "The check", ["vacation"]),
        "outcome": described(
            {"enum": ["passed", "failed", "error", "needs_apply"]},
            "`error`: it could not be run to its end; `needs_apply`: not before an apply",
        ),
        "unchanged": described(_FLAG, "Whether what is planned is what is applied"),
        "applied": described(
            {"anyOf": [{"$ref": "#/$defs/CheckResult"}, {"type": "null"}]},
            "The same check with what is applied, where that is something else",
        ),
        "cached": described(_FLAG, "Whether it held before, and nothing has changed since"),
        "passes": described(_COUNT, "Attempts that held"),
        "needed": described(_COUNT, "Attempts that have to hold"),
        "attempts": described(_listed("Attempt"), "The conversations, in order"),
        "warnings": described(_TEXTS, "What judges say"),
        "problem": described({"type": ["object", "null"]}, "Why it could not be run"),
        "tokens": described(_COUNT, "Tokens that were used now"),
        "seconds": described(_SECONDS, "How long its turns took"),
    }


def _turn() -> dict[str, Any]:
    return {
        "said": described(_TEXT, "What the check said"),
        "was": described({"type": ["string", "null"]}, "What was answered before, where known"),
        "replied": described(_TEXT, "What the assistant replied"),
        "calls": described(_TEXTS, "The functions that were called, with their arguments"),
        "misses": described(_listed("Miss"), "What did not hold"),
        "warnings": described(_TEXTS, "What its judge says"),
        "tokens": described(_COUNT, "Tokens of the turn"),
        "seconds": described(_SECONDS, "How long it took"),
    }
