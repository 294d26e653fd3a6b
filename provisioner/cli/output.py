"""`output`: what applications need."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from provisioner.cli.console import Console, address_of, command
from provisioner.errors import UsageError
from provisioner.model import Problem


class _Format(StrEnum):
    """How outputs are printed."""

    json = "json"
    env = "env"
    yaml = "yaml"
    ts = "ts"


@command
def output(
    console: Console,
    addr: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDR]...", help="Only these; default: everything."),
    ] = None,
    format: Annotated[_Format | None, typer.Option("--format", help="Default: json.")] = None,
) -> None:
    """Print what applications need: ids and request profiles."""
    from provisioner import engine
    from provisioner.views.state import FORMATS

    if console.json and format not in (None, _Format.json):
        raise UsageError(
            Problem("Wrong usage", f"`--json` and `--format {format.value}` exclude each other.")
        )
    outputs = engine.outputs(console.open())
    names = [str(address_of(text)) for text in addr or ()]
    missing = [name for name in names if name not in outputs]
    if missing:
        absent = ", ".join(f"`{name}`" for name in missing)
        raise UsageError(
            Problem(
                "Not in the lock",
                f"Nothing has been applied for {absent}.",
                "run `provisioner apply`",
            )
        )
    chosen = {name: outputs[name] for name in names} if names else outputs
    as_text = FORMATS[(format or _Format.json).value]
    console.result(as_text(chosen))


COMMANDS = {"output": output}
