"""A small workspace at the service, and what somebody else does there with our stamp, or with his
own.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World

LOCK = ".provisioner/local/lock.json"
CONFIG = {
    "provisioner.yaml": {"workspace": "acme", "environments": {"local": {"service": "local"}}}
}
DOCS = {"docs/a.md": "# A\n", "docs/b.md": "# B\n"}
SPEC: dict[str, Any] = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {
        "a": {"model": "m", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}
    },
}


@pytest.fixture
def owned(world: World) -> World:
    """An assistant that searches a store with two documents."""
    world.write({**CONFIG, **DOCS, "specs/all.yaml": SPEC})
    world.apply()
    return world


def copied(world: World, address: str) -> str:
    """Somebody makes a copy of an assistant or a store, metadata and all; its id."""
    collection = "/vector_stores" if address.startswith("vector_store.") else "/assistants"
    keys = ("name", "metadata") if collection == "/vector_stores" else ("name", "metadata", "model")
    original = world.http("GET", f"{collection}/{world.id(address)}")
    return str(world.http("POST", collection, {key: original[key] for key in keys})["id"])


def restamped(world: World, place: str, stamp: str) -> None:
    """Another workspace, or another lock, makes an object its own."""
    world.http("POST", place, {"metadata": {"provisioner": stamp}})


def everything(world: World) -> dict[str, Any]:
    """Whatever is at the service, to see that it stays as it is."""
    stores = world.listed("/vector_stores")
    held = {store["id"]: world.listed(f"/vector_stores/{store['id']}/files") for store in stores}
    return {
        "stores": stores,
        "held": held,
        "files": world.listed("/files"),
        "assistants": world.listed("/assistants"),
    }


def ids(world: World) -> dict[str, str]:
    return {address: entry["id"] for address, entry in world.lock()["resources"].items()}


def without_lock(world: World) -> dict[str, Any]:
    """The lock is lost; returns what it said."""
    before = world.lock()
    (world.root / LOCK).unlink()
    return before
