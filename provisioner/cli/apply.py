"""`apply`: make the service match the specs, or carry out a saved plan exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner.cli import options
from provisioner.cli.console import Console, addresses, command
from provisioner.errors import UsageError
from provisioner.model import Problem


@command
def apply(
    console: Console,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A plan that `plan --out` saved.")
    ] = None,
    auto_approve: options.AutoApprove = False,
    parallelism: options.Parallelism = 10,
    checksum: Annotated[
        str | None,
        typer.Option("--checksum", metavar="SHA", help="Apply only a plan with this checksum."),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option(
            "--commit", metavar="SHA", help="What the plan is of; each commit is applied once."
        ),
    ] = None,
    lock_timeout: options.LockTimeout = 0,
    index_timeout: options.IndexTimeout = 1800,
    target: options.Targets = None,
    exclude: options.Excludes = None,
    replace: options.Replaces = None,
    rotate: options.Rotates = None,
    destroy: options.Destroy = False,
    on_drift: options.OnDriftOption = None,
    prune_orphans: options.PruneOrphans = False,
    force: options.Force = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Hold the checks of what was applied afterwards."),
    ] = False,
    format: options.FormatOption = options.PlanFormat.text,
) -> int:
    """Make the service match the specs, or apply a saved plan."""
    from provisioner.cli.applying import ApplyRequest, GivenApproval, apply_saved, decide_and_apply
    from provisioner.cli.planning import read_plan_file, refuse_options
    from provisioner.engine import ApplyOptions
    from provisioner.plan import PlanOptions

    if check and destroy:
        detail = (
            "`--check` and `--destroy` are given; of what is deleted there is nothing to check."
        )
        raise UsageError(Problem("Wrong usage", detail, "leave one of them out"))
    commit = (commit or "").strip() or None
    how = ApplyOptions(parallelism, lock_timeout, deadline=index_timeout, terminal=console.terminal)
    if file is not None:
        decided = {
            "--target": target,
            "--exclude": exclude,
            "--replace": replace,
            "--rotate": rotate,
            "--destroy": destroy,
            "--on-drift": on_drift,
            "--prune-orphans": prune_orphans,
        }
        refuse_options(console, file, decided)
        saved = read_plan_file(console, file)
        given = GivenApproval(auto_approve, checksum, force, commit)
        return apply_saved(console, saved, ApplyRequest(how, given, format, check))
    wanted = PlanOptions(
        targets=addresses(target),
        excludes=addresses(exclude),
        replaces=addresses(replace),
        rotates=addresses(rotate),
        destroy=destroy,
        on_drift=on_drift,
        prune_orphans=prune_orphans,
        force=force,
    )
    return decide_and_apply(
        console,
        wanted,
        ApplyRequest(how, GivenApproval(auto_approve, checksum, commit=commit), format, check),
    )


COMMANDS = {"apply": apply}
