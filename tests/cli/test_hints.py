"""Mistakes that people make in their first hour, and the next step that `validate` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.running import run

A = "assistants:\n  support:\n    model: gpt-4o\n"
FUNCTION = A + "    tools: [{type: function, name: f, parameters: {type: object, properties: {x: "


@pytest.mark.parametrize(
    "spec, place, hint",
    [
        (A + "      top_p: 1\n", "4:12", "begin `top_p` in column 5, below `model`"),
        (A + "      metadata:\n        a: b\n", "4:15", "begin `metadata` in column 5"),
        (
            A + "    tools:\n      - type: function\n        name: f\n          strict: true\n",
            "7:17",
            "begin `strict` in column 9, below `name`",
        ),
        (
            A + "    tools:\n      - type: function\n          name: f\n",
            "6:15",
            "begin `name` in column 9, below `type`",
        ),
        (
            A + "    description: 'Kind.'\n      top_p: 1\n",
            "5:7",
            "begin `top_p` in column 5, below `description`",
        ),
        (
            A + "    description: Be\n      kind.\n      top_p: 1\n",
            "6:12",
            "begin `top_p` in column 5, below `description`",
        ),
        (
            A + "    instructions: |  # tone\n      # Tone\n\n      Be kind.\n     top_p: 1\n",
            "8:6",
            "begin it in column 5 as a key, or in column 7 as text",
        ),
        (
            A + "    instructions: >-\n      Be kind.\n     - Be brief.\n",
            "6:6",
            "begin it in column 5 as a key, or in column 7 as text",
        ),
        (
            "assistants:\n  a:\n    instructions: |\n      Be kind.\n      model: gpt-4o\n",
            "2:3",
            "`model: gpt-4o` has become part of the text of `instructions`: begin it in the column",
        ),
        (
            A + "    tools:\n      - type: function\n        description: |\n          F.\n"
            "          name: f\n",
            "5:9",
            "`name: f` has become part of the text of `description`",
        ),
        (
            A + "    instructions: Hello: world # c\n",
            "4:24",
            'write `instructions: "Hello: world" # c`',
        ),
        ("assistants:\n  a:\n    model:gpt-4o\n    name: x\n", "4:9", "write `model: gpt-4o`"),
        (
            A + "    instructions: |\n    You are kind.\n    Be brief.\n    top_p: 1\n",
            "5:5",
            "begin each of its lines in column 7",
        ),
        (
            A + "    tools:\n      - type: function\n        description: >-\n        F.\n",
            "7:9",
            "begin each of its lines in column 11",
        ),
        (
            A + '    name: "The "best" one"\n    top_p: 1\n',
            "4:17",
            "write `name: 'The \"best\" one'`",
        ),
        (A + "    name: 'it's'\n    top_p: 1\n", "4:15", 'write `name: "it\'s"`'),
        (
            A + "    instructions: “Be: kind”  # c\n",
            "4:22",
            'write `instructions: "Be: kind"  # c`',
        ),
        (
            A + "    instructions: {{ tone }} please\n    top_p: 1\n",
            "4:30",
            'write `instructions: "{{ tone }} please"`',
        ),
        (A + "    instructions: *Be* kind  # c\n", "4:19", 'write `"*Be* kind"`'),
        ("assistants:\nvector_store:\n  kb: {}\n", "2:1", "did you mean `vector_stores`?"),
        ("assistants:\na:\n  model: m\n", "2:1", "indent it by two spaces, if it belongs below"),
        (A + "    instructions: See: #1\n", "4:22", 'write `instructions: "See: #1"`'),
        ("assistants:\n  a:\n    model:\n", "3:11", "write `model: gpt-4o`"),
        (A + "    tools: [{use: zzz}]\n", "4:19", "declare it below `tools:`\n"),
        ("assistants:\n  1st: {model: m}\n", "2:3", "did you mean `assistant_1st`?"),
        (A + "    tools: [retrieval]\n", "4:13", "write `file_search`"),
        (A + "    tools: [{type: retrieval}]\n", "4:20", "write `file_search`"),
        ("vector_stores:\n  kb: {files: [a.mdx]}\n", "2:16", "save it as `.md`"),
        (FUNCTION + "{type: null}}}}]\n", "4:89", 'write `"null"`'),
        (FUNCTION + "{type: [string, null]}}}}]\n", "4:89", 'write `"null"`'),
    ],
)
def test_the_next_step(tmp_path: Path, spec: str, place: str, hint: str) -> None:
    """One problem, where it is, and what to write instead."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "x.yaml").write_text(spec)
    (tmp_path / "a.mdx").write_text("Text.\n")

    ran = run(tmp_path, "validate")

    assert ran.code == 1
    assert ran.err.count("error: ") == 1
    assert ran.err.startswith(f"specs/x.yaml:{place}: error: "), ran.err
    assert hint in ran.err.partition("hint: ")[2]
