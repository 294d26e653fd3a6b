"""Which old objects stay alive, because somebody still uses them: ours, request profiles, and
others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from provisioner.model import Address, Live
from provisioner.plan import make_plan
from provisioner.plan.users import ending, sentence
from tests.plan.spelling import (
    BASE,
    document,
    holding,
    pinned,
    planned,
    request,
    situation,
    stamp,
    stray,
)

BOT, KB = "assistant.bot", "vector_store.kb"
ADDRESS = Address.parse(BOT)
GONE = "no longer used by anything"


def profile(store: str, older: Iterable[str] = ()) -> dict[str, Any]:
    """The assistant as a request profile that names a store; its older versions named others, the
    newest first.
    """
    now, *before = (request(BOT, BASE[BOT], {KB: id}) for id in (store, *older))
    return {BOT: pinned(now, before)}


RESPONSES = {BOT: {"api": "responses"}}
OLD_STORES = {KB: {"deposed": ("vs_7", "vs_8")}}

ROWS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nobody": (
        {"lock": OLD_STORES},
        [f"deposed {KB} vs_7: delete, {GONE}", f"deposed {KB} vs_8: delete, {GONE}"],
    ),
    "an assistant that still names it, after an apply was stopped": (
        {
            "lock": OLD_STORES,
            "live": {BOT: {"tools": [{"type": "file_search", "vector_stores": [{"id": "vs_8"}]}]}},
            "excludes": {ADDRESS},
        },
        [f"deposed {KB} vs_7: delete, {GONE}", f"deposed {KB} vs_8: keep, still used by `{BOT}`"],
    ),
    "somebody else": (
        {"lock": OLD_STORES, "others": {"vs_7": ("the assistant `asst_9`", "`x` of `other/prod`")}},
        [
            f"deposed {KB} vs_7: keep, still used by the assistant `asst_9`, `x` of `other/prod`",
            f"deposed {KB} vs_8: delete, {GONE}",
        ],
    ),
    "older versions of a profile": (
        {"specs": RESPONSES, "lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])}},
        [
            f"deposed {KB} vs_7: keep, still used by `{BOT}@7`",
            f"deposed {KB} vs_8: keep, still used by `{BOT}@8`",
        ],
    ),
    "as many versions as are to be kept": (
        {
            "specs": RESPONSES,
            "lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])},
            "keep_versions": 2,
        },
        [f"deposed {KB} vs_7: delete, {GONE}", f"deposed {KB} vs_8: keep, still used by `{BOT}@8`"],
    ),
    "no older version is to be kept": (
        {
            "specs": RESPONSES,
            "lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])},
            "keep_versions": 1,
        },
        [f"deposed {KB} vs_7: delete, {GONE}", f"deposed {KB} vs_8: delete, {GONE}"],
    ),
    "a new version makes the oldest one superfluous": (
        {
            "specs": {BOT: {"api": "responses", "temperature": 0.9}},
            "lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])},
        },
        [
            f"~ {BOT} (spec_changed), temperature 0.2 → 0.9",
            f"deposed {KB} vs_7: delete, {GONE}",
            f"deposed {KB} vs_8: keep, still used by `{BOT}@8`",
        ],
    ),
    "versions of a profile that goes": (
        {"specs": {BOT: None}, "lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])}},
        [
            f"- {BOT} (not_in_specs)",
            f"deposed {KB} vs_7: delete, {GONE}",
            f"deposed {KB} vs_8: delete, {GONE}",
        ],
    ),
    "versions of a profile that becomes an assistant": (
        {"lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])}},
        [
            f"-/+ {BOT} (api_changed), through responses before, api responses → assistants",
            f"deposed {KB} vs_7: delete, {GONE}",
            f"deposed {KB} vs_8: keep, still used by `{BOT}@8`",
        ],
    ),
    "a store that is replaced under a profile": (
        {"specs": RESPONSES, "lock": profile("vs_kb"), "replaces": {Address.parse(KB)}},
        [
            f"-/+ {KB} (asked), kept for `{BOT}@9`",
            f"~ {BOT} (reference_replaced), tools with a new id",
            f"{KB}: attach a.md",
            f"{KB}: attach b.md",
        ],
    ),
    "a store that is replaced under a profile that is left alone": (
        {
            "specs": RESPONSES,
            "lock": profile("vs_kb"),
            "replaces": {Address.parse(KB)},
            "excludes": {ADDRESS},
        },
        [
            f"-/+ {KB} (asked), kept for `{BOT}`",
            f"{KB}: attach a.md",
            f"{KB}: attach b.md",
        ],
    ),
    "a profile that is no more": (
        {
            "specs": {BOT: None},
            "lock": {**OLD_STORES, BOT: {"id": None, "api": "responses", "deposed": ("asst_1",)}},
        },
        [
            f"deposed {BOT} asst_1: delete, {GONE}",
            f"deposed {KB} vs_7: delete, {GONE}",
            f"deposed {KB} vs_8: delete, {GONE}",
        ],
    ),
    "a store that goes, which older versions name, and what it holds": (
        {
            "specs": {
                BOT: {"api": "responses", "tools": []},
                KB: None,
                "file.a.md": None,
                "file.b.md": None,
            },
            "lock": {BOT: {**profile("vs_new", ["vs_kb"])[BOT], "tools": []}},
        },
        [
            f"~ {BOT} (request_changed), request differs",
            f"- {KB} (not_in_specs), kept for `{BOT}@8`",
            f"- file.b.md (not_in_specs), kept for `{BOT}@8`",
            f"- file.a.md (not_in_specs), kept for `{BOT}@8`",
        ],
    ),
    "a document that an old store holds, which an older version names": (
        {
            "specs": {**RESPONSES, "file.a.md": document("c")},
            "lock": {
                **profile("vs_kb", ["vs_8"]),
                KB: {"deposed": ("vs_8",), "deposed_files": {"vs_8": ("file-a.md",)}},
            },
        },
        [
            f"-/+ file.a.md (fixed_field), kept for `{BOT}@8`, sha256 a → c",
            f"{KB}: replace a.md, file-a.md",
            f"deposed {KB} vs_8: keep, still used by `{BOT}@8`",
        ],
    ),
    "everything goes, old versions and old stores too": (
        {
            "specs": RESPONSES,
            "lock": {**OLD_STORES, **profile("vs_kb", ["vs_8", "vs_7"])},
            "destroy": True,
        },
        [
            f"- {BOT} (destroy)",
            f"- {KB} (destroy)",
            "- file.b.md (destroy)",
            "- file.a.md (destroy)",
            f"deposed {KB} vs_7: delete, {GONE}",
            f"deposed {KB} vs_8: delete, {GONE}",
        ],
    ),
    "a document that another store holds": (
        {
            "specs": {"file.a.md": document("c"), "vector_store.two": {"files": holding("a.md")}},
            "lock": {"vector_store.two": {"files": holding("a.md")}},
            "excludes": {Address.parse("vector_store.two")},
        },
        [
            "-/+ file.a.md (fixed_field), kept for `vector_store.two`, sha256 a → c",
            f"{KB}: replace a.md, file-a.md",
        ],
    ),
    "an object that others use, and that goes": (
        {
            "specs": {BOT: None, KB: None, "file.a.md": None, "file.b.md": None},
            "others": {"vs_kb": ("them",)},
            "force": True,
        },
        [
            f"- {BOT} (not_in_specs)",
            f"- {KB} (not_in_specs), kept for them",
            "- file.b.md (not_in_specs), kept for them",
            "- file.a.md (not_in_specs), kept for them",
        ],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_who_keeps_it(row: str) -> None:
    """An old object is deleted as soon as nobody names it, and no sooner."""
    sides, lines = ROWS[row]
    assert planned(**sides) == lines


def test_what_a_plan_ends() -> None:
    """Only what others can refer to and a plan really deletes is looked for at the service."""
    sides: dict[str, Any] = {
        "specs": {BOT: None, KB: None, "file.a.md": document("c"), "file.b.md": None},
        "lock": {KB: {"deposed": ("vs_1", "vs_2")}, BOT: {"deposed": ("asst_1",)}},
        "strays": (stray("vector_store.x", "vs_9"), stray("file.x", "file-9")),
        "others": {"vs_2": ("them",), "file-b.md": ("them",)},
    }
    assert ending(make_plan(situation(**sides))) == {
        ("vector_store", "vs_kb"),
        ("vector_store", "vs_1"),
        ("file", "file-a.md"),
    }
    pruned = make_plan(situation(**sides, prune_orphans=True))
    assert {("vector_store", "vs_9"), ("file", "file-9")} <= ending(pruned)
    assert ending(make_plan(situation())) == set()
    gone = situation(specs={KB: None}, live={KB: None}, api_gone={Address.parse(KB)})
    assert ending(make_plan(gone)) == set()


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (Live("asst_1", {}), "the assistant `asst_1`"),
        (Live("asst_1", {"name": "Bot"}), "the assistant `asst_1` (`Bot`)"),
        (
            Live("asst_1", {"name": "Bot"}, stamp("assistant.bot")),
            "`assistant.bot` of `acme/prod` (`asst_1`)",
        ),
    ],
)
def test_how_a_user_is_called(live: Live, words: str) -> None:
    """By its stamp, where it has one, else by its id and name."""
    assert sentence(live, "assistant") == words
    assert sentence(Live("vs_1", {}), "vector_store") == "the vector store `vs_1`"
