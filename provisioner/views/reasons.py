"""Why a plan does something, in words."""

from __future__ import annotations

from provisioner.views.values import inline

# Reasons that the symbol says already, and the words for those that need some.
_OBVIOUS = frozenset({"", "spec_changed", "new", "in_sync", "destroy", "not_in_specs", "files_changed"})
_REASONS = {
    "gone": "gone from the service",
    "api_gone": "its API is gone from the service",
    "api_changed": "through another API",
    "drift": "only to undo what was changed outside",
    "expired": "the old one has expired",
    "asked": "asked for by --replace",
    "fixed_field": "cannot be changed in place",
    "removed_block": "stays at the service",
    "adopted": "found by our stamp",
    "reference_replaced": "what it refers to gets a new id",
    "request_changed": "its request comes out differently",
    "imported": "",  # the import itself says it
    "failed": "its indexing failed",
    "chunking_changed": "cut into other chunks",
}


def reason_words(reason: str) -> str:
    """A reason in words; empty where the symbol says enough."""
    if reason in _OBVIOUS:
        return ""
    return _REASONS.get(reason, inline(reason if " " in reason else reason.replace("_", " ")))
