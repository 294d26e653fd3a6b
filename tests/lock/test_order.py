"""The order in which a schema names its properties survives a lockfile that sorts its keys."""

from __future__ import annotations

import json

from provisioner.lock import lockfile
from provisioner.lock.entry import in_order, key_order
from provisioner.model import Address, Locked, LockState, Profile

REQUEST = {
    "model": "m",
    "tools": [
        {
            "parameters": {
                "properties": {
                    "why/not": {},
                    "thought": {},
                    "answer": {"z": 1, "a": [{"y": 1, "b": 2}]},
                }
            }
        }
    ],
}


def test_the_order_survives_the_lockfile() -> None:
    """Models write properties in the order of their schema: an application gets the author's."""
    entry = Locked(
        Address("assistant", "a"),
        None,
        {},
        api="responses",
        profile=Profile(1, "sha256:x", REQUEST),
    )
    state = LockState("w", "e", "l", 1, {"base_url": "u"}, {entry.address: entry})
    text = lockfile.dump(state)
    again = lockfile.parse(text, "lock.json").resources[entry.address]
    assert again.profile is not None
    assert json.dumps(again.profile.request) == json.dumps(REQUEST)
    assert json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n" == text


def test_what_is_sorted_costs_nothing() -> None:
    """Only mappings in another order are written down, and unknown keys are kept."""
    assert key_order({"a": 1, "b": {"c": 1}}) == {}
    assert list(in_order({"a": 1, "b": 2, "c": 3}, {"": ["c", "gone"]})) == ["c", "a", "b"]
