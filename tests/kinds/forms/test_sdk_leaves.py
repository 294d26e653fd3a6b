"""Our models against the SDK's own request types, key by key and word by word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from openai.types import responses as sdk
from openai.types.beta import (
    agent_create_params,
    agent_reasoning_param,
    agent_text_param,
    multi_agent_config_param,
    persisted_agent_tool_param,
    persisted_mcp_transport_param,
)
from openai.types.responses import response_create_params as create
from openai.types.responses import tool_param
from openai.types.shared_params import (
    comparison_filter,
    compound_filter,
    custom_tool_input_format,
    reasoning,
)
from pydantic import BaseModel

from provisioner.kinds.assistant import (
    filters,
    hosted,
    mcp,
    own_tools,
    request_fields,
    tools,
)

REFUSED = "<refused>"  # a key that has a finding of its own
Model = type[BaseModel]

# Beside each of our models: the type of the SDK, and what has another name or place in specs.
PAIRS: list[tuple[Model, Any, dict[str, str]]] = [
    (tools.Function, sdk.FunctionToolParam, {}),
    (tools.FileSearch, sdk.FileSearchToolParam, {"vector_store_ids": "vector_stores"}),
    (tools.RankingOptions, sdk.file_search_tool_param.RankingOptions, {}),
    (tools.HybridSearch, sdk.file_search_tool_param.RankingOptionsHybridSearch, {}),
    (filters.Comparison, comparison_filter.ComparisonFilter, {}),
    (filters.Compound, compound_filter.CompoundFilter, {}),
    (tools.CodeInterpreter, tool_param.CodeInterpreter, {"container": "files"}),
    (
        tools.CodeInterpreter,
        tool_param.CodeInterpreterContainerCodeInterpreterToolAuto,
        {"file_ids": "files"},
    ),
    (tools.NoNetwork, sdk.ContainerNetworkPolicyDisabledParam, {}),
    (tools.SomeNetwork, sdk.ContainerNetworkPolicyAllowlistParam, {}),
    (hosted.WebSearch, sdk.WebSearchToolParam, {}),
    (hosted.SearchFilters, sdk.web_search_tool_param.Filters, {}),
    (hosted.UserLocation, sdk.web_search_tool_param.UserLocation, {}),
    (mcp.Mcp, tool_param.Mcp, {}),
    (mcp.ToolFilter, tool_param.McpAllowedToolsMcpToolFilter, {}),
    (mcp.ApprovalFilter, tool_param.McpRequireApprovalMcpToolApprovalFilter, {}),
    (mcp.ToolFilter, tool_param.McpRequireApprovalMcpToolApprovalFilterAlways, {}),
    (mcp.ToolFilter, tool_param.McpRequireApprovalMcpToolApprovalFilterNever, {}),
    (hosted.ImageGeneration, tool_param.ImageGeneration, {}),
    (hosted.Mask, tool_param.ImageGenerationInputImageMask, {}),
    (hosted.Svg, tool_param.ImageGenerationSvg, {}),
    (hosted.SvgReasoning, tool_param.ImageGenerationSvgReasoning, {}),
    (hosted.ProgrammaticToolCalling, tool_param.ProgrammaticToolCalling, {}),
    (own_tools.Custom, sdk.CustomToolParam, {}),
    (own_tools.FreeText, custom_tool_input_format.Text, {}),
    (own_tools.Grammar, custom_tool_input_format.Grammar, {}),
    (own_tools.Shell, sdk.FunctionShellToolParam, {}),
    (own_tools.Shell, sdk.ContainerAutoParam, {"type": "environment", "file_ids": "files"}),
    (own_tools.Shell, sdk.LocalEnvironmentParam, {"type": "environment"}),
    (own_tools.SkillReference, sdk.SkillReferenceParam, {"skill_id": "id", "type": "id"}),
    (own_tools.LocalSkill, sdk.LocalSkillParam, {}),
    (own_tools.ApplyPatch, sdk.ApplyPatchToolParam, {}),
    (own_tools.Computer, sdk.ComputerToolParam, {}),
    (own_tools.Namespace, sdk.NamespaceToolParam, {}),
    (tools.Function, sdk.namespace_tool_param.ToolFunction, {}),
    (own_tools.ToolSearch, sdk.ToolSearchToolParam, {}),
    (request_fields.RequestFields, create.ResponseCreateParamsBase, {}),
    (request_fields.AccessPrograms, create.AccessPrograms, {}),
    (request_fields.BackgroundOptions, create.BackgroundOptions, {}),
    (request_fields.ContextManagement, create.ContextManagement, {}),
    (request_fields.ImageOptions, create.Image, {}),
    (request_fields.Moderation, create.Moderation, {}),
    (request_fields.ModerationPolicy, create.ModerationPolicy, {}),
    (request_fields.ModerationMode, create.ModerationPolicyInput, {}),
    (request_fields.ModerationMode, create.ModerationPolicyOutput, {}),
    (request_fields.CacheOptions, create.PromptCacheOptions, {}),
    (request_fields.Reasoning, reasoning.Reasoning, {}),
    (request_fields.Text, sdk.ResponseTextConfigParam, {}),
    (request_fields.AllowedTools, sdk.ToolChoiceAllowedParam, {}),
    (request_fields.ChosenFunction, sdk.ToolChoiceFunctionParam, {}),
    (request_fields.ChosenMcp, sdk.ToolChoiceMcpParam, {}),
    (request_fields.ChosenCustom, sdk.ToolChoiceCustomParam, {}),
    (request_fields.ChosenTool, sdk.ToolChoiceTypesParam, {}),
    (request_fields.ChosenTool, sdk.ToolChoiceApplyPatchParam, {}),
    (request_fields.ChosenTool, sdk.ToolChoiceShellParam, {}),
    (request_fields.ChosenTool, create.ToolChoiceSpecificProgrammaticToolCallingParam, {}),
    (
        tools.Function,
        persisted_agent_tool_param.PersistedAgentToolConfigParamFunction,
        {},
    ),
    (own_tools.ToolSearch, persisted_agent_tool_param.PersistedAgentToolConfigParamToolSearch, {}),
    (
        hosted.ProgrammaticToolCalling,
        persisted_agent_tool_param.PersistedAgentToolConfigParamProgrammaticToolCalling,
        {},
    ),
    (
        mcp.Mcp,
        persisted_agent_tool_param.PersistedAgentToolConfigParamMcp,
        {"credential_id": "credential"},
    ),
    (mcp.Http, persisted_mcp_transport_param.PersistedMcpTransportConfigParamHTTP, {}),
    (mcp.Stdio, persisted_mcp_transport_param.PersistedMcpTransportConfigParamStdio, {}),
    (
        hosted.WebSearch,
        persisted_agent_tool_param.PersistedAgentToolConfigParamWebSearch,
        {
            "allowed_domains": "filters",
            "context_size": "search_context_size",
            "location": "user_location",
        },
    ),
    (
        hosted.UserLocation,
        persisted_agent_tool_param.PersistedAgentToolConfigParamWebSearchLocation,
        {},
    ),
    (
        hosted.ComputerUse,
        persisted_agent_tool_param.PersistedAgentToolConfigParamComputerUse,
        {},
    ),
    (
        hosted.Automations,
        persisted_agent_tool_param.PersistedAgentToolConfigParamAutomations,
        {},
    ),
    (request_fields.AgentReasoning, agent_reasoning_param.AgentReasoningParam, {}),
    (request_fields.AgentText, agent_text_param.AgentTextParam, {}),
    (request_fields.MultiAgent, multi_agent_config_param.MultiAgentConfigParam, {}),
    (request_fields.Compaction, agent_create_params.Compaction, {"async_": "async"}),
    (request_fields.Experimental, agent_create_params.Experimental, {}),
]

# What a spec cannot say on purpose.
OUTSIDE = {
    "ComputerUsePreviewToolParam": "an older `computer`, whose models are gone",
    "WebSearchPreviewToolParam": "an older `web_search`",
    "LocalShell": "an older `shell`",
    "ContainerReferenceParam": "a container ends after twenty minutes without work",
    "ContainerNetworkPolicyDomainSecretParam": "a secret",
    "InlineSkillParam": "bytes, which belong in a skill",
    "InlineSkillSourceParam": "bytes, which belong in a skill",
    "StreamOptions": "of a single request",
    "ResponseConversationParamParam": "of a single request",
    "ResponsePromptParam": "prompt objects end",
}
WORDS = {  # words that only one side has, by model and key
    ("WebSearch", "type"): {"web_search_2025_08_26"},  # a name of the same tool
    # What comes of `external_web_access`, and what nobody need say.
    ("WebSearch", "mode"): {"cached", "live"},
    ("CodeInterpreter", "type"): {"auto", "code_interpreter"},
    ("Shell", "environment"): {"container_auto", "local"},
    ("RankingOptions", "ranker"): {"default_2024_08_21"},  # the one of the Assistants API
    ("ImageGeneration", "model"): None,  # any
    ("ImageGeneration", "size"): None,
    ("Reasoning", "mode"): None,
    ("UserLocation", "type"): {"approximate"},
    ("ContextManagement", "type"): {"compaction"},
    ("ChosenTool", "type"): None,  # one model for several types
}


def fields_of(model: Model) -> dict[str, Any]:
    """What may be written, by its key; a key that is only refused has no annotation."""
    found = {}
    for name, one in model.model_fields.items():
        refused = one.annotation is type(None) or one.annotation is None
        found[one.alias or name] = REFUSED if refused else one.annotation
    return found


def words(hint: Any) -> set[Any]:
    """The words of every literal in an annotation, lists and what may be null included."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    found: set[Any] = set()
    if get_origin(hint) is Annotated:
        return words(get_args(hint)[0])
    for inner in get_args(hint):
        found |= words(inner) if not isinstance(inner, str) else set()
    return found


