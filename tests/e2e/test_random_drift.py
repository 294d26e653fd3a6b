"""Random edits by hand over many resources: drift names exactly those, and an untouched workspace
is in sync.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.drifting import Row, clean, drift, rows
from tests.support.world import World

SEEDS = int(os.environ.get("PROVISIONER_SEEDS", "1"))
FIRST = int(os.environ.get("PROVISIONER_FIRST_SEED", "0"))
EDITS = int(os.environ.get("PROVISIONER_HAND_EDITS", "40"))
UNTOUCHED = int(os.environ.get("PROVISIONER_UNTOUCHED", "100"))

ASSISTANTS, STORES, FILES = 20, 5, 25
KEYS = ["team", "odd key"]
TEXTS = ["a", "b", 'quo"te', "ünï", "line\nline", "x" * 300]
TOOLS: list[list[dict[str, Any]]] = [[], [{"type": "code_interpreter"}]]


class Hands:
    """Edits by hand, and what drift has to say of them: field → (locked, live), while the two
    differ.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.draw = world, random.Random(seed)
        self.live: dict[tuple[str, str], tuple[Any, Any]] = {}
        self.held = {
            (f"vector_store.s{number % STORES}", f"docs/{number:02}.md"): {
                "team": "hr",
                "n": number,
            }
            for number in range(FILES)
        }
        self.foreign = 0

    @property
    def rows(self) -> list[Row]:
        """What a report holds, sorted by address and path."""
        differing = {key: pair for key, pair in self.live.items() if pair[0] != pair[1]}
        return sorted(
            (*key, locked, live, locked, "remote") for key, (locked, live) in differing.items()
        )

    def edit(self) -> None:
        kinds: list[Callable[[], None]] = [
            self.field,
            self.metadata,
            self.store,
            self.attribute,
            self.harmless,
        ]
        self.draw.choice([*kinds, self.taken_out if self.draw.random() < 0.3 else self.field])()

    def assistant(self) -> tuple[str, str, dict[str, Any]]:
        address = f"assistant.a{self.draw.randrange(ASSISTANTS)}"
        path = f"/assistants/${{{address}}}"
        return address, path, self.world.http("GET", path)

    def took(self, address: str, path: str, locked: Any, live: Any) -> None:
        self.live[address, path] = (locked, live)

    def field(self) -> None:
        address, path, _ = self.assistant()
        name = self.draw.choice(["instructions", "temperature", "model", "tools"])
        value: Any = {
            "instructions": self.draw.choice(TEXTS),
            "temperature": self.draw.randrange(20) / 10,
            "model": self.draw.choice(["m", "n"]),
            "tools": self.draw.choice(TOOLS),
        }[name]
        self.world.http("POST", path, {name: value})
        shown = [{**tool, "files": []} for tool in value] if name == "tools" else value
        locked = spec_of(address)[name]
        self.took(
            address,
            name,
            [{**tool, "files": []} for tool in locked] if name == "tools" else locked,
            shown,
        )

    def metadata(self) -> None:
        address, path, have = self.assistant()
        key, value = self.draw.choice(KEYS), self.draw.choice([None, "hr", "it"])
        kept = {name: text for name, text in have["metadata"].items() if name != key}
        self.world.http("POST", path, {"metadata": kept | ({key: value} if value else {})})
        self.took(
            address, f"metadata.{key}" if key == "team" else f'metadata["{key}"]', "hr", value
        )

    def store(self) -> None:
        address = f"vector_store.s{self.draw.randrange(STORES)}"
        name, expiry = (
            self.draw.choice(TEXTS[:4]),
            self.draw.choice([None, {"anchor": "last_active_at", "days": 9}]),
        )
        self.world.http(
            "POST", f"/vector_stores/${{{address}}}", {"name": name, "expires_after": expiry}
        )
        self.took(address, "name", address.partition(".")[2], name)
        self.took(address, "expires_after", None, expiry)

    def attribute(self) -> None:
        if not self.held:
            return
        (store, path), locked = self.draw.choice(list(self.held.items()))
        at = f"/vector_stores/${{{store}}}/files/${{file.{path}}}"
        have = self.world.http("GET", at)["attributes"]
        team = self.draw.choice(["hr", "it", True, 7])
        self.world.http("POST", at, {"attributes": have | {"team": team, "theirs": "x"}})
        self.took(store, f'files["{path}"].attributes.team', locked["team"], team)

    def taken_out(self) -> None:
        if len(self.held) < FILES // 2:
            return
        (store, path), locked = self.draw.choice(list(self.held.items()))
        del self.held[store, path]
        self.world.http("DELETE", f"/vector_stores/${{{store}}}/files/${{file.{path}}}")
        self.live.pop((store, f'files["{path}"].attributes.team'), None)
        self.took(store, f'files["{path}"]', {"attributes": locked}, None)

    def harmless(self) -> None:
        """What nobody declared, keys and files of others, the same value once more."""
        _, path, have = self.assistant()
        mine: list[dict[str, Any]] = [
            {"top_p": 0.5, "description": "x", "name": have["name"]},
            {"metadata": have["metadata"] | {"gateway": self.draw.choice(TEXTS[:4])}},
            {"model": have["model"], "instructions": have["instructions"]},
        ]
        self.world.http("POST", path, self.draw.choice(mine))
        if self.draw.random() < 0.2:
            self.foreign += 1
            file = self.world.upload(f"theirs-{self.foreign}.md", b"x\n")
            store = f"vector_store.s{self.draw.randrange(STORES)}"
            self.world.http("POST", f"/vector_stores/${{{store}}}/files", {"file_id": file})


