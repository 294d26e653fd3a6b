"""`output --format ts` compiled together with the official Node SDK."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e import shop
from tests.support.world import World

MODULES = Path(__file__).parents[2] / ".venv/node_modules"
LOCAL = {"service": "local", "api": "responses"}
# An application: the request alone, the request and a question, ids and addresses as literals. What is expected to be
# wrong is an error where it is right.
APPLICATION = """
import OpenAI from "openai";
import { resources, type Address } from "./resources.js";

const client = new OpenAI();
for (const profile of [resources["assistant.full"], resources["assistant.hosted"]] as const) {
  await client.responses.create(profile.request);
}
const { request } = resources["assistant.full"];
const response = await client.responses.create({ ...request, input: "Hello" });
console.log(response.output_text);

const literal: "gpt-4o" = request.model;
const known: Address = "file.docs/a.md";
// @ts-expect-error
const unknown: Address = "file.docs/z.md";
console.log(literal, known, unknown);
"""
HOSTED = {
    "model": "gpt-4o",
    "tools": [
        "web_search",
        "image_generation",
        {
            "type": "mcp",
            "server_label": "wiki",
            "server_url": "https://wiki.example/mcp",
            "allowed_tools": ["read"],
            "require_approval": "never",
        },
    ],
    "responses": {"include": ["file_search_call.results"], "store": False},
}


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
    specs = {**shop.SPEC, "assistants": {**shop.SPEC["assistants"], "hosted": HOSTED}}
    world.write(
        {
            **shop.FILES,
            "specs/all.yaml": specs,
            "provisioner.yaml": {"workspace": "w", "environments": {"local": LOCAL}},
        }
    )
    world.apply()
    folder = tmp_path / "application"
    folder.mkdir()
    written = world.ok("output", "--format", "ts").out
    (folder / "resources.ts").write_text(written, encoding="utf-8")
    (folder / "app.ts").write_text(APPLICATION, encoding="utf-8")

    assert compiled(folder) == ""
