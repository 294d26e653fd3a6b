"""The same values in another order."""

from __future__ import annotations

from typing import Any


def turned(value: Any) -> Any:
    """A value with the keys of every mapping the other way round, which changes nothing
    about it.
    """
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value
