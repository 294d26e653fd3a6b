"""What a reviewer approved, as one number: the same on two machines, whatever the ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from provisioner.diff import parts, same, top, units
from provisioner.digests import sha256_of
from provisioner.kinds import holds_files, is_file, kind
from provisioner.model import (
    QUIET,
    Action,
    Address,
    Change,
    FieldChange,
    Plan,
    Remnant,
    Row,
    StoreFileChange,
)

FORMULA = "3"
"""What a checksum covers, and how: another number, and no checksum of before means anything.
1 is that of 0.1.0."""

ACTION_WORDS = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.REPLACE: ["create", "delete"],
    Action.DELETE: ["delete"],
    Action.FORGET: ["forget"],
    Action.KEEP: ["no-op"],
}

_FILES = "files"


def checksum(plan: Plan) -> str:
    """Covers workspace, environment, origin and each row: address, actions, changed values, and
    what goes, as it is at the service. Ids, lineage, serial, positions and the order in which
    things were found do not count.
    """
    return sha256_of(
        {
            "workspace": plan.workspace,
            "environment": plan.environment,
            "origin": plan.service.origin,
            "rows": sorted(rows(plan).values()),
        }
    )


def rows(plan: Plan) -> dict[Row, str]:
    """A digest of each thing that the plan does, by what it is about."""
    written = _Values(plan)
    digests = {}
    for change in plan.changes:
        if change.matters and not _only_files(change):
            digests[Row("change", str(change.address))] = _digest(_change(change, written))
    for row, content in _store_files(plan, written):
        digests[row] = _digest(content)
    for remnant in (*plan.orphans, *plan.deposed):
        if remnant.action != "keep":
            digests[Row("old", str(remnant.address), remnant.id)] = _leftover(
                remnant.address, remnant
            )
    return digests


def unfinished(plan: Plan, undone: Collection[Row]) -> tuple[str, ...]:
    """The digests of those rows that an apply has not done, as the next plan will have them: where
    a replacement was stopped before the old object was deleted, that is what is left.
    """
    known = rows(plan)
    left = {known[row] for row in undone if row in known}
    for change in plan.changes:
        if (
            Row("old", str(change.address), change.id or "") in undone
            and change.action is Action.REPLACE
        ):
            action = "forget" if change.stays_with else "delete"
            left.add(_leftover(change.address, Remnant(change.address, change.id or "", action)))
    return tuple(sorted(left))


def _digest(content: Any) -> str:
    return sha256_of(content).removeprefix("sha256:")[:32]


def _only_files(change: Change) -> bool:
    """Whether only what a store holds is changed, which its store files' rows tell."""
    others = [field for field in change.fields if _store_file(field) is None]
    quiet = change.importing is None and change.previous is None
    return holds_files(change.address) and change.action is Action.UPDATE and quiet and not others


def _change(change: Change, written: _Values) -> dict[str, Any]:
    row: dict[str, Any] = {"address": str(change.address), "actions": ACTION_WORDS[change.action]}
    if change.importing:
        row["importing"] = change.importing
    if change.previous is not None:
        row["previous_address"] = str(change.previous)
    if change.api is not None:
        row["api"] = change.api
    if change.deferred:
        row["stays"] = True
    if change.old_digest:
        row["old"] = change.old_digest
    if not change.action.goes:
        row |= _what_is_sent(change, written)
    return row


def _what_is_sent(change: Change, written: _Values) -> dict[str, Any]:
    """What is written as the fields tell it; where its secrets are, for that is what an apply reads
    or runs; and what is sent besides.
    """
    besides = {
        "secrets": dict(kind(change.address.kind).secrets(change.after or {})),
        "sent": _sent_besides(change, written),
    }
    found = {name: value for name, value in besides.items() if value}
    return {"values": _written(change, written), **found}


def _written(change: Change, written: _Values) -> dict[str, Any]:
    """What is written: the whole resource where it is new, the changed fields otherwise."""
    if is_file(change.address) and change.after:
        return {name: value for name, value in change.after.items() if name != "bytes"}
    changed = {
        field.path: written.pair(field) for field in change.fields if _store_file(field) is None
    }
    if change.action is Action.CREATE:
        secret = {path: "changed" for path, pair in changed.items() if pair == "changed"}
        return {**written.whole(change), **secret}
    return changed


