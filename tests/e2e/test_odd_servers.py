"""Services that behave differently from OpenAI's: no crash, no endless diff, no foreign key lost,
the oddity named.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import odd, shop
from tests.e2e.serving import point_at, served
from tests.support.injecting import Middleware
from tests.support.world import World

ASSISTANT = (
    "name",
    "description",
    "instructions",
    "temperature",
    "top_p",
    "reasoning_effort",
    "response_format",
)
SHOWN = {
    "assistant": (*ASSISTANT, "metadata", "tools", "tool_resources", "created_at", "object"),
    "vector_store": (
        "name",
        "description",
        "expires_after",
        "metadata",
        "status",
        "file_counts",
        "created_at",
    ),
    "store_file": ("attributes", "chunking_strategy", "status", "last_error", "vector_store_id"),
    "file": ("bytes", "filename", "purpose", "expires_at", "created_at", "status"),
}
TAKEN = {
    "assistant": (*ASSISTANT, "metadata", "tools", "tool_resources"),
    "vector_store": ("name", "description", "expires_after", "metadata"),
    "store_file": ("attributes", "chunking_strategy"),
}
FULL = os.environ.get("PROVISIONER_FULL")
GROUPS = 2
UNKEPT = "The service does not keep `{}` as it was sent"
# What is said about each oddity.
NAMED: list[tuple[Middleware, tuple[str, ...]]] = [
    (odd.gateway_keys, ("`/assistants` adds metadata of its own (`gateway_id`, `provider_id`)",)),
    (odd.created, ("What creates is answered with 201 instead of 200.",)),
    (
        odd.ignores_null,
        ("`/assistants` keeps a field that is sent as null; its default was sent instead.",),
    ),
    (
        odd.bad_request_for_unknown,
        ("`/vector_stores/…/files` answers 400 instead of 404 for an id",),
    ),
    (odd.merges_metadata, (UNKEPT.format("assistant.full#metadata.old"),)),
    (
        odd.no_batches,
        (
            (
                "Files cannot be attached in batches here (`file_batches`); they are attached one"
                " by one."
            ),
        ),
    ),
    (
        odd.no_has_more,
        (
            "`/assistants` is listed without `has_more`.",
            "`/vector_stores/…/files` is listed without",
        ),
    ),
    (odd.numbers_as_text, ("`/assistants` shows numbers as text; they are read as numbers.",)),
    (odd.snapshots, (UNKEPT.format("model` of `assistant.full`, `assistant.plain"),)),
    (odd.trims, (UNKEPT.format("assistant.full#instructions"),)),
    (
        odd.silent_writes,
        ("`/assistants` answers a write without all that was written; it is read once more.",),
    ),
]


def thorough(case: Any) -> Any:
    return pytest.param(case, marks=pytest.mark.thorough)


Row = tuple[tuple[str, str], ...]  # kinds and fields
Of = Callable[[str, str], Middleware]  # an oddity of a field of a kind


def _rows(table: dict[str, tuple[str, ...]]) -> list[Row]:
    """Some fields of each kind at a time; each by itself with PROVISIONER_FULL."""
    if FULL:
        return [((kind, field),) for kind, fields in table.items() for field in fields]
    return [
        tuple((kind, field) for kind, fields in table.items() for field in fields[at::GROUPS])
        for at in range(GROUPS)
    ]


def _spelt(row: Row) -> str:
    return "+".join(f"{kind}.{field}" for kind, field in row)


def _each(how: Of, row: Row) -> list[Middleware]:
    return [how(kind, field) for kind, field in row]


def step(world: World, *files: dict[str, Any]) -> list[str]:
    """Write, apply and plan; what was printed. Nothing may be left to do."""
    reported: list[str] = []
    for one in files:
        world.write(one)
        applied = world.run("apply", "-y", "--force")
        planned = world.run("plan", "--detailed-exitcode")
        shown = f"{applied.out}{applied.err}\n------ planned again\n{planned.out}{planned.err}"
        assert (applied.code, planned.code) == (0, 0), shown
        assert "No changes. The service matches the specs." in planned.out, shown
        reported += [applied.out + applied.err, planned.out + planned.err]
    return reported


def life(world: World, *oddities: Middleware) -> list[str]:
    """Everything declared, then edited, then null, then taken out, at a service with these
    oddities.
    """
    with world.behind(*oddities):
        return step(world, shop.FILES, shop.edited(), shop.nulled(), shop.bare())


def left(world: World) -> None:
    """The service holds exactly what is declared."""
    names = sorted(item["filename"] for item in world.listed("/files"))
    assert names == ["a.md", "b.md", "c.md", "run.csv"]
    stores = world.listed("/vector_stores")
    assert len(stores) == 2
    held = [world.listed(f"/vector_stores/{store['id']}/files") for store in stores]
    assert sorted(len(files) for files in held) == [1, 3]
    assert len(world.listed("/assistants")) == 2


@pytest.mark.parametrize(
    ("how", "named"), [pytest.param(*one, id=one[0].__name__) for one in NAMED]
)
@pytest.mark.sampled(2)
def test_an_odd_service_settles_and_is_named(
    world: World, how: Middleware, named: tuple[str, ...]
) -> None:
    """Every apply succeeds, the plan after it is empty, nothing is left over, and the oddity is
    told once a run.
    """
    reported = life(world, how)
    for said in named:
        counts = [text.count(said) for text in reported]
        assert max(counts) == 1, f"{said}: {counts}"
    left(world)


@pytest.mark.parametrize("how", [(one,) for one in odd.HARMLESS] if FULL else [odd.HARMLESS])
def test_what_makes_no_difference(world: World, how: tuple[Middleware, ...]) -> None:
    """Every apply succeeds, the plan after it is empty, and nothing is left over."""
    life(world, *how)
    left(world)


def test_foreign_keys_survive(world: World) -> None:
    """Metadata and attributes that a gateway or a hand has added outlive our edits, resets and
    removals.
    """
    world.from_now_on(odd.gateway_keys)
    step(world, shop.FILES)
    for collection in ("/assistants", "/vector_stores"):
        for item in world.listed(collection):
            world.http(
                "POST",
                f"{collection}/{item['id']}",
                {"metadata": {**item["metadata"], "by_hand": "h"}},
            )
    files = "/vector_stores/${vector_store.bare}/files"
    attributes = world.http("GET", f"{files}/${{file.docs/a.md}}")["attributes"]
    world.http(
        "POST", f"{files}/${{file.docs/a.md}}", {"attributes": {**attributes, "by_hand": "h"}}
    )
    plain = world.id("vector_store.kb")
    same_description = shop.edited()
    same_description["specs/all.yaml"]["vector_stores"]["kb"]["description"] = shop.STORE[
        "description"
    ]
    step(world, same_description, shop.nulled(), shop.FILES)
    assert world.id("vector_store.kb") == plain
    for collection in ("/assistants", "/vector_stores"):
        for item in world.listed(collection):
            assert item["metadata"].items() >= {"gateway_id": "g1", "by_hand": "h"}.items()
    assert world.http("GET", f"{files}/${{file.docs/a.md}}")["attributes"]["by_hand"] == "h"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "how", [odd.breaks_on_get, *map(thorough, (odd.loses_replies, odd.gateway_keys))]
)
def test_over_http(world: World, monkeypatch: pytest.MonkeyPatch, how: Middleware) -> None:
    """The same over a real connection, which may break at any time: nothing twice, and reported once a
    run.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "sk-e2e")
    with world.behind(how), served(world.app()) as url:
        point_at(world, url)
        reported = life(world)
    if how is not odd.gateway_keys:
        counts = [
            text.count("This service closes connections before its reply is complete.")
            for text in reported
        ]
        assert max(counts) == 1, counts
    left(world)


