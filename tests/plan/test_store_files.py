"""What becomes of one file of a store: how it is declared, how it was applied, how the store has
it → what is done, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from provisioner.diff import join
from provisioner.kinds.vector_store.form import chunks
from provisioner.model import Action, Plan
from provisioner.plan import make_plan
from tests.plan.spelling import BASE, document, situation, stamp, store_file
from tests.support.tables import table

STORE = "vector_store.x"
OTHERS: dict[str, Any] = dict.fromkeys(BASE)
STAMPS = {
    "unstamped": None,
    "of-old.md": stamp("old.md"),
    "of-others": stamp("old.md", "ffffffff"),
}
STATES = ("failed", "cancelled", "in_progress")


def done(path: str, specs: str, lock: str, store: str) -> str:
    """What is planned for the file at a path, or for `id:file-x`. Each side is `-`, or what it has:
    a version, attributes (`team=hr`), how it is cut (`200/50`); in the lock, that a stopped apply
    was about to attach it (`unsure`); and at the service its state and its stamp.
    """
    wanted, applied = OTHERS.copy(), OTHERS.copy()
    wanted[STORE], applied[STORE] = _side(path, specs), _side(path, lock)
    if path == "a.md":
        wanted["file.a.md"] = document(_version(specs) or "a")
        applied["file.a.md"] = document(_version(lock) or "a")
    plan = make_plan(situation(wanted, applied, {STORE: {"store_files": _held(path, store)}}))
    return "; ".join(_in_words(plan)) or "-"


def _version(cell: str) -> str:
    return cell.split()[0].strip("-")


def _side(path: str, cell: str) -> dict[str, Any]:
    """The store as the specs or the lock have it."""
    if cell == "-":
        return {"name": "Handbook"}
    named = {"file": f"file.{path}"} if path == "a.md" else {"id": path.removeprefix("id:")}
    found = {"name": "Handbook", "files": {path: {**named, **_settings(cell)}}}
    return {**found, "resetting": (join("files", path),)} if "unsure" in cell else found


def _settings(cell: str) -> dict[str, Any]:
    words = cell.split()
    found: dict[str, Any] = {}
    attributes = dict(word.split("=") for word in words if "=" in word)
    if attributes:
        found["attributes"] = attributes
    for word in words[1:]:
        assert "=" in word or "/" in word or word in (*STAMPS, *STATES, "other", "unsure"), word
        if "/" in word:
            whole, overlap = map(int, word.split("/"))
            found["chunking"] = {"max_chunk_size_tokens": whole, "chunk_overlap_tokens": overlap}
        if word == "other":
            found["chunking"] = "other"
    return found


def _held(path: str, cell: str) -> dict[str, Any]:
    """The files that the store holds."""
    id = "file-a.md" if path == "a.md" else path.removeprefix("id:")
    if cell == "-":
        return {id: None}
    words = cell.split()
    found = store_file(id, path if path == "a.md" else None, **_settings(cell))
    for word in words:
        if word in STAMPS:
            found = replace(found, stamp=STAMPS[word])
        if word in STATES:
            found = replace(found, status=word)
    return {id: found}


def _in_words(plan: Plan) -> Iterator[str]:
    """`replace 200/50 {team: hr}, chunking_changed`; at the end whose edit of the store it undoes."""
    (store,) = (change for change in plan.changes if change.address.kind == "vector_store")
    reasons = [f", {one.reason}" for one in plan.changes if one.action is Action.REPLACE]
    drift = [f", {one.drift}" for one in store.fields if one.drift]
    for item in plan.store_file_changes:
        words = [item.action]
        words += [f"{key}={value}" for key, value in item.attributes.items()]
        if item.action in ("attach", "replace") and item.chunking != chunks("auto"):
            words.append("/".join(str(number) for number in item.chunking.values()))
        if item.gap:
            words.append("with a gap")
        yield "".join([" ".join(words), *reasons, *drift])


@table("""
    specs          | lock      | store              | planned
    a              | a         | a                  | -
    a              | -         | -                  | attach
    a              | a         | -                  | attach, remote
    a              | a unsure  | -                  | attach
    c              | a         | a                  | replace, fixed_field
    a              | a         | a failed           | replace, failed
    a              | a         | a cancelled        | replace, failed
    c              | a         | a failed           | replace, fixed_field
    a              | a         | a in_progress      | wait
    -              | a         | a                  | detach
    -              | a         | -                  | forget
    a              | -         | a                  | adopt
    a              | -         | a unstamped        | update
    a              | -         | a of-others        | adopt
    a              | a         | a of-old.md        | update
    a              | a         | a of-others        | -
    a              | a         | a unstamped        | -
    -              | -         | a                  | detach
    -              | -         | a unstamped        | -
    -              | -         | a of-others        | -
