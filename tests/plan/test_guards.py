"""What makes a plan unsafe, at its bounds, and what of that `--force` overrides."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import Address, Source
from provisioner.plan import make_plan
from tests.plan.spelling import BASE, document, holding, planned, situation, store_file

BOT, KB = "assistant.bot", "vector_store.kb"
NOBODY: dict[str, Any] = dict.fromkeys(BASE)
ALWAYS, UNLESS_FORCED = ", whatever is forced", ""


def bots(number: int, **fields: Any) -> dict[str, Any]:
    """So many assistants, and nothing else."""
    return {**NOBODY, **{f"assistant.a{at}": {"model": "gpt-4o", **fields} for at in range(number)}}


def stops(**sides: Any) -> list[str]:
    return [line.removeprefix("stop: ") for line in planned(**sides) if line.startswith("stop: ")]


def labels(number: int, name: str = "k") -> dict[str, str]:
    return {f"{name}{at}": "x" for at in range(number)}


PROTECTED = {BOT: {"protected": True}}
LIVE_LABELS = {BOT: {"metadata": labels(8, "theirs")}}

STOPS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a protected object goes": (
        {"specs": {BOT: None}, "lock": PROTECTED},
        ["protected, whatever is forced"],
    ),
    "a protected object is replaced": (
        {"specs": {BOT: {"protect": True}}, "lock": PROTECTED, "replaces": {Address.parse(BOT)}},
        ["protected, whatever is forced"],
    ),
    "a protected object goes with everything else": (
        {"specs": {}, "lock": PROTECTED, "destroy": True},
        ["protected, whatever is forced"],
    ),
    "protection that the specs lift has to be applied first": (
        {"specs": {BOT: {"protect": False}}, "lock": PROTECTED, "replaces": {Address.parse(BOT)}},
        ["protected, whatever is forced"],
    ),
    "a protected object is changed": (
        {"specs": {BOT: {"protect": True, "temperature": 1}}, "lock": PROTECTED},
        [],
    ),
    "a protected object is let go": (
        {"specs": {BOT: None}, "lock": PROTECTED, "forgets": {Address.parse(BOT): Source("x")}},
        [],
    ),
    "protection that is not applied yet": (
        {"specs": {BOT: {"protect": True}}, "replaces": {Address.parse(BOT)}},
        [],
    ),
    "16 pairs of metadata with those of others and our own": (
        {"specs": {BOT: {"metadata": labels(7)}}, "live": LIVE_LABELS},
        [],
    ),
    "17 pairs": (
        {"specs": {BOT: {"metadata": labels(8)}}, "live": LIVE_LABELS},
        ["too_much_metadata, whatever is forced"],
    ),
    "17 pairs, some of which go with this plan": (
        {
            "specs": {BOT: {"metadata": labels(7)}},
            "lock": {BOT: {"metadata": {"old": "x"}}},
            "live": {BOT: {"metadata": {**labels(8, "theirs"), "old": "x"}}},
        },
        [],
    ),
    "17 pairs, some of which are the same": (
        {
            "specs": {BOT: {"metadata": labels(8)}},
            "live": {BOT: {"metadata": {**labels(7, "theirs"), "k0": "y"}}},
        },
        [],
    ),
    "17 pairs, one of which is declared to be nothing": (
        {"specs": {BOT: {"metadata": {**labels(7), "none": None}}}, "live": LIVE_LABELS},
        [],
    ),
    "17 pairs that nobody writes": (
        {"live": {BOT: {"metadata": labels(16, "theirs")}}},
        [],
    ),
    "somebody's edit, where that is put up with": ({"live": {BOT: {"temperature": 1}}}, []),
    "somebody's edit, where that is not": (
        {"live": {BOT: {"temperature": 1}}, "on_drift": "fail"},
        ["drift, whatever is forced"],
    ),
    "an edit of both": (
        {
            "specs": {BOT: {"temperature": 0.1}},
            "live": {BOT: {"temperature": 1}},
            "on_drift": "fail",
        },
        ["drift, whatever is forced"],
    ),
    "an edit of our own is no drift": (
        {"specs": {BOT: {"temperature": 0.1}}, "on_drift": "fail"},
        [],
    ),
    "what is gone is no edit": ({"live": {BOT: None}, "on_drift": "fail"}, []),
    "no specs at all": ({"specs": NOBODY, "lock": {}}, ["no_specs"]),
    "no specs at all, and nothing locked": ({"specs": NOBODY, "lock": NOBODY}, []),
    "nothing but what is let go": (
        {"specs": NOBODY, "lock": bots(1), "forgets": {Address.parse("assistant.a0"): Source("x")}},
        [],
    ),
    "two of two": ({"specs": {**NOBODY, BOT: {"tools": ...}}, "lock": bots(2)}, []),
    "three of three": (
        {"specs": {**NOBODY, BOT: {"tools": ...}}, "lock": bots(3)},
        ["too_many_deletes"],
    ),
    "three of three, and it is meant": (
        {"specs": {**NOBODY, BOT: {"tools": ...}}, "lock": bots(3), "force": True},
        [],
    ),
    "three of three, and it is asked for": (
        {"specs": {**NOBODY, BOT: {"tools": ...}}, "lock": bots(3), "destroy": True},
        [],
    ),
    "two of three": ({"specs": bots(1), "lock": bots(3)}, []),
    "three of ten": ({"specs": bots(7), "lock": bots(10)}, []),
    "four of ten": ({"specs": bots(6), "lock": bots(10)}, ["too_many_deletes"]),
    "eight of nine": ({"specs": bots(1), "lock": bots(9)}, []),
    "four of ten are gone from the service": (
        {
            "specs": bots(10),
            "lock": bots(10),
            "live": {f"assistant.a{at}": None for at in range(4)},
        },
        ["too_many_deletes"],
    ),
    "three are gone and one goes": (
        {
            "specs": bots(9),
            "lock": bots(10),
            "live": {f"assistant.a{at}": None for at in range(3)},
        },
        ["too_many_deletes"],
    ),
    "four that nobody wants are gone": (
        {
            "specs": bots(6),
            "lock": bots(10),
            "live": {f"assistant.a{at}": None for at in range(6, 10)},
        },
        ["too_many_deletes"],
    ),
    "four of ten are let go": (
        {
            "specs": bots(6),
            "lock": bots(10),
            "forgets": {Address.parse(f"assistant.a{at}"): Source("x") for at in range(6, 10)},
        },
        [],
    ),
    "four of ten through an API that is gone": (
        {
            "specs": bots(10, api="responses"),
            "lock": bots(10),
            "live": {f"assistant.a{at}": None for at in range(4)},
            "api_gone": {Address.parse(f"assistant.a{at}") for at in range(4)},
        },
        [],
    ),
    "four of ten that somebody still uses": (
        {
            "specs": bots(6),
            "lock": bots(10),
            "others": {f"asst_a{at}": ["them"] for at in range(6, 10)},
        },
        [],
    ),
    "each kind counts by itself": (
        {
            "specs": {**bots(7), "file.a.md": document("a")},
            "lock": {**bots(10), "file.a.md": document("a"), "file.b.md": document("b")},
        },
        [],
    ),
    "what is new does not count": (
        {
            "specs": {**NOBODY, **{f"assistant.b{at}": {"model": "m"} for at in range(20)}},
            "lock": bots(3),
        },
        ["too_many_deletes"],
    ),
}


@pytest.mark.parametrize("row", STOPS)
def test_stops(row: str) -> None:
    """What stops a plan, and whether that can be overridden."""
    sides, rules = STOPS[row]
    assert stops(**sides) == rules


def documents(number: int) -> dict[str, Any]:
    """A store with so many documents, which stay declared, and nothing else."""
    paths = [f"{at}.md" for at in range(number)]
    files = {f"file.{at}.md": document(str(at)) for at in range(20)}
    return {**NOBODY, KB: {"name": "Handbook", "files": holding(*paths)}, **files}


@pytest.mark.parametrize(
    ("before", "after", "rules"),
    [
        (10, 7, []),
        (10, 6, ["too_many_documents"]),
        (9, 1, []),
        (20, 14, []),
        (20, 13, ["too_many_documents"]),
    ],
)
def test_documents_of_a_store(before: int, after: int, rules: list[str]) -> None:
    """A store may lose three documents of ten at once, even where the files themselves stay."""
    sides = {"specs": documents(after), "lock": documents(before)}
    assert stops(**sides) == rules
    assert stops(**sides, force=True) == []


def test_documents_of_others_do_not_count() -> None:
    """What somebody else put into the store and the specs have removed is not a loss of ours."""
    theirs = {f"file-x{at}": None for at in range(10)}
    live = {KB: {"store_files": {id: store_file(id) for id in theirs}}}
    specs = documents(10)
    specs[KB]["other_files"] = "remove"
    assert stops(specs=specs, lock=documents(10), live=live) == []


def test_the_way_out_is_named() -> None:
    """Each stop says what it is about, in numbers, and what to do."""
    case = situation(
        specs=bots(6), lock={**bots(10), "assistant.a9": {"model": "gpt-4o", "protected": True}}
    )
    protected, many = make_plan(case).blocked
    assert (
        protected.detail
        == "`assistant.a9` is protected and would be deleted. Apply `lifecycle: {protect: false}`"
        " first, or take the change back."
    )
    assert (
        many.detail
        == "4 of 10 resources of kind `assistant` would be deleted or are missing (40 %). If that"
        " is meant, use `--force`."
    )
