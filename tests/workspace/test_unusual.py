"""Specs that look odd and are good: no problem, not even a warning."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.workspace import Workspace

A = "assistants:\n  a:\n    model: m\n"


def link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


def G(text: str) -> dict[str, Any]:
    return {"specs/x.yaml": text}


GOOD: dict[str, dict[str, Any]] = {
    "minimal": G(A),
    "json": {"specs/x.yml": '{"assistants": {"a": {"model": "m", "temperature": 1}}}'},
    "crlf bom": {"specs/x.yaml": b"\xef\xbb\xbf" + A.replace("\n", "\r\n").encode()},
    "merge": G(
        "x-base: &b {model: m, temperature: 0.5, lifecycle: {protect: yes}}\n"
        "assistants:\n"
        "  a:\n"
        "    <<: *b\n"
        "    top_p: 1\n"
        "  b: {<<: [*b], name: B}\n"
        "  c: *b\n"
    ),
    "x anchors odd": G("x-a: {on: yes, v: 1.10, d: 2026-01-01, 5: x}\nx-b: [no, off]\n" + A),
    "alias tools": G(
        "x-t: &t [{type: function, name: f}, code_interpreter]\n"
        "assistants:\n"
        "  a: {model: m, tools: *t}\n"
        "  b: {model: m, tools: *t}\n"
    ),
    "yes bool": G("assistants:\n  a: {model: m, lifecycle: {protect: on}}\n"),
    "doc start end": G("%YAML 1.1\n---\n" + A + "...\n"),
    "quoted keys": G("\"assistants\":\n  'a':\n    \"model\": 'm'\n"),
    "nfd names": {
        "specs/x.yaml": (
            "vector_stores:\n  k:\n    files: ['d/"
            + unicodedata.normalize("NFC", "café")
            + ".md', 'd/*.md']\n"
        ),
        "d/" + unicodedata.normalize("NFD", "café") + ".md": "x",
    },
    "nfd spec": {
        "specs/x.yaml": (
            "vector_stores:\n  k:\n    files: ['d/"
            + unicodedata.normalize("NFD", "café")
            + ".md']\n"
        ),
        "d/" + unicodedata.normalize("NFC", "café") + ".md": "x",
    },
    "spaces quotes": {
        "specs/x.yaml": (
            "vector_stores:\n"
            "  k:\n"
            "    files: [\"d/it's a \\\"test\\\".md\", 'd/a b.md', 'd/[1].md', 'd/#x.md', 'd/a, "
            "b.md', 'd/-.md', 'd/$x.md']\n"
        ),
        'd/it\'s a "test".md': "x",
        "d/a b.md": "x",
        "d/[1].md": "x",
        "d/#x.md": "x",
        "d/a, b.md": "x",
        "d/-.md": "x",
        "d/$x.md": "x",
    },
    "links inside": {
        "specs/x.yaml": "vector_stores:\n  k:\n    files: [d/l.md, 'dd/*.md']\n",
        "real/a.md": "x",
        "d/l.md": link("../real/a.md"),
        "dd": link("real"),
    },
    "link circle folder": {
        "specs/x.yaml": "vector_stores:\n  k:\n    files: ['d/**/*.md']\n",
        "d/a.md": "x",
        "d/up": link(".."),
    },
    "spec link": {"specs/x.yaml": link("../shared/a.yaml"), "shared/a.yaml": A},
    "vars all": {
        "specs/x.yaml": (
            "vector_stores: {k: {id: '${var.s}'}}\n"
            "assistants:\n"
            "  a: {model: '${var.m}', temperature: '${var.f}', top_p: '${ var.i }', name: "
            "'${environment}-${var.i}', description: 'cost $${5} $5 $$ {x}', lifecycle: "
            "{protect: '${var.b}'}, metadata: {x: 'v${var.f}', '${x}': y}, tools: [{type: "
            "file_search, vector_stores: [k], max_num_results: '${var.n}'}]}\n"
        ),
        "provisioner.yaml": "variables: {s: vs_1, m: gpt, f: 0.5, i: 1, b: true, n: 8}\n",
    },
    "var required env": {
        "specs/x.yaml": "assistants: {a: {model: '${var.m}', temperature: '${var.t}'}}",
        "provisioner.yaml": (
            "variables: {m: null, t: null}\nenvironments: {local: {service: local, variables: {t:"
            " 0.3}}}\n"
        ),
    },
    "file attr": {
        "specs/x.yaml": (
            "vector_stores:\n"
            "  k:\n"
            "    files: [{path: d/a.md, attributes: {a: '$${file.path}', b: '${file.path}', "
            "c: 'x ${file.stem} $${file.name}', d: 1.5, e: true, f: '${environment}'}}]\n"
        ),
        "d/a.md": "x",
    },
    "only": {
        "specs/x.yaml": (
            "vector_stores:\n"
            "  k: {only: [s], files: [{path: d/a.md, only: [s]}]}\n"
            "assistants:\n"
            "  a: {model: m, only: [s], tools: [{type: file_search, vector_stores: [k]}]}\n"
        ),
        "d/a.md": "x",
        "provisioner.yaml": "environments: {s: {service: local}, p: {service: openai}}\n",
    },
    "prompt placeholders": {
        "specs/x.yaml": "assistants: {a: {model: m, instructions: {file: p.md}}}",
        "p.md": "Use ${HOME} and {{x}} and ${vars.nope}",
    },
    "prompts many": {
        "specs/x.yaml": "assistants: {a: {model: m, instructions: {files: [p.md, q.md]}}}",
        "p.md": b"\xef\xbb\xbfhi\r\n",
        "q.md": "x",
    },
    "empty text": G(
        "assistants: {a: {model: m, instructions: '', description: '', name: null, "
        "metadata: {}, tools: [], temperature: null}}"
    ),
    "nulls": G(
        "assistants:\n"
        "  a:\n"
        "    model: m\n"
        "    tools:\n"
        "    name:\n"
        "    metadata:\n"
        "    instructions: ~\n"
        "    response_format:\n"
    ),
    "null sections": G("assistants:\nvector_stores:\ntools: {}\nimports:\n" + "files: {}\n"),
    "schema prop file": G(
        "assistants: {a: {model: m, tools: [{type: function, name: f, parameters: {type: "
        "object, properties: {file: {type: string}, 'on': {type: boolean}}}}]}}"
    ),
    "schema yaml": {
        "specs/x.yaml": (
            "assistants: {a: {model: m, tools: [{type: function, name: f, strict: true, parameters:"
            " {file: s.yaml}}]}}"
        ),
        "s.yaml": (
            "type: object\n"
            "properties: {a: {type: [string, 'null'], enum: ['NO', null]}}\n"
            "required: [a]\n"
            "additionalProperties: false\n"
        ),
    },
    "recursive schema": G(
        "assistants:\n"
        "  a:\n"
        "    model: m\n"
        "    response_format: {type: json_schema, name: x, strict: true, schema: {type: "
        "object, properties: {c: {anyOf: [{$ref: '#'}, {type: 'null'}]}}, required: [c], "
        "additionalProperties: false}}\n"
    ),
    "bool schema": G(
        "assistants:\n"
        "  a: {model: m, tools: [{type: function, name: f, parameters: {}}, {type: "
        "function, name: g, parameters: {type: object, properties: {x: true}}}]}\n"
    ),
    "unicode": G(
        "assistants:\n"
        "  a: {model: m, name: '支持 😀', description: \"Zürich\\u00e9\", metadata: {ключ: "
        "значение, 'a b': c}, instructions: \"x\u2028y\"}\n"
    ),
    "numbers": G(
        "assistants:\n"
        "  a: {model: m, temperature: 1, top_p: 0.50}\n"
        "  b: {model: m, temperature: 2.0, top_p: 0}\n"
        "  c: {model: m, temperature: +1, top_p: 1.}\n"
    ),
    "15 meta": G(
        "assistants:\n  a: {model: m, metadata: {"
        + ", ".join(f'k{i}: "{i}"' for i in range(15))
        + "}}\n"
    ),
    "128 tools": G(
        "assistants:\n  a:\n    model: m\n    tools:\n"
        + "".join(f"      - {{type: function, name: f{i}}}\n" for i in range(128))
    ),
    "a hundred levels": G("x-a: " + "[" * 99 + "1" + "]" * 99 + "\n" + A),
    "a hundred levels of aliases": G(
        "x-0: &a0 {a: 1}\n" + "".join(f"x-{n}: &a{n} {{a: *a{n - 1}}}\n" for n in range(1, 99)) + A
    ),
    "deep dirs": {"specs/a/b/c/d.yaml": A, "specs/a/z.yml": "assistants: {b: {model: m}}"},
    "hidden glob": {
        "specs/x.yaml": "vector_stores: {k: {files: ['.hidden/*.md', 'd/.x.md', '**/*.md']}}",
        ".hidden/a.md": "x",
        "d/.x.md": "x",
        "d/y.md": "x",
    },
    "moved removed": G(
        "moved: [{from: assistant.old, to: assistant.a}]\n"
        "removed: [{from: vector_store.x, destroy: false}]\n"
        "imports: [{to: assistant.a, id: asst_1}]\n" + A
    ),
    "files run": {
        "specs/x.yaml": (
            "files:\n"
            "  s: {path: data/s.csv}\n"
            "  t: {path: ./data//t.jsonl, purpose: batch}\n"
            "assistants: {a: {model: m, tools: [{type: code_interpreter, files: [data/s.csv]}]}}"
        ),
        "data/s.csv": "x",
        "data/t.jsonl": "{}",
    },
    "x keys cfg": {
        "specs/x.yaml": A,
        "provisioner.yaml": (
            "x-c: &c {service: openai}\n"
            "workspace: a.b_c-1\n"
            "environments:\n"
            "  p: *c\n"
            "  q: {<<: *c, lock: {git: {branch: b, path: p.json}}, accept_loss: "
            "[temperature, 'assistant.a#top_p']}\n"
        ),
    },
    "same name kinds": G("assistants: {a: {model: m}}\nvector_stores: {a: {}}\ntools: {a: {}}\n"),
    "long name": G("assistants:\n  " + "a" * 64 + ": {model: m}\n  a-b_c9: {model: m}\n"),
    "block text": G(
        "assistants:\n"
        "  a:\n"
        "    model: m\n"
        "    instructions: |+\n"
        "      # not a comment: x\n"
        "      - *.md ${environment}\n"
        "\n"
        "\n"
        "    description: >-\n"
        "      a\n"
        "      b\n"
    ),
    "lone dollar": G(
        "assistants: {a: {model: m, description: 'a $ b $$ c $x $(y)', name: '100%', "
        "metadata: {a: '@x', b: '*', c: '&y', d: '!z'}}}"
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_good(tmp_path, monkeypatch, name):
    """Nothing is told of it."""
    monkeypatch.setenv("PROVISIONER_VAR_m", "gpt")
    for file, content in GOOD[name].items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    workspace = Workspace.open(tmp_path)
    assert workspace.problems() == []
    assert any(
        workspace.compile(one).desired or "sections" in name for one in workspace.environments
    )


def test_a_placeholder_of_a_file_can_be_literal(tmp_path):
    """`$${file.path}` comes out as `${file.path}`, in attributes as everywhere."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "a.md").write_text("x")
    attributes = "{a: '$${file.path}', b: '${file.path}', c: '${file.stem} $${file.name} $${x}'}"
    spec = (
        "vector_stores: {k: {description: '$${file.path}', files: [{path: a.md, attributes:"
        f" {attributes}}}]}}}}"
    )
    (tmp_path / "specs/x.yaml").write_text(spec)
    specs = Workspace.open(tmp_path).compile("local")

    store = next(
        one.fields for address, one in specs.desired.items() if address.kind == "vector_store"
    )
    assert specs.problems == []
    assert store["description"] == "${file.path}"
    assert store["files"]["a.md"]["attributes"] == {
        "a": "${file.path}",
        "b": "a.md",
        "c": "a ${file.name} ${x}",
    }
