"""Workspaces written by hand in the shapes that people have: a dozen after definitions in
public repositories, the others for what is common there and was missing among them.

Each file of `definitions` is a spec as it stands. Keys that specs ignore say what else its
workspace has: `x-files`, `x-repeated` (a text so many times, for long prompts) and `x-accept-loss`
(what an API lacks and the environment may leave out).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.support.world import World

FOLDER = Path(__file__).with_name("definitions")
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def set_up(world: World, name: str, api: str) -> dict[str, Any]:
    """Make the workspace of a definition; the spec, as YAML reads it."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    spec: dict[str, Any] = yaml.safe_load(text)
    environment: dict[str, Any] = {"service": "local", "api": api}
    if lost := spec.get("x-accept-loss", {}).get(api):
        environment["accept_loss"] = lost
    world.write(spec.get("x-files", {}))
    for path, repeated in spec.get("x-repeated", {}).items():
        parts = [repeated["text"].format(number=number) for number in range(repeated["times"])]
        world.write({path: "\n".join(parts)})
    world.write(
        {
            f"specs/{name}.yaml": text,
            "provisioner.yaml": {"workspace": "w", "environments": {"local": environment}},
        }
    )
    return spec


def errors(world: World) -> list[dict[str, Any]]:
    """The errors of a workspace."""
    problems = json.loads(world.run("validate", "--json").out)["problems"]
    return [one for one in problems if one["severity"] == "error"]


def environment(world: World, name: str, api: str) -> dict[str, Any]:
    """The environment of a definition that accepts whatever its API cannot carry of it, set up."""
    set_up(world, name, api)
    refused = [one for one in errors(world) if one["summary"] == "Not carried by API"]
    known: dict[str, Any] = yaml.safe_load((world.root / "provisioner.yaml").read_text())
    local = known["environments"]["local"]
    lost = {one["hint"].rpartition("accept_loss: [")[2][:-2] for one in refused}
    local["accept_loss"] = sorted(lost | set(local.get("accept_loss", ())))
    world.write({"provisioner.yaml": known})
    return {"provisioner.yaml": known}
