"""Renames: who keeps its object under a new address, and what refers to it then."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.diff import Comparison, compare
from provisioner.kinds import kind
from provisioner.model import Address, Desired, Live, Locked, Source
from provisioner.plan.decide import sides
from provisioner.plan.moves import conflicts, with_moves
from tests.plan.spelling import BASE, Side, document, holding, planned, situation

BOT, KB, A = (Address.parse(name) for name in ("assistant.bot", "vector_store.kb", "file.a.md"))
NEW_BOT, NEW_KB = Address.parse("assistant.new"), Address.parse("vector_store.new")


def moved(specs: Side, lock: Side | None = None, *moves: tuple[Address, Address]) -> dict[str, str]:
    """What is found to have moved: new → old."""
    case = situation(specs, lock)
    return {
        str(to): str(origin) for to, origin in with_moves(case.lock, case.desired, moves)[1].items()
    }


def test_what_is_named_in_moved() -> None:
    """A move carries the entry along: under its new address, with its id, and so do those that
    refer to it.
    """
    case = situation()
    lock, moves = with_moves(case.lock, case.desired, [(KB, NEW_KB), (BOT, NEW_BOT)])
    assert moves == {NEW_KB: KB, NEW_BOT: BOT}
    assert set(lock.resources) == {NEW_BOT, NEW_KB, A, Address.parse("file.b.md")}
    assert lock.resources[NEW_KB].address == NEW_KB
    assert lock.resources[NEW_KB].id == "vs_kb"
    assert lock.resources[NEW_BOT].id == "asst_bot"
    assert lock.resources[NEW_BOT].depends_on == (NEW_KB,)
    assert lock.resources[NEW_BOT].fields["tools"] == [
        {"type": "file_search", "vector_stores": [str(NEW_KB)]}
    ]


def test_files_that_a_tool_names() -> None:
    """References to files are renamed in tools, too; ids of objects that are not managed
    here stay.
    """
    tools = [
        {"type": "code_interpreter", "files": ["file.a.md", {"id": "file-x"}]},
        {"type": "function", "name": "f"},
    ]
    case = situation(lock={"assistant.bot": {"tools": tools}})
    lock, _ = with_moves(case.lock, case.desired, [(A, Address.parse("file.new.md"))])
    assert lock.resources[BOT].fields["tools"] == [
        {"type": "code_interpreter", "files": ["file.new.md", {"id": "file-x"}]},
        {"type": "function", "name": "f"},
    ]


def test_documents_of_a_store() -> None:
    """What a store holds is known by its path, which moves with the file; an unmanaged one
    stays.
    """
    files = {**holding("a.md", "b.md"), "id:file-x": {"id": "file-x"}}
    case = situation(lock={"vector_store.kb": {"files": files}})
    lock, _ = with_moves(case.lock, case.desired, [(A, Address.parse("file.docs/a.md"))])
    assert lock.resources[KB].fields["files"] == {
        "docs/a.md": {"file": "file.docs/a.md", "id": "file-a.md", "sha256": "a"},
        "b.md": {"file": "file.b.md", "id": "file-b.md", "sha256": "b"},
        "id:file-x": {"id": "file-x"},
    }


def test_a_lock_without_moves_is_the_same() -> None:
    """Where nothing moves, nothing is touched."""
    case = situation()
    assert with_moves(case.lock, case.desired, [(NEW_KB, Address.parse("vector_store.newer"))]) == (
        case.lock,
        {},
    )


def test_a_place_that_is_taken() -> None:
    """Nothing moves onto what is there; that is a conflict, unless there is nothing to move."""
    lock = {
        "assistant.new": BASE["assistant.bot"],
        "assistant.empty": {"id": None, "deposed": ("asst_1",)},
    }
    case = situation(lock=lock)
    moves = [
        (BOT, NEW_BOT),
        (Address.parse("assistant.nobody"), NEW_BOT),
        (Address.parse("assistant.empty"), NEW_BOT),
        (KB, NEW_KB),
    ]
    assert with_moves(case.lock, case.desired, moves)[1] == {NEW_KB: KB}
    assert conflicts(case.lock, moves) == [(BOT, NEW_BOT)]


BYTES: dict[str, tuple[Side, Side, dict[str, str]]] = {
    "the same bytes at another path": (
        {"file.a.md": None, "file.docs/a.md": document("a")},
        {},
        {"file.docs/a.md": "file.a.md"},
    ),
    "other bytes": ({"file.a.md": None, "file.docs/a.md": document("c")}, {}, {}),
    "another purpose": (
        {"file.a.md": None, "file.docs/a.md": {**document("a"), "purpose": "vision"}},
        {},
        {},
    ),
    "another base name": ({"file.a.md": None, "file.docs/c.md": document("a")}, {}, {}),
    "a copy, where the old path stays": ({"file.docs/a.md": document("a")}, {}, {}),
    "one of two new paths": (
        {"file.a.md": None, "file.x/a.md": document("a"), "file.y/a.md": document("a")},
        {},
        {"file.x/a.md": "file.a.md"},
    ),
    "two for two": (
        {"file.a.md": None, "file.x/a.md": document("a"), "file.y/a.md": document("a")},
        {"file.o/a.md": document("a")},
        {"file.x/a.md": "file.a.md", "file.y/a.md": "file.o/a.md"},
    ),
    "onto a path that has another version already": (
        {"file.a.md": None, "file.docs/a.md": document("a")},
        {"file.docs/a.md": document("d")},
        {},
    ),
    "from an entry without an object": (
        {"file.a.md": None, "file.docs/a.md": document("a")},
        {"file.a.md": {"id": None, "deposed": ("file-1",)}},
        {},
    ),
    "only files are known by their bytes": (
        {"assistant.bot": None, "assistant.new": BASE["assistant.bot"]},
        {},
        {},
    ),
}


@pytest.mark.parametrize("row", BYTES)
def test_same_bytes(row: str) -> None:
    """A file with the same bytes, purpose and base name at another path is moved, not uploaded
    again.
    """
    specs, lock, moves = BYTES[row]
    assert moved(specs, lock) == moves


def test_what_is_named_is_not_moved_by_its_bytes() -> None:
    """Where `moved` says where a file went, its bytes do not say it once more."""
    to = Address.parse("file.x/a.md")
    specs = {"file.a.md": None, "file.x/a.md": document("a"), "file.y/a.md": document("a")}
    assert moved(specs, {}, (A, to)) == {"file.x/a.md": "file.a.md"}


def new(**fields: Any) -> Side:
    """The assistant under another name, as the specs have it."""
    return {"assistant.bot": None, "assistant.new": {**BASE["assistant.bot"], **fields}}


SUSPECTS: dict[str, tuple[dict[str, Any], bool]] = {
    "the same but for the name": ({"specs": new()}, True),
    "the same but for its own name": (
        {"specs": new(name="New"), "lock": {"assistant.bot": {"name": "Bot"}}},
        True,
    ),
    "something else differs": ({"specs": new(temperature=0.3)}, False),
    "somebody else deletes the old one": ({"specs": new(), "live": {"assistant.bot": None}}, False),
    "both go": (
        {"specs": new(), "lock": {"assistant.new": BASE["assistant.bot"]}, "destroy": True},
        False,
    ),
    "a store with the same documents": (
        {
            "specs": {
                "vector_store.kb": None,
                "vector_store.new": BASE["vector_store.kb"],
                "assistant.bot": None,
            }
        },
        True,
    ),
    "a store with other documents": (
        {
            "specs": {
                "vector_store.kb": None,
                "vector_store.new": {"files": holding("a.md")},
                "assistant.bot": None,
            }
        },
        False,
    ),
    "nothing at all in common": (
        {
            "specs": {
                "vector_store.kb": None,
                "vector_store.new": {"name": "New"},
                "assistant.bot": None,
            },
            "lock": {"vector_store.kb": {"files": ...}},
        },
        False,
    ),
    "files are known by their bytes": (
        {"specs": {"file.a.md": None, "file.c.md": document("a")}},
        False,
    ),
}


@pytest.mark.parametrize("row", SUSPECTS)
def test_suspected_renames(row: str) -> None:
    """What goes while its like comes may have been renamed, which the plan says with the way to
    keep the object.
    """
    sides, suspected = SUSPECTS[row]
    notes = [line for line in planned(**sides) if line.startswith("note: ")]
    assert [("goes and" in note, "moved: [{from: " in note) for note in notes] == [
        (True, True)
    ] * suspected


def test_a_name_that_is_null_by_now_is_no_change() -> None:
    """What is declared and live in the same words stays so, whatever the default was before."""
    form = kind("assistant").form("assistants")
    want = Desired(NEW_BOT, {"model": "m", "name": None}, Source("specs/a.yaml"), api="assistants")
    entry = Locked(NEW_BOT, "asst_bot", {"model": "m"}, api="assistants")
    live = Live("asst_bot", {"model": "m", "name": None})

    assert compare(sides(form, want, entry, live, BOT)) == Comparison()
