"""`fmt`: one layout for all specs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from provisioner import disk
from provisioner.cli.console import Console, command
from provisioner.errors import ProvisionerError, SpecError, not_written
from provisioner.model import Problem


@command
def fmt(
    console: Console,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; default: the workspace's."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 where something would.")
    ] = False,
) -> int:
    """Bring the specs into one layout, comments kept."""
    changed: list[str] = []
    problems: list[Problem] = []
    for path in _files(console, paths):
        inside = path.is_relative_to(console.root)
        name = path.relative_to(console.root).as_posix() if inside else str(path)
        try:
            if _format(path, name, check):
                changed.append(console.called(name) if inside else name)
        except ProvisionerError as error:
            problems += error.problems
    if console.json and not problems:
        console.document({"changed": changed})
    elif not console.json:
        console.result("".join(f"{name}\n" for name in changed))
    if problems:
        raise SpecError(problems)
    return 1 if check and changed else 0


def _files(console: Console, paths: list[Path] | None) -> Iterator[Path]:
    chosen = [console.path(path) for path in paths or ()]
    for path in chosen or [console.root / "provisioner.yaml", console.root / "specs"]:
        if disk.is_folder(path):
            yield from sorted(file for ending in ("*.yaml", "*.yml") for file in path.rglob(ending))
        elif chosen or disk.is_file(path):
            yield path


def _format(path: Path, name: str, check: bool) -> bool:
    """Format one file; True where something changed, or would."""
    from provisioner.yamltext.format import format_text

    try:
        before = disk.read(path, disk.LARGEST_TEXT)
        text = before.decode()
    except UnicodeDecodeError as error:
        raise SpecError(
            Problem("Not UTF-8", f"`{name}` is not UTF-8 text: {error.reason}.", file=name)
        ) from error
    except OSError as error:
        raise SpecError(
            Problem("File unreadable", f"`{name}` cannot be read: {error.strerror}.")
        ) from error
    after: bytes = format_text(text, name).encode()
    if after == before or check:
        return after != before
    try:
        disk.replace(path, after)
    except OSError as error:
        raise not_written(name, error) from error
    return True


COMMANDS = {"fmt": fmt}
