"""What the lock says, for readers and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.lock.entry import entry_to_json
from provisioner.model import Address, Locked, LockState
from provisioner.views.differences import text_like
from provisioner.views.fields import whole
from provisioner.views.text import line_text
from provisioner.views.values import inline, many, value


def state_list_text(state: LockState | None) -> str:
    """An address a line."""
    return "".join(f"{inline(str(address))}\n" for address in _sorted(state))


def state_list_json(state: LockState | None) -> dict[str, Any]:
    """Every resource with its id."""
    return {"resources": [_row(state.resources[address]) for address in _sorted(state)] if state else []}


def _sorted(state: LockState | None) -> list[Address]:
    return sorted(state.resources) if state else []


def _row(entry: Locked) -> dict[str, Any]:
    return {
        "address": str(entry.address),
        "type": entry.address.kind,
        "name": entry.address.name,
        "id": entry.id,
        "api": entry.api,
    }


def entry_json(entry: Locked) -> dict[str, Any]:
    """One resource as the lockfile has it, with its address."""
    return {"address": str(entry.address), **entry_to_json(entry)}


def entry_text(entry: Locked) -> str:
    """One resource: its address, then what we last applied."""
    return "\n".join([inline(str(entry.address)), *_entry(entry)]) + "\n"


def _entry(entry: Locked) -> Iterator[str]:
    for name, given in entry_to_json(entry).items():
        if name == "fields":
            for field, item in given.items():
                yield from _lines(field, item)
        else:
            yield from _lines(name, given)


def _lines(name: str, given: Any) -> Iterator[str]:
    if text_like(given):
        yield f"    {inline(name)}:"
        yield from (line_text(line) for line in whole(given, " ", True))
    else:
        yield f"    {inline(name)}: {value(given)}"


def show_text(state: LockState | None) -> str:
    """The whole lock."""
    if state is None or not state.resources:
        return "Nothing has been applied yet.\n"
    names = f"{inline(state.workspace)}/{inline(state.environment)}"
    head = f"{names}, serial {state.serial}, {many(len(state.resources), 'resource')}\n"
    return "\n".join([head, *(entry_text(state.resources[address]) for address in _sorted(state))])


def show_json(state: LockState | None) -> dict[str, Any]:
    """The whole lock, as one document."""
    if state is None:
        return {"resources": {}}
    return {
        "workspace": state.workspace,
        "environment": state.environment,
        "lineage": state.lineage,
        "serial": state.serial,
        "origin": dict(state.origin),
        "resources": {str(address): entry_to_json(state.resources[address]) for address in _sorted(state)},
    }
