"""What we write ourselves is not a document: no pattern matches it, whatever it is called and wherever
it lies.
"""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.support.world import World

FILES = {"type": "code_interpreter", "files": ["data/*", "[!d]*/**/*.json", "*.json", "**/.*/**"]}
SPEC: dict[str, Any] = {"assistants": {"a": {"model": "m", "tools": [FILES]}}}
HIDDEN = {
    "own.json": "[]",
    "other/x.json": "{}",
    "docs/.dir/x.md": "x",
    "data/a.json": '{"lineage": 1, "origin": 2}',
}
SETTING = {
    "environments": {
        "local": {"service": "local", "lock": "data/prod.json"},
        "b": {"service": "local"},
    }
}


def matched(world: World) -> list[str]:
    rows = world.plan("-e", "local", "--destroy")["resource_changes"]
    return sorted(row["name"] for row in rows if row["type"] == "file")


def test_no_second_plan_finds_files_of_ours(world: World) -> None:
    """A pattern for everything takes neither the lock nor what lies beside it, nor saved plans and
    reports of any name, nor those of another workspace below this one; the second plan is empty,
    and so is the third.
    """
    world.write({"specs/a.yaml": SPEC, "provisioner.yaml": SETTING, **HIDDEN})
    world.ok("plan", "-e", "local", "--out", "first.json")
    world.apply("-elocal")
    world.ok("plan", "-e", "local", "--out", "data/second.plan")
    world.write({"data/drift.txt": world.ok("drift", "-e", "local", "--json").out})
    world.write({"data/shown.json": world.ok("plan", "-e", "local", "--json").out})
    world.write(
        {"data/prod.json.journal": "", "data/prod.json.lease": "torn", "docs/.git/config": "x"}
    )
    shutil.copytree(world.root / ".provisioner", world.root / "other/.provisioner")
    shutil.copyfile(world.root / "data/prod.json", world.root / "other/lock.json")
    world.write({"data/prod.json.journal": None, "data/prod.json.lease": None})
    world.settled("-elocal")
    assert matched(world) == ["data/a.json", "docs/.dir/x.md", "other/x.json", "own.json"]


@pytest.mark.parametrize(
    ("pattern", "reported"),
    [
        ("data/prod.json", "is a file that `provisioner` writes itself"),
        ("data/*.json", "matches only files that `provisioner` writes itself"),
        ("docs/.git/config", "is inside `.git/`"),
        ("docs/.git/*", "is inside `.git/`"),
        ("sub/.provisioner/x", "is inside `.provisioner/`"),
    ],
)
def test_a_file_of_ours_that_is_named_is_refused(world: World, pattern: str, reported: str) -> None:
    """Whoever names one hears why it cannot be a document."""
    files: list[Any] = ["ok.md", pattern]
    spec = {"vector_stores": {"kb": {"files": files}}}
    world.write(
        {"specs/a.yaml": spec, "provisioner.yaml": SETTING, "ok.md": "x", "docs/.git/config": "x"}
    )
    world.write({"data/prod.json": "{}", "sub/.provisioner/x": "x"})
    assert reported in world.ok("validate", code=1).err


def test_a_journal_is_never_a_document(world: World) -> None:
    """What lies beside a lock is ours by its name alone: a journal may be empty, a lease half
    written.
    """
    names = ["prod.json", "prod.json.journal", "prod.json.lease", "prod.json.reserve"]
    world.write(
        {
            "specs/a.yaml": SPEC,
            "provisioner.yaml": SETTING,
            **HIDDEN,
            **{f"data/{name}": "x" for name in names},
        }
    )
    world.write(
        {"locks/b.lock.json": "x", "locks/b.lock.json.journal": "x", "data/prod.json.md": "x"}
    )
    reported = world.ok("validate", "-e", "local", "--json").json
    assert reported["valid"]
    world.write({f"data/{name}": None for name in names})
    world.write({"locks/b.lock.json": None, "locks/b.lock.json.journal": None})
    world.apply("-elocal")
    assert matched(world) == [
        "data/a.json",
        "data/prod.json.md",
        "docs/.dir/x.md",
        "other/x.json",
        "own.json",
    ]
