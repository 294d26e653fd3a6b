"""Workspaces of any size, written to disk: all assistants differ, and say what real ones say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.service import Service

_SPEC = """\
assistants:
  a{number:05}:
    name: Assistant {number}
    description: Answers the questions of team {team} about subject {number}
    model: gpt-4o
    instructions: |
      You answer questions about subject {number} for team {team}.
      Be brief. Say which document an answer comes from, and say so when you do not know.
      Never give out personal data, and never promise anything on behalf of the company.
    tools:
      - type: function
        name: find_record
        description: Find a record of subject {number}
        strict: true
        parameters:
          type: object
          properties:
            key: {{type: string, description: The key of the record}}
            limit: {{type: integer, description: How many at most}}
          required: [key, limit]
          additionalProperties: false
    temperature: 0.3
    metadata: {{team: team-{team}, subject: "{number}"}}
"""

_STORE = """\
vector_stores:
  kb:
    files: ["docs/**/*.md"]
"""

_ANALYST = """\
assistants:
  analyst:
    model: gpt-4o
    tools: [{type: code_interpreter, files: [large.csv]}]
"""


def assistants(root: Path, count: int) -> Path:
    """`count` assistants in as many files."""
    folder = root / "specs"
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"a{number:05}.yaml").write_text(_SPEC.format(number=number, team=number % 23))
    return root


def documents(root: Path, count: int) -> Path:
    """One store with `count` small files."""
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "kb.yaml").write_text(_STORE)
    for number in range(count):
        path = root / "docs" / f"{number // 100:03}" / f"d{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Document {number}\n\nWhat there is to say about subject {number}.\n")
    return root


def one_large_file(root: Path, size: int) -> Path:
    """One assistant with one file of `size` bytes."""
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "analyst.yaml").write_text(_ANALYST)
    (root / "large.csv").touch()
    os.truncate(root / "large.csv", size)
    return root


def point_to(root: Path, service: Service) -> Path:
    """Let a workspace be deployed to a service."""
    (root / "provisioner.yaml").write_text(
        f"workspace: bench\nenvironments:\n  bench: {{service: {service.url!r}, api: assistants}}\n"
    )
    return root


def bodies(path: Path, count: int) -> Path:
    """What creating the same assistants sends, for clients that know nothing of specs."""
    path.write_text(json.dumps([_body(number) for number in range(count)]))
    return path


def _body(number: int) -> dict[str, Any]:
    import yaml

    spec = yaml.load(_SPEC.format(number=number, team=number % 23), yaml.CSafeLoader)
    (body,) = spec["assistants"].values()
    function = {name: value for name, value in body["tools"][0].items() if name != "type"}
    return {**body, "tools": [{"type": "function", "function": function}]}
