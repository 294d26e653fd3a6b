"""Every field of every kind, edited by hand and taken over: the file says the new value, and else
what it said.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from provisioner.kinds import kind, kinds
from provisioner.kinds.vector_store.spec import IdEntry, PathEntry
from tests.support.accepting import KB, SPEC, A, accept, agreed, in_store, stamped, tools
from tests.support.drifting import clean, sql
from tests.support.world import World

SMALL = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}
COLLECTIONS = {A: "assistants", KB: "vector_stores"}
SUBJECT = {
    "type": "object",
    "properties": {"subject": {"type": "string"}, "kind": {"type": "string"}},
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": SUBJECT}}


@dataclass(frozen=True)
class Hand:
    """One edit by hand, the field that it is about, and what stands in the specs before and
    afterwards.
    """

    edit: Callable[[World], object]
    address: str
    path: str
    before: str
    after: str


def post(address: str, path: str, value: object, before: str, after: str) -> Hand:
    """A field set through the API."""
    place = f"/{COLLECTIONS[address]}/${{{address}}}"
    return Hand(
        lambda world: world.http("POST", place, {path: value}), address, path, before, after
    )


def label(address: str, value: dict[str, str], before: str, after: str) -> Hand:
    """Metadata set through the API, our stamp kept."""
    place = f"/{COLLECTIONS[address]}/${{{address}}}"
    edit = lambda world: world.http("POST", place, {"metadata": stamped(world, value, address)})  # noqa: E731 - a value
    return Hand(edit, address, "metadata.team", before, after)


def other(address: str, path: str, column: str, value: str, before: str, after: str) -> Hand:
    """An edit that no request can make."""
    statement = (
        f"UPDATE {'vector_stores' if address == KB else 'files'} SET {column} = {value} WHERE"
        " id = ?"
    )
    return Hand(lambda world: sql(world, statement, address), address, path, before, after)


def relabel(world: World) -> None:
    have = in_store(world)["attributes"]
    in_store(
        world,
        "POST",
        {"attributes": {**{k: v for k, v in have.items() if k != "year"}, "team": "a: b"}},
    )


def recut(world: World) -> None:
    """Taken out and put in again, in other chunks."""
    attributes = in_store(world)["attributes"]
    in_store(world, "DELETE")
    strategy = {"type": "static", "static": SMALL}
    body = {
        "file_id": world.id("file.docs/a.md"),
        "attributes": attributes,
        "chunking_strategy": strategy,
    }
    world.http("POST", f"/vector_stores/${{{KB}}}/files", body)


def take_out(world: World) -> None:
    in_store(world, "DELETE", file="docs/b.md")


def put_in(world: World) -> None:
    world.http(
        "POST", f"/vector_stores/${{{KB}}}/files", {"file_id": world.upload("new.md", b"New.\n")}
    )


def one_more_result(world: World) -> None:
    new = tools(world)
    next(tool for tool in new if tool["type"] == "file_search")["file_search"][
        "max_num_results"
    ] = 9
    world.http("POST", f"/assistants/${{{A}}}", {"tools": new})


B_MD = "      # tone\n      - docs/b.md               # once\n"
LAST = '      - {id: "${var.loose}"}\n'
PUT_IN = Hand(put_in, KB, 'files["id:file-', LAST, f"{LAST}      - {{id: file-X}}\n")
TAKEN_OUT = Hand(take_out, KB, 'files["docs/b.md"]', B_MD, "")
HANDS: dict[str, dict[str, Hand | None]] = {
    "assistant": {
        "model": post(A, "model", "o5", "gpt-4o               # cheap", "o5               # cheap"),
        "name": post(A, "name", "NO", 'name: "Support"', 'name: "NO"'),
        "description": post(A, "description", "", "description: Answers", "description: null"),
        "instructions": post(
            A,
            "instructions",
            "Be kind.\n\n  Be quick: yes.\n",
            "      Be brief.\n",
            "        Be quick: yes.\n",
        ),
        "tools": Hand(one_more_result, A, "tools", "max_num_results: 8}", "max_num_results: 9}"),
        "temperature": post(A, "temperature", 1, "temperature: 0.3 ", "temperature: 1 "),
        "top_p": post(A, "top_p", 0.25, "top_p: 0.9", "top_p: 0.25"),
        "reasoning_effort": post(A, "reasoning_effort", None, "_effort: low", "_effort: null"),
        "response_format": post(
            A,
            "response_format",
            FORMAT,
            "{subject: {type: string}}",
            "{subject: {type: string}, kind: {type: string}}",
        ),
        "metadata": label(
            A, {"team": "it's", "odd key": "x"}, "{team: hr, odd", "{team: it's, odd"
        ),
        # Not at the service, or of another API:
        **dict.fromkeys(
            (
                "only",
                "lifecycle",
                "tool_resources",
                "api",
                "responses",
                "agents",
                "session",
                "checks",
            )
        ),
    },
    "vector_store": {
        "name": post(KB, "name", "Hand # book", "name: Handbook", 'name: "Hand # book"'),
        "description": other(
            KB, "description", "description", "'It''s new'", "'Rules'", "'It''s new'"
        ),
        "metadata": label(KB, {"odd key": "x"}, "      # who owns it\n      team: hr\n", ""),
        "expires_after": post(
            KB, "expires_after", {"anchor": "last_active_at", "days": 7}, "days: 30", "days: 7"
        ),
        "files": PUT_IN,
        # `chunking` shows in each file
        **dict.fromkeys(("only", "lifecycle", "other_files", "chunking")),
    },
    "store file": {
        "path": TAKEN_OUT,
        "attributes": Hand(
            relabel,
            KB,
            'files["docs/a.md"].attributes.',
            "{team: hr, year: 2026}   # l",
            '{team: "a: b"}   # l',
        ),
        "chunking": Hand(
            recut,
            KB,
            'files["docs/a.md"].chunking',
            "{max_chunk_size_tokens: 800, chunk_overlap_tokens: 400}",
            "{max_chunk_size_tokens: 200, chunk_overlap_tokens: 100}",
        ),
        **dict.fromkeys(("exclude", "only", "id")),
    },
    # In `secrets/test_credentials.py`, where there are some.
    "vault": dict.fromkeys(["name", "metadata", "only", "lifecycle"]),
    "credential": dict.fromkeys(["vault", "name", "auth", "metadata", "only", "lifecycle"]),
    # In `test_automations.py`.
    "automation": dict.fromkeys(kind("automation").spec.model_fields),
    # In `test_templates_and_skills.py`.
    "environment_template": dict.fromkeys(kind("environment_template").spec.model_fields),
    "skill": dict.fromkeys(kind("skill").spec.model_fields),
    "file": {
        "purpose": other(
            "file.data/form.pdf", "purpose", "purpose", "'vision'", ": user_data}", ": vision}"
        ),
        "expires_after": other(
            "file.data/sales.csv",
            "expires_after",
            "expires_at",
            "NULL",
            "{anchor: created_at, seconds: 604800}",
            "null",
        ),
        **dict.fromkeys(("path", "only", "lifecycle")),
    },
}
"""By kind and field. None: nothing of it is at the service, or it cannot be changed there."""
ALL = [
    (kind, field, hand) for kind, hands in HANDS.items() for field, hand in hands.items() if hand
]


def specs(world: World) -> str:
    """The specs, in which the id of an upload is not known beforehand."""
    return re.sub(
        r"file-\w+", "file-X", (world.root / "specs/all.yaml").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    "hand", [pytest.param(hand, id=f"{kind}-{field}") for kind, field, hand in ALL]
)
@pytest.mark.sampled(3)
def test_a_field_is_taken_over(ours: World, hand: Hand) -> None:
    """Only the field changes; afterwards nothing drifts and nothing is planned. The service is only
    read, and the lock stays as it was.
    """
    assert SPEC.count(hand.before) == 1
    hand.edit(ours)
    lock = ours.lock()
    ours.calls.clear()
    found = accept(ours, "--json").json
    assert found["not_accepted"] == []
    assert {one["address"] for one in found["accepted"]} == {hand.address}
    assert all(one["path"].startswith(hand.path) and one["line"] > 1 for one in found["accepted"])
    assert specs(ours) == SPEC.replace(hand.before, hand.after)
    assert ours.lock() == lock and {method for method, _ in ours.calls} == {"GET"}
    if hand is TAKEN_OUT:  # nothing names the upload any more, so an apply deletes it
        clean(ours)
        assert ours.changes() == {"file.docs/b.md": "delete"}
        ours.apply()
    agreed(ours)


def test_every_declared_field_has_a_case() -> None:
    """A field that a kind gets later fails here until somebody says how it is taken over."""
    models = {name: kind.spec for name, kind in kinds().items() if name != "tool"}
    declared = {name: set(model.model_fields) for name, model in models.items()}
    declared["store file"] = {*PathEntry.model_fields, *IdEntry.model_fields}
    assert {name: set(hands) for name, hands in HANDS.items()} == declared


def test_everything_at_once(ours: World) -> None:
    """All of those edits in one go, shown as one diff: the specs are what the single edits make of
    them.
    """
    wanted = SPEC
    for _, _, hand in ALL:
        hand.edit(ours)
        wanted = wanted.replace(hand.before, hand.after)
    reported = accept(ours).out
    assert "+    temperature: 1            # calm\n" in reported
    assert reported.endswith(" in 1 file.\n")
    assert specs(ours) == wanted
    clean(ours)
    assert ours.changes() == {"file.docs/b.md": "delete"}
