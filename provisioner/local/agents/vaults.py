"""Owns vaults and their credentials. Secrets are checked and forgotten: no reply ever has them, and
so nothing here keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.responses import Response

from .. import checks
from ..errors import bad, conflict, no_credential, no_vault
from ..service import Call, EmbeddedService, Reply, new_id
from .records import Records, created, with_metadata

VAULTS = Records("vaults", no_vault)
MOST_BYTES = 256
MOST_VAULTS = 10  # of a session
_RESERVED = re.compile(
    r"CODEX_.*|(HTTP|HTTPS|ALL|NO|FTP)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
    r"|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO",
    re.I,
)
_TEXT = checks.string()
_SECRET = checks.string(shortest=1)
_HTTPS = checks.string(pattern="https://.+")
_METADATA = checks.pairs(checks.string(longest=512))


def _credentials(vault_id: str) -> Records:
    return Records("credentials", lambda one: no_credential(vault_id, one))


def _name(path: str, value: Any) -> str:
    name: str = _TEXT(path, value).strip()
    size = len(name.encode())
    if not 1 <= size <= MOST_BYTES:
        raise bad(
            f"Invalid '{path}': expected 1 to {MOST_BYTES} UTF-8 bytes after trimming, but got"
            f" {size} instead.",
            path,
            "invalid_value",
        )
    return name


def _secret_name(path: str, value: Any) -> str:
    name: str = checks.string(pattern="[A-Za-z_][A-Za-z0-9_]*")(path, value)
    if _RESERVED.fullmatch(name):
        raise bad(f"Invalid '{path}': '{name}' is a reserved name.", path, "invalid_value")
    return name


def _secret_value(path: str, value: Any) -> None:
    if re.search("[\r\n\0]", _SECRET(path, value)):
        raise bad(
            f"Invalid '{path}': must not contain carriage returns, newlines, or NUL bytes.",
            path,
            "invalid_value",
        )


def _time(path: str, value: Any) -> str:
    text: str = _TEXT(path, value)
    try:
        zone = datetime.fromisoformat(text).tzinfo
    except ValueError:
        zone = None
    if zone is None:
        raise bad(f"Invalid '{path}': expected an RFC 3339 timestamp.", path, "invalid_value")
    return text


_HOST = checks.string(pattern=r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def _hosts(path: str, value: Any) -> list[str]:
    hosts = [one.lower() for one in checks.array(_HOST, least=1, most=16)(path, value)]
    if len(set(hosts)) < len(hosts):
        raise bad(f"Invalid '{path}': hosts must be distinct.", path, "invalid_value")
    return hosts


_NETWORKING = checks.variants(
    {
        "unrestricted": checks.fields({"type": checks.any_value}),
        "limited": checks.fields(
            {"type": checks.any_value, "allowed_hosts": _hosts}, ("allowed_hosts",)
        ),
    }
)


def _client_auth(*, rotated: bool) -> checks.Check:
    secret = checks.nullable(_SECRET) if rotated else _SECRET
    needed = () if rotated else ("client_secret",)
    with_secret = checks.fields({"type": checks.any_value, "client_secret": secret}, needed)
    kinds = {"client_secret_basic": with_secret, "client_secret_post": with_secret}
    if not rotated:
        kinds["none"] = checks.fields({"type": checks.any_value})
    return checks.variants(kinds)


_REFRESH = checks.fields(
    {
        "client_id": _SECRET,
        "refresh_token": _SECRET,
        "token_endpoint": _HTTPS,
        "token_endpoint_auth": _client_auth(rotated=False),
        "resource": checks.nullable(_TEXT),
        "scope": checks.nullable(_TEXT),
    },
    ("client_id", "refresh_token", "token_endpoint", "token_endpoint_auth"),
)
_AUTH = checks.variants(
    {
        "static_bearer": checks.fields(
            {"type": checks.any_value, "mcp_server_url": _HTTPS, "token": _SECRET},
            ("mcp_server_url", "token"),
        ),
        "mcp_oauth": checks.fields(
            {
                "type": checks.any_value,
                "mcp_server_url": _HTTPS,
                "access_token": _SECRET,
                "expires_at": checks.nullable(_time),
                "refresh": checks.nullable(_REFRESH),
            },
            ("mcp_server_url", "access_token"),
        ),
        "environment_variable": checks.fields(
            {
                "type": checks.any_value,
                "secret_name": _secret_name,
                "secret_value": _secret_value,
                "networking": _NETWORKING,
            },
            ("secret_name", "secret_value", "networking"),
        ),
    }
)
_ROTATED_REFRESH = checks.fields(
    {
        "refresh_token": checks.nullable(_SECRET),
        "scope": checks.nullable(_TEXT),
        "token_endpoint_auth": checks.nullable(_client_auth(rotated=True)),
    }
)
_ROTATED = checks.variants(
    {
        "static_bearer": checks.fields({"type": checks.any_value, "token": _SECRET}, ("token",)),
        "mcp_oauth": checks.fields(
            {
                "type": checks.any_value,
                "access_token": checks.nullable(_SECRET),
                "expires_at": checks.nullable(_time),
                "refresh": checks.nullable(_ROTATED_REFRESH),
            }
        ),
        "environment_variable": checks.fields(
            {"type": checks.any_value, "secret_value": _secret_value}, ("secret_value",)
        ),
    }
)
_CREATE = checks.fields({"name": _name, "metadata": checks.metadata})
_UPDATE = checks.fields({"name": checks.nullable(_name), "metadata": _METADATA})
_CREATE_CREDENTIAL = checks.fields(
    {"name": _name, "metadata": _METADATA, "auth": _AUTH}, ("name", "auth")
)
_UPDATE_CREDENTIAL = checks.fields({"metadata": _METADATA, "auth": _ROTATED})


def _shown_auth(given: dict[str, Any]) -> dict[str, Any]:
    kind = given["type"]
    if kind == "environment_variable":
        return {name: given[name] for name in ("type", "secret_name", "networking")}
    shown = {"type": kind, "mcp_server_url": given["mcp_server_url"]}
    if kind == "static_bearer":
        return shown
    refresh = given.get("refresh")
    if refresh is not None:
        public = {name: refresh[name] for name in ("token_endpoint", "client_id")}
        public["token_endpoint_auth"] = {"type": refresh["token_endpoint_auth"]["type"]}
        refresh = public | {name: refresh.get(name) for name in ("resource", "scope")}
    return shown | {"expires_at": given.get("expires_at"), "refresh": refresh}


def _rotated(auth: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What is seen of a rotation."""
    if auth["type"] != given["type"]:
        raise bad(
            f"The type of a credential cannot be changed: it is '{auth['type']}'.",
            "auth.type",
            "invalid_value",
        )
    if auth["type"] != "mcp_oauth":
        return auth
    # A new token is not known to expire when the old one did.
    renewed = given.get("access_token") is not None
    expires_at = given.get("expires_at", None if renewed else auth["expires_at"])
    return auth | {"expires_at": expires_at, "refresh": _refreshed(auth["refresh"], given)}


