"""Whatever is read may be nested deeper than anybody can follow; that is a fault of its file, never
a bug of ours.
"""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import Response

from provisioner.loading import LoadError, load
from provisioner.remote import client
from tests.support.world import World

OPEN = "[" * 50_000
LOCK = ".provisioner/local/lock.json"
SPECS: dict[str, Any] = {
    "specs/all.yaml": (
        "assistants:\n  a: {model: m, tools: [{type: function, name: f, parameters: {file:"
        " f.json}}]}\n"
    ),
    "f.json": '{"type": "object", "properties": {}}',
}
UNREADABLE = {
    "a spec": (
        "specs/b.yaml",
        f"assistants: {OPEN}",
        "validate",
        "specs/b.yaml:1:1: error: Nested too deeply",
    ),
    "a spec to lay out": (
        "specs/b.yaml",
        f"assistants: {OPEN}",
        "fmt",
        "specs/b.yaml:1:1: error: Nested too deeply",
    ),
    "settings": (
        "provisioner.yaml",
        f"workspace: {OPEN}",
        "validate",
        "provisioner.yaml:1:1: error: Nested too deep",
    ),
    "a schema": (
        "f.json",
        OPEN,
        "validate",
        "`f.json` of `assistant.a` is nested in more than 100 levels",
    ),
    "a lock": (LOCK, OPEN, "plan", "`git checkout -- .provisioner/local/lock.json`"),
    "a journal": (f"{LOCK}.journal", f"{{}}\n{OPEN}\n{{}}\n", "apply -y", "Broken journal"),
    "a lease": (f"{LOCK}.lease", OPEN, "apply -y", "Lock is busy"),
    "a plan": (
        "plan.json",
        OPEN,
        "apply plan.json",
        "`plan.json` is nested in more than 250 levels",
    ),
    "faults": (
        "faults.yaml",
        f"rules: {OPEN}",
        "local serve --faults faults.yaml",
        "faults.yaml: values are nested",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_is_named(world: World, name: str) -> None:
    """Each file that a command needs is named, with what is wrong with it."""
    file, text, command, said = UNREADABLE[name]
    world.write({**SPECS, file: text})

    assert said in world.ok(*command.split(), code=1).err


def test_a_schema_in_yaml(world: World) -> None:
    """A schema in YAML is refused at the same depth as one in JSON, and a value is not blamed for
    lacking quotes.
    """
    spec = SPECS["specs/all.yaml"].replace("f.json", "f.yaml")
    world.write({"specs/all.yaml": spec, "f.yaml": f"x: {OPEN}"})

    err = world.ok("validate", code=1).err
    assert "Nested too deeply" in err
    assert "Values are nested in more than 100 levels" in err
    assert "hint: flatten them" in err


def test_text_for_a_number(world: World) -> None:
    """Where a number is wanted, deep brackets are as wrong as any other text."""
    world.write({**SPECS, "provisioner.yaml": "workspace: w\nvariables: {n: 1}\n"})
    assert "the variable `n` is a number" in world.ok("validate", "--var", f"n={OPEN}", code=1).err

    world.write({"specs/b.yaml": f"assistants: {{b: {{model: m, temperature: '{OPEN}'}}}}\n"})
    assert "Wrong type" in world.ok("validate", code=1).err


def test_what_is_only_remembered_is_forgotten(world: World) -> None:
    """Caches that cannot be read are as if they were not there."""
    world.write(
        {**SPECS, "specs/kb.yaml": "vector_stores: {kb: {files: [d.md]}}\n", "d.md": "# D\n"}
    )
    world.apply()
    (models,) = (world.root / ".provisioner/cache").glob("models-*.json")
    for file in (models, models.with_name("files.json")):
        file.write_text(OPEN)
    world.settled()

    remembered = client.Hints(world.root / "hints", "http://s")
    remembered.remember("files", [str(number) for number in range(9)], 2)
    (file,) = (world.root / "hints").iterdir()
    file.write_text(OPEN)
    assert remembered.cursors("files") == []


def test_a_reply(world: World) -> None:
    """A reply that cannot be read is none, and the words of a refusal need not be JSON."""
    world.write(SPECS)
    for status, said in ((200, "Reply not understood"), (400, "Request refused")):
        with world.behind(
            lambda _app, status=status: Response(OPEN, status, media_type="application/json")
        ):
            assert said in world.ok("plan", code=1).err


def test_an_application(world: World) -> None:
    """An application that looks for a lock is not stopped by settings that it cannot read."""
    world.write({"provisioner.yaml": f"environments: {{prod: {{lock: x.json}}}}\nx: {OPEN}"})
    with pytest.raises(LoadError, match=r"There is no lock of `prod` at `.*locks/prod.lock.json`"):
        load("prod", world.root)


@pytest.mark.parametrize("file", ["f.json", "f.yaml"])
def test_an_edit_that_is_accepted(world: World, file: str) -> None:
    """What somebody wrote at the service, and no spec can say, is left; the layout of the file is
    not blamed.
    """
    world.write(
        {"specs/all.yaml": SPECS["specs/all.yaml"].replace("f.json", file), file: SPECS["f.json"]}
    )
    world.apply()
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    for _ in range(60):
        parameters = {"type": "object", "properties": {"p": parameters}}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    world.http("POST", "/assistants/${assistant.a}", {"tools": [tool]})

    assert "nested in more than 100 levels" in world.ok("accept", code=1).out
