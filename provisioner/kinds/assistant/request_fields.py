"""The `responses:` block: fields of `responses.create` that an assistant has no field of its own
for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.common import Strict, refuse

Own = Annotated[
    SkipJsonSchema[None],
    refuse(
        "own_field",
        "belongs to the assistant itself, whatever its API",
        "write it beside `responses`",
    ),
]
Format = Annotated[
    SkipJsonSchema[None],
    refuse(
        "own_field", "belongs to the assistant itself", "write `response_format` beside `responses`"
    ),
]
Effort = Annotated[
    SkipJsonSchema[None],
    refuse(
        "own_field",
        "belongs to the assistant itself",
        "write `reasoning_effort` beside `responses`",
    ),
]
Turn = Annotated[
    SkipJsonSchema[None],
    refuse(
        "turn_field",
        "belongs to a single request",
        "your application adds it when it calls the service",
    ),
]
Renamed = Annotated[
    SkipJsonSchema[None],
    refuse("older_name", "is the older name of `summary`", "write `summary`"),
]
Prompt = Annotated[
    SkipJsonSchema[None],
    refuse(
        "prompt_object",
        "names a prompt object, which the service drops on 2026-11-30",
        "write the prompt into `instructions`",
    ),
]

Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


class Reasoning(Strict):
    """How the model reasons, apart from the effort."""

    summary: Literal["auto", "concise", "detailed"] | None = Field(
        default=None, description="A summary of the reasoning", examples=["auto"]
    )
    context: Literal["auto", "current_turn", "all_turns"] | None = Field(
        default=None,
        description="Which earlier reasoning the model sees again",
        examples=["current_turn"],
    )
    mode: str | None = Field(
        default=None,
        min_length=1,
        description="Execution mode, `standard` or `pro`",
        examples=["standard"],
    )
    generate_summary: Renamed = None
    effort: Effort = None


class Text(Strict):
    """How the model writes, apart from the format."""

    verbosity: Literal["low", "medium", "high"] | None = Field(
        default=None, description="How much it writes; default medium", examples=["low"]
    )
    format: Format = None


class AllowedTools(Strict):
    """Some of the assistant's tools."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"] = Field(
        description="Whether one must be called", examples=["auto"]
    )
    tools: list[dict[str, Any]] = Field(
        min_length=1,
        description="The tools",
        examples=[[{"type": "function", "name": "get_weather"}]],
    )


class ChosenFunction(Strict):
    """The function that must be called."""

    type: Literal["function"]
    name: str = Field(min_length=1, description="Its name", examples=["get_weather"])


class ChosenMcp(Strict):
    """The MCP server, or the one of its tools, that must be called."""

    type: Literal["mcp"]
    server_label: str = Field(min_length=1, description="Label of the server", examples=["crm"])
    name: str | None = Field(default=None, description="Name of the tool", examples=["list_orders"])


class ChosenCustom(Strict):
    """The custom tool that must be called."""

    type: Literal["custom"]
    name: str = Field(min_length=1, description="Its name", examples=["sql"])


class ChosenTool(Strict):
    """The hosted tool that must be used."""

    type: Literal[
        "file_search",
        "code_interpreter",
        "web_search_preview",
        "web_search_preview_2025_03_11",
        "image_generation",
        "computer",
        "computer_use",
        "computer_use_preview",
        "programmatic_tool_calling",
        "apply_patch",
        "shell",
    ] = Field(description="The tool", examples=["file_search"])


_CHOSEN = ("allowed_tools", "function", "mcp", "custom")


def _choose(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>" if kind in _CHOSEN else "<tool>"


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<text>")]
    | Annotated[AllowedTools, Tag("<allowed_tools>")]
    | Annotated[ChosenFunction, Tag("<function>")]
    | Annotated[ChosenMcp, Tag("<mcp>")]
    | Annotated[ChosenCustom, Tag("<custom>")]
    | Annotated[ChosenTool, Tag("<tool>")],
    Discriminator(_choose),
]


class ContextManagement(Strict):
    """What is done when a conversation grows too long."""

    type: Literal["compaction"]
    compact_threshold: int | None = Field(
        default=None,
        ge=1000,
        description="Tokens from which the conversation is compacted",
        examples=[200000],
    )


class CacheOptions(Strict):
    """How prompts are cached."""

    mode: Literal["implicit", "explicit"] | None = Field(
        default=None, description="Who sets the breakpoints", examples=["implicit"]
    )
    ttl: Literal["30m", "12h"] | None = Field(
        default=None, description="Least life of an entry; default `30m`", examples=["12h"]
    )
    prewarm: Turn = None
    comparison_response_id: Turn = None


class AccessPrograms(Strict):
    """Programs of the service that a request takes part in."""

    cyber: Literal["standard", "daybreak_blue", "daybreak_red"] | None = Field(
        default=None, description="The Cyber access program", examples=["standard"]
    )


class BackgroundOptions(Strict):
    """How an answer is made in the background."""

    completion_window: Literal["soonest", "2h", "8h"] | None = Field(
        default=None, description="By when; default `soonest`", examples=["2h"]
    )
    continuation_id: Turn = None


