"""`explain`: what may be declared, and what becomes of it."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.cli.console import Console, command


@command
def explain(
    console: Console,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND[.FIELD]]", help="As in `assistant.temperature`; default: every kind."
        ),
    ] = None,
) -> None:
    """Explain a kind or a field: limits, default, each API, and an example."""
    from provisioner.engine.explaining import explained
    from provisioner.views.explained import (
        explained_json,
        explained_text,
        kinds_json,
        kinds_text,
    )

    if what is None:
        from provisioner.kinds import kinds

        known = sorted(kinds().values(), key=lambda kind: kind.name)
        if console.json:
            console.document(kinds_json(known))
        else:
            console.result(kinds_text(known))
        return
    found = explained(what)
    if console.json:
        console.document(explained_json(found))
    else:
        console.result(explained_text(found, console.paint(), verbose=console.verbose))


COMMANDS = {"explain": explain}
