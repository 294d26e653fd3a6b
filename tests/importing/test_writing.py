"""What is written for what was found: read again it says the same, and the same input gives the
same bytes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.importing.names import slug
from provisioner.importing.nouns import Found, Origin
from provisioner.importing.writing import INTO, Drafted, write_specs
from provisioner.model import Address
from provisioner.workspace import Workspace
from provisioner.yamltext.format import format_text

HERE = Origin("http://local/v1")


def assistant(name: str | None, id: str = "asst_1", age: int = 1, **fields: Any) -> Found:
    said = {"name": name, "model": "gpt-4o", **fields}
    return Found("assistant", name, said, HERE, id=id, age=age)


def put(root: Path, drafted: Drafted) -> None:
    for path, data in drafted.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def desired(root: Path, address: str) -> dict[str, Any]:
    specs = Workspace.open(root).compile("local", {})
    assert [one for one in specs.problems if one.severity == "error"] == []
    return specs.desired[Address.parse(address)].fields


ODD = [
    "\n\n  indented after empty lines",
    "# a comment?\n# no",
    "tab\there\n\tand there",
    "🙂 emoji 👩‍👩‍👧",
    "日本語の指示\nภาษาไทย",
    "\u202eright to left\u202c שלום",
    "true",
    "1.0",
    "2026-11-26",
    "~",
    "ends with lines\n\n\n",
    "a\r\nb",
    "\ufeffmark",
    "${var.model} and $${not}",
    "- a\n- b: [c",
    " " * 3,
    "x" * 256_000,
    "line\n" * 30_000,
    "a\u2028b\x85c\x00d",
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_any_text_is_read_as_it_was(tmp_path: Path, text: str) -> None:
    """Short or long, in the YAML or in a file of its own; and `fmt` has nothing to change."""
    for padded in (text, (text + "\n" + "long " * 100)[-256_000:]):
        root = tmp_path / str(len(padded))
        drafted = write_specs(root, [assistant("Odd", instructions=padded)])
        put(root, drafted)
        assert desired(root, "assistant.odd")["instructions"] == padded
        spec = (root / INTO).read_text(encoding="utf-8")
        assert format_text(spec) == spec


def test_one_body_is_shared_and_one_name_is_not(tmp_path: Path) -> None:
    """A function used twice goes below `tools`; another one of its name stays where it is."""
    find = {"type": "function", "name": "find", "description": "Finds", "strict": False}
    other = {**find, "description": "Finds something else"}
    found = [
        assistant("One", "asst_1", tools=[find]),
        assistant("Two", "asst_2", tools=[find]),
        assistant("Three", "asst_3", tools=[other]),
    ]
    put(tmp_path, write_specs(tmp_path, found))
    spec = yaml.safe_load((tmp_path / INTO).read_text())
    assert spec["tools"] == {"find": {"description": "Finds"}}
    assert spec["assistants"]["one"]["tools"] == [{"use": "find"}]
    assert spec["assistants"]["three"]["tools"][0]["description"] == "Finds something else"


def test_long_schemas_have_files(tmp_path: Path) -> None:
    """So has a short one that a spec would take for the name of a file."""
    long = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(40)}}
    tool = {"type": "function", "name": "find", "parameters": long}
    odd = {"type": "function", "name": "odd", "parameters": {"file": "x"}}
    put(tmp_path, write_specs(tmp_path, [assistant("One", tools=[tool, odd])]))
    assert sorted(path.name for path in (tmp_path / "specs/schemas").iterdir()) == [
        "find.json",
        "odd.json",
    ]


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A second import is added to the spec, comments kept, and takes no name and no file."""
    text = "word " * 100
    put(tmp_path, write_specs(tmp_path, [assistant("Bot", instructions=text)]))
    spec = tmp_path / INTO
    spec.write_text("# Mine.\n" + spec.read_text())
    taken = [Address("assistant", "bot")]
    drafted = write_specs(
        tmp_path, [assistant("Bot", "asst_2", instructions="other " * 100)], taken=taken
    )
    put(tmp_path, drafted)
    assert drafted.addresses == (Address("assistant", "bot_2"),)
    assert spec.read_text().startswith("# Mine.\nassistants:\n  bot:\n")
    assert desired(tmp_path, "assistant.bot")["instructions"] == text


