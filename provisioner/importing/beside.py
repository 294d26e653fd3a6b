"""What lies beside a source: texts that it opens and modules that it imports, read as text and only
inside the folder that was given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from provisioner import disk

LARGEST = 1024 * 1024  # bytes of a text that a source names
DEEPEST = 4  # imports of imports
MOST = 200  # modules that are followed in one reading
_MODULES: tuple[str, ...] = (
    ".py",
    ".ts",
    ".tsx",
    ".mts",
    ".js",
    ".mjs",
    ".cjs",
    "/__init__.py",
    "/index.ts",
)
_MODULES += ("/index.js",)
_TEXTS = (".md", ".txt", ".prompt", ".html", ".xml", ".yaml", ".yml")


def named(path: Path, root: Path | None) -> str:
    """A file as messages call it: from the workspace root if it lies there."""
    here = None if root is None else disk.real(root)
    if here is not None and disk.real(path).is_relative_to(here):
        return disk.real(path).relative_to(here).as_posix()
    return path.as_posix()


# Files that hold keys: nothing of them becomes a spec.
_SECRET = re.compile(
    r"^(\.env(\..*)?|\.envrc|\.netrc|\.npmrc|\.pypirc|id_\w+|.*\.(pem|key|p12|pfx))$", re.I
)
Names = Callable[["Beside"], dict[str, Any]]


class Beside:
    """The folder that was given, and the file in it that is being read; `names` tells what a module
    calls things, and `modules` what is known of some already.
    """

    def __init__(
        self,
        folder: Path | None,
        file: Path | None,
        names: Names | None = None,
        depth: int = 0,
        root: Path | None = None,
        modules: dict[Path, dict[str, Any]] | None = None,
    ) -> None:
        self.folder = folder.resolve() if folder else None
        self.file = file
        self.root = root
        self._names = names
        self._depth = depth
        self._known: dict[tuple[str, str | None], Any] = {}
        self._modules: dict[Path, dict[str, Any]] = {} if modules is None else modules

    def find(self, path: str) -> Path | None:
        """The file that a path means, if it lies in the folder; no link leads out of it."""
        if self.folder is None or self.file is None or not path or "\0" in path:
            return None
        for start in (self.file.parent, self.folder):
            try:
                found = (start / path).resolve()
                if found.is_relative_to(self.folder) and found.is_file():
                    return None if _SECRET.match(found.name) else found
            except (OSError, RuntimeError):
                return None
        return None

    def shown(self, path: Path) -> str:
        """A file of the folder as specs name it: from the workspace root if it lies there,
        else from the folder that was given.
        """
        for start in (self.root.resolve() if self.root else None, self.folder):
            if start is not None and path.is_relative_to(start):
                return path.relative_to(start).as_posix()
        return path.name

    def text(self, path: str) -> str | None:
        """The text of a file in the folder."""
        found = self.find(path)
        try:
            if found is None or found.stat().st_size > LARGEST:
                return None
            return found.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError):
            return None

    def imported(self, module: str, name: str | None) -> Any:
        """What an import from this folder stands for; None for what comes from elsewhere."""
        if (module, name) not in self._known:
            self._known[module, name] = self._imported(module, name)
        return self._known[module, name]

    def _imported(self, module: str, name: str | None) -> Any:
        path = module.split("?")[0]
        if path.endswith(_TEXTS):
            return self.text(path)
        if path.endswith(".json"):
            return self._json(path, name)
        found = self.module(path)
        if found is None and name and "/" not in path:  # `from . import helpers`
            dot = "" if path.endswith(".") else "."
            found, name = self.module(f"{path}{dot}{name}"), None
        if found is None or self._names is None or self._depth >= DEEPEST:
            return None
        if found not in self._modules:
            if len(self._modules) >= MOST:
                return None
            self._modules[found] = {}  # a circle finds nothing
            inner = Beside(
                self.folder, found, self._names, self._depth + 1, self.root, self._modules
            )
            self._modules[found] = self._names(inner)
        names = self._modules[found]
        return names if name is None else names.get(name)

    def _json(self, path: str, name: str | None) -> Any:
        text = self.text(path)
        try:
            value = None if text is None else json.loads(text)
        except (ValueError, RecursionError):
            return None
        return (
            value.get(name) if isinstance(value, dict) and name not in (None, "default") else value
        )

    def module(self, module: str) -> Path | None:
        """The file of this folder that an import means."""
        path = module
        if "/" not in module:  # a module of Python: dots are folders
            up = len(module) - len(module.lstrip("."))
            path = "../" * max(up - 1, 0) + module.lstrip(".").replace(".", "/")
        if not path.strip("./"):
            return None
        stem = str(PurePosixPath(path).with_suffix("")) if path.endswith((".js", ".mjs")) else path
        for end in _MODULES:
            if (found := self.find(stem + end)) is not None and found != self.file:
                return found
        return None
