"""Workspaces with secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from provisioner.masking import KEY_VARIABLE
from tests.support.injecting import Injection
from tests.support.world import World

KEY = "k" * 32
SPECS: dict[str, Any] = {
    "vaults": {"keys": {"name": "Keys"}},
    "credentials": {
        "crm": {
            "vault": "keys",
            "auth": {
                "type": "static_bearer",
                "mcp_server_url": "https://crm.example/mcp",
                "token": {"env": "CRM_TOKEN"},
            },
        },
        "orders": {
            "vault": "keys",
            "metadata": {"team": "support"},
            "auth": {
                "type": "mcp_oauth",
                "mcp_server_url": "https://orders.example/mcp",
                "access_token": {"file": "secrets/orders"},
                "expires_at": "2027-01-31T12:00:00Z",
                "refresh": {
                    "token_endpoint": "https://login.example/token",
                    "client_id": "support",
                    "refresh_token": {"file": "secrets/refresh"},
                    "token_endpoint_auth": {
                        "type": "client_secret_post",
                        "client_secret": {"command": ["cat", "secrets/client"]},
                    },
                    "scope": "read",
                },
            },
        },
        "variable": {
            "vault": "keys",
            "auth": {
                "type": "environment_variable",
                "secret_name": "CRM_KEY",
                "secret_value": {"env": "CRM_KEY"},
                "networking": {"type": "limited", "allowed_hosts": ["CRM.example"]},
            },
        },
    },
}
FILES = {
    "secrets/orders": "access-of-orders\n",
    "secrets/refresh": "refresh-of-orders\n",
    "secrets/client": "client-of-orders\n",
}

Sent = list[tuple[str, str, dict[str, Any]]]
"""Method, path and body of what was written to the service."""


@dataclass
class WrittenDown(Injection):
    """Everything that is written to vaults."""

    sent: Sent = field(default_factory=list)
    any: bool = False

    def happened(self) -> bool:
        return self.any

    def around(self, app: Any) -> Any:
        async def recording(scope: Any, receive: Any, send: Any) -> None:
            whole, path = bytearray(), scope.get("path", "").removeprefix("/v1")

            async def received() -> Any:
                message = await receive()
                whole.extend(message.get("body", b""))
                return message

            await app(scope, received, send)
            if whole and path.startswith("/vaults"):
                self.any = True
                self.sent.append((scope["method"], path, json.loads(whole)))

        return recording


@pytest.fixture
def sent(world: World) -> Sent:
    """Everything that is written to vaults from now on."""
    written = WrittenDown()
    world.from_now_on(written)
    return written.sent


@pytest.fixture
def keys(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A workspace with a credential of each type, and with the key of fingerprints; nothing is
    applied.
    """
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv("CRM_TOKEN", "token-of-crm")
    monkeypatch.setenv("CRM_KEY", "key-of-crm")
    world.write({"specs/all.yaml": SPECS, **FILES})
    return world


def specs(**auths: Any) -> dict[str, Any]:
    """The same specs where some credentials say something else in `auth`; None leaves a key out."""
    found = json.loads(json.dumps(SPECS))
    for name, more in auths.items():
        auth = {**found["credentials"][name]["auth"], **more}
        found["credentials"][name]["auth"] = {
            key: value for key, value in auth.items() if value is not None
        }
    return {"specs/all.yaml": found}
