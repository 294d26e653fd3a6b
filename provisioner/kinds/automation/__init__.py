"""The kind `automation`: what an agent is told to do at certain times."""

from __future__ import annotations

from typing import Any, ClassVar

from provisioner.kinds.automation.fields import FIELDS
from provisioner.kinds.base import Form, Kind, Scope
from provisioner.model import Fields


class AutomationKind(Kind):
    """What an agent is told to do at certain times."""

    name: ClassVar[str] = "automation"
    section: ClassVar[str] = "automations"
    summary: ClassVar[str] = "What a saved agent is told to do at certain times, or once."
    about: ClassVar[str] = "An automation: what an agent is told to do at certain times, or once."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "type": "periodic",
            "expression": "0 8 * * 1-5",
            "timezone": "Europe/Berlin",
            "target": {
                "type": "new_session",
                "assistant": "triage",
                "environment": {"template": "box"},
                "vaults": ["keys"],
                "input": ["Sort the tickets of the night.", {"file": "prompts/night.md"}],
                "metadata": {"team": "support"},
            },
        },
        {
            "name": "Launch",
            "type": "once",
            "run_at": "2027-01-31T12:00:00Z",
            "status": "paused",
            "target": {"assistant": "triage", "input": ["Say that we are open."]},
            "metadata": {"team": "support"},
        },
        {
            "type": "periodic",
            "expression": "*/30 * * * *",
            "timezone": "UTC",
            "target": {
                "type": "existing_session",
                "session_id": "session_abc123",
                "instructions": {"file": "prompts/look.md"},
            },
        },
    )

    def form(self, api: str | None) -> Form:
        """Automations are the same through every API."""
        from provisioner.kinds.automation.form import FORM  # not needed where none is declared

        return FORM

    def declare(self, spec: Any, scope: Scope) -> Fields:
        """The fields, and what is said of a schedule that cannot be."""
        from provisioner.kinds.automation.spec import odd_schedule

        for finding in odd_schedule(spec, scope.address):
            scope.report(finding)
        return super().declare(spec, scope)


KIND = AutomationKind()
