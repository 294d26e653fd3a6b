"""Findings become problems: each with its place, misread values with their source text."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provisioner.masking import holds_secret
from provisioner.model import Position, Problem, Source
from provisioner.records import dataclass
from provisioner.text import quoted
from provisioner.workspace.sections import Sections, SourcedFinding
from provisioner.yamltext.positions import Positions
from provisioner.yamltext.reading import NULL, STR, odd_value

_PREFIX = "tag:yaml.org,2002:"
_MERGE = _PREFIX + "merge"
_KNOWN = {
    _PREFIX + name
    for name in ("str", "int", "float", "bool", "null", "seq", "map", "merge", "timestamp")
}

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Oddity:
    """One of them. `doubtful`: only a problem where text could be meant as well as the value that
    was read.
    """

    path: KeyPath
    node: Node
    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"
    doubtful: bool = False
    first: Node | None = None  # of a duplicate key: the other one


def misread(node: Node) -> Oddity | None:
    """A scalar whose value does not look like its source."""
    if not isinstance(node, ScalarNode) or node.tag == STR or node.style:
        return None
    text, value = node.value, odd_value(node)
    write = f'write `"{text}"` for text'
    if isinstance(value, bool) and text.lower() not in ("true", "false"):
        other = f"{write}, `{str(value).lower()}` for the boolean"
        return _doubt(node, f"`{text}` was read as {str(value).lower()}.", other)
    if isinstance(value, datetime.date):
        return _doubt(node, f"`{text}` was read as a date.", write)
    digits = text.replace("_", "").removeprefix("+")
    if isinstance(value, int) and not isinstance(value, bool) and digits != str(value):
        return _doubt(
            node, f"`{text}` was read as the number {value}.", f"{write}, `{value}` for the number"
        )
    return _misread_float(node, text, value, write) if isinstance(value, float) else None


def _misread_float(node: Node, text: str, value: float, write: str) -> Oddity | None:
    if value in (float("inf"), float("-inf")) or value != value:
        return Oddity(
            (),
            node,
            summary="Surprising YAML value",
            detail=f"`{text}` was read as a number without a value.",
            hint=write,
        )
    if "." in text and text.endswith("0") and "e" not in text.lower() and not text.endswith(".0"):
        return _doubt(node, f"`{text}` was read as the number {value}.", write, "warning")
    return None


def _doubt(node: Node, detail: str, hint: str, severity: str = "error") -> Oddity:
    return Oddity(
        (),
        node,
        summary="Surprising YAML value",
        detail=detail,
        hint=hint,
        severity=severity,
        doubtful=True,
    )


def oddities(root: Node) -> Iterator[Oddity]:
    """Everything odd in a file, each node once, however many aliases lead to it: by the path of a
    use, if any.
    """
    seen: set[int] = set()
    waiting: list[tuple[KeyPath, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield from _own(path, node)
        if isinstance(node, SequenceNode):
            waiting += [((*path, index), item) for index, item in enumerate(node.value)]
        elif isinstance(node, MappingNode):
            yield from _keys(path, node)
            below = []
            for key, value in node.value:
                if key.tag == _MERGE:
                    sources = value.value if isinstance(value, SequenceNode) else [value]
                    below += [(path, source) for source in sources]
                else:
                    below.append(((*path, str(key.value)), value))
            # What only anchors are defined in comes last.
            waiting += (
                sorted(below, key=lambda one: not str(one[0][:1]).startswith("('x-"))
                if not path
                else below
            )


def _own(path: KeyPath, node: Node) -> Iterator[Oddity]:
    if node.tag not in _KNOWN:
        tag = node.tag.replace(_PREFIX, "!!")
        yield Oddity(
            path,
            node,
            summary="Unsupported YAML tag",
            detail=f"The tag `{tag}` is not supported.",
            hint="write plain values",
        )
    misread_as = misread(node)
    if misread_as:
        yield replace(misread_as, path=path)


def _keys(path: KeyPath, node: MappingNode) -> Iterator[Oddity]:
    first: dict[Any, Node] = {}
    for key, value in node.value:
        text = str(key.value)
        if text in first and isinstance(key, ScalarNode):
            line = first[text].start_mark.line + 1
            detail = (
                f"The key `{text}` stands here and in line {line}; YAML would silently keep only"
                " the last."
            )
            yield Oddity(
                (*path, text),
                key,
                summary="Duplicate key",
                detail=detail,
                hint="keep one of them",
                first=first[text],
            )
        first.setdefault(text, key)
        if not isinstance(key, ScalarNode):
            yield _no_key(path, node, key)
        elif key.tag == _MERGE:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if not isinstance(source, MappingNode):
                    yield Oddity(
                        path,
                        source,
                        summary="Invalid merge",
                        detail="`<<` takes a mapping, or a list of them.",
                        hint="name an anchor: `*x`",
                    )
        elif key.tag != STR:
            yield _not_text(path, key)


def _no_key(path: KeyPath, node: MappingNode, key: Node) -> Oddity:
    """`{{var.x}}` is a mapping in the place of a key."""
    names = [str(inner.value) for inner, _ in key.value] if isinstance(key, MappingNode) else []
    variable = len(names) == 1 and re.fullmatch(r"\s*(var\.\w+|environment)\s*", names[0])
    hint = f'write `"${{{names[0].strip()}}}"`' if variable else "write text before the colon"
    return Oddity(
        path,
        node if variable else key,
        summary="Invalid key",
        detail="A key must be text, not a list or a mapping.",
        hint=hint,
    )


def _not_text(path: KeyPath, key: ScalarNode) -> Oddity:
    misread_as = misread(key)
    sort = {"null": "nothing", "bool": "a boolean"}.get(key.tag.removeprefix(_PREFIX), "a number")
    detail = misread_as.detail if misread_as else f"`{key.value}` was read as {sort}."
    return Oddity(
        path,
        key,
        summary="Invalid key",
        detail=f"{detail} A key must be text.",
        hint=f'write `"{key.value}"`',
    )


KEYED = {
    "Unknown key",
    "Unknown section",
    "Invalid name",
    "Invalid key",
    "Duplicate name",
    "Missing variable",
}
_QUOTABLE = {"Wrong type", "Invalid value", "Unknown value", "Value out of range"}
# From a key that is none.
_FOLLOW = {
    "Unknown key",
    "Unknown section",
    "Invalid name",
    "Wrong type",
}
_VARIABLE = re.compile(r"\$\{\s*var\.(\w+)\s*\}")


def place(sourced: SourcedFinding, positions: Positions) -> Problem:
    """The problem that a finding is."""
    finding = sourced.finding
    source = sourced.source.at(*finding.path)
    secret = holds_secret(source.path)
    position = positions.locate(source, key=finding.summary in KEYED)
    problem = Problem(
        finding.summary,
        finding.detail,
        hint=finding.hint,
        severity=finding.severity,
        file=position.file,
        line=position.line,
        column=position.column,
        address=sourced.address,
    )
    return (
        _quoting(problem, positions.node(source))
        if finding.summary in _QUOTABLE and not secret
        else problem
    )


def _quoting(problem: Problem, node: Node | None) -> Problem:
    """Where YAML read something else than what is written, say so and how to write it."""
    if isinstance(node, MappingNode):
        # `{{x}}` and `{var.x}` without quotes are mappings.
        names = [str(key.value) for key, _ in node.value]
        if node.flow_style and len(names) == 1 and re.fullmatch(r"var\.\w+|environment", names[0]):
            return replace(problem, hint=f'write `"${{{names[0]}}}"`')
        return problem
    if not isinstance(node, ScalarNode):
        return problem
    if _VARIABLE.fullmatch(node.value):
        # The problem is in the variable's value, which stands elsewhere.
        name = _VARIABLE.sub(r"\1", node.value)
        as_text = "text" in problem.detail and "quotes" in (problem.hint or '"quotes')
        hint = (
            f"put the value of `{name}` in quotes where it is given"
            if as_text
            else f"change the value of `{name}`"
        )
        return replace(
            problem, detail=f"{problem.detail} It is the value of `{node.value}`.", hint=hint
        )
    if node.style or node.tag in (STR, NULL):
        return problem
    odd = misread(node)
    if odd:
        ranged = problem.summary == "Value out of range"
        return replace(
            problem,
            detail=f"{problem.detail} {odd.detail}",
            hint=problem.hint if ranged else odd.hint,
        )
    if "must be text" in problem.detail and node.value and not problem.hint:
        return replace(problem, hint=f'write `"{node.value}"`')
    return problem


def duplicates(sections: Sections, positions: Positions) -> Iterator[Problem]:
    """A name that is declared in two files, with both places."""
    for first, source in sections.duplicates:
        here, there = positions.locate(source, key=True), positions.locate(first.source, key=True)
        detail = (
            f"`{first.title}` is declared here and in `{there.file}:{there.line}:{there.column}`."
        )
        yield _at(here, "Duplicate name", detail, "rename one of them", address=first.title)


def _at(position: Position, summary: str, detail: str, hint: str | None, **more: Any) -> Problem:
    return Problem(
        summary,
        detail,
        hint,
        file=position.file,
        line=position.line,
        column=position.column,
        **more,
    )


def odd(
    files: Iterable[str],
    positions: Positions,
    text_allowed: Callable[[Source, str], bool],
    kinds: Mapping[str, str],
) -> Iterator[Problem]:
    """What is odd in these files. What is doubtful only counts where text may stand as well."""
    for file in files:
        root = positions.root(file)
        for oddity in oddities(root) if root is not None else ():
            if oddity.summary == "Invalid key" and str(oddity.path[:1]).startswith("('x-"):
                continue  # nobody reads it
            # What is written there is not said again.
            if oddity.doubtful and holds_secret(oddity.path):
                detail = "What is written here was read as something else than text."
                oddity = replace(oddity, detail=detail, hint="put it in quotes")
            if not oddity.doubtful or text_allowed(
                Source(file, oddity.path), str(oddity.node.value)
            ):
                yield _reported(file, oddity, kinds)


def _reported(file: str, oddity: Oddity, kinds: Mapping[str, str]) -> Problem:
    mark = oddity.node.start_mark
    position = Position(file, mark.line + 1, mark.column + 1)
    section = str(oddity.path[0]) if oddity.path else ""
    address = (
        f"{kinds[section]}.{oddity.path[1]}" if section in kinds and len(oddity.path) > 1 else None
    )
    summary, detail = oddity.summary, oddity.detail
    if oddity.first is not None and address and len(oddity.path) == 2:
        other = oddity.first.start_mark
        detail = (
            f"`{address}` is declared here and in `{file}:{other.line + 1}:{other.column + 1}`."
        )
        summary = "Duplicate name"
    problem = _at(position, summary, detail, oddity.hint, address=address)
    return replace(problem, severity=oddity.severity)


def united(reported: Iterable[Problem]) -> list[Problem]:
    """Sorted, each once. Where two speak of one misread value or key, the one that says
    more stays.
    """
    problems = list(dict.fromkeys(reported))
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
    """A problem in an anchor is one problem, however many resources use it."""
    groups: dict[Any, list[Problem]] = {}
    for problem in problems:
        general = (
            problem.detail.replace(f"`{problem.address}`", "")
            if problem.address
            else problem.detail
        )
        groups.setdefault((*_spot(problem), problem.summary, general), []).append(problem)
    for first, *others in groups.values():
        users = quoted((other.address for other in others[:3]), "and")
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        yield (
            replace(first, detail=f"{first.detail} The same stands in {users}{more}.")
            if others
            else first
        )
