"""What a plan deletes, gives up or overwrites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from provisioner.model import Action, Address, Attachment, Change, FieldChange, Plan, Remnant
from provisioner.text import listed
from provisioner.views.files import entry_path
from provisioner.views.reasons import documents_words, reason_words, stays_words
from provisioner.views.remarks import Remark
from provisioner.views.values import inline, many


def losses(plan: Plan) -> Iterator[Remark]:
    """A remark for everything that is gone after an apply, somebody's edits included."""
    changes = {change.address: change for change in plan.changes}
    taken: dict[Address, list[Attachment]] = defaultdict(list)
    for found in plan.attachments:
        if found.action == "detach" and not plan.outdates(found):
            taken[found.store].append(found)
    said = {found.file for rows in taken.values() for found in rows}
    edited = {found.address: found.fields for found in plan.drift}
    for change in plan.changes:
        if change.address not in said:
            yield from _gone(change)
        if _unprotects(change):
            yield _loss(change.address, "no longer protected", "~")
        yield from _overwritten(change, edited.get(change.address, ()))
        yield from _of_others(change)
    for store, rows in taken.items():
        yield _loss(store, _taken_out(rows, changes))
    yield from _leftover(plan.orphans, "orphan")
    yield from _leftover(plan.deposed, "old object")


def _loss(address: Address, text: str, symbol: str = "-") -> Remark:
    return Remark("deletes", symbol, inline(str(address)), text)


def _gone(change: Change) -> Iterator[Remark]:
    if change.action is Action.DELETE and (change.made or change.deferred):  # else `_of_others` has it
        later = f"once it is no longer used by {listed(map(inline, change.kept_for))}" if change.kept_for else ""
        yield _loss(change.address, " ".join(filter(None, ("deleted", documents_words(change), later))))
    elif change.action is Action.FORGET:
        why = stays_words(change) or reason_words(change.reason) or "not in the specs"
        yield _loss(change.address, f"forgotten, {why}", ".")
    elif change.action is Action.REPLACE and change.address.kind != "file":  # a file is always a new version
        paths = ", ".join(f"`{inline(path)}`" for path in change.replace_paths)
        why = f"{paths} cannot be changed in place" if paths else reason_words(change.reason)
        yield _loss(change.address, ", ".join(filter(None, ("replaced by a new one", why, _left_out(change)))), "-/+")


def _of_others(change: Change) -> Iterator[Remark]:
    """An object that somebody else has made, and that goes."""
    outlives = change.deferred or change.stays_with
    if not change.made and change.id and change.action in (Action.DELETE, Action.REPLACE) and not outlives:
        yield _loss(change.address, f"`{inline(change.id)}`, which was taken over, is deleted")


def _left_out(change: Change) -> str:
    """What the new object of a replaced store does not hold."""
    lost = change.foreign_documents
    return f"without {many(lost, 'document')} of the {change.documents:,} in the old one, not ours" if lost else ""


def _unprotects(change: Change) -> bool:
    lifted = (field for field in change.fields if field.path == "lifecycle.protect" and not field.after)
    return any(field.before for field in lifted)


def _overwritten(change: Change, edited: Iterable[FieldChange]) -> Iterator[Remark]:
    """Edits of others that the plan undoes, or that go with what it deletes."""
    if change.action is Action.DELETE:  # a document that somebody has taken out is not lost with the store
        ends = {"is lost with it": [field.path for field in edited if field.before is not None]}
    elif change.action in (Action.UPDATE, Action.REPLACE):
        words = {"remote": "is undone", "both": "gives way to what the specs say"}
        ends = {end: [field.path for field in edited if field.drift == drift] for drift, end in words.items()}
    else:
        return
    for end, paths in ends.items():
        if told := _told(change, paths):
            yield _loss(change.address, f"somebody's edit of {told} {end}", "~")


def _told(change: Change, edited: list[str]) -> str:
    """`` `temperature`, `tools` and 2 documents ``."""
    entries = {path: entry_path(path)[0] if change.address.kind == "vector_store" else None for path in edited}
    fields = [f"`{inline(path)}`" for path, entry in entries.items() if entry is None]
    documents = {entry for entry in entries.values() if entry is not None and not entry.startswith("id:")}
    told = [*fields[:3], *([many(len(fields) - 3, "more field")] if len(fields) > 3 else [])]
    told += [many(len(documents), "document")] if documents else []
    return " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))


def _taken_out(rows: list[Attachment], changes: dict[Address, Change]) -> str:
    """`3 documents taken out, 2 of them deleted: …`."""
    files = [changes[row.file] for row in rows if row.file in changes]
    going = [file for file in files if file.action is Action.DELETE and not file.deferred]
    deleted = "" if not going else " and deleted" if len(going) == len(rows) else f", {len(going):,} of them deleted"
    names = listed(sorted(inline(row.path) for row in rows))
    return f"{many(len(rows), 'document')} taken out{deleted}: {names}"


def _leftover(remnants: tuple[Remnant, ...], what: str) -> Iterator[Remark]:
    for found in remnants:
        if found.action == "delete":
            yield _loss(found.address, f"{what} {inline(found.id)} deleted")
        elif found.action == "forget":
            yield _loss(found.address, f"{what} {inline(found.id)} forgotten, {inline(found.detail)}", ".")
