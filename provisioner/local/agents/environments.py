"""Owns the environment of a session: as an automation keeps it, and as a session gets it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checks, files, skills
from ..errors import bad, missing
from ..service import EmbeddedService, Reply, new_id
from . import hosting
from .templates import TEMPLATES

_OWN = ("container_size", "environment_id", "environment_template_id")
_OVERRIDES = (
    "capability_directories",
    "desktop",
    "files",
    "network",
    "packages",
    "plugins",
    "skills",
)
_DIRECTORIES = hosting.HOSTED["capability_directories"]
_HOSTED = checks.fields(
    hosting.HOSTED
    | {
        "type": checks.any_value,
        "container_size": checks.one_of("small", "medium", "large"),
        "environment_id": checks.string(),
        "environment_template_id": checks.string(),
    }
)


def _hosted(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = _HOSTED(path, value)
    others = given.keys() - {"type", "environment_id"}
    if "environment_id" in given and others:
        raise checks.exclusive(path, "environment_id", min(others))
    return given


ENVIRONMENT = checks.variants(
    {
        "none": checks.fields({"type": checks.any_value}),
        "openai_hosted": _hosted,
        "self_hosted": checks.fields(
            {
                "type": checks.any_value,
                "workspace_directory": checks.string(longest=4096, shortest=1, pattern="/.*"),
                "capability_directories": _DIRECTORIES,
            },
            ("workspace_directory",),
        ),
    }
)


def check_known(service: EmbeddedService, given: Mapping[str, Any]) -> None:
    hosting.check_known(service, given)
    template_id = given.get("environment_template_id")
    if template_id is not None:
        service.settling.check("use", "agents/environments/templates", [template_id])
        TEMPLATES.row(service, template_id)
    if "environment_id" in given:
        _existing(service, given["environment_id"])


def configured(given: Mapping[str, Any]) -> Reply:
    """How an automation shows it: null is what the template or the service says."""
    if given["type"] == "none":
        return {"type": "none"}
    if given["type"] == "self_hosted":
        return {
            "type": "self_hosted",
            "workspace_directory": given["workspace_directory"],
            "capability_directories": given.get("capability_directories") or [],
            "environment_id": None,
        }
    shown = {name: given.get(name) for name in (*_OWN, *_OVERRIDES)}
    return {"type": "openai_hosted"} | shown


def provisioned(
    service: EmbeddedService,
    given: Mapping[str, Any],
    credentials: Sequence[Reply],
    headers: Mapping[str, str],
) -> Reply:
    """What a session gets."""
    if given["type"] == "none":
        return {"type": "none"}
    if given["type"] == "self_hosted":
        environment_id = new_id("env")
        return configured(given) | {
            "id": environment_id,
            "environment_id": environment_id,
            "remote_url": f"wss://local.invalid/v1/agents/environments/{environment_id}",
        }
    if given.get("environment_id") is not None:
        return _existing(service, given["environment_id"])
    config = _config(service, given, headers)
    _check_secrets(config, credentials)
    shown = {name: config[name] for name in _OVERRIDES}
    shown["files"] = [_installed_file(service, one) for one in config["files"]]
    shown["skills"] = [_installed_skill(service, one) for one in config["skills"]]
    size = given.get("container_size")
    return {"type": "openai_hosted", "id": new_id("env"), "container_size": size} | shown


def _existing(service: EmbeddedService, environment_id: str) -> Reply:
    row = service.database.one(
        "SELECT body FROM agent_sessions WHERE json_extract(body, '$.environment.id') = ?"
        " ORDER BY seq DESC LIMIT 1",
        [environment_id],
    )
    if row is None:
        raise missing(f"No environment found with id '{environment_id}'.")
    environment: Reply = json.loads(row["body"])["environment"]
    return environment


def _config(
    service: EmbeddedService, given: Mapping[str, Any], headers: Mapping[str, str]
) -> dict[str, Any]:
    """The template, if any, with what is said otherwise."""
    template_id = given.get("environment_template_id")
    config = hosting.defaults(headers)
    if template_id is not None:
        service.settling.check("use", "agents/environments/templates", [template_id])
        config |= TEMPLATES.find(service, template_id)
        _check_narrower(config["network"], given.get("network"))
    config |= {name: one for name, one in given.items() if one is not None}
    hosting.check_known(service, config)
    return config


def _check_narrower(network: dict[str, Any], wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        return
    wider = hosting.OPEN[wanted["access"]] > hosting.OPEN[network["access"]]
    more = set(wanted["allowed_domains"]) - set(network["allowed_domains"])
    if wider or (network["access"] == wanted["access"] == "restricted" and more):
        where = "environment.network"
        raise bad(f"'{where}' cannot broaden the policy of the template.", where, "invalid_value")


def _check_secrets(config: dict[str, Any], credentials: Sequence[Reply]) -> None:
    """Variables of vaults have a name each, and go where the network lets them."""
    auths = [one["auth"] for one in credentials if one["auth"]["type"] == "environment_variable"]
    names = [*config["env"], *(auth["secret_name"] for auth in auths)]
    for name in names:
        if names.count(name) > 1:
            raise bad(
                f"The environment variable '{name}' is set more than once by the environment and"
                " the attached credentials.",
                "vault_ids",
            )
    for auth in auths:
        _check_reach(auth, config["network"])


def _check_reach(auth: dict[str, Any], network: dict[str, Any]) -> None:
    access, allowed = network["access"], network["allowed_domains"]
    told = f"The credential for '{auth['secret_name']}'"
    where = "environment.network"
    if access == "disabled":
        raise bad(f"{told} cannot be used with network access 'disabled'.", where)
    if auth["networking"]["type"] == "unrestricted":
        if access != "restricted" or not allowed:
            raise bad(
                f"{told} has unrestricted networking, which requires network access 'restricted'"
                " with explicit 'allowed_domains'.",
                where,
            )
        return
    beyond = [host for host in auth["networking"]["allowed_hosts"] if not _lets(allowed, host)]
    if access == "restricted" and beyond:
        raise bad(f"{told} is for '{beyond[0]}', which is not in 'allowed_domains'.", where)


def _lets(allowed: Sequence[str], host: str) -> bool:
    for one in allowed:
        if one.lower() == host or (one.startswith("*.") and host.endswith(one[1:].lower())):
            return True
    return False


def _installed_file(service: EmbeddedService, given: dict[str, Any]) -> dict[str, Any]:
    if given["type"] == "inline":
        return {"id": new_id("envfile")} | given
    size = files.find_file(service, given["file_id"])["bytes"]
    return {"id": new_id("envfile"), "size_bytes": size} | given


def _installed_skill(service: EmbeddedService, given: dict[str, Any]) -> dict[str, Any]:
    if given["type"] == "inline":
        return given
    made = skills.chosen(service, given["skill_id"], given["version"])
    told = {name: made[name] for name in ("name", "description", "version")}
    return {"type": "skill_reference", "skill_id": given["skill_id"]} | told
