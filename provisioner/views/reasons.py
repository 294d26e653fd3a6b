"""Why a plan does something, in words."""

from __future__ import annotations

from provisioner.model import Action, Change
from provisioner.views.values import inline, many

# Reasons that the symbol says already, and the words for those that need some.
_OBVIOUS = frozenset(
    {"", "spec_changed", "new", "in_sync", "destroy", "not_in_specs", "files_changed", "used_by_forgotten"}
)
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


def stays_words(change: Change) -> str:
    """With what an object stays at the service that nothing here uses any more; empty for any other change."""
    if change.stays_with is None:
        return ""
    what = "the old one stays" if change.action is Action.REPLACE else "stays"
    return f"{what} with {inline(str(change.stays_with))}"


def documents_words(change: Change) -> str:
    """What is in a store that is deleted: `with 41 documents, 1 of them not ours`; empty where there is nothing."""
    if change.action is not Action.DELETE or not change.documents:
        return ""
    foreign = f", {change.foreign_documents:,} of them not ours" if change.foreign_documents else ""
    return f"with {many(change.documents, 'document')}{foreign}"
