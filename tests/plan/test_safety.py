"""What makes a plan unsafe, at its bounds, and what of that `--force` overrides."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import Address, Source
from provisioner.plan import make_plan
from tests.plan.spelling import BASE, document, holding, situation, store_file
from tests.support.tables import table

KB = "vector_store.kb"
NOBODY: dict[str, Any] = dict.fromkeys(BASE)
OTHER: dict[str, Any] = {**NOBODY, "vector_store.other": {"name": "Other"}}  # is there, and stays


def stops(specs: Any, lock: Any, live: Any = None, **more: Any) -> str:
    """The rules that stop a plan; an exclamation mark is for one that `--force` does not override."""
    blocked = make_plan(situation(specs, lock, live, **more)).blocked
    return ", ".join(block.rule + ("" if block.forced else "!") for block in blocked) or "-"


def bots(cell: str, **fields: Any) -> dict[str, Any]:
    """Some assistants: `0-6` is the first seven of them, `-` none."""
    first, _, last = cell.partition("-")
    numbers = range(int(first), int(last) + 1) if first else ()
    return {f"assistant.a{number}": {"model": "gpt-4o", **fields} for number in numbers}


def gone(cell: str) -> dict[str, Any]:
    """The same, which are not at the service."""
    return dict.fromkeys(bots(cell))


@table("""
    locked | wanted | missing | rules
    0-1    | -      | -       | -
    0-2    | -      | -       | too_many_deletes
    0-2    | 0-0    | -       | -
    0-2    | 3-22   | -       | too_many_deletes
    0-8    | 0-0    | -       | -
    0-9    | 0-6    | -       | -
    0-9    | 0-5    | -       | too_many_deletes
    0-9    | 0-6    | 7-9     | -
    0-9    | 0-5    | 6-9     | too_many_deletes
    0-9    | 0-8    | 0-2     | too_many_deletes
    0-9    | 0-9    | 0-2     | -
    0-9    | 0-9    | 0-3     | too_many_deletes
    0-1    | 0-1    | 0-1     | -
    0-2    | 0-2    | 0-2     | too_many_deletes
""")
def test_how_many_of_a_kind(locked: str, wanted: str, missing: str, rules: str) -> None:
    """Of ten or more at most 30 % may go or be missing, and of three or more not all; what is new does not count."""
    specs, lock = {**OTHER, **bots(wanted)}, {**OTHER, **bots(locked)}
    assert stops(specs, lock, gone(missing)) == rules
    assert stops(specs, lock, gone(missing), force=True) == "-"
    assert stops(specs, lock, gone(missing), destroy=True) == "-"


FOUR = [Address.parse(f"assistant.a{number}") for number in range(6, 10)]


@pytest.mark.parametrize(
    "more",
    [
        {"forgets": {address: Source("x") for address in FOUR}},
        {"others": {f"asst_{address.name}": ["them"] for address in FOUR}},
        {"live": dict.fromkeys(map(str, FOUR)), "api_gone": set(FOUR)},
    ],
    ids=["let go", "still used by others", "their API is gone"],
)
def test_what_does_not_count(more: dict[str, Any]) -> None:
    """What stays at the service is no loss, and neither is what nobody can reach any more."""
    assert stops({**OTHER, **bots("0-5")}, {**OTHER, **bots("0-9")}, **more) == "-"


def test_each_kind_counts_by_itself() -> None:
    """Three assistants of ten and one file of two."""
    specs = {**NOBODY, **bots("0-6"), "file.a.md": document("a")}
    lock = {**NOBODY, **bots("0-9"), "file.a.md": document("a"), "file.b.md": document("b")}
    assert stops(specs, lock) == "-"


@table("""
    locked | wanted | missing | rules
    0-1    | 0-1    | 0-1     | all_missing
    0-1    | 0-1    | 0-0     | -
    0-0    | 0-0    | 0-0     | -
    0-2    | 0-2    | 0-2     | all_missing
    0-1    | -      | -       | no_specs
    0-1    | -      | 0-1     | no_specs, all_missing
    -      | -      | -       | -
    -      | 0-1    | -       | -
