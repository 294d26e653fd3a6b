"""A plan of many resources looks at each of them a few times, and not at all of them for each."""

from __future__ import annotations

import pytest

from provisioner.model import Address, Desired, Live, Locked, LockState, Service, Source
from provisioner.plan import Observed, PlanOptions, Situation, make_plan


def situation(count: int, *, destroy: bool) -> Situation:
    """Assistants that are as they were applied."""
    addresses = [Address("assistant", f"a{number}") for number in range(count)]
    fields = {
        "model": "gpt-4o",
        "tools": [{"type": "file_search", "vector_stores": [{"id": "vs_1"}]}],
    }
    locked = {
        address: Locked(address, f"asst_{address.name}", fields, api="assistants")
        for address in addresses
    }
    lock = LockState("w", "e", "0123abcd-1", 1, {}, locked)
    live = {address: Live(f"asst_{address.name}", fields) for address in addresses}
    desired = {
        address: Desired(address, fields, Source("specs/a.yaml"), api="assistants")
        for address in addresses
    }
    options = PlanOptions(destroy=destroy)
    return Situation(
        "w", "e", Service("local", "assistants"), lock, desired, Observed(live), options
    )


@pytest.mark.parametrize("destroy", [False, True])
def test_the_ids_of_a_lock_are_not_gathered_for_each_resource(
    destroy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many resources, as many times."""
    gathered: list[int] = []

    def counted(lock: LockState) -> dict[Address, str]:
        gathered.append(len(lock.resources))
        return {address: entry.id for address, entry in lock.resources.items() if entry.id}

    monkeypatch.setattr(LockState, "ids", property(counted))
    for count in (20, 40):
        make_plan(situation(count, destroy=destroy))
    assert gathered.count(20) == gathered.count(40) < 20
