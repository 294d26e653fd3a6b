"""The plan document, written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner import __version__, shapes
from provisioner.diff import top
from provisioner.digests import sha256_of
from provisioner.errors import problem_json
from provisioner.kinds import kind
from provisioner.lock.entry import approved_to_json
from provisioner.masking import SENSITIVE
from provisioner.model import Action, Address, Change, Drifted, FieldChange, Fields, Plan, Remnant
from provisioner.planfile.checksum import ACTION_WORDS, checksum, rows

FORMAT_VERSION = "1.0"
Review = Sequence[Mapping[str, str]]

# Written under keys of Terraform's or of our own; everything else in a change or plan is written
# under its own name.
OWN_KEYS_OF_CHANGE = frozenset(
    {
        "address",
        "action",
        "reason",
        "before",
        "after",
        "fields",
        "depends_on",
        "importing",
        "previous",
        "source",
        "position",
        "replace_paths",
        "stays_with",
    }
)
OWN_KEYS_OF_PLAN = frozenset(
    {
        "workspace",
        "environment",
        "service",
        "lineage",
        "serial",
        "changes",
        "store_file_changes",
        "drift",
        "orphans",
        "deposed",
        "notes",
        "unchanged",
        "blocked",
        "problems",
        "basis",
        "approved",
    }
)


def plan_json(plan: Plan, review: Review) -> str:
    """The document as text: a key a line, a row a line, a line feed at its end."""
    entries = []
    for key, value in plan_document(plan, review).items():
        if isinstance(value, list) and value:
            # Ten thousand rows are written in one go and can still be read and compared.
            lines = ",\n".join(f"    {_json(row)}" for row in value)
            text = f"[\n{lines}\n  ]"
        else:
            text = _json(value)
        entries.append(f"  {_json(key)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def plan_document(plan: Plan, review: Review) -> dict[str, Any]:
    """The document, with its checksum and digest. `review` is what a reviewer reads of the plan."""
    later = plan.made
    found: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "provisioner_version": __version__,
        "workspace": plan.workspace,
        "environment": plan.environment,
        "service": {
            "base_url": plan.service.base_url,
            "api": plan.service.api,
            "organization": plan.service.organization,
            "project": plan.service.project,
        },
        "lock": {
            "lineage": plan.lineage,
            "serial": plan.serial,
            "applied": approved_to_json(plan.approved) if plan.approved else None,
        },
        "checksum": checksum(plan),
        "rows": sorted(set(rows(plan).values())),
        "digest": "",
        "resource_changes": [_change(change, later) for change in plan.changes if change.matters],
        "resource_drift": [drifted_json(found) for found in plan.drift],
        "orphans": [_remnant(found) for found in plan.orphans],
        "deposed": [_remnant(found) for found in plan.deposed],
        "notes": list(plan.notes),
        "summary": plan_counts(plan),
        "review": list(review),
        "blocked": [plain_json(block) for block in plan.blocked],
        "problems": [problem_json(problem) for problem in plan.problems],
        "attachments": [plain_json(found) for found in plan.store_file_changes],
        "basis": dict(plan.basis),
        **_rest(plan, OWN_KEYS_OF_PLAN),
    }
    found["digest"] = digest(found)
    return found


def digest(document: dict[str, Any]) -> str:
    """Of the whole document but the digest itself; white space and the order of keys do not
    count.
    """
    return sha256_of({key: value for key, value in document.items() if key != "digest"})


def _rest(thing: Any, own_keys: frozenset[str]) -> dict[str, Any]:
    """The fields of a noun that have no name of Terraform's."""
    return {
        name: _plain(getattr(thing, name))
        for name in thing.__dataclass_fields__
        if name not in own_keys
    }


