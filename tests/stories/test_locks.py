"""A lock that is lost, behind, foreign or broken: refused before the first write, each with its way
out.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.lock.repositories import clone, git, remote
from tests.support.world import World

SPECS: dict[str, Any] = {
    "provisioner.yaml": {"workspace": "w", "environments": {"local": {"service": "local"}}},
    "specs/all.yaml": {
        "vector_stores": {"kb": {"files": [{"path": "docs/*.md", "attributes": {"team": "hr"}}]}},
        "assistants": {
            "a": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]},
            "b": {
                "model": "gpt-4o",
                "tools": [{"type": "code_interpreter", "files": ["data/x.csv"]}],
            },
        },
    },
    "docs/a.md": "# A\n",
    "docs/b.md": "# B\n",
    "data/x.csv": "a\n1\n",
}
LOCK = ".provisioner/local/lock.json"


def refused(world: World, *said: str) -> None:
    """Neither plan nor apply goes on, and nothing is written."""
    world.calls.clear()
    for words in (("plan",), ("apply", "-y")):
        result = world.ok(*words, code=1)
        assert all(text in result.err for text in said), result.err
    assert {method for method, _ in world.calls} <= {"GET"}


def test_a_lost_lock_is_rebuilt_from_stamps(world: World) -> None:
    """What stamps prove is restored; a file in no store is uploaded again, and nothing else is made
    twice.
    """
    world.write(SPECS)
    world.apply()
    before = world.lock()
    (world.root / LOCK).unlink()
    refused(world, "Lock is gone", "state rebuild")
    reported = world.ok("state", "rebuild").out
    assert "file.data/x.csv" in reported
    after = world.lock()
    assert after["lineage"][:8] == before["lineage"][:8] and after["serial"] == before["serial"]
    assert {address: entry["id"] for address, entry in after["resources"].items()} == {
        address: entry["id"]
        for address, entry in before["resources"].items()
        if address != "file.data/x.csv"
    }
    assert set(world.changes()) == {"file.data/x.csv", "assistant.b"}
    world.apply()
    assert len(world.listed("/assistants")) == 2 and len(world.listed("/vector_stores")) == 1


def test_a_checkout_that_is_behind(world: World) -> None:
    """Somebody else has applied since: the stamps say so, whatever was changed."""
    world.write(SPECS)
    world.apply()
    old = (world.root / LOCK).read_text()
    world.write({"docs/a.md": "# A, edited\n"})
    world.apply()
    world.write({LOCK: old})
    refused(world, "Lock is behind", "git pull")
    world.ok("state", "rebuild")
    world.apply()
    assert len(world.listed("/files")) == 3


def test_foreign_and_broken_locks(world: World) -> None:
    """A lock of another workspace or service, one with conflict markers, a newer one."""
    world.write(SPECS)
    world.apply()
    lock = world.lock()
    for change, said in (
        ({"workspace": "other"}, "belongs to the workspace `other`"),
        ({"environment": "prod"}, "belongs to the environment `prod`"),
        (
            {"origin": {**lock["origin"], "base_url": "https://x.example/v1"}},
            "https://x.example/v1",
        ),
        ({"version": 99}, "Newer lockfile"),
    ):
        world.write({LOCK: json.dumps({**lock, **change})})
        refused(world, said)
    world.write({LOCK: "<<<<<<< HEAD\n" + json.dumps(lock) + "\n=======\n{}\n>>>>>>> other\n"})
    refused(world, "conflict")


def test_a_resource_changes_its_address_in_the_lock(world: World) -> None:
    """`state mv` keeps the object; `state rm` leaves it without our stamp."""
    world.write(SPECS)
    world.apply()
    id = world.id("assistant.a")
    world.ok("state", "mv", "assistant.a", "assistant.c")
    world.write(
        {
            "specs/all.yaml": json.loads(
                json.dumps(SPECS["specs/all.yaml"]).replace('"a": {"model"', '"c": {"model"')
            )
        }
    )
    world.ok("apply", "-y")
    world.settled()
    assert world.id("assistant.c") == id
    world.ok("state", "rm", "assistant.c")
    assert "provisioner" not in world.http("GET", f"/assistants/{id}")["metadata"]
    assert world.changes() == {"assistant.c": "create"}


def test_two_environments_in_one_service(world: World) -> None:
    """The same bytes under the same names: neither environment adopts or deletes what is the
    other's.
    """
    local = {"service": "local"}
    world.write(SPECS)
    world.write(
        {
            "provisioner.yaml": {
                "workspace": "w",
                "environments": {
                    "staging": {**local, "lock": "locks/staging.lock.json"},
                    "prod": {**local, "lock": "locks/prod.lock.json"},
                },
            }
        }
    )
    for name in ("staging", "prod"):
        world.ok("apply", "-y", "-e", name)
    assert len(world.listed("/files")) == 6
    world.write({"docs/a.md": "# A, edited\n"})
    world.ok("apply", "-y", "-e", "staging")
    world.ok("plan", "-e", "staging", "--detailed-exitcode")
    world.ok("plan", "-e", "prod", "--detailed-exitcode", code=2)
    world.ok("destroy", "-y", "-e", "staging")
    prod = world.lock("locks/prod.lock.json")["resources"]
    assert {item["id"] for item in world.listed("/files")} == {
        entry["id"] for address, entry in prod.items() if address.startswith("file.")
    }
    shutil.rmtree(world.root / "locks")


def test_a_clone_that_is_behind(world: World, tmp_path: Path) -> None:
    """Two clones with a committed lock: the one that has not pulled is refused and writes nothing;
    once it has, it goes on.
    """
    service = {"local": {"service": "local", "lock": "locks/local.lock.json"}}
    world.root = clone(remote(tmp_path), tmp_path / "mine")
    world.write(
        {
            **SPECS,
            "provisioner.yaml": {"workspace": "w", "environments": service},
            ".gitignore": ".provisioner\n",
        }
    )
    world.apply()
    published(world.root)
    yours = World(clone(tmp_path / "remote.git", tmp_path / "yours"))
    (yours.root / ".provisioner").symlink_to(world.root / ".provisioner")
    yours.settled()
    world.write({"docs/a.md": "# A, edited\n"})
    world.apply()
    published(world.root)
    yours.write({"docs/b.md": "# B, edited\n"})
    world.calls.clear()
    for words in (("plan",), ("apply", "-y")):
        assert (
            "Lock is behind" in (refusal := yours.ok(*words, code=1)).err
            and "git pull" in refusal.err
        )
    assert {method for method, _ in world.calls} == {"GET"}
    git(yours.root, "pull", "-q", "--no-rebase")
    assert yours.changes() == {"file.docs/b.md": "create/delete"}
    yours.apply()
    assert len(world.listed("/files")) == 3


def published(root: Path) -> None:
    """Commit everything, the lock included, and push it."""
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "applied")
    git(root, "push", "-q", "origin", "main")
