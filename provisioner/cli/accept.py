"""`accept`: take over what somebody else changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import interrupts
from provisioner.cli.console import Console, command

if TYPE_CHECKING:
    from provisioner.engine.accept import Accepted


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
) -> int:
    """Write what somebody else changed at the service into the specs."""
    return interrupts.run_main(_accept(console, tuple(addresses or ())))


async def _accept(console: Console, words: tuple[str, ...]) -> int:
    from provisioner.engine.accept import accept
    from provisioner.views.accepted import accepted_document, accepted_outline

    accepted = _placed(console, await accept(console.open(), words))
    if console.json:
        console.document(accepted_document(accepted))
    else:
        from provisioner.views.text import outline_text

        console.result(outline_text(accepted_outline(accepted), console.paint()))
    return 1 if accepted.not_accepted else 0


def _placed(console: Console, found: Accepted) -> Accepted:
    """The same with its files as they are called from the working folder."""
    accepted = [replace(one, position=console.at(one.position)) for one in found.accepted]
    files = {console.called(name): texts for name, texts in found.files.items()}
    return replace(found, accepted=tuple(accepted), files=files)


COMMANDS = {"accept": accept}
