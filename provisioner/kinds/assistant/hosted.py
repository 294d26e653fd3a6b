"""Tools that the service runs by itself and that only newer APIs carry, in their own spelling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.common import Shared, Strict, refuse, text_or

Text = Annotated[str, Field(min_length=1)]
Secret = Annotated[
    SkipJsonSchema[None],
    refuse(
        "secret",
        "is a secret and has no place in a spec",
        "leave it out; your application adds it to the request",
    ),
]


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


class ToolFilter(Strict):
    """Some tools of an MCP server."""

    tool_names: list[Text] | None = Field(
        default=None, description="Names of tools", examples=[["list_orders"]]
    )
    read_only: bool | None = Field(
        default=None, description="Tools that say that they change nothing", examples=[True]
    )


class ApprovalFilter(Strict):
    """Which tools need an approval and which do not."""

    always: ToolFilter | None = Field(
        default=None, description="Tools that need one", examples=[{"tool_names": ["delete_order"]}]
    )
    never: ToolFilter | None = Field(
        default=None, description="Tools that need none", examples=[{"read_only": True}]
    )


AllowedTools = Annotated[
    Annotated[list[Text], Tag("<names>")] | Annotated[ToolFilter, Tag("<filter>")],
    Discriminator(lambda value: "<names>" if isinstance(value, list) else "<filter>"),
]
Approval = Annotated[
    Annotated[Literal["always", "never"], Tag("<text>")]
    | Annotated[ApprovalFilter, Tag("<filter>")],
    text_or("<filter>"),
]
Connector = Literal[
    "connector_dropbox",
    "connector_gmail",
    "connector_googlecalendar",
    "connector_googledrive",
    "connector_microsoftteams",
    "connector_outlookcalendar",
    "connector_outlookemail",
    "connector_sharepoint",
]


class Mcp(Strict):
    """Tools of a remote MCP server: by one of `server_url`, `connector_id` and `tunnel_id`."""

    type: Literal["mcp"]
    server_label: str = Field(
        pattern="^[A-Za-z][A-Za-z0-9_-]*$",
        description="What the server is called in tool calls",
        examples=["crm"],
    )
    server_url: str | None = Field(
        default=None,
        pattern="^https?://[^\\s/]",
        description="Where the server is",
        examples=["https://crm.example/mcp"],
    )
    connector_id: Connector | None = Field(
        default=None,
        description="A connector of the service instead of a server",
        examples=["connector_gmail"],
    )
    tunnel_id: str | None = Field(
        default=None,
        pattern="^tunnel_[a-z0-9]{32}$",
        description="A secure MCP tunnel instead of a server",
        examples=["tunnel_0123456789abcdef0123456789abcdef"],
    )
    server_description: str | None = Field(
        default=None,
        description="What the server is for",
        examples=["Our customers and their orders"],
    )
    allowed_tools: AllowedTools | None = Field(
        default=None,
        description="Which of its tools may be called; all when left out",
        examples=[["list_orders"]],
    )
    require_approval: Approval | None = Field(
        default=None,
        description="Which calls need an approval; default `always`",
        examples=["never", {"always": {"tool_names": ["delete_order"]}}],
    )
    defer_loading: bool | None = Field(
        default=None, description="Whether the tools are found by tool search only", examples=[True]
    )
    headers: Secret = None
    authorization: Secret = None


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


class SharedWebSearch(WebSearch, Shared):
    """Search the internet; shared by name."""


class SharedMcp(Mcp, Shared):
    """Tools of a remote Model Context Protocol server; shared by name."""


class SharedImageGeneration(ImageGeneration, Shared):
    """Make images; shared by name."""
