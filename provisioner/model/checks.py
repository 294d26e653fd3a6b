"""Checks: conversations that must hold, what came of them, and what did not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioner.model.names import Address, Problem


@dataclass(frozen=True, slots=True)
class CheckFile:
    """A file of the workspace that goes along with a message; it is uploaded for the check."""

    path: str
    tool: Literal["file_search", "code_interpreter"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What has to be true of a reply. `calls` are arguments by function, or None for any."""

    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    matches: str | None = None
    cites: tuple[str, ...] = ()  # paths of files
    calls: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    json_schema: Any = None
    status: str = "completed"
    max_tokens: int | None = None
    max_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """A question to a model about a reply; it can only warn. Without a `model` it is the
    assistant's own.
    """

    rubric: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class CheckTurn:
    """What is said, what functions return to that, and what is expected of the reply."""

    say: str
    attach: tuple[CheckFile, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)  # by function
    answer: str | None = None  # `package.module:function`, for functions without an output
    expect: Expectation = Expectation()
    judge: Judge | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A named conversation with an assistant, tried up to `attempts` times until it held `passes`
    times.
    """

    name: str
    turns: tuple[CheckTurn, ...]
    attempts: int = 1
    passes: int = 1
    max_tokens: int | None = None  # of all its attempts together
    cache: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """One expectation that a reply did not meet: what was expected, and what there was instead."""

    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One turn as it went; no misses: everything held."""

    said: str
    replied: str
    misses: tuple[Miss, ...] = ()
    warnings: tuple[str, ...] = ()  # of a judge
    calls: tuple[str, ...] = ()  # `get_weather({"location": "Oslo"})`
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One conversation. Where it could not be held to its end, `problem` says why."""

    turns: tuple[TurnResult, ...] = ()
    problem: Problem | None = None

    @property
    def passed(self) -> bool:
        return self.problem is None and not any(turn.misses for turn in self.turns)

    @property
    def tokens(self) -> int:
        return sum(turn.tokens for turn in self.turns)

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of one check: `passed`, `failed`, or `error`, which is that it could not be run to
    its end; `problem` then says why.
    """

    address: Address
    check: Check
    outcome: Literal["passed", "failed", "error"]
    attempts: tuple[Attempt, ...] = ()
    problem: Problem | None = None
    cached: bool = False

    @property
    def title(self) -> str:
        return f"{self.address}#{self.check.name}"

    @property
    def passes(self) -> int:
        return sum(attempt.passed for attempt in self.attempts)

    @property
    def tokens(self) -> int:
        """What it cost; what is cached costs nothing."""
        return 0 if self.cached else sum(attempt.tokens for attempt in self.attempts)

    @property
    def seconds(self) -> float:
        return 0.0 if self.cached else sum(attempt.seconds for attempt in self.attempts)

    @property
    def warnings(self) -> tuple[str, ...]:
        turns = [turn for attempt in self.attempts for turn in attempt.turns]
        return tuple(warning for turn in turns for warning in turn.warnings)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came of all checks, in the order of addresses and names."""

    workspace: str
    environment: str
    results: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        return not self.interrupted and all(one.outcome == "passed" for one in self.results)

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.results)
