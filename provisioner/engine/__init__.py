"""The story, told once: validate, refresh, plan, apply."""

from provisioner.engine.context import Context, open_context
from provisioner.engine.questions import Report, forget, graph, outputs, state, validate
from provisioner.engine.session import ApplyOptions, Session

__all__ = [
    "ApplyOptions",
    "Context",
    "Report",
    "Session",
    "forget",
    "graph",
    "open_context",
    "outputs",
    "state",
    "validate",
]
