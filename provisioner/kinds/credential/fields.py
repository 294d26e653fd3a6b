"""The fields of a credential, and which parts of `auth` are secret or cannot be changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from provisioner import shapes
from provisioner.diff import parts
from provisioner.kinds.table import Field, Sort, Table, as_written, metadata, reference
from provisioner.kinds.vault import NAME
from provisioner.shapes import many, mapping

_REFRESH = "auth.refresh"
_CLIENT = f"{_REFRESH}.token_endpoint_auth"

NESTED = frozenset({_REFRESH, _CLIENT})
"""The parts of `auth` that are compared key by key."""

SECRETS_OF: Mapping[str, tuple[str, ...]] = {
    "static_bearer": ("auth.token",),
    "mcp_oauth": (
        "auth.access_token",
        f"{_REFRESH}.refresh_token",
        f"{_CLIENT}.client_secret",
    ),
    "environment_variable": ("auth.secret_value",),
}

FIXED = frozenset(
    {
        "auth.type",
        "auth.mcp_server_url",
        "auth.secret_name",
        "auth.networking",
        f"{_REFRESH}.token_endpoint",
        f"{_REFRESH}.client_id",
        f"{_REFRESH}.resource",
        f"{_CLIENT}.type",
    }
)
"""The units that make another credential of it."""

SECRETS = frozenset(unit for some in SECRETS_OF.values() for unit in some)
"""The units that no reply has."""

AUTH_SHAPE = mapping(
    {
        "type": shapes.word,
        "mcp_server_url": shapes.text,
        "token": shapes.secret,
        "access_token": shapes.secret,
        "expires_at": shapes.text,
        "refresh": mapping(
            {
                "token_endpoint": shapes.text,
                "client_id": shapes.text,
                "refresh_token": shapes.secret,
                "token_endpoint_auth": mapping(
                    {"type": shapes.word, "client_secret": shapes.secret}
                ),
                "resource": shapes.text,
                "scope": shapes.text,
            }
        ),
        "secret_name": shapes.text,
        "secret_value": shapes.secret,
        "networking": mapping({"type": shapes.word, "allowed_hosts": many(shapes.word)}),
    }
)


def whole(said: Mapping[str, Any]) -> dict[str, Any]:
    """Units of `auth` as the object that they are parts of."""
    found: dict[str, Any] = {}
    for path, value in said.items():
        _, *above, last = parts(path)
        holder = found
        for name in above:
            holder = holder.setdefault(name, {})
        holder[last] = value
    return found


def _normal(auth: Mapping[str, Any] | None) -> dict[str, Any]:
    """Hosts have no order and no capitals, and a moment has many spellings."""
    found = dict(auth or {})
    if found.get("expires_at"):
        found["expires_at"] = _moment(found["expires_at"])
    networking = found.get("networking")
    if networking and networking.get("allowed_hosts"):
        hosts = sorted(host.lower() for host in networking["allowed_hosts"])
        found["networking"] = {**networking, "allowed_hosts": hosts}
    return found


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # a service may spell it as it likes
        return text
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else text


FIELDS = Table(
    Field(
        "vault",
        reference("vault"),
        "The vault that it is in; fixed",
        ["keys"],
        required=True,
        fixed=True,
        spelt={"": "vault_id"},
    ),
    Field(
        "name",
        NAME,
        "Name that people see, at most 256 bytes; fixed; default: the resource's name",
        ["crm"],
        fixed=True,
    ),
    Field(
        "auth",
        Sort(
            written="provisioner.kinds.credential.spec:Auth",
            shape=AUTH_SHAPE,
            normal=_normal,
            declare=lambda value, _scope, _at: as_written(value),
        ),
        "What it opens and how: `static_bearer` or `mcp_oauth` for an MCP server,"
        " `environment_variable` for the environment of a session",
        [
            {
                "type": "static_bearer",
                "mcp_server_url": "https://crm.example/mcp",
                "token": {"env": "CRM_TOKEN"},
            }
        ],
        required=True,
        keyed=True,
    ),
    metadata({"team": "support"}),
)
