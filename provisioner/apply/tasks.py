"""A plan as tasks: what has to be over before what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from functools import partial

from provisioner.apply import objects
from provisioner.apply.objects import move_files
from provisioner.apply.run import Run
from provisioner.apply.schedule import Schedule, Task, TaskOutcome
from provisioner.apply.store_files import sync
from provisioner.kinds import holds_files, is_file, kind
from provisioner.model import Action, Address, Applied, Change, Event, Row, StoreFileChange
from provisioner.refs import users

STEPS = ("make", "files", "go", "end")  # what may be done with a resource, one after another


Keys = set[Hashable]


class Tasks:
    """The tasks of one plan. `outcome` fills while they run, so that nothing is deleted that
    somebody still uses.
    """

    def __init__(self, run: Run, outcome: TaskOutcome) -> None:
        self.run = run
        self.outcome = outcome
        self.held: dict[Address, list[StoreFileChange]] = {}
        for item in run.plan.store_file_changes:
            self.held.setdefault(item.store, []).append(item)
        self.used = _users(run)
        self.old_stores = _old_stores(run)
        # What is given up along with a forgotten resource, and before it: nothing else would
        # say to leave it alone.
        self.along: dict[Address, set[Hashable]] = {}
        for change in run.plan.changes:
            if change.stays_with:
                step = "go" if change.action.goes else "end"
                self.along.setdefault(change.stays_with, set()).add((step, str(change.address)))
        for remnant in run.plan.deposed:
            if remnant.stays_with:
                self.along.setdefault(remnant.stays_with, set()).add(("deposed", remnant.id))
        made = (change.address for change in run.plan.changes if change.action.makes)
        self.new_stores = _steps("make", of=[one for one in made if holds_files(one)])

    def all(self) -> Iterator[Task]:
        """Every task of the plan."""
        for change in self.run.plan.changes:
            yield from self._gone(change) if change.action.goes else self._made(change)
        for store, items in self.held.items():
            yield Task(
                ("files", str(store)),
                partial(sync, self.run, store, items),
                needs=_steps("make", of=[store]),
                after=_steps("make", of=[item.file for item in items if item.file]),
            )
        # Deposed objects and orphans that the plan deletes, after everything that might still
        # use them.
        for remnant in self.run.plan.deposed:
            key = ("deposed", remnant.id)
            if remnant.action == "delete":
                touching = [remnant.address, *self.used.get(remnant.address, ())]
                after = _steps(*STEPS, of=touching) | self.old_stores.get(remnant.id, set())
                remove = partial(objects.remove_deposed, self.run, remnant, after, self.outcome)
                yield Task(key, remove, after=after)
            elif remnant.action == "forget":
                give_up = partial(objects.give_up_deposed, self.run, remnant)
                yield Task(key, give_up, after=_steps(*STEPS, of=[remnant.address]))
        for remnant in self.run.plan.orphans:
            if remnant.action == "delete":
                remove = partial(objects.remove_orphan, self.run, remnant)
                yield Task(("orphan", remnant.id), remove)

    def _gone(self, change: Change) -> Iterator[Task]:
        """A resource goes after its users, and after what is given up along with it."""
        remove = partial(objects.remove_object, self.run, change)
        yield Task(
            ("go", str(change.address)),
            partial(self._unless_used, change, remove),
            needs=self.along.get(change.address, set()),
            after=self._blockers(change),
        )

    def _made(self, change: Change) -> Iterator[Task]:
        """A resource is made after what it needs; what it replaces goes once its users have moved
        on.
        """
        address, make = change.address, partial(objects.make_object, self.run, change)
        if not change.matters and address not in self.held:
            yield Task(("make", str(address)), make)
            return
        needs, after = _steps("make", "files", of=change.depends_on), set[Hashable]()
        if holds_files(address):
            needs = set()
        if is_file(address):
            # Stores are there before any file: to others their stamps tell whose uploads there may
            # be (`apply.exactly_once`).
            after = self.new_stores
        yield Task(("make", str(address)), make, needs, after)
        if change.action.makes and is_file(address):
            finish = partial(self._end_file, change)
        elif change.action is Action.REPLACE:
            remove = partial(objects.remove_old, self.run, change)
            finish = partial(self._unless_used, change, remove)
        else:
            return
        yield Task(
            ("end", str(address)),
            finish,
            needs=_steps("make", of=[address]),
            after=self._blockers(change),
        )

    def _blockers(self, change: Change) -> Keys:
        """What has to be over, and well, before the old object of a change may go."""
        blockers = _steps(*STEPS, of=self.used.get(change.address, ()))
        if not (change.releases or change.stays_with):  # what stays may be in old stores that go
            blockers |= self.old_stores.get(change.id or "", set())
        return blockers

    def _failed(self, change: Change) -> Keys:
        failed, skipped = self.outcome.failed, self.outcome.skipped
        return {key for key in self._blockers(change) if key in failed or key in skipped}

    async def _end_file(self, change: Change) -> bool:
        """A new version is final once every store has it; one that no store could index is
        taken back.
        """
        return await objects.end_file(self.run, change, clear=not self._failed(change))

    async def _unless_used(self, change: Change, act: Callable[[], Awaitable[bool]]) -> bool:
        failed = self._failed(change)
        if not failed and change.id not in self.run.stuck:
            return await act()
        names = sorted(f"`{key[1]}`" for key in failed if isinstance(key, tuple))
        detail = f"still used by {', '.join(names) or 'a store'}"
        self.run.on_event(
            Event("skipped", change.address, action=change.action, id=change.id, detail=detail)
        )
        self.run.skipped.append(change.address)
        return False


def _steps(*steps: str, of: Iterable[Address]) -> Keys:
    """The keys of some steps of some resources."""
    return {(step, str(address)) for address in of for step in steps}


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
    # No more requests than that are under way, which the connections see to: beside each one, the
    # intent of another may become durable, or its result.
    schedule = Schedule(Tasks(run, outcome).all(), 2 * parallelism - 1, outcome)
    run.stop = schedule.stop
    run.remote.settling.aside = schedule.aside
    if run.interrupted:  # before there was anything to stop
        schedule.stop()
    await schedule.run()
    # Files that are uploaded, whose stores an interrupted run did not come to: they are there,
    # and in the lock.
    for upload in run.plan.changes:
        is_upload = is_file(upload.address) and upload.address in run.made
        if is_upload and ("end", str(upload.address)) in outcome.unstarted:
            run.finished(upload, run.entries[upload.address].id)
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


def _undone(run: Run, outcome: TaskOutcome) -> Iterator[Row]:
    """What of the plan is still to do."""
    for change in run.plan.changes:
        # A new object and the end of the old one are two things. A file is there when its
        # stores have taken it.
        name = str(change.address)
        made, ended = (
            all(_over(outcome, step, name) for step in steps)
            for steps in (("make", "go"), ("end",))
        )
        if not made or (is_file(change.address) and not ended):
            yield Row("change", name)
        if not ended and change.id:
            yield Row("old", name, change.id)
    for item in run.plan.store_file_changes:
        if not _over(outcome, "files", str(item.store)) or (item.store, item.path) in run.left_out:
            yield Row("file", str(item.store), item.path)
    remnants = [("deposed", remnant) for remnant in run.plan.deposed]
    remnants += [("orphan", remnant) for remnant in run.plan.orphans]
    for step, remnant in remnants:
        if not _over(outcome, step, remnant.id):
            yield Row("old", str(remnant.address), remnant.id)


def _over(outcome: TaskOutcome, step: str, name: str) -> bool:
    """Whether a step has succeeded, or there is none."""
    return not any(
        (step, name) in tasks for tasks in (outcome.failed, outcome.skipped, outcome.unstarted)
    )
