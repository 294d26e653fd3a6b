"""The starter workspaces of `init`: a folder each, beside what all of them have in `common`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable

from provisioner.yamltext.spelling import line

# Names that tools would act upon inside the package itself.
_RENAMED = {"dot-gitignore": ".gitignore"}
_NAME = "WORKSPACE"


def files(template: str, folder: str) -> dict[str, bytes]:
    """The files of a template by their path, for a workspace in a folder of this name."""
    here = package_files(__name__)
    found = {**dict(_walk(here / "common")), **dict(_walk(here / template))}
    name = line(workspace_name(folder), flow=False).encode()  # `yes` and `2024` need quotes
    return {path: content.replace(_NAME.encode(), name) for path, content in sorted(found.items())}


def workspace_name(folder: str) -> str:
    """The name of a folder, made fit to be the name of a workspace."""
    return re.sub(r"[^a-z0-9_-]+", "-", folder.lower()).strip("-_")[:64] or "workspace"


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        path = prefix + _RENAMED.get(item.name, item.name)
        if item.is_dir():
            yield from _walk(item, f"{path}/")
        else:
            yield path, item.read_bytes()
