"""Everyday expressions: what they make of literals is known; the rest stays a place."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.importing.sources import read_sources

from .reading import Headed

HEAD = "import os\nfrom openai import OpenAI\nclient = OpenAI()\n"
PYTHON = Headed(HEAD)
SCRIPT = Headed('import OpenAI from "openai";\nconst client = new OpenAI();\n')


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"Be %s." % "kind"', "Be kind."),
        ('"%s: %d, %.1f%%" % ("a", 3, 2.5)', "a: 3, 2.5%"),
        ('"%(who)s is %(what)s" % {"who": "A", "what": "here"}', "A is here"),
        ('"ab" * 3', "ababab"),
        ('3 * "ab"', "ababab"),
        ('"a" if True else "b"', "a"),
        ('"a" if 0 else "b"', "b"),
        ('"abcdef"[1:4]', "bcd"),
        ('"abc"[::-1]', "cba"),
        ('["a", "b", "c"][1:][0]', "b"),
        ('"x" + str(0x10)', "x16"),
        ('"x" + str(10 * 6 - 1)', "x59"),
    ],
)
def test_python(written: str, meant: str) -> None:
    """Formats, repetitions, choices, slices and numbers of literals."""
    code = f"client.beta.assistants.create(model='m', instructions={written})"
    assert PYTHON.fields(code)["instructions"] == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"a".concat("b", "c")', "abc"),
        ('"ab".repeat(2)', "abab"),
        ('"abcdef".slice(1, -1)', "bcde"),
        ('"abcdef".substring(3, 1)', "bc"),
        ('true ? "a" : "b"', "a"),
        ('["a", "b"].slice(1)[0]', "b"),
    ],
)
def test_scripts(written: str, meant: str) -> None:
    """The same in the words of JavaScript."""
    code = f"client.beta.assistants.create({{ model: 'm', instructions: {written} }});"
    assert SCRIPT.fields(code)["instructions"] == meant


def test_numbers_of_scripts() -> None:
    """However they are written."""
    code = (
        "client.responses.create({ model: 'm', instructions: 'x', temperature: .5, top_p: 0x1 });"
    )
    fields = SCRIPT.fields(code)
    assert (fields["temperature"], fields["top_p"]) == (0.5, 1)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"Be %s." % mood()', "Be ${var.mood}."),
        ('"Be %s to %s." % ("kind", who())', "Be kind to ${var.who}."),
        ('"%d%% of %s" % (5, what())', "5% of ${var.what}"),
    ],
)
def test_what_only_a_run_would_tell_stays_a_place(written: str, text: str) -> None:
    """The text around it is kept, and the line says where it comes from."""
    code = f"client.beta.assistants.create(model='m', instructions={written})"
    (found,) = PYTHON.found(code)
    assert found.fields["instructions"] == text
    (lost,) = [one for one in found.losses if one.severity == "error"]
    assert "line 4" in lost.why


@pytest.mark.parametrize(
    "written",
    [
        '"%s" % pair()[0:2]',
        '"%q" % "x"',
        '"%s %s" % "x"',
        '"%s" % ("a", "b")',
        '"%999999999s" % "x"',
        '"x" * 10**9',
        '"x" * many()',
        '"a" if flag() else "b"',
        '"x"[::0]',
        '"x"[: end()]',
    ],
)
def test_what_cannot_be_told_is_a_variable(written: str) -> None:
    """Nothing is guessed, and nothing grows without end."""
    code = f"client.beta.assistants.create(model='m', instructions={written})"
    assert "${var." in PYTHON.fields(code)["instructions"]


def test_a_text_that_is_opened_beside(tmp_path: Path) -> None:
    """`with open(…)` gives the text of the file to a name."""
    (tmp_path / "p.md").write_text("Be kind.\n", encoding="utf-8")
    code = "with open('p.md', encoding='utf-8') as f:\n    P = f.read()\n"
    code += "client.beta.assistants.create(model='m', instructions=P)\n"
    (tmp_path / "a.py").write_text(HEAD + code, encoding="utf-8")
    (found,) = read_sources(tmp_path).found
    assert found.fields["instructions"] == "Be kind.\n"