class ImageOptions(Strict):
    """How images are read."""

    context_compression: Literal["auto", "enabled", "disabled"] | None = Field(
        default=None, description="Whether they are made smaller; default auto", examples=["auto"]
    )


class ModerationMode(Strict):
    """What is done with what moderation finds."""

    mode: Literal["score", "block"] = Field(description="Scored, or blocked", examples=["score"])


class ModerationPolicy(Strict):
    """What is moderated, and how."""

    input: ModerationMode | None = Field(
        default=None, description="What is asked", examples=[{"mode": "block"}]
    )
    output: ModerationMode | None = Field(
        default=None, description="What is answered", examples=[{"mode": "score"}]
    )


class Moderation(Strict):
    """Moderation of what is asked and answered."""

    model: str = Field(
        min_length=1, description="The moderation model", examples=["omni-moderation-latest"]
    )
    policy: ModerationPolicy | None = Field(
        default=None,
        description="What is moderated, and how",
        examples=[{"input": {"mode": "block"}}],
    )


class RequestFields(Strict):
    """Fields of `responses.create`, in its own spelling. Other APIs ignore them."""

    max_output_tokens: int | None = Field(
        default=None,
        ge=16,
        description="Most tokens of an answer, reasoning included; at least 16",
        examples=[2000],
    )
    max_tool_calls: int | None = Field(
        default=None, ge=1, description="Most calls of hosted tools in one answer", examples=[10]
    )
    parallel_tool_calls: bool | None = Field(
        default=None,
        description="Whether several tools may be called at once; default true",
        examples=[False],
    )
    tool_choice: ToolChoice | None = Field(
        default=None,
        description="Which tool is used: `none`, `auto` (default), `required`, or one of them",
        examples=["auto", {"type": "function", "name": "get_weather"}],
    )
    reasoning: Reasoning | None = Field(
        default=None, description="How the model reasons", examples=[{"summary": "auto"}]
    )
    text: Text | None = Field(
        default=None, description="How the model writes", examples=[{"verbosity": "low"}]
    )
    store: bool | None = Field(
        default=None,
        description="Whether the service keeps the answer; default true",
        examples=[False],
    )
    truncation: Literal["auto", "disabled"] | None = Field(
        default=None,
        description="Whether the oldest turns are dropped when the context is full",
        examples=["auto"],
    )
    context_management: list[ContextManagement] | None = Field(
        default=None,
        min_length=1,
        description="What is done when a conversation grows too long",
        examples=[[{"type": "compaction", "compact_threshold": 200000}]],
    )
    service_tier: (
        Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None
    ) = Field(
        default=None,
        description="How fast and at what price it is served; default auto",
        examples=["flex"],
    )
    include: list[Include] | None = Field(
        default=None,
        description="What an answer shows beside its text",
        examples=[["file_search_call.results"]],
    )
    top_logprobs: int | None = Field(
        default=None,
        ge=0,
        le=20,
        description="Likely tokens shown for each place, 0 to 20",
        examples=[5],
    )
    background: bool | None = Field(
        default=None, description="Whether the answer is made in the background", examples=[True]
    )
    background_options: BackgroundOptions | None = Field(
        default=None,
        description="How it is made there",
        examples=[{"completion_window": "2h"}],
    )
    access_programs: AccessPrograms | None = Field(
        default=None,
        description="Programs of the service that it takes part in",
        examples=[{"cyber": "standard"}],
    )
    image: ImageOptions | None = Field(
        default=None,
        description="How images are read",
        examples=[{"context_compression": "auto"}],
    )
    moderation: Moderation | None = Field(
        default=None,
        description="Moderation of what is asked and answered",
        examples=[{"model": "omni-moderation-latest"}],
    )
    prompt_cache_key: str | None = Field(
        default=None,
        min_length=1,
        description="Requests with the same key share a cache",
        examples=["support-v1"],
    )
    prompt_cache_retention: Literal["in_memory", "24h"] | None = Field(
        default=None, description="How long prompts stay cached", examples=["24h"]
    )
    prompt_cache_options: CacheOptions | None = Field(
        default=None, description="How prompts are cached", examples=[{"ttl": "30m"}]
    )
    safety_identifier: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Stands for a user, at most 64 characters",
        examples=["staff"],
    )
    user: str | None = Field(
        default=None,
        min_length=1,
        description="Older name of `safety_identifier`",
        examples=["staff"],
    )
    model: Own = None
    instructions: Own = None
    tools: Own = None
    temperature: Own = None
    top_p: Own = None
    metadata: Own = None
    input: Turn = None
    stream: Turn = None
    stream_options: Turn = None
    conversation: Turn = None
    previous_response_id: Turn = None
    prompt: Prompt = None


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
        default=None,
        alias="async",
        description="Whether in the background; default false",
        examples=[True],
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
    text: AgentText | None = Field(
        default=None, description="How the model writes", examples=[{"verbosity": "low"}]
    )
    service_tier: Literal["auto", "default", "flex", "priority", "fast", "ultrafast"] | None = (
        Field(
            default=None,
            description="How fast and at what price it is served; default auto",
            examples=["flex"],
        )
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
