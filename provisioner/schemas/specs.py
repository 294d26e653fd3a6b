"""The schemas of what an author writes, generated from the models that validate it."""

from __future__ import annotations

from typing import Any

from provisioner.schemas.shape import DIALECT, described, document, tidy, with_variables

NAME = "^[a-z][a-z0-9_-]{0,63}$"
ADDRESS = "^[a-z_]+\\.[^\\s].*$"


def spec_schema() -> dict[str, Any]:
    """The schema of a file below `specs/`."""
    from pydantic.json_schema import models_json_schema

    from provisioner.kinds import kinds

    declared = kinds()
    models = [(kind.spec, "validation") for kind in declared.values()]
    references, generated = models_json_schema(models, ref_template="#/$defs/{model}")  # type: ignore[arg-type]  # "validation" is widened to str
    definitions = tidy(with_variables(tidy(generated)))["$defs"]
    sections = {}
    for kind in declared.values():
        resource = references[kind.spec, "validation"]
        choices = [resource] if kind.name == "tool" else [resource, {"$ref": "#/$defs/External"}]
        named = {
            "type": "object",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": {"anyOf": choices} if len(choices) > 1 else resource,
        }
        shown = [{f"example_{number}": example} for number, example in enumerate(kind.examples, 1)]
        sections[kind.section] = described(
            {"anyOf": [named, {"type": "null"}]}, kind.summary, shown
        )
    return {
        **document(
            "spec.schema.json", "Spec", "Resources of a workspace: assistants and what they use"
        ),
        "type": "object",
        "properties": {**dict(sorted(sections.items())), **_lists()},
        "patternProperties": {"^x-": described({}, "Ignored: a place for anchors")},
        "additionalProperties": False,
        "$defs": dict(sorted({**definitions, **_shared()}.items())),
    }


def workspace_schema() -> dict[str, Any]:
    """The schema of `provisioner.yaml`."""
    from provisioner.workspace.config import WorkspaceFile

    generated = tidy(WorkspaceFile.model_json_schema(ref_template="#/$defs/{model}"))
    head = document(
        "provisioner.schema.json",
        "Workspace",
        "The workspace: its name, variables and environments",
    )
    return {
        **head,
        **{key: value for key, value in generated.items() if key not in head},
        "$schema": DIALECT,
    }


_NONEMPTY = {"type": "string", "minLength": 1}


def _lists() -> dict[str, Any]:
    """`imports`, `moved` and `removed`."""
    address = {"$ref": "#/$defs/Address"}
    only = described(_NONEMPTY, "The one environment in which this holds", ["prod"])
    id = described(_NONEMPTY, "Id of the object at the service", ["asst_abc123"])
    destroy = described(
        {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/Variable"}]},
        "Whether the object is deleted; otherwise it stays at the service, without our stamp",
        [False],
    )
    return {
        "imports": _list(
            "Objects that exist and are taken over",
            {"to": described(address, "The address that it gets", ["assistant.support"]), "id": id},
            {"environment": only},
        ),
        "moved": _list(
            "Resources that had another address",
            {
                "from": described(address, "The address that it had", ["assistant.old"]),
                "to": described(address, "The address that it has now", ["assistant.support"]),
            },
            {},
        ),
        "removed": _list(
            "Resources that are no longer declared on purpose",
            {"from": described(address, "The address that it had", ["vector_store.old"])},
            {"destroy": destroy},
        ),
    }


def _list(text: str, required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    entry = {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }
    return described({"anyOf": [{"type": "array", "items": entry}, {"type": "null"}]}, text)


def _shared() -> dict[str, Any]:
    id = described(
        {"type": "string", "minLength": 1}, "Its id", ["vs_abc123", "${var.company_store}"]
    )
    only = described(
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        "Environments in which this exists; everywhere when left out",
        [["staging"]],
    )
    external = {
        "type": "object",
        "properties": {"id": id, "only": only},
        "required": ["id"],
        "additionalProperties": False,
    }
    return {
        "External": described(
            external, "An object that is not managed here: checked to exist, never touched"
        ),
        "Address": described(
            {"type": "string", "pattern": ADDRESS},
            "What a resource is called: `kind.name`",
            ["assistant.support"],
        ),
        "Variable": described(
            {"type": "string", "pattern": "^\\$\\{\\s*var\\.[^{}\\s]+\\s*\\}$"},
            "A variable, whose value takes its place",
            ["${var.temperature}"],
        ),
        "Placeholder": described(
            {"type": "string", "pattern": "\\$\\{"},
            "Text with a variable in it",
            ["${environment}", "${var.team}-bot"],
        ),
    }
