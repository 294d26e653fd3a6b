"""Owns the nouns of an answer: what the built-in model is asked, and what it says.

Both APIs bring their own wire form to these and back, so that there is one model for them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Said:
    """A message of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Called:
    """The model's wish that a function be called; `arguments` is JSON."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Returned:
    """What the application gave back for a call."""

    call_id: str
    output: str


Turn = Said | Called | Returned


@dataclass(frozen=True)
class Function:
    """A function that may be called; `parameters` is a JSON Schema, or None where it takes none."""

    name: str
    parameters: dict[str, Any] | None = None


@dataclass(frozen=True)
class Passage:
    """A piece of a document that the search found; the best come first."""

    file_id: str
    filename: str
    text: str
    score: float


@dataclass(frozen=True)
class Question:
    """All that the model looks at.

    `turns` are oldest first. `hosted` are the types of the tools that the service itself would
    run (`code_interpreter`, `web_search` …). `tool_choice` is `auto`, `none`, `required`, the type
    of a hosted tool or the name of a function. `schema` asks for JSON that obeys it; `json_only`
    for any JSON object.
    """

    turns: Sequence[Turn]
    functions: Sequence[Function] = ()
    hosted: Sequence[str] = ()
    passages: Sequence[Passage] = ()
    tool_choice: str = "auto"
    parallel: bool = True
    json_only: bool = False
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class FunctionCall:
    """A call that the model asks for; `arguments` is JSON that fits the function's parameters."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Citation:
    """Where the text rests on a document; `start` and `end` enclose the mark in the text."""

    start: int
    end: int
    mark: str
    quote: str
    passage: Passage


@dataclass(frozen=True)
class Answer:
    """Either `calls`, or a text with its citations. `used` are the hosted tools that the model
    turned to first, in order.
    """

    text: str = ""
    citations: tuple[Citation, ...] = ()
    calls: tuple[FunctionCall, ...] = ()
    used: tuple[str, ...] = ()
