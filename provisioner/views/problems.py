"""Problems as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.errors import problem_json, quiet
from provisioner.model import Problem, Report
from provisioner.views.values import PLAIN, Paint, inline, many, visible


def problem_text(problem: Problem, paint: Paint = PLAIN) -> str:
    """One problem: its place and summary, its detail, its hint."""
    problem = quiet(problem)
    place = place_text(problem)
    head = f"{paint(problem.severity, problem.severity)}: {inline(problem.summary)}"
    lines = [f"{place}: {head}" if place else head, *_indented(problem.detail)]
    if problem.hint:
        lines += _indented(f"hint: {problem.hint}")
    return "\n".join(lines)


def problems_text(problems: Iterable[Problem], paint: Paint = PLAIN) -> str:
    """All problems, sorted, each ending its last line; empty for none."""
    ordered = sorted(problems, key=lambda problem: problem.order)
    return "".join(f"{problem_text(problem, paint)}\n" for problem in ordered)


def problems_json(problems: Iterable[Problem]) -> dict[str, Any]:
    """The document of `--json`: every problem, sorted."""
    return {"problems": [problem_json(one) for one in sorted(problems, key=lambda one: one.order)]}


def place_text(problem: Problem) -> str:
    """`specs/support.yaml:14:18`, or the address of what has no place in a file."""
    if problem.file is None:
        return inline(problem.address or "")
    parts = [inline(problem.file)]
    if problem.line is not None:
        parts.append(str(problem.line))
        if problem.column is not None:
            parts.append(str(problem.column))
    return ":".join(parts)


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in visible(text).splitlines()]


def report_text(report: Report) -> str:
    """`The specs are valid: 5 assistants, 14 files … in local, prod.`"""
    counts = ", ".join(
        many(count, kind.replace("_", " "))
        for kind, count in sorted(report.counts.items())
        if count
    )
    names = ", ".join(f"`{inline(name)}`" for name in report.environments)
    return f"The specs are valid: {counts or 'nothing declared'} (environments: {names}).\n"


def report_json(report: Report) -> dict[str, Any]:
    """The problems, and what was checked."""
    problems = list(report.problems)
    more: dict[str, Any] = {}
    if report.carrying:
        from provisioner.views.carrying import carrying_json

        more = {"mapping": carrying_json(report.carrying)}
    return {
        **problems_json(problems),
        "valid": not any(problem.severity == "error" for problem in problems),
        "counts": dict(sorted(report.counts.items())),
        "environments": list(report.environments),
        **more,
    }
