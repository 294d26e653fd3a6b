"""Normal form against normal form: what is the same, what differs, and whose edit it is."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.diff import ABSENT, Sides, compare, ignored, inside, join, parts, same, units
from provisioner.yamltext.patches import Rearranged

PATHS = {
    ("metadata", "team"): "metadata.team",
    ("metadata", "_a-1"): "metadata._a-1",
    ("metadata", "1a"): 'metadata["1a"]',
    ("metadata", "odd key"): 'metadata["odd key"]',
    ("metadata", "a.b"): 'metadata["a.b"]',
    ("metadata", 'say "x"'): 'metadata["say \\"x\\""]',
    ("metadata", "größe"): 'metadata["größe"]',
    ("files", "docs/a.md", "attributes", "team"): 'files["docs/a.md"].attributes.team',
    ("files", "a]b[.md", "attributes", "x y"): 'files["a]b[.md"].attributes["x y"]',
    ("files", "docs/a.md", "x y", "z"): 'files["docs/a.md"]["x y"].z',
    ("temperature",): "temperature",
}


@pytest.mark.parametrize("keys", PATHS)
def test_paths(keys: tuple[str, ...]) -> None:
    """A path is put together from its keys, and taken apart again, whatever the keys are."""
    path = keys[0]
    for key in keys[1:]:
        path = join(path, key)
    assert path == PATHS[keys]
    assert parts(path) == list(keys)


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        (1, 1, True),
        (1, 2, False),
        (1, 1.0, True),
        (1, True, False),
        (False, 0, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        ("1", 1, False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, {"a": [0]}], [1.0, {"a": [0]}], True),
        ([1, {"a": [0]}], [1, {"a": [False]}], False),
        ([1, 2], [2, 1], False),
        ((1, 2), (1, 2), True),
        ((0, 2), (False, 2), False),
        (Rearranged([1]), [True], False),
    ],
)
def test_same(left: Any, right: Any, alike: bool) -> None:
    """As JSON has it: 1 is 1.0, and true is not 1, however deep."""
    assert same(left, right) is same(right, left) is alike


def test_units() -> None:
    """Each field is one unit; those with keys of their own are as many as they have keys."""
    fields = {"name": "x", "metadata": {"team": "hr", "odd key": 1}, "tools": [{"type": "x"}]}
    assert units(fields, {"metadata"}) == {
        "name": "x",
        "metadata.team": "hr",
        'metadata["odd key"]': 1,
        "tools": [{"type": "x"}],
    }
    assert units({"metadata": None}, {"metadata"}) == {}
    assert units({"metadata": None}, set()) == {"metadata": None}


@pytest.mark.parametrize(
    ("path", "names", "covered"),
    [
        ("metadata", ["metadata"], True),
        ("metadata.team", ["metadata"], True),
        ('metadata["x y"]', ["metadata"], True),
        ("metadata", ["metadata.team"], False),
        ("metadata_2", ["metadata"], False),
        ("name", ["metadata", "name"], True),
        ("name", [], False),
    ],
)
def test_ignored(path: str, names: list[str], covered: bool) -> None:
    """A name covers itself and what is below it."""
    assert ignored(path, names) is covered


# want, base, have of one unit (`...`: not there), with a default of 0; what is written, and whose
# edit that undoes.
THREE_WAYS: dict[str, tuple[Any, Any, Any, tuple[Any, Any, str | None] | None]] = {
    "as it was": (1, 1, 1, None),
    "our edit": (2, 1, 1, (1, 2, None)),
    "their edit": (1, 1, 2, (2, 1, "remote")),
    "an edit of each": (3, 1, 2, (2, 3, "both")),
    "the same edit of each": (2, 1, 2, None),
    "new": (2, ..., ..., (0, 2, None)),
    "new, and the default": (0, ..., ..., None),
    "new, and there already": (2, ..., 2, None),
    "new, and something else there": (2, ..., 3, (3, 2, None)),
    "declared no more": (..., 1, 1, (1, 0, None)),
    "declared no more, and reset already": (..., 1, 0, None),
    "declared no more, and edited": (..., 1, 2, (2, 0, "both")),
    "declared no more, the default, and edited": (..., 0, 2, (2, 0, "remote")),
    "nobody's": (..., ..., 2, None),
    "gone": (1, 1, ..., (0, 1, "remote")),
    "null": (None, ..., ..., (0, None, None)),
    "null, and null there": (None, ..., None, None),
    "null, as it was": (None, None, None, None),
    "null, and edited": (None, None, 2, (2, None, "remote")),
    "null no more": (..., None, None, (None, 0, None)),
}


@pytest.mark.parametrize("row", THREE_WAYS)
def test_three_ways(row: str) -> None:
    """What is declared, or was, is brought to what is declared, or to the default; nothing else is
    touched.
    """
    want, base, have, expected = THREE_WAYS[row]
    given = {"want": want, "base": base, "have": have}
    sides = {name: {} if value is ... else {"x": value} for name, value in given.items()}
    found = compare(Sides(**sides, default={"x": 0}))
    assert [(one.before, one.after, one.drift) for one in found.changes] == (
        [expected] if expected else []
    )
    assert all(one.path == "x" and one.locked == sides["base"].get("x") for one in found.changes)
    assert found.unkept == ()


def test_a_reset_that_is_still_to_be_done() -> None:
    """A unit that nobody declares any more, and that was not reset, is still ours."""
    found = compare(Sides(want={}, base={}, have={"x": 1}, default={"x": 0}, resetting=("x",)))
    assert [(one.path, one.before, one.after, one.drift) for one in found.changes] == [
        ("x", 1, 0, None)
    ]


def test_what_is_ignored() -> None:
    """Somebody else's fields are compared with nothing."""
    sides = {"x": 1, "metadata.team": 1, "y": 1}
    found = compare(Sides(want=sides, base={}, have={}, default={}, ignored=("x", "metadata")))
    assert [one.path for one in found.changes] == ["y"]


