"""A kind as a table: each of its fields once, with what it holds, what it defaults to, and what
each API calls it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from copy import copy
from dataclasses import field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from provisioner import shapes
from provisioner.model import Address, Fields, Stamp
from provisioner.records import dataclass
from provisioner.shapes import Shape

if TYPE_CHECKING:
    from pydantic import BaseModel

    from provisioner.kinds.base import Path, Scope

UNNAMED = "inline"
"""The key of what came along with a request, and has no id that a spec could name."""

UNSURE: Any = object()
"""What is said of a value of which only the model of its kind knows whether it is valid."""

Declare = Callable[[Any, "Scope", "Path"], Any]
"""From what a valid spec says to the declared value: texts read, names resolved. None where that
cannot be had, which is reported.
"""


def named(place: str) -> Any:
    """What a module has under a name, as in `provisioner.kinds.common:Metadata`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _as_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """What the values of a field are. What needs pydantic, or a module that does, is named by
    `module:NAME` and imported with the first spec that is read.
    """

    written: Any  # what an author may write: a type or the name of one; None: nobody writes it
    shape: Shape  # what the lock, a plan or a reply may hold
    normal: Callable[[Any], Any] = _as_is  # the one shape in which values are compared
    # A `Declare`, or the name of one; none where what is written is what is declared.
    declare: Declare | str | None = None
    # What the model makes of a value, by what a field's limits are: for values that are surely
    # valid, so that most specs are read without any model. `UNSURE` for all others.
    recognized: Callable[[Any, Mapping[str, Any]], Any] = lambda _value, _limits: UNSURE
    # How an edit goes back into a spec, where that is more than a value: `text` that may be read
    # from a file, `tools`, a `format`, `store_files`.
    edited: str = ""
    # A declared value as an author writes it, for what is found at the service.
    spelt: Callable[[Any], Any] = lambda value: value
    refers_to: tuple[str, ...] = ()  # the kinds of what values can name
    # What they name: addresses, or `{"id": …}`.
    references: Callable[[Any], Iterable[Any]] = lambda _value: ()
    # The same with other addresses, by the old ones.
    renamed: Callable[[Any, Mapping[str, str]], Any] = lambda value, _addresses: value


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind."""

    name: str
    sort: Sort
    about: str  # for the schema and the reference; none for a key that is only refused
    examples: Sequence[Any] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)  # `ge`, `le`, `min_length`, …
    required: bool = False
    default: Any = None  # what the service makes of null, and of a field that was never written
    blank: Any = None  # what is sent for null where a server ignores that
    said: Any = None  # what a spec that leaves it out says
    apis: frozenset[str] | None = None  # the APIs that carry it; None: every one
    spelt: Mapping[str, str] = field(default_factory=dict)  # where an API has it elsewhere, by API
    kept: bool = True  # False: says something else than what the object is like
    keyed: bool = False  # compared key by key
    fixed: bool = False  # cannot be changed in place
    unread: bool = False  # never shown by the service: compared with the lock
    certain: bool = False  # unread, but nobody can change it unseen at the service
    local: bool = False  # unread, because the service has nothing to do with it
    given: bool = False  # said by the service when it is written, and held to from then on
    unkept: str = ""  # what it means where a service does not keep it, in half a sentence

    def path(self, api: str | None) -> tuple[str, ...]:
        """Where the body of a request through an API has it: `("reasoning", "effort")`."""
        elsewhere = self.spelt.get(api or "")
        return tuple(elsewhere.split(".")) if elsewhere else (self.name,)


@dataclass(frozen=True, slots=True)
class _Normal:
    """What an API makes normal forms of, worked out once: every object of a workspace has some."""

    blank: Fields  # the normal form of nothing, as far as it can be shared: text, numbers, null
    own: tuple[tuple[str, Any, Callable[[Any], Any]], ...]  # name, default and sort of the others
    made: Mapping[str, Callable[[Any], Any]]  # by name, what makes a value normal

    @classmethod
    def of(cls, fields: Sequence[Field]) -> _Normal:
        blank = {one.name: one.sort.normal(one.default) for one in fields}
        own = [one for one in fields if isinstance(blank[one.name], dict | list)]
        return cls(
            blank,
            tuple((one.name, one.default, one.sort.normal) for one in own),
            {one.name: one.sort.normal for one in fields},
        )


class Table:
    """The fields of a kind, in the order in which the reference shows them."""

    def __init__(self, *fields: Field) -> None:
        self._fields = {one.name: one for one in fields}
        self._carried: dict[str | None, list[Field]] = {}
        self._normal: dict[str | None, _Normal] = {}

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def get(self, name: str) -> Field | None:
        """The field of a name, if there is one."""
        return self._fields.get(name)

    def carried(self, api: str | None) -> list[Field]:
        """What can be declared and goes through an API."""
        if api not in self._carried:  # asked for every object, thousands of times
            self._carried[api] = [
                one for one in self if one.kept and (one.apis is None or api in one.apis)
            ]
        return self._carried[api]

    def normal(self, fields: Fields, api: str | None) -> Fields:
        """Fields in normal form: every default filled in."""
        known = self._normal.get(api)
        if known is None:
            known = self._normal[api] = _Normal.of(self.carried(api))
        found, made = dict(known.blank), known.made
        for name, value in fields.items():
            if value is not None and name in made:
                normal = made[name]
                found[name] = value if normal is _as_is else normal(value)
        for name, default, normal in known.own:
            if fields.get(name) is None:
                found[name] = normal(copy(default))
        return found

    def named(self, *marks: str) -> frozenset[str]:
        """The names of the fields that have all of some marks: `fixed`, `keyed`, `unread`, …"""
        return frozenset(one.name for one in self if all(getattr(one, mark) for mark in marks))

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """What the fields of a lock or a plan may hold, by name."""
        return {one.name: one.sort.shape for one in self if one.kept}

    def declared(self, spec: Any, scope: Scope) -> Fields:
        """The fields that a valid spec says, in its own words where it may."""
        fields: Fields = spec.model_dump(include=self._as_they_are, exclude_unset=True)
        for name, declare in self._declared:
            if name in spec.model_fields_set:
                fields[name] = declare(getattr(spec, name), scope, (name,))
        return fields

    @cached_property
    def _as_they_are(self) -> Mapping[str, bool]:
        return {one.name: True for one in self if one.kept and not one.sort.declare}

    @cached_property
    def _declared(self) -> list[tuple[str, Declare]]:
        return [(one.name, _imported(one.sort.declare)) for one in self if one.sort.declare]

    def recognized(self, value: Any) -> Said | None:
        """What a model would make of a declaration that is surely valid; None where only the model
        knows.
        """
        if type(value) is not dict or not self._fields or not self._required <= value.keys():
            return None
        said: dict[str, Any] = {}
        for name, written in value.items():
            one = self._fields.get(name)
            if one is None:
                return None
            if written is None and not one.required and one.said is None:
                said[name] = None
                continue
            found = said[name] = one.sort.recognized(written, one.limits)
            if found is UNSURE:
                return None
        return Said(said, self._left_out)

    @cached_property
    def _left_out(self) -> Mapping[str, Any]:
        return {one.name: one.said for one in self if one.said is not None}

    @cached_property
    def _required(self) -> frozenset[str]:
        return self.named("required")

    def references(self, fields: Fields) -> Iterator[Address]:
        """The managed resources that fields refer to."""
        for reference in self._named(fields):
            if isinstance(reference, str):
                yield Address.parse(reference)

    @cached_property
    def _referring(self) -> list[Field]:
        return [one for one in self if one.sort.refers_to]

    def unmanaged(self, fields: Fields) -> bool:
        """Whether fields refer to something that is not managed here."""
        return any(not isinstance(reference, str) for reference in self._named(fields))

    def _named(self, fields: Fields) -> Iterator[Any]:
        for one in self._referring:
            value = fields.get(one.name)
            if value is not None:
                yield from one.sort.references(value)

    def renamed(self, fields: Fields, addresses: Mapping[str, str]) -> Fields:
        """The same fields where what they refer to has another address, by the old one or by an
        id.
        """
        found = dict(fields)
        for one in self._referring:
            if one.name in fields:
                found[one.name] = one.sort.renamed(fields[one.name], addresses)
        return found

    @cached_property
    def refers_to(self) -> frozenset[str]:
        """The kinds of what these fields can refer to."""
        return frozenset(name for one in self._referring for name in one.sort.refers_to)

    def model(self, name: str, about: str, base: type[BaseModel]) -> type[BaseModel]:
        """The model that a spec is validated with."""
        from pydantic import create_model

        columns: dict[str, Any] = {
            one.name: _column(one) for one in self if one.sort.written is not None
        }
        return create_model(name, __base__=base, __doc__=about, __module__=__name__, **columns)


class Said:
    """A declaration that was recognized, with what is asked of an instance of a model."""

    __slots__ = ("_left_out", "_said")

    def __init__(self, said: Mapping[str, Any], left_out: Mapping[str, Any]) -> None:
        self._said, self._left_out = said, left_out

    def __getattr__(self, name: str) -> Any:
        return self._said[name] if name in self._said else self._left_out.get(name)

    @property
    def model_fields_set(self) -> Set[str]:
        """The fields that the author has written."""
        return self._said.keys()

    def declared(self) -> Fields:
        """What the author has written."""
        return {**self._said}

    def model_dump(self, *, include: Iterable[str], exclude_unset: bool) -> Fields:
        """Those of some fields that the author has written, in their order."""
        return {name: self._said[name] for name in include if name in self._said}


def _imported(declare: Declare | str) -> Declare:
    found: Declare = named(declare) if isinstance(declare, str) else declare
    return found


def _column(one: Field) -> tuple[Any, Any]:
    """A field as pydantic knows it: what it takes, and everything else about it."""
    from pydantic import Field as Column

    takes = named(one.sort.written) if isinstance(one.sort.written, str) else one.sort.written
    if not one.about:
        return takes, None
    about: dict[str, Any] = {
        "description": one.about,
        "examples": list(one.examples),
        **one.limits,
    }
    if one.required:
        return takes, Column(**about)
    if one.said is not None:
        return takes, Column(default=one.said, **about)
    return takes | None, Column(default=None, **about)


# The sorts that several kinds have.


def _filled(value: Any) -> Any:
    """Text in normal form: an empty one is none."""
    return value or None


def unstamped(metadata: Any) -> dict[str, Any]:
    """Metadata without our own pair."""
    found = metadata if isinstance(metadata, Mapping) else {}
    return {name: value for name, value in found.items() if name != Stamp.KEY}


def _text(value: Any, limits: Mapping[str, Any]) -> Any:
    fits = type(value) is str and (
        limits.get("min_length", 0) <= len(value) <= limits.get("max_length", math.inf)
    )
    return value if fits and limits.keys() <= {"min_length", "max_length"} else UNSURE


def _real(value: Any, limits: Mapping[str, Any]) -> Any:
    """A number between two ends; it is a float from then on, as the model makes it one."""
    fits = type(value) in (int, float) and limits.keys() == {"ge", "le"}
    return float(value) if fits and limits["ge"] <= value <= limits["le"] else UNSURE


TEXT = Sort(written=str, shape=shapes.text, normal=_filled, recognized=_text)
REAL = Sort(
    written=float,
    shape=shapes.number,
    normal=lambda value: float(value) if isinstance(value, int) else value,
    recognized=_real,
)

# Text, `{file: PATH}` or `{files: [PATH, …]}`.
WRITING = Sort(
    written="provisioner.kinds.common:Writing",
    shape=shapes.text,
    normal=_filled,
    declare="provisioner.kinds.common:read_writing",
    edited="text",
)


def as_written(value: Any) -> Any:
    """What an author wrote: a word as it is, anything else as its mapping."""
    return value if isinstance(value, str | dict | None) else value.declared()


def renamed_reference(value: Any, addresses: Mapping[str, str]) -> Any:
    """A reference under its new address, by the old one or by the id that it names."""
    named = value.get("id") if isinstance(value, Mapping) else value
    return addresses.get(named, value) if isinstance(named, str) else value


def reference(kind: str) -> Sort:
    """The name of one resource of a kind, or `{id: …}`."""

    def declare(value: Any, scope: Scope, at: Path) -> Any:
        written = as_written(value)
        return written and scope.reference(kind, written, at)

    return Sort(
        written="provisioner.kinds.common:Reference",
        shape=shapes.maybe(shapes.reference),
        declare=declare,
        refers_to=(kind,),
        references=lambda value: () if value is None else (value,),
        renamed=renamed_reference,
    )


def choice(*values: str) -> Sort:
    """One of some words."""

    def recognized(value: Any, _limits: Mapping[str, Any]) -> Any:
        return value if type(value) is str and value in values else UNSURE

    return Sort(written=Literal[values], shape=shapes.text, recognized=recognized)


MAX_METADATA = 15  # the service takes 16, one is our stamp
MAX_KEY = 64
MAX_VALUE = 512


def _labels(value: Any, _limits: Mapping[str, Any]) -> Any:
    if type(value) is not dict or len(value) > MAX_METADATA:
        return UNSURE
    for name, said in value.items():
        if type(name) is not str or not 1 <= len(name) <= MAX_KEY or name == Stamp.KEY:
            return UNSURE
        if type(said) is not str or len(said) > MAX_VALUE:
            return UNSURE
    return value


def metadata(*examples: Mapping[str, str]) -> Field:
    """Labels of the author's own, beside which the object carries our stamp."""
    return Field(
        "metadata",
        Sort(
            written="provisioner.kinds.common:Metadata",
            shape=shapes.mapping(),
            normal=unstamped,
            recognized=_labels,
        ),
        "Your own labels",
        examples,
        keyed=True,
        unkept="whoever looks for it by its metadata does not find it",
    )
