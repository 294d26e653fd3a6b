"""Specs as they go wrong: every problem with its place and a remedy, and nothing told that only
follows from another.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from provisioner.workspace import Workspace
from provisioner.workspace.explain.findings import STAND_IN
from tests.workspace.conftest import reported

A = "assistants:\n  a:\n    model: m\n"
FS = "vector_stores:\n  k:\n    files: "
NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))

# Name: the files, and the problems as `file:line:column summary | hint` (of the hint a part).
BAD: dict[str, tuple[dict[str, str | bytes], list[str]]] = {
    "a tool that is text": (
        {"x": "tools: {t: get_weather}\n"},
        ["x:1:12 Invalid value | write a mapping"],
    ),
    "a fault in the response format hides none": (
        {
            "x": (
                A
                + "    instructions: {file: none.md}\n    response_format: {type: xml}\n    tools:"
                " [{use: nope}]\n"
            )
        },
        [
            "x:4:26 File not found | paths begin at the workspace root",
            "x:5:29 Invalid value | the types are json_object, json_schema, text",
            "x:6:19 Unknown reference | declare it",
        ],
    ),
    "a nested response format": (
        {
            "x": (
                A + "    response_format: {type: json_schema, json_schema: {name: x}}\n    tools:"
                " [{use: nope}]\n"
            )
        },
        [
            "x:4:55 Invalid value | beside `type: json_schema`",
            "x:5:19 Unknown reference | declare it",
        ],
    ),
    "a missing schema": (
        {"x": A + "    response_format: {type: json_schema, name: x}\n"},
        ['x:4:5 Missing key | write `schema: {"file": "schemas/ticket.json"}`'],
    ),
    "too many tools hide none": (
        {
            "x": (
                A
                + "    tools:\n"
                + "".join(f"      - {{type: function, name: f{n}}}\n" for n in range(128))
                + "      - {use: x}\n"
            )
        },
        ["x:4:5 Too many entries | take 1 of them away"],
    ),
    "bad names of functions": (
        {
            "x": (
                A + "    tools: [{type: function, name: get weather}, {type: function, name: ''},"
                " {type: function}]\n"
            )
        },
        [
            "x:4:36 Invalid value | did you mean `get_weather`?",
            "x:4:73 Invalid value | for example `name: get_weather`",
            "x:4:78 Missing key | write `name: get_weather`",
        ],
    ),
    "a misspelt key is not missing as well": (
        {"x": "assistants: {a: {modle: m}}\n"},
        ["x:1:18 Unknown key | `model`"],
    ),
    "keys that exclude each other": (
        {"x": "tools: {t: {}}\n" + A + "    tools: [{use: t, strict: true}]\n"},
        ["x:5:22 Unknown key | it does not go with `use`"],
    ),
    "an id beside fields": (
        {"x": "vector_stores: {k: {id: vs_1, name: n}}\n"},
        ["x:1:21 Unknown key | stands alone"],
    ),
    "text for a list": (
        {"x": A + "    only: prod\n    tools: code_interpreter\n"},
        [
            "x:4:11 Wrong type | write `only: [prod]`",
            "x:5:12 Wrong type | write `tools: [code_interpreter]`",
        ],
    ),
    "numbers in quotes": (
        {"x": A + "    temperature: '0.5'\n    top_p: 1e-1\n    lifecycle: {protect: 'true'}\n"},
        [
            "x:4:18 Wrong type | write `0.5` without quotes",
            "x:5:12 Wrong type | write `0.1` without quotes",
            "x:6:26 Wrong type | write `true` without quotes",
        ],
    ),
    "nothing after the colon": (
        {"x": "assistants: {a: {model: }}\n"},
        ["x:1:25 Wrong type | write `model: gpt-4o`"],
    ),
    "a blank is missing": (
        {"x": "assistants:\n  a:\n    model:m\n"},
        ["x:3:5 Wrong type | write a space after the colon: `model: m`"],
    ),
    "a blank is missing above": (
        {"x": A + "    name:x\n    top_p: 1\n"},
        ["x:4:5 Invalid YAML | write `name: x`"],
    ),
    "a dash without a blank": (
        {"x": A + "    tools:\n    -a\n"},
        ["x:5:5 Invalid YAML | write `- a`"],
    ),
    "a colon is missing": (
        {"x": "assistants\n  a:\n    model: m\n"},
        ["x:2:4 Invalid YAML | write `assistants:`"],
    ),
    "an at sign": (
        {"x": "assistants:\n  a: {model: @m}\n"},
        ['x:2:14 Invalid YAML | write `"@m"`'],
    ),
    "quotes and a colon": (
        {"x": A + '    name: He said: "x"\n'},
        ["x:4:18 Invalid YAML | write `name: 'He said: \"x\"'`"],
    ),
    "a template's braces": (
        {"x": "assistants: {a: {model: {{var.m}}}}\n"},
        ['x:1:25 Invalid key | write `"${var.m}"`'],
    ),
    "keys that are not text": (
        {"x": "assistants:\n  ~: {model: m}\n  5: {model: m}\n  ? [a]\n  : {model: m}\n"},
        ['x:2:3 Invalid key | "~"', 'x:3:3 Invalid key | "5"', "x:4:5 Invalid key | write text"],
    ),
    "keys that are too long or ours": (
        {"x": A + f"    metadata: {{provisioner: x, {'k' * 65}: v}}\n"},
        ["x:4:16 Invalid key | another key", "x:4:32 Invalid key | shorten it by 1 characters"],
    ),
    "a merge of no mapping": (
        {"x": "assistants:\n  a:\n    <<: 5\n    model: m\n"},
        ["x:3:9 Invalid merge | `*x`"],
    ),
    "a fault in an anchor is one fault": (
        {"x": "x-b: &b {model: m, temperature: 3}\nassistants:\n  a: *b\n  b: {<<: *b}\n"},
        ["x:1:33 Value out of range | 0.2 is focused, 1 is the default"],
    ),
    "surprises among variables": (
        {"x": A, "provisioner.yaml": "variables: {v: 1.10, c: NO}\n"},
        [
            'provisioner.yaml:1:16 Surprising YAML value | "1.10"',
            'provisioner.yaml:1:25 Surprising YAML value | "NO"',
        ],
    ),
    "a variable of a wrong type": (
        {
            "x": A + "    metadata: {n: '${var.n}'}\n    top_p: ${var.m}\n",
            "provisioner.yaml": "variables: {n: 3, m: x}\n",
        },
        [
            "x:4:19 Invalid value | put the value of `n` in quotes where it is given",
            "x:5:12 Wrong type | change the value of `m`",
        ],
    ),
    "an open placeholder": (
        {"x": A + "    name: a ${var.m\n"},
        ["x:4:11 Unfinished placeholder | write `${var.m}`"],
    ),
    "a placeholder is told once": (
        {"x": FS + "[{path: a.md, attributes: {p: '${file.pth}'}}]\n", "a.md": "x"},
        ["x:3:42 Unknown placeholder | did you mean `file.path`?"],
    ),
    "a variable in `only`": (
        {"x": A + "    only: ['${environment}']\n"},
        ["x:4:12 Unknown environment | environments are: `local`"],
    ),
    "`only` of an external": (
        {"x": "vector_stores: {k: {id: vs_1, only: [loca]}}\n"},
        ["x:1:38 Unknown environment | did you mean `local`?"],
    ),
    "`only` of mappings": ({"x": A + "    only: [{a: b}]\n"}, ["x:4:12 Wrong type | write text"]),
    "UTF-16 settings": (
        {"x": A, "provisioner.yaml": "workspace: x".encode("utf-16")},
        ["provisioner.yaml:1:1 Not UTF-8 | "],
    ),
    "UTF-16 without a mark": (
        {"x": A.encode("utf-16-be")},
        ["x:1:1 Not UTF-8 | save the file as UTF-8"],
    ),
    "another name for the settings": (
        {"x": A, "provisioner.yml": "workspace: x"},
        ["provisioner.yml:None:None Wrong file name | rename it to `provisioner.yaml`"],
    ),
    "locks that are the same": (
        {
            "x": A,
            "provisioner.yaml": (
                "environments:\n  s: {service: openai, lock: a.json}\n"
                "  t: {service: openai, lock: ./a.json}\n  u: {service: openai, lock: .}\n"
            ),
        },
        [
            "provisioner.yaml:3:3 Shared lock | ",
            "provisioner.yaml:4:30 Invalid value | like `locks/prod.lock.json`",
        ],
    ),
    "environments without a service": (
        {"x": A, "provisioner.yaml": "environments:\n  s: {servce: openai}\n  t: {}\n"},
        [
            "provisioner.yaml:2:7 Unknown key | `service`",
            "provisioner.yaml:3:3 Missing key | write `service: local`",
        ],
    ),
    "a prompt that is a pattern": (
        {"x": A + "    instructions: {file: p/*.md}\n", "p/a.md": "x"},
        ["x:4:26 File not found | did you mean `p/a.md`?"],
    ),
    "a URL for a file": (
        {"x": FS + "['https://a.b/c.md']\n"},
        ["x:3:13 File not found | download it"],
    ),
    "JSON that is nested deeply": (
        {
            "x": A + "    tools: [{type: function, name: f, parameters: {file: s.json}}]\n",
            "s.json": "[" * 300 + "]" * 300,
        },
        ["x:4:58 Nested too deeply | flatten it"],
    ),
    "no YAML below specs": (
        {"specs/a.YAML": "x", "specs/a.json": "{}"},
        ["specs:None:None No specs | rename `specs/a.YAML`"],
    ),
    "only JSON below specs": (
        {"specs/data/a.json": "[]", "specs/x.json": "{}"},
        ["specs:None:None No specs | rename `specs/x.json`"],
    ),
    "a schema in YAML below specs": (
        {
            "x": (
                A + "    tools: [{type: function, name: f, parameters: {file:"
                " ./specs/f.yaml}}]\nassistents: {}\n"
            ),
            "specs/f.yaml": "type: object\nproperties: {}\n",
        },
        [
            "specs/f.yaml:1:1 Unknown section | move it out of `specs/`, or write a schema as JSON",
            "x:5:1 Unknown section | did you mean `assistants`?",
        ],
    ),
    "documents in YAML below specs": (
        {
            "x": (
                A + "    tools: [{type: code_interpreter, files: [specs/d/a.yml, specs/d/b.yml]}]\n"
            ),
            "specs/d/a.yml": "a: 1\n",
            "specs/d/b.yml": "b: {}\n",
        },
        [
            "specs/d/a.yml:1:1 Unknown section | move it out of `specs/`",
            "specs/d/b.yml:1:1 Unknown section | move it out of `specs/`",
            "x:4:45 Unusual extension | convert it",
        ],
    ),
    "only a JSON Schema below specs": (
        {"specs/functions/a.json": "{}"},
        ["specs:None:None No specs | `provisioner init` writes a starter workspace"],
    ),
    "a nested chunking": (
        {
            "x": (
                "vector_stores:\n  k:\n    chunking: {type: static, static: {max_chunk_size_tokens:"
                " 800}}\n"
            )
        },
        ["x:3:38 Invalid value | directly below `chunking`"],
    ),
    "a filter of no type": (
        {"x": A + "    tools: [{type: file_search, filters: {type: nor, filters: []}}]\n"},
        ["x:4:49 Unknown value | did you mean `or`?", "x:4:63 Too few entries | write something"],
    ),
    "line ends of other alphabets": (
        {"x": 'assistants:\n  a:\n    name: "x\u2028y"\n    model: m\n    temperature: 3\n'},
        ["x:5:18 Value out of range | 0.2"],
    ),
    "letters before the place": (
        {"x": "assistants: {a: {model: m, name: '😀 é', top_p: 3}}\n"},
        ["x:1:48 Value out of range | for example `top_p: 0.95`"],
    ),
}


def _named(files: dict[str, str | bytes]) -> dict[str, str | bytes]:
    return {("specs/x.yaml" if name == "x" else name): content for name, content in files.items()}


def _agrees(found: str, hint: str | None, expected: str) -> bool:
    place, _, part = expected.partition(" | ")
    return found == (f"specs/x.yaml{place[1:]}" if place.startswith("x:") else place) and part in (
        hint or ""
    )


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong(tmp_path, name):
    """Exactly these problems, each where it is, with what to write instead."""
    files, expected = BAD[name]
    problems = _open(tmp_path, _named(files)).problems()

    found = reported(problems)
    assert len(found) == len(expected), problems
    for place, problem, wanted in zip(found, problems, expected, strict=True):
        assert _agrees(place, problem.hint, wanted), (problem, wanted)
        assert problem.hint
        assert STAND_IN not in problem.detail + problem.hint


def _open(root: Path, files: dict[str, str | bytes]) -> Workspace:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Workspace.open(root)


def test_pipes_are_not_read(tmp_path):
    """A pipe would be waited for without end; it is reported instead, wherever a file is expected."""
    spec = A + "    instructions: {file: p.md}\n" + FS + "[p.md]\n"
    workspace = _open(tmp_path, {"specs/x.yaml": spec})
    for name in ("specs/pipe.yaml", "p.md", "provisioner.yaml"):
        os.mkfifo(tmp_path / name)
    workspace = Workspace.open(tmp_path)

    assert [problem.summary for problem in workspace.problems()] == ["Not a file"] * 4


def test_two_names_of_one_form(tmp_path):
    """Two names that are the same in NFC would be one address: neither is taken silently."""
    files = {f"d/{NFC}.md": "1", f"d/{NFD}.md": "2", f"specs/{NFC}.yaml": A, f"specs/{NFD}.yaml": A}
    problems = _open(tmp_path, {"specs/x.yaml": FS + "['d/*.md']\n", **files}).problems()

    assert reported(problems) == [
        f"specs/{NFC}.yaml:None:None Two files, one name",
        "specs/x.yaml:3:13 Two files, one name",
    ]


def test_links_that_lead_nowhere(tmp_path):
    """A link in a circle, to nothing or out of the workspace is reported alone; its neighbours are
    read.
    """
    _open(
        tmp_path, {"specs/x.yaml": FS + "[d/self.md, d/dead.md, d/out.md, d/a.md]\n", "d/a.md": "x"}
    )
    for name, target in {"self.md": "self.md", "dead.md": "none", "out.md": "/etc/passwd"}.items():
        (tmp_path / "d" / name).symlink_to(target)

    assert reported(Workspace.open(tmp_path).problems()) == [
        "specs/x.yaml:3:13 Link in a circle",
        "specs/x.yaml:3:24 File not found",
        "specs/x.yaml:3:35 Path outside workspace",
    ]


def test_specs_outside_the_workspace(tmp_path):
    """`specs` itself may not lead away."""
    root = tmp_path / "w"
    _open(tmp_path, {"away/a.yaml": A, "w/a": ""})
    (root / "specs").symlink_to("../away")

    assert reported(Workspace.open(root).problems()) == ["specs:None:None Path outside workspace"]


def test_thousands_of_faults_take_no_time_to_speak_of(tmp_path):
    """Suggestions among thousands of names are bounded: this took minutes once."""
    files: dict[str, str | bytes] = {f"docs/a{number}.md": "x" for number in range(600)}
    spec = FS + "".join(f"\n      - docs/missing{number}.md" for number in range(600)) + "\n"
    problems = _open(tmp_path, {"specs/x.yaml": spec, **files}).problems()

    assert {problem.summary for problem in problems} == {"File not found"}
    assert len(problems) == 600
