"""The kind `assistant`: a model with instructions and tools, through one of several APIs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.kinds.assistant.fields import FIELDS
from provisioner.kinds.base import Form, Kind, Scope
from provisioner.kinds.table import named
from provisioner.model import Address, Fields

if TYPE_CHECKING:
    from provisioner.model import Check, Mapped

# The APIs that an assistant can be deployed through: a form for each, imported when it is used.
APIS = {
    "assistants": "provisioner.kinds.assistant.assistants:FORM",
    "responses": "provisioner.kinds.assistant.responses:FORM",
    "agents": "provisioner.kinds.assistant.agents:FORM",
}


class AssistantKind(Kind):
    """A model with instructions and tools."""

    name: ClassVar[str] = "assistant"
    section: ClassVar[str] = "assistants"
    summary: ClassVar[str] = (
        "A model with instructions and tools, deployed through the API that its environment names."
    )
    about: ClassVar[str] = "A model with instructions and tools."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"model": "gpt-4o", "instructions": "You answer in one sentence."},
        {
            "name": "Support",
            "description": "Answers staff questions",
            "model": "gpt-4o",
            "instructions": {"file": "prompts/support.md"},
            "tools": [
                {"type": "file_search", "vector_stores": ["handbook"], "max_num_results": 8},
                {"type": "code_interpreter", "files": ["data/prices.csv"]},
                {"use": "get_weather"},
                {
                    "type": "function",
                    "name": "find_user",
                    "description": "Finds a user by name",
                    "parameters": {"file": "schemas/find_user.json"},
                },
            ],
            "temperature": 0.3,
            "top_p": 1,
            "metadata": {"team": "support"},
            "lifecycle": {"protect": True, "ignore_changes": ["description"]},
        },
        {
            "model": "gpt-5.6",
            "instructions": {"files": ["prompts/tone.md", "prompts/triage.md"]},
            "reasoning_effort": "low",
            "response_format": {
                "type": "json_schema",
                "name": "ticket",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"subject": {"type": "string"}},
                    "required": ["subject"],
                    "additionalProperties": False,
                },
            },
            "api": "responses",
            "responses": {"max_output_tokens": 2000, "store": False},
        },
        {
            "model": "gpt-5.6",
            "instructions": "You sort tickets.",
            "tools": [
                "web_search",
                {
                    "type": "mcp",
                    "server_label": "crm",
                    "server_url": "https://crm.example/mcp",
                    "allowed_tools": ["list_tickets"],
                },
            ],
            "reasoning_effort": "low",
            "api": "agents",
            "agents": {"text": {"verbosity": "low"}, "multi_agent": {"enabled": True}},
            "session": {"environment": "none"},
        },
    )

    apis = tuple(APIS)

    def declare(self, spec: Any, scope: Scope) -> Fields:
        """The fields, and warnings about what is hardly meant."""
        from provisioner.kinds.assistant.unlikely import unlikely

        fields = super().declare(spec, scope)
        for finding in unlikely(spec, fields, scope):
            scope.report(finding)
        return fields

    def checks(self, spec: Any, fields: Fields, scope: Scope) -> tuple[Check, ...]:
        """The checks; without any, nothing of what they need is imported."""
        if not spec.checks:
            return ()
        from provisioner.kinds.assistant.checks import declare_checks

        return declare_checks(spec.checks, spec.tools or (), fields, scope)

    def mapped(self, api: str | None, address: Address, fields: Fields) -> Iterator[Mapped]:
        """Each field and each setting of a tool, from the tables by which they are sent."""
        from provisioner.kinds.assistant.mapping import mapped

        return mapped(self.form(api), address, fields)

    def form(self, api: str | None) -> Form:
        """The form for an API; KeyError for one that assistants cannot be deployed through."""
        return _form(APIS[str(api)])


@cache
def _form(place: str) -> Form:
    form: Form = named(place)
    return form


KIND = AssistantKind()
