"""`drift`: what somebody else changed at the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, command

if TYPE_CHECKING:
    from provisioner.engine.drift import DriftOptions
    from provisioner.model import Drift, Drifted
    from provisioner.plan import Situation

DRIFTED = 2


@command
def drift(
    console: Console,
    pending: Annotated[
        bool,
        typer.Option("--pending", help="Show your own edits that are not applied yet as well."),
    ] = False,
    unmanaged: Annotated[
        bool,
        typer.Option(
            "--unmanaged", help="List objects that nobody stamped and nothing here names as well."
        ),
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="ADDR[#PATH]", help="Leave a resource or a field out."),
    ] = None,
    format: options.FormatOption = options.PlanFormat.text,
) -> int:
    """Show what somebody else changed since the last apply."""
    from provisioner.engine.drift import DriftOptions

    return interrupts.run_main(
        _drift(console, DriftOptions(pending, unmanaged, tuple(ignore or ())), format)
    )


async def _drift(console: Console, wanted: DriftOptions, format: options.PlanFormat) -> int:
    from provisioner.engine.drift import read_drift

    found, case = await read_drift(console.open(), wanted)
    console.result(_text(console, found, case, format))
    return DRIFTED if found.drifted else 0


def _text(console: Console, drift: Drift, case: Situation, format: options.PlanFormat) -> str:
    if console.json:
        from provisioner.views.drift_json import drift_json

        return drift_json(drift)
    from provisioner.views.drift_outline import drift_outline

    if not format.document:
        from provisioner.views.text import outline_text

        placed = replace(drift, found=tuple(_placed(console, drift.found)))
        return outline_text(drift_outline(placed, verbose=console.verbose), console.paint())
    from provisioner.cli.planning import rendered
    from provisioner.views.picture import drift_graph

    needs = {address: entry.depends_on for address, entry in case.lock.resources.items()}
    return rendered(format, drift_outline(drift, verbose=True), lambda: drift_graph(drift, needs))


def _placed(console: Console, found: Iterable[Drifted]) -> Iterator[Drifted]:
    """The same with their positions as they are called from the working folder."""
    for one in found:
        yield replace(one, position=console.at(one.position)) if one.position else one


COMMANDS = {"drift": drift}
