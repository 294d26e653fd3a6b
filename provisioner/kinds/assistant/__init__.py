"""The kind `assistant`: a model with instructions and tools, through one of several APIs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

from provisioner.kinds.assistant.json_schema import read_schema
from provisioner.kinds.assistant.spec import MAX_INSTRUCTIONS, AssistantSpec, JsonSchema, Plain
from provisioner.kinds.assistant.tools import declare_tools
from provisioner.kinds.base import Finding, Form, Kind, Scope
from provisioner.kinds.common import Strict
from provisioner.model import Address, Fields

_PLAIN = {
    "model",
    "name",
    "description",
    "temperature",
    "top_p",
    "reasoning_effort",
    "metadata",
    "responses",
    "agents",
}


@cache
def forms() -> dict[str, Form]:
    """Every API that an assistant can be deployed through: its module is in this folder and names
    `FORM`.
    """
    modules = sorted(info.name for info in pkgutil.iter_modules(__path__))
    found = (
        getattr(importlib.import_module(f"{__name__}.{name}"), "FORM", None) for name in modules
    )
    return {str(form.api): form for form in found if isinstance(form, Form)}


class AssistantKind(Kind):
    """A model with instructions and tools."""

    name: ClassVar[str] = "assistant"
    section: ClassVar[str] = "assistants"
    spec = AssistantSpec
    summary: ClassVar[str] = (
        "A model with instructions and tools, deployed through the API that its environment names."
    )
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
    )

    def form(self, api: str | None) -> Form:
        """The form for an API; KeyError for one that assistants cannot be deployed through."""
        return forms()[str(api)]

    def declare(self, spec: AssistantSpec, scope: Scope) -> Fields:
        """The assistant with its texts and schemas read, its names resolved and its shared tools
        inlined.
        """
        said = spec.model_fields_set
        fields: Fields = spec.model_dump(include=_PLAIN, exclude_unset=True)
        if "instructions" in said:
            fields["instructions"] = self._instructions(spec, scope)
        if "tools" in said:
            fields["tools"] = declare_tools(spec.tools or (), scope)
        if "response_format" in said:
            fields["response_format"] = self._response_format(spec, scope)
        return fields

    def _instructions(self, spec: AssistantSpec, scope: Scope) -> str | None:
        value = spec.instructions
        if value is None:
            return None
        text = scope.text(
            value.declared() if isinstance(value, Strict) else value, ("instructions",)
        )
        if text is not None and len(text) > MAX_INSTRUCTIONS:
            detail = (
                f"`{scope.address}` has instructions of {len(text):,} characters; they may have at"
                " most 256,000."
            )
            hint = "move reference material into a vector store"
            scope.report(Finding(("instructions",), "Too many characters", detail, hint))
        return text

    def _response_format(self, spec: AssistantSpec, scope: Scope) -> Any:
        value = spec.response_format
        if isinstance(value, Plain):
            return value.type
        if not isinstance(value, JsonSchema):
            return value
        schema = read_schema(
            value.schema_, bool(value.strict), scope, ("response_format", "schema")
        )
        return {**value.declared(), "schema": schema}

    def references(self, fields: Fields) -> Iterator[Address]:
        """The vector stores and files of its tools."""
        for tool in fields.get("tools") or ():
            for reference in (*(tool.get("vector_stores") or ()), *(tool.get("files") or ())):
                if isinstance(reference, str):
                    yield Address.parse(reference)


KIND = AssistantKind()
