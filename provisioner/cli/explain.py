"""`explain`: what may be declared, and what becomes of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provisioner.cli.console import Console, command


def _spec() -> dict[str, Any]:
    from provisioner.schemas import spec_schema

    return spec_schema()


def _workspace() -> dict[str, Any]:
    from provisioner.schemas import workspace_schema

    return workspace_schema()


FILES = {"a spec": _spec, "`provisioner.yaml`": _workspace}
"""What an author writes; a kind is explained without these schemas."""


@command
def explain(
    console: Console,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND[.FIELD]]",
            help="As in `assistant.temperature`, or `imports`; default: every kind.",
        ),
    ] = None,
) -> None:
    """Explain a kind or a field: limits, default, each API, and an example."""
    from provisioner.engine.explaining import explained, words_of
    from provisioner.views.explained import (
        explained_json,
        explained_text,
        kinds_json,
        kinds_text,
    )

    if what is None:
        from provisioner.kinds import kinds

        known = sorted(kinds().values(), key=lambda kind: kind.name)
        words = [word for file, schema in FILES.items() for word in words_of(file, schema())]
        if console.json:
            console.document(kinds_json(known, words))
        else:
            console.result(kinds_text(known, words))
        return
    found = explained(what, FILES)
    if console.json:
        console.document(explained_json(found))
    else:
        console.result(explained_text(found, console.paint(), verbose=console.verbose))


COMMANDS = {"explain": explain}
