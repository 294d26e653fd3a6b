"""Numbers that a service shows as text, read as the numbers they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NUMBERS = frozenset(
    {
        "bytes",
        "created_at",
        "expires_at",
        "temperature",
        "top_p",
        "days",
        "seconds",
        "max_num_results",
        "score_threshold",
        "max_chunk_size_tokens",
        "chunk_overlap_tokens",
        "in_progress",
        "completed",
    }
)
# Below an object: what holds numbers of the service's own. Metadata, attributes and schemas are the author's.
_PARTS = frozenset(
    {"expires_after", "file_counts", "chunking_strategy", "static", "tools", "file_search", "ranking_options"}
)
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")


def spelt(item: Mapping[str, Any]) -> bool:
    """Whether an object shows a number as text."""
    for name, value in item.items():
        if name in _NUMBERS:
            if _is_number(value):
                return True
        elif value and name in _PARTS:
            parts = value if isinstance(value, list) else (value,)
            if any(isinstance(part, Mapping) and spelt(part) for part in parts):
                return True
    return False


def read(item: Mapping[str, Any]) -> dict[str, Any]:
    """The same object with numbers for them."""
    return {name: _read(name, value) for name, value in item.items()}


def _read(name: str, value: Any) -> Any:
    if name in _NUMBERS and _is_number(value):
        return float(value) if set(value) & set(".eE") else int(value)
    if name in _PARTS and isinstance(value, Mapping):
        return read(value)
    if name in _PARTS and isinstance(value, list):
        return [read(part) if isinstance(part, Mapping) else part for part in value]
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
