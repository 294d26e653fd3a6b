"""Stores that kept request profiles name keep their files, whatever becomes of their address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World

LOCAL = {"workspace": "w", "environments": {"local": {"service": "local", "api": "responses"}}}
FILES = {"a.md": "# A\n", "b.md": "# B\n", "c.md": "# C\n"}


def spec(files: list[str] | None, *, used: bool, **store: Any) -> dict[str, Any]:
    tools = [{"type": "file_search", "vector_stores": ["kb"]}] if used else []
    stores = {"vector_stores": {"kb": {"files": files, **store}}} if files else {}
    return {"specs/a.yaml": {"assistants": {"a": {"model": "gpt-4o", "tools": tools}}, **stores}}


@pytest.mark.parametrize("again", [["a.md"], ["c.md"], ["a.md", "b.md"]])
def test_an_address_used_again(world: World, again: list[str]) -> None:
    """A new store at the address of one that a profile still names takes nothing from it."""
    world.write({"provisioner.yaml": LOCAL, **FILES, **spec(["a.md", "b.md"], used=True)})
    world.apply()
    old = world.id("vector_store.kb")
    world.write(spec(None, used=False))
    world.ok("apply", "-y", "--force")
    world.settled()
    world.write(spec(again, used=False))
    world.apply()
    assert len(world.listed(f"/vector_stores/{old}/files")) == 2


def test_a_replaced_store(world: World) -> None:
    """The old store of a replacement keeps the version of a document that it holds."""
    world.write({"provisioner.yaml": LOCAL, **FILES, **spec(["a.md", "b.md"], used=True)})
    world.apply()
    old = world.id("vector_store.kb")
    world.write(spec(["a.md", "b.md"], used=True, description="other"))
    world.apply()
    world.write({"b.md": "# B, second\n"})
    world.apply()
    assert len(world.listed(f"/vector_stores/{old}/files")) == 2
