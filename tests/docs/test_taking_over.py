"""What the page about taking over shows is what the commands print."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from provisioner.cli import app
from tests.docs.pages import blocks
from tests.docs.session import fits, steps
from tests.support.world import World

_PAGE = "docs/taking-over.md"
_DAY = re.compile(r"made \d{4}-\d\d-\d\d")


def _filled(world: World) -> None:
    """What a script has made, and the same document on disk."""
    text = "# Leave\n\nEverybody has thirty days a year.\n"
    world.write({"docs/leave.md": text})
    file = world.upload("leave.md", text.encode())
    store = world.http("POST", "/vector_stores", {"name": "Employee handbook"})["id"]
    world.http("POST", f"/vector_stores/{store}/files", {"file_id": file})
    paragraph = "Answer from the handbook, and say where it stands.\n"
    body = {
        "model": "gpt-4o",
        "name": "Support (staff)",
        "instructions": paragraph * 8,
        "temperature": 0.2,
        "tools": [{"type": "file_search"}],
        "tool_resources": {"file_search": {"vector_store_ids": [store]}},
    }
    world.http("POST", "/assistants", body)


def _printed(command: str, root: Path) -> str:
    """Both streams in one, as on a terminal."""
    name, *words = command.split()
    if name == "cat":
        return (root / words[0]).read_text(encoding="utf-8")
    both = io.StringIO()
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both), contextlib.chdir(root):
        app.run(words)
    return both.getvalue()


def test_the_page_shows_what_is_printed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command after another; ids and days are others each time."""
    root = world.root / "acme"
    root.mkdir()
    world.root = root
    _filled(world)
    shown = [
        step for block in blocks("console") if block.page == _PAGE for step in steps(block.text)
    ]
    assert len(shown) == 3
    for step in shown:
        printed = _printed(step.command, root)
        if os.environ.get("PROVISIONER_SHOW"):
            print(f"$ {step.command}\n{printed}")
        day = "made 2026-11-26"
        assert fits(_DAY.sub(day, step.output), _DAY.sub(day, printed)), printed
