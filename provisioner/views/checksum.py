"""What a reviewer approved, as one number: the same on two machines, whatever the ids."""

from __future__ import annotations

import json
from typing import Any

from provisioner.digests import sha256_of
from provisioner.model import QUIET, Action, Attachment, Change, FieldChange, Plan, Remnant

FORMULA = "2"
"""What a checksum covers, and how: another number, and no checksum of before means anything. 1 is that of 0.1.0."""

ACTIONS = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.REPLACE: ["create", "delete"],
    Action.DELETE: ["delete"],
    Action.FORGET: ["forget"],
    Action.KEEP: ["no-op"],
}


def checksum(plan: Plan) -> str:
    """Covers workspace, environment, origin and each change: its address, actions and changed values.
    Ids, lineage, serial, positions and the order in which things were found do not count."""
    leftovers = [found for found in (*plan.orphans, *plan.deposed) if found.action != "keep"]
    return sha256_of(
        {
            "workspace": plan.workspace,
            "environment": plan.environment,
            "origin": plan.service.origin,
            "changes": _ordered(_change(change) for change in plan.changes if change.matters),
            "attachments": _ordered(_attachment(found) for found in plan.attachments if found.action not in QUIET),
            "leftovers": sorted(_leftover(found) for found in leftovers),
        }
    )


def _ordered(rows: Any) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def _change(change: Change) -> dict[str, Any]:
    row: dict[str, Any] = {"address": str(change.address), "actions": ACTIONS[change.action]}
    if change.importing:
        row["importing"] = change.importing
    if change.previous is not None:
        row["previous_address"] = str(change.previous)
    if change.api is not None:
        row["api"] = change.api
    if change.deferred:
        row["stays"] = True
    if change.action is not Action.FORGET and change.action is not Action.DELETE:
        row["values"] = _values(change)
    return row


def _values(change: Change) -> dict[str, Any]:
    """What is written: the whole resource where it is new, the changed fields otherwise."""
    if change.address.kind == "file" and change.after:
        return {name: value for name, value in change.after.items() if name != "bytes"}
    changed = {field.path: _pair(field) for field in change.fields}
    if change.action is Action.CREATE:
        return {
            **_neutral(change.after or {}),
            **{path: "changed" for path, pair in changed.items() if pair == "changed"},
        }
    return changed


def _pair(field: FieldChange) -> Any:
    return "changed" if field.sensitive else [_neutral(field.before), _neutral(field.after)]


def _neutral(value: Any) -> Any:
    """A value without the ids of what is managed here, which an entry of a store's `files` may carry."""
    if isinstance(value, dict):
        managed = isinstance(value.get("file"), str)
        return {key: _neutral(item) for key, item in value.items() if not (managed and key == "id")}
    if isinstance(value, list):
        return [_neutral(item) for item in value]
    # 1 and 1.0 are one number in JSON
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _leftover(found: Remnant) -> str:
    return str(found.address) if found.action == "delete" else f"{found.address} {found.action}"


def _attachment(found: Attachment) -> dict[str, Any]:
    row: dict[str, Any] = {"store": str(found.store), "action": found.action, "path": found.path}
    if found.action != "detach":
        row |= {"attributes": _neutral(found.attributes), "chunking": found.chunking}
    return row
