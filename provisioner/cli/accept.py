"""`accept`: take over what somebody else changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import disk, interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, command
from provisioner.errors import UsageError
from provisioner.model import Problem

if TYPE_CHECKING:
    from provisioner.engine.accept import Accepted
    from provisioner.engine.context import Context


@command
def accept(
    console: Console,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ADDR[#PATH]]...",
            help="Resources or fields; default: everything that drifted.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save what `--json` prints as well."),
    ] = None,
    format: Annotated[
        options.ReportFormat, typer.Option("--format", help="How to print it.")
    ] = options.ReportFormat.text,
) -> int:
    """Write what somebody else changed at the service into the specs."""
    if out is not None:
        from provisioner.cli.planning import check_place

        check_place(console, out, what="a result", such_as="accepted.json")
    return interrupts.run_main(_accept(console, tuple(addresses or ()), out, format))


async def _accept(
    console: Console, words: tuple[str, ...], out: Path | None, format: options.ReportFormat
) -> int:
    from provisioner.engine.accept import accept
    from provisioner.views.accepted import accepted_document

    context = console.open()
    accepted = _placed(console, await accept(context, words))
    if out is not None:
        _save(console, out, accepted_document(accepted))
    if console.json:
        console.document(accepted_document(accepted))
    else:
        console.result(_text(console, context, accepted, format))
    return 1 if accepted.not_accepted else 0


def _text(
    console: Console, context: Context, accepted: Accepted, format: options.ReportFormat
) -> str:
    from provisioner.views.accepted import accepted_markdown, accepted_outline
    from provisioner.views.text import outline_text

    if format is options.ReportFormat.markdown:
        place = f"{context.workspace.name}/{context.environment.name}"
        return accepted_markdown(accepted, place)
    return outline_text(accepted_outline(accepted), console.paint())


def _save(console: Console, out: Path, document: dict[str, object]) -> None:
    """Write the document into a file of its own."""
    try:
        disk.put(console.path(out), json.dumps(document).encode(), 0o600)
    except OSError as error:
        detail = f"The specs are written. `{out}` cannot be: {error.strerror}."
        hint = disk.remedy(error, "name a file in a folder that you may write to")
        raise UsageError(Problem("Result not saved", detail, hint)) from error


def _placed(console: Console, found: Accepted) -> Accepted:
    """The same with its files as they are called from the working folder."""
    accepted = [replace(one, position=console.at(one.position)) for one in found.accepted]
    files = {console.called(name): texts for name, texts in found.files.items()}
    return replace(found, accepted=tuple(accepted), files=files)


COMMANDS = {"accept": accept}
