"""JSON from outside comes in through one door: within limits, or refused with a reason and
a place.
"""

from __future__ import annotations

import json

import pytest

from provisioner import jsontext

DEEP = jsontext.DEEPEST
GOOD = {
    "plain": '{"a": [1, 2.5, "x", null, true, -0.0, 1e308]}',
    "as deep as may be": "[" * DEEP + "]" * DEEP,
    "many brackets side by side": "[" + ",".join(["[{}]"] * 2000) + "]",
    "a long number": "1" * jsontext.LONGEST_NUMBER,
    "a pair of halves": '"\\ud83d\\ude00"',
    "a backslash before what looks like half a character": '"\\\\ud800"',
    "brackets, numbers and constants in a text": json.dumps(
        "[" * 500 + "9" * 500 + " NaN Infinity"
    ),
}
BAD = {
    "nothing": ("", "is empty", (1, 1)),
    "no JSON": ("{\n  nope}", "is not valid JSON: Expecting property name", (2, 3)),
    "two documents": ("{} {}", "is not valid JSON: Extra data", (1, 4)),
    "too deep": (
        f'{{"x": "[[",\n "y": {"[" * DEEP + "]" * DEEP}}}',
        f"is nested in more than {DEEP} levels",
        (2, 156),
    ),
    "far too deep": ("[" * 200_000, f"is nested in more than {DEEP} levels", (1, DEEP + 1)),
    "deep and never closed": (
        '{"a":' * 100_000,
        f"is nested in more than {DEEP} levels",
        (1, 5 * DEEP + 1),
    ),
    "a longer number": (
        "[\n" + "1" * (jsontext.LONGEST_NUMBER + 1) + "]",
        "a number that is too long",
        (2, 1),
    ),
    "more digits than Python reads": (
        '{"a": -' + "1" * 5000 + "}",
        "a number that is too long",
        (1, 7),
    ),
    "a number beyond all floats": (
        '{"a": "1e999", "b": 1e999}',
        "too long or too large (`1e999…`)",
        (1, 21),
    ),
    "not a number": ('{"NaN": "NaN",\n"b": NaN}', "holds `NaN`, which is no JSON", (2, 6)),
    "infinity": ("[-Infinity]", "holds `-Infinity`, which is no JSON", (1, 2)),
    "half a character": ('["\\ud83d\\ude00",\n "\\ud83d"]', "holds half a character", (2, 2)),
    "the other half": ('{"\\udfff": 1}', "holds half a character", (1, 2)),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_comes_in(text: str) -> None:
    """What is JSON and within the limits is what it always was."""
    assert jsontext.read(text) == jsontext.read(text.encode(), unique=True) == json.loads(text)


@pytest.mark.parametrize("case", BAD)
def test_what_stays_out(case: str) -> None:
    """Anything else is one sort of error, whose words go on from the name of the file, and says
    where.
    """
    text, why, place = BAD[case]
    with pytest.raises(jsontext.Unreadable) as refused:
        jsontext.read(text)
    assert why in str(refused.value)
    assert (refused.value.line, refused.value.column) == place


def test_bytes_that_are_no_text() -> None:
    """JSON is UTF-8; what is not has a place, too."""
    with pytest.raises(jsontext.Unreadable, match="is not UTF-8") as refused:
        jsontext.read(b'{\n "a": "\xff"}')
    assert (refused.value.line, refused.value.column) == (2, 8)


def test_a_key_that_is_there_twice() -> None:
    """Where it matters which of two is meant, both are refused, however deep they lie; else the
    last one counts.
    """
    text = '{"a": {"id": "x", "b": [{"id": 1, "id": 2}]}}'
    with pytest.raises(jsontext.Unreadable, match="has the key `id` twice") as refused:
        jsontext.read(text, unique=True)
    assert refused.value.key == "id"
    assert jsontext.read(text)["a"]["b"] == [{"id": 2}]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"b": [], "a": {}, "c": [None, False], 'ä"\\\n': [1, [2.5, True], {"x": None}]},
        "\u2028\ud83d",
        1e300,
        -0.0,
        10**30,
        (1, 2),
    ],
)
@pytest.mark.parametrize("sort", [False, True])
def test_layout(value: object, sort: bool) -> None:
    """The quick layout is the standard library's, byte for byte."""
    expected = json.dumps(value, indent=2, sort_keys=sort, ensure_ascii=False)
    assert jsontext.indented(value, sort=sort) == expected


def test_not_a_number() -> None:
    """What JSON cannot hold is never written."""
    with pytest.raises(ValueError):
        jsontext.indented({"a": float("nan")})
