"""Real processes: two at once, interrupted once and twice, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine import open_context
from provisioner.lock.file_store import FileStore
from tests.e2e.serving import point_at, served
from tests.lock.repositories import clone, remote
from tests.support.processes import Process, met, said, start
from tests.support.world import World

DOCUMENTS = 60
ROUNDS = 50 if os.environ.get("CRASH_POINTS") == "all" else 2
SLOW = 20.0  # seconds; half of what a hanging request takes
INTERRUPTS = [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]


@pytest.fixture
def many(world: World) -> World:
    world.write(
        {
            "specs/all.yaml": {
                "vector_stores": {"kb": {"files": ["docs/*.md"]}},
                "assistants": {"a": {"model": "m"}},
            }
        }
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


def wait_until(holds: Callable[[], bool]) -> None:
    """Until something holds, or fail."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "the apply did not get there"
        time.sleep(0.005)


def journalled(world: World) -> str:
    """What the apply under way has written into its journal."""
    with contextlib.suppress(FileNotFoundError):
        return journal_of(world).read_text()
    return ""


def wait_until_busy(world: World, lines: int) -> None:
    """Until the apply under way has written some lines into its journal."""
    wait_until(lambda: journalled(world).count("\n") >= lines)


def test_two_at_once(many: World) -> None:
    """One waits for the other; without a timeout it is refused, and reported who has the lock."""
    first = start(many, "apply", "-y")
    wait_until_busy(many, 3)
    first.send_signal(signal.SIGSTOP)  # until the others have met it
    refused = many.ok("apply", "-y", code=1)
    assert "force-unlock" in refused.err and str(first.pid) in refused.err
    second = start(many, "apply", "-y", "--lock-timeout", "60")
    said(second, "Waiting up to")
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=60)
    out, _ = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "No changes." in out
    complete(many)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(2, marks=pytest.mark.thorough),
        40,
        pytest.param(110, marks=pytest.mark.thorough),
    ],
)
def test_killed(many: World, lines: int) -> None:
    """After `kill -9` the next apply needs no help and makes nothing twice."""
    victim = start(many, "apply", "-y")
    wait_until_busy(many, lines)
    victim.kill()
    victim.communicate(timeout=30)
    assert victim.returncode == -signal.SIGKILL and journalled(many).count("\n") >= lines
    many.ok("apply", "-y")
    complete(many)


@pytest.mark.parametrize("number", INTERRUPTS)
def test_interrupted(many: World, number: signal.Signals) -> None:
    """What is in flight is finished and recorded, the exit code is 130, and the next apply goes on
    from there.
    """
    victim = start(many, "apply", "-y")
    # Of what is only announced, nothing is begun any more.
    wait_until(lambda: journalled(many).count('"entry"') > 2)
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


@contextlib.contextmanager
def slow(world: World, **match: Any) -> Iterator[None]:
    """The world's service over HTTP, where requests that match hang. One has to; the lock stays
    where it was.
    """
    with (
        world.failing({"match": match, "action": {"latency": 2 * SLOW}}),
        served(world.app()) as url,
    ):
        point_at(world, url)
        yield


def ended(process: Process, number: signal.Signals) -> tuple[int, float]:
    """The exit code after a signal, and the seconds until then."""
    began = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=30)
    return process.returncode, time.monotonic() - began


@pytest.mark.parametrize("number", INTERRUPTS)
def test_interrupted_twice(
    world: World, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second interrupt stops at once, while a request still hangs; the next apply makes nothing
    twice.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m"}, "b": {"model": "m"}}}})
    with slow(world, method="POST", path="/v1/assistants$", times=1):
        victim = start(world, "apply", "-y")
        wait_until(
            lambda: '"assistant.b"' in journalled(world) and ("POST", "/assistants") in world.calls
        )
        victim.send_signal(number)
        said(victim, "another interrupt stops at once")
        code, seconds = ended(victim, number)
        assert code == 130 and seconds < SLOW
        world.apply()
    assert sorted(item["name"] for item in world.listed("/assistants")) == ["a", "b"]


@pytest.mark.parametrize("number", INTERRUPTS)
def test_interrupted_before_anything(
    many: World, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it waits for the lock, and while it plans: it ends at once, and gives its lease
    back.
    """
    lock = FileStore(journal_of(many).with_suffix(""))
    with lock.lease():
        waiting = start(many, "apply", "-y", "--lock-timeout", "60")
        said(waiting, "Waiting up to")
        code, seconds = ended(waiting, number)
    assert code == 130 and seconds < SLOW
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    with slow(many, path="/v1/files"):
        planning = start(many, "apply", "-y")
        wait_until(lambda: ("GET", "/files") in many.calls)
        assert lock.holder() is not None
        code, seconds = ended(planning, number)
    assert code == 130 and seconds < SLOW
    assert lock.holder() is None and not many.listed("/files")


@pytest.fixture(
    params=[
        pytest.param(where, marks=pytest.mark.thorough) for where in ("one machine", "two clones")
    ]
)
def pair(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[World, World]:
    """One workspace twice, or two clones with their lock on a branch, before one service."""
    if request.param == "one machine":
        return world, world
    remote(tmp_path)
    lock = {"git": {"path": "local.lock.json"}}
    worlds = [World(clone(tmp_path / "remote.git", tmp_path / name)) for name in ("mine", "yours")]
    for one in worlds:
        one.write(
            {
                "provisioner.yaml": {
                    "workspace": "w",
                    "environments": {"local": {"service": "local", "lock": lock}},
                }
            }
        )
        (one.root / ".provisioner").mkdir()
    (worlds[0].root / ".provisioner/local").mkdir()
    (worlds[1].root / ".provisioner/local").symlink_to(worlds[0].root / ".provisioner/local")
    return worlds[0], worlds[1]


def test_race(pair: tuple[World, World]) -> None:
    """Two at once, again and again: each change is made by exactly one of them, and nothing is
    lost.
    """
    for number in range(ROUNDS):
        for world in pair:
            edit(world, number)
        store = open_context(pair[0].root).store
        running = met(
            store, lambda: [start(world, "apply", "-y", "--lock-timeout", "60") for world in pair]
        )
        reported = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0, 0], reported
        assert sorted("No changes." in out for out, _ in reported) == [False, True], reported
        assert len(pair[0].listed("/assistants")) == number + 1
        assert len(pair[0].listed("/files")) == number + 2
        assert len(pair[0].listed("/vector_stores")) == 1
    for world in pair:
        world.settled()


def edit(world: World, number: int) -> None:
    """One more assistant and document, a new version of another one."""
    names = {f"a{other}": {"model": "gpt-4o"} for other in range(number + 1)}
    world.write(
        {"specs/all.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}, "assistants": names}}
    )
    world.write(
        {f"docs/{number}.md": f"Document {number}.\n", "docs/same.md": f"Version {number}.\n"}
    )
