"""A plan as tasks: what has to be over before what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from functools import partial

from provisioner.apply import objects
from provisioner.apply.documents import sync
from provisioner.apply.recorded import MAKING
from provisioner.apply.run import Run
from provisioner.apply.schedule import Outcome, Task
from provisioner.kinds import kind
from provisioner.model import Action, Address, Attachment, Change, Event
from provisioner.refs import users

GOING = (Action.DELETE, Action.FORGET)


def tasks_of(run: Run, outcome: Outcome) -> list[Task]:
    """Every task of a plan. `outcome` fills while they run, so that nothing is deleted that somebody still uses."""
    held = _by_store(run.plan.attachments)
    used, old, along = _users(run), _old_stores(run), _along(run)
    # Stores are there before any file: to others their stamps tell whose uploads there may be (`apply.suspects`).
    made = (change.address for change in run.plan.changes if change.action in MAKING)
    stores = _made(address for address in made if address.kind == "vector_store")
    tasks = [
        task for change in run.plan.changes for task in _of_change(run, change, held, used, old, along, outcome, stores)
    ]
    tasks += [
        Task(("files", str(store)), partial(sync, run, store, items), _made([store]), _made(_files(items)))
        for store, items in held.items()
    ]
    return [*tasks, *_remnants(run, used, old, outcome)]


def _of_change(
    run: Run,
    change: Change,
    held: dict[Address, list[Attachment]],
    used: dict[Address, set[Address]],
    old: dict[str, set[Hashable]],
    along: dict[Address, set[Hashable]],
    outcome: Outcome,
    stores: set[Hashable],
) -> Iterator[Task]:
    address = change.address
    blockers = _touching(used.get(address, ()))
    if not (change.releases or change.stays_with):  # what stays may be in old stores that go
        blockers |= old.get(change.id or "", set())
    if change.action in GOING:
        run_it = _unless_used(run, change, blockers, outcome, partial(objects.remove, run, change))
        yield Task(("go", str(address)), run_it, along.get(address, set()), blockers)
        return
    if not change.matters and address not in held:
        yield Task(("make", str(address)), partial(objects.make, run, change))
        return
    needs = set() if address.kind == "vector_store" else _usable(change.depends_on)
    after = stores if address.kind == "file" else set()
    yield Task(("make", str(address)), partial(objects.make, run, change), needs, after)
    if change.action in MAKING and address.kind == "file":
        yield Task(
            ("end", str(address)), partial(_end_file, run, change, blockers, outcome), _made([address]), blockers
        )
    elif change.action is Action.REPLACE:
        finish = _unless_used(run, change, blockers, outcome, partial(objects.remove_old, run, change))
        yield Task(("end", str(address)), finish, _made([address]), blockers)


async def _end_file(run: Run, change: Change, blockers: set[Hashable], outcome: Outcome) -> bool:
    """A new version is final once every store has it; one that no store could index is taken back."""
    return await objects.end_file(run, change, clear=not _bad(blockers, outcome))


def _unless_used(
    run: Run, change: Change, blockers: set[Hashable], outcome: Outcome, act: Callable[[], Awaitable[bool]]
) -> Callable[[], Awaitable[bool]]:
    async def guarded() -> bool:
        bad = _bad(blockers, outcome)
        if not bad and change.id not in run.stuck:
            return await act()
        names = ", ".join(sorted(f"`{key[1]}`" for key in bad if isinstance(key, tuple))) or "a store"
        run.on_event(Event("skipped", change.address, change.action, change.id, f"still used by {names}"))
        run.skipped.append(change.address)
        return False

    return guarded


def _bad(blockers: set[Hashable], outcome: Outcome) -> set[Hashable]:
    return {key for key in blockers if key in outcome.failed or key in outcome.skipped}


def _by_store(attachments: Iterable[Attachment]) -> dict[Address, list[Attachment]]:
    found: dict[Address, list[Attachment]] = {}
    for item in attachments:
        found.setdefault(item.store, []).append(item)
    return found


def _users(run: Run) -> dict[Address, set[Address]]:
    """Who refers to an address, before or after this plan."""
    needs: dict[Address, set[Address]] = {}
    for address, entry in run.state.resources.items():
        needs.setdefault(address, set()).update(kind(address.kind).references(entry.fields))
    for change in run.plan.changes:
        needs.setdefault(change.address, set()).update(change.depends_on)
    for item in run.plan.attachments:
        if item.file:
            needs.setdefault(item.store, set()).add(item.file)
    for change in run.plan.changes:
        if change.releases:  # it goes on using what it uses
            needs.pop(change.address, None)
    return users(needs)


def _along(run: Run) -> dict[Address, set[Hashable]]:
    """What is given up along with a forgotten resource, and before it: nothing else would say to leave it alone."""
    found: dict[Address, set[Hashable]] = {}
    for change in run.plan.changes:
        if change.stays_with:
            step = "go" if change.action in GOING else "end"
            found.setdefault(change.stays_with, set()).add((step, str(change.address)))
    for remnant in run.plan.deposed:
        if remnant.stays_with:
            found.setdefault(remnant.stays_with, set()).add(("deposed", remnant.id))
    return found


def _files(items: Iterable[Attachment]) -> list[Address]:
    return [item.file for item in items if item.file]


def _made(addresses: Iterable[Address]) -> set[Hashable]:
    return {("make", str(address)) for address in addresses}


def _usable(addresses: Iterable[Address]) -> set[Hashable]:
    return {(step, str(address)) for address in addresses for step in ("make", "files")}


def _touching(addresses: Iterable[Address]) -> set[Hashable]:
    return {(step, str(address)) for address in addresses for step in ("make", "files", "go", "end")}


def _remnants(
    run: Run, used: dict[Address, set[Address]], old: dict[str, set[Hashable]], outcome: Outcome
) -> Iterator[Task]:
    """Deposed objects and orphans that the plan deletes, after everything that might still use them."""
    for remnant in run.plan.deposed:
        if remnant.action == "delete":
            after = _touching([remnant.address, *used.get(remnant.address, ())]) | old.get(remnant.id, set())
            run_it = partial(objects.remove_deposed, run, remnant, after, outcome)
            yield Task(("deposed", remnant.id), run_it, after=after)
        elif remnant.action == "forget":
            run_it = partial(objects.give_up_deposed, run, remnant)
            yield Task(("deposed", remnant.id), run_it, after=_touching([remnant.address]))
    for remnant in run.plan.orphans:
        if remnant.action == "delete":
            yield Task(("orphan", remnant.id), partial(objects.remove_orphan, run, remnant))


def _old_stores(run: Run) -> dict[str, set[Hashable]]:
    """What deletes the old stores that hold a file, by the file's id."""
    found: dict[str, set[Hashable]] = {}
    for entry in run.state.resources.values():
        for store, files in entry.deposed_files.items():
            for file in files:
                found.setdefault(file, set()).add(("deposed", store))
    return found
