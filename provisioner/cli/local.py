"""`local`: the embedded service over HTTP, and forgetting its data."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from provisioner import disk
from provisioner.cli.console import Console, command, refuse_file
from provisioner.errors import UsageError
from provisioner.model import Problem

_DATA = Path(disk.LOCAL_DATA)


@command
def serve(
    console: Console,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 picks a free one.")
    ] = 8484,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FILE", help="Where its data lives; default: .provisioner/local."
        ),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", metavar="FILE", help="Faults to inject, for tests of clients."),
    ] = None,
) -> None:
    """Serve OpenAI's wire protocol; the first line of stdout is the base URL."""
    from provisioner import local

    if faults and not console.path(faults).is_file():
        raise UsageError(
            Problem(
                "Faults not found", f"`{faults}` is not a file.", "see docs/embedded-service.md"
            )
        )
    place = console.path(data) if data else console.root / _DATA
    refuse_file(place)
    try:
        disk.make_folder(place)
        local.serve(place, host, port, console.path(faults) if faults else None)
    except ValueError as error:  # names the place in the file
        detail = str(error).rstrip(".")
        raise UsageError(
            Problem("Faulty faults file", f"{detail}.", "docs/embedded-service.md lists the keys")
        ) from error
    except OSError as error:
        if error.filename is not None:  # the data, not the address
            raise
        detail = f"`{host}:{port}` cannot be served: {error.strerror or error}."
        raise UsageError(Problem("Cannot serve", detail, "`--port 0` picks a free port")) from error


@command
def reset(
    console: Console,
    yes: Annotated[bool, typer.Option("--yes", "-y", "--auto-approve", help="Do not ask.")] = False,
) -> int:
    """Remove .provisioner/local/, and nothing else."""
    folder = console.root / _DATA
    removed = folder.with_name(f"{folder.name}.removed")
    if not any(map(os.path.lexists, (folder, removed))):
        console.say(f"There is no {_DATA}/.")
        return 0
    if not yes and not console.terminal:
        detail = (
            f"`{_DATA}/` would be removed, and there is no terminal on which to ask for"
            " confirmation."
        )
        raise UsageError(Problem("Approval needed", detail, "add `--yes`"))
    if not yes:
        sys.stderr.write(
            f"Remove {folder} with everything that the embedded service keeps? Only `yes` is"
            " accepted: "
        )
        sys.stderr.flush()
        if sys.stdin.readline().strip() != "yes":
            console.say("Nothing was removed.")
            return 1
    if folder.is_symlink():  # what it points to is not ours
        folder.unlink()
    else:
        _remove(removed)  # what one that was stopped has left
        if folder.exists():
            folder.rename(removed)  # all of it at once, or nothing
            _remove(removed)
    console.say(f"Removed {_DATA}/.")
    return 0


def _remove(folder: Path) -> None:
    with disk.naming(folder), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


COMMANDS = {"serve": serve, "reset": reset}
