"""Every problem has a place, a thing and a remedy, and all problems come at once."""

from __future__ import annotations

import json
import re

import pytest

from tests.workspace.conftest import only, reported

ASSISTANT = "assistants:\n  a:\n    model: m\n"

UNREADABLE = {
    "a tab": (b"assistants:\n\ta: {}\n", "2:1 Invalid YAML", "indent with two spaces"),
    "an unquoted pattern": (
        b"vector_stores:\n  a:\n    files:\n      - *.md\n",
        "4:9 Invalid YAML",
        'write `"*.md"`',
    ),
    "an unquoted deep pattern": (
        b"vector_stores: {a: {files: [**/*.md]}}\n",
        "1:29 Invalid YAML",
        'write `"**/*.md"`',
    ),
    "an unknown alias": (
        b"assistants: {a: {model: *docs }}\n",
        "1:25 Invalid YAML",
        'write `"*docs"`',
    ),
    "an unquoted variable": (
        b"assistants: {a: {model: ${var.m}}}\n",
        "1:25 Invalid YAML",
        'write `"${var.m}"`',
    ),
    "a second colon": (
        b"assistants:\n  a:\n    name: a: b\n",
        "3:12 Invalid YAML",
        'write `name: "a: b"`',
    ),
    "an open quote": (
        b'assistants:\n  a: {model: "m}\n',
        "2:17 Invalid YAML",
        "close it, with the same sign",
    ),
    "an open brace": (b"assistants: {a: {model: m}\n", "1:27 Invalid YAML", "close it with `}`"),
    "two documents": (
        b"assistants: {}\n---\nassistants: {}\n",
        "2:1 Several documents",
        "make two files of it",
    ),
    "Latin-1": (b"assistants:\n  a: {name: caf\xe9}\n", "2:16 Not UTF-8", "save the file as UTF-8"),
    "UTF-16": ("assistants: {}".encode("utf-16"), "1:1 Not UTF-8", "save the file as UTF-8"),
    "a control character": (
        b"assistants: {a: {name: x\x01}}\n",
        "1:25 Invalid YAML",
        "remove it, or write it as an escape",
    ),
    "an alias bomb": (
        b"x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(
            b"x-%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 9)
        ),
        "1:1 Too many aliases",
        "write the values out, or let aliases refer to small anchors",
    ),
    "an alias inside its anchor": (
        b"x-a: &a {b: *a}\n",
        "1:1 Too many aliases",
        "write the values out, or let aliases refer to small anchors",
    ),
    "deep flow nesting": (b"assistants: " + b"[" * 50_000, "1:1 Nested too deeply", "flatten them"),
    "deep block nesting": (b"- " * 50_000 + b"\n", "1:1 Nested too deeply", "flatten them"),
    "deep keys": (
        b"".join(b" " * n + b"a:\n" for n in range(300)),
        "1:1 Nested too deeply",
        "flatten them",
    ),
    "a few levels too many": (
        b"x-a: " + b"[" * 101 + b"1" + b"]" * 101,
        "1:1 Nested too deeply",
        "flatten them",
    ),
    "deep aliases": (
        b"x-0: &a0 {a: 1}\n"
        + b"".join(b"x-%d: &a%d {a: *a%d}\n" % (n, n, n - 1) for n in range(1, 100)),
        "1:1 Nested too deeply",
        "flatten them",
    ),
    "a list at the top": (b"- a\n", "1:1 Wrong type", "begin with a section, like `assistants:`"),
    "text at the top": (b"hello\n", "1:1 Wrong type", "begin with a section, like `assistants:`"),
    "nothing": (b"", "1:1 Empty file", "remove it"),
    "only a comment": (b"# later\n", "1:1 Empty file", "remove it"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_cannot_be_read(write, name):
    """A file that is not a good spec is reported with its place, and what to write instead where that is
    known.
    """
    data, expected, hint = UNREADABLE[name]
    problem = only(write({"specs/x.yaml": data}).problems())

    assert reported([problem]) == [f"specs/x.yaml:{expected}"]
    assert problem.hint == hint
    assert problem.severity == ("warning" if expected.endswith("Empty file") else "error")


SURPRISES = {
    "no as text": ("metadata: {country: NO}", "NO}", "`NO` was read as false.", '`"NO"`'),
    "on as text": ("name: on", "on", "`on` was read as true.", '`"on"`'),
    "a version": (
        "metadata: {version: 1.10}",
        "1.10",
        "`1.10` was read as the number 1.1.",
        '`"1.10"`',
    ),
    "a date": (
        "metadata: {day: 2026-01-01}",
        "2026",
        "`2026-01-01` was read as a date.",
        '`"2026-01-01"`',
    ),
    "an octal": ("metadata: {code: 010}", "010", "`010` was read as the number 8.", '`"010"`'),
    "a time": (
        "metadata: {at: 12:30}",
        "12:30",
        "`12:30` was read as the number 750.",
        '`"12:30"`',
    ),
    "a number": ("metadata: {year: 2026}", "2026", "metadata.year: 2026", "2026"),
    "a number as a name": ("name: 2026", "2026", "must be text", '`"2026"`'),
    "a key": ("metadata: {on: x}", "on", "`on` was read as true.", '`"on"`'),
    "a number as a key": ("metadata: {1: x}", "1", "`1` was read as a number.", '`"1"`'),
    "a word in a schema": (
        (
            "tools: [{type: function, name: f, parameters: {type: object, properties: {c: {enum:"
            " [SE, NO]}}}}]"
        ),
        "NO]",
        "`NO` was read as false.",
        '`"NO"`',
    ),
    "a tag": (
        "name: !python/name:os.system x",
        "!",
        "The tag `!python/name:os.system`",
        "plain values",
    ),
}


@pytest.mark.parametrize("name", SURPRISES)
def test_values_that_yaml_changed(write, name):
    """What YAML read differently is quoted as it is written, with the quotes to write."""
    line, token, detail, hint = SURPRISES[name]
    problem = only(
        write({"specs/x.yaml": f"assistants:\n  a:\n    {line}\n    model: m\n"}).problems()
    )

    assert (problem.line, problem.column) == (3, line.index(token, line.index(":")) + 5)
    assert detail in problem.detail
    assert hint in (problem.hint or "")
    assert problem.address == "assistant.a"


def test_a_date_in_the_schema_of_an_agents_function(write):
    """The tools of an agent are measured as JSON, which has no dates: that is said, and no more."""
    tool = "{type: function, name: f, description: d, parameters: {default: 2026-01-01}}"
    workspace = write({"specs/x.yaml": f"{ASSISTANT}    api: agents\n    tools: [{tool}]\n"})

    found = {problem.summary for problem in workspace.problems()}
    assert found == {"Surprising YAML value", "Not a JSON Schema"}


def test_words_for_booleans_are_fine_where_only_a_boolean_fits(write):
    """`protect: yes` can mean one thing only, and a number is a number."""
    spec = ASSISTANT + "    temperature: 0.50\n    lifecycle: {protect: yes}\n"

    assert write({"specs/x.yaml": spec}).problems() == []


def test_equal_keys_and_names_name_both_places(write):
    """A key twice in a mapping, a name twice in a file, and a name in two files."""
    workspace = write(
        {
            "specs/a.yaml": (
                "assistants:\n  a:\n    model: m\n    model: n\n  b: {model: m}\n  b: {model: m}\n"
            ),
            "specs/b.yaml": "assistants:\n  a: {model: m}\n",
        }
    )
    problems = workspace.problems()

    assert reported(problems) == [
        "specs/a.yaml:4:5 Duplicate key",
        "specs/a.yaml:6:3 Duplicate name",
        "specs/b.yaml:2:3 Duplicate name",
    ]
    assert "line 3" in problems[0].detail
    assert "`specs/a.yaml:5:3`" in problems[1].detail
    assert "`specs/a.yaml:2:3`" in problems[2].detail


def test_a_name_in_a_broken_file_is_not_missed(write):
    """What a file declares that cannot be read is not told to be undeclared as well."""
    workspace = write(
        {
            "specs/a.yaml": "vector_stores:\n  kb:\n    files: [*.md]\n",
            "specs/b.yaml": ASSISTANT + "    tools: [{type: file_search, vector_stores: [kb]}]\n",
        }
    )

    assert reported(workspace.problems()) == ["specs/a.yaml:3:13 Invalid YAML"]


@pytest.mark.parametrize(
    ("spec", "summary", "hint"),
    [
        ("assistents: {a: {model: m}}", "Unknown section", "did you mean `assistants`?"),
        ("environments: {}", "Unknown section", "it belongs in `provisioner.yaml`"),
        ("assistants: {a: {modle: m, model: m}}", "Unknown key", "did you mean `model`?"),
        ("assistants: {Support-1: {model: m}}", "Invalid name", "did you mean `support-1`?"),
        (
            "assistants: {a: {model: m, tools: [{use: x}]}}\ntools: {xy: {}}",
            "Unknown reference",
            "did you mean `xy`?",
        ),
        ("assistants: [a]", "Wrong type", None),
        ("assistants: {a: 5}", "Wrong type", None),
        (
            "assistants: {a: {model: m, temperature: 3.5}}",
            "Value out of range",
            "0.2 is focused, 1 is the default",
        ),
        ("assistants: {a: {model: m, temperature: .nan}}", "Value out of range", None),
        ("assistants: {a: {}}", "Missing key", "write `model: gpt-4o`"),
        (
            "assistants: {a: {model: m, reasoning_effort: hihg}}",
            "Unknown value",
            "did you mean `high`?",
        ),
        ("assistants: {a: {model: {{x}}}}", "Invalid key", None),
        ("vector_stores: {a: {id: 5}}", "Wrong type", 'write `"5"`'),
        (
            "assistants: {a: {model: m, name: '${HOME}'}}",
            "Unknown placeholder",
            "write `$${` for a literal `${`",
        ),
        (
            "assistants: {a: {model: m, name: '${file.path}'}}",
            "Unknown placeholder",
            "write `$${` for a literal `${`",
        ),
        (
            "assistants: {a: {model: m, only: [stagin]}}",
            "Unknown environment",
            "environments are: `local`",
        ),
    ],
)
def test_misspelt_and_misplaced(write, spec, summary, hint):
    """The first problem is the one that is meant, with its remedy."""
    problems = write({"specs/x.yaml": spec}).problems()

    found = [problem for problem in problems if problem.summary == summary]
    assert found, problems
    assert hint is None or hint in (found[0].hint or "")


def test_the_words_of_the_contract(write):
    """A number out of range, to the letter."""
    spec = "\n" * 12 + "assistants: {support: {model: m,\n    temperature:     3.5}}\n"
    problem = only(write({"specs/support.yaml": spec.encode()}).problems())

    assert reported([problem]) == ["specs/support.yaml:14:22 Value out of range"]
    assert (
        problem.detail == "`assistant.support` has `temperature: 3.5`; it must be between 0 and 2."
    )
    assert problem.hint == "0.2 is focused, 1 is the default"
    assert problem.address == "assistant.support"


CONFIG = {
    "workspace: a/b": ("1:12", "Invalid value"),
    "workspaec: a": ("1:1", "Unknown key"),
    "default_environment: prod": ("1:22", "Unknown environment"),
    "environments: {p: {service: openai, api_key: sk-1}}": ("1:46", "Invalid value"),
    "environments: {p: {service: openai, api_key: {env: GH_TOKEN}}}": ("1:52", "Invalid value"),
    "environments: {p: {service: openai, api_key: {env: github_token}}}": ("1:52", "Invalid value"),
    "environments: {p: {service: openai, api_key: {env: ACTIONS_ID_TOKEN_REQUEST_TOKEN}}}": (
        "1:52",
        "Invalid value",
    ),
    "environments: {p: {service: 'http://gate.example/v1'}}": ("1:29", "Not encrypted"),
    "environments: {p: {service: 'http://127.evil.example/v1'}}": ("1:29", "Not encrypted"),
    "environments: {p: {service: openia}}": ("1:29", "Invalid value"),
    "environments: {p: {}}": ("1:16", "Missing key"),
    "environments: {a/b: {service: local}}": ("1:16", "Invalid key"),
    "environments: {p: {service: openai, lock: ../p.json}}": ("1:43", "Invalid value"),
    "environments: {p: {service: openai, lock: /p.json}}": ("1:43", "Invalid value"),
    "environments: {p: {service: openai, on_drift: never}}": ("1:47", "Unknown value"),
    "environments: {p: {service: openai, variables: {x: 1}}}": ("1:52", "Unknown variable"),
    "environments: {p: {service: local}, q: {service: local}}": ("1:37", "Shared lock"),
    "variables: {a: '${var.b}'}": ("1:16", "Invalid value"),
    "variables: {a: [1]}": ("1:13", "Wrong type"),
    "- a": ("1:1", "Wrong type"),
    "workspace: *x": ("1:12", "Invalid YAML"),
    "workspace: no": ("1:12", "Wrong type"),
}


@pytest.mark.parametrize("text", CONFIG)
def test_faults_of_provisioner_yaml(write, text):
    """They are reported like those of specs."""
    problems = write({"provisioner.yaml": text, "specs/x.yaml": ASSISTANT}).problems()

    place, summary = CONFIG[text]
    assert reported(problems)[:1] == [f"provisioner.yaml:{place} {summary}"]
    assert len(problems) == 1


@pytest.mark.parametrize(
    "host", ["localhost:11434", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "a.localhost"]
)
def test_this_machine_needs_no_encryption(write, host):
    """What never leaves the machine is no matter."""
    config = {
        "environments": {
            "p": {"service": f"http://{host}/v1"},
            "q": {"service": "https://gate.example/v1"},
        }
    }
    assert (
        write({"provisioner.yaml": json.dumps(config), "specs/x.yaml": ASSISTANT}).problems() == []
    )


def test_no_specs(write):
    """A folder without `specs/` is told what to do."""
    problem = only(write({"docs/a.md": "x"}).problems())

    assert (problem.summary, problem.file) == ("No specs", "specs")
    assert "`provisioner init`" in problem.hint


def test_no_specs_beside_the_settings(write):
    """`init` writes nothing beside a `provisioner.yaml`, so the hint does not lead there."""
    problem = only(write({"provisioner.yaml": "workspace: acme\n"}).problems())

    assert problem.summary == "No specs"
    assert "`specs/assistant.yaml`" in problem.hint
    assert "init" not in problem.hint


def test_specs_that_are_not_there(write):
    """A spec that links out of the workspace, or to nothing, is a problem and not followed."""
    workspace = write({"specs/a.yaml": ASSISTANT, "../away.yaml": ASSISTANT})
    (workspace.root / "specs/b.yaml").symlink_to("../../away.yaml")
    (workspace.root / "specs/c.yaml").symlink_to("none.yaml")

    assert [(problem.file, problem.summary) for problem in workspace.problems()] == [
        ("specs/b.yaml", "Path outside workspace"),
        ("specs/c.yaml", "File not found"),
    ]


def test_sixty_faults_in_one_run(write):
    """Problems of sixty kinds and places are all reported at once, sorted, each with a file and a
    line.
    """
    specs: dict[str, str | bytes] = {}
    for number in range(10):
        specs[f"specs/s{number}.yaml"] = f"""
            vector_stores:
              kb{number}: {{fils: [], files: [docs/missing{number}.md], metadata: {{year: 2026}}}}
            assistants:
              a{number}:
                model: m
                temperature: {number + 3}
                nmae: x
                instructions: {{file: prompts/none{number}.md}}
                tools: [{{type: file_search, vector_stores: [nope{number}]}}, {{use: nothing{number}}}]
            """
    specs |= {f"specs/broken{number}.yaml": b"a: *.md\n" for number in range(3)}
    problems = write(specs).problems()

    assert len(problems) == 10 * 8 + 3
    assert problems == sorted(problems, key=lambda problem: problem.order)
    assert all(problem.file and problem.line and problem.column for problem in problems)
    jargon = re.compile(
        r"pydantic|Input should|validation error|NoneType|dict|Traceback", re.IGNORECASE
    )
    assert not [
        problem for problem in problems if jargon.search(f"{problem.summary} {problem.detail}")
    ]
