"""Findings become problems: each with its place, misread values with their source text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from provisioner.model import Position, Problem, Source
from provisioner.spec.oddities import Oddity, misread, oddities
from provisioner.spec.positions import Positions
from provisioner.spec.reading import STR
from provisioner.spec.sections import Finding, Sections

KEYED = {"Unknown key", "Unknown section", "Invalid name", "Duplicate name", "Missing variable"}
_QUOTABLE = {"Wrong type", "Invalid value", "Unknown value"}


def place(finding: Finding, positions: Positions) -> Problem:
    """The problem that a finding is."""
    fault = finding.fault
    source = finding.source.at(*fault.path)
    position = positions.locate(source, key=fault.summary in KEYED)
    problem = Problem(
        fault.summary,
        fault.detail,
        fault.hint,
        fault.severity,
        position.file,
        position.line,
        position.column,
        finding.address,
    )
    return _quoting(problem, positions.node(source)) if fault.summary in _QUOTABLE else problem


def _quoting(problem: Problem, node: Node | None) -> Problem:
    """Where YAML read something else than what is written, say so and how to write it."""
    if isinstance(node, MappingNode):
        return _unquoted_variable(problem, node)
    if not isinstance(node, ScalarNode) or node.style or node.tag == STR:
        return problem
    odd = misread(node)
    if odd:
        return replace(problem, detail=f"{problem.detail} {odd.detail}", hint=odd.hint)
    if "must be text" in problem.detail and node.value and not problem.hint:
        return replace(problem, hint=f'write `"{node.value}"`')
    return problem


def _unquoted_variable(problem: Problem, node: MappingNode) -> Problem:
    """`{{x}}` and `{var.x}` without quotes are mappings."""
    names = [str(key.value) for key, _ in node.value]
    if node.flow_style and len(names) == 1 and re.fullmatch(r"var\.\w+|environment", names[0]):
        return replace(problem, hint=f'write `"${{{names[0]}}}"`')
    return problem


def duplicates(sections: Sections, positions: Positions) -> Iterator[Problem]:
    """A name that is declared in two files, with both places."""
    for first, source in sections.duplicates:
        here, there = positions.locate(source, key=True), positions.locate(first.source, key=True)
        detail = f"`{first.title}` is declared here and in `{there.file}:{there.line}:{there.column}`."
        yield _at(here, "Duplicate name", detail, "rename one of them", address=first.title)


def _at(position: Position, summary: str, detail: str, hint: str | None, **more: Any) -> Problem:
    return Problem(summary, detail, hint, file=position.file, line=position.line, column=position.column, **more)


def odd(
    files: Iterable[str], positions: Positions, text_allowed: Callable[[Source, str], bool], kinds: Mapping[str, str]
) -> Iterator[Problem]:
    """What is odd in these files. What is doubtful only counts where text may stand as well."""
    for file in files:
        root = positions.root(file)
        for found in oddities(root) if root is not None else ():
            if not found.doubtful or text_allowed(Source(file, found.path), str(found.node.value)):
                yield _told(file, found, kinds)


def _told(file: str, found: Oddity, kinds: Mapping[str, str]) -> Problem:
    mark = found.node.start_mark
    position = Position(file, mark.line + 1, mark.column + 1)
    section = str(found.path[0]) if found.path else ""
    address = f"{kinds[section]}.{found.path[1]}" if section in kinds and len(found.path) > 1 else None
    summary, detail = found.summary, found.detail
    if found.first is not None and address and len(found.path) == 2:
        other = found.first.start_mark
        detail = f"`{address}` is declared here and in `{file}:{other.line + 1}:{other.column + 1}`."
        summary = "Duplicate name"
    problem = _at(position, summary, detail, found.hint, address=address)
    return replace(problem, severity=found.severity)


def united(told: Iterable[Problem]) -> list[Problem]:
    """Sorted, each once. Where two speak of one misread value, the one that says more stays."""
    kept: dict[Any, Problem] = {}
    surprises = []
    for problem in told:
        if problem.summary == "Surprising YAML value":
            surprises.append(problem)
        else:
            kept[problem] = problem
    taken = {(problem.file, problem.line, problem.column) for problem in kept}
    free = [problem for problem in surprises if (problem.file, problem.line, problem.column) not in taken]
    return sorted({**kept, **{problem: problem for problem in free}}, key=lambda problem: problem.order)
