"""What is left of a faulty value when its faulty parts are taken out: good for finding further faults, no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from provisioner.kinds.base import Path

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from provisioner.spec.faults import Told

_ROUNDS = 12
STAND_IN = "stand_in_"


def stand_in(number: int) -> str:
    """Good as text and as a name; no two are the same, and what is said about one is not worth telling."""
    return f"{STAND_IN}{number}"


def salvage(
    value: Any, error: ValidationError, model: type[BaseModel], stand_in: Callable[[int], str] = stand_in
) -> tuple[BaseModel | None, Callable[[Path], Path]]:
    """A valid instance of the model without the faulty parts, if there is one; and the way from its paths back to
    those of `value`, because what follows a removed entry of a list has moved up."""
    from pydantic import ValidationError

    repair = _Repair(value, stand_in)
    for number in range(_ROUNDS):
        repair.round(error, whole=number + 2 >= _ROUNDS)
        try:
            return model.model_validate(repair.value), repair.placed
        except ValidationError as again:
            error = again
    return None, repair.placed


class _Repair:
    """A value that loses its faulty parts round by round."""

    def __init__(self, value: Any, stand_in: Callable[[int], str]) -> None:
        self.value = value
        self._stand_in = stand_in
        self._stand_ins: set[Path] = set()
        self._removed: list[Path] = []

    def placed(self, path: Path) -> Path:
        """The path in what the author wrote."""
        for gone in reversed(self._removed):
            path = _moved_back(path, gone)
        return path

    def round(self, error: ValidationError, whole: bool) -> None:
        """Take the faulty parts out; `whole`: with the fields of the resource that they are in."""
        from provisioner.spec.faults import told

        # What cannot even be stood in for takes the mapping that it is in with it.
        faults = {one.path[:-1] if one.path in self._stand_ins else one.path: one for one in told(self.value, error)}
        if whole:
            faults = {path[:1]: one for path, one in faults.items()}
        # From the back, so that the indexes before stay what they are.
        for path in sorted(faults, key=lambda path: [str(step).zfill(9) for step in path], reverse=True):
            self._repair(path, faults[path])

    def _repair(self, path: Path, fault: Told) -> None:
        limit = fault.context.get("max_length")
        if fault.type == "missing" and path == fault.path:
            self._stand_ins.add(path)
            self.value = _set(self.value, path, self._stand_in(len(self._stand_ins)))
        elif fault.type == "too_long" and isinstance(fault.value, list) and limit:
            self.value = _set(self.value, path, fault.value[:limit])
        elif path:
            self.value = _drop(self.value, path, self._removed, path)


def _moved_back(path: Path, gone: Path) -> Path:
    last = len(gone) - 1
    step = path[last] if len(path) > last and path[:last] == gone[:last] else None
    limit = gone[last]
    if isinstance(step, int) and isinstance(limit, int) and step >= limit:
        return (*path[:last], step + 1, *path[last + 1 :])
    return path


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
