"""Values written back into schemas, prompts and specs: what changes changes, and nothing else."""

from __future__ import annotations

import pytest

from provisioner.workspace.editing import Edit, edited, literal
from provisioner.yamltext.patches import set_value


def test_json_stays_json() -> None:
    """A schema in JSON keeps its layout, and what YAML could not read is laid out anew in its
    indentation.
    """
    text = '{\n  "type": "object",\n  "properties": {\n    "a": {"type": "string"}\n  }\n}\n'
    patch = set_value(("properties", "b"), {"enum": ["NO", 1]})
    result = edited(text.encode(), [Edit("s.json", patch, document=True)]).decode()
    assert result == text.replace('"string"}\n', '"string"},\n    "b": {"enum": ["NO", 1]}\n')
    odd = '{\n    "a": 1e5,\n    "b": "\\ud83d\\ude00"\n}'
    result = edited(odd.encode(), [Edit("s.json", set_value(("b",), "x"), document=True)]).decode()
    assert result == '{\n    "a": 100000.0,\n    "b": "x"\n}'


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (b"a\nb\n", "a\nx\nb\n", b"a\nx\nb\n"),
        (b"\xef\xbb\xbfa\r\nb\r\n", "a\nx\nb\n", b"\xef\xbb\xbfa\r\nx\r\nb\r\n"),
        (b"a\r\nb\nc\r\n", "x\nb\nc\n", b"x\r\nb\nc\r\n"),
        (b"a\r\nb", "a\nb\nc", b"a\r\nb\r\nc"),
        (b"a\r\nb\r\n", "a\nb", b"a\r\nb"),
        (b"a", "", b""),
        (b"x\n", "x" * 1_000_000, b"x" * 1_000_000),
    ],
)
def test_a_text_keeps_its_conventions(before: bytes, text: str, after: bytes) -> None:
    """Byte-order mark and line ends of a prompt file stay, line by line, and so does having no last
    line end.
    """
    assert edited(before, [Edit("p.md", text=text)]) == after
    assert edited(after, [Edit("p.md", text=text)]) == after


def test_placeholders_are_taken_literally() -> None:
    """A live `${…}` is text: it is written so that no variable is put in."""
    assert literal({"a": ["${var.x}", "$${y}"]}) == {"a": ["$${var.x}", "$$${y}"]}
