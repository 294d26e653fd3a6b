"""Specs that no author means to write and some write all the same: problems with a place, and none
takes long.
"""

from __future__ import annotations

import json
import random
import time
import warnings
from fnmatch import fnmatchcase

import pytest

from provisioner.workspace.tree import FileRefused, compiled
from tests.workspace.conftest import reported

A = "assistants:\n  a:\n    model: m\n"
SCHEMA = A + "    response_format: {type: json_schema, name: x, schema: {file: s.json}}\n"
FUNCTION = A + "    tools: [{type: function, name: f, parameters: {file: s.json}}]\n"


def service(address: str) -> dict[str, str]:
    return {
        "x": A,
        "provisioner.yaml": f"environments:\n  p:\n    service: {json.dumps(address)}\n",
    }


def files(pattern: str) -> dict[str, str]:
    return {
        "x": f"vector_stores:\n  k:\n    files: [{json.dumps(pattern)}]\n",
        "docs/a.md": "a",
        f"docs/{'a' * 80}.md": "a",
    }


BAD: dict[str, tuple[dict[str, str], list[str]]] = {
    "a range backwards": (files("docs/[z-a].md"), ["x:3:13 Invalid pattern | `[a-z]`"]),
    "one that is backwards in small letters": (
        files("docs/[Z-a].txt"),
        ["x:3:13 Nothing matched | workspace root"],
    ),
    "17 stars": (files("docs/" + "*a" * 17 + "*b.md"), ["x:3:13 Nothing matched | workspace root"]),
    "17 times any folder": (
        files("**/" * 17 + "x.md"),
        ["x:3:13 Nothing matched | workspace root"],
    ),
    "3,000 stars": (files("docs/" + "*" * 3000 + "b"), ["x:3:13 Nothing matched | workspace root"]),
    "half a character": (
        {"x": SCHEMA, "s.json": '{"type": "object",\n "title": "\\ud800"}'},
        ["x:4:66 Half a character | both halves"],
    ),
    "the other half, in a key": (
        {"x": FUNCTION, "s.json": '{"type": "object", "properties": {"\\uDFFF": {}}}'},
        ["x:4:58 Half a character | both halves"],
    ),
    "half a character in YAML": (
        {"x": A + '    name: "\\ud800"\n'},
        ["x:4:14 Invalid YAML | the letter itself"],
    ),
    "a port that is none": (
        service("http://127.0.0.1:99999/v1"),
        ["provisioner.yaml:3:14 Invalid value | a base URL"],
    ),
    "port 0": (
        service("http://127.0.0.1:0/v1"),
        ["provisioner.yaml:3:14 Invalid value | a base URL"],
    ),
    "a port of letters": (
        service("http://127.0.0.1:http/v1"),
        ["provisioner.yaml:3:14 Invalid value | a base URL"],
    ),
    "an open bracket": (
        service("http://[::1/v1"),
        ["provisioner.yaml:3:14 Invalid value | a base URL"],
    ),
    "no host": (service("http://:80/v1"), ["provisioner.yaml:3:14 Invalid value | a base URL"]),
    "a control character": (
        service("http://host/v1\x07"),
        ["provisioner.yaml:3:14 Invalid value | a base URL"],
    ),
    "a lock with a null": (
        {
            "x": A,
            "provisioner.yaml": 'environments:\n  p:\n    service: local\n    lock: "a\\0b.json"\n',
        },
        ["provisioner.yaml:4:11 Invalid value | a path below"],
    ),
}


@pytest.mark.parametrize(("given", "expected"), BAD.values(), ids=list(BAD))
def test_careless_input_is_a_problem(write, given, expected):
    """Each is reported once, at its place, with a remedy; and soon."""
    began = time.perf_counter()
    problems = write(
        {f"specs/{name}.yaml" if name == "x" else name: text for name, text in given.items()}
    ).problems()
    places = [line.rpartition(" | ")[0] for line in expected]
    assert reported(problems) == [
        place.replace("x:", "specs/x.yaml:", 1) if place[0] == "x" else place for place in places
    ]
    for problem, line in zip(problems, expected, strict=True):
        assert line.rpartition(" | ")[2] in (problem.hint or ""), problem
    assert time.perf_counter() - began < 5


