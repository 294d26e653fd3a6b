"""What is known to be valid without a model: it is the same as what the model says, or nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from provisioner.kinds import kinds
from provisioner.kinds.table import as_written
from tests.kinds.declared.memory import MemoryScope
from tests.support.variants import variants

GOOD: tuple[dict[str, Any], ...] = (
    {"model": "gpt-4o"},
    {
        "name": "Support",
        "model": "gpt-4o",
        "description": None,
        "instructions": "Be brief.",
        "tools": [
            "code_interpreter",
            {"use": "weather"},
            {
                "type": "function",
                "name": "find",
                "description": "Find a record",
                "strict": True,
                "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
            },
            {"type": "file_search", "vector_stores": ["kb"], "max_num_results": 8},
        ],
        "temperature": 1,
        "top_p": 0.5,
        "reasoning_effort": "low",
        "metadata": {"team": "support"},
        "api": "assistants",
    },
    {
        "model": "gpt-4o",
        "instructions": {"file": "a.md"},
        "tools": [{"type": "code_interpreter", "files": ["a.csv"]}],
        "response_format": {
            "schema": {"type": "object", "properties": {"default": {"type": "null"}}},
            "type": "json_schema",
            "name": "ticket",
            "strict": False,
        },
    },
    {"model": "gpt-4o", "instructions": {"files": ["a.md"]}, "response_format": "json_object"},
)
ODD = (
    *(None, True, 0, -1, 2, 51, 1.5, float("nan"), float("inf"), 10**30, "", "a\n", "a b", "auto"),
    *("x" * 65, "x" * 257, "x" * 513, [], [None], ["a", "a"], [{}], {}, {"id": "vs_1"}),
    *({"file": ""}, {"file": "a", "files": []}, {"type": "mcp"}, {"type": ["function"]}),
    *({"provisioner": "x"}, {"a": 1}, {"": "a"}, {f"k{n}": "v" for n in range(16)}),
    *(["a"] * 129, ["code_interpreter"] * 129, {"only": ["prod"]}),
)
NAMES = ("only", "lifecycle", "api", "strict", "filters", "kind")


@pytest.mark.parametrize("good", GOOD)
def test_what_is_recognized_is_valid(good: dict[str, Any]) -> None:
    """Whatever is taken without the model is taken by the model as well, and says the same."""
    assistant = kinds()["assistant"]
    seen = 0
    for value in variants(good, ODD, NAMES):
        known = assistant.recognized(value)
        if known is None:
            continue
        seen += 1
        spec = assistant.spec.model_validate(value)
        scopes = MemoryScope(), MemoryScope()
        for scope in scopes:
            scope.files = defaultdict(lambda: {"type": "object"})
            scope.tools = {"weather": {"type": "function", "name": "weather"}}
        declared = [
            assistant.declare(one, scope) for one, scope in zip((known, spec), scopes, strict=True)
        ]
        assert repr(declared[0]) == repr(declared[1]), value
        assert scopes[0].findings == scopes[1].findings, value
        assert known.api == spec.api, value
    assert seen


@pytest.mark.parametrize("good", GOOD)
def test_what_most_specs_say_is_recognized(good: dict[str, Any]) -> None:
    """No model is imported for it."""
    assert kinds()["assistant"].recognized(good) is not None


def test_what_is_left_out_is_what_the_model_says() -> None:
    """Of every kind: a declaration that is recognized has the attributes of the model, those that
    nobody has written included.
    """
    seen = set()
    for name, kind in kinds().items():
        for value in kind.examples:
            known = kind.recognized(value)
            if known is not None:
                seen.add(name)
                spec = kind.spec.model_validate(value)
                said = {
                    one.name: getattr(spec, one.name) for one in kind.fields if one.sort.written
                }
                assert {one: as_written(getattr(known, one)) for one in said} == {
                    one: as_written(value) for one, value in said.items()
                }
    assert {"assistant", "file"} <= seen


def test_what_is_shared_is_not_recognized() -> None:
    """A kind without a table of fields has nothing by which it could be known."""
    assert kinds()["tool"].recognized({}) is None
