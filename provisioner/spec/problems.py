"""Findings become problems: each with its place, misread values with their source text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from provisioner.masking import holds_secret
from provisioner.model import Position, Problem, Source
from provisioner.spec.oddities import Oddity, misread, oddities
from provisioner.spec.positions import Positions
from provisioner.spec.reading import NULL, STR
from provisioner.spec.sections import Finding, Sections
from provisioner.spec.words import quoted

KEYED = {"Unknown key", "Unknown section", "Invalid name", "Invalid key", "Duplicate name", "Missing variable"}
_QUOTABLE = {"Wrong type", "Invalid value", "Unknown value", "Value out of range"}
_FOLLOW = {"Unknown key", "Unknown section", "Invalid name", "Wrong type"}  # from a key that is none
_VARIABLE = re.compile(r"\$\{\s*var\.(\w+)\s*\}")


def place(finding: Finding, positions: Positions) -> Problem:
    """The problem that a finding is."""
    fault = finding.fault
    source = finding.source.at(*fault.path)
    secret = holds_secret(source.path)
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
    return _quoting(problem, positions.node(source)) if fault.summary in _QUOTABLE and not secret else problem


def _quoting(problem: Problem, node: Node | None) -> Problem:
    """Where YAML read something else than what is written, say so and how to write it."""
    if isinstance(node, MappingNode):
        return _unquoted_variable(problem, node)
    if not isinstance(node, ScalarNode):
        return problem
    if _VARIABLE.fullmatch(node.value):
        return _of_variable(problem, node.value)
    if node.style or node.tag in (STR, NULL):
        return problem
    odd = misread(node)
    if odd:
        ranged = problem.summary == "Value out of range"
        return replace(problem, detail=f"{problem.detail} {odd.detail}", hint=problem.hint if ranged else odd.hint)
    if "must be text" in problem.detail and node.value and not problem.hint:
        return replace(problem, hint=f'write `"{node.value}"`')
    return problem


def _of_variable(problem: Problem, written: str) -> Problem:
    """The fault is in the variable's value, which stands elsewhere."""
    name = _VARIABLE.sub(r"\1", written)
    as_text = "text" in problem.detail and "quotes" in (problem.hint or '"quotes')
    hint = f"put the value of `{name}` in quotes where it is given" if as_text else f"change the value of `{name}`"
    return replace(problem, detail=f"{problem.detail} It is the value of `{written}`.", hint=hint)


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
            if found.summary == "Invalid key" and str(found.path[:1]).startswith("('x-"):
                continue  # nobody reads it
            if found.doubtful and holds_secret(found.path):  # what is written there is not said again
                detail = "What is written here was read as something else than text."
                found = replace(found, detail=detail, hint="put it in quotes")
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
    """Sorted, each once. Where two speak of one misread value or key, the one that says more stays."""
    problems = list(dict.fromkeys(told))
    keys = {_spot(problem) for problem in problems if problem.summary == "Invalid key"}
    taken = {_spot(problem) for problem in problems if problem.summary != "Surprising YAML value"}
    kept = [
        problem
        for problem in problems
        if not (problem.summary in _FOLLOW and _spot(problem) in keys)
        and not (problem.summary == "Surprising YAML value" and _spot(problem) in taken)
    ]
    return sorted(_shared(kept), key=lambda problem: problem.order)


def _spot(problem: Problem) -> tuple[str | None, int | None, int | None]:
    return (problem.file, problem.line, problem.column)


def _shared(problems: list[Problem]) -> Iterator[Problem]:
    """A fault in an anchor is one fault, however many resources use it."""
    groups: dict[Any, list[Problem]] = {}
    for problem in problems:
        general = problem.detail.replace(f"`{problem.address}`", "") if problem.address else problem.detail
        groups.setdefault((*_spot(problem), problem.summary, general), []).append(problem)
    for first, *others in groups.values():
        users = quoted((other.address for other in others[:3]), "and")
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        yield replace(first, detail=f"{first.detail} The same stands in {users}{more}.") if others else first
