"""What `--target` and `--exclude` leave of a plan, and in which order things happen."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import Address
from tests.plan.spelling import document, holding, planned

# Everything differs: the assistant, the store and both documents, and one assistant, store and
# document are to go.
SPECS = {
    "assistant.bot": {"temperature": 0.1},
    "vector_store.kb": {"name": "Rules"},
    "file.a.md": document("c"),
    "file.b.md": document("d"),
}
LOCK = {
    "assistant.old": {
        "model": "gpt-4o",
        "tools": [{"type": "file_search", "vector_stores": ["vector_store.old"]}],
    },
    "vector_store.old": {"files": holding("old.md")},
    "file.old.md": document("o"),
}
BOT = "~ assistant.bot (spec_changed), temperature 0.2 → 0.1"
KB = "~ vector_store.kb (spec_changed), name Handbook → Rules"
A, B = "-/+ file.a.md (fixed_field), sha256 a → c", "-/+ file.b.md (fixed_field), sha256 b → d"
A_KEPT = "-/+ file.a.md (fixed_field), kept for `vector_store.kb`, sha256 a → c"
B_KEPT = "-/+ file.b.md (fixed_field), kept for `vector_store.kb`, sha256 b → d"
A_IN_KB, B_IN_KB = (
    "vector_store.kb: replace a.md, file-a.md",
    "vector_store.kb: replace b.md, file-b.md",
)
OLD_BOT, OLD_KB, OLD = "assistant.old", "vector_store.old", "file.old.md"
GOING = [f"- {name} (not_in_specs)" for name in (OLD_BOT, OLD_KB, OLD)]

SCOPES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "everything, needs before their users, and users before what they used": (
        {},
        [A, B, KB, BOT, *GOING, A_IN_KB, B_IN_KB],
    ),
    "a target takes along what it needs, and deletes nothing": (
        {"targets": {"assistant.bot"}},
        [A, B, KB, BOT, A_IN_KB, B_IN_KB],
    ),
    "a store takes its documents along, and not its users": (
        {"targets": {"vector_store.kb"}},
        [A, B, KB, A_IN_KB, B_IN_KB],
    ),
    "a document alone: its stores are left as they are, and keep the old version": (
        {"targets": {"file.a.md"}},
        [A_KEPT],
    ),
    "what goes is deleted where it is named, and what it used is not": (
        {"targets": {OLD_BOT}},
        ["- assistant.old (not_in_specs)"],
    ),
    "two targets": (
        {"targets": {"file.b.md", OLD_BOT}},
        [B_KEPT, "- assistant.old (not_in_specs)"],
    ),
    "what is excluded is left alone, and so is who needs it": (
        {"excludes": {"vector_store.kb"}},
        [A_KEPT, B_KEPT, *GOING],
    ),
    "an excluded document is left alone with its store and its users": (
        {"excludes": {"file.a.md"}},
        [B_KEPT, *GOING],
    ),
    "what an excluded store holds is not deleted, and neither is who searches it": (
        {"excludes": {OLD_KB}},
        [
            A,
            B,
            KB,
            BOT,
            "- file.old.md (not_in_specs), kept for `vector_store.old`",
            A_IN_KB,
            B_IN_KB,
        ],
    ),
    "a target that is excluded itself": (
        {"targets": {"assistant.bot"}, "excludes": {"assistant.bot"}},
        [A, B, KB, A_IN_KB, B_IN_KB],
    ),
    "a target without what is excluded": (
        {"targets": {"assistant.bot"}, "excludes": {"file.a.md"}},
        [B_KEPT],
    ),
    "nobody of that name": ({"targets": {"assistant.nobody"}}, []),
}


@pytest.mark.parametrize("row", SCOPES)
def test_scope(row: str) -> None:
    """What is outside is neither deleted nor written to."""
    given, lines = SCOPES[row]
    options = {name: {Address.parse(one) for one in names} for name, names in given.items()}
    assert planned(specs=SPECS | dict.fromkeys(LOCK), lock=LOCK, **options) == lines


def test_a_target_that_goes_takes_nothing_along() -> None:
    """What a deleted object used stays, even where it goes as well, and so do the documents
    in it.
    """
    assert planned(specs=dict.fromkeys(LOCK), lock=LOCK, targets={Address.parse(OLD_KB)}) == [
        "- vector_store.old (not_in_specs), kept for `assistant.old`"
    ]
