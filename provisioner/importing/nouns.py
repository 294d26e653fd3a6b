"""What was found somewhere, on its way to becoming a spec."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from provisioner.model import Problem
from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was found: a service, or a place in a file (`line` and `column` from 1)."""

    source: str  # a base URL, or a path as it was given
    line: int | None = None
    column: int | None = None
    path: str = ""  # within a document: `assistants[3].tools[0]`

    def __str__(self) -> str:
        place = f":{self.line}" + (f":{self.column}" if self.column else "") if self.line else ""
        return f"{self.source}{place}" + (f" {self.path}" if self.path else "")


@dataclass(frozen=True, slots=True)
class Lost:
    """A leaf of the source that did not become a field of the spec, and why."""

    origin: Origin
    what: str  # the path of the leaf in the source: `tools[2].ranking_options.ranker`
    why: str  # in half a sentence
    hint: str | None = None
    severity: str = "warning"  # `error`: what is written does not validate until somebody mends it;
    # `note`: it means nothing to a spec (an empty list, the bookkeeping of a service)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found. `fields` are in the spelling of specs (an assistant's tools flat,
    `vector_stores` and `files` inside the tools); what they refer to is `{"id": …}`, which becomes
    a name where the same search found that thing, or `file.PATH` for what is known by its path. A
    variable's place is the text `${var.NAME}`.
    """

    kind: str  # `assistant`, `vector_store`, `file`
    name: str | None  # what it is called there, in its own words
    fields: dict[str, Any]
    origin: Origin
    id: str | None = None
    age: int | None = None  # `created_at`, Unix seconds
    losses: tuple[Lost, ...] = ()
    variables: dict[str, Any] = field(default_factory=dict)  # name -> its value, None where unknown
    # The function of a file that makes it, where nobody in that file calls it.
    uncalled: tuple[str, tuple[int, int]] | None = field(default=None, compare=False)


MOST = 10_000  # things of one reading


class Crowded(Exception):
    """A source with more things than anybody reviews."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody once said in a thread. Without a `text`: it was more than text, or none."""

    origin: Origin
    thread: str | None
    role: str
    text: str | None
    id: str | None
    at: float | None  # Unix seconds
    assistant: str | None  # the id of the one that answered
    run: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """What a run, or a step of it, says: who answered, and what functions returned to it."""

    origin: Origin
    id: str | None
    assistant: str | None
    outputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """What a source says of a document in a store, apart from that store."""

    origin: Origin
    store: str | None  # its id
    entry: dict[str, Any]  # of the store's `files`
    losses: tuple[Lost, ...]


@dataclass(slots=True)
class Findings:
    """What reading sources gave: things, what was said to them, what belongs to none of them, and
    what went wrong.
    """

    found: list[Found] = field(default_factory=list)
    losses: list[Lost] = field(default_factory=list)  # outside of every thing that was found
    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)  # of things whose own id is not the service's
    messages: list[Message] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing was found that anybody could use, and nothing is wrong."""
        failed = any(problem.severity == "error" for problem in self.problems)
        return not (self.found or self.messages or self.runs or self.documents or failed)

    def add(self, other: Findings) -> None:
        self.gain(other.found)
        self.ids |= other.ids
        self.losses += other.losses
        self.problems += other.problems
        self.messages += other.messages
        self.runs += other.runs
        self.documents += other.documents

    def gain(self, found: list[Found]) -> None:
        """Adds some things. Raises Crowded beyond what is read at once."""
        self.found += found
        if len(self.found) > MOST:
            raise Crowded
