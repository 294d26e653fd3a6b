"""A workspace with every parameter that the Assistants API carries, and what becomes of it: edits,
nulls, removals.
"""

from __future__ import annotations

import copy
from typing import Any

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
STORE: dict[str, Any] = {
    "name": "Knowledge",
    "description": "What we know",
    "expires_after": {"anchor": "last_active_at", "days": 30},
    "metadata": {"team": "hr", "old": "1"},
    "chunking": {"max_chunk_size_tokens": 400, "chunk_overlap_tokens": 100},
    "files": [
        "docs/*.md",
        {
            "path": "docs/b.md",
            "attributes": {"team": "legal", "year": 2026, "draft": False},
            "chunking": "auto",
        },
    ],
}
ASSISTANT: dict[str, Any] = {
    "name": "Full",
    "description": "Everything at once",
    "model": "gpt-4o",
    "instructions": "Be brief.\n",
    "tools": [
        {
            "type": "file_search",
            "vector_stores": ["kb"],
            "max_num_results": 8,
            "ranking_options": {"score_threshold": 0.2},
        },
        {"type": "code_interpreter", "files": ["data/x.csv", "data/y.csv"]},
        {
            "type": "function",
            "name": "find",
            "description": "Finds",
            "parameters": SCHEMA,
            "strict": True,
        },
        {"type": "function", "name": "bare"},
    ],
    "temperature": 0.3,
    "top_p": 0.9,
    "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "name": "answer",
        "description": "d",
        "strict": True,
        "schema": SCHEMA,
    },
    "metadata": {"team": "support", "old": "1"},
}
SPEC: dict[str, Any] = {
    "vector_stores": {"kb": STORE, "bare": {"files": ["docs/a.md"]}},
    "assistants": {"full": ASSISTANT, "plain": {"model": "gpt-4o"}},
    "files": {
        "run": {"path": "data/run.csv", "expires_after": {"anchor": "created_at", "seconds": 86400}}
    },
}
FILES: dict[str, Any] = {
    "specs/all.yaml": SPEC,
    "docs/a.md": "# A\n",
    "docs/b.md": "# B\n",
    "docs/c.md": "# C\n",
    "data/x.csv": "a,b\n1,2\n",
    "data/y.csv": "a,b\n3,4\n",
    "data/run.csv": "c\n1\n",
}


def edited() -> dict[str, Any]:
    """Every field another value, one file other bytes, one file gone."""
    spec = copy.deepcopy(SPEC)
    store, assistant = spec["vector_stores"]["kb"], spec["assistants"]["full"]
    store |= {"name": "Knowledge 2", "description": "All we know", "metadata": {"team": "it"}}
    store["expires_after"]["days"] = 60
    store["files"][1]["attributes"] = {"team": "it", "year": 2027}
    assistant |= {
        "name": "Full 2",
        "description": "More",
        "instructions": "Be long.\n",
        "model": "gpt-4o-mini",
    }
    assistant |= {
        "temperature": 0.5,
        "top_p": 0.8,
        "reasoning_effort": "high",
        "metadata": {"team": "it"},
    }
    assistant["response_format"] = "json_object"
    assistant["tools"] = [
        assistant["tools"][3],
        {**assistant["tools"][0], "max_num_results": 4},
        "code_interpreter",
    ]
    return {"specs/all.yaml": spec, "docs/a.md": "# A, second\n", "docs/c.md": None}


def nulled() -> dict[str, Any]:
    """What may be null is null."""
    spec = copy.deepcopy(SPEC)
    names = (
        "name",
        "description",
        "instructions",
        "temperature",
        "top_p",
        "reasoning_effort",
        "response_format",
        "metadata",
    )
    spec["assistants"]["full"] |= dict.fromkeys(names)
    spec["assistants"]["full"]["tools"] = []
    return {"specs/all.yaml": spec, "docs/c.md": "# C\n"}


def bare() -> dict[str, Any]:
    """Everything that may be left out is left out."""
    spec = {
        "vector_stores": {"kb": {"files": ["docs/*.md"]}, "bare": {"files": ["docs/a.md"]}},
        "assistants": {"full": {"model": "gpt-4o"}, "plain": {"model": "gpt-4o"}},
        "files": SPEC["files"],
    }
    return {"specs/all.yaml": spec}
