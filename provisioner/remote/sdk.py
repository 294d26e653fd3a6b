"""Imports `openai` without its types: most of its modules, half of its import time, and none of them is used here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_LATE = ("openai.types", "openai.lib")


def load() -> None:
    """Import `openai`. Packages of types are filled when somebody first asks one for a name that is no module."""
    if "openai" in sys.modules:
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        import_module("openai")
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    """Finds the packages below `_LATE`, to be loaded late."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith(_LATE):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found and found.loader and found.submodule_search_locations:
            found.loader = _Later(found.loader)
        return found


class _Later(Loader):
    """Leaves a package empty; its modules can be imported all the same."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Late


class _Late(ModuleType):
    """A package that may not have run yet."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if name.startswith("__") or spec is None or not isinstance(spec.loader, _Later):
            raise AttributeError(f"module `{self.__name__}` has no attribute `{name}`")
        try:
            return import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            spec.loader = spec.loader.loader
            spec.loader.exec_module(self)
            return getattr(self, name)
