"""Sources that would do harm: each ends in a clear problem or a good result, soon, and reads and
writes nothing outside.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.importing import nouns
from provisioner.importing.layout import Unwritable
from provisioner.importing.sources import read_sources
from provisioner.importing.writing import write_specs

from .reading import read

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
ONE = {"id": "asst_1", "object": "assistant", "model": "m", "name": "a", "instructions": "x"}


def problem(source: Path | bytes, root: Path | None = None) -> str:
    findings = read_sources(source, root)
    assert not findings.found
    (one,) = findings.problems
    return f"{one.summary}: {one.detail}"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and more", "is a zip archive"),
        (b"\x1f\x8b\x08 and more", "is packed by gzip"),
        (json.dumps(ONE).encode("utf-32"), "is not text in UTF-8"),
        (json.dumps(ONE).encode("utf-16-le"), "is not text in UTF-8"),
        (b'{"id": "\xff"}', "is not text in UTF-8"),
        (b'{"a":' * 100_000, "is nested in more than"),
    ],
)
def test_what_is_no_text(data: bytes, said: str) -> None:
    """It is named for what it is."""
    assert said in problem(data)


def test_yaml_that_unfolds_without_end(tmp_path: Path) -> None:
    """A configuration that is no YAML, or too much of it, is a problem and not nothing."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    bomb = tmp_path / "bomb.yaml"
    bomb.write_text("\n".join([*lines, "providers: [openai:gpt-4]", "prompts: *j"]))
    assert "Too many aliases" in problem(bomb)
    deep = tmp_path / "deep.yaml"
    deep.write_text("providers: [openai:gpt-4]\nprompts: " + "[" * 100_000 + "]" * 100_000)
    assert "Nested too deep" in problem(deep)


def test_links_pipes_and_devices(tmp_path: Path) -> None:
    """None of them is waited for or followed; a folder passes them over."""
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "outside.json").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "up").symlink_to("..")
    assert "No such source" in problem(tmp_path / "circle", tmp_path)
    assert "is not a file" in problem(tmp_path / "pipe.json", tmp_path)
    assert "is not a file" in problem(Path("/dev/zero"), tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(ONE))
    assert [one.id for one in read_sources(tmp_path, tmp_path).found] == ["asst_1"]


def test_more_than_anybody_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of too many things is refused as a whole, before it is read to its end."""
    monkeypatch.setattr(nouns, "MOST", 10)
    many = json.dumps([{**ONE, "id": f"asst_{index}"} for index in range(11)]).encode()
    assert "describes more than" in problem(many)
    assert len(read_sources(json.dumps([ONE]).encode()).found) == 1


def test_many_fences() -> None:
    """A long text with fences takes a time that grows with its length."""
    begun = time.monotonic()
    read_sources(("```\n" * 60_000 + "assistants.create\n").encode())
    assert time.monotonic() - begun < 8


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/abs", "specs/../x", "n" * 300, "CON", "a\0b", "a:b", "..", "$(id)"],
)
def test_names_that_are_paths(tmp_path: Path, name: str) -> None:
    """Whatever things are called, what is written lies below `specs/`, under a plain name."""
    schema = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(40)}}
    function = {"type": "function", "function": {"name": name, "parameters": schema}}
    thing: list[dict[str, Any]] = [
        {**ONE, "name": name, "instructions": "long " * 200, "tools": [function]},
        {"object": "vector_store", "id": "vs_1", "name": name},
        {"object": "file", "id": "file-1", "filename": name, "purpose": "assistants"},
    ]
    findings = read_sources(json.dumps(thing).encode(), tmp_path)
    drafted = write_specs(tmp_path, findings.found)
    for path in drafted.files:
        place = (tmp_path / path).resolve()
        assert place.is_relative_to(tmp_path.resolve() / "specs")
        assert len(place.name) < 100
        assert place.name.isascii()
        assert place.stem.upper() != "CON"


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_long_schema_that_no_json_can_hold(number: str, tmp_path: Path) -> None:
    """It is a problem of that source, however long the schema is."""
    for long in ("", "d" * 600):
        function = f"{{'name': 'f', 'parameters': {{'description': '{long}', 'x': {number}}}}}"
        tools = f"[{{'type': 'function', 'function': {function}}}]"
        code = f"import openai\nopenai.OpenAI().beta.assistants.create(model='m', tools={tools})\n"
        findings = read_sources(code.encode(), tmp_path)
        assert findings.found
        with pytest.raises(Unwritable, match="cannot be said in YAML"):
            write_specs(tmp_path, findings.found)


def test_keys_are_no_part_of_a_spec(tmp_path: Path) -> None:
    """A key in a literal is masked and named; a file that holds keys is never read."""
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
    (tmp_path / "a.py").write_text(
        f"""
import openai
client = openai.OpenAI(api_key="{KEY}")
client.beta.assistants.create(name="a", model="m", instructions="Use {KEY}.", metadata={{"k": "{KEY}"}})
client.beta.assistants.create(name="b", model="m", instructions=open(".env").read())
"""
    )
    first, second = read_sources(tmp_path, tmp_path).found
    assert KEY not in repr([(one.fields, one.losses) for one in (first, second)])
    errors = [lost.what for lost in first.losses if lost.severity == "error"]
    assert errors == ["instructions", "metadata.k"]
    assert second.fields["instructions"].startswith("${var.")


def test_a_stamp_is_no_part_of_a_spec() -> None:
    """What one lock has stamped is written without its mark, which nobody may write."""
    stamped = {**ONE, "metadata": {"provisioner": "w/local/assistant.a#1.1", "team": "x"}}
    (one,) = read(json.dumps(stamped)).found
    assert one.fields["metadata"] == {"team": "x"}
    assert "metadata.provisioner" in [lost.what for lost in one.losses]


def test_values_whose_json_has_no_end() -> None:
    """What would take all the memory as JSON is not printed."""
    doubled = "\n".join(f"a{n + 1} = [a{n}, a{n}]" for n in range(60))
    code = f"""import json\nfrom openai import OpenAI\na0 = ["x"]\n{doubled}
OpenAI().beta.assistants.create(model="m", instructions="i", metadata={{"a": json.dumps(a60)}})
OpenAI().beta.assistants.create(model="m", instructions=json.dumps([1], indent=10**10))
OpenAI().beta.assistants.create(model="m", instructions=json.dumps([1], indent=9999999999))
"""
    started = time.monotonic()
    read(code)
    assert time.monotonic() - started < 10
