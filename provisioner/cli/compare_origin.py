"""`compare-origin`: what of an environment says where keys go, and is not as in another
`provisioner.yaml`. For the GitHub Action, which so holds a pull request against its base branch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner.cli.console import Console, command


@command
def compare_origin(
    console: Console,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Where the other `provisioner.yaml` lies, if any."),
    ],
) -> None:
    """Tell where keys would go otherwise than by another provisioner.yaml."""
    from provisioner.engine.origin import differing

    context = console.open()
    console.document(
        {
            "environment": context.environment.name,
            "api_key": context.environment.api_key_env,
            "differs": differing(context.environment, console.path(folder), console.environment),
        }
    )


COMMANDS = {"compare-origin": compare_origin}
