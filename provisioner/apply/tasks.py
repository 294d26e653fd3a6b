"""A plan as tasks: what has to be over before what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from functools import partial

from provisioner.apply import objects
from provisioner.apply.objects import move_files
from provisioner.apply.run import Run
from provisioner.apply.schedule import Schedule, Task, TaskOutcome
from provisioner.apply.store_files import sync
from provisioner.kinds import kind
from provisioner.model import Action, Address, Applied, Change, Event, Row, StoreFileChange
from provisioner.refs import users

STEPS = ("make", "files", "go", "end")  # what may be done with a resource, one after another


def tasks_of(run: Run, outcome: TaskOutcome) -> list[Task]:
    """Every task of a plan. `outcome` fills while they run, so that nothing is deleted that
    somebody still uses.
    """
    held: dict[Address, list[StoreFileChange]] = {}
    for item in run.plan.store_file_changes:
        held.setdefault(item.store, []).append(item)
    used, old, along = _users(run), _old_stores(run), _along(run)
    # Stores are there before any file: to others their stamps tell whose uploads there may be
    # (`apply.suspects`).
    made = (change.address for change in run.plan.changes if change.action.makes)
    stores = _steps(
        "make", addresses=[address for address in made if address.kind == "vector_store"]
    )
    tasks = [
        task
        for change in run.plan.changes
        for task in _of_change(
            run, change, held=held, used=used, old=old, along=along, outcome=outcome, stores=stores
        )
    ]
    for store, items in held.items():
        files = _steps("make", addresses=[item.file for item in items if item.file])
        tasks.append(
            Task(
                ("files", str(store)),
                partial(sync, run, store, items),
                needs=_steps("make", addresses=[store]),
                after=files,
            )
        )
    return [*tasks, *_remnants(run, used, old, outcome)]


def _of_change(
    run: Run,
    change: Change,
    *,
    held: dict[Address, list[StoreFileChange]],
    used: dict[Address, set[Address]],
    old: dict[str, set[Hashable]],
    along: dict[Address, set[Hashable]],
    outcome: TaskOutcome,
    stores: set[Hashable],
) -> Iterator[Task]:
    address = change.address
    blockers = _steps(*STEPS, addresses=used.get(address, ()))
    if not (change.releases or change.stays_with):  # what stays may be in old stores that go
        blockers |= old.get(change.id or "", set())
    if change.action.goes:
        run_it = _unless_used(
            run,
            change,
            blockers=blockers,
            outcome=outcome,
            act=partial(objects.remove_object, run, change),
        )
        yield Task(("go", str(address)), run_it, along.get(address, set()), blockers)
        return
    if not change.matters and address not in held:
        yield Task(("make", str(address)), partial(objects.make_object, run, change))
        return
    needs = _steps("make", "files", addresses=change.depends_on)
    if address.kind == "vector_store":
        needs = set()
    after = stores if address.kind == "file" else set()
    yield Task(("make", str(address)), partial(objects.make_object, run, change), needs, after)
    if change.action.makes and address.kind == "file":
        yield Task(
            ("end", str(address)),
            partial(_end_file, run, change, blockers, outcome),
            needs=_steps("make", addresses=[address]),
            after=blockers,
        )
    elif change.action is Action.REPLACE:
        finish = _unless_used(
            run,
            change,
            blockers=blockers,
            outcome=outcome,
            act=partial(objects.remove_old, run, change),
        )
        yield Task(
            ("end", str(address)),
            finish,
            needs=_steps("make", addresses=[address]),
            after=blockers,
        )


async def _end_file(
    run: Run, change: Change, blockers: set[Hashable], outcome: TaskOutcome
) -> bool:
    """A new version is final once every store has it; one that no store could index is
    taken back.
    """
    return await objects.end_file(run, change, clear=not _bad(blockers, outcome))


def _unless_used(
    run: Run,
    change: Change,
    *,
    blockers: set[Hashable],
    outcome: TaskOutcome,
    act: Callable[[], Awaitable[bool]],
) -> Callable[[], Awaitable[bool]]:
    async def guarded() -> bool:
        bad = _bad(blockers, outcome)
        if not bad and change.id not in run.stuck:
            return await act()
        names = (
            ", ".join(sorted(f"`{key[1]}`" for key in bad if isinstance(key, tuple))) or "a store"
        )
        run.on_event(
            Event(
                "skipped",
                change.address,
                action=change.action,
                id=change.id,
                detail=f"still used by {names}",
            )
        )
        run.skipped.append(change.address)
        return False

    return guarded


def _bad(blockers: set[Hashable], outcome: TaskOutcome) -> set[Hashable]:
    return {key for key in blockers if key in outcome.failed or key in outcome.skipped}


def _users(run: Run) -> dict[Address, set[Address]]:
    """Who refers to an address, before or after this plan."""
    needs: dict[Address, set[Address]] = {}
    for address, entry in run.state.resources.items():
        needs.setdefault(address, set()).update(kind(address.kind).references(entry.fields))
    for change in run.plan.changes:
        needs.setdefault(change.address, set()).update(change.depends_on)
    for item in run.plan.store_file_changes:
        if item.file:
            needs.setdefault(item.store, set()).add(item.file)
    for change in run.plan.changes:
        if change.releases:  # it goes on using what it uses
            needs.pop(change.address, None)
    return users(needs)


def _along(run: Run) -> dict[Address, set[Hashable]]:
    """What is given up along with a forgotten resource, and before it: nothing else would say to
    leave it alone.
    """
    steps: dict[Address, set[Hashable]] = {}
    for change in run.plan.changes:
        if change.stays_with:
            step = "go" if change.action.goes else "end"
            steps.setdefault(change.stays_with, set()).add((step, str(change.address)))
    for remnant in run.plan.deposed:
        if remnant.stays_with:
            steps.setdefault(remnant.stays_with, set()).add(("deposed", remnant.id))
    return steps


def _steps(*steps: str, addresses: Iterable[Address]) -> set[Hashable]:
    """The keys of some steps of some resources."""
    return {(step, str(address)) for address in addresses for step in steps}


def _remnants(
    run: Run, used: dict[Address, set[Address]], old: dict[str, set[Hashable]], outcome: TaskOutcome
) -> Iterator[Task]:
    """Deposed objects and orphans that the plan deletes, after everything that might still use
    them.
    """
    for remnant in run.plan.deposed:
        if remnant.action == "delete":
            touching = [remnant.address, *used.get(remnant.address, ())]
            after = _steps(*STEPS, addresses=touching) | old.get(remnant.id, set())
            run_it = partial(objects.remove_deposed, run, remnant, after, outcome)
            yield Task(("deposed", remnant.id), run_it, after=after)
        elif remnant.action == "forget":
            run_it = partial(objects.give_up_deposed, run, remnant)
            after = _steps(*STEPS, addresses=[remnant.address])
            yield Task(("deposed", remnant.id), run_it, after=after)
    for remnant in run.plan.orphans:
        if remnant.action == "delete":
            yield Task(("orphan", remnant.id), partial(objects.remove_orphan, run, remnant))


def _old_stores(run: Run) -> dict[str, set[Hashable]]:
    """What deletes the old stores that hold a file, by the file's id."""
    stores: dict[str, set[Hashable]] = {}
    for entry in run.state.resources.values():
        for store, files in entry.deposed_files.items():
            for file in files:
                stores.setdefault(file, set()).add(("deposed", store))
    return stores


