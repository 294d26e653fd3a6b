"""The example policy in Rego, held against real plans by conftest, OPA or a Python evaluator,
whichever is there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World

POLICY = Path(__file__).resolve().parents[2] / "examples/policy/provisioner.rego"
Verdict = dict[str, list[str]]


def judged(plan: Path) -> Verdict:
    """What the policy says of a plan document, unchanged: by rule, sorted."""
    if shutil.which("conftest"):
        return _by_conftest(plan)
    if shutil.which("opa"):
        said = _output(
            "opa",
            "eval",
            "--format",
            "raw",
            "--data",
            str(POLICY),
            "--input",
            str(plan),
            "data.main",
        )
        return {rule: sorted(said[rule]) for rule in ("deny", "warn")}
    regopy = pytest.importorskip("regopy", reason="needs conftest, opa or regopy")
    rego = regopy.Interpreter()
    rego.add_module(POLICY.name, POLICY.read_text(encoding="utf-8"))
    rego.set_input(json.loads(plan.read_text(encoding="utf-8")))
    return {
        rule: sorted(json.loads(str(rego.query(f"data.main.{rule}")))["expressions"][0])
        for rule in ("deny", "warn")
    }


def _by_conftest(plan: Path) -> Verdict:
    said = _output(
        "conftest", "test", "--policy", str(POLICY.parent), "--output", "json", str(plan)
    )[0]
    return {
        rule: sorted(one["msg"] for one in said.get(key, ()))
        for rule, key in (("deny", "failures"), ("warn", "warnings"))
    }


def _output(*words: str) -> Any:
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout)


def verdict(world: World) -> Verdict:
    plan = world.root / "plan.json"
    plan.write_text(world.run("plan", "--json").out, encoding="utf-8")
    return judged(plan)


def test_what_the_example_refuses(world: World) -> None:
    """A kept kind that goes, too much that goes at once, and a model that is not on the list; not a
    replacement.
    """
    old = {f"a{number}": {"model": "gpt-4o"} for number in range(5)}
    world.write(
        {
            "specs/all.yaml": {
                "vector_stores": {"kb": {}},
                "assistants": {**old, "stays": {"model": "gpt-4o"}},
            }
        }
    )
    assert verdict(world) == {"deny": [], "warn": []}
    world.apply()
    world.write(
        {"specs/all.yaml": {"assistants": {"a0": {"model": "gpt-4o"}, "stays": {"model": "gpt-3"}}}}
    )
    assert verdict(world) == {
        "deny": [
            "5 resources would be deleted; at most 3 go at once",
            "`assistant.stays` would use `gpt-3`, which is not on the list",
            "`vector_store.kb` would be deleted; a vector_store is kept",
        ],
        "warn": [],
    }
    world.write(
        {
            "specs/all.yaml": {
                "vector_stores": {"kb": {}},
                "assistants": {**old, "stays": {"model": "gpt-4o"}},
            }
        }
    )
    assert verdict(world) == {"deny": [], "warn": []}


def test_what_the_example_warns_of(world: World) -> None:
    """What widens access, in the words of the plan's own review, and the plan's own warnings."""
    spec = {"vector_stores": {"kb": {}}, "assistants": {"a": {"model": "gpt-4o"}}}
    world.write({"specs/all.yaml": spec})
    world.apply()
    tools = [{"type": "file_search", "vector_stores": ["kb"]}, "code_interpreter"]
    world.write(
        {"specs/all.yaml": {**spec, "assistants": {"a": {"model": "gpt-4o", "tools": tools}}}}
    )
    world.write(
        {"provisioner.yaml": {"policies": {"models": {"allow": ["gpt-5*"], "action": "warn"}}}}
    )
    found = verdict(world)
    assert found["deny"] == []
    assert [text.partition(":")[0] for text in found["warn"]] == [
        "Model not allowed",
        "`assistant.a`",
        "`assistant.a`",
    ]


def test_what_is_waived_there(world: World) -> None:
    """A waived document goes, and does not count."""
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}}})
    world.write(
        {f"docs/{name}.md": f"{name}\n" for name in ("a", "b", "c", "old-handbook", "stays")}
    )
    world.apply()
    for name in ("a", "b", "c", "old-handbook"):
        (world.root / f"docs/{name}.md").unlink()
    assert verdict(world)["deny"] == []
    (world.root / "docs/stays.md").unlink()
    (world.root / "docs/new.md").write_text("new\n")
    assert verdict(world)["deny"] == ["4 resources would be deleted; at most 3 go at once"]
