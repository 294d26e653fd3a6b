"""`init`: a commented starter workspace."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from provisioner import disk
from provisioner.cli.console import Console, command, refuse_file
from provisioner.errors import UsageError
from provisioner.model import Problem

_IGNORED = ".gitignore"


class Template(StrEnum):
    """What the starter workspace shows."""

    basic = "basic"
    code_interpreter = "code-interpreter"
    file_search = "file-search"
    function_calling = "function-calling"


@command
def init(
    console: Console,
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where to write it; default: here.")
    ] = Path(),
    template: Annotated[
        Template, typer.Option("--template", help="What it shows.")
    ] = Template.basic,
) -> None:
    """Write a commented starter workspace."""
    from provisioner import schemas, templates

    target = disk.real(console.path(folder))
    files = templates.files(template.value, target.name)
    refuse_file(target)
    existing = [
        name for name in [*files, "schemas"] if os.path.lexists(target / name) and name != _IGNORED
    ]
    if existing:  # nothing is overwritten, so nothing is written where anything is in the way
        detail = (
            f"`{target}` has {', '.join(f'`{name}`' for name in existing)}; `init` overwrites"
            " nothing."
        )
        raise UsageError(Problem("Already there", detail, "name another folder"))
    ignored = files.pop(_IGNORED) if os.path.lexists(target / _IGNORED) else b""
    with _all_or_nothing(target, files):
        for name, content in files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            disk.put(path, content)
        schemas.write(target / "schemas")
    written = [*files, *(f"schemas/{path.name}" for path in sorted((target / "schemas").iterdir()))]
    if console.json:
        console.document({"folder": str(folder), "written": written})
        return
    console.result("".join(f"{name}\n" for name in written))
    console.say(_to_ignore(target, ignored))
    where = "" if target == console.root else f" -C {folder}"
    console.say(
        f"Next: provisioner validate{where}, then provisioner plan{where} and provisioner"
        f" apply{where}."
    )


@contextlib.contextmanager
def _all_or_nothing(target: Path, names: Iterable[str]) -> Iterator[None]:
    """Take away again what was written into a workspace that does not come about."""
    places = [target / name for name in names]
    above = {folder for place in places for folder in place.parents}
    new = sorted(folder for folder in above if not folder.exists())
    try:
        yield
    except BaseException:
        for place in places:
            with contextlib.suppress(OSError):
                place.unlink()
        shutil.rmtree(target / "schemas", ignore_errors=True)
        for folder in reversed(new):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _to_ignore(target: Path, wanted: bytes) -> str:
    """What somebody has to add to a `.gitignore` that was there before."""
    try:
        there = disk.read(target / _IGNORED, disk.LARGEST_TEXT).decode(errors="replace").split()
    except OSError:
        there = []
    rules = [line for line in wanted.decode().splitlines() if line and not line.startswith("#")]
    missing = [f"`{rule}`" for rule in rules if rule not in there]
    if not missing:
        return ""
    return f"`{_IGNORED}` was there and stays as it is. Add to it: {', '.join(missing)}."


COMMANDS = {"init": init}
