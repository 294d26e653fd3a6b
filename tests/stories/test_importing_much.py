"""Everything odd that a service may hold, by the hundred, taken over at once."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
import yaml

from tests.stories.test_importing import SPEC, documents, spec, tree
from tests.support.world import World

ODD = [
    "\n\n  indented after empty lines",
    "# a comment?\n# no",
    "tab\there\n\tand there",
    "🙂 emoji 👩‍👩‍👧",
    "日本語の指示",
    "ภาษาไทย\n\n",
    "\u202eright to left\u202c שלום",
    "true",
    "1.0",
    "2026-11-26",
    "12:30:45",
    "~",
    "null",
    "0x1f",
    "ends with lines\n\n\n",
    "a\r\nb",
    "${var.model} and $${not} ${environment}",
    "- a\n- b: [c",
    "'\"",
    "a: b #c",
    "&anchor *alias !tag",
    "%directive\n---\n...",
    " leading and trailing ",
    "x" * 500,
    "line\n" * 200,
    "a\u2028b\x85c",
    "\ufeffmark",
    "=",
    "<<",
    "@at `tick`",
    "\u3000はじめに\u3000",
    "\xa0nbsp\xa0",
]
SCHEMA = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(30)}}


def _tools(luck: random.Random, at: int) -> list[dict[str, Any]]:
    shared = {"name": "shared", "description": "Same", "parameters": SCHEMA}
    own = {
        "name": "shared_name",
        "description": ODD[at % len(ODD)],
        "strict": luck.random() < 0.3,
        "parameters": {
            "type": "object",
            "properties": {"file": {"type": "string"}},
            "required": ["file"],
            "additionalProperties": False,
        },
    }
    known: list[dict[str, Any]] = [
        {"type": "function", "function": shared},
        {"type": "function", "function": own},
        {"type": "function", "function": {"name": "bare"}},
        {"type": "file_search", "file_search": {"max_num_results": 3}},
        {"type": "code_interpreter"},
    ]
    return luck.sample(known, luck.randint(0, 5))


def _fields(luck: random.Random, at: int, stores: list[str]) -> dict[str, Any]:
    odd = ODD[at % len(ODD)]
    body: dict[str, Any] = {"instructions": odd, "tools": _tools(luck, at)}
    if at % 2:
        body |= {"description": odd[:500], "temperature": luck.choice([0, 0.5, 1, 2])}
    if at % 3 == 0:
        body["metadata"] = {odd[:60].strip() or "key": odd[:500], "plain": "1.0"}
    if at % 5 == 0:
        body["response_format"] = luck.choice(
            [
                "auto",
                {"type": "json_object"},
                {"type": "text"},
                {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
            ]
        )
    if any(tool["type"] == "file_search" for tool in body["tools"]):
        body["tool_resources"] = {"file_search": {"vector_store_ids": [luck.choice(stores)]}}
    if at % 11 == 0:
        body["metadata"] = {f"key{each:02}": odd[:500] for each in range(16)}
    return body


def _made(world: World, path: str, body: dict[str, Any]) -> str:
    """What is made with exactly this body: `${…}` is a text like any other."""
    return str(asyncio.run(world._http("POST", path, body, 200))["id"])


def fill(world: World, count: int) -> None:
    luck = random.Random(7)
    stores = []
    for at in range(max(count // 10, 2)):
        file = world.upload(f"doc {at}.md", f"# {at}\n".encode())
        stores.append(_made(world, "/vector_stores", {"name": ODD[at % len(ODD)][:200]}))
        _made(world, f"/vector_stores/{stores[-1]}/files", {"file_id": file})
    for at in range(count):
        name = None if at % 13 == 0 else ODD[at % len(ODD)][:200]
        body = {"model": "gpt-4o", "name": name, **_fields(luck, at, stores)}
        _made(world, "/assistants", body)
    long = {"model": "gpt-4o", "name": "Long", "instructions": "word " * 51_000}
    _made(world, "/assistants", long)


@pytest.mark.thorough
@pytest.mark.parametrize("count", [40, pytest.param(450, marks=pytest.mark.thorough)])
def test_every_odd_value(world: World, count: int) -> None:
    """The plan afterwards is empty, the YAML is laid out, and what it says is what there was."""
    fill(world, count)
    before = {one["id"]: one for one in world.listed("/assistants")}
    said = world.ok("import", "--all", "-y")
    assert said.out.endswith("the specs say what the service has.\n"), said.out
    world.settled()
    world.ok("fmt", "--check")
    for one in world.listed("/assistants"):
        one["metadata"].pop("provisioner", None)
        assert one == before[one["id"]]
    assert len(spec(world)["assistants"]) == count + 1
    assert "shared" in spec(world)["tools"]
    files = tree(world.root)
    assert world.ok("import", "--all", "-y").out == "Nothing to import.\n"
    assert tree(world.root) == files
    yaml.safe_load((world.root / SPEC).read_text(encoding="utf-8"))


@pytest.mark.thorough
def test_ninety_documents(world: World) -> None:
    """No upload and ninety members; three that are others on disk are three replacements."""
    documents(world, 90)
    world.ok("import", "--all", "-y", "--files", str(world.root / "docs"))
    assert world.calls.count(("POST", "/files")) == 0
    assert len(world.listed("/vector_stores/${vector_store.handbook}/files")) == 90
    world.settled()


@pytest.mark.thorough
def test_three_of_ninety_documents_differ(world: World) -> None:
    """Of another size, or of the same."""
    documents(world, 90)
    texts = ("# Page 0\n\nText.\n", "# Page 9\n\nText 1.\n", "# Longer\n" * 9)
    world.write({f"docs/doc{at:02}.md": text for at, text in enumerate(texts)})
    said = world.ok("import", "--all", "-y", "--files", str(world.root / "docs")).out
    assert "Resources: 91 imported, 3 replaced." in said
    assert world.calls.count(("POST", "/files")) == 3
    assert len(world.listed("/vector_stores/${vector_store.handbook}/files")) == 90
    world.settled()