def _sent_besides(change: Change, written: _Values) -> dict[str, Any]:
    """What is sent though no changed field tells of it: the rest of what is made anew or replaced
    whole, and, where somebody has edited the plan, what it does not show.
    """
    if is_file(change.address) or change.after is None or change.action is Action.CREATE:
        return {}
    own = kind(change.address.kind)
    if change.api not in own.apis:  # which is in the row as well
        return {}
    form = own.form(change.api)
    told = {field.path: field for field in change.fields}
    sent: dict[str, Any] = {}
    for unit, value in units(change.after, form.keyed).items():
        field = told.get(unit)
        # A request profile is rendered from all that is declared.
        whole = change.action.makes or not form.remote
        goes = whole or form.goes_along(unit, told.keys())
        known = field is not None and (field.sensitive or same(field.after, value))
        if goes and not known and top(unit) != _FILES:
            sent[unit] = written.neutral(value)
    return sent


def _store_files(plan: Plan, written: _Values) -> Iterator[tuple[Row, dict[str, Any]]]:
    """A row for each store file: what is done with it, and the attributes that change. A file of
    which that says everything has no values beside.
    """
    values: dict[Row, dict[str, Any]] = {}
    attached = {
        Row("file", str(item.store), item.path): _store_file_change(item, written)
        for item in plan.store_file_changes
        if item.action not in QUIET
    }
    for change in plan.changes:
        for field in change.fields if holds_files(change.address) else ():
            path = _store_file(field)
            if path is not None:
                row = Row("file", str(change.address), path)
                if len(parts(field.path)) > 2 or row not in attached:
                    values.setdefault(row, {})[field.path] = written.pair(field)
    for row in sorted({*attached, *values}):
        about = {"store": row.about, "path": row.part, "values": values.get(row, {})}
        yield row, {**about, **attached.get(row, {})}


def _store_file(field: FieldChange) -> str | None:
    """`docs/a.md` of `files["docs/a.md"].attributes.team`."""
    if not field.path.startswith((f"{_FILES}.", f"{_FILES}[")):
        return None
    return parts(field.path)[1]


def _store_file_change(item: StoreFileChange, written: _Values) -> dict[str, Any]:
    row: dict[str, Any] = {"action": item.action}
    if item.action != "detach":
        row |= {"attributes": written.neutral(item.attributes), "chunking": item.chunking}
    return row


def _leftover(address: Address, remnant: Remnant) -> str:
    return _digest(
        {"address": str(address), "leftover": remnant.action, "old": remnant.old_digest or ""}
    )


class _Values:
    """Values as they are compared between machines: without the ids of what is managed here."""

    def __init__(self, plan: Plan) -> None:
        self._old = {remnant.id: str(remnant.address) for remnant in plan.deposed}

    def pair(self, field: FieldChange) -> Any:
        return (
            "changed"
            if field.sensitive
            else [self.neutral(field.before), self.neutral(field.after)]
        )

    def whole(self, change: Change) -> dict[str, Any]:
        fields = dict(change.after or {})
        held = fields.get(_FILES)
        if holds_files(change.address) and isinstance(held, Mapping):
            fields[_FILES] = {path: _managed(item) for path, item in held.items()}
        return {name: self.neutral(value) for name, value in fields.items()}

    def neutral(self, value: Any) -> Any:
        """The same value in one spelling. An old object of ours goes by its address: who still
        refers to it has not been edited.
        """
        if isinstance(value, Mapping):
            if value.keys() == {"id"} and isinstance(value["id"], str) and value["id"] in self._old:
                return self._old[value["id"]]
            return {key: self.neutral(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.neutral(item) for item in value]
        # 1 and 1.0 are one number in JSON
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _managed(item: Any) -> Any:
    """An entry of a store's `files`. One that is managed here is known by its address, and the lock
    adds the id.
    """
    if isinstance(item, Mapping) and isinstance(item.get("file"), str):
        return {key: value for key, value in item.items() if key not in ("id", "sha256")}
    return item


def is_covered(plan: Plan, left: Iterable[str]) -> bool:
    """Whether a plan does nothing but what an earlier apply was allowed to do and has left."""
    return set(rows(plan).values()) <= set(left)
