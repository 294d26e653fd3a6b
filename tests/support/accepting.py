"""A workspace written by a person, with every field and comments everywhere, and what `accept` does
to its files.
"""

from __future__ import annotations

import shutil
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest

from tests.support.drifting import applied_once, clean
from tests.support.running import Result
from tests.support.world import World

A, KB = "assistant.support", "vector_store.kb"
SPEC = """\
# Who answers what.
vector_stores:
  kb:
    name: Handbook              # what people see
    description: 'Rules'
    metadata:
      # who owns it
      team: hr
      odd key: x                # odd
    expires_after: {anchor: last_active_at, days: 30}   # a month
    other_files: remove
    files:
      - docs/g/*.md             # all of them
      # leave
      - path: docs/a.md
        attributes: {team: hr, year: 2026}   # labels
        chunking: {max_chunk_size_tokens: 800, chunk_overlap_tokens: 400}
      # tone
      - docs/b.md               # once
      - {id: "${var.loose}"}

assistants:
  support:
    name: "Support"             # people say so
    description: Answers
    model: gpt-4o               # cheap
    instructions: |             # spoken slowly
      Be kind.

      Be brief.

    # What it can do.
    tools:
      # search
      - {type: file_search, vector_stores: [kb], max_num_results: 8}   # eight
      # people
      - type: function
        name: find_user
        description: Finds a user   # by name
        parameters:
          type: object
          properties:
            name: {type: string}    # the last one
      - use: weather
      - type: function
        name: by_file
        parameters: {file: schemas/by_file.json}
    temperature: 0.3            # calm
    top_p: 0.9
    reasoning_effort: low
    response_format:
      type: json_schema
      name: ticket              # of the help desk
      schema:
        type: object
        properties: {subject: {type: string}}
    metadata: {team: hr, odd key: x}   # ours
  triage:
    model: ${var.model}         # not ours to say
    instructions: {file: prompts/triage.md}
  tone:
    model: gpt-4o
    instructions: {files: [prompts/one.md, prompts/two.md]}
  twin:
    model: gpt-4o
    instructions: {file: prompts/shared.md}
    metadata: &common
      team: it
  twin_two:
    model: gpt-4o
    instructions: {file: prompts/shared.md}
    metadata: *common

tools:
  weather:                      # for everybody
    description: Weather

files:
  sales:
    path: data/sales.csv
    expires_after: {anchor: created_at, seconds: 604800}   # a week
  form: {path: data/form.pdf, purpose: user_data}
"""
FILES = {
    "docs/a.md": "Leave is 27 days.\n",
    "docs/b.md": "Be nice.\n",
    "docs/g/one.md": "One.\n",
    "docs/g/two.md": "Two.\n",
    "data/sales.csv": "a,b\n",
    "data/form.pdf": "%",
    "prompts/triage.md": b"\xef\xbb\xbfSort it.\r\nBe quick.\r\n",
    "prompts/one.md": "One.\n",
    "prompts/two.md": "Two.\n",
    "prompts/shared.md": "Shared.\n",
    "schemas/by_file.json": (
        '{\n  "type": "object",\n  "properties": {\n    "id": {"type": "string"}\n  }\n}\n'
    ),
}
CONFIG = {"workspace": "acme", "variables": {"model": "gpt-4o", "loose": "file-none"}}


def accept(world: World, *words: str, code: int = 0) -> Result:
    return world.ok("accept", *words, code=code)


def agreed(world: World) -> None:
    """Nothing drifted, and there is nothing to apply, but the lock has yet to learn it; then it
    has.
    """
    clean(world)
    world.settled()
    world.apply()


def stamped(world: World, labels: dict[str, str], address: str = A) -> dict[str, str]:
    """Metadata with our stamp in it."""
    collection = {"assistant": "assistants", "vector_store": "vector_stores"}[
        address.partition(".")[0]
    ]
    have = world.http("GET", f"/{collection}/${{{address}}}")["metadata"]
    return {"provisioner": have["provisioner"], **labels}


def tools(world: World) -> list[dict[str, Any]]:
    """The tools of the assistant, as the service has them."""
    found: list[dict[str, Any]] = world.http("GET", f"/assistants/${{{A}}}")["tools"]
    return found


def in_store(world: World, method: str = "GET", body: Any = None, file: str = "docs/a.md") -> Any:
    """A request about a file in the store."""
    return world.http(method, f"/vector_stores/${{{KB}}}/files/${{file.{file}}}", body)


def changed(world: World, before: str = SPEC, file: str = "specs/all.yaml") -> list[str]:
    """The lines of a file that are new (`+ `) and gone (`- `)."""
    after = (world.root / file).read_text(encoding="utf-8")
    return [line for line in ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That workspace, applied once. One file of its store was uploaded by somebody else."""
    found = World(tmp_path_factory.mktemp("written"))
    loose = found.upload("loose.md", b"Loose.\n")
    config = {**CONFIG, "variables": {**CONFIG["variables"], "loose": loose}}
    found.write({"provisioner.yaml": config, "specs/all.yaml": SPEC, **FILES})
    return applied_once(found)


@pytest.fixture
def ours(world: World, written: Path) -> World:
    """A copy of it, service and all."""
    shutil.copytree(written, world.root, dirs_exist_ok=True)
    return world
