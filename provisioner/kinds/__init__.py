"""The registry: a kind is known because its module is in this folder and names it `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from provisioner.kinds.base import Kind


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its name."""
    modules = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name != "base")
    found = (
        getattr(importlib.import_module(f"{__name__}.{name}"), "KIND", None) for name in modules
    )
    return {kind.name: kind for kind in found if isinstance(kind, Kind)}


def kind(name: str) -> Kind:
    """The kind called `name`; KeyError for none."""
    return kinds()[name]
