"""What is not as we left it: every locked object against the service, whatever a plan would do
about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.model import Address, Source
from provisioner.plan.drifting import Examined, examine
from tests.plan.spelling import BASE, document, field_line, holding, situation, store_file, stray
from tests.plan.test_users import profile

BOT, KB = "assistant.bot", "vector_store.kb"
CUT = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}


def drift(**sides: Any) -> list[str]:
    """A line an object that is not as we left it, or that cannot be compared."""
    return [
        ", ".join([str(found.address), *_said(found)])
        for found in examine(situation(**sides))
        if [*_said(found)]
    ]


def _said(found: Examined) -> Iterator[str]:
    if found.drifted:
        yield f"{found.drifted.drift} {found.drifted.reason}".strip()
        yield from map(field_line, found.drifted.fields)
    yield from (f"not kept: {path}" for path in found.unkept)
    yield from (f"unknown: {one.path}, {one.why}" for one in found.unverifiable)
    yield from (
        f"theirs: {id}" + ("" if found.files.kept else " (not kept)") for id in found.files.foreign
    )
    yield from (f"indexing: {path}" for path in found.files.indexing)


def in_kb(**more: Any) -> dict[str, Any]:
    """The store at the service, with `a.md` in another way; None for a store without it."""
    return {KB: {"store_files": {"file-a.md": store_file("file-a.md", "a.md", **more)}}}


WITHOUT_A = {KB: {"store_files": {"file-a.md": None}}}
THEIRS = {KB: {"store_files": {"file-y": store_file("file-y")}}}
NEW = {"assistant.new": BASE[BOT]}
UNSEARCHED = [{"type": "file_search", "vector_stores": []}]
RANKING = '"ranking_options": {"score_threshold": 0.0}'
SEARCHED = f'[{{"type": "file_search", "vector_stores": ["vector_store.kb"], {RANKING}}}]'
TAKEN_AWAY = (
    f'tools [{{"type": "file_search", "vector_stores": [], {RANKING}}}] → {SEARCHED} (remote, was'
    f" {SEARCHED})"
)

OBJECTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "as it was left": ({}, []),
    "an edit that is pending": (
        {"specs": {BOT: {"temperature": 0.1}}},
        [f"{BOT}, local, temperature 0.2 → 0.1 (local, was 0.2)"],
    ),
    "an edit by hand": (
        {"live": {BOT: {"temperature": 0.5}}},
        [f"{BOT}, remote, temperature 0.5 → 0.2 (remote, was 0.2)"],
    ),
    "an edit of both": (
        {"specs": {BOT: {"temperature": 0.1}}, "live": {BOT: {"temperature": 0.5}}},
        [f"{BOT}, both, temperature 0.5 → 0.1 (both, was 0.2)"],
    ),
    "one edit of each": (
        {"specs": {BOT: {"temperature": 0.1}}, "live": {BOT: {"model": "gpt-5"}}},
        [
            f"{BOT}, remote, model gpt-5 → gpt-4o (remote, was gpt-4o), temperature 0.2 → 0.1"
            " (local, was 0.2)"
        ],
    ),
    "the same edit of both": (
        {"specs": {BOT: {"temperature": 0.1}}, "live": {BOT: {"temperature": 0.1}}},
        [],
    ),
    "gone": ({"live": {BOT: None}}, [f"{BOT}, missing gone"]),
    "gone, and those that name it are not said to be edited": (
        {"live": {KB: None, BOT: {"tools": UNSEARCHED}}},
        [f"{KB}, missing gone"],
    ),
    "gone, and one that named it was edited as well": (
        {"live": {KB: None, BOT: {"tools": []}}},
        [
            f"{BOT}, remote, tools [] → {SEARCHED} (remote, was {SEARCHED})",
            f"{KB}, missing gone",
        ],
    ),
    "a store that somebody took away from its assistant": (
        {"live": {BOT: {"tools": UNSEARCHED}}},
        [f"{BOT}, remote, {TAKEN_AWAY}"],
    ),
    "a store that somebody took away from its assistant, while something else is gone": (
        {"live": {BOT: {"tools": UNSEARCHED}, "file.a.md": None}},
        [f"{BOT}, remote, {TAKEN_AWAY}", "file.a.md, missing gone"],
    ),
    "expired": ({"live": {KB: {"status": "expired"}}}, [f"{KB}, missing expired"]),
    "declared no more": ({"specs": {BOT: None}}, [f"{BOT}, local not_in_specs"]),
    "declared no more, and edited by hand": (
        {"specs": {BOT: None}, "live": {BOT: {"temperature": 0.5}}},
        [f"{BOT}, both not_in_specs, temperature 0.5 → null (both, was 0.2)"],
    ),
    "declared no more, and gone": (
        {"specs": {BOT: None}, "live": {BOT: None}},
        [f"{BOT}, missing gone"],
    ),
    "declared and never applied": ({"specs": NEW}, ["assistant.new, local new"]),
    "declared, imported and never applied": (
        {"specs": NEW, "imports": {Address.parse("assistant.new"): "asst_8"}},
        ["assistant.new, local imported"],
    ),
    "declared, and there with our stamp": (
        {"specs": NEW, "strays": (stray("assistant.new", "asst_8"),)},
        ["assistant.new, local adopted"],
    ),
    "only an old object is left": (
        {"lock": {BOT: {"id": None, "deposed": ("asst_1",)}}},
        [f"{BOT}, local new"],
    ),
    "moved": (
        {"moves": {Address.parse(BOT): Address.parse("assistant.old")}},
        [f"{BOT}, local moved, name old → bot (local, was old)"],
    ),
    "protection that is pending": (
        {"specs": {BOT: {"protect": True}}},
        [f"{BOT}, local, lifecycle.protect false → true (local, was false)"],
    ),
    "an API that is pending": (
        {"specs": {BOT: {"api": "responses"}}},
        [f"{BOT}, local, api assistants → responses (local, was assistants)"],
    ),
    "a profile, which nobody can edit": (
        {"specs": {BOT: {"api": "responses"}}, "lock": profile("vs_kb")},
        [],
    ),
    "an API that is gone": ({"live": {BOT: None}, "api_gone": {Address.parse(BOT)}}, []),
    "what the service did not keep": (
        {
            "lock": {BOT: {"unkept": {"temperature": {"sent": 0.2, "got": 0.7}}}},
            "live": {BOT: {"temperature": 0.7}},
        },
        [f"{BOT}, not kept: temperature"],
    ),
    "what the service never shows": (
        {
            "lock": {BOT: {"unkept": {"temperature": {"sent": 0.2, "got": 1.0}}}},
            "live": {BOT: {"temperature": ...}},
        },
        [f"{BOT}, unknown: temperature, the service does not show it"],
    ),
    "an object that we have replaced ourselves": (
        {
            "lock": {KB: {"deposed": ("vs_old",)}},
            "live": {
                BOT: {"tools": [{"type": "file_search", "vector_stores": [{"id": "vs_old"}]}]}
            },
        },
        [],
    ),
    "other bytes that are pending": (
        {"specs": {"file.a.md": document("c")}},
        ["file.a.md, local, sha256 a → c (local, was a)"],
    ),
}

FILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "taken out by hand": (
        {"live": WITHOUT_A},
        [f'{KB}, remote, files["a.md"] null → {{}} (remote, was {{}})'],
    ),
    "taken out by hand, and new attributes are pending": (
        {
            "live": WITHOUT_A,
            "specs": {KB: {"files": {**holding("a.md", attributes={"x": 1}), **holding("b.md")}}},
        },
        [f'{KB}, both, files["a.md"] null → {{"attributes": {{"x": 1}}}} (both, was {{}})'],
    ),
    "taken out by hand, and declared no more": (
        {"live": WITHOUT_A, "specs": {KB: {"files": holding("b.md")}}},
        [],
    ),
    "taken out by hand, and its store is declared no more": (
        {"live": WITHOUT_A, "specs": {KB: None}},
        [f'{KB}, remote not_in_specs, files["a.md"] null → null (remote, was {{}})'],
    ),
    "gone altogether": ({"live": {"file.a.md": None, **WITHOUT_A}}, ["file.a.md, missing gone"]),
    "to be taken out": (
        {"specs": {KB: {"files": holding("b.md")}}},
        [f'{KB}, local, files["a.md"] {{}} → null (local, was {{}})'],
    ),
    "to be put in": (
        {"specs": {KB: {"files": holding("a.md", "b.md", "c.md")}, "file.c.md": document("c")}},
        ["file.c.md, local new", f'{KB}, local, files["c.md"] null → {{}} (local, was null)'],
    ),
    "could not be indexed": (
        {"live": in_kb(status="failed")},
        [f'{KB}, remote, files["a.md"].status failed → completed (remote, was completed)'],
    ),
    "still being indexed": ({"live": in_kb(status="in_progress")}, [f"{KB}, indexing: a.md"]),
    "other attributes by hand": (
        {
            "specs": {KB: {"files": holding("a.md", "b.md", attributes={"x": 1})}},
            "lock": {KB: {"files": holding("a.md", "b.md", attributes={"x": 1})}},
            "live": in_kb(attributes={"x": 2}),
        },
        [f'{KB}, remote, files["a.md"].attributes.x 2 → 1 (remote, was 1)'],
    ),
    "other attributes by hand, and declared no more": (
        {
            "specs": {KB: {"files": holding("b.md")}},
            "lock": {KB: {"files": {**holding("a.md", attributes={"x": 1}), **holding("b.md")}}},
            "live": in_kb(attributes={"x": 2}),
        },
        [
            f'{KB}, both, files["a.md"].attributes.x 2 → null (both, was 1), files["a.md"]'
            ' {"attributes": {"x": 1}} → null (local, was {"attributes": {"x": 1}})'
        ],
    ),
    "cut in another way by hand": (
        {"live": in_kb(chunking=CUT)},
        [f'{KB}, remote, files["a.md"].chunking 200/50 → 800/400 (remote, was 800/400)'],
    ),
    "how it was cut is not shown, and nobody has said how": ({"live": in_kb(chunking="other")}, []),
    "how the store was cut is not shown": (
        {
            "specs": {KB: {"chunking": CUT}},
            "lock": {KB: {"chunking": CUT}},
            "live": in_kb(chunking="other"),
        },
        [f"{KB}, unknown: chunking, the service does not say how it was cut"],
    ),
    "how one file was cut is not shown": (
        {
            "specs": {KB: {"files": holding("a.md", "b.md", chunking=CUT)}},
            "lock": {KB: {"files": holding("a.md", "b.md", chunking=CUT)}},
            "live": in_kb(chunking="other"),
        },
        [f'{KB}, unknown: files["a.md"].chunking, the service does not say how it was cut'],
    ),
    "one of somebody else, who is let be": ({"live": THEIRS}, [f"{KB}, theirs: file-y"]),
    "one of somebody else, who is not": (
        {
            "specs": {KB: {"other_files": "remove"}},
            "lock": {KB: {"other_files": "remove"}},
            "live": THEIRS,
        },
        [
            f'{KB}, remote, files["id:file-y"] {{"id": "file-y"}} → null (remote, was null),'
            " theirs: file-y (not kept)"
        ],
    ),
    "moved to another path": (
        {
            "specs": {
                "file.a.md": None,
                "file.d/a.md": document("a"),
                KB: {"files": holding("d/a.md", "b.md")},
            },
            "lock": {
                "file.a.md": None,
                "file.d/a.md": document("a"),
                KB: {"files": holding("d/a.md", "b.md")},
            },
            "moves": {Address.parse("file.d/a.md"): Address.parse("file.a.md")},
        },
        ["file.d/a.md, local moved"],
    ),
}


@pytest.mark.parametrize("row", OBJECTS)
def test_objects(row: str) -> None:
    """What is different of an object, and whose edit it is."""
    sides, lines = OBJECTS[row]
    assert drift(**sides) == lines


@pytest.mark.parametrize("row", FILES)
def test_files_of_a_store(row: str) -> None:
    """What is different of a file in a store, and whose edit it is."""
    sides, lines = FILES[row]
    assert drift(**sides) == lines


def test_where_it_is_declared() -> None:
    """Each finding leads to the spec that declares it; what nothing declares has no place."""
    sources = {
        str(found.address): found.drifted.source
        for found in examine(
            situation(specs={**NEW, KB: None}, live={BOT: {"temperature": 1}, "file.a.md": None})
        )
        if found.drifted
    }
    assert sources == {
        "assistant.new": Source(""),
        BOT: Source(""),
        "file.a.md": Source(""),
        KB: None,
    }
