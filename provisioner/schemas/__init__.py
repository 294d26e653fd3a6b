"""The JSON Schemas of what people and programs read and write: specs, `provisioner.yaml`, lockfile,
plan, drift, checks and `validate`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.schemas.checks import check_schema
from provisioner.schemas.drift import drift_schema
from provisioner.schemas.lock import lock_schema
from provisioner.schemas.plan import plan_schema
from provisioner.schemas.specs import spec_schema, workspace_schema
from provisioner.schemas.validate import validate_schema

__all__ = [
    "FILES",
    "check",
    "check_schema",
    "drift_schema",
    "lock_schema",
    "plan_schema",
    "render",
    "spec_schema",
    "validate_schema",
    "workspace_schema",
    "write",
]

FILES = {
    "spec.schema.json": spec_schema,
    "provisioner.schema.json": workspace_schema,
    "lock.schema.json": lock_schema,
    "plan.schema.json": plan_schema,
    "drift.schema.json": drift_schema,
    "check.schema.json": check_schema,
    "validate.schema.json": validate_schema,
}


def render(schema: dict[str, Any]) -> str:
    """A schema as text; the same schema always gives the same bytes."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[Path]:
    """Write every schema into a folder, which is made where it is missing; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in FILES.items():
        path = folder / name
        disk.put(path, render(schema()).encode())
        written.append(path)
    return written


def check(folder: Path) -> list[str]:
    """The names of the schemas in a folder that are missing or not what `write` would write."""
    wrong = []
    for name, schema in FILES.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != render(schema()):
            wrong.append(name)
    return wrong
