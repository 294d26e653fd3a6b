"""`rollback`: an older version of a request profile becomes the newest again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, command
from provisioner.errors import UsageError
from provisioner.model import Applied, Problem

if TYPE_CHECKING:
    from provisioner.cli.applying import ApplyRequest


@command
def rollback(
    console: Console,
    addr: Annotated[str, typer.Argument(metavar="ADDR", help="An assistant of the lock.")],
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="The version whose request is wanted back."),
    ] = None,
    auto_approve: options.AutoApprove = False,
    lock_timeout: options.LockTimeout = 0,
    format: options.FormatOption = options.PlanFormat.text,
) -> int:
    """Make an older version of a request profile the newest again."""
    from provisioner.cli.applying import ApplyRequest, GivenApproval
    from provisioner.engine import ApplyOptions

    if to is None:
        hint = f"name it with `--to N`; `provisioner versions {addr}` lists what is kept"
        raise UsageError(Problem("Wrong usage", "No version is named.", hint))
    how = ApplyOptions(lock_timeout=lock_timeout)
    request = ApplyRequest(how, GivenApproval(auto_approve), format)
    return interrupts.run_main(_roll_back(console, addr, to, request))


async def _roll_back(console: Console, addr: str, to: int, request: ApplyRequest) -> int:
    """Plan, show, ask, write: under one lease. The specs are not even read."""
    from provisioner.cli.applying import confirm_and_carry_out, exit_code
    from provisioner.cli.state import entry_at
    from provisioner.engine import Session
    from provisioner.engine.versions import rollback as rollback_plan
    from provisioner.views.progress import summary_json

    context = console.open()
    writing = Session.writing(context, request.options, console.say, needs_specs=False)
    async with writing as session:
        entry = entry_at(session.lock, addr)
        plan = await rollback_plan(session, entry, to)
        if plan.changes:
            done = await confirm_and_carry_out(console, session, plan, request)
            return 1 if done is None else exit_code(done)
    if console.json:
        console.result(summary_json(Applied(plan, {}, serial=plan.serial)))
    else:
        console.result(f"Nothing to do: {addr} sends what version {to} has already.\n")
    return 0


COMMANDS = {"rollback": rollback}
