"""Exit codes, all of them in one table: 0 done, 1 any error, 2 only changes and drift."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World

SPEC: dict[str, Any] = {
    "assistants": {"a": {"model": "m", "temperature": 0.5}, "b": {"model": "m"}}
}


def untouched(_: World) -> None:
    """As the last apply left it."""


def edited_specs(world: World) -> None:
    world.write({"specs/all.yaml": {"assistants": {**SPEC["assistants"], "a": {"model": "n"}}}})


def edited_by_hand(world: World) -> None:
    world.http("POST", "/assistants/${assistant.a}", {"temperature": 0.9})


def both(world: World) -> None:
    edited_specs(world)
    edited_by_hand(world)


def gone(world: World) -> None:
    world.http("DELETE", "/assistants/${assistant.a}")


def broken(world: World) -> None:
    world.write({"specs/all.yaml": {"assistants": {"a": {"modle": "m"}}}})


def untidy(world: World) -> None:
    world.write({"specs/all.yaml": "assistants:\n      a:   {model:   m}\n"})


def protected(world: World) -> None:
    world.write(
        {"specs/all.yaml": {"assistants": {"a": {"model": "m", "lifecycle": {"protect": True}}}}}
    )
    world.ok("apply", "-y")
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {}}}})


def lock_gone(world: World) -> None:
    (world.root / ".provisioner/local/lock.json").unlink()


def nothing_yet(world: World) -> None:
    for id in ("a", "b"):
        world.http("DELETE", f"/assistants/${{assistant.{id}}}")
    lock_gone(world)


TABLE: list[tuple[Callable[[World], None], str, int]] = [
    (untouched, "validate", 0),
    (broken, "validate", 1),
    (untouched, "fmt", 0),
    (untouched, "fmt --check", 0),
    (untidy, "fmt --check", 1),
    (untidy, "fmt", 0),
    (untouched, "plan", 0),
    (untouched, "plan --detailed-exitcode", 0),
    (edited_specs, "plan", 0),
    (edited_specs, "plan --detailed-exitcode", 2),
    (edited_specs, "plan --detailed-exitcode --json", 2),
    (edited_by_hand, "plan", 0),
    (edited_by_hand, "plan --detailed-exitcode", 2),
    (edited_by_hand, "plan --on-drift fail", 1),
    (edited_by_hand, "plan --on-drift fail --detailed-exitcode", 1),
    (protected, "plan", 1),
    (protected, "plan --detailed-exitcode --force", 1),
    (broken, "plan --detailed-exitcode", 1),
    (lock_gone, "plan --detailed-exitcode", 1),
    (nothing_yet, "plan --detailed-exitcode", 2),
    (untouched, "apply -y", 0),
    (edited_specs, "apply -y", 0),
    (edited_specs, "apply", 1),
    (edited_by_hand, "apply -y --on-drift fail", 1),
    (protected, "apply -y", 1),
    (broken, "apply -y", 1),
    (lock_gone, "apply -y", 1),
    (untouched, "models", 0),
    (broken, "models", 1),
    (untouched, "drift", 0),
    (untouched, "drift --json", 0),
    (untouched, "drift --pending --unmanaged", 0),
    (edited_specs, "drift", 0),
    (edited_specs, "drift --pending", 0),
    (edited_by_hand, "drift", 2),
    (edited_by_hand, "drift --json", 2),
    (edited_by_hand, "drift --ignore assistant.b", 2),
    (edited_by_hand, "drift --ignore assistant.a", 0),
    (edited_by_hand, "drift --ignore assistant.a#temperature", 0),
    (both, "drift", 2),
    (gone, "drift", 2),
    (gone, "drift --ignore assistant.a", 0),
    (broken, "drift", 1),
    (lock_gone, "drift", 1),
    (nothing_yet, "drift", 0),
    (edited_by_hand, "drift --ignore assistant.nobody", 1),
    (edited_by_hand, "drift --ignore nonsense", 1),
    (edited_by_hand, "drift --format yaml", 1),
    (edited_by_hand, "drift --target assistant.a", 1),
    (edited_by_hand, "drift -e nowhere", 1),
    (edited_by_hand, "drift extra", 1),
    (edited_by_hand, "plan --detailed-exitcodes", 1),
    (edited_by_hand, "apply -y --target assistant.nobody", 1),
    (edited_by_hand, "drfit", 1),
    (untouched, "destroy -y", 0),
    (untouched, "destroy", 1),
    (untouched, "state show assistant.a", 0),
    (untouched, "state show assistant.nobody", 1),
]


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tidy workspace, applied once and copied for each line."""
    found = World(tmp_path_factory.mktemp("applied"))
    found.write({"provisioner.yaml": {"workspace": "w"}, "specs/all.yaml": SPEC})
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PROVISIONER_ENV", raising=False)
        found.ok("fmt")
        found.ok("apply", "-y")
    return found.root


@pytest.mark.parametrize(
    ("before", "line", "code"), TABLE, ids=[f"{one.__name__}-{line}" for one, line, _ in TABLE]
)
def test_exit_codes(
    world: World, applied: Path, before: Callable[[World], None], line: str, code: int
) -> None:
    """Whoever scripts this relies on it: 2 never means a problem, and a problem is never 0 or 2."""
    shutil.copytree(applied, world.root, dirs_exist_ok=True)
    before(world)
    ran = world.run(*line.split())
    assert ran.code == code, f"{line}\n{ran.out}{ran.err}"
    assert not (code == 1 and ran.err + ran.out == ""), "a fault says why"
