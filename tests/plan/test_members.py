"""What is planned for the files of a store: (declared, locked, held) → attach, replace, update,
detach, or nothing.
"""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import Address
from tests.plan.spelling import document, planned, stamp, store_file

KB = "vector_store.kb"
CUT = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
A, B = "file-a.md", "file-b.md"


def store(**files: Any) -> dict[str, Any]:
    """The store with these files instead of its two; `a` stands for `a.md`."""
    return {
        KB: {
            "files": {
                f"{name}.md": {"file": f"file.{name}.md", **item} for name, item in files.items()
            }
        }
    }


def live(**store_files: Any) -> dict[str, Any]:
    """The store with members of its own, by id; `a` stands for the id of `a.md`, None for one that
    is not there.
    """
    return {KB: {"store_files": {f"file-{name}.md": item for name, item in store_files.items()}}}


def a(**more: Any) -> Any:
    return store_file(A, "a.md", **more)


ROWS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "in the store as it is declared": ({}, []),
    "not declared before": (
        {"lock": store(b={})},
        [f'~ {KB} (files_changed), files["a.md"] null → {{}}', f"{KB}: attach a.md"],
    ),
    "other bytes": (
        {"specs": {"file.a.md": document("c")}},
        ["-/+ file.a.md (fixed_field), sha256 a → c", f"{KB}: replace a.md, {A}"],
    ),
    "the file is gone from the service": (
        {"live": {"file.a.md": None, **live(a=None)}},
        ["+ file.a.md (gone)", f"{KB}: attach a.md", "missing: file.a.md"],
    ),
    "taken out of the store by hand": (
        {"live": live(a=None)},
        [
            f'~ {KB} (files_changed), files["a.md"] null → {{}} (remote, was {{}})',
            f"{KB}: attach a.md",
        ],
    ),
    "new attributes": (
        {"specs": store(a={"attributes": {"team": "hr"}}, b={})},
        [
            f'~ {KB} (files_changed), files["a.md"].attributes.team null → hr',
            f'{KB}: update a.md, {A}, {{"team": "hr"}}',
        ],
    ),
    "attributes that are declared no more": (
        {"lock": store(a={"attributes": {"team": "hr"}}, b={})},
        [
            f'~ {KB} (files_changed), files["a.md"].attributes.team hr → null',
            f"{KB}: update a.md, {A}",
        ],
    ),
    "an attribute edited by hand, and one of theirs, which is kept": (
        {
            "specs": store(a={"attributes": {"team": "hr"}}, b={}),
            "lock": store(a={"attributes": {"team": "hr"}}, b={}),
            "live": live(a=a(attributes={"team": "it", "theirs": 1})),
        },
        [
            f'~ {KB} (files_changed), files["a.md"].attributes.team it → hr (remote, was hr)',
            f'{KB}: update a.md, {A}, {{"theirs": 1, "team": "hr"}}',
        ],
    ),
    "only an attribute of theirs": ({"live": live(a=a(attributes={"theirs": 1}))}, []),
    "an attribute that the service did not keep": (
        {
            "specs": store(a={"attributes": {"team": "hr"}}, b={}),
            "lock": {
                KB: {
                    **store(a={"attributes": {"team": "hr"}}, b={})[KB],
                    "unkept": {'files["a.md"].attributes.team': {"sent": "hr", "got": None}},
                }
            },
            "live": live(a=a()),
        },
        [
            f'note: The service does not keep `{KB}#files["a.md"].attributes.team` as it was sent,'
            " so that a search that filters by it does not see the document as the specs have it."
            " What it has instead stays until the specs say something else; see `unkept` in the"
            " lock."
        ],
    ),
    "cut in another way": (
        {"specs": store(a={"chunking": CUT}, b={})},
        [
            "-/+ file.a.md (chunking_changed)",
            f"{KB}: replace a.md, {A}, cut 200/50",
        ],
    ),
    "cut in another way with its whole store": (
        {"specs": {KB: {"chunking": CUT, **store(a={})[KB]}}, "lock": store(a={})},
        [
            "-/+ file.a.md (chunking_changed)",
            f"~ {KB} (spec_changed), chunking 800/400 → 200/50",
            f"{KB}: replace a.md, {A}, cut 200/50",
        ],
    ),
    "how it was cut is not shown": ({"live": live(a=a(chunking="other"))}, []),
    "cut in another way by hand": (
        {"live": live(a=a(chunking=CUT))},
        ["-/+ file.a.md (chunking_changed)", f"{KB}: replace a.md, {A}"],
    ),
    "could not be indexed": (
        {"live": live(a=a(status="failed"))},
        ["-/+ file.a.md (failed)", f"{KB}: replace a.md, {A}"],
    ),
    "somebody cancelled it": (
        {"live": live(a=a(status="cancelled"))},
        ["-/+ file.a.md (failed)", f"{KB}: replace a.md, {A}"],
    ),
    "could not be indexed, and has other bytes now": (
        {"specs": {"file.a.md": document("c")}, "live": live(a=a(status="failed"))},
        ["-/+ file.a.md (fixed_field), sha256 a → c", f"{KB}: replace a.md, {A}"],
    ),
    "still being indexed": (
        {"live": live(a=a(status="in_progress"))},
        [
            f"{KB}: wait a.md, {A}",
            f"note: `a.md` is still being indexed in `{KB}`; an apply waits for it.",
        ],
    ),
    "declared no more": (
        {"specs": store(b={})},
        [f'~ {KB} (files_changed), files["a.md"] {{}} → null', f"{KB}: detach a.md, {A}"],
    ),
    "declared no more, and taken out by hand": (
        {"specs": store(b={}), "live": live(a=None)},
        [f"{KB}: forget a.md"],
    ),
    "declared no more, and the file goes": (
        {"specs": {**store(b={}), "file.a.md": None}},
        [
            f'~ {KB} (files_changed), files["a.md"] {{}} → null',
            "- file.a.md (not_in_specs)",
            f"{KB}: detach a.md, {A}",
        ],
    ),
    "an older version, after an apply was stopped": (
        {"lock": {"file.a.md": {"id": "file-new"}}},
        [f"{KB}: replace a.md, {A}"],
    ),
    "a version that the store has and its entry does not know": (
        {
            "lock": {"file.a.md": {"id": "file-new"}},
            "live": {KB: {"store_files": {A: None, "file-new": store_file("file-new", "a.md")}}},
        },
        [f"{KB}: adopt a.md, file-new"],
    ),
    "attached with our stamp before an apply was stopped": (
        {"lock": store(b={}), "live": live(a=a())},
        [f'~ {KB} (files_changed), files["a.md"] null → {{}}', f"{KB}: adopt a.md, {A}"],
    ),
    "attached by somebody else": (
        {"lock": store(b={}), "live": live(a=store_file(A))},
        [f"{KB}: update a.md, {A}"],
    ),
    "its stamp says another path": (
        {"live": live(a=store_file(A, "old.md"))},
        [f"{KB}: update a.md, {A}"],
    ),
    "its stamp is of somebody else": (
        {"live": live(a=store_file(A, stamp=stamp("old.md", "ffffffff")))},
        [],
    ),
    "attached before an apply was stopped, and not wanted now": (
        {"specs": store(b={}), "lock": store(b={}), "live": live(a=a())},
        [f'~ {KB} (files_changed), files["a.md"] {{}} → null', f"{KB}: detach a.md, {A}"],
    ),
    "attached by somebody else, and not wanted": (
        {"specs": store(b={}), "lock": store(b={}), "live": live(a=store_file(A))},
        [],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_one_file(row: str) -> None:
    """What becomes of a file that is, or is not, declared, locked and in the store."""
    sides, lines = ROWS[row]
    assert planned(**sides) == lines


# A file that is not managed here, in a store that has no other.
X = "file-x"


def lone(**item: Any) -> dict[str, Any]:
    return {KB: {"files": {"id:file-x": {"id": X, **item}}}}


def there(**more: Any) -> dict[str, Any]:
    """The store with it as the service has it."""
    return {KB: {"store_files": {X: store_file(X, **more)}}}


PLAIN: dict[str, Any] = {KB: {"files": ...}}
UNMANAGED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "in the store": ({"specs": lone(), "lock": lone()}, []),
    "declared": (
        {"specs": lone(), "lock": PLAIN},
        [f'~ {KB} (files_changed), files["id:file-x"] null → {{}}', f"{KB}: attach id:file-x, {X}"],
    ),
    "declared, and there already": (
        {"specs": lone(), "lock": PLAIN, "live": there()},
        [f"{KB}: adopt id:file-x, {X}"],
    ),
    "declared no more": (
        {"specs": PLAIN, "lock": lone()},
        [f'~ {KB} (files_changed), files["id:file-x"] {{}} → null', f"{KB}: detach id:file-x, {X}"],
    ),
    "cut in another way, which takes a moment without it": (
        {"specs": lone(chunking=CUT), "lock": lone()},
        [
            f'~ {KB} (files_changed), files["id:file-x"].chunking 800/400 → 200/50',
            f"{KB}: replace id:file-x, {X}, cut 200/50, gap",
        ],
    ),
    "could not be indexed": (
        {"specs": lone(), "lock": lone(), "live": there(status="failed")},
        [f"{KB}: replace id:file-x, {X}, gap"],
    ),
    "new attributes": (
        {"specs": lone(attributes={"team": "hr"}), "lock": lone()},
        [
            f'~ {KB} (files_changed), files["id:file-x"].attributes.team null → hr',
            f'{KB}: update id:file-x, {X}, {{"team": "hr"}}',
        ],
    ),
    "still being indexed": (
        {"specs": lone(), "lock": lone(), "live": there(status="in_progress")},
        [
            f"{KB}: wait id:file-x, {X}",
            f"note: `id:file-x` is still being indexed in `{KB}`; an apply waits for it.",
        ],
    ),
}


