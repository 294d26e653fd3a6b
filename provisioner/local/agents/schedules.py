"""Owns what is asked of a schedule: a cron expression of five fields, and a time zone."""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from .. import checks
from ..errors import bad

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# Least and most of each field, and the names that its numbers have.
_FIELDS: list[tuple[int, int, list[str]]] = [
    (0, 59, []),
    (0, 23, []),
    (1, 31, []),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
]
_TERM = re.compile(r"(\*|\w+(?:-\w+)?)(?:/([0-9]{1,2}))?")


def expression(path: str, value: Any) -> str:
    text: str = checks.string(longest=256, shortest=1)(path, value)
    fields = text.split()
    if len(fields) != len(_FIELDS) or not all(map(_holds, fields, range(len(_FIELDS)))):
        raise bad(
            f"Invalid '{path}': expected a cron expression with five fields.",
            path,
            "invalid_value",
        )
    return text


def _holds(field: str, place: int) -> bool:
    return all(_term_holds(term, *_FIELDS[place]) for term in field.split(","))


def _term_holds(term: str, least: int, most: int, names: list[str]) -> bool:
    found = _TERM.fullmatch(term.lower())
    if found is None or (found[2] is not None and int(found[2]) == 0):
        return False
    if found[1] == "*":
        return True
    ends = [_number(one, least, names) for one in found[1].split("-")]
    return ends == sorted(ends) and least <= ends[0] and ends[-1] <= most


def _number(written: str, least: int, names: list[str]) -> int:
    """-1 for what is no number."""
    if written in names:
        return least + names.index(written)
    return int(written) if re.fullmatch("[0-9]{1,2}", written) else -1


def timezone(path: str, value: Any) -> str:
    name: str = checks.string(shortest=1)(path, value)
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        # A machine without any zones cannot tell.
        if zoneinfo.available_timezones():
            raise bad(
                f"Invalid '{path}': '{name}' is not an IANA time zone.", path, "invalid_value"
            ) from error
    return name
