"""Owns the checking of parameters: small checks that combine, and the words in which OpenAI refuses
a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .errors import ApiError, bad

# A check is given the parameter's path and its value; it returns the value to keep or raises.
Check = Callable[[str, Any], Any]

MOST_DIGITS = 18  # Python refuses to read some thousand

_KINDS: list[tuple[type, str]] = [
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
]


def wrong_type(path: str, expected: str, value: Any) -> ApiError:
    kind = next((name for type_, name in _KINDS if isinstance(value, type_)), "null")
    return bad(
        f"Invalid type for '{path}': expected {expected}, but got {kind} instead.",
        path,
        "invalid_type",
    )


def required(path: str) -> ApiError:
    return bad(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def exclusive(path: str, first: str, second: str) -> ApiError:
    names = f"'{first}' or '{second}'"
    return bad(
        f"Mutually exclusive parameters: {names}. Ensure you are only providing one of: {names}.",
        path,
        "mutually_exclusive_parameters",
    )


def not_one_of(path: str, value: Any, allowed: Collection[str]) -> ApiError:
    *most, last = [f"'{one}'" for one in allowed]
    listed = (
        last
        if not most
        else f"{most[0]} and {last}"
        if len(most) == 1
        else f"{', '.join(most)}, and {last}"
    )
    return bad(f"Invalid value: '{value}'. Supported values are: {listed}.", path, "invalid_value")


def _bound(path: str, kind: str, value: float, least: float | None, most: float | None) -> None:
    # Asked in this way, because what is not a number is neither more nor less.
    if most is not None and not value <= most:
        relation, word, code, limit = "<=", "above maximum", "above_max", most
    elif least is not None and not value >= least:
        relation, word, code, limit = ">=", "below minimum", "below_min", least
    else:
        return
    message = (
        f"Invalid '{path}': {kind} {word} value. Expected a value {relation} {limit}, but got"
        f" {value} instead."
    )
    raise bad(message, path, f"{kind}_{code}_value")


def _length(path: str, kind: str, unit: str, length: int, least: int, most: int | None) -> None:
    if most is not None and length > most:
        word, code, limit = "too long", "above_max", f"maximum length {most}"
    elif length < least:
        word, code, limit = "too short", "below_min", f"minimum length {least}"
    else:
        return
    message = (
        f"Invalid '{path}': {kind} {word}. Expected {unit} with {limit}, but got {unit} with length"
        f" {length} instead."
    )
    raise bad(message, path, f"{kind}_{code}_length")


def string(*, longest: int | None = None, shortest: int = 0, pattern: str | None = None) -> Check:
    def check(path: str, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        _length(path, "string", "a string", len(value), shortest, longest)
        if pattern is not None and not re.fullmatch(pattern, value):
            expected = f"Expected a string that matches the pattern '^{pattern}$'."
            raise bad(
                f"Invalid '{path}': string does not match pattern. {expected}",
                path,
                "invalid_value",
            )
        return value

    return check


def integer(least: int | None = None, most: int | None = None) -> Check:
    def check(path: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(path, "an integer", value)
        _bound(path, "integer", value, least, most)
        return value

    return check


def whole_number(text: str) -> int | None:
    """The number that a text spells. Of one with more digits than any limit has, only that it is so
    large is kept.
    """
    if not text.removeprefix("-").isdecimal():
        return None
    return int(text[:MOST_DIGITS])


def decimal(least: float | None = None, most: float | None = None) -> Check:
    def check(path: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong_type(path, "a decimal", value)
        _bound(path, "decimal", value, least, most)
        return float(value)

    return check


def boolean(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(path, "a boolean", value)
    return value


def any_value(_path: str, value: Any) -> Any:
    return value


def one_of(*allowed: str) -> Check:
    def check(path: str, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type(path, f"one of {', '.join(repr(one) for one in allowed)}", value)
        if value not in allowed:
            raise not_one_of(path, value, allowed)
        return value

    return check


def nullable(inner: Check) -> Check:
    def check(path: str, value: Any) -> Any:
        return None if value is None else inner(path, value)

    return check


def array(item: Check, *, least: int = 0, most: int | None = None, of: str = "strings") -> Check:
    def check(path: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise wrong_type(path, f"an array of {of}", value)
        _length(path, "array", "an array", len(value), least, most)
        return [item(f"{path}[{index}]", one) for index, one in enumerate(value)]

    return check


def mapping(value_check: Check) -> Check:
    """An object with any keys."""

    def check(path: str, value: Any) -> dict[str, Any]:
        given = json_object(path, value)
        return {key: value_check(f"{path}.{key}", one) for key, one in given.items()}

    return check


def json_object(path: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object", value)
    return value


def fields(spec: Mapping[str, Check], needed: Collection[str] = ()) -> Check:
    """An object with these fields and no other; at the top the path is empty."""

    def check(path: str, value: Any) -> dict[str, Any]:
        prefix = f"{path}." if path else ""
        given = json_object(path, value)
        for name in given:
            if name not in spec:
                raise bad(
                    f"Unknown parameter: '{prefix}{name}'.", f"{prefix}{name}", "unknown_parameter"
                )
        for name in needed:
            if name not in given:
                raise required(prefix + name)
        return {name: spec[name](prefix + name, one) for name, one in given.items()}

    return check


def holding(needed: Mapping[str, Check]) -> Check:
    """An object with at least these fields."""

    def check(path: str, value: Any) -> dict[str, Any]:
        given = json_object(path, value)
        for name, inner in needed.items():
            if name not in given:
                raise required(f"{path}.{name}")
            inner(f"{path}.{name}", given[name])
        return given

    return check


def variants(by_type: Mapping[str, Check]) -> Check:
    """An object whose `type` says which check applies to it; at the top the path is empty."""

    def check(path: str, value: Any) -> Any:
        given = json_object(path, value)
        where = f"{path}.type" if path else "type"
        if "type" not in given:
            raise required(where)
        return by_type[one_of(*by_type)(where, given["type"])](path, value)

    return check


def pairs(value_check: Check) -> Check:
    """Up to 16 pairs whose keys have up to 64 characters: metadata and attributes."""

    def check(path: str, value: Any) -> dict[str, Any]:
        given = json_object(path, value)
        if len(given) > 16:
            raise bad(
                f"Invalid '{path}': too many properties. Expected an object with at most 16"
                f" properties, but got an object with {len(given)} properties instead.",
                path,
                "object_above_max_properties",
            )
        for key in given:
            if len(key) > 64:
                raise bad(
                    f"Invalid property name in '{path}': '{key}' is too long. Expected a property"
                    f" name with maximum length 64, but got a property name with length {len(key)}"
                    " instead.",
                    path,
                    "property_name_above_max_length",
                )
        return {key: value_check(f"{path}.{key}", one) for key, one in given.items()}

    return check


def _attribute(path: str, value: Any) -> str | float | bool:
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        raise wrong_type(path, "one of a string, a number, or a boolean", value)
    kept: str = string(longest=512)(path, value)
    return kept


metadata = nullable(pairs(string(longest=512)))
attributes = nullable(pairs(_attribute))


def _static(path: str, value: Any) -> dict[str, int]:
    sizes: dict[str, int] = fields(
        {"max_chunk_size_tokens": integer(100, 4096), "chunk_overlap_tokens": integer(0)},
        ("max_chunk_size_tokens", "chunk_overlap_tokens"),
    )(path, value)
    if sizes["chunk_overlap_tokens"] * 2 > sizes["max_chunk_size_tokens"]:
        overlap = f"{path}.chunk_overlap_tokens"
        raise bad(
            f"Invalid '{overlap}': must be less than or equal to half of 'max_chunk_size_tokens'.",
            overlap,
            "invalid_value",
        )
    return sizes


chunking = variants(
    {
        "auto": fields({"type": any_value}),
        "static": fields({"type": any_value, "static": _static}, ("static",)),
    }
)


def chunk_sizes(strategy: dict[str, Any] | None) -> tuple[int, int]:
    """Tokens of a chunk and of the overlap; what is not said is 800 and 400."""
    if strategy is None or strategy["type"] == "auto":
        return 800, 400
    return strategy["static"]["max_chunk_size_tokens"], strategy["static"]["chunk_overlap_tokens"]
