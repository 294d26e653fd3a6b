"""A request and what it is answered with, as every way of sending it knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from provisioner import __version__
from provisioner.records import dataclass
from provisioner.remote.bodies import ACCEPTED

CONNECT, READ = 10.0, 120.0  # seconds
SILENCE = 600.0  # seconds that a model may think between two events of a stream
UPLOAD = 600.0  # seconds that sending one file, or waiting for its reply, may take
LONGEST, LONGEST_UPLOAD = (
    300.0,
    6000.0,
)  # seconds from a request to the end of its reply, however steadily it trickles
# The header that some paths want, by what they begin with.
_BETA = {
    "/assistants": "assistants=v2",
    "/threads": "assistants=v2",
    "/vector_stores": "assistants=v2",
    "/agents": "agents=v1",
    "/vaults": "agents=v1",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Which service, and with what right. An `app` is a service in this process and needs
    no key.
    """

    base_url: str
    key: str
    organization: str | None = None
    project: str | None = None
    app: Any = None
    parallelism: int = 10
    read_only: bool = False  # whatever is not a GET is a programming error


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `repeatable`: carrying it out twice does no harm."""

    method: str
    path: str
    repeatable: bool
    params: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    file: tuple[str, Any] | None = None  # name and open binary stream
    key: str | None = None  # by which the service knows that it was sent before
    parts: tuple[tuple[str, bytes], ...] = ()  # names and contents of several small ones


@dataclass(frozen=True, slots=True)
class Received:
    """A reply of whatever status, with the names of its headers in lower case. `content` is
    unpacked; None where it was not read.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes | None

    @property
    def text(self) -> str:
        return (self.content or b"").decode(errors="replace")


class Elsewhere(Exception):
    """A redirect that is not followed, because it leads to another host, or has turned a write into
    a read.
    """

    def __init__(self, received: Received) -> None:
        super().__init__("a redirect to another host")
        self.received = received


class Unreached(Exception):
    """There is no connection, so that nothing was sent."""


class Unsendable(Exception):
    """It can never be sent as it is."""


def every_header(target: Target) -> dict[str, str]:
    """What every request carries."""
    said = {
        "Authorization": f"Bearer {target.key}",
        "OpenAI-Organization": target.organization,
        "OpenAI-Project": target.project,
        "Accept": "application/json",
        "Accept-Encoding": ACCEPTED,
        "User-Agent": f"provisioner/{__version__}",
    }
    return {name: value for name, value in said.items() if value is not None}


def own_headers(path: str, key: str | None) -> dict[str, str]:
    """What this request carries and not every one does."""
    headers = {} if key is None else {"Idempotency-Key": key}
    for begins, version in _BETA.items():
        if path.startswith(begins):
            headers["OpenAI-Beta"] = version
    return headers


def path_of(request: Request) -> str:
    """The path as it is sent, below that of the service."""
    return quote(request.path, safe="/:=@+~")


def without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
    )
