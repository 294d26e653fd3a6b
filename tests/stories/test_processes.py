"""Real processes: two at once, interrupted, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 60


def start(world: World, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "provisioner", "-C", str(world.root), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def many(world: World) -> World:
    world.write(
        {"specs/all.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}, "assistants": {"a": {"model": "m"}}}}
    )
    world.write({f"docs/{number}.md": f"Document {number}.\n" for number in range(DOCUMENTS)})
    return world


def complete(world: World) -> None:
    """Exactly what was declared, and nothing else."""
    world.settled()
    assert len(world.listed("/files")) == DOCUMENTS
    assert len(world.listed("/assistants")) == len(world.listed("/vector_stores")) == 1
    held = world.listed(f"/vector_stores/{world.id('vector_store.kb')}/files")
    assert [item["status"] for item in held] == ["completed"] * DOCUMENTS


def journal_of(world: World) -> Path:
    return world.root / ".provisioner/local/lock.json.journal"


def wait_until_busy(world: World, lines: int) -> None:
    """Until the apply under way has written some lines into its journal."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if journal_of(world).exists() and journal_of(world).read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.005)
    raise AssertionError("the apply did not begin")


def test_two_at_once(many: World) -> None:
    """One waits for the other; without a timeout it is refused, and told who has the lock."""
    first = start(many, "apply", "-y")
    wait_until_busy(many, 3)
    refused = many.ok("apply", "-y", code=1)
    assert "force-unlock" in refused.err and str(first.pid) in refused.err
    second = start(many, "apply", "-y", "--lock-timeout", "60")
    first.communicate(timeout=60)
    out, _ = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "No changes." in out
    complete(many)


@pytest.mark.parametrize("lines", [2, 40, 110])
def test_killed(many: World, lines: int) -> None:
    """After `kill -9` the next apply needs no help and makes nothing twice."""
    victim = start(many, "apply", "-y")
    wait_until_busy(many, lines)
    victim.kill()
    victim.communicate(timeout=30)
    many.ok("apply", "-y")
    complete(many)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(many: World, number: signal.Signals) -> None:
    """What is in flight is finished and recorded, the exit code is 130, and the next apply goes on from there."""
    victim = start(many, "apply", "-y")
    wait_until_busy(many, 10)
    victim.send_signal(number)
    out, _ = victim.communicate(timeout=30)
    assert victim.returncode == 130
    assert "Interrupted." in out
    assert not journal_of(many).exists()
    recorded = sum(address.startswith("file.") for address in many.lock()["resources"])
    assert 0 < recorded < DOCUMENTS
    assert len(many.listed("/files")) == recorded
    many.ok("apply", "-y")
    complete(many)
