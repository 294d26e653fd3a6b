from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.model import Address, Problem
from provisioner.workspace import Specs, Workspace

from .shapes import BAD, GOOD


def compiled(
    root: Path, spec: Any, files: dict[str, str] | None = None, api: str = "responses"
) -> Specs:
    """A workspace on disk with one spec (JSON is YAML), seen by its one environment."""
    (root / "specs").mkdir()
    (root / "specs" / "all.yaml").write_text(json.dumps(spec), encoding="utf-8")
    settings = {"workspace": "acme", "environments": {"local": {"service": "local", "api": api}}}
    (root / "provisioner.yaml").write_text(json.dumps(settings), encoding="utf-8")
    for name, text in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Workspace.open(root).compile("local")


def errors(specs: Specs) -> list[Problem]:
    return [problem for problem in specs.problems if problem.severity == "error"]


WHOLE: dict[str, Any] = {
    "vector_stores": {
        "kb": {
            "name": "Handbook",
            "description": "Rules",
            "metadata": {"team": "hr"},
            "expires_after": {"anchor": "last_active_at", "days": 30},
            "chunking": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
            "other_files": "remove",
            "files": [
                {
                    "path": "docs/**/*.md",
                    "exclude": ["docs/drafts/**"],
                    "attributes": {"from": "${file.path}", "year": 2026},
                },
                {"path": "docs/b.md", "chunking": "auto", "attributes": {"year": 2027}},
                {"path": "docs/b.md", "only": ["local"], "attributes": {"here": True}},
                {"id": "file-1"},
            ],
        }
    },
    "tools": {"weather": {"strict": True, "parameters": {"file": "tools/weather.json"}}},
    "assistants": {
        "support": {
            "model": "gpt-4o",
            "instructions": {"files": ["prompts/a.md", "prompts/b.md"]},
            "tools": [
                {"type": "file_search", "vector_stores": ["kb"], "max_num_results": 8},
                {"type": "code_interpreter", "files": ["data/prices.csv"]},
                {"use": "weather"},
            ],
            "lifecycle": {"protect": True, "ignore_changes": ["description"]},
        }
    },
    "files": {
        "sales": {
            "path": "data/sales.csv",
            "expires_after": {"anchor": "created_at", "seconds": 3600},
        }
    },
}
CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
FILES = {
    "docs/a.md": "a",
    "docs/b.md": "b",
    "docs/drafts/c.md": "c",
    "prompts/a.md": "First.\n",
    "prompts/b.md": "Second.",
    "tools/weather.json": json.dumps(CLOSED),
    "data/prices.csv": "a,b\n",
    "data/sales.csv": "c,d\n",
}


def test_a_whole_workspace_becomes_neutral_fields(tmp_path: Path) -> None:
    """Every kind, through the real YAML, files and names."""
    specs = compiled(tmp_path, WHOLE, FILES)
    assert specs.problems == []
    support = specs.desired[Address.parse("assistant.support")]
    assert support.protect and support.ignore_changes == ("description",)
    assert support.fields == {
        "model": "gpt-4o",
        "instructions": "First.\n\nSecond.",
        "tools": [
            {"type": "file_search", "vector_stores": ["vector_store.kb"], "max_num_results": 8},
            {"type": "code_interpreter", "files": ["file.data/prices.csv"]},
            {"type": "function", "name": "weather", "strict": True, "parameters": CLOSED},
        ],
    }
    assert set(support.depends_on) == {
        Address.parse("vector_store.kb"),
        Address.parse("file.data/prices.csv"),
    }
    store = specs.desired[Address.parse("vector_store.kb")].fields
    assert store["files"] == {
        "docs/a.md": {"file": "file.docs/a.md", "attributes": {"from": "docs/a.md", "year": 2026}},
        "docs/b.md": {
            "file": "file.docs/b.md",
            "attributes": {"from": "docs/b.md", "year": 2027, "here": True},
            "chunking": "auto",
        },
        "id:file-1": {"id": "file-1"},
    }
    sales = specs.desired[Address.parse("file.data/sales.csv")].fields
    assert sales["expires_after"] == {"anchor": "created_at", "seconds": 3600}
    assert sales["purpose"] == "assistants"
    assert Address.parse("file.docs/drafts/c.md") not in specs.desired


@pytest.mark.parametrize("case", BAD)
def test_every_bad_shape_is_a_problem_with_a_place(case: str, tmp_path: Path) -> None:
    """In plain words, at a line of the spec, without the words of a library."""
    kind_name, written = BAD[case]
    found = errors(compiled(tmp_path, {f"{kind_name}s": {"support": written}}))
    assert found
    for problem in found:
        assert problem.file == "specs/all.yaml" and problem.line
        text = f"{problem.summary} {problem.detail} {problem.hint}"
        assert not any(
            word in text for word in ("Input should", "pydantic", "<text>", "Traceback", "[key]")
        ), text


@pytest.mark.parametrize(
    "case", [case for case, (kind_name, _) in GOOD.items() if kind_name in ("tool", "file")]
)
def test_good_shapes_of_small_kinds_have_no_problem(case: str, tmp_path: Path) -> None:
    """What the model takes, the workspace takes."""
    kind_name, written = GOOD[case]
    written = {
        key: value
        for key, value in written.items()
        if key not in ("only", "vector_stores", "strict")
    }
    assert errors(compiled(tmp_path, {f"{kind_name}s": {"support": written}}, FILES)) == []


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [("empty.md", "", 1), ("table.csv", "a,b\n", 1), ("UPPER.MD", "x", 0), ("note.txt", "x", 0)],
)
def test_files_that_a_store_cannot_hold(
    name: str, content: str, count: int, tmp_path: Path
) -> None:
    """Empty files and refused extensions are each reported once, with the file's name."""
    found = errors(
        compiled(tmp_path, {"vector_stores": {"kb": {"files": [name]}}}, {name: content})
    )
    assert len(found) == count
    assert all(f"`{name}`" in problem.detail for problem in found)


def test_a_file_beyond_512_mb(tmp_path: Path) -> None:
    """The limit is the service's; a sparse file costs nothing here."""
    for name, size in (("fits.md", 512 * 1024 * 1024), ("large.md", 512 * 1024 * 1024 + 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    found = errors(compiled(tmp_path, {"vector_stores": {"kb": {"files": ["large.md"]}}}))
    assert [problem.summary for problem in found] == ["File too large"]
