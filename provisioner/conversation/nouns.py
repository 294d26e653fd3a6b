"""The nouns of a conversation, the same whatever API it goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Any, Literal, Protocol

from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom to talk to: an assistant by its id, a request profile (`responses.create`'s keyword
    arguments), or an agent by its id and what its sessions have (`sessions.create`'s).
    """

    address: str
    api: str
    id: str | None = None
    request: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """An uploaded file that goes along with a message, for one tool."""

    file_id: str
    tool: Literal["file_search", "code_interpreter"]


@dataclass(frozen=True, slots=True)
class Message:
    """What the user says."""

    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the assistant wants called; `arguments` as JSON text, as it came."""

    id: str
    name: str
    arguments: str


Answerer = Callable[[Call], Awaitable[str]]
"""Gives what a function returns, as text; whatever it raises ends the turn as failed."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A document that the answer rests on; the name is empty where the service does not say it."""

    file_id: str
    filename: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a turn, all its requests together."""

    input: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Event:
    """What happens while a reply comes: `text` (a piece of it), `call`, `tool` (one that the
    service runs, and how far it is), `remark` (in half a sentence).
    """

    kind: Literal["text", "call", "tool", "remark"]
    text: str = ""
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A turn's end. `status` is `completed`, `failed`, `cancelled`, `expired` or `incomplete`, or a
    word of the service's own; `reason` says why, in its words, where it is not completed.
    """

    status: str
    text: str = ""
    reason: str = ""
    calls: tuple[Call, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)  # by the id of the call
    citations: tuple[Citation, ...] = ()
    usage: Usage = Usage()
    seconds: float = 0.0


class Conversation(Protocol):
    """One conversation. It exists at the service from `open` to `close`."""

    kind: str  # `thread`, `conversation` or `session`
    id: str  # at the service; empty where there is nothing of it, or not yet

    async def say(
        self, message: Message, answer: Answerer, tell: Callable[[Event], None], deadline: float
    ) -> Reply:
        """One turn, whole: functions are answered until the assistant has said what it has to say.
        `deadline` in seconds; past it, what runs is cancelled, waited for, and reported.
        """
        ...

    async def close(self) -> None:
        """Delete it at the service, with what was made for it; what is gone counts as deleted."""
        ...
