"""The order of keys in a request: models write properties in the order of their schema, and the lockfile sorts keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Order = dict[str, list[str]]


def key_order(value: Any, path: str = "") -> Order:
    """The keys of every mapping that are not in alphabetical order, by JSON pointer."""
    found: Order = {}
    if isinstance(value, Mapping):
        keys = list(value)
        if keys != sorted(keys):
            found[path] = keys
        for key, item in value.items():
            found |= key_order(item, f"{path}/{_escaped(key)}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            found |= key_order(item, f"{path}/{at}")
    return found


def in_order(value: Any, order: Mapping[str, list[str]], path: str = "") -> Any:
    """The same value with its keys in their own order again; keys that `order` does not know stay behind the others."""
    if isinstance(value, list):
        return [in_order(item, order, f"{path}/{at}") for at, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    first = [key for key in order.get(path, ()) if key in value]
    return {key: in_order(value[key], order, f"{path}/{_escaped(key)}") for key in dict.fromkeys([*first, *value])}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
