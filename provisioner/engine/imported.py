"""What an import has written: the specs, the `imports` that are left of it, and the plan that is to
follow from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from provisioner import disk
from provisioner.diff import parts, top
from provisioner.engine.context import Context
from provisioner.engine.importing import Drafts, inside
from provisioner.engine.preflight import NOT_FOUND
from provisioner.engine.session import Session
from provisioner.errors import PlanError, SpecError, not_written
from provisioner.importing.layout import spec_edited
from provisioner.importing.live import no_room
from provisioner.importing.writing import Drafted
from provisioner.kinds import is_file, kind
from provisioner.kinds.base import Names
from provisioner.model import Action, Address, Change, Plan, Problem
from provisioner.model.plans import QUIET
from provisioner.plan import PlanOptions
from provisioner.remote import together
from provisioner.text import listed
from provisioner.workspace.sections import FOLDER
from provisioner.yamltext.reading import read_yaml


class EditedMeanwhile(Exception):
    """Somebody has edited what was read just now."""


def put(root: Path, drafted: Drafted) -> dict[str, bytes | None]:
    """Write the drafted files, the spec last; what they were before, None where there was none.
    SpecError where one cannot be written: then all are what they were.
    """
    before: dict[str, bytes | None] = {}
    for name, data in drafted.files.items():
        try:
            place = inside(root, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            old = disk.read(place, disk.LARGEST_TEXT) if disk.is_file(place) else None
            if old != drafted.before.get(name, old):  # an editor's, or another import's
                raise disk.Unfit("somebody has changed it just now")
            disk.replace(place, data)
            before[name] = old
        except OSError as error:
            take_back(root, before)
            raise not_written(name, error) from error
    return before


def take_back(root: Path, before: Mapping[str, bytes | None]) -> None:
    """Make files be again what they were, the spec first."""
    for name, data in reversed(list(before.items())):
        if data is None:
            disk.remove(root / name)
        else:
            disk.replace(root / name, data)


async def planned(session: Session, options: PlanOptions, drafts: Drafts | None) -> Plan:
    """The plan. With `drafts` nothing can differ from what was read for them; EditedMeanwhile where
    something does.
    """
    try:
        plan = await session.plan(options)
    except SpecError as error:
        if drafts and any(one.summary == NOT_FOUND for one in error.problems):
            raise EditedMeanwhile from None
        raise SpecError(map(_told, error.problems)) from None
    new = {*drafts.drafted.addresses} if drafts else set()
    taken_out = any(
        item.action == "attach" and item.store in new for item in plan.store_file_changes
    )
    if taken_out or any(change.address in new and _edited(change) for change in plan.changes):
        raise EditedMeanwhile
    return plan


def _told(problem: Problem) -> Problem:
    """A problem with what to do where an import goes on, and an object has gone in between."""
    if problem.summary != NOT_FOUND:
        return problem
    more = "if somebody has deleted it, take this entry out, and the resource if none is wanted"
    return replace(problem, hint=f"{problem.hint}; {more}")


def _edited(change: Change) -> bool:
    """Whether an object is not what its draft says. Local files may be other versions."""
    if is_file(change.address):
        return False
    apart = kind(change.address.kind).form(change.api).apart
    return any(
        top(field.path) not in apart
        or parts(field.path)[1].startswith("id:")
        or parts(field.path)[2:3] in (["attributes"], ["chunking"])
        for field in change.fields
    )


def waiting(context: Context, into: str) -> dict[Address, str]:
    """What `imports` name and the lock has not yet. An entry that an import has written stays until
    everything about it is done, the files of a store included.
    """
    if not disk.is_folder(context.root / FOLDER):
        return {}
    state = context.checked(context.store.peek().state)
    locked = state.ids if state else {}
    return {
        item.to: item.id
        for item in context.specs.imports
        if item.to in context.specs.desired
        and (item.to not in locked or (item.source.file == into and locked[item.to] == item.id))
    }


async def unstamped(session: Session, wanted: Mapping[Address, str], none: bool) -> set[Address]:
    """What is taken over without a stamp: all of it, or what has no room for one."""
    if none:
        return set(wanted)
    context = session.context
    asked = []
    for address, id in wanted.items():
        form = kind(address.kind).form(context.specs.desired[address].api)
        if form.stamped:
            asked.append((address, form.read(session.remote, id, Names())))
    lives = await together(one for _, one in asked)
    return {
        address
        for (address, _), live in zip(asked, lives, strict=True)
        if live is not None and no_room(live)
    }


def check_untouched(plan: Plan) -> None:
    """PlanError where something would be written at the service although nothing may be."""
    writes = [str(change.address) for change in plan.changes if change.action is not Action.KEEP]
    writes += [
        f"{item.store}: {item.path}"
        for item in plan.store_file_changes
        if item.action not in (*QUIET, "update")
    ]
    if writes:
        some = listed(f"`{one}`" for one in writes)
        detail = f"With `--no-stamp` nothing is written at the service, and {some} would be."
        hint = "leave `--no-stamp` out, or make the specs say what the service has"
        raise PlanError(Problem("Not without a write", detail, hint))


def take_out_imports(context: Context, into: str) -> None:
    """Take the entries of `imports` that are over out of the spec that they were written into."""
    place = context.root / into
    state = context.store.peek().state
    if state is None or not disk.is_file(place):
        return
    data = disk.read(place, disk.LARGEST_TEXT)
    text = data.decode("utf-8-sig")
    old = read_yaml(text.encode()).value
    entries = old.get("imports") if isinstance(old, dict) else None
    over = {(str(address), entry.id) for address, entry in state.resources.items()}
    left = [one for one in entries or () if (one.get("to"), one.get("id")) not in over]
    if len(left) == len(entries or ()):
        return
    new = {**old, "imports": left} if left else {key: old[key] for key in old if key != "imports"}
    if new:
        mark = "\ufeff" if data.startswith(b"\xef\xbb\xbf") else ""
        disk.replace(place, (mark + spec_edited(text, old, new)).encode())
    else:
        disk.remove(place)
