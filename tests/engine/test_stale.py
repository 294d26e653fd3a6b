"""What a saved plan rests on: what may move while it is reviewed, and what may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.engine.refresh import Refreshed
from provisioner.engine.stale import basis, check_basis, check_lineage, check_users, refresh_request
from provisioner.errors import PlanError
from provisioner.model import Address, LockState, Plan
from provisioner.plan import make_plan
from provisioner.remote import Remote
from tests.plan.spelling import BASE, document, holding, situation, store_file, stray

BOT, KB = "assistant.bot", "vector_store.kb"
CHANGED = {"specs": {BOT: {"temperature": 0.1}}}  # the assistant alone, which uses the store
SAID_LOCK, SAID_LIVE = "The lock entry of `{}` has changed", "`{}` has changed at the service"


def moved(planned: dict[str, Any], since: dict[str, Any]) -> dict[str, str]:
    """What is said to have moved, by address: `lock` or `live`."""
    case = situation(**planned)
    plan = make_plan(case)
    saved = replace(plan, basis=basis(case, plan))
    now = situation(**{**planned, **since})
    try:
        check_basis(saved, now.lock.resources, Refreshed(now.observed))
    except PlanError as error:
        found = {problem.address or "": problem.detail for problem in error.problems}
        return {
            address: "lock" if detail.startswith(SAID_LOCK.format(address)) else "live"
            for address, detail in found.items()
            if detail.startswith((SAID_LOCK.format(address), SAID_LIVE.format(address)))
        }
    return {}


EDITS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "nothing": (CHANGED, {}, {}),
    "the object was edited by hand": (CHANGED, {"live": {BOT: {"model": "gpt-5"}}}, {BOT: "live"}),
    "the object has gone": (CHANGED, {"live": {BOT: None}}, {BOT: "live"}),
    "another apply has changed its entry": (
        CHANGED,
        {"lock": {BOT: {"temperature": 0.3}}},
        {BOT: "lock"},
    ),
    "its entry is of another object": (CHANGED, {"lock": {BOT: {"id": "asst_2"}}}, {BOT: "lock"}),
    "its entry has gone": (CHANGED, {"lock": {BOT: None}}, {BOT: "lock"}),
    "what it uses was edited": (CHANGED, {"live": {KB: {"name": "x"}}}, {KB: "live"}),
    "what it uses has another entry": (CHANGED, {"lock": {KB: {"protected": True}}}, {KB: "lock"}),
    "what it uses has expired": (CHANGED, {"live": {KB: {"status": "expired"}}}, {KB: "live"}),
    "what nobody is to touch was edited": (CHANGED, {"live": {"file.a.md": {"bytes": 3}}}, {}),
    "somebody put a file into the store": (
        CHANGED,
        {"live": {KB: {"store_files": {"file-y": store_file("file-y")}}}},
        {},
    ),
    "what the service counts by itself": (CHANGED, {"live": {BOT: {"created_at": 99}}}, {}),
    "an object that was new is there": (
        {"lock": {BOT: None}},
        {"live": {BOT: {"model": "gpt-4o"}}},
        {BOT: "live"},
    ),
    "an object that was new is locked": ({"lock": {BOT: None}}, {"lock": {}}, {BOT: "lock"}),
    "a document that is to be replaced was taken out": (
        {"specs": {"file.a.md": document("c")}},
        {"live": {KB: {"store_files": {"file-a.md": None}}}},
        {KB: "live"},
    ),
    "a document that is to be replaced got other attributes": (
        {"specs": {"file.a.md": document("c")}},
        {
            "live": {
                KB: {
                    "store_files": {
                        "file-a.md": store_file("file-a.md", "a.md", attributes={"x": 1})
                    }
                }
            }
        },
        {KB: "live"},
    ),
    "another document was taken out": (
        {"specs": {"file.a.md": document("c")}},
        {"live": {KB: {"store_files": {"file-b.md": None}}}},
        {},
    ),
    "a document that is to be replaced has another entry": (
        {"specs": {"file.a.md": document("c")}},
        {"lock": {"file.a.md": {"id": "file-2"}}},
        {"file.a.md": "lock"},
    ),
    "a new document of a store": (
        {"specs": {"file.c.md": document("c"), KB: {"files": holding("a.md", "b.md", "c.md")}}},
        {"lock": {"file.c.md": document("c")}},
        {"file.c.md": "lock"},
    ),
    "an old object that is to be deleted is gone": (
        {"lock": {KB: {"deposed": ("vs_1",)}}},
        {"lock": {}},
        {KB: "lock"},
    ),
    "an old object that stays has a new neighbour": (
        {"lock": {KB: {"deposed": ("vs_1",)}}, "others": {"vs_1": ("them",)}},
        {"lock": {}},
        {},
    ),
    "an orphan that is to be deleted is locked": (
        {"strays": (stray("assistant.x", "asst_9"),), "prune_orphans": True},
        {"lock": {"assistant.x": BASE[BOT]}, "strays": ()},
        {"assistant.x": "lock"},
    ),
}


@pytest.mark.parametrize("row", EDITS)
def test_what_may_move(row: str) -> None:
    """What is planned, what that uses and what is deleted has to be as it was; everything else may
    move.
    """
    planned, since, found = EDITS[row]
    assert moved(planned, since) == found


def lock(serial: int = 3, lineage: str = "a") -> LockState:
    return replace(situation().lock, serial=serial, lineage=lineage)


def plan(serial: int = 3, lineage: str = "a") -> Plan:
    return replace(make_plan(situation()), serial=serial, lineage=lineage)


def test_the_lock_is_the_same_one() -> None:
    """A plan is made from one lock, or from none; its serial may be higher by now."""
    check_lineage(plan(), lock())
    check_lineage(plan(), lock(serial=9))
    check_lineage(plan(serial=0), None)
    with pytest.raises(PlanError, match="lineage `a`, and the lock is of `b`"):
        check_lineage(plan(), lock(lineage="b"))
    with pytest.raises(PlanError, match="not there any more"):
        check_lineage(plan(), None)


def test_what_has_to_be_looked_at() -> None:
    """The objects of the plan with what they are to be, and what is imported; nothing that goes is
    wanted.
    """
    sides: dict[str, Any] = {
        "specs": {BOT: {"temperature": 0.1}, "file.b.md": None, KB: {"files": holding("a.md")}}
    }
    asked = refresh_request(
        Remote.open("http://nowhere.invalid", "none"), lock(), make_plan(situation(**sides))
    )
    assert {str(address) for address in asked.desired} == {BOT, KB, "file.a.md"}
    want = asked.desired[Address.parse(BOT)]
    assert (want.fields["temperature"], want.api, want.depends_on) == (
        0.1,
        "assistants",
        (Address.parse(KB),),
    )
    assert (asked.imports, asked.ours) == ({}, ("acme", "prod"))
    imported = situation(
        lock={BOT: None}, live={BOT: {"id": "asst_9"}}, imports={Address.parse(BOT): "asst_9"}
    )
    asked = refresh_request(
        Remote.open("http://nowhere.invalid", "none"), lock(), make_plan(imported)
    )
    assert asked.imports == {Address.parse(BOT): "asst_9"}


def test_somebody_began_to_use_it() -> None:
    """What is to be deleted, and is used by now, is named with its users."""
    case = situation(
        specs={BOT: None}, lock={KB: {"deposed": ("vs_1",)}}, strays=(stray("file.x", "file-9"),)
    )
    made = make_plan(case)
    check_users(made, {})
    with pytest.raises(PlanError) as stale:
        check_users(made, {"asst_bot": ["them"], "vs_1": ["you", "him"], "file-9": ["her"]})
    assert [(problem.address, problem.detail) for problem in stale.value.problems] == [
        (BOT, f"`{BOT}` (`asst_bot`) is used by them by now."),
        ("file.x", "`file.x` (`file-9`) is used by her by now."),
        (KB, f"`{KB}` (`vs_1`) is used by you, him by now."),
    ]