@pytest.mark.parametrize("row", UNMANAGED)
def test_one_unmanaged_file(row: str) -> None:
    """A file that is not managed here is taken in and out, and never uploaded or deleted."""
    sides, lines = UNMANAGED[row]
    nothing_else = {"assistant.bot": None, "file.a.md": None, "file.b.md": None}
    given = {name: {**nothing_else, **sides.get(name, {})} for name in ("specs", "lock")}
    assert planned(**{**sides, **given}) == lines


THEIRS = {KB: {"store_files": {"file-y": store_file("file-y"), "file-z": store_file("file-z")}}}
OTHERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "are kept where nothing is said": ({"live": THEIRS}, []),
    "are kept": (
        {
            "specs": {KB: {"other_files": "keep"}},
            "lock": {KB: {"other_files": "keep"}},
            "live": THEIRS,
        },
        [],
    ),
    "are removed": (
        {
            "specs": {KB: {"other_files": "remove"}},
            "lock": {KB: {"other_files": "remove"}},
            "live": THEIRS,
        },
        [
            (
                f'~ {KB} (files_changed), files["id:file-y"] {{"id": "file-y"}} → null (remote, was'
                ' null), files["id:file-z"] {"id": "file-z"} → null (remote, was null)'
            ),
            f"{KB}: detach id:file-y, file-y",
            f"{KB}: detach id:file-z, file-z",
        ],
    ),
    "stop the plan": (
        {
            "specs": {KB: {"other_files": "fail"}},
            "lock": {KB: {"other_files": "fail"}},
            "live": THEIRS,
        },
        ["stop: other_files, whatever is forced"],
    ),
    "are not missed where there are none": (
        {"specs": {KB: {"other_files": "fail"}}, "lock": {KB: {"other_files": "fail"}}},
        [],
    ),
    "are not what we attached to another version of ours": (
        {
            "specs": {KB: {"other_files": "fail"}},
            "lock": {KB: {"other_files": "fail"}, "file.a.md": {"deposed": ("file-old",)}},
            "live": {KB: {"store_files": {"file-old": store_file("file-old")}}},
            "others": {"file-old": ("them",)},
        },
        ["deposed file.a.md file-old: keep, still used by them"],
    ),
    "are not what carries our stamp": (
        {
            "specs": {KB: {"other_files": "fail"}},
            "lock": {KB: {"other_files": "fail"}},
            "live": {KB: {"store_files": {"file-y": store_file("file-y", "y.md")}}},
        },
        [],
    ),
    "are what carries a stamp of somebody else": (
        {
            "specs": {KB: {"other_files": "fail"}},
            "lock": {KB: {"other_files": "fail"}},
            "live": {
                KB: {
                    "store_files": {"file-y": store_file("file-y", stamp=stamp("y.md", "ffffffff"))}
                }
            },
        },
        ["stop: other_files, whatever is forced"],
    ),
}


