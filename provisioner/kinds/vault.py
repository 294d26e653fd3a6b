"""The kind `vault`: credentials of an agent, kept together."""

from __future__ import annotations

from typing import Any, ClassVar

from provisioner import shapes
from provisioner.kinds.base import Form, Kind
from provisioner.kinds.table import Field, Sort, Table, metadata
from provisioner.kinds.wire import StampedForm

NAME = Sort(
    written="provisioner.kinds.common:ShortName",
    shape=shapes.text,
    normal=lambda name: (name or "").strip() or None,
)

FIELDS = Table(
    Field(
        "name",
        NAME,
        "Name that people see, at most 256 bytes; default: the resource's name",
        ["Keys"],
    ),
    metadata({"team": "support"}),
)


class VaultForm(StampedForm):
    """An object at `/vaults`. What is in it goes with it."""

    collection = "/vaults"
    table = FIELDS


class VaultKind(Kind):
    """Credentials that sessions of an agent are given together."""

    name: ClassVar[str] = "vault"
    section: ClassVar[str] = "vaults"
    summary: ClassVar[str] = "Credentials, kept together, that sessions of an agent are given."
    about: ClassVar[str] = "A vault: credentials that sessions of an agent are given together."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"name": "Keys"},
        {
            "name": "Keys of the support team",
            "metadata": {"team": "support"},
            "lifecycle": {"protect": True},
        },
    )

    def form(self, api: str | None) -> Form:
        """Vaults are the same through every API."""
        return _FORM


_FORM = VaultForm()
KIND = VaultKind()
