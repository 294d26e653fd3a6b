"""`versions`: which versions of a request profile are kept."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.cli.console import Console, command


@command
def versions(
    console: Console,
    addr: Annotated[str, typer.Argument(metavar="ADDR", help="An assistant of the lock.")],
) -> None:
    """List the versions of a request profile that are kept."""
    from provisioner import engine
    from provisioner.cli.state import entry_at
    from provisioner.engine.versions import versions as versions_of
    from provisioner.views.versions import versions_json, versions_text

    context = console.open()
    entry = entry_at(engine.state(context), addr)
    kept, environment = versions_of(entry), context.environment
    api = None if entry.profile else entry.api
    if console.json:
        most = environment.keep_versions
        console.document(versions_json(entry.address, environment.name, most, kept, api=api))
    else:
        console.result(versions_text(entry.address, environment.name, kept, api))


COMMANDS = {"versions": versions}
