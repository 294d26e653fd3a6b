"""Owns what a faults file makes of a run or of a response."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Fate:
    """What becomes of it after `seconds`; without a number, one that `stays` has no end of its
    own. `code` is that of its error, or the reason why it is incomplete.
    """

    outcome: Literal["failed", "expired", "incomplete", "stays"]
    seconds: float | None
    code: str | None

    @classmethod
    def of(cls, action: dict[str, Any]) -> Fate:
        """What a rule's action says."""
        seconds = action.get("seconds", None if action["run"] == "stays" else 0.0)
        return cls(action["run"], seconds, action.get("code"))


# What the request that is being answered is to start.
FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)
