"""Tools that only newer APIs carry, in their own spelling: what the service runs by itself. With
those of MCP servers and those that the application runs, it is what `tools` and `tool` take.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, RootModel, Tag

from provisioner.kinds.assistant.mcp import Mcp, Text
from provisioner.kinds.assistant.own_tools import (
    ApplyPatch,
    Computer,
    Custom,
    Namespace,
    Shell,
    ToolSearch,
)
from provisioner.kinds.common import Shared, Strict


class SearchFilters(Strict):
    """Where a web search may look."""

    allowed_domains: list[Text] | None = Field(
        default=None,
        description="Domains to search in, their subdomains included; all when left out",
        examples=[["who.int", "pubmed.ncbi.nlm.nih.gov"]],
    )


class UserLocation(Strict):
    """Roughly where the user is."""

    type: Literal["approximate"] = Field(default="approximate", description="Always `approximate`")
    city: str | None = Field(default=None, description="City", examples=["Bergen"])
    country: str | None = Field(
        default=None,
        pattern="^[A-Za-z]{2}$",
        description="Two-letter country code",
        examples=["NO"],
    )
    region: str | None = Field(default=None, description="Region", examples=["Vestland"])
    timezone: str | None = Field(
        default=None, description="IANA time zone", examples=["Europe/Oslo"]
    )


class WebSearch(Strict):
    """Search the internet."""

    type: Literal["web_search"]
    filters: SearchFilters | None = Field(
        default=None, description="Where it may look", examples=[{"allowed_domains": ["who.int"]}]
    )
    search_context_size: Literal["low", "medium", "high"] | None = Field(
        default=None,
        description="How much of what was found the model is given; default medium",
        examples=["low"],
    )
    user_location: UserLocation | None = Field(
        default=None,
        description="Roughly where the user is",
        examples=[{"type": "approximate", "country": "NO"}],
    )
    external_web_access: bool | None = Field(
        default=None, description="False: from the cache only", examples=[False]
    )
    mode: Literal["disabled"] | None = Field(
        default=None,
        description="Switched off: only an agent has such a tool",
    )


class SvgReasoning(Strict):
    """How much the author of an SVG image reasons."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        default=None, description="How much", examples=["low"]
    )


class Svg(Strict):
    """How SVG images are made."""

    model: Text | None = Field(
        default=None, description="The model that writes the SVG", examples=["gpt-6-astra"]
    )
    reasoning: SvgReasoning | None = Field(
        default=None, description="How much it reasons", examples=[{"effort": "low"}]
    )


class Mask(Strict):
    """The part of an image that is painted anew."""

    file_id: str | None = Field(
        default=None, description="Id of the mask image", examples=["file-abc"]
    )
    image_url: str | None = Field(default=None, description="The mask image as a data URL")


class ImageGeneration(Strict):
    """Make images."""

    type: Literal["image_generation"]
    model: Text | None = Field(
        default=None, description="The image model", examples=["gpt-image-2"]
    )
    action: Literal["generate", "edit", "auto"] | None = Field(
        default=None, description="New images, or edits of given ones", examples=["generate"]
    )
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | None = Field(
        default=None, description="Quality; not every model knows every one", examples=["high"]
    )
    size: str | None = Field(
        default=None,
        pattern="^(auto|[0-9]+x[0-9]+)$",
        description="WIDTHxHEIGHT, or auto",
        examples=["1024x1536"],
    )
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | None = Field(
        default=None, description="File format", examples=["webp"]
    )
    output_compression: int | None = Field(
        default=None, ge=0, le=100, description="Compression, 0 to 100", examples=[80]
    )
    moderation: Literal["auto", "low"] | None = Field(
        default=None, description="Moderation", examples=["low"]
    )
    background: Literal["transparent", "opaque", "auto"] | None = Field(
        default=None, description="Background", examples=["transparent"]
    )
    input_fidelity: Literal["high", "low"] | None = Field(
        default=None, description="How close to keep to given images", examples=["high"]
    )
    input_image_mask: Mask | None = Field(
        default=None,
        description="The part that is painted anew",
        examples=[{"file_id": "file-abc"}],
    )
    partial_images: int | None = Field(
        default=None, ge=0, le=3, description="Partial images while streaming, 0 to 3", examples=[1]
    )
    complexity: Literal["low", "medium", "high"] | None = Field(
        default=None, description="How much an image is thought over", examples=["low"]
    )
    frame_count: int | None = Field(
        default=None, ge=1, description="Frames of a `gif`; default 9", examples=[12]
    )
    frame_duration_ms: int | None = Field(
        default=None,
        ge=1,
        description="Milliseconds of a frame of a `gif`; default 200",
        examples=[100],
    )
    svg: Svg | None = Field(
        default=None,
        description="How an `svg` is made",
        examples=[{"reasoning": {"effort": "low"}}],
    )