COUNTS = ("imported", "added", "changed", "replaced", "moved", "destroyed", "forgotten")


async def carry_out(run: Run, parallelism: int) -> Applied:
    """Run every task of the plan."""
    await move_files(run)
    outcome = TaskOutcome()
    schedule = Schedule(tasks_of(run, outcome), parallelism, outcome)
    run.stop = schedule.stop
    run.remote.settling.aside = schedule.aside
    if run.interrupted:  # before there was anything to stop
        schedule.stop()
    await schedule.run()
    _count_uploads(run, outcome)
    skipped = sorted(
        Address.parse(key[1])
        for key in outcome.skipped
        if isinstance(key, tuple) and key[0] in ("make", "go")
    )
    for address in skipped:
        change = run.change(address)
        run.on_event(
            Event("skipped", address, change.action if change else None, detail="needs what failed")
        )
    return Applied(
        run.plan,
        {name: run.counts[name] for name in COUNTS},
        failed=tuple(
            sorted(run.failed, key=lambda problem: (problem.address or "", problem.order))
        ),
        skipped=tuple(sorted({*skipped, *run.skipped})),
        notes=tuple(run.notes),
        interrupted=bool(outcome.unstarted) and not run.out_of_quota,
        undone=frozenset(_undone(run, outcome)),
    )


def _count_uploads(run: Run, outcome: TaskOutcome) -> None:
    """Files that are uploaded, whose stores an interrupted run did not come to: they are there, and
    in the lock.
    """
    for change in run.plan.changes:
        is_upload = change.address.kind == "file" and change.address in run.made
        if is_upload and ("end", str(change.address)) in outcome.unstarted:
            run.finished(change, run.entries[change.address].id)


def _undone(run: Run, outcome: TaskOutcome) -> Iterator[Row]:
    """What of the plan is still to do."""
    for change in run.plan.changes:
        yield from _undone_of(change, outcome)
    for item in run.plan.store_file_changes:
        if not _over(outcome, "files", str(item.store)) or (item.store, item.path) in run.left_out:
            yield Row("file", str(item.store), item.path)
    remnants = [("deposed", remnant) for remnant in run.plan.deposed]
    remnants += [("orphan", remnant) for remnant in run.plan.orphans]
    for step, remnant in remnants:
        if not _over(outcome, step, remnant.id):
            yield Row("old", str(remnant.address), remnant.id)


def _undone_of(change: Change, outcome: TaskOutcome) -> Iterator[Row]:
    """A new object and the end of the old one are two things. A file is there when its stores have
    taken it.
    """
    name = str(change.address)
    made, ended = (
        all(_over(outcome, step, name) for step in steps) for steps in (("make", "go"), ("end",))
    )
    if not made or (change.address.kind == "file" and not ended):
        yield Row("change", name)
    if not ended and change.id:
        yield Row("old", name, change.id)


def _over(outcome: TaskOutcome, step: str, name: str) -> bool:
    """Whether a step has succeeded, or there is none."""
    return not any(
        (step, name) in tasks for tasks in (outcome.failed, outcome.skipped, outcome.unstarted)
    )
