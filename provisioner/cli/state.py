"""`state`: look at the lock, or take a resource out of it."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner import interrupts
from provisioner.cli.console import Console, address_of, command
from provisioner.errors import ServiceError, UsageError
from provisioner.model import Locked, LockState, Problem
from provisioner.text import did_you_mean


@command
def list_entries(console: Console) -> None:
    """List the addresses in the lock."""
    from provisioner import engine
    from provisioner.views.state import state_list_json, state_list_text

    state = engine.state(console.open())
    if console.json:
        console.document(state_list_json(state))
    else:
        console.result(state_list_text(state))


@command
def show_one(
    console: Console, addr: Annotated[str, typer.Argument(metavar="ADDR", help="A resource.")]
) -> None:
    """Show one resource as the lock has it."""
    show_entry(console, addr)


def show_entry(console: Console, text: str) -> None:
    """Print one resource of the lock."""
    from provisioner import engine
    from provisioner.views.state import entry_json, entry_text

    entry = entry_at(engine.state(console.open()), text)
    if console.json:
        console.document(entry_json(entry))
    else:
        console.result(entry_text(entry))


def entry_at(state: LockState | None, text: str) -> Locked:
    """A resource of the lock by its address; UsageError with a guess where there is none."""
    wanted = address_of(text)
    known = state.resources if state else {}
    if wanted in known:
        return known[wanted]
    near = did_you_mean(text, map(str, known))
    hint = near or "`provisioner state list` lists what the lock has"
    raise UsageError(Problem("Not in the lock", f"The lock has no `{text}`.", hint))


@command
def rm(
    console: Console,
    addr: Annotated[
        list[str], typer.Argument(metavar="ADDR...", help="Resources that stay at the service.")
    ],
) -> None:
    """Forget resources and what only they use; the objects stay, unstamped."""
    from provisioner import engine
    from provisioner.engine.forgetting import forget

    context = console.open()
    state = engine.state(context)
    wanted = [entry_at(state, text).address for text in addr]
    forgotten = interrupts.run_main(forget(context, wanted))
    known = state.resources if state else {}
    ids = {str(one): known[one].id for one in forgotten if one in known and known[one].id}
    if console.json:
        console.document({"removed": [str(one) for one in forgotten], "ids": ids})
        return
    for one, user in forgotten.items():
        console.result(f"Removed {one} from the lock{f': it stays with {user}' if user else ''}.\n")
    for address, id in ids.items():
        console.say(f"At the service {address} is still there, as {id}.")


@command
def mv(
    console: Console,
    origin: Annotated[str, typer.Argument(metavar="FROM", help="An address of the lock.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="Its new address.")],
) -> None:
    """Give a resource another address; its object stays, stamped with the new one."""
    from provisioner.engine.moving import move

    try:
        interrupts.run_main(move(console.open(), address_of(origin), address_of(to)))
    except ServiceError:
        console.say(
            f"The lock still has {origin}, because its object could not be stamped as {to}. Run the"
            " same command again."
        )
        raise
    if console.json:
        console.document({"moved": {"from": origin, "to": to}})
    else:
        console.result(f"Moved {origin} to {to}.\n")


@command
def rebuild_lock(
    console: Console,
    lineage: Annotated[
        str | None,
        typer.Option(
            "--lineage", metavar="ID", help="Which lineage, where the service has several."
        ),
    ] = None,
) -> None:
    """Make a lost lock again from the stamps at the service."""
    from provisioner.engine.questions import restore
    from provisioner.engine.rebuild import rebuild as read_stamps

    context = console.open()
    rebuilt = interrupts.run_main(read_stamps(context, lineage))
    restore(context, rebuilt.state)
    if console.json:
        addresses = sorted(str(one) for one in rebuilt.state.resources)
        console.document(
            {"resources": addresses, "unproved": list(rebuilt.unproved), "left": list(rebuilt.left)}
        )
        return
    console.result(
        f"Rebuilt the lock: {len(rebuilt.state.resources)} resources, serial"
        f" {rebuilt.state.serial}.\n"
    )
    console.result("".join(f"Not proved: {one}\n" for one in rebuilt.unproved))
    console.result("".join(f"Left alone: {one}\n" for one in rebuilt.left))


COMMANDS = {"list": list_entries, "show": show_one, "rm": rm, "mv": mv, "rebuild": rebuild_lock}
