"""The schema of what `validate --json` prints."""

from __future__ import annotations

from typing import Any

from provisioner.schemas.shape import described, document

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_PLACE = {"type": ["integer", "null"], "minimum": 1}


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _listed(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def validate_schema() -> dict[str, Any]:
    """Keys beside these are a later release's, and allowed everywhere."""
    top = {
        "problems": described(_listed("Problem"), "Every problem, sorted"),
        "valid": described({"type": "boolean"}, "Whether no problem is an error"),
        "counts": described(
            {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            "How many resources there are of each kind",
            [{"assistant": 1, "file": 2}],
        ),
        "environments": described({"type": "array", "items": _TEXT}, "What was checked"),
        "mapping": described(
            _listed("Carrying"), "With `-v`: what the API of each environment makes of everything"
        ),
    }
    return {
        **document("validate.schema.json", "Validation", "What is wrong: `validate --json`"),
        **_object(top, "mapping"),
        "$defs": {
            "Problem": _object(_problem()),
            "Carrying": _object(
                {
                    "environment": described(_TEXT, "Name of the environment", ["prod"]),
                    "address": described(_TEXT, "The resource", ["assistant.support"]),
                    "api": described(_TEXT, "Its API there", ["responses"]),
                    "fields": described(_listed("Mapped"), "What is declared, and defaults"),
                }
            ),
            "Mapped": _object(_mapped()),
        },
    }


def _problem() -> dict[str, Any]:
    return {
        "severity": described({"enum": ["error", "warning"]}, "Errors exit with 1"),
        "summary": described(_TEXT, "What is wrong, in two to four words"),
        "detail": described(_TEXT, "The same in full sentences"),
        "file": described(_MAYBE, "Where, from the working folder"),
        "line": _PLACE,
        "column": _PLACE,
        "address": described(_MAYBE, "The resource"),
        "hint": described(_MAYBE, "What to do"),
    }


def _mapped() -> dict[str, Any]:
    ways = ["carried", "renamed", "default", "lost", "unused"]
    return {
        "path": described(_TEXT, "The field", ["temperature", "tools[0].max_num_results"]),
        "how": described(
            {"enum": ways},
            "`default`: not sent, and what the API does on its own; `unused`: of another API",
        ),
        "tool": described(_MAYBE, "The type of the tool that it belongs to", ["file_search"]),
        "to": described(_MAYBE, "Where a request has it", ["reasoning.effort"]),
        "why": described(_MAYBE, "Why it is not sent"),
        "hint": described(_MAYBE, "The nearest remedy"),
        "loss": described(_MAYBE, "What `accept_loss` calls it", ["tools.file_search"]),
        "accepted": described({"type": ["boolean", "null"]}, "Whether the environment accepts it"),
    }
