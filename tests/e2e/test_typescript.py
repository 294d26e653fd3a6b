"""`output --format ts` compiled together with the official Node SDK."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.defined import NAMES, set_up
from tests.support.world import World

MODULES = Path(__file__).parents[2] / ".venv/node_modules"
# The request alone, the request and a question, ids and addresses as literals. What is expected to
# be wrong is an error where it is right.
APPLICATION = """
import OpenAI from "openai";
import { resources, type Address } from "./resources.js";

const client = new OpenAI();
REQUESTS
const { request } = resources["assistant.docsum"];
const response = await client.responses.create({ ...request, input: "Hello" });
console.log(response.output_text);

const literal: "gpt-4o-mini" = request.model;
const known: Address = "file.docs/one.txt";
// @ts-expect-error
const unknown: Address = "file.docs/three.txt";
console.log(literal, known, unknown);
"""


def compiled(folder: Path) -> str:
    """What the compiler has to say of `app.ts`: nothing, where all is well."""
    required = os.environ.get("PROVISIONER_TYPESCRIPT") == "required"
    there = shutil.which("node") and all(
        (MODULES / name).is_dir() for name in ("openai", "typescript")
    )
    if not there and not required:
        pytest.skip("the official Node SDK and TypeScript are not installed: `make typescript`")
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"]
    command = [str(MODULES / ".bin/tsc"), *options, "--target", "es2022", "app.ts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_an_application_compiles_with_the_official_sdk(world: World, tmp_path: Path) -> None:
    """The requests of `ts` are what `responses.create` takes, whatever the tools; ids, models and
    addresses are literals. Without the request's lists being writable this is TS2769.
    """
    for name in NAMES:
        set_up(world, name, "responses")
    world.apply()
    addresses = [one for one in world.ok("output", "--json").json if one.startswith("assistant.")]
    requests = [
        f'await client.responses.create(resources["{address}"].request);' for address in addresses
    ]
    folder = tmp_path / "application"
    folder.mkdir()
    written = world.ok("output", "--format", "ts").out
    (folder / "resources.ts").write_text(written, encoding="utf-8")
    application = APPLICATION.replace("REQUESTS", "\n".join(requests))
    (folder / "app.ts").write_text(application, encoding="utf-8")

    assert len(addresses) > len(NAMES)
    assert compiled(folder) == ""
