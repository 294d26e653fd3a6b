"""The plan as a whole: every resource decided, consequences drawn, in the order in which it will
happen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError
from itertools import chain

from provisioner.diff import join, parts, same
from provisioner.errors import LockError
from provisioner.kinds import holds_files
from provisioner.model import (
    Action,
    Address,
    Block,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Problem,
    Remnant,
    Stamp,
    StoreFileChange,
)
from provisioner.plan import consequences, guards
from provisioner.plan.decide import decide, references_of
from provisioner.plan.drifting import Examined, examine_ended, worst
from provisioner.plan.forgetting import forget_along, with_users_inside
from provisioner.plan.moves import suspected
from provisioner.plan.ownership import originals
from provisioner.plan.situation import Situation
from provisioner.plan.store_files import (
    ComparedStoreFile,
    compared_store_files,
    decide_store_files,
    files_to_renew,
    store_file_of,
    takeover_notes,
)
from provisioner.plan.users import users_after
from provisioner.refs import closure, ordered, users
from provisioner.text import listed

OUTSIDE = ("remote", "both")


def make_plan(case: Situation, problems: Iterable[Problem] = ()) -> Plan:
    """Decide everything. Pure: the same situation gives the same plan."""
    changes, unkept = _decide_all(case)
    wanted = () if case.options.destroy else sorted(case.desired)
    stores = [address for address in wanted if holds_files(address)]
    held = {store: compared_store_files(case, store) for store in stores}
    store_file_changes, blocks = _decide_store_files(case, held, changes, unkept)
    blocks += _questions(case)
    consequences.repoint(changes)
    consequences.rerender(case, changes)
    left = forget_along(case, changes)
    released = {address for address, change in changes.items() if change.releases}
    changes, store_file_changes = _scope(case, changes, store_file_changes)
    left = with_users_inside(changes, left)
    users = users_after(case, changes, store_file_changes)
    consequences.defer(case, changes, users)
    ended = examine_ended(case, changes)
    _count_store_files(case, changes, ended)
    for address, change in changes.items():
        if change.action is not Action.KEEP:
            changes[address] = _with_defaults(case, change)
    inline = _in_order(case, changes)
    drift = _drift(case, changes, ended)
    return Plan(
        case.workspace,
        case.environment,
        service=case.service,
        lineage=case.lock.lineage,
        serial=case.lock.serial,
        changes=tuple(inline),
        store_file_changes=tuple(store_file_changes),
        drift=tuple(drift),
        orphans=tuple(
            consequences.left_where_used(remnant, users) for remnant in _orphans(case, released)
        ),
        deposed=consequences.deposed(case, users, left),
        notes=(
            *case.observed.notes,
            *unkept_notes(case, unkept),
            *_waits(store_file_changes),
            *takeover_notes(case, held),
            *suspected(inline),
            *consequences.rolled_back(case, changes),
        ),
        unchanged=sum(not change.matters for change in inline),
        blocked=(*blocks, *guards.blocks(case, inline, store_file_changes, drift)),
        problems=tuple(problems),
        keep_versions=case.keep_versions,
        refreshed=case.options.refresh,
        destroy=case.options.destroy,
    )


def _decide_all(case: Situation) -> tuple[dict[Address, Change], dict[Address, tuple[str, ...]]]:
    wanted = () if case.options.destroy else case.desired
    locked = (
        address
        for address, entry in case.lock.resources.items()
        if entry.id or entry.profile or address in wanted
    )
    changes, unkept = {}, {}
    for address in dict.fromkeys(chain(wanted, locked)):
        changes[address], unkept[address] = decide(case, address)
    return changes, unkept


Held = Mapping[Address, list[ComparedStoreFile]]


def _decide_store_files(
    case: Situation,
    held: Held,
    changes: dict[Address, Change],
    unkept: dict[Address, tuple[str, ...]],
) -> tuple[list[StoreFileChange], list[Block]]:
    # Files that a store holds in the wrong way, or that failed there, are uploaded anew.
    for store, files in held.items():
        renewed = () if changes[store].action.makes else files_to_renew(files)
        for file, reason in renewed:
            if changes[file].action is Action.KEEP:
                changes[file] = replace(changes[file], action=Action.REPLACE, reason=reason)
    store_file_changes: list[StoreFileChange] = []
    blocks: list[Block] = []
    for store, files in held.items():
        change = changes[store]
        decision = decide_store_files(case, change, files, changes)
        store_file_changes += decision.store_file_changes
        blocks += decision.blocks
        unkept[store] = (*unkept[store], *decision.unkept)
        if decision.changes:
            action = Action.UPDATE if change.action is Action.KEEP else change.action
            reason = "files_changed" if change.action is Action.KEEP else change.reason
            changes[store] = replace(
                change, action=action, reason=reason, fields=change.fields + decision.changes
            )
    return store_file_changes, blocks


def _scope(
    case: Situation, changes: dict[Address, Change], store_file_changes: list[StoreFileChange]
) -> tuple[dict[Address, Change], list[StoreFileChange]]:
    """What `--target` and `--exclude` leave. A target takes its dependencies along and deletes
    nothing outside.
    """
    options = case.options
    if not (options.targets or options.excludes):
        return changes, store_file_changes
    needs = {
        address: (*references_of(case, address), *change.depends_on)
        for address, change in changes.items()
    }
    inside = closure(options.targets, needs) & set(changes) if options.targets else set(changes)
    for address in inside - options.targets if options.targets else ():
        change = changes[address]
        # Unless something that is forgotten takes it along.
        if change.action.goes and change.reason != "used_by_forgotten":
            inside.discard(address)
    if options.excludes:
        inside -= closure(options.excludes, users(needs))
    left = {address: change for address, change in changes.items() if address in inside}
    return left, [
        item
        for item in store_file_changes
        if item.store in inside
        and (item.file is None or item.file in inside or item.file not in changes)
    ]


def _with_defaults(case: Situation, change: Change) -> Change:
    """With what is written although nobody declares it. A new object has it, and with it a
    replacement may change what somebody has put there.
    """
    if change.after is None or not (change.action.makes or change.action is Action.UPDATE):
        return change
    defaults = case.form(change.address).defaults(change.address, change.after)
    touched = {field.path for field in change.fields}
    if change.action is Action.REPLACE:
        before = change.before or {}
        changed = tuple(
            FieldChange(name, before[name], value)
            for name, value in defaults.items()
            if name in before and name not in touched and not same(before[name], value)
        )
        change = replace(change, fields=(*change.fields, *changed))
    elif change.action is Action.UPDATE:
        defaults = {name: value for name, value in defaults.items() if name in touched}
    return replace(change, defaults=defaults) if defaults else change


def _in_order(case: Situation, changes: dict[Address, Change]) -> list[Change]:
    """What is made first, with its dependencies before it; then what goes, users before what they
    use.
    """
    needs = {
        address: (*references_of(case, address), *change.depends_on)
        for address, change in changes.items()
    }
    try:
        order = ordered(needs)
    except CycleError as error:  # specs with a circle are refused long before
        circle = dict.fromkeys(error.args[1])
        names = listed(f"`{address}`" for address in circle)
        detail = (
            f"In the lock, `depends_on` of {names} leads in a circle, so that nothing in it could"
            " go first."
        )
        hint = (
            "restore the lock from version control, or make it anew with `provisioner state"
            " rebuild`"
        )
        first = str(next(iter(circle)))
        raise LockError(Problem("Broken lock entry", detail, hint, address=first)) from None
    found = [changes[address] for address in order]
    making = [change for change in found if not change.action.goes]
    return making + [change for change in reversed(found) if change.action.goes]


def _count_store_files(
    case: Situation, changes: dict[Address, Change], ended: Mapping[Address, Examined]
) -> None:
    """What is in the stores that go, whoever put it there."""
    for address, one in ended.items():
        live = case.live(address)
        if live is not None and live.store_files:
            held, foreign = len(live.store_files), len(one.files.foreign)
            changes[address] = replace(changes[address], documents=held, foreign_documents=foreign)


def _drift(
    case: Situation, changes: dict[Address, Change], ended: Mapping[Address, Examined]
) -> list[Drifted]:
    """What somebody else did to whatever the plan changes or ends."""
    drifted = guards.missing_objects(case, changes)
    for address, change in changes.items():
        if not change.fields and address not in ended:
            continue
        one = ended[address].drifted if address in ended else Drifted(address, "", change.fields)
        fields = tuple(field for field in one.fields if field.drift in OUTSIDE) if one else ()
        if one and fields:
            drifted.append(replace(one, drift=worst(fields), fields=fields))
    return sorted(drifted, key=lambda item: item.address)


def _orphans(case: Situation, released: Collection[Address]) -> tuple[Remnant, ...]:
    """Objects stamped by our lineage that neither the specs nor the lock account for. One that has
    the stamp of an object of ours may be a copy that somebody made for himself: nothing deletes it.
    What is in a store that is forgotten stays there.
    """
    adopted = {live.id for live in case.adopted.values()}
    found_here = (stray for stray in case.observed.strays if stray.store not in released)
    strays = [stray for stray in found_here if stray.live.id not in adopted]
    moved = originals(case.lock, case.observed.live) if strays else {}
    action = "delete" if case.options.prune_orphans else "keep"
    orphans = []
    for stray in strays:
        details = [f"in `{stray.store}`"] if stray.store else []
        live = case.live(stray.address)
        original = live.id if live else moved.get(stray.address)
        if original is not None:
            details.append(
                f"a copy of `{original}`, or left over: delete it by hand, or take the key"
                f" `{Stamp.KEY}` off it"
            )
        orphans.append(
            Remnant(
                stray.address,
                stray.live.id,
                action=action if original is None else "keep",
                detail=", ".join(details),
                api=stray.api,
            )
        )
    return tuple(orphans)


def _questions(case: Situation) -> list[Block]:
    """What only the author can say of the files of imported stores."""
    return [
        Block("ambiguous_import", question, forced=False)
        for taking in case.takings.values()
        for question in taking.questions
    ]


def _waits(store_file_changes: list[StoreFileChange]) -> list[str]:
    return [
        f"`{item.path}` is still being indexed in `{item.store}`; an apply waits for it."
        for item in store_file_changes
        if item.action == "wait"
    ]


def unkept_notes(case: Situation, unkept: Mapping[Address, Iterable[str]]) -> list[str]:
    """A line for each field that the service dropped or changed when it was written, and what
    follows from it.
    """
    places_of: dict[tuple[str, str], list[tuple[Address, str]]] = {}
    for address in sorted(address for address, paths in unkept.items() if paths):
        for path in unkept[address]:
            file = store_file_of(path)
            # `attributes.team` for each of the store files that have it.
            field = path.removeprefix(join("files", file)).lstrip(".") if file else path
            places_of.setdefault((address.kind, field), []).append((address, path))
    return [_unkept_note(case, field, places) for (_, field), places in places_of.items()]


def _unkept_note(case: Situation, field: str, places: list[tuple[Address, str]]) -> str:
    (address, path), *others = places
    named = dict.fromkeys(store_file_of(path) or str(address) for address, path in places)
    what = (
        f"`{field}` of {listed(f'`{name}`' for name in named)}" if others else f"`{address}#{path}`"
    )
    meaning = case.form(address).unkept.get(parts(field)[0])
    follows = f", so that {meaning}" if meaning else ""
    return (
        f"The service does not keep {what} as it was sent{follows}. What it has instead stays until"
        " the specs say something else; see `unkept` in the lock."
    )
