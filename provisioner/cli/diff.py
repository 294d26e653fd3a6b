"""`diff`: what differs between two versions of a request profile."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.cli import options
from provisioner.cli.console import Console, command
from provisioner.errors import UsageError
from provisioner.model import Problem


@command
def diff(
    console: Console,
    first: Annotated[
        str | None,
        typer.Argument(metavar="ADDR@N", help="A version, as in `assistant.support@3`."),
    ] = None,
    second: Annotated[
        str | None,
        typer.Argument(metavar="[ADDR@N]", help="Another one of the same; default: the newest."),
    ] = None,
    format: options.FormatOption = options.PlanFormat.text,
) -> None:
    """Show what differs between two versions of a request profile."""
    from provisioner import engine
    from provisioner.cli.planning import rendered
    from provisioner.cli.state import entry_at
    from provisioner.engine.versions import compared, versions
    from provisioner.views.picture import plan_graph
    from provisioner.views.text import outline_text
    from provisioner.views.versions import diff_json, diff_outline

    if first is None:
        hint = (
            "`provisioner diff ADDR@3 ADDR@4` compares two; `provisioner plan` shows what an apply"
            " would change"
        )
        raise UsageError(Problem("Wrong usage", "No version is named.", hint))
    address, old = _version(first)
    context = console.open()
    state = engine.state(context)
    entry = entry_at(state, address)
    known = {version.version: version for version in versions(entry)}
    new = max(known)
    if second is not None:
        other, new = _version(second)
        if other != address:
            detail = f"`{first}` and `{second}` are versions of two things."
            raise UsageError(Problem("Wrong usage", detail, "name two versions of one assistant"))
    assert state is not None
    plan = compared(context, state, entry, old, new)
    if console.json:
        console.document(diff_json(plan, entry.address, known[old], known[new]))
        return
    verbose = console.verbose or format.document
    shown = diff_outline(plan, entry.address, known[old], known[new], verbose=verbose)
    if format.document:
        console.result(rendered(format, shown, lambda: plan_graph(plan)))
    else:
        console.result(outline_text(shown, console.paint()))


def _version(text: str) -> tuple[str, int]:
    """The address and the number of `assistant.support@3`."""
    address, at, number = text.rpartition("@")
    if not (address and at and number.isascii() and number.isdigit()):
        hint = "write it as in `assistant.support@3`; `provisioner versions ADDR` lists them"
        raise UsageError(Problem("Not a version", f"`{text}` names no version.", hint))
    return address, int(number[:9])


COMMANDS = {"diff": diff}
