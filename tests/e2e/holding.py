"""What a service has to hold for a random workspace: what is declared, no more, and what somebody
else put there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from pathlib import PurePosixPath
from typing import Any

from provisioner.kinds import kind
from provisioner.kinds.base import ProfileForm
from tests.e2e.random_specs import Workspace
from tests.support.world import World

AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
BY_HAND = "by hand"  # a key of metadata or attributes that somebody else writes


def check(
    world: World,
    workspace: Workspace,
    api: str,
    story: str,
    others: Set[str] = frozenset(),
    used: Set[str] = frozenset(),
) -> None:
    """Exactly the declared objects, each as declared. `others` are objects that are not ours, and
    `used` is what they use of ours.
    """
    nothing_yet = not (world.root / ".provisioner/local/lock.json").exists()
    lock = {} if nothing_yet else world.lock()["resources"]
    allowed = {old["id"] for entry in lock.values() for old in entry.get("deposed", ())}
    expected = (named(world, lock) if api == "responses" else set()) | with_files(world, used)
    assert allowed <= expected, f"{allowed - expected}\n{story}"
    files = {item["id"]: item for item in world.listed("/files") if item["id"] not in others}
    ours = {lock[f"file.{path}"]["id"]: path for path in workspace.files()}
    assert files.keys() - allowed == ours.keys(), story
    names = Counter(PurePosixPath(path).name for path in ours.values())
    assert Counter(files[id]["filename"] for id in ours) == names, story
    stores = {
        item["id"]: item for item in world.listed("/vector_stores") if item["id"] not in others
    }
    declared = {
        lock[f"vector_store.{name}"]["id"]: name for name in workspace.spec["vector_stores"]
    }
    assert stores.keys() - allowed == declared.keys(), story
    for id, name in declared.items():
        check_store(world, workspace, stores[id], name, story)
    assistants = {
        item["id"]: item for item in world.listed("/assistants") if item["id"] not in others
    }
    wanted = workspace.spec["assistants"]
    if api == "assistants":
        assert assistants.keys() == {lock[f"assistant.{name}"]["id"] for name in wanted}, story
        for name, spec in wanted.items():
            check_assistant(
                assistants[lock[f"assistant.{name}"]["id"]], spec, workspace, lock, story
            )
    else:
        assert not assistants


def named(world: World, lock: dict[str, Any]) -> set[str]:
    """What earlier request profiles name that are kept, and the files in those stores."""
    versions = [version for entry in lock.values() for version in entry.get("versions", ())]
    form = kind("assistant").form("responses")
    assert isinstance(form, ProfileForm)
    return with_files(world, {id for version in versions for id in form.kept_ids(version)})


def with_files(world: World, ids: Set[str]) -> set[str]:
    """These, and the files in those of them that are stores."""
    stores = {id for id in ids if id.startswith("vs_")} & {
        item["id"] for item in world.listed("/vector_stores")
    }
    return {
        *ids,
        *(item["id"] for store in stores for item in world.listed(f"/vector_stores/{store}/files")),
    }


def check_store(
    world: World, workspace: Workspace, live: dict[str, Any], name: str, story: str
) -> None:
    spec, store_files = (
        workspace.spec["vector_stores"][name],
        world.listed(f"/vector_stores/{live['id']}/files"),
    )
    assert "name" not in spec or live["name"] == spec["name"], (
        story
    )  # a rename keeps the name that nobody declared
    assert (live["description"], live["expires_after"]) == (
        spec.get("description"),
        spec.get("expires_after"),
    ), story
    assert foreign(live["metadata"]) == (spec.get("metadata") or {}), story
    held = workspace.held(name)
    ours = [store_file for store_file in store_files if "provisioner" in store_file["attributes"]]
    found = {path_in(store_file): store_file for store_file in ours}
    assert len(ours) == len(found) and found.keys() == held.keys(), (
        f"{sorted(map(path_in, ours))} {sorted(held)}\n{story}"
    )
    for path, (digest, attributes, chunks) in held.items():
        store_file = found[path]
        assert store_file["status"] == "completed"
        assert {"sha256": digest, **attributes} == foreign(store_file["attributes"]), story
        assert store_file["chunking_strategy"]["static"] == (
            AUTO if chunks == "auto" else chunks
        ), story


def check_assistant(
    live: dict[str, Any],
    spec: dict[str, Any],
    workspace: Workspace,
    lock: dict[str, Any],
    story: str,
) -> None:
    assert "name" not in spec or live["name"] == spec["name"], story
    defaults: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0, "reasoning_effort": None}
    for field, default in {
        "description": None,
        "instructions": None,
        "model": "",
        **defaults,
    }.items():
        wanted = spec.get(field)
        assert live[field] == (default if wanted is None else wanted), f"{field}\n{story}"
    assert foreign(live["metadata"]) == (spec.get("metadata") or {}), story
    said = spec.get("response_format") or "auto"
    shown = live["response_format"]
    assert (shown if isinstance(shown, str) else shown["type"]) == (
        said if isinstance(said, str) else said["type"]
    ), story
    check_tools(live, spec, workspace, lock, story)


def check_tools(
    live: Any, spec: Any, workspace: Workspace, lock: dict[str, Any], story: str
) -> None:
    functions = [tool["function"] for tool in live["tools"] if tool["type"] == "function"]
    wanted = [
        workspace.spec["tools"][tool["use"]] | {"name": tool["use"]} if "use" in tool else tool
        for tool in spec["tools"]
    ]
    for tool in wanted:
        if tool.get("type", "function") == "function":
            (one,) = [one for one in functions if one["name"] == tool["name"]]
            assert one["parameters"] == tool["parameters"] and one["strict"] == tool.get(
                "strict", False
            ), story
    assert len(live["tools"]) == len(spec["tools"]), story
    resources = live["tool_resources"]
    stores = {
        lock[f"vector_store.{name}"]["id"]
        for tool in wanted
        for name in tool.get("vector_stores", ())
    }
    files = {lock[f"file.{path}"]["id"] for tool in wanted for path in tool.get("files", ())}
    assert set(resources.get("file_search", {}).get("vector_store_ids", ())) == stores, story
    assert set(resources.get("code_interpreter", {}).get("file_ids", ())) == files, story


def foreign(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata or attributes without our own mark, and without what somebody else has added."""
    return {key: value for key, value in metadata.items() if key not in ("provisioner", BY_HAND)}


def path_in(store_file: dict[str, Any]) -> str:
    """The path in our stamp: `workspace/environment/PATH#lineage.serial`."""
    return str(store_file["attributes"]["provisioner"]).split("/", 2)[2].rpartition("#")[0]