def test_both_halves_are_a_character(write):
    """A schema may spell a character beyond sixteen bits as JSON does."""
    assert (
        write(
            {"specs/x.yaml": SCHEMA, "s.json": '{"type": "object", "title": "\\ud83d\\ude00"}'}
        ).problems()
        == []
    )


def _matches(parts: list[str], names: list[str], hidden: bool) -> bool:
    """What a pattern means, told slowly."""
    if not parts:
        return not names
    seen = bool(names) and (hidden or not names[0].startswith("."))
    if parts[0] == "**":
        if len(parts) == 1:
            return bool(names) and (hidden or not any(name.startswith(".") for name in names))
        return _matches(parts[1:], names, hidden) or (
            seen and len(names) > 1 and _matches(parts, names[1:], hidden)
        )
    fits = bool(names) and (seen or parts[0].startswith(".")) and fnmatchcase(names[0], parts[0])
    return fits and _matches(parts[1:], names[1:], hidden)


def test_a_pattern_matches_what_it_means():
    """Thousands of patterns and paths: quick matching finds what slow matching finds."""
    choose = random.Random(7)
    pieces = [
        "**",
        "**",
        "*",
        "a",
        "a*",
        "*b",
        "?",
        ".*",
        "*a*b",
        "[ab]",
        ".a",
        "[!a]b",
        "a*b*",
        "*.*a",
    ]
    for _ in range(4000):
        parts = [choose.choice(pieces) for _ in range(choose.randint(1, 5))]
        names = [
            "".join(choose.choice("ab.") for _ in range(choose.randint(1, 4)))
            for _ in range(choose.randint(1, 5))
        ]
        hidden = choose.random() < 0.5
        found = compiled("/".join(parts), hidden).fullmatch("/".join(names)) is not None
        assert found == _matches(parts, names, hidden), (parts, names, hidden)


@pytest.mark.parametrize(
    "pattern",
    [
        "[a--]",
        "[--a]",
        "[a&&b]",
        "[[a]",
        "[]a]",
        "[\\]]",
        "[!]a]",
        "[a-]",
        "[||]",
        "[~~a]",
        "[",
        "[]",
        "[!",
    ],
)
def test_odd_sets_are_sets(pattern):
    """No set is read as an operation of regular expressions, or warned about."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled.__wrapped__(pattern)


def test_no_pattern_takes_long():
    """Stars and folders do not multiply."""
    began = time.perf_counter()
    for pattern in (
        "*a" * 17 + "b",
        "**/" * 17 + "x",
        "**/*/" * 17 + "x",
        "[a-z]*" * 17 + "!",
        "**/*a*a*a*a/" * 9 + "x",
    ):
        for path in ("a" * 250, "/".join("a" * 60), "/".join(["ab" * 20] * 40)):
            assert compiled(pattern).fullmatch(path) is None
    assert time.perf_counter() - began < 2


def test_a_backward_range_in_what_is_left_out(write):
    """`exclude` holds patterns as well."""
    entry = {"path": "docs/*.md", "exclude": ["docs/[9-0].md"]}
    found = write(
        {"docs/a.md": "a", "specs/x.yaml": json.dumps({"vector_stores": {"k": {"files": [entry]}}})}
    )
    (problem,) = found.problems()
    assert problem.summary == "Invalid pattern" and "[9-0]" in problem.detail


def test_refused_patterns_are_refused_each_time():
    """A pattern that cannot be read is not better the second time."""
    for _ in range(2):
        with pytest.raises(FileRefused):
            compiled("[z-a]")
