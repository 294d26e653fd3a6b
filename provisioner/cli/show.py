"""`show`: what was applied, or what a saved plan would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner import disk
from provisioner.cli import options
from provisioner.cli.console import Console, command
from provisioner.errors import UsageError
from provisioner.model import Problem


@command
def show(
    console: Console,
    what: Annotated[
        str | None, typer.Argument(metavar="[ADDR|FILE]", help="A resource, or a saved plan.")
    ] = None,
    format: options.FormatOption = options.PlanFormat.text,
) -> None:
    """Show what was applied, or a saved plan."""
    from provisioner.cli.state import show_entry

    if what is not None and disk.is_file(console.path(what)):
        from provisioner.cli.planning import read_plan_file, show_plan

        show_plan(console, read_plan_file(console, Path(what)), format)
    elif format.document and not console.json:
        detail = f"`--format {format}` is for plans, and nothing else is shown that way."
        raise UsageError(Problem("Wrong usage", detail, "name a file that `plan --out` saved"))
    elif what is None:
        from provisioner import engine
        from provisioner.views.state import show_json, show_text

        state = engine.state(console.open())
        if console.json:
            console.document(show_json(state))
        else:
            console.result(show_text(state))
    else:
        show_entry(console, what)


COMMANDS = {"show": show}
