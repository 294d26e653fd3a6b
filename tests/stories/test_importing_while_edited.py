"""Somebody edits while an import works, at any moment: what they did stays, and nothing else is
planned.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.stories.test_importing import assistant, store_of
from tests.support.injecting import Meanwhile
from tests.support.world import World

_OURS = ("provisioner", "sha256")
Edit = tuple[Any, ...]


def _without_marks(pairs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pairs.items() if key not in _OURS}


def _state(world: World) -> dict[str, Any]:
    """What there is at the service, our marks apart."""
    found: dict[str, Any] = {}
    for one in (*world.listed("/assistants"), *world.listed("/vector_stores")):
        kept = ("name", "model", "temperature")
        found[one["id"]] = [*(one.get(key) for key in kept), _without_marks(one["metadata"])]
        if one["object"] == "vector_store":
            for file in world.listed(f"/vector_stores/{one['id']}/files"):
                found[one["id"] + file["id"]] = _without_marks(file["attributes"])
    return found


def _filled(world: World) -> dict[str, Edit]:
    """An account, and what somebody may do to it."""
    texts = {f"doc{at}.md": f"# Page {at}\n" for at in range(3)}
    files = [world.upload(name, text.encode()) for name, text in texts.items()]
    extra = world.upload("extra.md", b"# Extra\n")
    store = store_of(world, "Handbook", *files)
    bot = assistant(world, "One", temperature=0.5)
    other = assistant(world, "Two")
    world.write({f"docs/{name}": text for name, text in texts.items()})
    held = f"/vector_stores/{store}/files"
    return {
        "assistant": ("POST", f"/assistants/{bot}", {"temperature": 0.9}),
        "assistant gone": ("DELETE", f"/assistants/{other}"),
        "member added": ("POST", held, {"file_id": extra}),
        "member removed": ("DELETE", f"{held}/{files[0]}"),
        "file gone": ("DELETE", f"/files/{files[1]}"),
        "attributes": ("POST", f"{held}/{files[2]}", {"attributes": {"team": "hr"}}),
        "store": ("POST", f"/vector_stores/{store}", {"name": "Manual"}),
        "store gone": ("DELETE", f"/vector_stores/{store}"),
    }


class _Somebody(Meanwhile):
    """Who does one thing before the request of this number."""

    def __init__(self, world: World, edit: Edit, at: int) -> None:
        super().__init__(before=self._look)
        self.world, self.edit, self.at, self.seen = world, edit, at, 0
        self.state: dict[str, Any] = {}

    def _look(self, method: str, path: str) -> None:
        self.seen += 1
        # Attributes are written whole, right after they were read, and no service compares them.
        unseen = (method, path) == self.edit[:2] and path.count("/") > 3
        if self.seen == self.at and not unseen:
            thread = Thread(target=self._act)
            thread.start()
            thread.join()

    def _act(self) -> None:
        self.world.http(*self.edit)
        self.state = _state(self.world)


@pytest.mark.parametrize("each", [83, pytest.param(1, marks=pytest.mark.thorough)])
def test_at_any_moment(world: World, tmp_path: Path, each: int) -> None:
    """`each`: how many requests lie between two moments that are tried."""
    edits = _filled(world)
    words = ("import", "--all", "-y", "--files", str(world.root / "docs"))
    saved = tmp_path.parent / f"{tmp_path.name}-saved"
    shutil.copytree(world.root, saved)
    for number, (what, edit) in enumerate(edits.items()):
        at, reached = 1 + number % each, True
        while reached:
            shutil.rmtree(world.root)
            shutil.copytree(saved, world.root)
            somebody = _Somebody(world, edit, at)
            with world.behind(somebody):
                result = world.run(*words)
            reached = somebody.seen >= at
            story = f"{what} before request {at}: {result.code}\n{result.out}{result.err}"
            if somebody.state:
                assert _state(world) == somebody.state, story
            if reached and result.code:
                assert "error:" in result.err or "has edited it meanwhile" in result.err, story
            again = world.run(*words)
            told = what.endswith("gone") and "take this entry out" in again.err
            assert told or again.code == world.run("plan").code == 0, f"{story}\n{again.err}"
            at += each
