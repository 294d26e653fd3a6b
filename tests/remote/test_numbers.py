"""Numbers that a service shows as text: read as numbers where they are the service's own, and
nowhere else.
"""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.remote.client import numbers_as_text, with_numbers

ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "whole": ({"bytes": "12"}, {"bytes": 12}),
    "broken": ({"temperature": "0.20"}, {"temperature": 0.2}),
    "below nought": ({"created_at": "-3"}, {"created_at": -3}),
    "in powers of ten": (
        {"temperature": "1e-3", "top_p": "2E+1"},
        {"temperature": 0.001, "top_p": 20.0},
    ),
    "below a part": ({"expires_after": {"days": "7"}}, {"expires_after": {"days": 7}}),
    "far below": (
        {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": "800"}}},
        {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 800}}},
    ),
    "in a list": (
        {
            "tools": [
                {"type": "x"},
                {"type": "file_search", "file_search": {"max_num_results": "8"}},
                "odd",
            ]
        },
        {
            "tools": [
                {"type": "x"},
                {"type": "file_search", "file_search": {"max_num_results": 8}},
                "odd",
            ]
        },
    ),
    "beside an empty part": (
        {"tools": [], "expires_after": None, "bytes": "1"},
        {"tools": [], "expires_after": None, "bytes": 1},
    ),
    "beside the author's": (
        {"bytes": "1", "metadata": {"days": "7"}},
        {"bytes": 1, "metadata": {"days": "7"}},
    ),
}
PLAIN: list[dict[str, Any]] = [
    {"bytes": 12, "temperature": 0.2, "created_at": None},
    {"bytes": ""},
    {"bytes": "12 MB"},
    {"bytes": "1."},
    {"bytes": True},
    {"name": "12"},
    {"metadata": {"days": "7", "bytes": "12"}, "attributes": {"seconds": "3"}},
    {"tools": ["8"]},
    {"tools": "8"},
]


@pytest.mark.parametrize("row", ROWS)
def test_numbers(row: str) -> None:
    """A number that is text is found, and read as what it says."""
    shown, meant = ROWS[row]
    assert numbers_as_text(shown)
    found = with_numbers(shown)
    assert found == meant
    assert not numbers_as_text(found)


@pytest.mark.parametrize("shown", PLAIN)
def test_what_is_left(shown: dict[str, Any]) -> None:
    """Words, numbers that are numbers, and whatever the author has written are left as they are."""
    assert not numbers_as_text(shown)
    assert with_numbers(shown) == shown


def test_whole_numbers_stay_whole() -> None:
    """12 is not 12.0, which would be another value in the lock."""
    assert isinstance(with_numbers({"bytes": "12"})["bytes"], int)
