"""A saved plan on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner import disk
from provisioner.cli.console import Console
from provisioner.errors import PlanError, UsageError
from provisioner.model import Plan, Problem

if TYPE_CHECKING:
    from provisioner.cli.deciding import Wanted


def read_plan_file(console: Console, file: Path) -> Plan:
    """The plan in a file; PlanError where it is missing, foreign, altered or newer."""
    from provisioner.views.plan_read import read_plan

    try:
        content = disk.read(console.path(file), disk.LARGEST)
    except OSError as error:
        detail = f"`{file}` cannot be read: {error.strerror}."
        raise PlanError(Problem("Plan file unreadable", detail, "make one with `plan --out FILE`")) from error
    return read_plan(content, str(file))


def refuse_options(console: Console, file: Path, wanted: Wanted) -> None:
    """A saved plan has decided everything; what would change it is refused instead of ignored."""
    chosen = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__ if name != "force"}
    given = [f"`--{name.replace('_', '-')}`" for name, value in chosen.items() if value]
    if console.variables:
        given.append("`--var`")
    if given:
        detail = f"`{file}` is a saved plan and is applied exactly; {', '.join(given)} cannot change it."
        raise UsageError(Problem("Wrong usage", detail, "give them to `plan --out FILE` instead"))
