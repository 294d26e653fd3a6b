"""A workspace in which one apply sends every kind of write to objects that are there already."""

from __future__ import annotations

from typing import Any

from tests.support.world import World

_SMALL = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
_LARGE = {"max_chunk_size_tokens": 600, "chunk_overlap_tokens": 50}
DOCUMENTS = {
    f"docs/{name}.md": f"# {name.upper()}\n"
    for name in ("added", "changed", "removed", "cut", "own", "moved")
}


def first(unmanaged: str) -> dict[str, Any]:
    """What is applied first. `unmanaged` is the id of a file that is not managed here."""
    return {
        "vector_stores": {
            "kb": {
                "name": "one",
                "metadata": {"team": "hr", "old": "1"},
                "expires_after": {"anchor": "last_active_at", "days": 30},
                "files": [
                    "docs/added.md",
                    {"path": "docs/changed.md", "attributes": {"team": "legal"}},
                    {"path": "docs/removed.md", "attributes": {"team": "legal", "year": 1}},
                    {"path": "docs/moved.md", "attributes": {"team": "legal"}},
                ],
            },
            "chunked": {
                "chunking": _SMALL,
                "files": [
                    "docs/cut.md",
                    {"path": "docs/own.md", "chunking": _LARGE},
                    {"id": unmanaged},
                ],
            },
            "former": {"metadata": {"team": "hr"}},
        },
        "assistants": {
            "edited": {
                "name": "One",
                "model": "gpt-4o",
                "instructions": "First.",
                "description": "gone soon",
                "metadata": {"team": "hr", "old": "1"},
                "tools": [{"type": "file_search", "vector_stores": ["kb"]}],
            },
            "former": {
                "model": "gpt-4o",
                "tools": [{"type": "file_search", "vector_stores": ["former"]}],
            },
            "guarded": {"model": "gpt-4o"},
            "lifted": {"model": "gpt-4o", "lifecycle": {"protect": True}},
        },
    }


def second(unmanaged: str) -> dict[str, Any]:
    """The edits under test."""
    return {
        "vector_stores": {
            "kb": {
                "name": "two",
                "metadata": {"team": "it", "new": "2"},
                "expires_after": {"anchor": "last_active_at", "days": 60},
                "files": [
                    {"path": "docs/added.md", "attributes": {"team": "it"}},
                    {"path": "docs/changed.md", "attributes": {"team": "it"}},
                    "docs/removed.md",
                    "deep/moved.md",
                ],
            },
            "chunked": {
                "chunking": _LARGE,
                "files": [
                    "docs/cut.md",
                    {"path": "docs/own.md", "chunking": _SMALL},
                    {"id": unmanaged},
                ],
            },
            "latter": {"metadata": {"team": "it"}},
        },
        "assistants": {
            "edited": {
                "name": "Two",
                "model": "gpt-4o-mini",
                "instructions": "Second.",
                "temperature": 0.5,
                "metadata": {"team": "it", "new": "2"},
                "tools": [{"type": "file_search", "vector_stores": ["kb"], "max_num_results": 4}],
            },
            "latter": {
                "model": "gpt-4o",
                "tools": [
                    {"type": "file_search", "vector_stores": ["latter"], "max_num_results": 4}
                ],
            },
            "guarded": {"model": "gpt-4o", "description": "now", "lifecycle": {"protect": True}},
            "lifted": {"model": "gpt-4o", "description": "now", "lifecycle": {"protect": False}},
        },
        "moved": [
            {"from": "vector_store.former", "to": "vector_store.latter"},
            {"from": "assistant.former", "to": "assistant.latter"},
        ],
    }


def edited(world: World) -> str:
    """Make `world` such a workspace, applied and then edited. Returns the id of the
    unmanaged file.
    """
    world.write(
        {
            "provisioner.yaml": {"workspace": "w", "environments": {"local": {"service": "local"}}},
            **DOCUMENTS,
        }
    )
    unmanaged = world.upload("theirs.md", b"# T\n")
    world.write({"specs/all.yaml": first(unmanaged)})
    world.apply()
    world.write(
        {
            "specs/all.yaml": second(unmanaged),
            "docs/moved.md": None,
            "deep/moved.md": DOCUMENTS["docs/moved.md"],
        }
    )
    return unmanaged


def taken_back(world: World, unmanaged: str) -> None:
    """The author's edits undone, but for the new names of what was moved."""
    specs, renamed = first(unmanaged), second(unmanaged)["moved"]
    for section, name in (("vector_stores", "latter"), ("assistants", "latter")):
        specs[section][name] = specs[section].pop("former")
    specs["assistants"]["latter"]["tools"][0]["vector_stores"] = ["latter"]
    files = {"deep/moved.md": None, "docs/moved.md": DOCUMENTS["docs/moved.md"]}
    world.write({"specs/all.yaml": {**specs, "moved": renamed}, **files})