""")
def test_what_is_in_the_store(specs: str, lock: str, store: str, planned: str) -> None:
    """A file is attached and taken out as the specs have it; what an apply that was stopped has done
    already is only written down.
    """
    assert done("a.md", specs, lock, store) == planned


@table("""
    specs          | lock      | store              | planned
    a team=hr      | a team=hr | a team=hr          | -
    a team=hr      | a         | a                  | update team=hr
    a team=it      | a team=hr | a team=hr          | update team=it
    a              | a team=hr | a team=hr          | update
    a              | a team=hr | a                  | -
    a team=hr      | a team=hr | a                  | update team=hr, remote
    a team=hr      | a team=hr | a team=it          | update team=hr, remote
    a team=ops     | a team=hr | a team=it          | update team=ops, both
    a team=it      | a team=hr | a team=it          | -
    a              | a         | a theirs=1         | -
    a team=hr      | a team=hr | a team=it theirs=1 | update theirs=1 team=hr, remote
    a team=hr      | a         | a in_progress      | update team=hr
    c team=hr      | a         | a theirs=1         | replace theirs=1 team=hr, fixed_field
""")
def test_attributes(specs: str, lock: str, store: str, planned: str) -> None:
    """Attributes are compared key by key, and those of others are sent along as they are."""
    assert done("a.md", specs, lock, store) == planned


@table("""
    specs          | lock      | store              | planned
    a 200/50       | a 200/50  | a 200/50           | -
    a 200/50       | a         | a                  | replace 200/50, chunking_changed
    a              | a 200/50  | a 200/50           | replace, chunking_changed
    a              | a         | a 200/50           | replace, chunking_changed
    a 200/50       | a 200/50  | a                  | replace 200/50, chunking_changed
    a 800/400      | a         | a                  | -
    a              | a         | a other            | -
    a 200/50       | a 200/50  | a other            | -
    a 200/50       | a         | a other            | replace 200/50, chunking_changed
    a 200/50       | -         | a other            | adopt
    a 200/50       | -         | -                  | attach 200/50
""")
def test_how_it_is_cut(specs: str, lock: str, store: str, planned: str) -> None:
    """What is cut in another way is a new upload; `other` is where the service does not show it."""
    assert done("a.md", specs, lock, store) == planned


@table("""
    specs          | lock      | store              | planned
    x              | x         | x                  | -
    x              | -         | -                  | attach
    x              | -         | x                  | adopt
    x              | x         | -                  | attach, remote
    -              | x         | x                  | detach
    -              | x         | -                  | forget
    -              | -         | x                  | -
    x 200/50       | x         | x                  | replace 200/50 with a gap
    x              | x         | x failed           | replace with a gap
    x              | x         | x in_progress      | wait
    x team=hr      | x         | x                  | update team=hr
    x team=hr      | x team=hr | x team=it          | update team=hr, remote
""")
def test_a_file_that_is_not_managed_here(specs: str, lock: str, store: str, planned: str) -> None:
    """It is taken in and out, and never uploaded or deleted."""
    assert done("id:file-x", specs, lock, store) == planned
