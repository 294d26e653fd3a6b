"""The `agents:` block: fields of an agent that an assistant has no field of its own for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from provisioner.kinds.assistant.request_fields import Effort, Format
from provisioner.kinds.common import Strict


class AgentReasoning(Strict):
    """How the model reasons, apart from the effort."""

    summary: Literal["auto", "concise", "detailed"] | None = Field(
        default=None, description="A summary of the reasoning", examples=["auto"]
    )
    effort: Effort = None


class AgentText(Strict):
    """How the model writes, apart from the format."""

    verbosity: Literal["low", "medium", "high"] | None = Field(
        default=None, description="How much it writes; default medium", examples=["low"]
    )
    format: Format = None


class MultiAgent(Strict):
    """Whether an agent may start others."""

    enabled: bool = Field(description="Whether it may", examples=[True])
    max_concurrent_subagents: int | None = Field(
        default=None, ge=1, description="How many at once; default 6", examples=[3]
    )


class Compaction(Strict):
    """How a long context is compacted."""

    async_: bool | None = Field(
        default=None, alias="async", description="Whether in the background; default false", examples=[True]
    )


class Experimental(Strict):
    """Experimental settings."""

    time_awareness: bool | None = Field(
        default=None, description="Whether the model is told the time now and then", examples=[True]
    )


class AgentFields(Strict):
    """Fields of a saved agent, in its own spelling. Other APIs ignore them."""

    reasoning: AgentReasoning | None = Field(
        default=None, description="How the model reasons", examples=[{"summary": "auto"}]
    )
    text: AgentText | None = Field(default=None, description="How the model writes", examples=[{"verbosity": "low"}])
    service_tier: Literal["auto", "default", "flex", "priority", "fast", "ultrafast"] | None = Field(
        default=None, description="How fast and at what price it is served; default auto", examples=["flex"]
    )
    multi_agent: MultiAgent | None = Field(
        default=None, description="Whether it may start other agents", examples=[{"enabled": True}]
    )
    compaction: Compaction | None = Field(
        default=None, description="How a long context is compacted", examples=[{"async": True}]
    )
    experimental: Experimental | None = Field(
        default=None, description="Experimental settings", examples=[{"time_awareness": True}]
    )
