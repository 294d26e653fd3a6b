"""`plan`: what an apply would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, addresses, command

if TYPE_CHECKING:
    from provisioner.plan import PlanOptions

CHANGES = 2  # the exit code of `--detailed-exitcode`


@command
def plan(
    console: Console,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the plan, to apply exactly this."),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there are changes.")
    ] = False,
    target: options.Targets = None,
    exclude: options.Excludes = None,
    replace: options.Replaces = None,
    rotate: options.Rotates = None,
    destroy: options.Destroy = False,
    no_refresh: Annotated[
        bool, typer.Option("--no-refresh", help="Compare with the lock alone, without credentials.")
    ] = False,
    on_drift: options.OnDriftOption = None,
    prune_orphans: options.PruneOrphans = False,
    force: options.Force = False,
    format: options.FormatOption = options.PlanFormat.text,
) -> int:
    """Show what an apply would change."""
    from provisioner.cli.planning import check_out
    from provisioner.plan import PlanOptions

    if out is not None:
        check_out(console, out, refreshed=not no_refresh)
    wanted = PlanOptions(
        targets=addresses(target),
        excludes=addresses(exclude),
        replaces=addresses(replace),
        rotates=addresses(rotate),
        destroy=destroy,
        refresh=not no_refresh,
        on_drift=on_drift,
        prune_orphans=prune_orphans,
        force=force,
    )
    code = interrupts.run_main(_plan(console, wanted, out, format))
    return 0 if code == CHANGES and not detailed_exitcode else code


async def _plan(
    console: Console, wanted: PlanOptions, out: Path | None, format: options.PlanFormat
) -> int:
    """The exit code, and not the plan: at its end asyncio spells out a task's result, however large
    it is.
    """
    from provisioner.cli.planning import plan_now, saved, show_plan

    made = await plan_now(console.open(), wanted)
    try:
        show_plan(console, made, format)
    finally:  # it is a result of its own, whatever stdout takes
        written = out is None or saved(console, made, out)
    if made.stopped or not written:
        return 1
    return 0 if made.empty else CHANGES


COMMANDS = {"plan": plan}
