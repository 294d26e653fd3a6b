"""Owns which handler answers which request of the Agents API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import automations, saved, sessions, templates, vaults

_AGENT = "/v1/agents/{agent_id}"
_TEMPLATES = "/v1/agents/environments/templates"
_TEMPLATE = f"{_TEMPLATES}/{{template_id}}"
_VAULT = "/v1/vaults/{vault_id}"
_CREDENTIAL = f"{_VAULT}/credentials/{{credential_id}}"
_AUTOMATION = "/v1/agents/automations/{automation_id}"
_SESSION = "/v1/agents/sessions/{session_id}"
_TURN = f"{_SESSION}/turns/{{turn_id}}"
# The first path that fits wins, so an agent by its id comes last.
AGENT_ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("POST", "/v1/agents", saved.create),
    ("GET", "/v1/agents", saved.list_),
    ("POST", _TEMPLATES, templates.create),
    ("GET", _TEMPLATES, templates.list_),
    ("GET", _TEMPLATE, templates.retrieve),
    ("POST", _TEMPLATE, templates.update),
    ("DELETE", _TEMPLATE, templates.delete),
    ("POST", "/v1/vaults", vaults.create),
    ("GET", "/v1/vaults", vaults.list_),
    ("GET", _VAULT, vaults.retrieve),
    ("POST", _VAULT, vaults.update),
    ("DELETE", _VAULT, vaults.delete),
    ("POST", f"{_VAULT}/credentials", vaults.create_credential),
    ("GET", f"{_VAULT}/credentials", vaults.list_credentials),
    ("GET", _CREDENTIAL, vaults.retrieve_credential),
    ("POST", _CREDENTIAL, vaults.update_credential),
    ("DELETE", _CREDENTIAL, vaults.delete_credential),
    ("POST", "/v1/agents/automations", automations.create),
    ("GET", "/v1/agents/automations", automations.list_),
    ("GET", _AUTOMATION, automations.retrieve),
    ("POST", _AUTOMATION, automations.update),
    ("DELETE", _AUTOMATION, automations.delete),
    ("POST", f"{_AUTOMATION}/pause", automations.pause),
    ("POST", f"{_AUTOMATION}/resume", automations.resume),
    ("POST", f"{_AUTOMATION}/invocations", automations.invoke),
    ("GET", f"{_AUTOMATION}/invocations", automations.list_invocations),
    ("GET", f"{_AUTOMATION}/invocations/{{invocation_id}}", automations.retrieve_invocation),
    ("POST", "/v1/agents/sessions", sessions.create),
    ("GET", "/v1/agents/sessions", sessions.list_),
    ("GET", _SESSION, sessions.retrieve),
    ("POST", _SESSION, sessions.update),
    ("DELETE", _SESSION, sessions.delete),
    ("POST", f"{_SESSION}/events", sessions.send),
    ("GET", f"{_SESSION}/events", sessions.listen),
    ("GET", f"{_SESSION}/items", sessions.list_items),
    ("GET", f"{_SESSION}/turns", sessions.list_turns),
    ("GET", _TURN, sessions.retrieve_turn),
    ("GET", f"{_TURN}/items", sessions.list_turn_items),
    ("GET", f"{_SESSION}/artifacts", sessions.list_nothing),
    ("GET", f"{_SESSION}/traces", sessions.list_nothing),
    ("GET", f"{_SESSION}/subagents", sessions.list_nothing),
    ("GET", _AGENT, saved.retrieve),
    ("POST", _AGENT, saved.update),
    ("DELETE", _AGENT, saved.delete),
]
