"""Planning, whole: what the specs want, what the lock says, what the service has → what is done, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.model import Action, Address, Plan, Source
from provisioner.plan import make_plan
from tests.plan.spelling import BASE, pinned, request, situation, stray
from tests.support.tables import table

# One resource of each kind, in three versions each.
VERSIONS: dict[str, dict[str, dict[str, Any]]] = {
    "assistant.x": {name: {"model": "gpt-4o", "name": "X", "description": name} for name in "ABC"},
    "vector_store.x": {name: {"name": name} for name in "ABC"},
    "file.x.md": {
        name: {"sha256": name, "bytes": ord(name), "purpose": "assistants"} for name in "ABC"
    },
}
OTHERS: dict[str, Any] = {**dict.fromkeys(BASE), "vector_store.other": {"name": "Other"}}
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "destroy": {"destroy": True},
    "prune": {"prune_orphans": True},
    "replace": {"replaces": {Address.parse(name) for name in VERSIONS}},
    "fail": {"on_drift": "fail"},
    "fail, force": {"on_drift": "fail", "force": True},
}

every_kind = pytest.mark.parametrize("address", VERSIONS)
changed_in_place = pytest.mark.parametrize("address", ["assistant.x", "vector_store.x"])


def outcome(address: str, specs: str, lock: str, service: str, asked: str = "") -> str:
    """What is planned for one resource, in words. A side is `-` or a version, and what else is so."""
    given = {
        **_specs(address, *specs.split(" ", 1)),
        **_lock(address, *lock.split(" ", 1)),
        **_service(address, *service.split(" ", 1)),
    }
    plan = make_plan(situation(**given, **OPTIONS[asked]))
    return "; ".join(_in_words(plan, address)) or "-"


def _specs(address: str, version: str, more: str = "") -> dict[str, Any]:
    name = Address.parse(address)
    assert more in ("", "protected", "let go", "moved"), more
    wanted = VERSIONS[address].get(version)
    if wanted and more == "protected":
        wanted = {**wanted, "protect": True}
    found: dict[str, Any] = {"specs": {**OTHERS, address: wanted}}
    if more == "let go":
        found["forgets"] = {name: Source("specs/x.yaml")}
    if more == "moved":
        found["moves"] = {name: Address(name.kind, "old")}
    return found


def _lock(address: str, version: str, more: str = "") -> dict[str, Any]:
    assert more in ("", "protected", "old object"), more
    entry = VERSIONS[address].get(version)
    if entry and more == "protected":
        entry = {**entry, "protected": True}
    if more == "old object":
        entry = {"id": None, "deposed": ("id_old",)}
    return {"lock": {**OTHERS, address: entry}}


def _service(address: str, version: str, more: str = "") -> dict[str, Any]:
    name, fields = Address.parse(address), VERSIONS[address].get(version)
    if fields is None:
        return {"live": {address: None}}
    if more == "named":
        return {"live": {address: {**fields, "id": "id_1"}}, "imports": {name: "id_1"}}
    if more == "expired":
        return {"live": {address: {**fields, "status": "expired"}}}
    copies = {"": 0, "stamped": 1, "stamped twice": 2, "copied": 1}[more]
    strays = tuple(stray(address, f"id_{at}", **fields) for at in range(copies))
    there = None if strays and more != "copied" else fields
    return {"live": {address: there}, "strays": strays}


def _in_words(plan: Plan, address: str) -> Iterator[str]:
    for change in plan.changes:
        if str(change.address) != address:
            continue
        action = change.action.value
        if change.importing:
            action = "import" if change.action is Action.KEEP else f"import and {action}"
        if change.previous:
            action = "move" if change.action is Action.KEEP else f"move and {action}"
        yield f"{action}, {change.reason}"
    yield from (f"drift {found.drift}" for found in plan.drift)
    yield from (f"orphan, {found.action}" for found in plan.orphans)
    yield from (f"old object, {found.action}" for found in plan.deposed)
    yield from (f"stop, {block.rule}" for block in plan.blocked)


@every_kind
@table("""
    specs     | lock         | service         | planned
    A         | -            | -               | create, new
    A         | -            | A stamped       | import, adopted
    A         | -            | A stamped twice | create, new; orphan, keep; orphan, keep
    A         | -            | A named         | import, imported
    A         | - old object | -               | create, new; old object, delete
    A         | A            | -               | create, gone; drift missing
    A         | A            | A stamped       | import, adopted; drift missing
    A         | A            | A               | keep, in_sync
    A         | A            | A copied        | keep, in_sync; orphan, keep
    A moved   | A            | A               | move, in_sync
    A         | B            | -               | create, gone; drift missing
    -         | A            | A               | delete, not_in_specs
    -         | A            | -               | forget, gone; drift missing
    - let go  | A            | A               | forget, removed_block
    - let go  | A            | -               | forget, removed_block
    -         | - old object | -               | old object, delete
    -         | -            | A stamped       | orphan, keep
    -         | -            | A stamped twice | orphan, keep; orphan, keep
    -         | -            | -               | -
