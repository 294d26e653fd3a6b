"""Drift, field by field: an edit by hand is named with its three values, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.kinds import kind, kinds
from provisioner.kinds.vector_store.spec import IdEntry, PathEntry
from tests.support.drifting import AUTO, FIND, FORMAT, SMALL, SPEC, Row, clean, drift, rows, sql
from tests.support.world import World


@dataclass(frozen=True)
class Hand:
    """One edit by hand: what is done, and what drift says of it."""

    edit: Callable[[World], object]
    address: str
    path: str
    locked: Any
    live: Any
    word: str = "remote"

    @property
    def row(self) -> Row:
        return self.address, self.path, self.locked, self.live, self.locked, self.word


def post(address: str, path: str, locked: Any, live: Any, body: Any) -> Hand:
    """An edit through the API."""
    collection = {"assistant": "assistants", "vector_store": "vector_stores"}[
        address.partition(".")[0]
    ]
    return Hand(
        lambda world: world.http("POST", f"/{collection}/${{{address}}}", body),
        address,
        path,
        locked,
        live,
    )


def in_store(method: str, body: Any = None) -> Callable[[World], object]:
    path = "/vector_stores/${vector_store.kb}/files/${file.docs/a.md}"
    return lambda world: world.http(method, path, body)


def recut(world: World) -> None:
    """Taken out and put in again, with the same attributes and other chunks."""
    path = f"/vector_stores/{world.id('vector_store.kb')}/files"
    attributes = world.http("GET", f"{path}/{world.id('file.docs/a.md')}")["attributes"]
    in_store("DELETE")(world)
    strategy = {"type": "static", "static": SMALL}
    world.http(
        "POST",
        path,
        {
            "file_id": world.id("file.docs/a.md"),
            "attributes": attributes,
            "chunking_strategy": strategy,
        },
    )


def ruin(status: str) -> Callable[[World], object]:
    statement = f"UPDATE store_files SET status = '{status}' WHERE file_id = ?"
    return lambda world: sql(world, statement, "file.docs/a.md")


A, KB = "assistant.support", "vector_store.kb"
HAVE = SPEC["assistants"]["support"]
SHOWN = {
    "type": "file_search",
    "vector_stores": ["vector_store.kb"],
    "ranking_options": {"score_threshold": 0.0},
}
A_MD = 'files["docs/a.md"]'
HANDS: dict[str, dict[str, Hand | None]] = {
    "assistant": {
        "model": post(A, "model", "gpt-4o", "gpt-5.6", {"model": "gpt-5.6"}),
        "name": post(A, "name", "Support", "Bot", {"name": "Bot"}),
        "description": post(A, "description", "Answers", None, {"description": ""}),
        "instructions": post(
            A, "instructions", HAVE["instructions"], "Be rude.", {"instructions": "Be rude."}
        ),
        "tools": post(A, "tools", [SHOWN, FIND], [SHOWN], {"tools": [{"type": "file_search"}]}),
        "temperature": post(A, "temperature", 0.3, 0.7, {"temperature": 0.7}),
        "top_p": post(A, "top_p", 0.9, 1.0, {"top_p": 1}),
        "reasoning_effort": post(
            A, "reasoning_effort", "low", "high", {"reasoning_effort": "high"}
        ),
        "response_format": post(A, "response_format", FORMAT, "auto", {"response_format": "auto"}),
        "metadata": post(
            A, 'metadata["odd key"]', "x", "y", {"metadata": {"team": "hr", "odd key": "y"}}
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
        "name": post(KB, "name", "Handbook", "Book", {"name": "Book"}),
        "description": Hand(
            lambda world: sql(
                world, "UPDATE vector_stores SET description = 'New' WHERE id = ?", KB
            ),
            KB,
            "description",
            "Rules",
            "New",
        ),
        "metadata": post(
            KB, "metadata.team", "hr", "it", {"metadata": {"team": "it", "odd key": "x"}}
        ),
        "expires_after": post(
            KB,
            "expires_after",
            {"anchor": "last_active_at", "days": 30},
            None,
            {"expires_after": None},
        ),
        "chunking": Hand(recut, KB, f"{A_MD}.chunking", AUTO, SMALL),
        "files": Hand(
            in_store("DELETE"), KB, A_MD, {"attributes": {"team": "hr", "year": 2026}}, None
        ),
        **dict.fromkeys(("only", "lifecycle", "other_files")),
    },
    "store file": {
        "path": Hand(ruin("failed"), KB, f"{A_MD}.status", "completed", "failed"),
        "id": Hand(ruin("cancelled"), KB, f"{A_MD}.status", "completed", "cancelled"),
        "attributes": Hand(
            lambda world: world.http(
                "POST",
                "/vector_stores/${vector_store.kb}/files/${file.docs/a.md}",
                {"attributes": stamped(world) | {"team": "it"}},
            ),
            KB,
            f"{A_MD}.attributes.team",
            "hr",
            "it",
        ),
        "chunking": Hand(recut, KB, f"{A_MD}.chunking", AUTO, SMALL),
        **dict.fromkeys(("exclude", "only")),
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
        "path": Hand(
            lambda world: world.http("DELETE", "/files/${file.data/sales.csv}"),
            "file.data/sales.csv",
            "",
            None,
            "gone",
            "missing",
        ),
        "purpose": Hand(
            lambda world: sql(
                world, "UPDATE files SET purpose = 'vision' WHERE id = ?", "file.data/form.pdf"
            ),
            "file.data/form.pdf",
            "purpose",
            "user_data",
            "vision",
        ),
        "expires_after": Hand(
            lambda world: sql(
                world, "UPDATE files SET expires_at = NULL WHERE id = ?", "file.data/sales.csv"
            ),
            "file.data/sales.csv",
            "expires_after",
            {"anchor": "created_at", "seconds": 604800},
            None,
        ),
        **dict.fromkeys(("only", "lifecycle")),
    },
}
"""By kind and field. None: nothing of it is at the service, or in no form that this API has."""


def stamped(world: World) -> dict[str, Any]:
    """The attributes of a file in a store, our own two among them."""
    return dict(in_store("GET")(world)["attributes"])  # type: ignore[index]  # a reply


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, hands in HANDS.items() for field, hand in hands.items() if hand],
)
@pytest.mark.sampled(3)
def test_every_field_that_is_edited_by_hand_shows(there: World, kind: str, field: str) -> None:
    """Exactly that field, with its three values, in JSON and in text; after an apply it is gone."""
    hand = HANDS[kind][field]
    assert hand is not None
    hand.edit(there)
    assert rows(drift(there)) == [hand.row]
    reported = there.ok("drift", code=2).out
    assert hand.address in reported and hand.path in reported and reported.endswith(" missing.\n")
    there.ok("apply", "-y")
    clean(there)
    there.settled()


def test_every_declared_field_has_a_case() -> None:
    """A field that a kind gets later fails here until somebody says what its drift looks like."""
    models = {name: kind.spec for name, kind in kinds().items() if name != "tool"}
    declared = {name: set(model.model_fields) for name, model in models.items()}
    declared["store file"] = {*PathEntry.model_fields, *IdEntry.model_fields}
    assert {name: set(hands) for name, hands in HANDS.items()} == declared


def test_tools_changed_on_both_sides_are_compared_tool_by_tool(there: World) -> None:
    """What the specs want of them is reported as an edit of your own is: their keys' order is no
    difference.
    """
    tools = [{"type": "file_search", "vector_stores": ["kb"], "max_num_results": 5}, FIND]
    there.write(
        {
            "specs/all.yaml": {
                **SPEC,
                "assistants": {"support": {**SPEC["assistants"]["support"], "tools": tools}},
            }
        }
    )
    there.http("POST", f"/assistants/${{{A}}}", {"tools": [{"type": "file_search"}]})
    reported = there.ok("drift", code=2).out.split("the specs changed it as well:")[1]
    assert "+ max_num_results: 5" in reported
    assert "parameters" not in reported and "@@" not in reported
