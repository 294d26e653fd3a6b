"""The errors a user can meet, each carrying problems as data.

ProvisionerError
├── SpecError          problems in the workspace, found without a connection
├── UsageError         a command line that makes no sense
├── LockError          the lock cannot be read, written or taken
├── PlanError          a plan that must not be applied: blocked, stale, altered
└── ServiceError       the service refused or could not be reached
    ├── NotFound       404 on an id
    ├── RouteMissing   404 on a route: the service lacks this API
    ├── Refused        401 or 403
    ├── QuotaExceeded  429 that no waiting cures
    └── ReplyLost      nobody knows whether the request was carried out
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from provisioner import disk
from provisioner.masking import without_keys
from provisioner.model import Problem


def quiet(problem: Problem) -> Problem:
    """The problem without a key that it may quote."""
    return replace(
        problem,
        detail=without_keys(problem.detail),
        hint=problem.hint and without_keys(problem.hint),
    )


def problem_json(problem: Problem) -> dict[str, Any]:
    """One problem, as every `--json` output shows it."""
    problem = quiet(problem)
    return {
        "severity": problem.severity,
        "summary": problem.summary,
        "detail": problem.detail,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "address": problem.address,
        "hint": problem.hint,
    }


class ProvisionerError(Exception):
    """Base of all errors that are shown as problems instead of a traceback."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: list[Problem] = sorted(found, key=lambda problem: problem.order)
        super().__init__(
            "; ".join(f"{problem.summary}: {problem.detail}" for problem in self.problems)
        )


class SpecError(ProvisionerError):
    """Problems in the workspace, found without a connection."""


def not_written(file: str, error: OSError) -> SpecError:
    """What to say where a file of the workspace cannot be written."""
    detail = f"`{file}` cannot be written: {error.strerror}."
    return SpecError(Problem("File not written", detail, disk.remedy(error), file=file))


class UsageError(ProvisionerError):
    """A command line that makes no sense."""


class LockError(ProvisionerError):
    """The lock cannot be read, written or taken."""


class PlanError(ProvisionerError):
    """A plan that must not be applied: blocked, stale or altered."""


class ServiceError(ProvisionerError):
    """The service refused or could not be reached."""

    def __init__(
        self,
        problem: Problem,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(problem)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class NotFound(ServiceError):
    """404 on an id."""


FORBIDDEN = 403


class RouteMissing(ServiceError):
    """404 on a route: the service lacks this API."""


class Refused(ServiceError):
    """401 or 403."""


class QuotaExceeded(ServiceError):
    """A 429 that no waiting cures."""


class ReplyLost(ServiceError):
    """Nobody knows whether the request was carried out: connection lost, time-out or 5xx."""
