"""A store of very many files: one changed byte is one changed file, and no failing request leaves
one too many.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.support.world import World

FULL = os.environ.get("PROVISIONER_FULL")
SIZE = 10_000 if FULL else 300
FAULTS = [
    {"status": 429, "retry_after": 0},
    {"status": 500},
    {"status": 500, "when": "after"},
    {"reset": "after"},
]


@pytest.mark.thorough
@pytest.mark.parametrize("api", ["assistants", "responses"] if FULL else ["responses"])
def test_one_changed_byte(world: World, api: str) -> None:
    """The plan names one file, the apply uploads one, and the store holds as many completed files
    as before.
    """
    environment = {"service": "local", "api": api, "keep_versions": 1}
    search = [{"type": "file_search", "vector_stores": ["kb"]}]
    spec = {
        "vector_stores": {"kb": {"files": ["docs/**/*.md"]}},
        "assistants": {"a": {"model": "gpt-4o", "tools": search}},
    }
    world.write(
        {
            "provisioner.yaml": {"workspace": "w", "environments": {"local": environment}},
            "specs/a.yaml": spec,
        }
    )
    world.write(
        {
            f"docs/{number % 100:02}/{number:05}.md": f"# Document {number}\n"
            for number in range(SIZE)
        }
    )
    timed(world, "apply", "-y")
    timed(world, "plan", "--detailed-exitcode")
    world.write({"docs/42/00142.md": "# Document 143\n"})
    assert world.changes() == {"file.docs/42/00142.md": "create/delete"}
    world.calls.clear()
    timed(world, "apply", "-y")
    written = [call for call in world.calls if call[0] != "GET"]
    assert [path.split("/")[1] for method, path in written if method == "POST"] == [
        "files",
        "vector_stores",
    ]
    assert len(written) == 4  # upload, attach, detach, delete
    timed(world, "plan", "--detailed-exitcode")
    counts = world.http("GET", "/vector_stores/${vector_store.kb}")["file_counts"]
    assert (counts["completed"], counts["total"]) == (SIZE, SIZE)
    assert len(world.http("GET", "/files?limit=10000")["data"]) == SIZE


@pytest.mark.thorough
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("seed", [1, 2] if FULL else [1])
def test_a_service_that_fails_now_and_then(world: World, seed: int) -> None:
    """Exactly the declared files are at the service and in the store, though some requests of every
    kind fail.
    """
    world.write({"specs/a.yaml": {"vector_stores": {"kb": {"files": ["docs/**/*.md"]}}}})
    world.write(
        {
            f"docs/{number % 100:02}/{number:05}.md": f"# Document {number}\n"
            for number in range(SIZE)
        }
    )
    share = 0.02 if FULL else 0.08
    rules = [{"match": {"probability": share / len(FAULTS)}, "action": action} for action in FAULTS]
    with world.failing(*rules, seed=seed):
        reported = world.ok("apply", "-y").err
    assert "to send POST /files again" in reported and "found and taken over" in reported
    world.settled()
    counts = world.http("GET", "/vector_stores/${vector_store.kb}")["file_counts"]
    assert (counts["completed"], counts["total"]) == (SIZE, SIZE)
    assert len(world.http("GET", "/files?limit=10000")["data"]) == SIZE


def timed(world: World, *words: str) -> None:
    started = time.perf_counter()
    world.ok(*words)
    print(f"{words[0]}: {time.perf_counter() - started:.2f} s, {len(world.calls)} requests so far")
