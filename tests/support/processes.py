"""Commands in processes of their own, and when they meet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from provisioner.lock.store import LockStore
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
Process = subprocess.Popen[str]


def start(world: World, *words: str, before: Callable[[], object] | None = None) -> Process:
    """Start a command in a workspace; `before` is called in its process first."""
    return subprocess.Popen(
        [sys.executable, "-m", "provisioner", "-C", str(world.root), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=before,
    )


def said(process: Process, words: str) -> None:
    """Until the process has said so on stderr."""
    assert process.stderr
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it never said `{words}`")


def met(store: LockStore, begin: Callable[[], list[Process]]) -> list[Process]:
    """Processes that want the same lease, let loose when all of them wait for it."""
    with store.lease():
        running = begin()
        for process in running:
            said(process, "Waiting up to")
    return running