def _refreshed(refresh: dict[str, Any] | None, given: dict[str, Any]) -> dict[str, Any] | None:
    wanted = given.get("refresh")
    if wanted is None:
        return refresh
    if refresh is None:
        raise bad("The credential has no refresh configuration.", "auth.refresh", "invalid_value")
    method, kept = wanted.get("token_endpoint_auth"), refresh["token_endpoint_auth"]["type"]
    if method is not None and method["type"] != kept:
        where = "auth.refresh.token_endpoint_auth.type"
        raise bad(f"'{where}' cannot be changed: it is '{kept}'.", where, "invalid_value")
    return refresh | ({"scope": wanted["scope"]} if "scope" in wanted else {})


def _active(call: Call) -> str:
    """SQL for the statuses that a list asks for. Nothing here is ever archived."""
    wanted = [*call.query.getlist("status"), *call.query.getlist("status[]")]
    for one in wanted:
        checks.one_of("active", "archived")("status", one)
    return "0" if wanted and "active" not in wanted else "1"


def create(service: EmbeddedService, call: Call) -> Response:
    given = _CREATE("", call.body)
    body: Reply = {
        "id": new_id("vault"),
        "object": "vault",
        "created_at": service.now(),
        "name": given.get("name"),
        "metadata": given.get("metadata") or {},
    }
    VAULTS.add(service, body)
    return created(body)


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return VAULTS.find(service, call.params["vault_id"])


