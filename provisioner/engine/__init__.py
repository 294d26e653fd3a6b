"""The story, once: validate, refresh, plan, apply. Each part is imported when somebody asks
for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioner.engine.context import Context, open_context
    from provisioner.engine.questions import apis, graph, outputs, state, validate
    from provisioner.engine.session import ApplyOptions, Session

__all__ = [
    "ApplyOptions",
    "Context",
    "Session",
    "apis",
    "graph",
    "open_context",
    "outputs",
    "state",
    "validate",
]

_HOMES = {
    "ApplyOptions": "session",
    "Session": "session",
    "Context": "context",
    "open_context": "context",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'questions')}"), name)
