"""A whole apply: its tasks run, its end told."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.apply.objects import move_files
from provisioner.apply.run import Run
from provisioner.apply.schedule import Outcome, Schedule
from provisioner.apply.tasks import tasks_of
from provisioner.model import Address, Applied, Change, Event, Row

COUNTS = ("imported", "added", "changed", "replaced", "moved", "destroyed", "forgotten")


async def carry_out(run: Run, parallelism: int) -> Applied:
    """Run every task of the plan."""
    await move_files(run)
    outcome = Outcome()
    schedule = Schedule(tasks_of(run, outcome), parallelism, outcome)
    run.stop = schedule.stop
    run.remote.settling.aside = schedule.aside
    if run.interrupted:  # before there was anything to stop
        schedule.stop()
    await schedule.run()
    _count_uploads(run, outcome)
    skipped = _skipped(outcome)
    for address in skipped:
        change = run.change(address)
        run.on_event(Event("skipped", address, change.action if change else None, detail="needs what failed"))
    return Applied(
        run.plan,
        {name: run.counts[name] for name in COUNTS},
        failed=tuple(sorted(run.failed, key=lambda problem: (problem.address or "", problem.order))),
        skipped=tuple(sorted({*skipped, *run.skipped})),
        notes=tuple(run.notes),
        interrupted=bool(outcome.unstarted) and not run.out_of_quota,
        undone=frozenset(_undone(run, outcome)),
    )


def _count_uploads(run: Run, outcome: Outcome) -> None:
    """Files that are uploaded, whose stores an interrupted run did not come to: they are there, and in the lock."""
    for change in run.plan.changes:
        is_upload = change.address.kind == "file" and change.address in run.made
        if is_upload and ("end", str(change.address)) in outcome.unstarted:
            run.finished(change, run.entries[change.address].id)


def _undone(run: Run, outcome: Outcome) -> Iterator[Row]:
    """What of the plan is still to do."""
    for change in run.plan.changes:
        yield from _of_change(change, outcome)
    for item in run.plan.attachments:
        if not _over(outcome, "files", str(item.store)) or (item.store, item.path) in run.left_out:
            yield Row("file", str(item.store), item.path)
    remnants = [("deposed", remnant) for remnant in run.plan.deposed]
    remnants += [("orphan", remnant) for remnant in run.plan.orphans]
    for step, remnant in remnants:
        if not _over(outcome, step, remnant.id):
            yield Row("old", str(remnant.address), remnant.id)


def _of_change(change: Change, outcome: Outcome) -> Iterator[Row]:
    """A new object and the end of the old one are two things. A file is there when its stores have taken it."""
    name = str(change.address)
    made, ended = (all(_over(outcome, step, name) for step in steps) for steps in (("make", "go"), ("end",)))
    if not made or (change.address.kind == "file" and not ended):
        yield Row("change", name)
    if not ended and change.id:
        yield Row("old", name, change.id)


def _over(outcome: Outcome, step: str, name: str) -> bool:
    """Whether a step has succeeded, or there is none."""
    return not any((step, name) in tasks for tasks in (outcome.failed, outcome.skipped, outcome.unstarted))


def _skipped(outcome: Outcome) -> list[Address]:
    return sorted(
        Address.parse(key[1]) for key in outcome.skipped if isinstance(key, tuple) and key[0] in ("make", "go")
    )
