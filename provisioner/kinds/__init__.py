"""The registry: a kind is known because its module is in this folder and names it `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from functools import cache

from provisioner.kinds.base import Kind
from provisioner.model import Address
from provisioner.shapes import Shape

Key = tuple[str, str | None]
"""The objects of one sort at a service: a kind, and an API where that has objects of its own."""

SHARED = {"base", "common", "surroundings", "table", "wire"}
"""Modules of this folder that hold what several kinds are made of."""


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its name."""
    modules = sorted({info.name for info in pkgutil.iter_modules(__path__)} - SHARED)
    found = (
        getattr(importlib.import_module(f"{__name__}.{name}"), "KIND", None) for name in modules
    )
    return {kind.name: kind for kind in found if isinstance(kind, Kind)}


def keys() -> list[Key]:
    """Every kind of objects that a service may have: a kind, and the API that they are of where
    that makes a difference.
    """
    return [
        (name, api) for name, one in kinds().items() for api in one.apis if one.form(api).remote
    ]


def naming(names: Collection[str]) -> list[Key]:
    """The objects that can refer to some of these kinds."""
    return [
        (name, api) for name, api in keys() if not kind(name).form(api).refers_to.isdisjoint(names)
    ]


def is_file(address: Address) -> bool:
    """Whether an address is that of a file: its name is the path."""
    known = kinds().get(address.kind)
    return known is not None and known.uploaded


def holds_files(address: Address) -> bool:
    """Whether an address is that of something that store files are in."""
    known = kinds().get(address.kind)
    return known is not None and known.holds_files


def file_at(path: str) -> Address:
    """The address of the file at a path from the workspace root."""
    return Address.parse(f"{file_kind().name}.{path}") if path else Address(file_kind().name, path)


@cache
def file_kind() -> Kind:
    """The kind of what is uploaded."""
    return next(one for one in kinds().values() if one.uploaded)


@cache
def inlined_kind() -> Kind:
    """The kind of what is copied into whatever names it."""
    return next(one for one in kinds().values() if one.inlined)


@cache
def shapes(name: str) -> Mapping[str, Shape]:
    """What fields may hold in a lock or a plan: by the table of the kind, and by those of the
    others where a field is not in its own.
    """
    known = kinds().get(name)
    return {**_every_shape(), **(known.fields.shapes if known else {})}


@cache
def _every_shape() -> Mapping[str, Shape]:
    return {name: shape for one in kinds().values() for name, shape in one.fields.shapes.items()}


def kind(name: str) -> Kind:
    """The kind called `name`; KeyError for none."""
    return kinds()[name]
