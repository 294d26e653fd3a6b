"""Saved plans: applied exactly, or refused with the name of what has moved."""

from __future__ import annotations

import json
from typing import Any

from provisioner.planfile.writing import digest
from tests.support.world import World


def specs(*edited: str) -> dict[str, Any]:
    return {
        "assistants": {
            name: {"model": "gpt-4o-mini" if name in edited else "gpt-4o"}
            for name in ("a", "b", "c", "d", "e")
        }
    }


def test_plans_over_different_resources_are_applied_one_after_the_other(world: World) -> None:
    """A serial alone makes no plan stale; a resource that has moved does, and it is named."""
    world.write({"specs/all.yaml": specs()})
    world.ok("apply", "-y")
    for name in "abcde":
        world.write({"specs/all.yaml": specs(name)})
        world.ok("plan", "--out", f"{name}.plan", "--target", f"assistant.{name}")
    world.write({"specs/all.yaml": specs("c")})
    world.ok("plan", "--out", "again.plan", "--target", "assistant.c")
    for name in "abcde":
        result = world.ok("apply", f"{name}.plan")
        assert "1 changed" in result.out
    world.calls.clear()
    refused = world.ok("apply", "again.plan", code=1)
    assert "Stale plan" in refused.err and "assistant.c" in refused.err
    assert {method for method, _ in world.calls} <= {"GET"}
    world.write({"specs/all.yaml": specs(*"abcde")})
    world.settled()


def test_an_edit_by_hand_makes_a_plan_stale(world: World) -> None:
    """What was reviewed is what is applied: the object has to be as it was then."""
    world.write({"specs/all.yaml": specs()})
    world.ok("apply", "-y")
    world.write({"specs/all.yaml": specs("a")})
    world.ok("plan", "--out", "a.plan")
    world.http("POST", "/assistants/${assistant.a}", {"name": "By hand"})
    refused = world.ok("apply", "a.plan", code=1)
    assert "`assistant.a` has changed at the service" in refused.err


def test_a_plan_needs_no_specs_but_the_bytes_that_it_names(world: World) -> None:
    """The specs may be gone; a document that changed since is refused before anything is
    written.
    """
    world.write(
        {
            "specs/all.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}},
            "docs/a.md": "# A\n",
        }
    )
    world.ok("plan", "--out", "kb.plan")
    world.write({"specs/all.yaml": None, "docs/a.md": "# B\n"})
    world.calls.clear()
    refused = world.ok("apply", "kb.plan", code=1)
    assert "docs/a.md" in refused.err and world.calls == []
    world.write({"docs/a.md": "# A\n"})
    assert "2 added" in world.ok("apply", "kb.plan").out


def test_a_plan_that_names_another_object_is_refused(world: World) -> None:
    """Somebody puts another id into a plan that deletes and seals it again: its checksum is that of
    before, and the object is not the one that the lock has.
    """
    world.write({"specs/all.yaml": specs()})
    world.ok("apply", "-y")
    other = world.http("POST", "/assistants", {"model": "gpt-4o", "name": "Somebody else's"})["id"]
    world.write({"specs/all.yaml": {"assistants": {name: {"model": "gpt-4o"} for name in "abcd"}}})
    world.ok("plan", "--out", "x.plan")
    found = json.loads((world.root / "x.plan").read_text())
    (row,) = found["resource_changes"]
    found["resource_changes"] = [{**row, "id": other}]
    world.write({"x.plan": json.dumps({**found, "digest": digest(found)})})
    refused = world.ok("apply", "x.plan", "--checksum", found["checksum"], code=1)
    assert f"`{other}`" in refused.err and len(world.listed("/assistants")) == 6


def test_an_altered_plan_is_refused(world: World) -> None:
    """The digest covers the whole file; a checksum approves one plan and no other."""
    world.write({"specs/all.yaml": specs()})
    world.ok("plan", "--out", "x.plan")
    text = (world.root / "x.plan").read_text()
    world.write({"x.plan": text.replace("gpt-4o", "gpt-5", 1)})
    assert "altered" in world.ok("apply", "x.plan", code=1).err.lower()
    world.write({"x.plan": text})
    checksum = json.loads(text)["checksum"]
    assert world.ok("apply", "x.plan", "--checksum", "sha256:" + "0" * 64, code=1).out
    world.ok("apply", "x.plan", "--checksum", checksum)
