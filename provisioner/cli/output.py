"""`output`: what applications need."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

import typer

from provisioner.cli.console import Console, address_of, command
from provisioner.errors import UsageError
from provisioner.model import Problem
from provisioner.text import did_you_mean


class _Format(StrEnum):
    """How outputs are printed."""

    json = "json"
    env = "env"
    yaml = "yaml"
    python = "python"
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
    """Print what applications need: ids, request profiles, and calls."""
    from provisioner import engine
    from provisioner.views.client import as_python, as_typescript
    from provisioner.views.state import FORMATS

    if console.json and format not in (None, _Format.json):
        raise UsageError(
            Problem("Wrong usage", f"`--json` and `--format {format.value}` exclude each other.")
        )
    context = console.open()
    outputs = engine.outputs(context)
    names = [str(address_of(text)) for text in addr or ()]
    missing = [name for name in dict.fromkeys(names) if name not in outputs]
    if missing:
        declared = context.workspace.compile(context.environment.name, context.variables).desired
        raise UsageError(_not_applied(name, {*map(str, declared)}, outputs) for name in missing)
    chosen = {name: outputs[name] for name in names} if names else outputs
    if format is _Format.python:
        console.result(as_python(chosen, engine.apis(context)))
    elif format is _Format.ts:
        console.result(as_typescript(chosen, engine.apis(context)))
    else:
        console.result(FORMATS[(format or _Format.json).value](chosen))


def _not_applied(name: str, declared: Collection[str], outputs: Collection[str]) -> Problem:
    """What is declared is to be applied; anything else is a slip of the pen."""
    hint = "run `provisioner apply`"
    if name not in declared:
        near = did_you_mean(name, [*outputs, *declared])
        hint = near or "`provisioner state list` lists what the lock has"
    return Problem("Not in the lock", f"Nothing has been applied for `{name}`.", hint)


COMMANDS = {"output": output}
