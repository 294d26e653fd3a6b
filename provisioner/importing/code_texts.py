"""Texts that code puts together out of others, and what operators make of values that are known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter
from typing import Any

from provisioner.importing import code
from provisioner.importing.code_values import MISSING, Mixed, Thing, Unknown

LONGEST = 1_000_000  # characters of a text, and items of a list
_LARGEST = 10**12  # a number that somebody would write
_NAMED = re.compile(r"[\w.]+")
_PERCENT = re.compile(r"%(?:\((\w+)\))?([#0\- +]*\d{0,3}(?:\.\d{1,3})?)([sdifgGeErxXo%])")
OPERATORS = MOD, TIMES, MINUS, PART = "%", "*", "-", "[:]"  # as if each were a method


def operated(of: Any, name: str, args: list[Any], node: code.Node) -> Any:
    """What an operator makes of a value; MISSING where only a run would tell."""
    if name == PART:
        return _part(of, *args) if isinstance(of, str | list) and len(args) == 3 else MISSING
    if name == MOD and isinstance(of, str):
        return _percent(of, args, node)
    if len(args) != 1:
        return MISSING
    if name == TIMES and isinstance(of, int) and isinstance(args[0], str | list):
        of, args = args[0], [of]
    if name == TIMES and isinstance(of, str | list) and _is_whole(args[0]):
        return of * args[0] if len(of) * args[0] <= LONGEST else MISSING
    return _calculated(of, name, args[0])


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _calculated(left: Any, name: str, right: Any) -> Any:
    for one in (left, right):
        number = _is_whole(one) or isinstance(one, float)
        if not number or not abs(one) <= _LARGEST:
            return MISSING
    if name == TIMES:
        return left * right
    if name == MINUS:
        return left - right
    return left % right if right > 0 <= left else MISSING  # of others, languages differ


def _part(of: Any, start: Any, end: Any, step: Any) -> Any:
    whole = all(one is None or _is_whole(one) for one in (start, end, step))
    return of[start:end:step] if whole and step != 0 else MISSING


def part_of_script(of: Any, name: str, args: list[Any]) -> Any:
    """`slice` and `substring` of JavaScript."""
    if not 0 < len(args) <= 2 or not all(_is_whole(one) for one in args):
        return MISSING
    start, end = args[0], args[1] if len(args) > 1 else None
    if name == "substring":
        start, end = max(start, 0), len(of) if end is None else max(end, 0)
        start, end = min(start, end), max(start, end)
    return of[start:end]


def _percent(text: str, args: list[Any], node: code.Node) -> Any:
    """`"… %s …" % …`: what is known is put in, and anything else stays a place."""
    named = args[0] if len(args) == 1 and isinstance(args[0], dict) else {}
    waiting = list(args)
    parts: list[str | Unknown] = []
    end = 0
    for match in _PERCENT.finditer(text):
        plain, end = text[end : match.start()], match.end()
        parts.append(plain)
        key, how, sort = match.groups()
        if sort == "%":
            parts.append("%")
            continue
        given = key in named if key else bool(waiting)
        if not given or "%" in plain:
            return MISSING
        value = named[key] if key else waiting.pop(0)
        parts += _put_in(value, f"%{how}{sort}", Unknown(key or "value", node.text, node.at))
    parts.append(text[end:])
    over = bool(waiting) and not named
    return MISSING if over or "%" in text[end:] else joined(parts)


def _put_in(value: Any, how: str, unknown: Unknown) -> list[str | Unknown]:
    if not isinstance(value, str | int | float | None):
        return filled(value, unknown)
    try:
        return [how % (value,)]
    except (TypeError, ValueError, OverflowError):
        return [unknown]


def joined(parts: Sequence[Any]) -> Any:
    """Texts and places in one; MISSING where it would be longer than anybody's."""
    if sum(len(part) for part in parts if isinstance(part, str)) > LONGEST:
        return MISSING
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    return Mixed(tuple(part for part in parts if part != ""))


def concatenated(of: Any, args: list[Any]) -> Any:
    """`"a".concat("b", …)`."""
    pieces = [filled(one, Unknown("", "", (0, 0))) for one in (of, *args)]
    parts = [part for piece in pieces for part in piece]
    known = all(isinstance(part, str) or part.text for part in parts)
    return joined(parts) if known else MISSING


def formatted(text: str, given: dict[str, Any], node: code.Call) -> Any:
    """`"… {place} …".format(place=…)`: what is not given stays a place. What is given without a
    name has its number.
    """
    parts: list[str | Unknown] = []
    count = 0
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        return MISSING
    for plain, place, spec, way in pieces:
        parts.append(plain)
        if place is None:
            continue
        if not place:
            place, count = str(count), count + 1
        if not _NAMED.fullmatch(place):
            return MISSING
        unknown = Unknown(place, f"{{{place}}}", node.at)
        parts += [unknown] if spec or way else filled(given.get(place), unknown)
    return joined(parts)


def filled(value: Any, unknown: Unknown) -> list[str | Unknown]:
    """What stands in a text where a value was put; `unknown` where only a run would tell."""
    if isinstance(value, Mixed):
        return list(value.parts)
    if isinstance(value, Thing):
        return [Unknown(value.path.rsplit(".", 1)[-1], value.path, value.at)]
    if isinstance(value, Unknown | str):
        return [value]
    return [str(value)] if isinstance(value, int | float) else [unknown]
