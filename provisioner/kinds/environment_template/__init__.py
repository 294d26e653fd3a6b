"""The kind `environment_template`: what the environments of an agent's sessions are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from provisioner.diff import join
from provisioner.kinds.base import Finding, Form, Kind, Reference
from provisioner.kinds.environment_template.form import FIELDS, FORM
from provisioner.kinds.environment_template.reach import refused
from provisioner.model import Address, Fields


def _template(environment: Fields, resources: Mapping[Address, Fields]) -> Fields | None:
    """What an environment is made from, empty where it has no template; None where nobody knows."""
    named = environment.get("template")
    if named is None:
        return {} if environment.get("type") == "openai_hosted" else None
    return resources.get(Address.parse(named)) if isinstance(named, str) else None


class TemplateKind(Kind):
    """What the environments of an agent's sessions are made from."""

    name: ClassVar[str] = "environment_template"
    section: ClassVar[str] = "environment_templates"
    summary: ClassVar[str] = (
        "Files, packages, skills, variables and network of the computers that agents work at."
    )
    about: ClassVar[str] = "An environment template: what an agent finds where it works."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"network": {"access": "disabled"}},
        {
            "name": "Analysis",
            "network": {"access": "restricted", "allowed_domains": ["pypi.org", "*.example.com"]},
            "files": [
                {"file": "data/sales.csv", "path": "/workspace/data/sales.csv"},
                {"file": "data/prices.csv", "path": "/workspace/data/prices.csv"},
            ],
            "skills": ["triage", {"skill": "report", "version": 1}],
            "packages": {"python": ["pandas==2.3.3"], "system": ["ripgrep"]},
            "capability_directories": ["/workspace/capabilities"],
            "desktop": {"enabled": True},
            "env": {"REGION": "eu", "TOKEN": {"env": "BOX_TOKEN"}},
            "setup_commands": ["pip check", {"command": "make", "cwd": "/workspace/tools"}],
        },
        {
            "network": {"access": "restricted", "blocked_domains": ["ads.example.com"]},
            "only": ["staging", "prod"],
        },
    )

    def form(self, api: str | None) -> Form:
        """Templates are the same through every API."""
        return FORM

    def beside(self, resources: Mapping[Address, Fields]) -> Iterable[tuple[Address, Finding]]:
        """Variables of vaults go where the network of the environment lets them, and have names of
        their own: as far as both are declared, for whoever gives the two to one session.
        """
        for address, fields in resources.items():
            for name in ("session", "target"):
                given = fields.get(name) or {}
                template = _template(given.get("environment") or {}, resources)
                if template is None:
                    continue
                vaults = {str(vault) for vault in given.get("vaults") or ()}
                for other, credential in resources.items():
                    auth = credential.get("auth") or {}
                    if credential.get("vault") in vaults and auth.get("secret_name"):
                        for finding in refused(template, other, auth):
                            yield address, replace(finding, path=(name, "vaults"))

    def secrets(self, fields: Fields) -> Mapping[str, Reference]:
        """The variables whose values are elsewhere."""
        return {
            join("env", name): value
            for name, value in (fields.get("env") or {}).items()
            if isinstance(value, Mapping)
        }

    def unfit(self, path: str, value: str) -> str | None:
        """A variable may have many lines."""
        return "has a NUL, which no variable can" if "\0" in value else None


KIND = TemplateKind()
