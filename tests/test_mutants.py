"""The small changes that `make mutants` tries, and the file of those that live."""

from __future__ import annotations

import pytest

from scripts.mutants.known import FILE, Known
from scripts.mutants.sites import compiles, mutants

CHANGES: dict[str, list[str]] = {
    "x = a < b": ["x = (a <= b)"],
    "x = a not in b": ["x = (a in b)"],
    "x = not a": ["x = (a)"],
    "x = a and b": ["x = ((a) or (b))", "x = ((b))", "x = ((a))"],
    "x = a - b": ["x = ((a) + (b))", "x = (a)"],
    "x = a | b": ["x = (a)"],
    "x = 1 + True": ["x = ((1) - (True))", "x = (2) + True", "x = 1 + False"],
    "x = a if b else c": ["x = a if True else c", "x = a if False else c"],
    "x = [a for a in b if c]": ["x = [a for a in b if True]"],
    "x = f(a, b=c, d=e)": ["x = f(a, d=e)", "x = f(a, b=c, )"],
    "x = sorted(any(a))": ["x = list(any(a))", "x = sorted(all(a))"],
    "f(a)": ["pass"],
    "x += a": ["pass"],
    "x.y = a": ["pass"],
    "if a:\n    raise b": ["if False:\n    raise b", "if True:\n    raise b", "if a:\n    pass"],
    "while a:\n    break": ["while False:\n    break", "while a:\n    pass"],
    "def f(a, b=1):\n    return a": [
        "def f(a, b=(2)):\n    return a",
        "def f(a, b=1):\n    return None",
    ],
    # What says nothing about behaviour is left alone: texts, types, imports, assertions,
    # decorators.
    "'a text'": [],
    "x = f'{a + 1}' + 'b'": [],
    "x: Literal[1]": [],
    "import a": [],
    "assert a < 1": [],
    "if TYPE_CHECKING:\n    x = 1": [],
    "@f(a=1)\nclass C:\n    pass": [],
    "def f() -> L[1]:\n    return None": [],
}


@pytest.mark.parametrize("source", CHANGES)
def test_changes(source: str) -> None:
    """Each change is made in the text, and nothing else of the module is touched."""
    found = [
        mutant.applied(source.encode()).decode() for mutant in mutants("x.py", source.encode())
    ]
    assert found == CHANGES[source]


def test_where_a_change_is() -> None:
    """A change is named by its function and its statement, wherever in the file these are; what
    deletes is known.
    """
    source = (
        "class C:\n    def f(self):\n        if self.ready:\n            delete('ä', really=True)\n"
    )
    moved = f"import x\n\n\n{source}"
    found = mutants("x.py", source.encode())
    assert [one.place for one in found] == [one.place for one in mutants("x.py", moved.encode())]
    assert {(one.function, one.deletes) for one in found} == {("C.f", True)}
    assert [(one.line, one.statement) for one in found] == [
        (3, "if self.ready:"),
        (3, "if self.ready:"),
        (4, "delete('ä', really=True)"),
        (4, "delete('ä', really=True)"),
        (4, "delete('ä', really=True)"),
    ]


def test_what_is_no_module_any_more() -> None:
    """A change that leaves no module behind is none."""
    assert compiles(b"f(a)") and not compiles(b"f(a")


def test_every_survivor_has_a_reason() -> None:
    """Each entry of the file says why the change is put up with, once."""
    known = Known.read()
    text = FILE.read_text(encoding="utf-8")
    assert not known.same & known.accepted
    assert text.count("  same: ") + text.count("  accepted: ") == len(known.same | known.accepted)
    assert 'same: ""' not in text and "same: ''" not in text
