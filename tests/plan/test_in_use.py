"""What forgotten objects use: which ids must not be deleted, whoever else names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.model import Address, Live, Locked, LockState, Profile, StoreFile
from provisioner.plan.forgetting import in_use

A, B = Address("vector_store", "a"), Address("vector_store", "b")
SUPPORT, OTHER = Address("assistant", "support"), Address("assistant", "other")
X, Y = Address("file", "x.md"), Address("file", "y.md")


def store(address: Address, *files: Address, **parts: Any) -> Locked:
    """A store with the id `vs-NAME` that holds files as the lock says it."""
    held = {file.name: {"file": str(file), "id": f"id-{file.name}"} for file in files}
    return Locked(address, f"vs-{address.name}", {"files": held}, **parts)


def file(address: Address, *deposed: str) -> Locked:
    return Locked(address, f"id-{address.name}", {"sha256": "0"}, deposed=deposed)


def assistant(
    address: Address, *, stores: list[Any] | None = None, files: list[Any] | None = None
) -> Locked:
    tools = [
        {"type": "file_search", "vector_stores": stores or []},
        {"type": "code_interpreter", "files": files or []},
    ]
    return Locked(address, f"asst-{address.name}", {"model": "m", "tools": tools}, api="assistants")


def profile(address: Address, request: dict[str, Any], *older: dict[str, Any]) -> Locked:
    return Locked(
        address,
        None,
        {"model": "m"},
        api="responses",
        profile=Profile(2, "sha256:0", request, older),
    )


def searching(*stores: str) -> dict[str, Any]:
    return {"model": "m", "tools": [{"type": "file_search", "vector_store_ids": list(stores)}]}


def live(entry: Locked, *store_files: str, **fields: Any) -> Live:
    held = {id: StoreFile(id, "completed", {}, "auto") for id in store_files}
    return Live(entry.id or "", {**entry.fields, **fields}, store_files=held or None)


def used(
    entries: list[Locked], leaving: set[str], *there: Live, forgotten: Address = A
) -> Mapping[str, Address]:
    lock = LockState("w", "e", "0123abcd-1", 1, {}, {entry.address: entry for entry in entries})
    by_id = {one.id: one for one in there}
    return in_use(
        lock, lambda address: by_id.get(lock.resources[address].id or ""), [forgotten], leaving
    )


@pytest.mark.parametrize("leaving", [{"id-x.md"}, {"id-x.md", "id-y.md", "vs-b"}])
def test_the_files_of_a_store(leaving: set[str]) -> None:
    """Those that it holds, and not those of another one."""
    assert used([store(A, X), store(B, Y), file(X), file(Y)], leaving) == {"id-x.md": A}


def test_what_stays_managed_is_not_given_up() -> None:
    """Only what would be deleted is asked about, and nothing behind what is kept either."""
    support = assistant(SUPPORT, stores=[str(A)])
    entries = [support, store(A, X), file(X)]
    assert used(entries, set(), forgotten=SUPPORT) == {}
    assert (
        used(entries, {"id-x.md"}, forgotten=SUPPORT) == {}
    )  # the store stays, and loses the document as planned


def test_what_is_used_through_something_else() -> None:
    """An assistant uses a store, and the store its files: each has a user of its own."""
    support = assistant(SUPPORT, stores=[str(A)], files=[str(Y)])
    found = used(
        [support, store(A, X), file(X), file(Y)], {"vs-a", "id-x.md", "id-y.md"}, forgotten=SUPPORT
    )
    assert found == {"vs-a": SUPPORT, "id-x.md": A, "id-y.md": SUPPORT}


def test_a_file_that_only_the_service_knows_to_be_in_a_store() -> None:
    """An apply that was stopped has attached it: the lock of the store does not name it."""
    entry = store(A)
    assert used([entry, file(X)], {"id-x.md"}, live(entry, "id-x.md", "id-stranger")) == {
        "id-x.md": A
    }


def test_an_old_version_that_is_still_held() -> None:
    """By the lock's own record, whatever the address has now: that is in use only where the store
    shows it.
    """
    held = Locked(A, "vs-a", {"files": {"x.md": {"file": str(X), "id": "id-old"}}})
    entries, leaving = [held, file(X, "id-old")], {"id-old", "id-x.md"}
    assert used(entries, leaving) == {"id-old": A}
    assert used(entries, leaving, live(held, "id-x.md")) == {"id-old": A, "id-x.md": A}


def test_an_old_version_that_an_assistant_still_names() -> None:
    """Its update has failed, so that at the service it names the deposed id, for which there is no
    address.
    """
    support = assistant(SUPPORT, files=[str(X)])
    shown = assistant(SUPPORT, files=[{"id": "id-old"}]).fields["tools"]
    found = used(
        [support, file(X, "id-old")], {"id-old"}, live(support, tools=shown), forgotten=SUPPORT
    )
    assert found == {"id-old": SUPPORT}


def test_every_version_of_a_profile() -> None:
    """The newest and the older ones, as this release keeps them and as the first one did; and what
    a deposed store that they name holds.
    """
    older = (
        {"version": 1, "digest": "", "request": searching("vs-old")},
        {"version": 0, "digest": "", "ids": ["vs-b"]},
    )
    entries = [
        profile(SUPPORT, searching("vs-a"), *older),
        store(A, X, deposed=("vs-old",), deposed_files={"vs-old": ("id-y.md",)}),
        store(B),
        file(X),
        file(Y),
    ]
    found = used(entries, {"vs-a", "vs-old", "vs-b", "id-x.md", "id-y.md"}, forgotten=SUPPORT)
    assert found == {
        "vs-a": SUPPORT,
        "vs-old": SUPPORT,
        "vs-b": SUPPORT,
        "id-x.md": A,
        "id-y.md": A,
    }


def test_what_is_about_to_be_taken_over() -> None:
    """An imported file that is to be replaced at once: the lock does not name it yet, and it stays
    all the same.
    """
    entry = store(A)
    assert used([entry], {"id-theirs"}, live(entry, "id-theirs")) == {"id-theirs": A}


def test_a_file_of_two_forgotten_stores() -> None:
    """It is given up once, with one of them, and forgotten stores do not give up each other."""
    lock = [store(A, X), store(B, X), file(X)]
    state = LockState("w", "e", "0123abcd-1", 1, {}, {entry.address: entry for entry in lock})
    found = in_use(state, lambda _: None, [A, B], {"id-x.md", "vs-a", "vs-b"})
    assert found.keys() == {"id-x.md"} and found["id-x.md"] in (A, B)
