"""Tables of tests, written so that a reader takes them in at a glance."""

from __future__ import annotations

import pytest


def table(text: str) -> pytest.MarkDecorator:
    """One test for each line; `|` stands between the cells, and the first line says what they are passed as."""
    head, *lines = (line for line in text.splitlines() if line.strip())
    names, *rows = ([cell.strip() for cell in line.split("|")] for line in (head, *lines))
    for row in rows:
        assert len(row) == len(names), f"{len(row)} cells instead of {len(names)}: {row}"
    ids = [" | ".join(row) for row in rows]
    assert len(set(ids)) == len(ids), "a row stands in the table twice"
    return pytest.mark.parametrize(names, rows, ids=ids)
