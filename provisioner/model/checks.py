"""Checks: conversations that must hold, what came of them, and what did not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from provisioner.model.names import Address, Problem
from provisioner.records import dataclass


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
    """What is said, what functions return to that, and what is expected of the reply. `was`: what
    was answered once, which is only shown.
    """

    say: str
    was: str | None = None
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
    was: str | None = None  # what was answered once


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
    """What came of one check: `passed`, `failed`, `error`, which is that it could not be run to its
    end, or `needs_apply`, which is that what it needs is only there after an apply; of both the
    `problem` says why.
    """

    address: Address
    check: Check
    outcome: Literal["passed", "failed", "error", "needs_apply"]
    attempts: tuple[Attempt, ...] = ()
    problem: Problem | None = None
    cached: bool = False
    side: Literal["", "applied", "planned"] = ""  # where both are checked: which of them this is
    # Of what is planned: the same check with what is applied, where that is something else.
    applied: CheckResult | None = None
    unchanged: bool = False  # what is planned is what is applied

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
    def answers(self) -> tuple[TurnResult, ...]:
        """The turns of its last attempt, which decided it."""
        return self.attempts[-1].turns if self.attempts else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        turns = [turn for attempt in self.attempts for turn in attempt.turns]
        return tuple(warning for turn in turns for warning in turn.warnings)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came of all checks, in the order of addresses and names. `planned`: with what an apply
    would make.
    """

    workspace: str
    environment: str
    results: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    planned: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with what was to be checked."""
        fine = all(one.outcome in ("passed", "needs_apply") for one in self.results)
        return fine and not self.interrupted

    @property
    def tokens(self) -> int:
        results = [*self.results, *(one.applied for one in self.results if one.applied)]
        return sum(one.tokens for one in results)
