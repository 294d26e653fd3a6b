"""What fields and replies are made of, as far as the code that reads them relies on it: a table for
each.
"""

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


def an_id(value: Any) -> bool:
    return value is None or is_id(value)


def many(inner: Shape) -> Shape:
    """A list."""
    return lambda value: value is None or (isinstance(value, list) and all(map(inner, value)))


def mapping(known: Mapping[str, Shape] | None = None, need: Collection[str] | None = None) -> Shape:
    """A mapping whose known keys have their shapes. With `need`, null is none, and these keys have
    to be there.
    """
    table = known or {}

    def fits(value: Any) -> bool:
        if value is None:
            return need is None
        return (
            isinstance(value, dict)
            and misfit(value, table) is None
            and all(key in value for key in need or ())
        )

    return fits


def each(inner: Shape) -> Shape:
    """A mapping whose values all have one shape."""
    return lambda value: (
        value is None or (isinstance(value, dict) and all(map(inner, value.values())))
    )


def either(*shapes: Shape) -> Shape:
    return lambda value: any(shape(value) for shape in shapes)


def misfit(value: Mapping[str, Any], table: Mapping[str, Shape]) -> str | None:
    """The first key of a mapping whose value does not have its shape."""
    for key, inner in value.items():
        shape = table.get(key)
        if shape is not None and not shape(inner):
            return key
    return None


_TOOL = mapping(
    {
        "type": word,
        "name": text,
        "description": text,
        "parameters": mapping(),
        "vector_stores": many(reference),
        "files": many(reference),
        "ranking_options": mapping({"score_threshold": number}),
    },
    need=["type"],
)
_PARTS = mapping(
    {
        "id": an_id,
        "file": address,
        "sha256": text,
        "attributes": mapping(),
        "chunking": either(text, mapping()),
    },
    need=(),
)


def _document(value: Any) -> bool:
    """A file of a store: one of ours by its address, or one that is not managed by its id."""
    return _PARTS(value) and any(isinstance(value.get(key), str) for key in ("file", "id"))


FIELDS: Mapping[str, Shape] = {
    "name": text,
    "description": text,
    "instructions": text,
    "model": text,
    "reasoning_effort": text,
    "purpose": text,
    "sha256": text,
    "other_files": text,
    "bytes": whole,
    "temperature": number,
    "top_p": number,
    "metadata": mapping(),
    "expires_after": mapping(),
    "chunking": either(text, mapping()),
    "files": each(_document),
    "tools": many(_TOOL),
    "response_format": either(
        text, mapping({"type": word, "name": text, "description": text, "schema": mapping()})
    ),
    "responses": mapping(),
    "agents": mapping(),
}
"""Declared fields of any kind, as the lock and plans have them: references as addresses."""

_WIRE_TOOL = mapping(
    {
        "type": word,
        "function": mapping({"name": text, "description": text, "parameters": mapping()}),
        "file_search": mapping({"ranking_options": mapping({"score_threshold": number})}),
        "code_interpreter": mapping(),
    },
    need=["type"],
)
_RESOURCES = mapping(
    {
        "code_interpreter": mapping({"file_ids": many(is_id)}),
        "file_search": mapping({"vector_store_ids": many(is_id)}),
    }
)

REPLY: Mapping[str, Shape] = {
    **{
        name: FIELDS[name]
        for name in ("name", "description", "instructions", "model", "reasoning_effort")
    },
    **{name: FIELDS[name] for name in ("temperature", "top_p", "metadata", "expires_after")},
    "filename": text,
    "purpose": text,
    "status": text,
    "bytes": number,
    "tools": many(_WIRE_TOOL),
    "tool_resources": _RESOURCES,
    "response_format": either(
        text, mapping({"type": word, "json_schema": mapping({"schema": mapping()})})
    ),
    "file_counts": mapping(),
    "attributes": mapping(),
    "chunking_strategy": mapping({"type": text, "static": mapping()}),
    "last_error": mapping(),
}
"""Objects of a service, as it spells them."""
