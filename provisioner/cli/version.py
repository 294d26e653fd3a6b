"""`version`: which provisioner this is."""

from __future__ import annotations

from provisioner import __version__
from provisioner.cli.console import Console, command


@command
def version(console: Console) -> None:
    """Print the version."""
    if console.json:
        console.document({"version": __version__})
    else:
        console.result(f"provisioner {__version__}\n")


COMMANDS = {"version": version}
