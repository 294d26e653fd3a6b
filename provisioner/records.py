"""Dataclasses that cost a command little of its start: of each class `__init__` alone is compiled,
where the standard library compiles one method after another. To whoever asks they are dataclasses.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, FrozenInstanceError
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """As the standard library's, with `frozen`, `eq`, `slots` and `kw_only` of its options."""
        return _built(cls) if cls is not None else lambda cls: _built(cls, **options)


_Field = dataclasses.Field[Any]
_Method = Callable[..., Any]


def _built(
    cls: Any,
    *,
    frozen: bool = False,
    eq: bool = True,
    slots: bool = False,
    kw_only: bool = False,
) -> Any:
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature is looked into for one
    # Where it has no method to write, it compiles nothing, and finds the fields.
    cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
    fields = dataclasses.fields(cls)
    compared = [field.name for field in fields if field.compare]
    methods = {
        "__init__": _init(cls, fields, _Storing(cls, frozen, slots)),
        "__repr__": _repr([field.name for field in fields if field.repr]),
        **(_equality(compared, hashed=frozen) if eq else {}),
        **(_FROZEN if frozen else {}),
        **(_COPIED if frozen and slots else {}),
    }
    for name, method in methods.items():
        if cls.__dict__.get(name) is None:  # what a class defines itself stays
            setattr(cls, name, method)
    return cls


class _Storing:
    """How a value gets into an object, past the `__setattr__` of one that is frozen."""

    def __init__(self, cls: Any, frozen: bool, slots: bool) -> None:
        self._cls, self._frozen, self._slots = cls, frozen, slots

    def line(self, name: str, value: str, known: dict[str, Any]) -> str:
        if not self._frozen:
            return f"self.{name} = {value}"
        if not self._slots:
            return f"self.__dict__[{name!r}] = {value}"
        known[f"_put_{name}"] = getattr(self._cls, name).__set__
        return f"_put_{name}(self, {value})"


def _init(cls: Any, fields: Sequence[_Field], storing: _Storing) -> _Method:
    """The one method that takes arguments by the names of the fields."""
    known: dict[str, Any] = {"_NEW": MISSING}
    taken: list[str] = ["self"]
    named: list[str] = []
    body = []
    for field in fields:
        default, value = _default(field, known)
        if field.init:
            (named if field.kw_only else taken).append(field.name + default)
        if field.init or default:
            body.append(storing.line(field.name, value, known))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    arguments = ", ".join([*taken, "*", *named] if named else taken)
    exec(f"def __init__({arguments}):\n " + "\n ".join(body or ["pass"]), known)
    method: _Method = known["__init__"]
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    method.__module__ = cls.__module__
    return method


def _default(field: _Field, known: dict[str, Any]) -> tuple[str, str]:
    """What stands behind the name of an argument, and the value of the field."""
    given, name = f"_{field.name}", field.name
    if field.default is not MISSING:
        known[given] = field.default
        return f"={given}", name if field.init else given
    if field.default_factory is not MISSING:
        known[given] = field.default_factory
        made = f"{given}()"
        return "=_NEW", f"{made} if {name} is _NEW else {name}" if field.init else made
    return "", name


def _repr(names: Sequence[str]) -> _Method:
    @recursive_repr()
    def __repr__(self: Any) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({said})"

    return __repr__


def _equality(names: Sequence[str], *, hashed: bool) -> Mapping[str, _Method | None]:
    values: Callable[[Any], Any] = operator.attrgetter(*names) if names else lambda _self: ()

    def __eq__(self: Any, other: object) -> bool:
        return (
            values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": __eq__, "__hash__": __hash__ if hashed else None}


def _refused(_self: Any, name: str, *_: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


_FROZEN: Mapping[str, _Method] = {"__setattr__": _refused, "__delattr__": _refused}


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restored(self: Any, state: Sequence[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_COPIED: Mapping[str, _Method] = {"__getstate__": _state, "__setstate__": _restored}
