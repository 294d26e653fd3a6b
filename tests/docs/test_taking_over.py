"""What the pages about taking over and moving show is what the commands print: each page is followed from an
empty folder, its files are written and its commands are run, in their order.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provisioner.cli import app
from tests.docs.pages import ROOT, Block, blocks_of, name
from tests.docs.session import fits, steps
from tests.support.injecting import gone
from tests.support.world import World

PAGES = [
    ROOT / "docs/taking-over.md",
    ROOT / "docs/moving.md",
    *sorted((ROOT / "docs/coming-from").glob("*.md")),
]
_DAY = re.compile(r"made \d{4}-\d\d-\d\d")
_LEAVE = "# Leave: everybody has thirty days a year.\n"
_FILE, _STORE = "file-QZkJKiOsl4zzTfNozZv8N2", "vs_58dceda5f63e72ee33f46d34ceb6e466"


def _handbook(world: World) -> dict[str, str]:
    """A store with a document, as a script, Terraform or somebody in the dashboard has made it."""
    file = world.upload("leave.md", _LEAVE.encode())
    store = world.http("POST", "/vector_stores", {"name": "Employee handbook"})["id"]
    world.http("POST", f"/vector_stores/{store}/files", {"file_id": file})
    return {_FILE: file, _STORE: store}


def _staff(world: World) -> dict[str, str]:
    """The same, the document on disk, and an assistant of a service that has them still."""
    world.write({"docs/leave.md": _LEAVE})
    ids = _handbook(world)
    paragraph = "Answer from the handbook, and say where it stands.\n"
    body = {
        "model": "gpt-4o",
        "name": "Support (staff)",
        "instructions": paragraph * 8,
        "temperature": 0.2,
        "tools": [{"type": "file_search"}],
        "tool_resources": {"file_search": {"vector_store_ids": [ids[_STORE]]}},
    }
    world.http("POST", "/assistants", body)
    return ids


# What is at the service before a page begins: the ids in the page, and those that were given.
_THERE: Mapping[str, Callable[[World], dict[str, str]]] = {
    "docs/taking-over.md": _staff,
    "docs/coming-from/agent-builder.md": _handbook,
    "docs/coming-from/dashboard.md": _handbook,
    "docs/coming-from/scripts.md": _handbook,
    "docs/coming-from/terraform.md": _handbook,
}


def _printed(command: str, root: Path) -> str:
    """Both streams in one, as on a terminal."""
    program, *words = command.split()
    if program != "provisioner":
        done = subprocess.run(
            ["sh", "-c", command], cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr
    both = io.StringIO()
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both), contextlib.chdir(root):
        app.run(words)
    return both.getvalue()


def _path(block: Block) -> str | None:
    """The file that a block is: ```` ```yaml specs/leave.yaml ````."""
    found = re.fullmatch(r"\w+ (?P<path>\S*[./]\S*)", block.info)
    return found["path"] if found else None


def test_there_is_something_to_follow() -> None:
    """The pages show commands, spelt as the test looks for them; the table of contents has none."""
    shown = {name(page): [block.info for block in blocks_of(page)] for page in PAGES}
    assert {page for page, infos in shown.items() if "console" in infos} >= _THERE.keys()
    assert len(shown) > 6


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_page_shows_what_is_printed(page: Path, world: World) -> None:
    """One command after another; ids and days are others each time."""
    world.root = world.root / "acme"
    world.root.mkdir()
    there = _THERE.get(name(page))
    ids = there(world) if there else {}
    for block in blocks_of(page):
        if path := _path(block):
            text = block.text
            for shown, real in ids.items():
                text = text.replace(shown, real)
            world.write({path: text})
        elif block.info == "console":
            _replay(block, world.root)
        elif block.info == "console gone":  # the same after the end of the Assistants API
            with world.behind(gone):
                _replay(block, world.root)


def _replay(block: Block, root: Path) -> None:
    day = "made 2026-11-26"
    for step in steps(block.text):
        printed = _printed(step.command, root)
        if os.environ.get("PROVISIONER_SHOW"):
            print(f"$ {step.command}\n{printed}")
        shown = _DAY.sub(day, step.output)
        assert fits(shown, _DAY.sub(day, printed)), f"{block}\n$ {step.command}\n{printed}"