def list_(service: EmbeddedService, call: Call) -> Reply:
    where, params = with_metadata(call)
    return VAULTS.page(service, call, f"{where} AND {_active(call)}", params, clamped=True)


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    with service.database.transaction():
        body: Reply = VAULTS.find(service, call.params["vault_id"]) | given
        VAULTS.write(service, body)
    return body


def delete(service: EmbeddedService, call: Call) -> Reply:
    """Its credentials go with it."""
    vault_id = call.params["vault_id"]
    with service.database.transaction():
        VAULTS.remove(service, vault_id)
        service.database.run("DELETE FROM credentials WHERE vault = ?", [vault_id])
    return {"id": vault_id, "object": "vault.deleted", "deleted": True}


def create_credential(service: EmbeddedService, call: Call) -> Response:
    vault_id, given = call.params["vault_id"], _CREATE_CREDENTIAL("", call.body)
    service.settling.check("use", "vaults", [vault_id])
    now = service.now()
    with service.database.transaction():
        VAULTS.row(service, vault_id)
        _check_unique(service, vault_id, given["auth"])
        body: Reply = {
            "id": new_id("vcred"),
            "object": "vault.credential",
            "created_at": now,
            "updated_at": now,
            "vault_id": vault_id,
            "name": given["name"],
            "metadata": given.get("metadata", {}),
            "auth": _shown_auth(given["auth"]),
        }
        _credentials(vault_id).add(service, body, vault=vault_id)
    return created(body)


def _check_unique(service: EmbeddedService, vault_id: str, auth: dict[str, Any]) -> None:
    """A variable has one value, so that a vault has one credential for it."""
    name = auth.get("secret_name")
    taken = "vault = ? AND json_extract(body, '$.auth.secret_name') = ?"
    found = service.database.one(f"SELECT 1 FROM credentials WHERE {taken}", [vault_id, name])
    if name is not None and found is not None:
        raise conflict(f"A credential for '{name}' already exists in vault '{vault_id}'.")


def _found(service: EmbeddedService, call: Call) -> Reply:
    vault_id, credential_id = call.params["vault_id"], call.params["credential_id"]
    VAULTS.row(service, vault_id)
    body = _credentials(vault_id).find(service, credential_id)
    if body["vault_id"] != vault_id:
        raise no_credential(vault_id, credential_id)
    return body


def retrieve_credential(service: EmbeddedService, call: Call) -> Reply:
    return _found(service, call)


def list_credentials(service: EmbeddedService, call: Call) -> Reply:
    vault_id = call.params["vault_id"]
    VAULTS.row(service, vault_id)
    where, params = with_metadata(call)
    where = f"vault = ? AND {where} AND {_active(call)}"
    return _credentials(vault_id).page(service, call, where, (vault_id, *params), clamped=True)


def update_credential(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE_CREDENTIAL("", call.body)
    with service.database.transaction():
        body = _found(service, call)
        if "auth" in given:
            given["auth"] = _rotated(body["auth"], given["auth"])
        body |= given | {"updated_at": service.now()}
        _credentials(body["vault_id"]).write(service, body)
    return body


def delete_credential(service: EmbeddedService, call: Call) -> Reply:
    body = _found(service, call)
    _credentials(body["vault_id"]).remove(service, body["id"])
    return {"id": body["id"], "object": "vault.credential.deleted", "deleted": True}


def attached(service: EmbeddedService, vault_ids: Sequence[str] | None) -> list[Reply]:
    """The credentials that a session with these vaults has."""
    service.settling.check("use", "vaults", vault_ids or [])
    found = []
    for vault_id in vault_ids or []:
        VAULTS.row(service, vault_id)
        rows = service.database.all("SELECT * FROM credentials WHERE vault = ?", [vault_id])
        found += [_credentials(vault_id).find(service, row["id"]) for row in rows]
    return found
