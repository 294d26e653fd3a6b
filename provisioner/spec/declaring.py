"""Every resource validated and declared: once for all environments where it says the same in all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from provisioner.kinds.base import Fault, Kind, Path
from provisioner.spec.contents import Contents
from provisioner.spec.scope import Declaration, ResourceScope
from provisioner.spec.sections import Raw, Sections, unknown_environment
from provisioner.spec.variables import Missing, Values

if TYPE_CHECKING:
    from pydantic import BaseModel

Key = tuple[str, str]


@dataclass(frozen=True)
class Ground:
    """What all environments of a workspace share."""

    workspace: str
    sections: Sections
    contents: Contents
    environments: tuple[str, ...]
    kinds: dict[str, Kind]
    validated: dict[Key, Validated]
    declared: dict[Key, Declaration]


@dataclass(frozen=True, slots=True)
class Validated:
    """A resource in the form of its kind's model. `sound`: nothing had to be left out to get there."""

    value: Any
    spec: BaseModel | None
    faults: tuple[Fault, ...] = ()
    sound: bool = True
    placed: Callable[[Path], Path] | None = None  # from the salvaged value back to what is written
    blind: frozenset[Path] = frozenset()  # places without a value, which has been told


class Declaring:
    """The declarations of one environment."""

    def __init__(self, ground: Ground, values: Values) -> None:
        self.ground = ground
        self.values = values
        self.workspace = ground.workspace
        self.environment = values.environment
        self._own: dict[Key, Declaration] = {}

    def find(self, kind: str, name: str) -> Raw | None:
        """The resource of this name, whatever environments it exists in."""
        return self.ground.sections.resources.get((kind, name))

    def names(self, kind: str) -> list[str]:
        """Every declared name of a kind."""
        return self.ground.sections.names(kind)

    def unread(self, name: str) -> bool:
        """Whether a file that cannot be read may declare it: then its absence is not worth a word."""
        return name in self.ground.sections.unread

    def external_id(self, raw: Raw) -> str | None:
        """The id that an external resource names here; None where that has a fault, told with the resource."""
        found = self.values.replace(raw.value["id"], lambda _fault: None) if raw.dynamic else raw.value["id"]
        return found if isinstance(found, str) and found and not isinstance(found, Missing) else None

    def present(self, raw: Raw) -> bool:
        """Whether the resource exists in this environment."""
        return not raw.only or self.environment in raw.only

    def declaration(self, raw: Raw) -> Declaration:
        """The declaration of a resource, made once."""
        key = (raw.kind.name, raw.name)
        found = self.ground.declared.get(key) or self._own.get(key)
        if found is None:
            found = self._declare(raw)
            shared = not (raw.dynamic or found.bound)
            (self.ground.declared if shared else self._own)[key] = found
        return found

    def _declare(self, raw: Raw) -> Declaration:
        checked = self._validate(raw)
        declaration = Declaration(raw, checked.spec, faults=list(checked.faults), bound=_nested_only(raw.value))
        if checked.spec is None:
            return declaration
        scope = ResourceScope(declaration, self.ground.contents, self)
        before = len(declaration.faults)
        fields = raw.kind.declare(checked.spec, scope)
        if checked.sound:
            declaration.fields = fields
            declaration.depends_on = tuple(raw.kind.references(fields))
        else:
            declaration.faults[before:] = _independent(declaration.faults[before:], checked)
        return declaration

    def _validate(self, raw: Raw) -> Validated:
        if raw.dynamic:
            return self._with_values(raw)
        key = (raw.kind.name, raw.name)
        found = self.ground.validated.get(key)
        if found is None:
            found = self.ground.validated[key] = validate(raw, raw.value, self.environments)
        return found

    def _with_values(self, raw: Raw) -> Validated:
        faults = [fault for fault in unknown_environments(raw.value, self.environments) if "${" in fault.detail]
        value = self.values.replace(raw.value, faults.append)
        checked = validate(raw, value, self.environments)
        # A value that could not be put in says nothing about the type that it will have.
        blind = {fault.path for fault in faults} | set(_missing(value))
        told = [fault for fault in checked.faults if not any(fault.path[: len(path)] == path for path in blind)]
        told = [fault for fault in told if (*fault.path[:-1], "type") not in blind]
        sound = checked.sound and not faults and not blind
        return replace(checked, faults=(*faults, *told), sound=sound, blind=frozenset(blind))

    @cached_property
    def environments(self) -> tuple[str, ...]:
        return self.ground.environments


def validate(raw: Raw, value: Any, environments: tuple[str, ...]) -> Validated:
    """Hold a value against its kind's model. Where it does not fit, what is left without the faulty parts is
    declared all the same, so that one run finds everything."""
    from pydantic import ValidationError

    model = raw.kind.spec
    unknown = tuple(unknown_environments(value, environments))
    try:
        return Validated(value, model.model_validate(value), unknown)
    except ValidationError as error:
        from provisioner.spec.faults import plain
        from provisioner.spec.salvage import salvage

        faults = (*plain(raw.title, value, error, model), *unknown)
        spec, placed = salvage(value, error, model)
        return Validated(value, spec, faults, sound=False, placed=placed)


def _independent(told: list[Fault], checked: Validated) -> list[Fault]:
    """Of what was found in a salvaged value that which does not follow from its faults."""
    from provisioner.spec.salvage import STAND_IN

    faulty = {fault.path for fault in checked.faults if fault.summary != "Too many entries"} | checked.blind
    found = []
    for fault in told:
        path = checked.placed(fault.path) if checked.placed else fault.path
        below = any(path[:length] in faulty for length in range(len(path) + 1))
        if not below and STAND_IN not in fault.detail:
            found.append(replace(fault, path=path))
    return found


def _missing(value: Any, path: Path = ()) -> list[Path]:
    if isinstance(value, Missing):
        return [path]
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in _missing(inner, (*path, key))]
    if isinstance(value, list):
        return [found for index, inner in enumerate(value) for found in _missing(inner, (*path, index))]
    return []


def _entries(value: Any) -> list[tuple[Path, Any]]:
    """The resource and the entries of its lists: whatever may say `only`."""
    if not isinstance(value, dict):
        return []
    lists = [(key, inner) for key, inner in value.items() if isinstance(inner, list)]
    inside = [((key, index), item) for key, items in lists for index, item in enumerate(items)]
    return [((), value), *((path, item) for path, item in inside if isinstance(item, dict))]


def _nested_only(value: Any) -> bool:
    return any(path and "only" in item for path, item in _entries(value))


def unknown_environments(value: Any, known: tuple[str, ...]) -> list[Fault]:
    """Environments that `only` names, here or in entries, and that there are none of."""
    faults = []
    for path, item in _entries(value):
        said = item.get("only")
        for index, name in enumerate(said if isinstance(said, list) else ()):
            if isinstance(name, str) and name and name not in known:
                faults.append(replace(unknown_environment(name, list(known)), path=(*path, "only", index)))
    return faults
