"""YAML below a workspace becomes Desired, with a place for every problem; with a place for every
problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioner.workspace.compiler import External, Import, Moved, Removed, Specs
    from provisioner.workspace.setting import Environment
    from provisioner.workspace.workspace import Workspace


__all__ = ["Environment", "External", "Import", "Moved", "Removed", "Specs", "Workspace"]

_HOMES = {"Environment": "setting", "Workspace": "workspace"}


def __getattr__(name: str) -> Any:
    # `fmt` needs one module of this package; it must not pay for pydantic and the kinds.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'compiler')}"), name)
