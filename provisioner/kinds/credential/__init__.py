"""The kind `credential`: what opens a server to an agent, kept in a vault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from provisioner.diff import units
from provisioner.kinds import kind
from provisioner.kinds.base import Finding, Form, Kind, Reference
from provisioner.kinds.credential.fields import FIELDS, SECRETS, SECRETS_OF, whole
from provisioner.model import Address, Fields


class CredentialKind(Kind):
    """What opens a server to an agent. The secret itself is somewhere else."""

    name: ClassVar[str] = "credential"
    section: ClassVar[str] = "credentials"
    summary: ClassVar[str] = "What opens a server to an agent; a spec says where its secret is."
    about: ClassVar[str] = "A credential in a vault. Its secrets are named, never written out."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "vault": "keys",
            "auth": {
                "type": "static_bearer",
                "mcp_server_url": "https://crm.example/mcp",
                "token": {"env": "CRM_TOKEN"},
            },
        },
        {
            "vault": "keys",
            "name": "Orders",
            "metadata": {"team": "support"},
            "auth": {
                "type": "mcp_oauth",
                "mcp_server_url": "https://orders.example/mcp",
                "access_token": {"env": "ORDERS_TOKEN"},
                "expires_at": "2027-01-31T12:00:00Z",
                "refresh": {
                    "token_endpoint": "https://login.orders.example/token",
                    "client_id": "support",
                    "refresh_token": {"file": "secrets/orders-refresh"},
                    "token_endpoint_auth": {
                        "type": "client_secret_basic",
                        "client_secret": {"command": ["op", "read", "op://orders/client"]},
                    },
                    "scope": "orders.read",
                },
            },
        },
        {
            "vault": "keys",
            "auth": {
                "type": "environment_variable",
                "secret_name": "CRM_KEY",
                "secret_value": {"env": "CRM_KEY"},
                "networking": {"type": "limited", "allowed_hosts": ["crm.example"]},
            },
        },
    )

    def form(self, api: str | None) -> Form:
        """Credentials are the same through every API."""
        from provisioner.kinds.credential.form import FORM  # not needed where none is declared

        return FORM

    def secrets(self, fields: Fields) -> Mapping[str, Reference]:
        said = units({"auth": fields.get("auth")}, self.form(None).keyed)
        return {path: said[path] for path in sorted(said.keys() & SECRETS) if said[path]}

    def beside(self, resources: Mapping[Address, Fields]) -> Iterable[tuple[Address, Finding]]:
        """A variable has one value in an environment: one in a vault, and one in all vaults that
        are given together.
        """
        variables: dict[str, dict[str, Address]] = {}
        for address, fields in resources.items():
            name = fields["auth"].get("secret_name") if address.kind == self.name else None
            if name is None:
                continue
            held = variables.setdefault(str(fields["vault"]), {})
            first = held.setdefault(name, address)
            if first != address:
                detail = f"`{address}` and `{first}` are both the variable `{name}` of one vault."
                path = ("auth", "secret_name")
                yield address, Finding(path, "Variable twice", detail, "take one of them out")
        if variables:
            yield from _given_together(resources, variables)

    def completed(self, address: Address, fields: Fields) -> Fields:
        said = units({"auth": fields["auth"]}, self.form(None).keyed)
        for unit in SECRETS_OF.get(said.get("auth.type", ""), ()):
            above, last = unit.rsplit(".", 1)
            # There may be no `refresh`, and a client without a secret.
            there = any(path.startswith(f"{above}.") for path in said)
            if there and said.get(f"{above}.type") != "none" and unit not in said:
                said[unit] = {"env": f"{address.name}_{last}".replace("-", "_").upper()}
        return {**fields, "auth": whole(said)}

    def unfit(self, path: str, value: str) -> str | None:
        """Secrets go into headers and variables."""
        return "has more than one line" if any(one in value for one in "\r\n\0") else None


def _given_together(
    resources: Mapping[Address, Fields], variables: Mapping[str, Mapping[str, Address]]
) -> Iterator[tuple[Address, Finding]]:
    """Vaults that are given together and have different credentials for one variable. `variables`:
    by vault and name.
    """
    for address, fields in resources.items():
        if address.kind == CredentialKind.name:
            continue
        found: dict[str, Address] = {}
        for other in kind(address.kind).references(fields):
            for name, credential in variables.get(str(other), {}).items():
                first = found.setdefault(name, credential)
                if first != credential:
                    detail = (
                        f"`{address}` is given `{first}` and `{credential}`, which are both the"
                        f" variable `{name}`."
                    )
                    hint = "leave out one of their vaults, or rename one variable"
                    yield address, Finding((), "Variable twice", detail, hint)


KIND = CredentialKind()