""")
def test_what_is_there(address: str, specs: str, lock: str, service: str, planned: str) -> None:
    """Of any kind: what is not there is made, what nobody wants goes, and nothing is made twice."""
    assert outcome(address, specs, lock, service) == planned


@changed_in_place
@table("""
    specs     | lock         | service         | planned
    B         | -            | A stamped       | import and update, adopted
    B         | -            | A named         | import and update, imported
    B         | A            | A               | update, spec_changed
    A         | A            | B               | update, drift; drift remote
    B         | A            | C               | update, spec_changed; drift both
    B         | A            | B               | keep, in_sync
    B moved   | A            | A               | move and update, spec_changed
    -         | A            | B               | delete, not_in_specs; drift both
""")
def test_what_differs(address: str, specs: str, lock: str, service: str, planned: str) -> None:
    """What differs is written in place, and whose edit that undoes is said."""
    assert outcome(address, specs, lock, service) == planned


@table("""
    specs     | lock         | service         | planned
    B         | A            | A               | replace, fixed_field
    B         | -            | A named         | import and replace, imported
    A         | A            | B               | replace, fixed_field; drift remote
""")
def test_what_differs_and_is_fixed(specs: str, lock: str, service: str, planned: str) -> None:
    """The bytes of an upload cannot be changed: there is a new one in its place."""
    assert outcome("file.x.md", specs, lock, service) == planned


def test_what_expired() -> None:
    """A store that has expired answers no search any more."""
    assert outcome("vector_store.x", "A", "A", "A expired") == "replace, expired; drift missing"


@table("""
    specs      | lock       | service    | planned
    assistants | -          | -          | create, new
    responses  | -          | -          | create, new
    assistants | assistants | there      | keep, in_sync
    responses  | responses  | -          | keep, in_sync
    responses  | assistants | there      | replace, api_changed
    assistants | responses  | -          | replace, api_changed
    responses  | assistants | -          | replace, api_changed
    assistants | assistants | API gone   | replace, api_gone
    responses  | assistants | API gone   | replace, api_gone
    -          | assistants | API gone   | forget, api_gone
    -          | responses  | -          | delete, not_in_specs
""")
def test_apis(specs: str, lock: str, service: str, planned: str) -> None:
    """An assistant may change its API; under Responses the lock has all there is of it."""
    fields, name = VERSIONS["assistant.x"]["A"], Address.parse("assistant.x")
    entry: dict[str, Any] | None = {**fields, "api": lock}
    if lock == "responses":
        entry = {**fields, **pinned(request("assistant.x", fields))}
    sides = {
        "specs": {**OTHERS, "assistant.x": None if specs == "-" else {**fields, "api": specs}},
        "lock": {**OTHERS, "assistant.x": None if lock == "-" else entry},
        "live": {} if service == "there" else {"assistant.x": None},
    }
    gone = frozenset({name} if service == "API gone" else ())
    plan = make_plan(situation(**sides, api_gone=gone))
    (found,) = [*_in_words(plan, "assistant.x")]
    assert found == planned


@every_kind
@table("""
    specs       | lock        | service   | asked       | planned
    A           | A           | A         | replace     | replace, asked
    A           | A           | -         | replace     | create, gone; drift missing
    A           | A           | A         | destroy     | delete, destroy
    A           | A           | -         | destroy     | forget, gone; drift missing
    A           | -           | -         | destroy     | -
    A           | -           | A stamped | destroy     | orphan, keep
    -           | -           | A stamped | prune       | orphan, delete
    A           | -           | A stamped | prune       | import, adopted
    -           | A protected | A         |             | delete, not_in_specs; stop, protected
    -           | A protected | -         |             | forget, gone; drift missing
    - let go    | A protected | A         |             | forget, removed_block
    A           | A protected | A         | destroy     | delete, destroy; stop, protected
    A protected | A protected | A         | replace     | replace, asked; stop, protected
    A protected | A protected | A         |             | keep, in_sync
    A protected | A           | A         |             | update, spec_changed
    A protected | A           | A         | replace     | replace, asked
    A           | A protected | A         |             | update, spec_changed
    A           | A protected | A         | replace     | replace, asked; stop, protected
""")
def test_what_is_asked(
    address: str, specs: str, lock: str, service: str, asked: str, planned: str
) -> None:
    """What the options of a plan and `lifecycle.protect` make of it."""
    assert outcome(address, specs, lock, service, asked) == planned


@changed_in_place
@table("""
    specs | lock | service | asked       | planned
    A     | A    | B       | fail        | update, drift; drift remote; stop, drift
    B     | A    | C       | fail        | update, spec_changed; drift both; stop, drift
    A     | A    | B       | fail, force | update, drift; drift remote; stop, drift
    B     | A    | A       | fail        | update, spec_changed
    B     | A    | B       | fail        | keep, in_sync
    A     | A    | -       | fail        | create, gone; drift missing
    -     | A    | B       | fail        | delete, not_in_specs; drift both; stop, drift
""")
def test_where_drift_fails(
    address: str, specs: str, lock: str, service: str, asked: str, planned: str
) -> None:
    """Under `on_drift: fail` somebody else's edit is never overwritten, whatever is forced."""
    assert outcome(address, specs, lock, service, asked) == planned