@pytest.mark.parametrize("row", _rows(SHOWN), ids=_spelt)
def test_fields_that_are_never_shown(world: World, row: Row) -> None:
    """A reply may lack any field but the id."""
    life(world, *_each(odd.not_shown, row))
    left(world)


@pytest.mark.parametrize("row", _rows(TAKEN), ids=_spelt)
def test_fields_that_are_forgotten(world: World, row: Row) -> None:
    """What the service drops is reported in every plan and proposed no second time."""
    reported = life(world, *_each(odd.not_kept, row))
    assert any("The service does not keep" in text for text in reported[1::2])
    left(world)


@pytest.mark.parametrize("row", _rows(TAKEN), ids=_spelt)
def test_fields_that_are_unknown(world: World, row: Row) -> None:
    """A service may lack a field altogether."""
    life(world, *_each(odd.not_kept, row), *_each(odd.not_shown, row))
    left(world)


GONE = [
    pytest.param(odd.without("/assistants"), id="json"),
    pytest.param(odd.without("/assistants", b"", b"text/plain"), id="empty"),
    pytest.param(odd.without("/assistants", b"<html><h1>404</h1></html>", b"text/html"), id="html"),
]


@pytest.mark.parametrize("how", GONE)
def test_a_service_without_assistants(world: World, how: Middleware) -> None:
    """One clear problem names the shutdown and the two living APIs, and nothing is written."""
    world.from_now_on(how)
    world.write(shop.FILES)
    for words in (("plan",), ("apply", "-y")):
        result = world.ok(*words, code=1)
        assert result.err.count("error:") == 1
        for text in ("API not available", "2026-08-26", "`api: responses`", "`api: agents`"):
            assert text in result.err, result.err
    assert {method for method, _ in world.calls} == {"GET"}
    assert not (world.root / ".provisioner/local/lock.json").exists()


@pytest.mark.parametrize("how", GONE)
def test_a_service_that_loses_its_assistants(world: World, how: Middleware) -> None:
    """Assistants in the lock are not taken for gone; with `api: responses` they are forgotten and
    all else stays.
    """
    step(world, shop.FILES)
    world.from_now_on(how)
    kept = {address: world.id(address) for address in ("vector_store.kb", "file.docs/a.md")}
    assert "API not available" in world.ok("plan", code=1).err
    world.write(
        {
            "provisioner.yaml": {
                "workspace": world.root.name,
                "environments": {"local": {"service": "local", "api": "responses"}},
            }
        }
    )
    reported, _ = step(world, {})
    assert "api_gone" in reported or "gone" in reported
    assert {address: world.id(address) for address in kept} == kept
