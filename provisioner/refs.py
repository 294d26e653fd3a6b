"""References between resources: what depends on what, and in which order that has to happen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from provisioner.model import Address


def ordered(needs: Mapping[Address, Collection[Address]]) -> list[Address]:
    """Addresses with what they need first; ties in alphabetical order. Raises
    graphlib.CycleError.
    """
    # By far the most need nothing.
    waiting = {
        address: there
        for address, wanted in needs.items()
        if wanted and (there := [need for need in wanted if need in needs])
    }
    first = [address for address in needs if address not in waiting]
    sorter: TopologicalSorter[Address] = TopologicalSorter()
    for address, wanted in waiting.items():
        sorter.add(address, *(need for need in wanted if need in waiting))
    sorter.prepare()
    found = sorted(first)
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found += ready
        sorter.done(*ready)
    return found


def cycle(needs: Mapping[Address, Collection[Address]]) -> list[Address]:
    """The addresses of one circle of references; empty when there is none."""
    try:
        ordered(needs)
    except CycleError as error:
        return list(error.args[1])
    return []


def closure(start: Iterable[Address], needs: Mapping[Address, Iterable[Address]]) -> set[Address]:
    """`start` and all that it needs, directly or not."""
    found: set[Address] = set()
    waiting = list(start)
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting += needs.get(address, ())
    return found


def users(needs: Mapping[Address, Iterable[Address]]) -> dict[Address, set[Address]]:
    """The same edges the other way round: who needs an address."""
    found: dict[Address, set[Address]] = {}
    for address, wanted in needs.items():
        for need in wanted:
            found.setdefault(need, set()).add(address)
    return found
