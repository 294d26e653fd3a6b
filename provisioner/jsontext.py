"""The one door for JSON from outside: a text becomes a value within limits, or `Unreadable` says
why not, and where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

DEEPEST = (
    150  # levels; `deepdiff`, which compares what was read, follows no more than some two hundred
)
DEEPEST_OURS = 250  # of our own documents, which hold such values some levels down
LONGEST_NUMBER = 100  # characters; no float has an integer of four hundred digits

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_TOKEN = re.compile(
    r'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<open>[\[{])|(?P<close>[\]}])|(?P<bare>[^\s",:\[\]{}]+)',
    re.S,
)
_BEYOND = ("NaN", "Infinity", "-Infinity")


class Unreadable(ValueError):
    """What is not JSON, or beyond a limit. The message continues "`file` …"; `key` is one that is
    there twice.
    """

    def __init__(
        self, why: str, line: int | None = None, column: int | None = None, key: str | None = None
    ) -> None:
        super().__init__(why)
        self.line, self.column, self.key = line, column, key


class _Beyond(ValueError):
    """Somewhere in the text is what may not be there; a closer look says what and where."""


def canonical(value: Any, *, ascii: bool = True) -> str:
    """The one spelling of a value in which it is compared or hashed: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii)


def indented(value: Any, *, sort: bool = False) -> str:
    """The spelling for people, as `json.dumps` has it with `indent=2`: text as it is. ValueError
    for NaN and infinity.
    """
    return _block(value, "\n", sort)


def _block(value: Any, newline: str, sort: bool) -> str:
    # The standard library falls back to nested generators as soon as an indent is wanted; plain
    # recursion over the few types that JSON has is what makes a lock of 10,000 entries quick to
    # write.
    if isinstance(value, str):
        return encode_basestring(value)
    inner = newline + "  "
    if isinstance(value, dict) and value:
        names = sorted(value) if sort else value
        items = [f"{encode_basestring(name)}: {_block(value[name], inner, sort)}" for name in names]
        return f"{{{inner}{f',{inner}'.join(items)}{newline}}}"
    if isinstance(value, list | tuple) and value:
        items = [_block(item, inner, sort) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{newline}]"
    if type(value) is bool or value is None:
        return _WORDS[value]
    if type(value) is int:
        return repr(value)
    # What is empty, a number with a fraction, and whatever else JSON refuses.
    return json.dumps(value, allow_nan=False)


_WORDS = {True: "true", False: "false", None: "null"}


def read(text: str | bytes, *, deepest: int = DEEPEST, unique: bool = False) -> Any:
    """The value of a JSON text, UTF-8 if bytes. Raises Unreadable for what is not JSON, for more
    than `deepest` levels, longer numbers, numbers that JSON does not know, and half characters; if
    `unique`, for a key that an object has twice.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    try:
        value = (_UNIQUE if unique else _PLAIN).decode(text)
    except json.JSONDecodeError as error:
        why = f"is not valid JSON: {error.msg}" if text.strip() else "is empty"
        raise Unreadable(why, error.lineno, error.colno) from None
    except (_Beyond, RecursionError):
        raise _found(text, deepest) from None
    if text.count("[") + text.count("{") > deepest and _deeper(value, deepest):
        raise _found(text, deepest)
    if _HALF.search(text) and _HALF.search(_PAIR.sub("", text)) and _halved(value):
        raise _found(text, deepest)
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise Unreadable("is not UTF-8", line, column) from None


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _Beyond
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if len(text) > LONGEST_NUMBER or value in (float("inf"), float("-inf")):
        raise _Beyond
    return value


def _constant(_name: str) -> Any:
    raise _Beyond


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        key = next(name for name in names if names.count(name) > 1)
        raise Unreadable(f"has the key `{key}` twice in one mapping", key=key)
    return found


_PLAIN = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_constant)
_UNIQUE = json.JSONDecoder(
    parse_int=_whole, parse_float=_real, parse_constant=_constant, object_pairs_hook=_once
)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and mappings stand in each other in more than so many levels."""
    level = [value] if type(value) is dict or type(value) is list else []
    for _ in range(levels):
        below: list[Any] = []
        for outer in level:
            for inner in outer.values() if type(outer) is dict else outer:
                if type(inner) is dict or type(inner) is list:
                    below.append(inner)
        if not below:
            return False
        level = below
    return True


def _halved(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _found(text: str, deepest: int) -> Unreadable:
    """What is wrong in a text of which only that is known."""
    offset, why = next(_findings(text, deepest), (0, f"is nested in more than {deepest} levels"))
    line = text.count("\n", 0, offset) + 1
    return Unreadable(why, line, offset - text.rfind("\n", 0, offset))


def _findings(text: str, deepest: int) -> Iterator[tuple[int, str]]:
    depth = 0
    for token in _TOKEN.finditer(text):
        said = token[0]
        if token.lastgroup == "open":
            depth += 1
            if depth > deepest:
                yield token.start(), f"is nested in more than {deepest} levels"
        elif token.lastgroup == "close":
            depth -= 1
        elif said in _BEYOND:
            yield token.start(), f"holds `{said}`, which is no JSON"
        elif token.lastgroup == "bare" and _out_of_range(said):
            yield token.start(), f"holds a number that is too long or too large (`{said[:20]}…`)"
        elif token.lastgroup == "text" and _HALF.search(said) and _halved(json.loads(said)):
            yield (
                token.start(),
                "holds half a character, which no text has (an escape from `\\ud800` to `\\udfff`)",
            )


def _out_of_range(said: str) -> bool:
    if len(said) > LONGEST_NUMBER:
        return True
    try:
        return float(said) in (float("inf"), float("-inf"))
    except ValueError:
        return False