""")
def test_nothing_is_left(locked: str, wanted: str, missing: str, rules: str) -> None:
    """Nothing is declared, or nothing of two and more is at the service: somebody is in the wrong place."""
    specs, lock = {**NOBODY, **bots(wanted)}, {**NOBODY, **bots(locked)}
    assert stops(specs, lock, gone(missing)) == rules
    assert stops(specs, lock, gone(missing), force=True) == "-"


def test_nothing_but_what_is_let_go() -> None:
    """Whoever lets the last one go means it."""
    letting = {Address.parse("assistant.a0"): Source("x")}
    assert stops(NOBODY, {**NOBODY, **bots("0-0")}, forgets=letting) == "-"


def store(count: int) -> dict[str, Any]:
    """A store with so many documents of twenty, which all stay declared."""
    files = {f"file.{number}.md": document(str(number)) for number in range(20)}
    held = holding(*(f"{number}.md" for number in range(count)))
    return {**NOBODY, KB: {"name": "Handbook", "files": held}, **files}


@table("""
    before | after | rules
    10     | 7     | -
    10     | 6     | too_many_documents
    9      | 1     | -
    20     | 14    | -
    20     | 13    | too_many_documents
""")
def test_documents_of_a_store(before: str, after: str, rules: str) -> None:
    """A store may lose three documents of ten at once, even where the files themselves stay."""
    assert stops(store(int(after)), store(int(before))) == rules
    assert stops(store(int(after)), store(int(before)), force=True) == "-"


def test_documents_of_others_do_not_count() -> None:
    """What somebody else put into the store and the specs have removed is no loss of ours."""
    theirs = {f"file-x{number}": store_file(f"file-x{number}") for number in range(10)}
    specs = store(10)
    specs[KB]["other_files"] = "remove"
    assert stops(specs, store(10), {KB: {"store_files": theirs}}) == "-"


@table("""
    ours | applied | theirs | both | rules
    7    | 0       | 8      | 0    | -
    8    | 0       | 8      | 0    | too_much_metadata!
    8    | 0       | 7      | 1    | -
    7    | 1       | 8      | 0    | -
    0    | 0       | 16     | 0    | -
""")
def test_metadata(ours: str, applied: str, theirs: str, both: str, rules: str) -> None:
    """At most 16 pairs, with those of others and our own stamp, where we write any; `applied` are those that we take
    away, and `both` those that they have as well."""
    wanted = _pairs(ours, "ours")
    old = _pairs(applied, "old")
    there = {**old, **_pairs(theirs, "theirs"), **dict.fromkeys(_pairs(both, "ours"), "other")}
    sides = [{**NOBODY, "assistant.a": {"model": "m", "metadata": one}} for one in (wanted, old)]
    live = {"assistant.a": {"metadata": there}}
    assert stops(*sides, live) == rules
    assert stops(*sides, live, force=True) == rules


def test_metadata_that_are_declared_to_be_nothing() -> None:
    """A key with null takes no room."""
    wanted = {**_pairs("7", "ours"), "none": None}
    specs = {**NOBODY, "assistant.a": {"model": "m", "metadata": wanted}}
    lock = {**NOBODY, "assistant.a": {"model": "m"}}
    assert stops(specs, lock, {"assistant.a": {"metadata": _pairs("8", "theirs")}}) == "-"


def _pairs(count: str, name: str) -> dict[str, str]:
    return {f"{name}{number}": "x" for number in range(int(count))}


def test_the_way_out_is_named() -> None:
    """Each stop says what it is about, in numbers, and what to do."""
    lock = {**NOBODY, **bots("0-8"), **bots("9-9", protected=True)}
    protected, many = make_plan(situation({**NOBODY, **bots("0-5")}, lock)).blocked
    assert protected.detail == (
        "`assistant.a9` is protected and would be deleted. Apply `lifecycle: {protect: false}` first, or take the "
        "change back."
    )
    assert many.detail == (
        "4 of 10 resources of kind `assistant` would be deleted or are missing (40 %). If that is meant, use `--force`."
    )
