"""Whose the objects are: what carries our stamp and is not in the lock, and what is in the lock
with another stamp.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.model import Live, Stamp
from provisioner.plan.ownership import claim_problem, foreign, foreign_problem, originals
from tests.plan.spelling import BASE, situation, stamp, store_file, stray

BOT, KB = "assistant.bot", "vector_store.kb"
THEIRS = Stamp("other", "prod", "assistant.x", "ffffffff", 1)

CLAIMS: dict[str, tuple[dict[str, Any], dict[str, tuple[list[str], str | None]]]] = {
    "nothing": ({}, {}),
    "one for what is new": (
        {"lock": {BOT: None}, "strays": (stray(BOT, "asst_1"),)},
        {BOT: (["asst_1"], "asst_1")},
    ),
    "one for what is gone": (
        {"live": {BOT: None}, "strays": (stray(BOT, "asst_1"),)},
        {BOT: (["asst_1"], "asst_1")},
    ),
    "one for what is there": ({"strays": (stray(BOT, "asst_1"),)}, {}),
    "two": (
        {"lock": {BOT: None}, "strays": (stray(BOT, "asst_2"), stray(BOT, "asst_1"))},
        {BOT: (["asst_1", "asst_2"], None)},
    ),
    "one that was found twice": (
        {"lock": {BOT: None}, "strays": (stray(BOT, "asst_1"), stray(BOT, "asst_1"))},
        {BOT: (["asst_1"], "asst_1")},
    ),
    "one for what nobody declares": ({"strays": (stray("assistant.x", "asst_1"),)}, {}),
    "one through another API": (
        {"lock": {BOT: None}, "strays": (replace(stray(BOT, "asst_1"), api="agents"),)},
        {},
    ),
    "one for what changes its API": (
        {
            "specs": {BOT: {"api": "agents"}},
            "live": {BOT: None},
            "strays": (replace(stray(BOT, "asst_1"), api="agents"),),
        },
        {},
    ),
    "one for an entry without an object, through another API before": (
        {
            "specs": {BOT: {"api": "agents"}},
            "lock": {BOT: {"id": None, "deposed": ("asst_0",)}},
            "strays": (replace(stray(BOT, "asst_1"), api="agents"),),
        },
        {BOT: (["asst_1"], "asst_1")},
    ),
    "a file that a list has shown": (
        {"lock": {"file.a.md": None}, "strays": (stray("file.a.md", "file-1", KB, bytes=10),)},
        {"file.a.md": (["file-1"], "file-1")},
    ),
    "a file that only its store has shown": (
        {"lock": {"file.a.md": None}, "strays": (stray("file.a.md", "file-1", KB),)},
        {"file.a.md": (["file-1"], "file-1")},
    ),
    "one beside an object that has moved away": (
        {
            "specs": {"assistant.new": BASE[BOT]},
            "lock": {BOT: None, "assistant.new": BASE[BOT]},
            "live": {"assistant.new": {"stamp": stamp(BOT)}},
            "strays": (stray(BOT, "asst_1"),),
        },
        {BOT: (["asst_new", "asst_1"], None)},
    ),
    "everything goes": (
        {"lock": {BOT: None}, "strays": (stray(BOT, "asst_1"),), "destroy": True},
        {},
    ),
}


@pytest.mark.parametrize("row", CLAIMS)
def test_claims(row: str) -> None:
    """What carries our stamp for a declared address without an object is taken over if it is the
    only one.
    """
    sides, found = CLAIMS[row]
    claims = situation(**sides).claims
    assert {
        str(address): ([*claim.ids], claim.only.live.id if claim.only else None)
        for address, claim in claims.items()
    } == found


def test_what_the_objects_of_the_lock_say_they_are() -> None:
    """By the address in their stamps, which after a move is the old one; others' stamps and members
    do not count.
    """
    case = situation(
        lock={"assistant.new": BASE[BOT], "vector_store.x": {"name": "X"}},
        live={
            "assistant.new": {"stamp": stamp("assistant.old")},
            "vector_store.x": {"stamp": THEIRS},
            KB: {
                "store_files": {
                    "file-b.md": store_file("file-b.md", "old.md"),
                    "file-y": store_file("file-y", "y.md"),
                }
            },
        },
    )
    found = {str(address): id for address, id in originals(case.lock, case.observed.live).items()}
    assert found == {
        BOT: "asst_bot",
        "assistant.old": "asst_new",
        KB: "vs_kb",
        "file.a.md": "file-a.md",
        "file.old.md": "file-b.md",
    }


FOREIGN: dict[str, tuple[dict[str, Any], dict[str, Live], list[tuple[str, str, str, bool]]]] = {
    "an old object": (
        {"lock": {BOT: {"deposed": ("asst_1", "asst_2")}}},
        {"asst_1": Live("asst_1", {}, THEIRS)},
        [(BOT, "asst_1", "", True)],
    ),
    "an old object of one that is gone": (
        {"lock": {BOT: {"deposed": ("asst_1",)}}, "live": {BOT: None}},
        {"asst_1": Live("asst_1", {}, THEIRS)},
        [(BOT, "asst_1", "", True)],
    ),
    "an old object of one whose stamp somebody has taken off": (
        {"lock": {BOT: {"deposed": ("asst_1",)}}, "live": {BOT: {"stamp": None}}},
        {"asst_1": Live("asst_1", {}, THEIRS)},
        [(BOT, "asst_1", "", True)],
    ),
    "a document": (
        {"live": {KB: {"store_files": {"file-a.md": store_file("file-a.md", stamp=THEIRS)}}}},
        {},
        [(KB, "file-a.md", "a.md", False)],
    ),
    "a document of a store whose stamp somebody has taken off": (
        {
            "live": {
                KB: {
                    "stamp": None,
                    "store_files": {"file-a.md": store_file("file-a.md", stamp=THEIRS)},
                }
            }
        },
        {},
        [(KB, "file-a.md", "a.md", False)],
    ),
    "a document that is not ours": (
        {"live": {KB: {"store_files": {"file-y": store_file("file-y", stamp=THEIRS)}}}},
        {},
        [],
    ),
    "a document of a store that is theirs": (
        {
            "live": {
                KB: {
                    "stamp": THEIRS,
                    "store_files": {"file-a.md": store_file("file-a.md", stamp=THEIRS)},
                }
            }
        },
        {},
        [(KB, "vs_kb", "", False)],
    ),
    "a file of ours in another store of ours, where only they have put it": (
        {
            "lock": {"vector_store.x": {"name": "X"}},
            "live": {
                "vector_store.x": {
                    "store_files": {"file-a.md": store_file("file-a.md", stamp=THEIRS)}
                }
            },
        },
        {},
        [],
    ),
    "an unmanaged file that the store names": (
        {
            "lock": {KB: {"files": {"id:file-x": {"id": "file-x"}}}},
            "live": {KB: {"store_files": {"file-x": store_file("file-x", stamp=THEIRS)}}},
        },
        {},
        [(KB, "file-x", "id:file-x", False)],
    ),
}


@pytest.mark.parametrize("row", FOREIGN)
def test_foreign(row: str) -> None:
    """What our lock names and somebody else has stamped."""
    sides, old, rows = FOREIGN[row]
    case = situation(**sides)
    found = foreign(case.lock, case.observed.live, old)
    assert [(str(one.address), one.id, one.path, one.old) for one in found] == rows


def test_what_stops_the_plan() -> None:
    """Each problem names the object, its stamp, and the ways out."""
    case = situation(
        lock={BOT: {"deposed": ("asst_1",)}},
        live={
            BOT: {"stamp": THEIRS},
            KB: {"store_files": {"file-a.md": store_file("file-a.md", stamp=THEIRS)}},
        },
    )
    old = {"asst_1": Live("asst_1", {}, THEIRS)}
    current, deposed, document = (
        foreign_problem(one) for one in foreign(case.lock, case.observed.live, old)
    )
    assert current.address == deposed.address == BOT and document.address == KB
    assert (
        current.detail
        == f"`asst_bot`, which is `{BOT}` in this lock, carries the stamp `{THEIRS}`: it is managed"
        " with another lock as well."
    )
    assert "which is an old object of `assistant.bot` in this lock" in deposed.detail
    assert (
        "The document `file-a.md` (`a.md`) in `vector_store.kb` carries the stamp"
        in document.detail
    )
    assert f"`provisioner state rm {BOT}`" in (current.hint or "")
    assert "`provisioner state rm assistant.x`" in (current.hint or "")
    assert f"`provisioner state rm {KB}`" in (document.hint or "") and "attributes" in (
        document.hint or ""
    )


@pytest.mark.parametrize("locked", [False, True])
def test_which_of_several(locked: bool) -> None:
    """The question names all of them in order, and what has to be done first."""
    case = situation(lock={BOT: None}, strays=(stray(BOT, "asst_2"), stray(BOT, "asst_1")))
    (claim,) = case.claims.values()
    problem = claim_problem(claim, locked=locked)
    assert problem.detail.startswith(f"`asst_1`, `asst_2` carry our stamp for `{BOT}`")
    assert (problem.hint or "").startswith(
        f"after `provisioner state rm {BOT}`, name" if locked else "name"
    )
    assert problem.address == BOT