def plain_json(thing: Any) -> dict[str, Any]:
    """A flat noun as JSON has it: addresses as text, tuples as lists."""
    return {name: _plain(getattr(thing, name)) for name in thing.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, Address):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _change(change: Change, later: frozenset[str]) -> dict[str, Any]:
    place, source = change.position, change.source
    file = place or source
    held = kind(change.address.kind).secrets(change.after or {})
    sensitive = [field.path for field in change.fields if field.sensitive]
    secret = dict.fromkeys([*sensitive, *held], True)
    marked = {top(field.path): True for field in change.fields if field.unknown}
    if change.action is Action.CREATE or change.action.alters:
        wanted = later.intersection(map(str, change.depends_on))
        marked.update(
            {
                name: True
                for name, value in (change.after or {}).items()
                if wanted and _names(value, wanted)
            }
        )
    return {
        "address": str(change.address),
        "type": change.address.kind,
        "name": change.address.name,
        "previous_address": str(change.previous) if change.previous else None,
        "file": file.file if file else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "source_path": list(source.path) if source else None,
        "change": {
            "actions": ACTION_WORDS[change.action],
            "before": _masked(change.before, secret),
            "after": _masked(_whole(change), secret),
            "after_unknown": marked,
            "before_sensitive": _marked(change.before, secret),
            "after_sensitive": _marked(change.after, secret),
            "replace_paths": list(change.replace_paths),
            "importing": {"id": change.importing} if change.importing else None,
        },
        "changed_fields": [_field(field) for field in change.fields],
        "action_reason": change.reason,
        "depends_on": [str(address) for address in change.depends_on],
        "stays_with": str(change.stays_with) if change.stays_with else None,
        **_rest(change, OWN_KEYS_OF_CHANGE),
    }


def _whole(change: Change) -> Fields | None:
    """Everything that is written, what nobody declares included."""
    return None if change.after is None else {**change.defaults, **change.after}


def _masked(values: Fields | None, secret: Iterable[str]) -> Fields | None:
    """The declared fields, each secret replaced by a word, wherever below a field it lies."""
    if not values or not secret:
        return values
    masked = values
    for path in secret:
        masked = _replaced(masked, path)
    return masked


def _replaced(values: Fields, path: str) -> Fields:
    for key, item in values.items():
        if path == key:  # where a secret is may be seen, and has to be known when it is sent
            return values if shapes.secret(item) else {**values, key: SENSITIVE}
        if isinstance(item, dict) and path.startswith(f"{key}."):
            return {**values, key: _replaced(item, path[len(key) + 1 :])}
    # A path that dictionaries do not lead to: rather the whole field than a secret.
    return {**values, top(path): SENSITIVE} if top(path) in values else values


def _marked(values: Fields | None, secret: Iterable[str]) -> dict[str, bool]:
    return {path: True for path in secret if top(path) in (values or {})}


def _names(value: Any, wanted: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return any(_names(item, wanted) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, wanted) for item in value)
    return isinstance(value, str) and value in wanted


def _field(field: FieldChange) -> dict[str, Any]:
    row = plain_json(field)
    if field.sensitive:
        row |= {"before": SENSITIVE, "after": SENSITIVE, "locked": SENSITIVE}
    return row


def drifted_json(drifted: Drifted) -> dict[str, Any]:
    """One object that drifted, with three values for each of its fields."""
    fields = []
    for field in drifted.fields:
        values = _field(field)
        fields.append(
            {
                "path": field.path,
                "locked": values["locked"],
                "live": values["before"],
                "desired": values["after"],
                "drift": field.drift,
                "unknown": field.unknown,
                "sensitive": field.sensitive,
            }
        )
    return {
        "address": str(drifted.address),
        "type": drifted.address.kind,
        "drift": drifted.drift,
        "reason": drifted.reason or None,
        "changed_fields": fields,
    }


def _remnant(remnant: Remnant) -> dict[str, Any]:
    return {**plain_json(remnant), "type": remnant.address.kind}


PLANNED = ("import", "add", "change", "replace", "move", "destroy", "forget")
_ACTIONS = {
    "add": Action.CREATE,
    "change": Action.UPDATE,
    "replace": Action.REPLACE,
    "destroy": Action.DELETE,
    "forget": Action.FORGET,
}


def plan_counts(plan: Plan) -> dict[str, int]:
    """The `summary` of a plan document. An import or a move that also updates counts in both."""
    counts = {word: plan.count(_ACTIONS[word]) if word in _ACTIONS else 0 for word in PLANNED}
    counts["import"] = sum(bool(change.importing) for change in plan.changes)
    counts["move"] = sum(change.previous is not None for change in plan.changes)
    counts["destroy"] += _old_objects(plan, "delete")
    counts["forget"] += _old_objects(plan, "forget")
    counts["unchanged"] = plan.unchanged
    return counts


def _old_objects(plan: Plan, action: str) -> int:
    return sum(remnant.action == action for remnant in (*plan.orphans, *plan.deposed))
