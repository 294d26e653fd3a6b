"""Checks in a workspace: what they cite, where their faults are, and who leaves them alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World

TURN = {"say": "Hi", "expect": {"cites": "docs/a.md"}}
SEARCH = {"type": "file_search", "vector_stores": ["kb"]}


def spec(tools: list[Any], turn: dict[str, Any], **stores: Any) -> dict[str, Any]:
    assistant = {"model": "m", "tools": tools, "checks": {"c": [turn]}}
    return {
        "specs/a.yaml": {
            "vector_stores": {"kb": {"files": ["docs/a.md"]}, **stores},
            "assistants": {"a": assistant},
        },
        "docs/a.md": "A.\n",
        "docs/b.md": "B.\n",
    }


@pytest.mark.parametrize(
    ("tools", "cites"),
    [
        ([SEARCH], "docs/a.md"),
        ([{"type": "code_interpreter", "files": ["docs/b.md"]}], "docs/b.md"),
        ([{"type": "file_search", "vector_stores": ["theirs"]}], "docs/b.md"),
        ([{"type": "file_search", "vector_stores": [{"id": "vs_1"}]}], "docs/b.md"),
    ],
)
def test_what_may_be_cited(world: World, tools: list[Any], cites: str) -> None:
    """What a store holds, what the interpreter reads, and anything where a store is not ours."""
    turn = {"say": "Hi", "expect": {"cites": cites}}
    world.write(spec(tools, turn, theirs={"id": "vs_2"}))
    world.ok("validate")


def test_what_cannot_be_cited(world: World) -> None:
    """A document that nothing of the assistant holds is a problem, at its place."""
    world.write(spec([SEARCH], {"say": "Hi", "expect": {"cites": ["docs/a.md", "docs/b.md"]}}))
    (problem,) = world.ok("validate", "--json", code=1).json["problems"]
    assert problem["summary"] == "Nothing to cite" and problem["line"] == 18
    assert problem["detail"] == "Nothing that `assistant.a` searches or reads holds `docs/b.md`."
    attached = {**TURN, "attach": [{"file": "docs/b.md"}], "expect": {"cites": "docs/b.md"}}
    world.write(spec([SEARCH], attached))
    world.ok("validate")


def test_a_name_that_is_there_twice(world: World) -> None:
    """YAML would keep the last one in silence."""
    text = "assistants:\n  a:\n    model: m\n    checks:\n"
    text += "      c: [{say: Hi}]\n      c: [{say: Ho}]\n"
    world.write({"specs/a.yaml": text})
    (problem,) = world.ok("validate", "--json", code=1).json["problems"]
    assert (problem["summary"], problem["line"]) == ("Duplicate key", 6)


def test_variables(world: World) -> None:
    """They are replaced as anywhere in a spec."""
    world.write(
        spec([SEARCH], {"say": "${var.question}", "expect": {"contains": "${environment}"}})
    )
    assert "question" in world.ok("validate", code=1).err
    world.write({"provisioner.yaml": {"workspace": "w", "variables": {"question": "Here, local?"}}})
    world.apply()
    (one,) = world.ok("check", "--json").json["checks"]
    assert one["attempts"][0]["turns"][0]["said"] == "Here, local?"


def test_a_file_that_is_attached_is_no_resource(world: World) -> None:
    """Nothing of it is planned; it has to be there."""
    turn = {"say": "Hi", "attach": [{"file": "docs/b.md"}]}
    world.write(spec([SEARCH], turn))
    assert "file.docs/b.md" not in world.changes()
    world.write({"docs/b.md": None})
    assert "`docs/b.md` of `assistant.a` does not exist" in world.ok("validate", code=1).err


def test_who_leaves_them_alone(world: World) -> None:
    """`fmt` keeps every word, `accept` writes around them, and a move takes them along."""
    text = """\
assistants:
  a:
    model: m
    name: Ours
    checks:
      # what nobody may forget
      c:
        - say: Hi
          expect: {contains: hi} # said back
"""
    world.write({"specs/a.yaml": text})
    world.ok("fmt", "--check")
    world.apply()
    world.http("POST", "/assistants/${assistant.a}", {"name": "Theirs"})
    world.ok("accept")
    path = world.root / "specs/a.yaml"
    assert path.read_text() == text.replace("Ours", "Theirs")
    moved = path.read_text().replace("  a:\n", "  b:\n", 1)
    path.write_text(f"{moved}moved: [{{from: assistant.a, to: assistant.b}}]\n")
    world.apply()
    assert "1 passed." in world.ok("check", "assistant.b").out