class ProgrammaticToolCalling(Strict):
    """Let the model call tools from code that it writes."""

    type: Literal["programmatic_tool_calling"]
    enabled: bool | None = Field(
        default=None, description="Whether it may; default true", examples=[False]
    )


class ComputerUse(Strict):
    """A browser in the session of an agent."""

    type: Literal["computer_use"]
    include_screenshots: bool | None = Field(
        default=None,
        description="Whether its outputs have screenshots; default false",
        examples=[True],
    )


class Automations(Strict):
    """Let the agent plan when it wakes up."""

    type: Literal["automations"]


MODELS: dict[str, type[Strict]] = {
    "apply_patch": ApplyPatch,
    "automations": Automations,
    "computer": Computer,
    "computer_use": ComputerUse,
    "custom": Custom,
    "image_generation": ImageGeneration,
    "mcp": Mcp,
    "namespace": Namespace,
    "programmatic_tool_calling": ProgrammaticToolCalling,
    "shell": Shell,
    "tool_search": ToolSearch,
    "web_search": WebSearch,
}
"""The models by the type of the tool."""


class SharedApplyPatch(ApplyPatch, Shared):
    """Patches of files, applied by your application; shared by name."""


class SharedAutomations(Automations, Shared):
    """The agent's own schedule; shared by name."""


class SharedComputer(Computer, Shared):
    """A computer that your application controls; shared by name."""


class SharedComputerUse(ComputerUse, Shared):
    """A browser in the session; shared by name."""


class SharedCustom(Custom, Shared):
    """A tool of free text; shared by name."""


class SharedImageGeneration(ImageGeneration, Shared):
    """Make images; shared by name."""


class SharedMcp(Mcp, Shared):
    """Tools of a remote Model Context Protocol server; shared by name."""


class SharedNamespace(Namespace, Shared):
    """Functions below one name; shared by name."""


class SharedProgrammaticToolCalling(ProgrammaticToolCalling, Shared):
    """Tools called from code; shared by name."""


class SharedShell(Shell, Shared):
    """A shell; shared by name."""


class SharedToolSearch(ToolSearch, Shared):
    """Tools that are found when needed; shared by name."""


class SharedWebSearch(WebSearch, Shared):
    """Search the internet; shared by name."""


def _choose(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>"


class Hosted(RootModel[Any]):
    """One of these tools."""

    root: Annotated[
        Annotated[ApplyPatch, Tag("<apply_patch>")]
        | Annotated[Automations, Tag("<automations>")]
        | Annotated[Computer, Tag("<computer>")]
        | Annotated[ComputerUse, Tag("<computer_use>")]
        | Annotated[Custom, Tag("<custom>")]
        | Annotated[ImageGeneration, Tag("<image_generation>")]
        | Annotated[Mcp, Tag("<mcp>")]
        | Annotated[Namespace, Tag("<namespace>")]
        | Annotated[ProgrammaticToolCalling, Tag("<programmatic_tool_calling>")]
        | Annotated[Shell, Tag("<shell>")]
        | Annotated[ToolSearch, Tag("<tool_search>")]
        | Annotated[WebSearch, Tag("<web_search>")],
        Discriminator(_choose),
    ]

    def declared(self) -> dict[str, Any]:
        """What the author wrote."""
        found: dict[str, Any] = self.root.declared()
        return found


class SharedHosted(Hosted):
    """One of these tools, shared by name."""

    root: Annotated[
        Annotated[SharedApplyPatch, Tag("<apply_patch>")]
        | Annotated[SharedAutomations, Tag("<automations>")]
        | Annotated[SharedComputer, Tag("<computer>")]
        | Annotated[SharedComputerUse, Tag("<computer_use>")]
        | Annotated[SharedCustom, Tag("<custom>")]
        | Annotated[SharedImageGeneration, Tag("<image_generation>")]
        | Annotated[SharedMcp, Tag("<mcp>")]
        | Annotated[SharedNamespace, Tag("<namespace>")]
        | Annotated[SharedProgrammaticToolCalling, Tag("<programmatic_tool_calling>")]
        | Annotated[SharedShell, Tag("<shell>")]
        | Annotated[SharedToolSearch, Tag("<tool_search>")]
        | Annotated[SharedWebSearch, Tag("<web_search>")],
        Discriminator(_choose),
    ]
