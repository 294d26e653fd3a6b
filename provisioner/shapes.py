"""What fields and replies are made of, as far as the code that reads them relies on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from provisioner.model import is_id

Shape = Callable[[Any], bool]
"""Whether a value is of a shape; null always is."""

_PATH = re.compile(
    r'[^.\[\]"]+(?:\.[^.\[\]"]+|\[[0-9]+\]|\["(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"\])*'
)


def anything(_value: Any) -> bool:
    return True


def text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def word(value: Any) -> bool:
    """Text that has to be there."""
    return isinstance(value, str)


def number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def whole(value: Any) -> bool:
    return value is None or type(value) is int


def path(value: Any) -> bool:
    """The path of a field, like `metadata["odd key"]`."""
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


def address(value: Any) -> bool:
    return isinstance(value, str) and 0 < value.find(".") < len(value) - 1


def reference(value: Any) -> bool:
    """An address, or the id of what is not managed."""
    return is_id(value.get("id")) if isinstance(value, dict) else address(value)


def secret(value: Any) -> bool:
    """Where a secret is: `{"env": NAME}`, `{"file": PATH}` or `{"command": [WORD, …]}`. Anything
    else might be the secret itself.
    """
    if value is None:
        return True
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (how, where), *_ = value.items()
    if how == "command":
        return isinstance(where, list) and bool(where) and all(map(word, where))
    return how in ("env", "file") and word(where)


def an_id(value: Any) -> bool:
    return value is None or is_id(value)


def many(inner: Shape) -> Shape:
    """A list."""
    return lambda value: value is None or (isinstance(value, list) and all(map(inner, value)))


def mapping(known: Mapping[str, Shape] | None = None, need: Collection[str] | None = None) -> Shape:
    """A mapping whose known keys have their shapes. With `need`, null is none, and these keys have
    to be there.
    """
    table, needed = known or {}, frozenset(need or ())

    def fits(value: Any) -> bool:
        if value is None:
            return need is None
        if not isinstance(value, dict) or (table and misfit(value, table) is not None):
            return False
        return not needed or needed <= value.keys()

    return fits


def each(inner: Shape) -> Shape:
    """A mapping whose values all have one shape."""
    return lambda value: (
        value is None or (isinstance(value, dict) and all(map(inner, value.values())))
    )


def maybe(inner: Shape) -> Shape:
    """Or nothing."""
    return lambda value: value is None or inner(value)


def either(*shapes: Shape) -> Shape:
    return lambda value: any(shape(value) for shape in shapes)


def misfit(value: Mapping[str, Any], table: Mapping[str, Shape]) -> str | None:
    """The first key of a mapping whose value does not have its shape."""
    if len(table) < len(value):
        for key, shape in table.items():
            if key in value and not shape(value[key]):
                return key
        return None
    for key, inner in value.items():
        known = table.get(key)
        if known is not None and not known(inner):
            return key
    return None
