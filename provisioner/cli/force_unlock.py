"""`force-unlock`: take the lock's lease away from a process that is gone."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.cli.console import Console, command


@command
def force_unlock(
    console: Console,
    id: Annotated[str, typer.Argument(metavar="ID", help="The lease, as the busy lock named it.")],
) -> None:
    """Take the lock away from a process that is gone."""
    lease = console.open().store.force_unlock(id)
    if console.json:
        console.document({"unlocked": id})
    else:
        console.result(f"Took the lease `{id}` away; {lease.who} had it.\n")


COMMANDS = {"force-unlock": force_unlock}
