"""Tools of remote MCP servers."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.tools import Callers
from provisioner.kinds.common import Reference, Strict, refusal, refuse, text_or

Text = Annotated[str, Field(min_length=1)]
Url = Annotated[
    str,
    Field(
        pattern="^https?://[^\\s/]",
        description="Where the server is",
        examples=["https://crm.example/mcp"],
    ),
]
_SECRET = re.compile(r"auth|cookie|token|secret|password|api[-_]?key", re.IGNORECASE)
_REMEDY = "leave it out; name a `credential`, or let your application add it to the request"
Secret = Annotated[
    SkipJsonSchema[None], refuse("secret", "is a secret and has no place in a spec", _REMEDY)
]
Headers = Annotated[
    SkipJsonSchema[None],
    refuse(
        "headers",
        "may hold a secret, which has no place in a spec",
        "write what is no secret into `transport: {type: http, server_url: …, headers: {…}}`",
    ),
]


def _open_header(name: str) -> str:
    if _SECRET.search(name):
        raise refusal("secret_header", "is where a secret goes, which has no place here", _REMEDY)
    return name


HeaderName = Annotated[str, Field(min_length=1), AfterValidator(_open_header)]


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


class Http(Strict):
    """A server that is called over HTTP."""

    type: Literal["http"]
    server_url: Url
    headers: dict[HeaderName, str] | None = Field(
        default=None,
        description="Headers that are no secret",
        examples=[{"X-Region": "eu"}],
    )


class Stdio(Strict):
    """A server that is started where the session of an agent runs."""

    type: Literal["stdio"]
    command: Text = Field(description="What starts it", examples=["crm-mcp"])
    cwd: Text = Field(description="The folder it is started in", examples=["/workspace"])
    args: list[str] | None = Field(
        default=None, description="Arguments of the command", examples=[["--read-only"]]
    )
    env_vars: list[Text] | None = Field(
        default=None,
        description="Names of variables that it gets from its environment",
        examples=[["CRM_REGION"]],
    )


Transport = Annotated[
    Annotated[Http, Tag("<http>")] | Annotated[Stdio, Tag("<stdio>")],
    Discriminator(lambda value: "<stdio>" if _type_of(value) == "stdio" else "<http>"),
]


def _type_of(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else getattr(value, "type", None)


class Mcp(Strict):
    """Tools of a remote MCP server: by one of `server_url`, `transport`, `connector_id` and
    `tunnel_id`.
    """

    type: Literal["mcp"]
    server_label: str = Field(
        pattern="^[A-Za-z][A-Za-z0-9_-]*$",
        description="What the server is called in tool calls",
        examples=["crm"],
    )
    server_url: Url | None = Field(
        default=None,
        description="Where the server is; short for a `transport` over HTTP without headers",
        examples=["https://crm.example/mcp"],
    )
    transport: Transport | None = Field(
        default=None,
        description="How the server is reached, where that is more than its URL",
        examples=[
            {"type": "http", "server_url": "https://crm.example/mcp", "headers": {"X-Region": "eu"}}
        ],
    )
    connector_id: Connector | None = Field(
        default=None,
        description="A connector of the service instead of a server; Responses only",
        examples=["connector_gmail"],
    )
    tunnel_id: str | None = Field(
        default=None,
        pattern="^tunnel_[a-z0-9]{32}$",
        description="A secure MCP tunnel instead of a server; Responses only",
        examples=["tunnel_0123456789abcdef0123456789abcdef"],
    )
    credential: Reference | None = Field(
        default=None,
        description=(
            "The credential that opens the server. Under `agents` the service has it; under"
            " `responses` your application fills it in, where `output` says"
        ),
        examples=[{"id": "cred_abc123"}],
    )
    server_description: str | None = Field(
        default=None,
        description="What the server is for; Responses only",
        examples=["Our customers and their orders"],
    )
    allowed_tools: AllowedTools | None = Field(
        default=None,
        description="Which of its tools may be called; all when left out",
        examples=[["list_orders"]],
    )
    require_approval: Approval | None = Field(
        default=None,
        description="Which calls need an approval; default `always`. Responses only",
        examples=["never", {"always": {"tool_names": ["delete_order"]}}],
    )
    defer_loading: bool | None = Field(
        default=None,
        description="Whether the tools are found by tool search only; Responses only",
        examples=[True],
    )
    allowed_callers: Callers = None
    connection_origin: Literal["service", "environment"] | None = Field(
        default=None,
        description=(
            "Where calls come from: the network of the service (default) or the session's own"
            " environment; Agents only"
        ),
        examples=["environment"],
    )
    request_metadata: dict[str, Any] | None = Field(
        default=None,
        description="What is sent along with each call; Agents only",
        examples=[{"tenant": "acme"}],
    )
    required: bool | None = Field(
        default=None,
        description="Whether a session waits for the server; default false. Agents only",
        examples=[True],
    )
    headers: Headers = None
    authorization: Secret = None