def test_names_depend_on_nothing_but_age(tmp_path: Path) -> None:
    """The oldest of a name has it, whatever order a list has; twins are pointed out."""
    found = [assistant("Bot", f"asst_{at}", age=at) for at in (3, 1, 2)]
    names = [str(one) for one in write_specs(tmp_path, found).addresses]
    assert names == ["assistant.bot_3", "assistant.bot", "assistant.bot_2"]
    first = write_specs(tmp_path, found)
    assert dict(write_specs(tmp_path, found[::-1]).files) == dict(first.files)
    assert any('3 have the name "Bot"' in remark for remark in first.remarks)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kundendienst (DE) – Übersicht", "kundendienst_de_ubersicht"),
        ("Straße & Größe", "strasse_grosse"),
        ("Поддержка клиентов", "podderzhka_klientov"),
        ("サポート", "sapoto"),
        ("한국어 봇", "hangugeo_bos"),
        ("../../etc/passwd", "etc_passwd"),
        ("🙂", ""),
        ("Don't panic", "dont_panic"),
    ],
)
def test_names_are_spelt_in_plain_letters(name: str, expected: str) -> None:
    """In whatever script; what has no letters has no name."""
    assert slug(name) == expected


def test_nameless_things_are_called_after_their_ids(tmp_path: Path) -> None:
    """An id does not change from run to run."""
    drafted = write_specs(tmp_path, [assistant(None, "asst_AbCdEfGhIjK"), assistant("1", "asst_2")])
    assert [str(one) for one in drafted.addresses] == [
        "assistant.assistant_defghijk",
        "assistant.assistant_1",
    ]
    put(tmp_path, drafted)
    assert desired(tmp_path, "assistant.assistant_defghijk")["name"] is None


def test_variables_stay_variables(tmp_path: Path) -> None:
    """Where the source has one; everything else that looks like one is a text."""
    one = assistant("One", instructions="${var.mood} and ${var.other}")
    found = Found("assistant", one.name, one.fields, HERE, variables={"mood": None})
    put(tmp_path, write_specs(tmp_path, [found]))
    spec = yaml.safe_load((tmp_path / INTO).read_text())
    assert spec["assistants"]["one"]["instructions"] == "${var.mood} and $${var.other}"


def test_known_variables_are_declared(tmp_path: Path) -> None:
    """In the settings, whose comments and values stay; a value that nobody knows is asked for."""
    (tmp_path / "provisioner.yaml").write_text("workspace: acme  # ours\nvariables: {mood: dry}\n")
    fields = {"model": "${var.model}", "instructions": "${var.mood}, ${var.other}"}
    known = {"model": "gpt-4o", "mood": "wet", "other": None}
    drafted = write_specs(tmp_path, [Found("assistant", "One", fields, HERE, variables=known)])
    put(tmp_path, drafted)
    text = (tmp_path / "provisioner.yaml").read_text()
    assert text == "workspace: acme  # ours\nvariables: {mood: dry, model: gpt-4o}\n"
    assert list(drafted.files)[-1] == INTO
    assert "`other`" in drafted.remarks[0]


def test_half_a_character_is_left_out_and_named(tmp_path: Path) -> None:
    """No file can hold it; everything else is written."""
    drafted = write_specs(
        tmp_path, [assistant("Bad", instructions="\ud800"), assistant("Good", "asst_2")]
    )
    assert drafted.addresses == (None, Address("assistant", "good"))
    assert "half a character" in drafted.remarks[0]


def test_a_text_that_no_layout_gives_back(tmp_path: Path) -> None:
    """It is written as it is: spaces at its end, line breaks around a variable."""
    text = "\n        Help ${var.name}.\n        - Shop: ${var.shop}\n        "
    one = replace(assistant("a", instructions=text), variables={"name": "x", "shop": "y"})
    put(tmp_path, write_specs(tmp_path, [one]))
    said = desired(tmp_path, "assistant.a")["instructions"]
    assert said == "\n        Help x.\n        - Shop: y\n        "