def spec_of(address: str) -> dict[str, Any]:
    number = int(address.rpartition("a")[2])
    return {
        "model": "m",
        "instructions": TEXTS[number % len(TEXTS)],
        "temperature": 0.5,
        "tools": TOOLS[number % 2],
        "metadata": dict.fromkeys(KEYS, "hr"),
    }


def write(world: World) -> None:
    files = [
        [f"docs/{number:02}.md" for number in range(FILES) if number % STORES == at]
        for at in range(STORES)
    ]
    stores = {
        f"s{at}": {
            "name": f"s{at}",
            "expires_after": None,
            "files": [
                {"path": path, "attributes": {"team": "hr", "n": int(path[5:7])}} for path in paths
            ],
        }
        for at, paths in enumerate(files)
    }
    assistants = {f"a{number}": spec_of(f"assistant.a{number}") for number in range(ASSISTANTS)}
    world.write({"specs/all.yaml": {"vector_stores": stores, "assistants": assistants}})
    world.write({f"docs/{number:02}.md": f"Document {number}.\n" for number in range(FILES)})


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_exactly_what_was_edited(world: World, seed: int) -> None:
    """Every field that differs is named once with its values, and nothing else is; an apply ends
    it.
    """
    write(world)
    world.apply()
    hands = Hands(world, seed)
    for number in range(1, EDITS + 1):
        hands.edit()
        if number % 20 == 0 or number == EDITS:
            found = rows(drift(world, code=2 if hands.rows else 0))
            assert sorted(found, key=lambda row: row[:2]) == hands.rows, (
                f"seed {seed}, after {number} edits"
            )
    world.ok("apply", "-y", "--force")
    clean(world)
    world.settled()


def test_an_untouched_workspace_is_in_sync(world: World) -> None:
    """However many resources there are: no drift, and as many requests as there are pages."""
    half = UNTOUCHED // 2
    assistants = {
        f"a{number}": {"model": "m", "metadata": {"n": str(number)}} for number in range(half)
    }
    store = {"kb": {"files": ["docs/*.md"], "metadata": {"team": "hr"}}}
    world.write({"specs/all.yaml": {"assistants": assistants, "vector_stores": store}})
    world.write({f"docs/{number}.md": f"Document {number}.\n" for number in range(half - 1)})
    world.apply()
    world.calls.clear()
    assert drift(world, code=0)["summary"]["in_sync"] == 2 * half
    pages = (
        math.ceil(half / 100) + math.ceil((half - 1) / 100) + 2
    )  # assistants, files of the store, stores, files
    assert len(world.calls) == pages
    assert {method for method, _ in world.calls} == {"GET"}
