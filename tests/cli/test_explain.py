"""`explain`: what may be declared, from anywhere and at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import run, run_here, surroundings

LIMIT = """\
assistant.tools.file_search.max_num_results

  Chunks that the model is given, 1 to 50.

  type        whole number
  limits      1 to 50
  assistants  `tools[].file_search.max_num_results`
  responses   `tools[].max_num_results`
  agents      not carried; `accept_loss: [tools.file_search]` accepts that

Example:

assistants:
  example:
    model: gpt-4o
    tools:
      - type: file_search
        vector_stores: [handbook]
        # Chunks that the model is given, 1 to 50
        max_num_results: 8
"""


def explain(*words: str, code: int = 0) -> str:
    ran = run_here(["explain", *words])
    assert ran.code == code, ran.err
    return ran.out if code == 0 else ran.err


def test_a_field_without_a_workspace(tmp_path: Path) -> None:
    """Nothing is needed, and nothing is written."""
    ran = run(tmp_path, "explain", "assistant.tools.file_search.max_num_results")
    assert (ran.code, ran.out, ran.err) == (0, LIMIT, "")
    assert list(tmp_path.iterdir()) == []


def test_kinds_and_fields() -> None:
    """Every kind has a line, and every field of one; `-v` adds types and limits."""
    assert "  vector_store          Files, cut into chunks and indexed" in explain()
    page = explain("assistant")
    assert "  model             Required. The model that answers.\n" in page
    assert "(number, 0 to 2)" in explain("assistant", "-v") and "(number" not in page
    assert explain("assistants.temperature") == explain("assistant.temperature")


def test_words_that_are_no_kind() -> None:
    """Whatever else stands at the top of a file has a line and a page, with the file it stands in."""
    assert "  moved                In a spec: Resources that had another address.\n" in explain()
    page = explain("imports")
    assert "  stands in  a spec\n" in page and "- {to: assistant.support, id: asst_abc123}" in page
    assert "  default    `3`\n" in explain("environments.keep_versions")
    words = run_here(["explain", "--json"]).json["words"]
    assert {"removed": "a spec", "policies": "provisioner.yaml"}.items() <= {
        one["word"]: one["file"] for one in words
    }.items()


@pytest.mark.parametrize(
    ("words", "apis"),
    [
        (
            "assistant.temperature",
            {"assistants": "temperature", "responses": "temperature", "agents": None},
        ),
        (
            "assistant.tools.file_search.vector_stores",
            {
                "assistants": "tool_resources.file_search.vector_store_ids",
                "responses": "tools[].vector_store_ids",
                "agents": None,
            },
        ),
        (
            "assistant.response_format.schema",
            {
                "assistants": "response_format.json_schema.schema",
                "responses": "text.format.schema",
                "agents": "text.format.schema",
            },
        ),
        ("assistant.tools.mcp", {"assistants": None, "responses": "tools[]", "agents": "tools[]"}),
        ("assistant.responses", {"assistants": None, "responses": "", "agents": None}),
        ("assistant.checks", {}),
        ("vector_store.expires_after", {"every API": "expires_after"}),
    ],
)
def test_how_each_api_carries_it(words: str, apis: dict[str, str | None]) -> None:
    """Where the request has it, as it is rendered; what is lost has the name that accepts it."""
    document = json_of(words)
    assert document["apis"] == apis
    if words == "assistant.tools.mcp":
        assert document["losses"] == {"assistants": "tools.mcp"}
        assert "not carried; `accept_loss: [tools.mcp]` accepts that" in explain(words)


def json_of(words: str) -> dict[str, object]:
    found: dict[str, object] = run_here(["explain", words, "--json"]).json
    return found


def test_as_json() -> None:
    found = json_of("assistant.response_format")
    assert (found["path"], found["default"], found["required"]) == (
        "assistant.response_format",
        "auto",
        False,
    )
    assert {"name", "schema", "strict"} <= {one["name"] for one in found["fields"]}  # type: ignore[attr-defined]
    assert json_of("vector_store.description")["fixed"] is True
    assert json_of("assistant.model")["required"] is True
    kinds = run_here(["explain", "--json"]).json["kinds"]
    assert {"assistant", "file", "tool", "vector_store"} <= {one["kind"] for one in kinds}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("import", "did you mean `imports`?"),
        ("environments.keep_version", "did you mean `keep_versions`?"),
        ("moved.to.x", "it has none"),
        ("assistent", "did you mean `assistant`?"),
        ("zebra9", "the kinds are: `assistant`"),
        ("assistant.temprature", "did you mean `temperature`?"),
        ("assistant.tools.file_serch.filters", "did you mean `file_search`?"),
        ("assistant.tools.file_search.max_results", "did you mean `max_num_results`?"),
        ("assistant.temperature.low", "it has none"),
        ("assistant.", "it has: `agents`, `api`"),
        ("assistant.tool_resources.x", "has no field `tool_resources`"),
    ],
)
def test_unknown_names(words: str, says: str) -> None:
    """A slip of the pen leads to what was meant, at the depth where it was made."""
    assert says in explain(words, code=1)


def test_nothing_is_imported_that_is_not_needed() -> None:
    """A field that the table says everything of is there at once."""
    heavy = (
        "provisioner.kinds.common",
        "provisioner.workspace",
        "yaml",
        "openai",
        "httpx2",
        "jinja2",
        "deepdiff",
    )
    code = (
        "import sys; from provisioner.cli import app; app.run(['explain', 'assistant.temperature'])"
        f"; print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "word, places",
    [
        ("accept_loss", "it stands in `environments.accept_loss`"),
        ("api", "it stands in `assistant.api`, `environments.api`"),
        ("temprature", "the kinds are: "),
    ],
)
def test_a_field_alone_is_found(word: str, places: str) -> None:
    """Who asks for a field without its kind hears where it stands."""
    assert places in explain(word, code=1)
