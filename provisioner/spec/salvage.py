"""What is left of a faulty value when its faulty parts are taken out: good for finding further faults, no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from provisioner.kinds.base import Path

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_ROUNDS = 6
_STAND_IN = "local"  # good as text, as a name and as a service


def salvage(
    value: Any, error: ValidationError, model: type[BaseModel]
) -> tuple[BaseModel | None, Callable[[Path], Path]]:
    """A valid instance of the model without the faulty parts, if there is one; and the way from its paths back to
    those of `value`, because what follows a removed entry of a list has moved up."""
    from pydantic import ValidationError

    removed: list[Path] = []
    stand_ins: set[Path] = set()

    def placed(path: Path) -> Path:
        for gone in reversed(removed):
            path = _moved_back(path, gone)
        return path

    rest = value
    for _ in range(_ROUNDS):
        rest = _without(rest, error, removed, stand_ins)
        try:
            return model.model_validate(rest), placed
        except ValidationError as again:
            error = again
    return None, placed


def _moved_back(path: Path, gone: Path) -> Path:
    last = len(gone) - 1
    step = path[last] if len(path) > last and path[:last] == gone[:last] else None
    limit = gone[last]
    if isinstance(step, int) and isinstance(limit, int) and step >= limit:
        return (*path[:last], step + 1, *path[last + 1 :])
    return path


def _without(value: Any, error: ValidationError, removed: list[Path], stand_ins: set[Path]) -> Any:
    from provisioner.spec.faults import told

    # What cannot even be stood in for takes the mapping that it is in with it.
    faults = {fault.path[:-1] if fault.path in stand_ins else fault.path: fault.type for fault in told(value, error)}
    # From the back, so that the indexes before stay what they are.
    for path in sorted(faults, key=lambda path: [str(step).zfill(9) for step in path], reverse=True):
        if faults[path] == "missing":
            stand_ins.add(path)
            value = _set(value, path, _STAND_IN)
        elif path:
            value = _drop(value, path, removed, path)
    return value


def _set(value: Any, path: Path, new: Any) -> Any:
    step = path[0]
    if isinstance(value, dict):
        return {**value, step: _set(value[step], path[1:], new) if path[1:] else new}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _set(value[step], path[1:], new), *value[step + 1 :]]
    return value


def _drop(value: Any, path: Path, removed: list[Path], whole: Path) -> Any:
    step = path[0]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        if len(path) == 1:
            removed.append(whole)
            return [*value[:step], *value[step + 1 :]]
        return [*value[:step], _drop(value[step], path[1:], removed, whole), *value[step + 1 :]]
    if isinstance(value, dict) and step in value:
        if len(path) == 1:
            return {key: inner for key, inner in value.items() if key != step}
        return {**value, step: _drop(value[step], path[1:], removed, whole)}
    return value
