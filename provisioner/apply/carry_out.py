"""A whole apply: its tasks run, its end told."""

from __future__ import annotations

from provisioner.apply.objects import move_files
from provisioner.apply.run import Run
from provisioner.apply.schedule import Outcome, Schedule
from provisioner.apply.tasks import tasks_of
from provisioner.model import Address, Applied, Event

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
    )


def _count_uploads(run: Run, outcome: Outcome) -> None:
    """Files that are uploaded, whose stores an interrupted run did not come to: they are there, and in the lock."""
    for change in run.plan.changes:
        is_upload = change.address.kind == "file" and change.address in run.made
        if is_upload and ("end", str(change.address)) in outcome.unstarted:
            run.finished(change, run.entries[change.address].id)


def _skipped(outcome: Outcome) -> list[Address]:
    return sorted(
        Address.parse(key[1]) for key in outcome.skipped if isinstance(key, tuple) and key[0] in ("make", "go")
    )
