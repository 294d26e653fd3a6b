"""What a lock says of the service, compared with what the service says of itself, field by
field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provisioner.diff import ignored
from provisioner.engine import open_context
from provisioner.lock.lockfile import dump
from tests.support.world import World

_AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


def entries(world: World) -> dict[str, Any]:
    """The lock's resources, with what a journal beside it has to add."""
    state = open_context(world.root).store.peek().state
    assert state
    found: dict[str, Any] = json.loads(dump(state))["resources"]
    return found


def false_claims(world: World) -> list[str]:
    """Every field of the lock that is not so at the service, but for what a killed apply was about
    to write: of that its journal claims nothing.
    """
    found = entries(world)
    claims = (
        (address, *claim)
        for address, entry in found.items()
        for claim in _claims(world, address, entry, found)
    )
    under_way = _under_way(world)
    return [
        f"{address}: {claim}"
        for address, path, claim in claims
        if not ignored(f"{address}#{path}", under_way)
    ]


def _under_way(world: World) -> list[str]:
    intents = open_context(world.root).store.peek().open_intents
    return [
        f"{intent.address}#{path}" for intent in intents for path in intent.data.get("wrote", ())
    ]


Claim = tuple[str, str]  # the path of a field, and what is wrong with it


def _claims(
    world: World, address: str, entry: dict[str, Any], all_of_them: dict[str, Any]
) -> Iterator[Claim]:
    kind = address.partition(".")[0]
    if kind == "file" or "id" not in entry:
        return
    collection = {"vector_store": "/vector_stores", "assistant": "/assistants"}[kind]
    live = world.http("GET", f"{collection}/{entry['id']}")
    for name, value in entry["fields"].items():
        if name == "tools":
            yield from _differences(name, _searched(value, all_of_them), _shown_search(live), entry)
        elif name not in ("files", "chunking", "other_files"):
            yield from _differences(name, value, live.get(name), entry)
    for path, item in entry["fields"].get("files", {}).items():
        yield from _held(world, entry, path, item)


def _held(world: World, entry: dict[str, Any], path: str, item: dict[str, Any]) -> Iterator[Claim]:
    held = {one["id"]: one for one in world.listed(f"/vector_stores/{entry['id']}/files")}
    live, place = held.get(item["id"]), f"files{json.dumps([path])}"
    if live is None:
        yield place, f"{path} is not in the store"
        return
    yield from _differences(
        f"{place}.attributes", item.get("attributes", {}), live["attributes"], entry
    )
    chunking = item.get("chunking") or entry["fields"].get("chunking") or "auto"
    shown = live["chunking_strategy"]["static"]
    yield from _differences(
        f"{place}.chunking", _AUTO if chunking == "auto" else chunking, shown, entry
    )


def _differences(path: str, value: Any, shown: Any, entry: dict[str, Any]) -> Iterator[Claim]:
    if path.endswith(("metadata", "attributes")):
        for key, item in value.items():
            yield from _differences(f"{path}.{key}", item, (shown or {}).get(key), entry)
    elif shown != value and path not in entry.get("unkept", {}):
        yield path, f"{path} is {shown!r} and not {value!r}"


def _searched(tools: list[Any], all_of_them: dict[str, Any]) -> Any:
    """What is searched and how, in ids."""
    (tool,) = tools
    return [all_of_them[name]["id"] for name in tool["vector_stores"]], tool.get("max_num_results")


def _shown_search(live: dict[str, Any]) -> Any:
    (tool,) = live["tools"]
    stores = live["tool_resources"]["file_search"]["vector_store_ids"]
    return stores, (tool.get("file_search") or {}).get("max_num_results")
