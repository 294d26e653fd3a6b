"""`state mv`: a resource gets another address, in the stamp of its object and in the lock."""

from __future__ import annotations

from dataclasses import replace

from provisioner.engine.context import Context
from provisioner.engine.preflight import check_key
from provisioner.engine.refresh import look_at
from provisioner.engine.session import remember
from provisioner.errors import UsageError
from provisioner.kinds import is_file, kind
from provisioner.kinds.base import Names, Write
from provisioner.model import Address, Live, Locked, LockState, Problem
from provisioner.plan.decide import following
from provisioner.plan.moves import moving
from provisioner.remote import Remote
from provisioner.text import spelt
from provisioner.workspace.sections import declarable


async def move(context: Context, origin: Address, to: Address) -> None:
    """Give a resource of the lock another address; its object stays the same. The stamp says so
    first, then the lock: where a crash comes between, the same command finishes it, and where the
    service cannot be reached, nothing is moved. What is in a store is stamped with its own path,
    and a file of another path is stamped by the next apply.
    """
    with context.store.lease():
        known = context.checked(context.store.fold_journal().state) or context.fresh()
        _check(context, known, origin, to)
        entry = known.resources[origin]
        changed = moving(known.resources, [(origin, to)])
        del changed[origin]
        if entry.id and kind(origin.kind).form(entry.api).stamped:
            async with context.remote() as remote:
                remember(remote, known)
                live = await look_at(remote, known, entry)
                check_key(remote, known, context.service)  # with another key it only seems gone
                with context.store.journal(known) as journal:
                    number = journal.intent(origin, "move", object=entry.id)
                    if live is not None:
                        await _restamp(remote, known, entry, live=live, to=to)
                        changed[to] = _unsettled(changed[to], entry, live)
                    journal.result(number, None, changed)
        else:
            with context.store.journal(known) as journal:
                journal.result(journal.intent(origin, "move"), None, changed)
        context.store.fold_journal()


async def _restamp(
    remote: Remote, known: LockState, entry: Locked, *, live: Live, to: Address
) -> None:
    """Put the new address into the stamp of an object; that of another lock stays."""
    if live.stamp is None or not known.owns(live.stamp):
        return
    mark = replace(live.stamp, address=str(to), serial=known.serial + 1)
    form = kind(entry.address.kind).form(entry.api)
    await form.update(remote, Write(to, entry.fields, Names(known.ids), mark, id=live.id))


def _unsettled(moved: Locked | None, entry: Locked, live: Live) -> Locked | None:
    """The entry of an object that still has what follows from its old address: the next apply
    changes that.
    """
    form = kind(entry.address.kind).form(entry.api)
    left = following(form, entry, live.fields, entry.address)
    return moved and replace(moved, resetting=tuple(sorted({*moved.resetting, *left})))


def _check(context: Context, known: LockState, origin: Address, to: Address) -> None:
    """UsageError where a resource is not in the lock, or cannot have that address."""
    if origin not in known.resources:
        detail = f"The lock has no `{origin}`."
        raise UsageError(Problem("Unknown address", detail, "see `provisioner state list`"))
    if to.kind == origin.kind and not declarable(context.root, to):
        hint = (
            "a name has small letters, digits, `_` and `-`, begins with a letter and has at"
            " most 64 characters"
        )
        if is_file(to):
            hint = "write the path from the workspace root, like `file.docs/a.md`"
        raise UsageError(Problem("Wrong address", f"No spec could declare {spelt(str(to))}.", hint))
    why = None
    if to in known.resources:
        why = "is in the lock already"
    elif to.kind != origin.kind:
        why = f"is no {origin.kind.replace('_', ' ')}"
    if why:
        raise UsageError(Problem("Wrong address", f"`{to}` {why}.", "choose another one"))
