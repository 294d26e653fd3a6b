"""Specs out of sources: exports, code and configurations. Nothing is asked of a service, nothing is
run, and what was written before by hand stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.diff import same
from provisioner.engine.questions import checked
from provisioner.errors import SpecError
from provisioner.importing.conversations import take_conversations
from provisioner.importing.nouns import Findings, Lost, Origin
from provisioner.importing.sources import read_sources, without_keys
from provisioner.importing.writing import CHECKS, Drafted, write_specs
from provisioner.kinds import kinds
from provisioner.model import Address, Problem
from provisioner.records import dataclass
from provisioner.text import listed
from provisioner.workspace import Workspace
from provisioner.yamltext.reading import value_of
from provisioner.yamltext.spelling import Unwritable


@dataclass(frozen=True, slots=True)
class FromSources:
    """What some sources describe, and the specs that it would be."""

    findings: Findings
    drafted: Drafted = field(default_factory=Drafted)
    changed: tuple[str, ...] = ()  # the files that are new or change


def draft_sources(root: Path, source: Path | bytes, into: str, answers: int = 0) -> FromSources:
    """The specs of what a file, a folder or some bytes describe, with the newest `answers`
    conversations of each assistant as checks. Nothing is written. The same input gives the same
    bytes, and once it was written there is nothing to write. SpecError where the file `into` says
    something else of the same names.
    """
    findings = read_sources(source, root)
    take_conversations(findings, answers)
    findings.found = [without_keys(one) for one in findings.found]  # people paste keys, too
    old = _document(root, into)
    here = {address for address, _ in _entries(old)}
    workspace = Workspace.open(root)
    taken = workspace.written - here
    try:
        drafted = write_specs(root, findings.found, into=into, taken=taken)
    except Unwritable as why:
        detail = f"Nothing can be added to `{into}`: {why}."
        hint = "name another file with `--into FILE`"
        raise SpecError(Problem("Cannot be added", detail, hint, file=into)) from None
    _check_kept(old, drafted, into)
    if drafted.files:
        _name_invalid(findings, drafted, workspace)
    changed = [name for name, data in drafted.files.items() if _there(root, name) != data]
    return FromSources(findings, drafted, tuple(changed))


def _name_invalid(findings: Findings, drafted: Drafted, workspace: Workspace) -> None:
    """Put what `validate` would say of the specs, once they are written, to what it is about."""
    before: set[tuple[str, ...]] | None = None
    for problem in checked(workspace.draft(drafted.files)).problems:
        address = Address.parse(problem.address) if problem.address else None
        index = drafted.origins.get(address) if address else None
        if problem.severity != "error":
            continue
        if index is not None:
            one = findings.found[index]
            if not any(_says(lost, problem) for lost in one.losses):
                losses = (*one.losses, _invalid(problem, one.origin))
                findings.found[index] = replace(one, losses=losses)
            continue
        if before is None:
            before = {_key(known) for known in checked(workspace).problems}
        if _key(problem) not in before:
            findings.losses.append(_invalid(problem, Origin(problem.file or "")))


def _key(problem: Problem) -> tuple[str, ...]:
    """A problem wherever it stands."""
    return problem.summary, problem.detail, problem.file or "", problem.address or ""


def _says(lost: Lost, problem: Problem) -> bool:
    """Whether a line of the report is about the same thing as a problem of the specs."""
    if lost.severity != "error":
        return False
    named = re.findall(r"`([^`]+)`", problem.detail)
    if "variable" in problem.summary:
        return any(f"`{name}`" in (lost.hint or "") for name in named)
    if problem.summary == "Missing key":
        return lost.what.split(".")[-1] == str(named[-1]).split(".")[-1]
    return "a prompt object" in lost.why and "a prompt object" in problem.detail


def _invalid(problem: Problem, origin: Origin) -> Lost:
    """A problem of the specs as a line of the report."""
    what = problem.address or problem.file or problem.summary
    detail, start = problem.detail.removesuffix("."), f"`{what}` "
    if detail.startswith(start):
        return Lost(origin, what, detail.removeprefix(start), problem.hint, "error")
    said = detail.replace(f" of `{what}`", "", 1)
    return Lost(origin, what, f"is not valid: {said}", problem.hint, "error")


def _there(root: Path, name: str) -> bytes | None:
    try:
        return disk.read(root / name, disk.LARGEST_TEXT)
    except OSError:
        return None


def _document(root: Path, into: str) -> Mapping[str, Any]:
    value = value_of(_there(root, into) or b"")
    return value if isinstance(value, dict) else {}


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[Address, Any]]:
    sections = {one.section: name for name, one in kinds().items()}
    for section, entries in document.items():
        if section in sections and isinstance(entries, dict):
            for name, said in entries.items():
                yield Address(sections[section], str(name)), said


def _check_kept(old: Mapping[str, Any], drafted: Drafted, into: str) -> None:
    """What the file says already is not written over; checks are added to those that it has."""
    value = value_of(drafted.files.get(into, b""))
    new = dict(_entries(value if isinstance(value, dict) else {}))
    other = [
        f"`{address}`"
        for address, said in _entries(old)
        if address in new and not same(_unchecked(said), _unchecked(new[address]))
    ]
    if other:
        detail = f"`{into}` says something else of {listed(other)} than the source does."
        hint = "take what is to be read again out of it, or write `--into specs/OTHER.yaml`"
        raise SpecError(Problem("Already there", detail, hint, file=into))


def _unchecked(said: Any) -> Any:
    return {key: said[key] for key in said if key != CHECKS} if isinstance(said, dict) else said
