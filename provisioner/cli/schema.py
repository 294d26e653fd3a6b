"""`schema`: the JSON Schemas of what people and machines write."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from provisioner.cli.console import Console, command, refuse_file


class _Name(StrEnum):
    """What has a schema."""

    spec = "spec"
    provisioner = "provisioner"
    lock = "lock"
    plan = "plan"
    drift = "drift"
    check = "check"
    validate = "validate"


@command
def schema(
    console: Console,
    name: Annotated[
        _Name,
        typer.Argument(
            metavar="[spec|provisioner|lock|plan|drift|check|validate]", help="Which one."
        ),
    ] = _Name.spec,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="DIR", help="Write all of them into a folder instead."),
    ] = None,
) -> None:
    """Print the JSON Schemas of what is read, kept and printed."""
    from provisioner import schemas

    if write is not None:
        refuse_file(console.path(write))
        written = schemas.write(console.path(write))
        if console.json:
            names = [path.name for path in written]
            console.document({"folder": str(write), "written": names})
        console.say(f"Wrote the schemas to {write}.")
        return
    made = {
        _Name.spec: schemas.spec_schema,
        _Name.provisioner: schemas.workspace_schema,
        _Name.lock: schemas.lock_schema,
        _Name.plan: schemas.plan_schema,
        _Name.drift: schemas.drift_schema,
        _Name.check: schemas.check_schema,
        _Name.validate: schemas.validate_schema,
    }
    console.document(made[name]())


COMMANDS = {"schema": schema}