@pytest.mark.parametrize(
    ("ours", "theirs", "renamed"), PAIRS, ids=[pair[1].__name__ for pair in PAIRS]
)
def test_every_key_and_word(ours: Model, theirs: Any, renamed: dict[str, str]) -> None:
    """Nothing that the SDK sends is unknown to us: it can be written or is refused by name."""
    known = fields_of(ours)
    hints = get_type_hints(theirs)
    missing = [key for key in hints if renamed.get(key, key) not in known]
    assert missing == []
    for key, hint in hints.items():
        mine = known.get(renamed.get(key, key), REFUSED)
        special = WORDS.get((ours.__name__, renamed.get(key, key)), set())
        if mine is not REFUSED and special is not None and words(mine) and words(hint):
            assert words(mine) ^ words(hint) <= special, key


def dicts(hint: Any, seen: dict[str, Any]) -> Iterator[Any]:
    """Every request type that a hint leads to."""
    if isinstance(hint, type) and hasattr(hint, "__total__"):
        if hint.__name__ not in seen:
            seen[hint.__name__] = hint
            yield hint
            for inner in get_type_hints(hint).values():
                yield from dicts(inner, seen)
        return
    for inner in get_args(hint):
        yield from dicts(inner, seen)


def test_no_type_of_the_sdk_is_forgotten() -> None:
    """Every request type below a tool, a request and an agent is compared above, or left out for a
    reason. What belongs to the assistant itself has fields there, and a turn has its input.
    """
    request = get_type_hints(create.ResponseCreateParamsBase)
    apart = ("input", "tools", "text", "conversation", "prompt", "metadata")
    roots = [hint for name, hint in request.items() if name not in apart]
    agent = get_type_hints(agent_create_params.AgentCreateParams)
    roots += [hint for name, hint in agent.items() if name not in ("text", "metadata")]
    reached: dict[str, Any] = {}
    for root in [*roots, tool_param.ToolParam]:
        list(dicts(root, reached))

    compared = {pair[1].__name__ for pair in PAIRS}
    assert sorted(reached.keys() - compared - OUTSIDE.keys()) == []
