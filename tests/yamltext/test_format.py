"""`fmt` lays specs out in one way and never changes what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import SpecError
from provisioner.yamltext.format import format_text

CASES = {
    "indents": (
        "a:\n    b:\n    - c\n    -   d: 1\n        e: 2\n",
        "a:\n  b:\n    - c\n    - d: 1\n      e: 2\n",
    ),
    "comments": (
        "# top\na:   # side\n    # above b\n    b: 1\n\n    # above c\n    c: 2\n# end\n",
        "# top\na:   # side\n  # above b\n  b: 1\n\n  # above c\n  c: 2\n# end\n",
    ),
    "quotes": ("a: 'x'\nb: \"y\"\nc: z\n", "a: 'x'\nb: \"y\"\nc: z\n"),
    "scalars": (
        "a: no\nb: ~\nc: null\nd:\ne: 1.10\nf: 010\ng: 2026-01-01\nh: 1_000\ni: +1\n",
        "a: no\nb: ~\nc: null\nd:\ne: 1.10\nf: 010\ng: 2026-01-01\nh: 1_000\ni: +1\n",
    ),
    "anchors": (
        "x-a: &a\n    k: &n 5\nb:\n    <<: *a\n    m: *n\n",
        "x-a: &a\n  k: &n 5\nb:\n  <<: *a\n  m: *n\n",
    ),
    "blocks": (
        "a: |\n     one\n       # two\n\n     three\nb: >-\n   x\n   y\n",
        "a: |\n  one\n    # two\n\n  three\nb: >-\n  x\n  y\n",
    ),
    "flow": ("a: { b: 1,c: [x,y] }\n", "a: {b: 1, c: [x, y]}\n"),
    "flow over lines": (
        (
            "a:\n    b: { c: 1,\n         d: 2 }\n    e: [\n      1,  # one\n      # two\n      2\n"
            "    ]\n"
        ),
        "a:\n  b: { c: 1,\n       d: 2 }\n  e: [\n    1,  # one\n    # two\n    2\n  ]\n",
    ),
    "folded text": (
        "a:\n    b: one\n      two\n    c: 'three\n\n      four'\n",
        "a:\n  b: one\n    two\n  c: 'three\n\n    four'\n",
    ),
    "comments between lists": (
        "a:\n# first\n- x\n# second\n- y:\n    z: 1\n    # of y\n# end\nb: 1\n",
        "a:\n  # first\n  - x\n  # second\n  - y:\n      z: 1\n      # of y\n# end\nb: 1\n",
    ),
    "a commented field": (
        "a:\n    b: 1\n    # c:\n    #     d: 1\n        # deeper\ne: 1\n",
        "a:\n  b: 1\n  # c:\n  #     d: 1\n      # deeper\ne: 1\n",
    ),
    "trailing blanks": ("a: 1  \nb: |\n  x  \n \n# c \n", "a: 1\nb: |\n  x  \n\n# c\n"),
    "explicit keys": ("? a\n:   b\n", "? a\n:   b\n"),
    "equal keys": ("a: 1\na:  2\n", "a: 1\na: 2\n"),
    "long lines": (f"a: {'word ' * 60}end\n", f"a: {'word ' * 60}end\n"),
    "line ends": ("\ufeffa: 1\r\nb: 2", "a: 1\nb: 2\n"),
    "blank end": ("a: 1\n\n\n", "a: 1\n"),
    "nothing": ("\n\n", ""),
    "only comments": ("# a\n\n\n", "# a\n"),
    "kept newlines": ("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_layout(name):
    """Comments, anchors, quotes and the text of scalars stay; the second time changes nothing."""
    before, after = CASES[name]

    assert format_text(before) == after
    assert format_text(after) == after


@pytest.mark.parametrize("text", ["a: *b\n", "a: [\n", "a: 1\n---\nb: 2\n", "a: " + "[" * 5000])
def test_what_cannot_be_laid_out_is_refused(text):
    """What is not YAML, or would come out different, is left alone with a problem that names the
    file.
    """
    with pytest.raises(SpecError) as caught:
        format_text(text, "specs/a.yaml")
    assert caught.value.problems[0].file == "specs/a.yaml"


def test_our_own_specs_are_in_the_layout():
    """The examples that ship are formatted."""
    root = Path(__file__).parents[2]
    for path in [*sorted((root / "specs").glob("*.yaml")), root / "provisioner.yaml"]:
        assert format_text(path.read_text()) == path.read_text(), path


def test_tabs_are_the_text_of_a_block():
    """However deep the block goes: only blanks are its indentation."""
    text = "a:\n    b: |\n        one\n        \ttwo\n"
    assert format_text(text) == "a:\n  b: |\n    one\n    \ttwo\n"
