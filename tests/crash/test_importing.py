"""An import that ends at any instant: the same command again, and it is as if nothing had been."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.crash.instants import Crash, dying, hooked, points
from tests.support.world import World

_WORDS = ("import", "--all", "-y", "--files")


def _outcome(world: World) -> tuple[dict[str, bytes], dict[str, Any]]:
    files = {
        path.relative_to(world.root).as_posix(): path.read_bytes()
        for path in sorted(world.root.rglob("*"))
        if path.is_file() and ".provisioner" not in path.parts
    }
    return files, world.lock()["resources"]


@pytest.mark.thorough
def test_killed_and_run_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same files, the same lock, no second copy of anything."""
    texts = {f"doc{at}.md": f"# Page {at}\n" for at in range(3)}
    store = world.http("POST", "/vector_stores", {"name": "Handbook"})["id"]
    for name, text in texts.items():
        file = world.upload(name, text.encode())
        world.http("POST", f"/vector_stores/{store}/files", {"file_id": file})
    for name in ("One", "Two"):
        body = {"model": "gpt-4o", "name": name, "instructions": f"{name} " * 200}
        world.http("POST", "/assistants", body)
    world.write({f"docs/{name}": text for name, text in texts.items()})
    words = (*_WORDS, str(world.root / "docs"))
    saved = tmp_path.parent / f"{tmp_path.name}-saved"
    shutil.copytree(world.root, saved)
    crash = Crash()
    with hooked(crash, monkeypatch), world.behind(crash):
        world.ok(*words)
    wanted = _outcome(world)
    for at in points(crash.seen, share=12, first=4):
        shutil.rmtree(world.root)
        shutil.copytree(saved, world.root)
        crash = Crash(at)
        with hooked(crash, monkeypatch), world.behind(crash), dying():
            world.run(*words)
        world.ok(*words)
        assert _outcome(world) == wanted, f"instant {at} of {crash.seen}"
        world.settled()
    assert not any(path == "/files" for method, path in world.calls if method == "POST")
