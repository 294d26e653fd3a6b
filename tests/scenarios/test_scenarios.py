"""Whole stories told as YAML: files and hands at the service in; what is printed, planned and
called out.

A step that is `refused` gives what is printed to stderr, whole; and that it ends with 1, sends
nothing but reads and leaves every lock as it was, goes for all of them.
"""

from __future__ import annotations

import json
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.refusals import masked, refused
from tests.support.running import Result
from tests.support.world import World

FOLDER = Path(__file__).parent
OURS = ("provisioner", "sha256")

# What a saved agent cannot carry, and how these stories do without it.
LOSSES = ["temperature", "tools.file_search", "tools.code_interpreter", "response_format.name"]
ABOUT_LOSSES = {("everything", 0), ("life", 0)}  # there would be nothing left to tell


def stories() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for number, story in enumerate(_told_in(path)):
            apis = ["assistants", "responses"]
            if (path.stem, number) not in ABOUT_LOSSES:
                apis.append("agents")
            for api in story.get("apis", apis):
                marks = [pytest.mark.thorough] if api == "agents" else []
                name = f"{path.stem}-{number}-{api}"
                found.append(pytest.param(path, number, api, id=name, marks=marks))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize(("path", "number", "api"), stories())


def test_story(world: World, path: Path, number: int, api: str) -> None:
    """A story ends as it says, and every plan after an apply is empty."""
    tell(world, story_at(path, number), api)


def story_at(path: Path, number: int) -> dict[str, Any]:
    return _told_in(path)[number]


@cache
def _told_in(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def tell(world: World, story: dict[str, Any], api: str, **environment: Any) -> None:
    """Tell a story through an API: on the embedded service, unless the environment says another."""
    losses = {"accept_loss": LOSSES} if api == "agents" else {}
    local = {"service": "local", "api": api, **losses, **environment}
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": {"local": local}}})
    world.write(story.get("files", {}))
    for step in story["steps"]:
        _step(world, step, api)


def _step(world: World, step: dict[str, Any], api: str) -> None:
    if step.get("api", api) != api:
        return
    world.calls.clear()
    _prepare(world, step)
    if "refused" in step:
        _refused(world, step)
    elif "run" in step:
        _expect(step, world.run(*step["run"].split()))
        if step["run"].startswith("apply") and step.get("exit", 0) == 0:
            writes = [call for call in world.calls if call[0] != "GET"]
            world.settled()
            world.calls[:] = writes
    for target, key, wanted in step.get("shows", []):
        found = world.http("GET", target)[key]
        assert {name: value for name, value in found.items() if name not in OURS} == wanted
    if "changes" in step:
        assert world.changes() == step["changes"]
    if "writes" in step:
        seen = [f"{method} {masked(target)}" for method, target in world.calls if method != "GET"]
        assert seen == step["writes"]


def _prepare(world: World, step: dict[str, Any]) -> None:
    """What somebody does before the command: to files, and at the service."""
    for origin, copy in step.get("copy", {}).items():
        world.write({copy: (world.root / origin).read_text(encoding="utf-8")})
    world.write(step.get("write", {}))
    for name, (old, new) in step.get("edit", {}).items():
        text = (world.root / name).read_text(encoding="utf-8")
        assert old in text, text
        world.write({name: text.replace(old, new)})
    for method, target, *body in step.get("by_hand", []):
        world.http(method, target, *(_with_lineage(world, one) for one in body))


def _with_lineage(world: World, body: Any) -> Any:
    text = json.dumps(body)
    return json.loads(
        text.replace("${lineage}", world.lock()["lineage"][:8]) if "${lineage}" in text else text
    )


def _refused(world: World, step: dict[str, Any]) -> None:
    result = refused(world, *step["run"].split())
    assert masked(result.err) == textwrap.dedent(step["refused"]), result.err
    _expect({**step, "exit": 1}, result)


def _expect(step: dict[str, Any], result: Result) -> None:
    shown = f"{result.out}\n--- stderr\n{result.err}"
    assert result.code == step.get("exit", 0), shown
    if "out" in step:
        assert masked(result.out) == textwrap.dedent(step["out"])
    for text in step.get("has", []):
        assert text in masked(result.out + result.err), shown
    for text in step.get("lacks", []):
        assert text not in result.out + result.err, shown
