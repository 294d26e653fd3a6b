"""Owns the shortest text that a regular expression finds, as far as one can be built plainly."""

from __future__ import annotations

import re

# The parser of `re` itself. It has no public name, and writing a second one would be worse.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

CLASSES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}
LONGEST = 20_000  # characters of what is repeated
CANDIDATES = "aA0 -_.b1B,;:/@#é"


def matching(pattern: str) -> str:
    """A text in which `pattern` is found; what cannot be built, such as a look-ahead, is left
    out.
    """
    try:
        return _built(parser.parse(pattern), {})
    except (re.error, OverflowError, RecursionError):
        return ""


def _built(parts: Any, groups: dict[int, str]) -> str:
    return "".join(_part(code, value, groups) for code, value in parts)


def _part(code: Any, value: Any, groups: dict[int, str]) -> str:
    match str(code):
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL" | "ANY":
            return "a" if value != ord("a") else "b"
        case "IN":
            return _one_of(value)
        case "GROUPREF":
            return groups.get(value, "")
        case name:
            return _nested(name, value, groups)


def _nested(name: str, value: Any, groups: dict[int, str]) -> str:
    match name:
        case "BRANCH":
            return _built(value[1][0], groups)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            text = _built(value[2], groups)
            return text * min(int(value[0]), LONGEST // max(len(text), 1))
        case "SUBPATTERN":
            groups[value[0] or 0] = _built(value[3], groups)
            return groups[value[0] or 0]
        case "ATOMIC_GROUP":
            return _built(value, groups)
        case _:
            return ""


def _one_of(choices: Any) -> str:
    if choices[0][0] is codes.NEGATE:
        text = re.compile(_class_source(choices))
        return next((one for one in CANDIDATES if text.match(one)), "~")
    code, value = choices[0]
    match str(code):
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case _:
            return CLASSES.get(str(value), "~")


def _class_source(choices: Any) -> str:
    """The set written again as an expression."""
    sources = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}
    written = []
    for code, value in choices[1:]:
        match str(code):
            case "LITERAL":
                written.append(re.escape(chr(value)))
            case "RANGE":
                written.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
            case _:
                written.append(sources.get(str(value), ""))
    return f"[^{''.join(written)}]"
