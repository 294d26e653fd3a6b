"""The official Node SDK: `output --format ts` compiled together with it, and the guide told with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.defined import NAMES, set_up
from tests.support.typescript import compiled, prepared, printed
from tests.support.world import World

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


def test_an_application_compiles_with_the_official_sdk(world: World, tmp_path: Path) -> None:
    """The requests of `ts` are what `responses.create` takes, whatever the tools; ids, models and
    addresses are literals. Without the request's lists being writable this is TS2769.
    """
    folder = prepared(tmp_path)
    lost: set[str] = set()
    for name in NAMES:
        lost |= set(set_up(world, name, "responses").get("x-accept-loss", {}).get("responses", ()))
    local = {"service": "local", "api": "responses", "accept_loss": sorted(lost)}
    world.write({"provisioner.yaml": {"workspace": "w", "environments": {"local": local}}})
    world.apply()
    addresses = [one for one in world.ok("output", "--json").json if one.startswith("assistant.")]
    requests = [
        f'await client.responses.create(resources["{address}"].request);' for address in addresses
    ]
    written = world.ok("output", "--format", "ts").out
    (folder / "resources.ts").write_text(written, encoding="utf-8")
    application = APPLICATION.replace("REQUESTS", "\n".join(requests))
    (folder / "app.ts").write_text(application, encoding="utf-8")

    assert len(addresses) > len(NAMES)
    assert compiled(folder, "app.ts") == ""


GUIDE: dict[str, list[Any]] = {
    "quick_start": ["completed", True],
    "threads": [{"user_id": "user_123"}, {"user_id": "user_9"}, True, False],
    "messages": [True, {"edited": "true"}, 1, True],
    "runs": ["requires_action", "cancelled", "completed", [False, True]],
    "streaming": ["thread.run.created", "thread.run.completed", True, True],
    "code_interpreter": [True, ["text"]],
    "file_search": ["completed", True],
    "functions": ["completed", "thread.run.requires_action", "thread.run.completed", True],
    "helpers": ["requires_action", "completed", "completed", "You said: Hello"],
    "lifecycle": [True, True, True, "404"],
    "errors": ["400 Can't add messages to X while a run X is active.", "cancelled"],
    "costs": [True, "incomplete", "max_completion_tokens"],
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, url: str) -> Any:
    """What each chapter came to; they are compiled and told in one go."""
    folder = prepared(tmp_path_factory.mktemp("guide"))
    shutil.copy(Path(__file__).with_name("runtime_guide.ts"), folder)
    assert compiled(folder, "runtime_guide.ts", emit=True) == ""
    return json.loads(printed(folder, "runtime_guide.js", url))


@pytest.mark.parametrize("chapter", GUIDE)
def test_the_guide_with_the_node_sdk(told: Any, chapter: str) -> None:
    """The runtime chapter comes to the same as with the Python SDK."""
    assert told[chapter] == GUIDE[chapter]