@pytest.mark.parametrize("row", OTHERS)
def test_files_of_others(row: str) -> None:
    """Files that somebody else put into a store."""
    sides, lines = OTHERS[row]
    assert planned(**sides) == lines


def test_a_new_store_gets_every_file() -> None:
    """A store that is made anew is filled, whatever the old one held."""
    live = {KB: {"store_files": {A: None, "file-y": store_file("file-y")}}}
    assert planned(replaces={Address.parse(KB)}, live=live)[-2:] == [
        f"{KB}: attach a.md",
        f"{KB}: attach b.md",
    ]


def test_a_failed_document_in_a_new_store_is_uploaded_once() -> None:
    """Where the store is made anew, a document that failed in the old one is as good as any
    other.
    """
    lines = planned(
        replaces={Address.parse(KB)},
        live={KB: {"store_files": {A: store_file(A, "a.md", status="failed")}}},
    )
    assert not [line for line in lines if "file.a.md" in line]


def test_a_moved_file_only_changes_its_stamp() -> None:
    """A path that moved keeps its upload; the store file learns the new path, and the old one is
    not taken out.
    """
    moves = {Address.parse("file.new.md"): Address.parse("file.a.md")}
    new = {"file.a.md": None, "file.new.md": document("a")}
    specs = {
        **new,
        KB: {"files": {"new.md": {"file": "file.new.md"}, "b.md": {"file": "file.b.md"}}},
    }
    lock = {
        **new,
        "file.new.md": {**document("a"), "id": A},
        KB: {"files": {"new.md": {"file": "file.new.md", "id": A}, "b.md": {"file": "file.b.md"}}},
    }
    assert planned(specs=specs, lock=lock, live={KB: {"store_files": {A: a()}}}, moves=moves) == [
        "  file.new.md (in_sync), was file.a.md",
        f"{KB}: update new.md, {A}",
    ]
