"""A workspace with every field declared and applied, and what `drift` says of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provisioner.schemas import drift_schema
from tests.support.world import World

CLEAN = "No drift. The service is as it was last applied.\n"
AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
SMALL = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}
FORMAT = {"type": "json_schema", "name": "ticket", "strict": False, "schema": {"type": "object"}}
FIND = {
    "type": "function",
    "name": "find",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}

SPEC: dict[str, Any] = {
    "vector_stores": {
        "kb": {
            "name": "Handbook",
            "description": "Rules",
            "metadata": {"team": "hr", "odd key": "x"},
            "expires_after": {"anchor": "last_active_at", "days": 30},
            "chunking": AUTO,
            "files": [
                "docs/*.md",
                {"path": "docs/a.md", "attributes": {"team": "hr", "year": 2026}},
            ],
        },
    },
    "assistants": {
        "support": {
            "name": "Support",
            "description": "Answers",
            "model": "gpt-4o",
            "instructions": "Be kind.\nBe brief.\n",
            "tools": [{"type": "file_search", "vector_stores": ["kb"]}, FIND],
            "temperature": 0.3,
            "top_p": 0.9,
            "reasoning_effort": "low",
            "response_format": FORMAT,
            "metadata": {"team": "hr", "odd key": "x"},
        }
    },
    "files": {
        "sales": {
            "path": "data/sales.csv",
            "expires_after": {"anchor": "created_at", "seconds": 604800},
        },
        "form": {"path": "data/form.pdf", "purpose": "user_data"},
    },
}
FILES = {
    "docs/a.md": "Leave is 27 days.\n",
    "docs/b.md": "Be nice.\n",
    "data/sales.csv": "a,b\n",
    "data/form.pdf": "%",
}

Row = tuple[str, str, Any, Any, Any, str | None]  # address, path, locked, live, desired, word


def rows(document: dict[str, Any]) -> list[Row]:
    """Every drifted field; an object without fields has the path `` and its reason as live."""
    found: list[Row] = []
    for item in document["resource_drift"]:
        if not item["changed_fields"]:
            found.append((item["address"], "", None, item["reason"], None, item["drift"]))
        found += [
            (item["address"], one["path"], one["locked"], one["live"], one["desired"], one["drift"])
            for one in item["changed_fields"]
        ]
    return found


def drift(world: World, *words: str, code: int = 2) -> dict[str, Any]:
    """The drift document, which is what its schema says."""
    document: dict[str, Any] = world.ok("drift", "--json", *words, code=code).json
    jsonschema.validate(document, drift_schema())
    return document


def clean(world: World, *words: str) -> None:
    assert world.ok("drift", *words).out.endswith(CLEAN)


def sql(world: World, statement: str, address: str) -> None:
    """What no request can do, but a service could."""
    with world.database() as database:
        database.execute(statement, [world.id(address)])


def applied_once(found: World) -> Path:
    """Apply a workspace outside of any test, for tests to copy; returns its folder."""
    import provisioner.local

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provisioner.local, "create_app", found.app)
        patch.delenv("PROVISIONER_ENV", raising=False)
        found.apply()
    return found.root


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with every field declared, applied once."""
    found = World(tmp_path_factory.mktemp("applied"))
    found.write({"provisioner.yaml": {"workspace": "acme"}, "specs/all.yaml": SPEC, **FILES})
    return applied_once(found)


@pytest.fixture
def there(world: World, applied: Path) -> World:
    """A copy of that workspace, service and all."""
    shutil.copytree(applied, world.root, dirs_exist_ok=True)
    return world
