"""What an author may write for a credential."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from provisioner.kinds.common import SecretReference, Strict, refusal

_RESERVED = re.compile(
    r"CODEX_.*|(HTTP|HTTPS|ALL|NO|FTP)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
    r"|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO",
    re.IGNORECASE,
)
_SECRET: Any = {"description": "Where the secret is", "examples": [{"env": "CRM_TOKEN"}]}

Https = Annotated[str, Field(pattern="^https://[^\\s/]", examples=["https://crm.example/mcp"])]


def _moment(text: str) -> str:
    try:
        zone = datetime.fromisoformat(text).tzinfo
    except ValueError:
        zone = None
    if zone is None:
        hint = 'write it like "2027-01-31T12:00:00Z"'
        raise refusal("moment", "is not a time with its zone, as RFC 3339 has it", hint)
    return text


def _free_name(name: str) -> str:
    if _RESERVED.fullmatch(name):
        message = "is a name that the environment of a session has for itself"
        raise refusal("reserved_name", message, "choose another name for the variable")
    return name


def _hosts(hosts: list[str]) -> list[str]:
    if len({host.lower() for host in hosts}) < len(hosts):
        raise refusal("twice", "names a host twice", "take one of them out")
    return hosts


class StaticBearer(Strict):
    """A token that opens an MCP server."""

    type: Literal["static_bearer"] = Field(description="A token that does not change by itself")
    mcp_server_url: Https = Field(description="The server that it opens; fixed")
    token: SecretReference = Field(**_SECRET)


class NoClientSecret(Strict):
    """A client without a secret of its own."""

    type: Literal["none"]


class ClientSecret(Strict):
    """A client with a secret of its own."""

    type: Literal["client_secret_basic", "client_secret_post"] = Field(
        description="Where the secret goes: into the header, or into the body; fixed"
    )
    client_secret: SecretReference = Field(**_SECRET)


def _type_of(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else getattr(value, "type", None)


ClientAuth = Annotated[
    Annotated[NoClientSecret, Tag("<none>")] | Annotated[ClientSecret, Tag("<secret>")],
    Discriminator(lambda value: "<none>" if _type_of(value) == "none" else "<secret>"),
]


class Refresh(Strict):
    """How a new access token is had when the old one has expired."""

    token_endpoint: Https = Field(
        description="Where new tokens are given out; fixed",
        examples=["https://login.crm.example/token"],
    )
    client_id: str = Field(
        min_length=1, description="Who asks for them; fixed", examples=["support"]
    )
    refresh_token: SecretReference = Field(**_SECRET)
    token_endpoint_auth: ClientAuth = Field(
        description="How the client proves who it is", examples=[{"type": "none"}]
    )
    resource: str | None = Field(
        default=None, description="What the token is for; fixed", examples=["https://crm.example"]
    )
    scope: str | None = Field(
        default=None, description="Scopes, separated by spaces", examples=["orders.read"]
    )


class Oauth(Strict):
    """An OAuth token that opens an MCP server."""

    type: Literal["mcp_oauth"] = Field(description="A token of OAuth")
    mcp_server_url: Https = Field(description="The server that it opens; fixed")
    access_token: SecretReference = Field(**_SECRET)
    expires_at: Annotated[str, AfterValidator(_moment)] | None = Field(
        default=None,
        description="When the token expires, as RFC 3339 has it. Left out, a new token does not"
        " expire",
        examples=["2027-01-31T12:00:00Z"],
    )
    refresh: Refresh | None = Field(
        default=None,
        description="How the service gets a new token by itself; it cannot be added later",
        examples=[
            {
                "token_endpoint": "https://login.crm.example/token",
                "client_id": "support",
                "refresh_token": {"env": "CRM_REFRESH_TOKEN"},
                "token_endpoint_auth": {"type": "none"},
            }
        ],
    )


class Unrestricted(Strict):
    """Wherever the network of the environment lets it go."""

    type: Literal["unrestricted"]


class Limited(Strict):
    """To some hosts alone."""

    type: Literal["limited"]
    allowed_hosts: Annotated[
        list[Annotated[str, Field(pattern="^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]],
        Field(
            min_length=1,
            max_length=16,
            description="Host names or IPv4 addresses, 1 to 16, without scheme, port or path",
            examples=[["crm.example"]],
        ),
        AfterValidator(_hosts),
    ]


Networking = Annotated[
    Annotated[Unrestricted, Tag("<unrestricted>")] | Annotated[Limited, Tag("<limited>")],
    Discriminator(
        lambda value: "<unrestricted>" if _type_of(value) == "unrestricted" else "<limited>"
    ),
]


class InEnvironment(Strict):
    """A variable in the environment of a session. The code there sees a stand-in; the secret itself
    goes out to allowed hosts alone.
    """

    type: Literal["environment_variable"] = Field(description="A variable of the environment")
    secret_name: Annotated[
        str,
        Field(
            pattern="^[A-Za-z_][A-Za-z0-9_]*$",
            description="What the variable is called, once in a vault; fixed",
            examples=["CRM_KEY"],
        ),
        AfterValidator(_free_name),
    ]
    secret_value: SecretReference = Field(**_SECRET)
    networking: Networking = Field(
        description="Where the secret may be sent; fixed",
        examples=[{"type": "limited", "allowed_hosts": ["crm.example"]}],
    )


_TAGS = {"mcp_oauth": "<oauth>", "environment_variable": "<environment_variable>"}
Auth = Annotated[
    Annotated[StaticBearer, Tag("<static_bearer>")]
    | Annotated[Oauth, Tag("<oauth>")]
    | Annotated[InEnvironment, Tag("<environment_variable>")],
    Discriminator(lambda value: _TAGS.get(_type_of(value), "<static_bearer>")),
]
