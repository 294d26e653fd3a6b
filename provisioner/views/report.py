"""What `validate` says of a workspace without errors, in one line, and of any workspace in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from provisioner.model import Problem
from provisioner.views.problems import problems_json
from provisioner.views.values import inline, many


class Report(Protocol):
    """What validating found."""

    @property
    def problems(self) -> Iterable[Problem]: ...

    @property
    def counts(self) -> Mapping[str, int]: ...  # resources by kind

    @property
    def environments(self) -> Iterable[str]: ...


def report_text(report: Report) -> str:
    """`The specs are valid: 5 assistants, 14 files … in local, prod.`"""
    found = ", ".join(many(count, kind.replace("_", " ")) for kind, count in sorted(report.counts.items()) if count)
    names = ", ".join(f"`{inline(name)}`" for name in report.environments)
    return f"The specs are valid: {found or 'nothing declared'} (environments: {names}).\n"


def report_json(report: Report) -> dict[str, Any]:
    """The problems, and what was checked."""
    found = list(report.problems)
    return {
        **problems_json(found),
        "valid": not any(problem.severity == "error" for problem in found),
        "counts": dict(sorted(report.counts.items())),
        "environments": list(report.environments),
    }