UNKEPT = {"sent": 1, "got": 5}
KEPT: dict[str, tuple[Any, Any, Any, tuple[Any, Any, str | None] | None, bool]] = {
    "as it was not kept": (1, 1, 5, None, True),
    "as it was not kept, and something else is wanted": (2, 1, 5, (5, 2, None), False),
    "something else is there": (1, 1, 6, (6, 1, "remote"), False),
    "something else is there, and is wanted": (2, 1, 6, (6, 2, "both"), False),
    "it is kept after all": (1, 1, 1, None, False),
    "what was sent before is not what was applied last": (3, 3, 5, (5, 3, "remote"), False),
}


@pytest.mark.parametrize("row", KEPT)
def test_what_the_service_did_not_keep(row: str) -> None:
    """The value that the service made of ours is neither a change nor an edit, until either side
    changes.
    """
    want, base, have, expected, unkept = KEPT[row]
    found = compare(
        Sides(
            want={"x": want}, base={"x": base}, have={"x": have}, default={}, unkept={"x": UNKEPT}
        )
    )
    assert [(one.before, one.after, one.drift) for one in found.changes] == (
        [expected] if expected else []
    )
    assert found.unkept == (("x",) if unkept else ())


INSIDE: dict[str, tuple[Any, Any, list[tuple[str, Any, Any]]]] = {
    "nothing": ({"a": 1}, {"a": 1.0}, []),
    "a value": ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
    "true is not 1": ({"a": {"b": 1}}, {"a": {"b": True}}, [("a.b", 1, True)]),
    "a key more": ({"a": {}}, {"a": {"b c": 1}}, [('a["b c"]', ABSENT, 1)]),
    "a key less": ({"a": {"b": 1}}, {"a": {}}, [("a.b", 1, ABSENT)]),
    "a key that is null": ({}, {"a": None}, [("a", ABSENT, None)]),
    "a null that goes": ({"a": None}, {}, [("a", None, ABSENT)]),
    "an item that is null": (["x", None], ["x"], [("[1]", None, ABSENT)]),
    "null instead": (["x", 1], ["x", None], [("[1]", 1, None)]),
    "in order": ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("a", 1, 2), ("b", 1, 2)]),
    "an item more": ({"a": [1]}, {"a": [1, 2]}, [("a[1]", ABSENT, 2)]),
    "an item less": ({"a": [1, 2]}, {"a": [1]}, [("a[1]", 2, ABSENT)]),
    "in an item": (
        {"a": [{"b": {"c d": [1]}}]},
        {"a": [{"b": {"c d": [2]}}]},
        [('a[0].b["c d"][0]', 1, 2)],
    ),
    "1 and 1.0 in a list": ({"a": [1, {"b": 2}, 3]}, {"a": [1.0, {"b": 2.0}, 4]}, [("a[2]", 3, 4)]),
    "a flag that was a number": ({"a": [1, "x"]}, {"a": [True, "x"]}, [("a[0]", 1, True)]),
    "a number that was a flag": ([{"a": False}], [{"a": 0}], [("[0].a", False, 0)]),
    "flags that changed places": ([True, 1], [1, True], [("[0]", True, 1), ("[1]", 1, True)]),
    "a flag in what is new": ([], [{"a": [True]}], [("[0]", ABSENT, {"a": [True]})]),
    "a flag and its word": ([True], ["true"], [("[0]", True, "true")]),
    "the last digit": (
        [10**19, 0.1234567890123],
        [10**19 + 1, 0.1234567890124],
        [("[0]", 10**19, 10**19 + 1), ("[1]", 0.1234567890123, 0.1234567890124)],
    ),
    "an item of another kind": ({"a": [1]}, {"a": ["x"]}, [("a[0]", 1, "x")]),
    "a list that was none": ({"a": 1}, {"a": [1]}, [("a", 1, [1])]),
    "a list no more": ({"a": [1]}, {"a": 1}, [("a", [1], 1)]),
    "a mapping that was a list": ({"a": [1]}, {"a": {"b": 1}}, [("a", [1], {"b": 1})]),
    "a mapping no more": ({"a": {"b": 1}}, {"a": None}, [("a", {"b": 1}, None)]),
    "lists themselves": ([1, 2], [1, 3], [("[1]", 2, 3)]),
    "wholly different items": (
        {"a": [{"type": "x", "b": 1, "c": 2}]},
        {"a": [{"type": "y", "d": 3}]},
        [
            ("a[0].b", 1, ABSENT),
            ("a[0].c", 2, ABSENT),
            ("a[0].d", ABSENT, 3),
            ("a[0].type", "x", "y"),
        ],
    ),
}


@pytest.mark.parametrize("row", INSIDE)
def test_inside(row: str) -> None:
    """Where two nested values differ: as deep as they are alike."""
    before, after, leaves = INSIDE[row]
    assert inside(before, after) == leaves
