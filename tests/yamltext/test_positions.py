"""Where things stand in a file: what is noted while it is read is what composing it anew finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.model import Position, Source
from provisioner.yamltext.positions import Positions
from provisioner.yamltext.reading import read_yaml

ORDINARY = """\
# two sections
vector_stores:
  kb: {files: [a.md]}

assistants:
  "quoted":   # a comment
    model: m
    instructions: |
      assistants:
        decoy: {}
  ? asked
  : {model: m}
  plain: {model: m, metadata: {decoy: {}}}
"""
ALIASED = """\
x-base: &base {model: m}
assistants:
  one: *base
  two: {<<: *base, name: Two}
"""
MERGED = """\
x-all: &all
  one: {model: m}
assistants:
  <<: *all
  two: {model: n}
"""
WHOLE = """\
x-all: &all
  one: {model: m}
assistants: *all
"""
TWICE = """\
assistants:
  one: {model: m}
  two: {model: m}
  one: {model: n}
"""
EMPTY = """\
assistants:
  one:
  two: text
  three: [a]
  four: {model: m}
"""


@pytest.mark.parametrize(
    "text",
    [
        ORDINARY,
        ORDINARY.replace("\n", "\r\n"),
        "\ufeff" + ORDINARY,
        ALIASED,
        MERGED,
        WHOLE,
        TWICE,
        EMPTY,
        'assistants:\n  a: {name: "x\u2028y"}\n  b: {model: m}\n',
        "assistants: {a: {model: m},\n  b: {model: m}, 1: {model: m}, no: {model: m}}\n",
        "- assistants\n",
        "",
    ],
)
def test_what_is_noted_is_what_is_found(text: str, tmp_path: Path) -> None:
    """Every pair of keys has the same place whether it was noted or is looked for."""
    (tmp_path / "spec.yaml").write_bytes(text.encode())
    reading = read_yaml(text.encode())
    noting = Positions(tmp_path)
    noting.noted = {"spec.yaml": reading.places}
    root = reading.value if isinstance(reading.value, dict) else {}
    for section, inner in root.items():
        for name in inner if isinstance(inner, dict) else ():
            source = Source("spec.yaml", (section, name))
            assert noting.locate(source) == Positions(tmp_path).locate(source)


def test_a_noted_place_is_told_without_the_file(tmp_path: Path) -> None:
    """Where a resource stood when it was read can be said when its file has gone since."""
    positions = Positions(tmp_path)
    positions.noted = {"spec.yaml": read_yaml(ORDINARY.encode()).places}
    found = positions.locate(Source("spec.yaml", ("assistants", "asked")))
    assert found == Position("spec.yaml", 11, 5)
    assert positions.locate(Source("spec.yaml", ("assistants", "decoy"))) == Position(
        "spec.yaml", 1, 1
    )
