"""Changes to what a file says, as data: which value at which place becomes which, and which list
entry is which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from provisioner.kinds.base import Path
from provisioner.records import dataclass


class _Removed:
    """Stands for a value that is to go, with its key or dash."""


REMOVED = _Removed()


class Rearranged(list[Any]):
    """A list that knows for each entry which one it was; None for a new one."""

    def __init__(self, values: Iterable[Any], origins: Iterable[int | None] | None = None) -> None:
        super().__init__(values)
        self.origins: list[int | None] = list(range(len(self)) if origins is None else origins)

    def copied(self) -> Rearranged:
        return Rearranged(self, self.origins)

    def add(self, value: Any) -> None:
        """Put a new entry at the end."""
        self.append(value)
        self.origins.append(None)

    def drop(self, at: int) -> None:
        del self[at], self.origins[at]


@dataclass(frozen=True, slots=True)
class Patch:
    """What becomes of the value at a path. Numbers in the path are those of the file as it is;
    `change` is given the present value, None where there is none, and may return REMOVED.
    """

    path: Path
    change: Callable[[Any], Any]


def set_value(path: Path, value: Any) -> Patch:
    """The value at a path becomes another, or goes."""
    return Patch(path, lambda _: value)


def adding(path: Path, value: Any) -> Patch:
    """A list at a path gets one more entry."""

    def added(present: Any) -> Rearranged:
        items = as_items(present or [])
        items.add(value)
        return items

    return Patch(path, added)


def patched(value: Any, patches: Iterable[Patch]) -> Any:
    """A copy of the value with all of the patches in it. KeyError where a path leads nowhere."""
    for patch in patches:
        value = _patched(value, patch.path, patch.change)
    return value


def as_items(value: list[Any]) -> Rearranged:
    """A copy of a list, with the origins that it has or gets."""
    return value.copied() if isinstance(value, Rearranged) else Rearranged(value)


def _patched(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    step = path[0]
    if isinstance(step, int):
        items = as_items(value)
        at = items.origins.index(step)
        inner = _patched(items[at], path[1:], change)
        if inner is REMOVED:
            items.drop(at)
        else:
            items[at] = inner
        return items
    if value is not None and not isinstance(value, dict):
        raise KeyError(step)
    mapping = dict(value or {})
    inner = _patched(mapping.get(step), path[1:], change)
    if inner is REMOVED:
        mapping.pop(step, None)
    else:
        mapping[step] = inner
    return mapping
