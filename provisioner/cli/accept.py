"""`accept`: take over what somebody else changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, command

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
    document = accepted_document(accepted)
    try:
        if console.json:
            console.document(document)
        else:
            console.result(_text(console, context, accepted, format))
    finally:  # the specs are written, whatever stdout takes
        saved = out is None or console.saved(out, json.dumps(document).encode(), "Result", 0o600)
    return 1 if accepted.not_accepted or not saved else 0


def _text(
    console: Console, context: Context, accepted: Accepted, format: options.ReportFormat
) -> str:
    from provisioner.views.accepted import accepted_markdown, accepted_outline
    from provisioner.views.text import outline_text

    if format is options.ReportFormat.markdown:
        place = f"{context.workspace.name}/{context.environment.name}"
        return accepted_markdown(accepted, place)
    return outline_text(accepted_outline(accepted), console.paint())


def _placed(console: Console, found: Accepted) -> Accepted:
    """The same with its files as they are called from the working folder."""
    accepted = [replace(one, position=console.at(one.position)) for one in found.accepted]
    files = {console.called(name): texts for name, texts in found.files.items()}
    return replace(found, accepted=tuple(accepted), files=files)


COMMANDS = {"accept": accept}
